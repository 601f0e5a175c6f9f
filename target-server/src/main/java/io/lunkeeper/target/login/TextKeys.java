package io.lunkeeper.target.login;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jscsi.target.settings.TextKeyword;
import org.jspecify.annotations.Nullable;

/// RFC 7143 6.1 Text Format: key=value pairs, each ended by a NUL.
final class TextKeys {

    /// What one text exchange may send in all: without an end a peer could fill the memory with
    /// continuations.
    static final int MAX_TEXT_BYTES = 65_536;

    /// What one login may send in all. RFC 7143 6.2 Text Mode Negotiation asks for 8192 bytes at
    /// least, and for 64 KiB only where the method of authentication needs it, as none here does.
    /// Initiators send less than one. Whoever sends this has not proven anything, and there may be
    /// thousands of him.
    static final int MAX_LOGIN_TEXT_BYTES = 16_384;

    /// Pairs in one text, and different keys in one negotiation. The longest answer to one is a key
    /// of 63 bytes that is NotUnderstood: 78 bytes with its delimiters, so that a hundred answers
    /// and our own declarations always fit in one response of 8192 bytes. Initiators send about 25.
    static final int MAX_PAIRS = 100;

    /// RFC 7143 6.1 Text Format: the length of a key.
    static final int MAX_KEY_BYTES = 63;

    /// RFC 7143 6.1 Text Format: the length of a simple value, of each one in a list; large binary
    /// values have more.
    static final int MAX_VALUE_BYTES = 255;

    /// One pair as it was sent.
    record Pair(String key, String value) {}

    private TextKeys() {}

    /// The pairs of a complete text in the order of their sending. Empty pairs, by which some
    /// initiators pad, are passed over.
    ///
    /// @return null when the text is malformed: a pair without '=' or NUL, a key or value of wrong
    ///   length, bytes that are no UTF-8, more than [#MAX_PAIRS] pairs
    static @Nullable List<Pair> parse(byte[] text) {
        List<Pair> pairs = new ArrayList<>();
        int start = 0;
        for (int index = 0; index < text.length; index++) {
            if (text[index] != 0) {
                continue;
            }
            if (index > start) {
                Pair pair = pair(text, start, index);
                if (pair == null || pairs.size() == MAX_PAIRS) {
                    return null;
                }
                pairs.add(pair);
            }
            start = index + 1;
        }
        return start == text.length ? pairs : null;
    }

    /// One pair as it is to be sent, its NUL included.
    static String format(String key, String value) {
        return key + '=' + value + '\0';
    }

    /// Whether a value is one of the constants that only answers use (6.1 Text Format).
    static boolean isReply(String value) {
        return value.equals(TextKeyword.REJECT)
                || value.equals(TextKeyword.IRRELEVANT)
                || value.equals(TextKeyword.NOT_UNDERSTOOD);
    }

    private static @Nullable Pair pair(byte[] text, int start, int end) {
        int equals = start;
        while (equals < end && text[equals] != '=') {
            if (text[equals] <= ' ' || text[equals] >= 0x7f) {
                return null;
            }
            equals++;
        }
        int keyBytes = equals - start;
        if (equals == end || keyBytes == 0 || keyBytes > MAX_KEY_BYTES) {
            return null;
        }
        String key = new String(text, start, keyBytes, StandardCharsets.US_ASCII);
        TextKey known = TextKey.of(key);
        int most = known == null ? MAX_VALUE_BYTES : known.maxValueBytes();
        int simpleBytes = 0;
        for (int index = equals + 1; index < end; index++) {
            simpleBytes = text[index] == ',' ? 0 : simpleBytes + 1;
            if (simpleBytes > most) {
                return null;
            }
        }
        try {
            ByteBuffer value = ByteBuffer.wrap(text, equals + 1, end - equals - 1);
            return new Pair(key, StandardCharsets.UTF_8.newDecoder().decode(value).toString());
        } catch (CharacterCodingException e) {
            return null;
        }
    }
}
