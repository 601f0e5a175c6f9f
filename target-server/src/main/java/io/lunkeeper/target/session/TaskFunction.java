package io.lunkeeper.target.session;

import org.jspecify.annotations.Nullable;

/// The task management functions (RFC 7143 11.5.1 Function), and those that RFC 7144 adds for
/// sessions that agreed on iSCSIProtocolLevel 2.
enum TaskFunction {
    ABORT_TASK(1, true, 0),
    ABORT_TASK_SET(2, true, 0),
    CLEAR_ACA(3, true, 0),
    CLEAR_TASK_SET(4, true, 0),
    LOGICAL_UNIT_RESET(5, true, 0),
    TARGET_WARM_RESET(6, false, 0),
    TARGET_COLD_RESET(7, false, 0),
    TASK_REASSIGN(8, false, 0),
    QUERY_TASK(9, true, TaskFunction.SCSI_FEATURES_UPDATE),
    QUERY_TASK_SET(10, true, TaskFunction.SCSI_FEATURES_UPDATE),
    I_T_NEXUS_RESET(11, false, TaskFunction.SCSI_FEATURES_UPDATE),
    QUERY_ASYNCHRONOUS_EVENT(12, true, TaskFunction.SCSI_FEATURES_UPDATE);

    /// The iSCSIProtocolLevel that stands for RFC 7144, SCSI Features Update.
    static final int SCSI_FEATURES_UPDATE = 2;

    private final int code;
    private final boolean addressed;
    private final int protocolLevel;

    TaskFunction(int code, boolean addressed, int protocolLevel) {
        this.code = code;
        this.addressed = addressed;
        this.protocolLevel = protocolLevel;
    }

    /// The function of a code, as far as a session of that iSCSIProtocolLevel has it; null: none.
    static @Nullable TaskFunction of(int code, int protocolLevel) {
        for (TaskFunction each : values()) {
            if (each.code == code && each.protocolLevel <= protocolLevel) {
                return each;
            }
        }
        return null;
    }

    /// Whether it concerns commands that were sent before it and have not come yet. TARGET COLD
    /// RESET does not wait for them: they end with their session.
    boolean waitsForCommands() {
        return switch (this) {
            case ABORT_TASK_SET,
                    CLEAR_TASK_SET,
                    LOGICAL_UNIT_RESET,
                    TARGET_WARM_RESET,
                    I_T_NEXUS_RESET ->
                    true;
            case ABORT_TASK,
                    CLEAR_ACA,
                    TARGET_COLD_RESET,
                    TASK_REASSIGN,
                    QUERY_TASK,
                    QUERY_TASK_SET,
                    QUERY_ASYNCHRONOUS_EVENT ->
                    false;
        };
    }

    /// Whether it concerns the logical unit of the LUN field.
    boolean addressed() {
        return addressed;
    }
}
