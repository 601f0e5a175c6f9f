package io.lunkeeper.target.scsi;

/// How a logical unit manages its tasks (SPC-4 7.5.8 Control mode page).
///
/// @param separate whether each I_T nexus has a task set of its own (TST)
public record TaskControl(boolean separate) {
    static final TaskControl DEFAULT = new TaskControl(true);
}
