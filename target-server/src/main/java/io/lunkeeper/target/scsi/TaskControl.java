package io.lunkeeper.target.scsi;

/// How a logical unit manages its tasks (SPC-4 7.5.8 Control mode page).
///
/// @param separate whether each I_T nexus has a task set of its own (TST)
/// @param onError what a CHECK CONDITION does to the other tasks of the task set (QERR)
/// @param abortedStatus whether a task that another nexus aborts ends with TASK ABORTED; otherwise
///   it ends without a status and the nexus is told by a unit attention (TAS)
public record TaskControl(boolean separate, OnError onError, boolean abortedStatus) {
    static final TaskControl DEFAULT = new TaskControl(true, OnError.RESUME, false);

    /// QERR. 10b is reserved.
    public enum OnError {
        /// 00b: they go on.
        RESUME(0),
        /// 01b: all are aborted.
        ABORT_ALL(1),
        /// 11b: those of the same nexus are aborted.
        ABORT_OWN(3);

        private final int code;

        OnError(int code) {
            this.code = code;
        }

        int code() {
            return code;
        }
    }
}
