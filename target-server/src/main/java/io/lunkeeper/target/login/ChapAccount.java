package io.lunkeeper.target.login;

import java.util.Optional;

/// Credentials by which an initiator proves who it is (RFC 7143 12.1.3 Challenge Handshake
/// Authentication Protocol (CHAP)).
///
/// @param user what the initiator calls itself, CHAP_N
/// @param target what the target proves itself with, when it is asked to and can
public record ChapAccount(String user, ChapSecret secret, Optional<Mutual> target) {

    /// The target's own name and secret.
    public record Mutual(String user, ChapSecret secret) {}
}
