package io.lunkeeper.target.login;

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

    /// Whether the login has failed; a redirection is no failure.
    public boolean refused() {
        return statusClass >= INITIATOR_ERROR;
    }
}
