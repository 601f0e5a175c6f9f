package io.lunkeeper.target.login;

import io.netty.buffer.ByteBuf;
import java.util.Arrays;

/// Text that comes in several PDUs: RFC 7143 6.2 Text Mode Negotiation lets a pair run on into the
/// next PDU where the C bit says so.
final class TextGathering {
    private static final byte[] NOTHING = {};

    private final int maxBytes;
    private byte[] text = NOTHING;
    private int totalBytes;

    /// @param maxBytes what one negotiation may send in all, and so the most that is held
    TextGathering(int maxBytes) {
        this.maxBytes = maxBytes;
    }

    /// Appends a data segment.
    ///
    /// @return false when more has come since the last [#reset] than one negotiation may send
    boolean append(ByteBuf data) {
        int bytes = data.readableBytes();
        if (bytes > maxBytes - totalBytes) {
            return false;
        }
        totalBytes += bytes;
        int before = text.length;
        text = Arrays.copyOf(text, before + bytes);
        data.getBytes(data.readerIndex(), text, before, bytes);
        return true;
    }

    /// What was gathered since the last call. The bytes go on counting.
    byte[] take() {
        byte[] whole = text;
        text = NOTHING;
        return whole;
    }

    /// Forgets text and count: a new exchange begins.
    void reset() {
        text = NOTHING;
        totalBytes = 0;
    }
}
