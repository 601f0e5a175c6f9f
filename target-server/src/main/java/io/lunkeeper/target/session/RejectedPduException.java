package io.lunkeeper.target.session;

import org.jscsi.parser.reject.RejectParser.ReasonCode;

/// A well-formed PDU that breaks the protocol where it stands. The connection answers with a Reject
/// that carries the offending header, and goes on.
public final class RejectedPduException extends Exception {
    private static final long serialVersionUID = 1L;

    private final ReasonCode reason;
    private final int nextNumber;

    RejectedPduException(ReasonCode reason, String message) {
        this(reason, message, 0);
    }

    /// @param nextNumber see [#nextNumber]
    RejectedPduException(ReasonCode reason, String message, int nextNumber) {
        super(message, null, false, false);
        this.reason = reason;
        this.nextNumber = nextNumber;
    }

    /// RFC 7143 11.17.1 Reason, as a byte on the wire.
    public int reason() {
        return reason.value() & 0xff;
    }

    /// Of a Data/R2T SNACK: the DataSN or R2TSN that would be sent next for its task (RFC 7143
    /// 11.17.2 DataSN/R2TSN); else 0.
    int nextNumber() {
        return nextNumber;
    }
}
