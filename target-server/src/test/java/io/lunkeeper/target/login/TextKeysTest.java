package io.lunkeeper.target.login;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class TextKeysTest {

    @Test
    void partsPairsAtNulAndAtTheFirstEqualsSign() {
        assertEquals(
                List.of(
                        new TextKeys.Pair("A", "1"),
                        new TextKeys.Pair("B-b_2@.+#", ""),
                        new TextKeys.Pair("C", "x=y,=\u00e4")),
                TextKeys.parse(bytes("A=1\0B-b_2@.+#=\0C=x=y,=\u00e4\0")));
        assertEquals(List.of(), TextKeys.parse(bytes("")));
    }

    @Test
    void passesOverEmptyPairs() {
        assertEquals(
                List.of(new TextKeys.Pair("A", "1"), new TextKeys.Pair("B", "2")),
                TextKeys.parse(bytes("\0A=1\0\0\0B=2\0\0")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "A",
                "A=1",
                "A\0",
                "=1\0",
                "A=1\0B",
                "A=1\0B=2",
                "A B=1\0",
                "\u00e4=1\0",
                "A\n=1\0"
            })
    void refusesMalformedText(String text) {
        assertNull(TextKeys.parse(bytes(text)));
    }

    @Test
    void refusesBytesThatAreNoUtf8() {
        byte[] text = bytes("A=xy\0");
        text[2] = (byte) 0xc3;
        assertNull(TextKeys.parse(text));
        text[3] = (byte) 0xa4;
        assertEquals(List.of(new TextKeys.Pair("A", "\u00e4")), TextKeys.parse(text));
        text[2] = (byte) 0xff;
        assertNull(TextKeys.parse(text));
    }

    @Test
    void boundsKeysValuesAndPairs() {
        assertNotNull(TextKeys.parse(bytes("k".repeat(63) + "=1\0")));
        assertNull(TextKeys.parse(bytes("k".repeat(64) + "=1\0")));
        assertNotNull(TextKeys.parse(bytes("A=" + "v".repeat(255) + "\0")));
        assertNull(TextKeys.parse(bytes("A=" + "v".repeat(256) + "\0")));
        String list = ("v".repeat(255) + ",").repeat(20);
        assertNotNull(TextKeys.parse(bytes("A=" + list + "\0")));
        assertNull(TextKeys.parse(bytes("A=" + list + "v".repeat(256) + "\0")));
        assertNotNull(TextKeys.parse(bytes("A=1\0".repeat(100))));
        assertNull(TextKeys.parse(bytes("A=1\0".repeat(101))));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
