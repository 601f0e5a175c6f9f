package io.lunkeeper.target.scsi;

import java.util.List;

/// A PERSISTENT RESERVE OUT command with its parameters (SPC-4 6.16 PERSISTENT RESERVE OUT
/// command).
///
/// @param nexus that asks
/// @param elsewhere the nexuses of the same initiator port through the other target ports, where it
///   is registered through all of them (ALL_TG_PT)
/// @param key RESERVATION KEY
/// @param newKey SERVICE ACTION RESERVATION KEY
/// @param scope SCOPE; only zero, the logical unit, is defined
/// @param type TYPE, as it came: it counts only for some actions
/// @param persistent APTPL
/// @param unregister UNREG
/// @param others the nexuses of the TransportIDs that came along
record ReservationRequest(
        Action action,
        NexusName nexus,
        List<NexusName> elsewhere,
        long key,
        long newKey,
        int scope,
        int type,
        boolean persistent,
        boolean unregister,
        List<NexusName> others) {

    /// The service actions, in the order of their codes.
    enum Action {
        REGISTER,
        RESERVE,
        RELEASE,
        CLEAR,
        PREEMPT,
        PREEMPT_AND_ABORT,
        REGISTER_AND_IGNORE_EXISTING_KEY,
        REGISTER_AND_MOVE,
        REPLACE_LOST_RESERVATION
    }
}
