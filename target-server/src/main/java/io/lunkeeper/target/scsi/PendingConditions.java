package io.lunkeeper.target.scsi;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/// What one nexus has not been told yet of one logical unit: a set, so the same condition
/// established twice is reported once, and its size is bounded. Posted from any thread; a command
/// that has nothing to report costs one volatile read.
final class PendingConditions {
    // UADE DEPTH (SAM-5 7.8 QUERY ASYNCHRONOUS EVENT).
    private static final int ONE_EVENT = 1;
    private static final int MORE_EVENTS = 2;

    /// One bit per condition, the most urgent lowest.
    private final AtomicInteger pending = new AtomicInteger();

    boolean any() {
        return pending.get() != 0;
    }

    void post(PendingCondition condition) {
        pending.getAndUpdate(bits -> bits | condition.bit());
    }

    /// Takes the most urgent condition out; it is reported by exactly one taker.
    Optional<PendingCondition> take() {
        int taken = Integer.lowestOneBit(pending.getAndUpdate(bits -> bits & (bits - 1)));
        return taken == 0 ? Optional.empty() : Optional.of(condition(taken));
    }

    /// The most urgent condition, which stays, and whether there are others; see
    /// [DeviceServer#asynchronousEvent].
    int asynchronousEvent() {
        int bits = pending.get();
        if (bits == 0) {
            return 0;
        }
        Sense sense = condition(Integer.lowestOneBit(bits)).sense();
        int depth = Integer.bitCount(bits) == 1 ? ONE_EVENT : MORE_EVENTS;
        return depth << 20 | sense.key().getValue() << 16 | sense.additionalSense();
    }

    /// Drops a condition that was made known otherwise.
    void clear(PendingCondition condition) {
        pending.getAndUpdate(bits -> bits & ~condition.bit());
    }

    private static PendingCondition condition(int bit) {
        for (PendingCondition condition : PendingCondition.values()) {
            if (condition.bit() == bit) {
                return condition;
            }
        }
        throw new AssertionError("nobody posts bit " + bit);
    }
}
