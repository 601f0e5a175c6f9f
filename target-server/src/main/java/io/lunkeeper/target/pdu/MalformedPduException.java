package io.lunkeeper.target.pdu;

import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;
import org.jspecify.annotations.Nullable;

/// Bytes that are not a PDU this target accepts, with what RFC 7143 wants done about it.
public final class MalformedPduException extends Exception {
    private static final long serialVersionUID = 1L;

    /// RFC 7143 11.17.1 Reject Reason codes used by the decoder.
    public static final int DATA_DIGEST_ERROR = 0x02;

    public static final int PROTOCOL_ERROR = 0x04;
    public static final int COMMAND_NOT_SUPPORTED = 0x05;
    public static final int INVALID_PDU_FIELD = 0x09;

    private final int rejectReason;
    private final transient byte[] header;
    private final boolean framingLost;
    private final boolean formatError;
    private final transient @Nullable DataOut damaged;

    /// @param rejectReason RFC 7143 11.17.1 Reject Reason
    /// @param header the 48 bytes of the offending basic header segment
    /// @param framingLost true when the next PDU's start is not known any more (header digest
    ///   error, segment longer than allowed), so that the connection must be closed; false when the
    ///   decoder has skipped exactly the offending PDU and can go on
    public MalformedPduException(
            String message, int rejectReason, byte[] header, boolean framingLost) {
        this(message, rejectReason, header, framingLost, false, null);
    }

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

    /// A PDU whose data digest is wrong. The decoder has skipped it.
    ///
    /// @param damaged it, when it is a Data-Out
    static MalformedPduException dataDigest(byte[] header, @Nullable DataOut damaged) {
        return new MalformedPduException(
                "data digest is wrong", DATA_DIGEST_ERROR, header, false, false, damaged);
    }

    /// A text request that was framed soundly and yet says what it must not. The framing is intact.
    ///
    /// @param rejectReason RFC 7143 11.17.1 Reject Reason
    public static MalformedPduException of(TextRequest request, int rejectReason, String message) {
        return new MalformedPduException(
                message, rejectReason, RequestFields.header(request), false);
    }

    /// The Data-Out whose data digest is wrong: of its data only the length may be used, and only
    /// as long as the receive buffer is there. Null for anything else.
    public @Nullable DataOut damaged() {
        return damaged;
    }

    public int rejectReason() {
        return rejectReason;
    }

    public byte[] header() {
        return header;
    }

    public boolean framingLost() {
        return framingLost;
    }

    /// Whether it is a format error of RFC 7143 7.7, upon which the session must end though the
    /// next PDU's start is known.
    public boolean formatError() {
        return formatError;
    }
}
