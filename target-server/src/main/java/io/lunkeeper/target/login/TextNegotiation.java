package io.lunkeeper.target.login;

import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;

/// Text requests of the full-feature phase (RFC 7143 11.10, 11.11): SendTargets and
/// MaxRecvDataSegmentLength, text longer than one PDU in both directions. Confined to the session's
/// thread.
public final class TextNegotiation {

    /// @param maxDataSegmentBytes the initiator's MaxRecvDataSegmentLength: longest text in a reply
    public TextNegotiation(
            TargetDirectory directory, SessionParameters parameters, int maxDataSegmentBytes) {}

    /// Answers one Text Request.
    ///
    /// @throws MalformedPduException when the request breaks the exchange (wrong tag, text too
    ///   long, not key=value); the exchange is reset and the connection goes on
    public TextReply receive(TextRequest request) throws MalformedPduException {
        return new TextReply(true, false, 0, "");
    }

    /// What one Text Response is to say.
    ///
    /// @param targetTransferTag the reserved tag when `finalBit`
    public record TextReply(
            boolean finalBit, boolean continueBit, int targetTransferTag, String text) {}
}
