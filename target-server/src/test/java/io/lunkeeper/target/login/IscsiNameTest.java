package io.lunkeeper.target.login;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class IscsiNameTest {

    @ParameterizedTest
    @CsvSource({
        "iqn.1993-08.org.debian:01:abc, iqn.1993-08.org.debian:01:abc",
        "IQN.1991-05.com.Microsoft:HOST, iqn.1991-05.com.microsoft:host",
        "iqn.1998-01.com.vmware:esx-1_a, iqn.1998-01.com.vmware:esx-1_a",
        "iqn.2001-04.com.example, iqn.2001-04.com.example",
        "iqn.2001-04.com.example:\u00c4, iqn.2001-04.com.example:\u00e4",
        "iqn.2001-04.com.example:a\u0308, iqn.2001-04.com.example:\u00e4",
        "eui.02004567A425678D, eui.02004567a425678d",
        "naa.52004567BA64678D, naa.52004567ba64678d",
        "naa.62004567BA64678D0123456789ABCDEF, naa.62004567ba64678d0123456789abcdef",
    })
    void foldsNamesToOneForm(String name, String normalized) {
        assertEquals(normalized, IscsiName.normalize(name));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "iqn.",
                "iqn.2001",
                "iqn.2001-13.com.example",
                "iqn.2001-00.com.example",
                "iqn.2001-04.",
                "iqn.2001-04.com example",
                "iqn.2001-04.com.example:a/b",
                "iqn.01-04.com.example",
                "example",
                "eui.1",
                "eui.02004567A425678G",
                "naa.5",
                "naa.52004567BA64678D0",
                "iqn.2001-04.com.example:\ufffd",
                "iqn.2001-04.com.example:*",
                "iqn.2001-04.com.example\n"
            })
    void refusesWhatIsNoName(String name) {
        assertNull(IscsiName.normalize(name));
    }

    @Test
    void boundsTheLengthInBytes() {
        String start = "iqn.2001-04.com.example:";
        assertNotNull(IscsiName.normalize(start + "a".repeat(223 - start.length())));
        assertNull(IscsiName.normalize(start + "a".repeat(224 - start.length())));
        assertNull(IscsiName.normalize(start + "\u00e4".repeat(100)));
    }
}
