package io.lunkeeper.target.login;

import java.util.Base64;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/// Binary values in text (RFC 7143 6.1 Text Format, large-binary-value): hexadecimal behind 0x, or
/// Base64 behind 0b.
final class BinaryValue {
    private BinaryValue() {}

    /// How long the text of so many bytes is at most.
    static int textBytes(int valueBytes) {
        return 2 + 2 * valueBytes;
    }

    static String encode(byte[] value) {
        return "0x" + HexFormat.of().formatHex(value);
    }

    /// The bytes that a text stands for; null when it is no binary value. Of an odd number of
    /// hexadecimal digits the first is a byte of its own, since the number that they make begins
    /// with the most significant one.
    static byte @Nullable [] decode(String text) {
        if (text.length() < 3 || text.charAt(0) != '0') {
            return null;
        }
        String digits = text.substring(2);
        try {
            return switch (text.charAt(1)) {
                case 'x', 'X' -> HexFormat.of().parseHex(wholeBytes(digits));
                case 'b', 'B' -> Base64.getDecoder().decode(digits);
                default -> null;
            };
        } catch (IllegalArgumentException malformed) {
            return null;
        }
    }

    private static String wholeBytes(String digits) {
        return digits.length() % 2 == 0 ? digits : '0' + digits;
    }
}
