package io.lunkeeper.target.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class IscsiNameTest {
    @ParameterizedTest
    @CsvSource({
        "*, iqn.a, true",
        "iqn.a, iqn.a, true",
        "iqn.a, iqn.ab, false",
        "iqn.ab, iqn.a, false",
        "iqn.?, iqn.a, true",
        "iqn.?, iqn., false",
        "iqn.*:h?, iqn.x:y:h1, true",
        "iqn.*:h?, iqn.x:y:h, false",
        "*a*b, aab, true",
        "*a*b, aaba, false",
        "iqn.a*, iqn.a, true",
        "iqn.a**, iqn.ab, true",
        "iqn.a, iqnxa, false",
    })
    void patternsMatch(String pattern, String name, boolean matches) {
        assertEquals(matches, IscsiName.matches(pattern, name));
    }

    @Test
    void hostilePatternTakesNoLongerThanAnyOther() {
        String pattern = "*a".repeat(100) + "b";
        String name = "a".repeat(IscsiName.MAX_BYTES);
        assertTimeoutPreemptively(
                Duration.ofSeconds(30),
                () -> assertEquals(false, IscsiName.matches(pattern, name)));
    }
}
