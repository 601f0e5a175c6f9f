package io.lunkeeper.target.session;

import org.jscsi.parser.reject.RejectParser.ReasonCode;

/// A well-formed PDU that breaks the protocol where it stands. The connection answers with a Reject
/// that carries the offending header, and goes on.
public final class RejectedPduException extends Exception {
    private static final long serialVersionUID = 1L;

    private final ReasonCode reason;

    RejectedPduException(ReasonCode reason, String message) {
        super(message, null, false, false);
        this.reason = reason;
    }

    /// RFC 7143 11.17.1 Reason, as a byte on the wire.
    public int reason() {
        return reason.value() & 0xff;
    }
}
