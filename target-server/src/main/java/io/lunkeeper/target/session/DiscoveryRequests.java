package io.lunkeeper.target.session;

import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.LogoutRequest;
import io.lunkeeper.target.pdu.RequestPdu.NopOut;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;
import org.jscsi.parser.logout.LogoutRequestParser.LogoutReasonCode;

/// Which requests a discovery session takes (RFC 7143 4.3 iSCSI Session Types).
final class DiscoveryRequests {
    private DiscoveryRequests() {}

    /// A discovery session takes text, that of SendTargets, which is looked at where it is read,
    /// and the logout that closes it, nothing else. To close its one connection is the same, and
    /// initiators do. An answer to a ping of ours is no request.
    static boolean admits(RequestPdu pdu) {
        return switch (pdu) {
            case TextRequest _ -> true;
            case LogoutRequest request ->
                    request.reason() != LogoutReasonCode.CONNECTION_RECOVERY.value();
            case NopOut request -> request.initiatorTaskTag() == RequestPdu.RESERVED_TAG;
            default -> false;
        };
    }
}
