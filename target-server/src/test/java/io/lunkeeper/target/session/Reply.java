package io.lunkeeper.target.session;

/// What came back for one command or task management function: its last PDU.
///
/// @param status Status of a command, Response of a function
/// @param sense sense key, additional sense code and its qualifier, or empty
record Reply(int status, String sense) {
    static final Reply GOOD = new Reply(0, "");
    static final Reply RESERVATION_CONFLICT = new Reply(0x18, "");

    /// RFC 7143 7.6: SOME COMMANDS CLEARED BY ISCSI PROTOCOL EVENT.
    static final Reply CLEARED = new Reply(2, "6/47/7f");

    // Responses of task management functions, RFC 7143 11.6.1.
    static final Reply COMPLETE = new Reply(0, "");
    static final Reply DOES_NOT_EXIST = new Reply(1, "");
    static final Reply REJECTED = new Reply(255, "");
}
