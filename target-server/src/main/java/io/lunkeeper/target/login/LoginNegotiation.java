package io.lunkeeper.target.login;

import io.lunkeeper.target.pdu.RequestPdu.LoginRequest;
import org.jspecify.annotations.Nullable;

/// The login phase of one connection as a state machine (RFC 7143 6.3 Login Phase). Confined to the
/// connection's thread.
///
/// It judges stages, flags and text. Sequence numbers, TSIH and reinstatement belong to the caller,
/// which sends every [LoginReply] as one Login Response.
public final class LoginNegotiation {

    /// @param directory what can be logged in to through this portal
    /// @param limits what this target offers
    public LoginNegotiation(TargetDirectory directory, NegotiationLimits limits) {}

    /// Answers one Login Request. After a reply with a non-zero status class, or once [#parameters]
    /// is not null, no further call is legal.
    public LoginReply receive(LoginRequest request) {
        return new LoginReply(false, false, 0, 0, 3, 0, "");
    }

    /// Not null from the reply on that transits to the full-feature phase.
    public @Nullable SessionParameters parameters() {
        return null;
    }
}
