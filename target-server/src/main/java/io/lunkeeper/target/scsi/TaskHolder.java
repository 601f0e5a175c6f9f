package io.lunkeeper.target.scsi;

/// Who holds the tasks of a nexus: its session.
public interface TaskHolder extends TaskOrder.Member {
    /// An ACA condition began or ended: has every task stand still or go on, as
    /// [AutoContingentAllegiance#stops] says then, on a thread of its own and later than this call.
    void allegianceChanged();
}
