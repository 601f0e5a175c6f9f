package io.lunkeeper.target.isns;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// A message of the client as a server reads it, by the words of RFC 4171 alone.
///
/// @param attributes `TAG=VALUE`, addresses in hexadecimal; `0=` is the delimiter
record SentMessage(int function, int flags, int transaction, int bytes, List<String> attributes) {
    static final int REGISTER = 0x0001;
    static final int QUERY = 0x0002;
    static final int DEREGISTER = 0x0004;

    /// RFC 4171 5.1.4: from a client, the whole message in one PDU.
    static final int WHOLE = 0x8c00;

    static final int REPLACE = 0x1000;

    static SentMessage of(ByteBuffer message) {
        ByteBuffer in = message.duplicate();
        int bytes = in.remaining();
        assertEquals(1, in.getShort(), "version");
        int function = in.getShort();
        assertEquals(bytes - 12, Short.toUnsignedInt(in.getShort()), "PDU length");
        int flags = Short.toUnsignedInt(in.getShort());
        int transaction = Short.toUnsignedInt(in.getShort());
        assertEquals(0, in.getShort(), "sequence");
        List<String> attributes = new ArrayList<>();
        while (in.hasRemaining()) {
            int tag = in.getInt();
            byte[] value = new byte[in.getInt()];
            assertEquals(0, value.length % 4, "length of " + tag);
            in.get(value);
            attributes.add(tag + "=" + text(tag, value));
        }
        return new SentMessage(function, flags, transaction, bytes, attributes);
    }

    private static String text(int tag, byte[] value) {
        return switch (tag) {
            case 1, 32, 34, 48 -> ended(new String(value, StandardCharsets.UTF_8));
            case 16, 49 -> java.util.HexFormat.of().formatHex(value);
            default -> value.length == 0 ? "" : String.valueOf(ByteBuffer.wrap(value).getInt());
        };
    }

    /// Zeros end it, at least one.
    private static String ended(String text) {
        int end = text.indexOf('\0');
        assertEquals("", text.isEmpty() ? "" : text.substring(end).replace("\0", ""));
        return text.isEmpty() ? "" : text.substring(0, end);
    }

    /// The values of an attribute, in order.
    List<String> values(int tag) {
        return attributes.stream()
                .filter(each -> each.startsWith(tag + "="))
                .map(each -> each.substring(each.indexOf('=') + 1))
                .toList();
    }
}
