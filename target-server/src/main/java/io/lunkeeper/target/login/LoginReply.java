package io.lunkeeper.target.login;

import org.jscsi.parser.login.LoginStatus;

/// What one Login Response is to say, sequence numbers and TSIH apart (RFC 7143 11.13).
///
/// @param statusClass 0 success, 1 redirection, 2 initiator error, 3 target error
/// @param text the data segment, key=value pairs each ended by NUL, at most 8192 bytes of UTF-8
public record LoginReply(
        boolean transit,
        boolean continueBit,
        int currentStage,
        int nextStage,
        int statusClass,
        int statusDetail,
        String text) {
    private static final int INITIATOR_ERROR = 2;

    /// RFC 7143 6.3.1 Login Phase Start, Login reject: its stages are reserved.
    public static LoginReply reject(LoginStatus status) {
        int value = status.value() & 0xffff;
        return new LoginReply(false, false, 0, 0, value >> 8, value & 0xff, "");
    }

    /// Whether the login has failed; a redirection is no failure.
    public boolean refused() {
        return statusClass >= INITIATOR_ERROR;
    }
}
