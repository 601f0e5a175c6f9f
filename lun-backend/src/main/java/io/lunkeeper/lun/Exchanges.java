package io.lunkeeper.lun;

import java.util.concurrent.atomic.AtomicLong;

/// Lets reads notice writes that must be seen whole or not at all, without a lock: a read looks
/// before and after, and repeats itself when something was exchanged meanwhile. Safe from any
/// number of threads.
final class Exchanges {
    private static final long UNDER_WAY = -1;

    private final AtomicLong begun = new AtomicLong();
    private final AtomicLong ended = new AtomicLong();

    /// What [#undisturbed] wants to know, from before the read.
    long look() {
        // In this order: had one begun between the two, they would differ.
        long before = ended.get();
        return begun.get() == before ? before : UNDER_WAY;
    }

    /// Whether nothing has been exchanged since.
    boolean undisturbed(long seen) {
        return seen != UNDER_WAY && begun.get() == seen;
    }

    void begin() {
        begun.incrementAndGet();
    }

    void end() {
        ended.incrementAndGet();
    }
}
