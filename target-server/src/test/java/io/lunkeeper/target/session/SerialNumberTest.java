package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SerialNumberTest {

    /// RFC 1982 3.2 Comparison, at the places where plain comparison of ints fails.
    @ParameterizedTest
    @CsvSource({
        "0, 1, true",
        "1, 0, false",
        "5, 5, false",
        "-1, 0, true",
        "0, -1, false",
        "2147483647, -2147483648, true",
        "-2147483648, 2147483647, false",
        "-100, 100, true",
        "0, 2147483647, true",
    })
    void precedesAcrossTheWrap(int left, int right, boolean expected) {
        assertEquals(expected, new SerialNumber(left).precedes(new SerialNumber(right)));
    }
}
