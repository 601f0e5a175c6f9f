package io.lunkeeper.target.pdu;

import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;
import org.jspecify.annotations.Nullable;

/// Bytes that are not a PDU this target accepts, with what RFC 7143 wants done about it.
public final class MalformedPduException extends Exception {
    private static final long serialVersionUID = 1L;

    /// RFC 7143 11.17.1 Reason: codes of a Reject that the decoder uses.
    public static final int DATA_DIGEST_ERROR = 0x02;

    public static final int PROTOCOL_ERROR = 0x04;
    public static final int COMMAND_NOT_SUPPORTED = 0x05;
    public static final int INVALID_PDU_FIELD = 0x09;

    private final int rejectReason;
    private final transient byte[] header;
    private final boolean framingLost;
    private final boolean formatError;
    private final transient @Nullable DataOut damaged;

    private MalformedPduException(
            String message,
            int rejectReason,
            byte[] header,
            boolean framingLost,
            boolean formatError,
            @Nullable DataOut damaged) {
        super(message, null, false, false);
        this.rejectReason = rejectReason;
        this.header = header;
        this.framingLost = framingLost;
        this.formatError = formatError;
        this.damaged = damaged;
    }

    /// A header with contents that are illegal or contradict each other (RFC 7143 7.7 Format
    /// Errors). The decoder has skipped the PDU.
    static MalformedPduException format(String message, byte[] header) {
        return new MalformedPduException(message, INVALID_PDU_FIELD, header, false, true, null);
    }

    /// A PDU that is to be rejected, and nothing else. The decoder has skipped it.
    ///
    /// @param rejectReason RFC 7143 11.17.1 Reason
    static MalformedPduException rejected(String message, int rejectReason, byte[] header) {
        return new MalformedPduException(message, rejectReason, header, false, false, null);
    }

    /// A PDU behind which the next one's start is not known: its header digest is wrong, or a
    /// segment is longer than allowed. The decoder has skipped nothing.
    ///
    /// @param formatError whether the header is what was sent, thus a format error
    static MalformedPduException framing(String message, byte[] header, boolean formatError) {
        return new MalformedPduException(message, PROTOCOL_ERROR, header, true, formatError, null);
    }

    /// A PDU whose data digest is wrong. The decoder has skipped it.
    ///
    /// @param damaged it, when it is a Data-Out
    static MalformedPduException dataDigest(byte[] header, @Nullable DataOut damaged) {
        return new MalformedPduException(
                "data digest is wrong", DATA_DIGEST_ERROR, header, false, false, damaged);
    }

    /// A text request that was framed soundly and yet says what it must not. The framing is intact.
    ///
    /// @param rejectReason RFC 7143 11.17.1 Reason
    public static MalformedPduException of(TextRequest request, int rejectReason, String message) {
        return rejected(message, rejectReason, RequestFields.header(request));
    }

    /// The Data-Out whose data digest is wrong: of its data only the length may be used, and only
    /// as long as the receive buffer is there. Null for anything else.
    public @Nullable DataOut damaged() {
        return damaged;
    }

    public int rejectReason() {
        return rejectReason;
    }

    /// The 48 bytes of its basic header segment.
    public byte[] header() {
        return header;
    }

    /// Whether the next PDU's start is not known, so that the connection must be closed.
    public boolean framingLost() {
        return framingLost;
    }

    /// Whether it is a format error of RFC 7143 7.7, upon which the session must end whether the
    /// next PDU's start is known or not.
    public boolean formatError() {
        return formatError;
    }
}
