package io.lunkeeper.target.scsi;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/// The unit attentions of one logical unit that one nexus has not seen yet: a set, so the same
/// condition established twice is reported once, and its size is bounded. Posted from any thread; a
/// command that has nothing to report costs one volatile read.
final class UnitAttentions {
    private static final UnitAttention[] CONDITIONS = UnitAttention.values();

    /// One bit per condition, the most urgent lowest.
    private final AtomicInteger pending = new AtomicInteger();

    boolean any() {
        return pending.get() != 0;
    }

    void post(UnitAttention condition) {
        pending.getAndUpdate(bits -> bits | bit(condition));
    }

    /// Takes the most urgent condition out; it is reported by exactly one taker.
    Optional<UnitAttention> take() {
        int taken = Integer.lowestOneBit(pending.getAndUpdate(bits -> bits & bits - 1));
        return taken == 0
                ? Optional.empty()
                : Optional.of(CONDITIONS[Integer.numberOfTrailingZeros(taken)]);
    }

    /// Drops a condition that was made known otherwise.
    void clear(UnitAttention condition) {
        pending.getAndUpdate(bits -> bits & ~bit(condition));
    }

    private static int bit(UnitAttention condition) {
        return 1 << condition.ordinal();
    }
}
