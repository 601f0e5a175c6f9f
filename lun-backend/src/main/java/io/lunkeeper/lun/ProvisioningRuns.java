package io.lunkeeper.lun;

import io.lunkeeper.lun.image.BlockState;

/// Joins extents of one range, as the tree gives them window by window, to the longest runs of one
/// provisioning, and hands them on.
final class ProvisioningRuns {
    private final Provisioning.Visitor visitor;
    private final long end;
    private long runStart;
    private long runEnd;
    private Provisioning current = Provisioning.MAPPED;
    private boolean wanted = true;

    ProvisioningRuns(long start, long end, Provisioning.Visitor visitor) {
        this.visitor = visitor;
        this.end = end;
        this.runStart = start;
        this.runEnd = start;
    }

    /// Takes the next extent; what lies before the range or beyond it is cut off.
    void extent(long offset, long length, BlockState state, long physical) {
        long until = Math.min(offset + length, end);
        if (!wanted || until <= runEnd) {
            return;
        }
        Provisioning next =
                switch (state) {
                    case HOLE -> Provisioning.DEALLOCATED;
                    case UNWRITTEN -> Provisioning.ANCHORED;
                    case UNKNOWN, MAPPED, SHARED -> Provisioning.MAPPED;
                };
        if (next != current) {
            handOn();
            current = next;
        }
        runEnd = until;
    }

    /// Whether the visitor wants more.
    boolean wanted() {
        return wanted;
    }

    /// Hands on the run under way.
    void handOn() {
        if (wanted && runEnd > runStart) {
            wanted = visitor.run(current, runStart, runEnd - runStart);
            runStart = runEnd;
        }
    }
}
