package io.lunkeeper.target.scsi;

import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The asymmetric access states of the target ports of a target (SPC-4 5.16.2.4 Target port
/// asymmetric access states). What an initiator makes of a state, such as to use another path, is
/// its own affair; what runs in it is said here.
public enum AccessState {
    /// Everything runs.
    ACTIVE_OPTIMIZED(0x0),
    /// Everything runs; initiators are asked to use other paths while there are any.
    ACTIVE_NON_OPTIMIZED(0x1),
    /// What asks about the unit, sets its parameters and reserves it runs, nothing on the medium.
    STANDBY(0x2),
    /// Only what tells the unit and its state runs, what sets the state, and what tries the way.
    UNAVAILABLE(0x3);

    private static final Set<OperationCode> WHEN_UNAVAILABLE =
            EnumSet.of(
                    OperationCode.REQUEST_SENSE,
                    OperationCode.INQUIRY,
                    OperationCode.WRITE_BUFFER,
                    OperationCode.READ_BUFFER,
                    OperationCode.REPORT_LUNS,
                    OperationCode.REPORT_TARGET_PORT_GROUPS,
                    OperationCode.SET_TARGET_PORT_GROUPS);

    private static final Set<OperationCode> WHEN_IN_STANDBY = EnumSet.copyOf(WHEN_UNAVAILABLE);

    static {
        WHEN_IN_STANDBY.addAll(
                EnumSet.of(
                        OperationCode.MODE_SELECT_6,
                        OperationCode.MODE_SENSE_6,
                        OperationCode.MODE_SELECT_10,
                        OperationCode.MODE_SENSE_10,
                        OperationCode.LOG_SELECT,
                        OperationCode.LOG_SENSE,
                        OperationCode.SEND_DIAGNOSTIC,
                        OperationCode.READ_CAPACITY_10,
                        OperationCode.READ_CAPACITY_16));
        WHEN_IN_STANDBY.addAll(
                EnumSet.range(
                        OperationCode.PERSISTENT_RESERVE_IN_READ_KEYS,
                        OperationCode.PERSISTENT_RESERVE_OUT_REPLACE_LOST_RESERVATION));
    }

    private final int code;

    AccessState(int code) {
        this.code = code;
    }

    /// The state with a code, or null.
    static @Nullable AccessState of(int code) {
        for (AccessState each : values()) {
            if (each.code == code) {
                return each;
            }
        }
        return null;
    }

    /// The ASYMMETRIC ACCESS STATE of SPC-4.
    int code() {
        return code;
    }

    /// Why a command does not run in this state; null when it does.
    @Nullable Sense refusal(OperationCode operation) {
        return switch (this) {
            case ACTIVE_OPTIMIZED, ACTIVE_NON_OPTIMIZED -> null;
            case STANDBY ->
                    WHEN_IN_STANDBY.contains(operation) ? null : Sense.TARGET_PORT_IN_STANDBY_STATE;
            case UNAVAILABLE ->
                    WHEN_UNAVAILABLE.contains(operation)
                            ? null
                            : Sense.TARGET_PORT_IN_UNAVAILABLE_STATE;
        };
    }
}
