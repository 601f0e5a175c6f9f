package io.lunkeeper.target.net;

/// How long an event loop polls before it blocks. Waking a blocked thread costs more than a small
/// command does, so polling for a moment pays when the next request is near, and harms when it is
/// not or when the client needs the processor. The budget therefore follows success: it doubles
/// when polling found work and halves when it did not; a loop that has given up tries again, for
/// the shortest time, now and then. Pure state.
final class SpinPolicy {
    /// Beyond this a wake-up is cheaper than the wait.
    static final long MAX_SPIN_NANOS = 50_000;

    static final long MIN_SPIN_NANOS = 3_000;

    /// Turns that block at once before polling is tried again.
    static final int TURNS_BETWEEN_TRIALS = 64;

    private final boolean allowed;
    private long budgetNanos;
    private int turnsWithout;

    /// @param allowed false where polling would take the only processor from everybody else
    SpinPolicy(boolean allowed) {
        this.allowed = allowed;
    }

    /// Nanoseconds to poll before the next block.
    long budgetNanos() {
        if (!allowed) {
            return 0;
        }
        if (budgetNanos == 0 && ++turnsWithout >= TURNS_BETWEEN_TRIALS) {
            turnsWithout = 0;
            return MIN_SPIN_NANOS;
        }
        return budgetNanos;
    }

    /// Polling found work.
    void succeeded() {
        budgetNanos = Math.min(MAX_SPIN_NANOS, Math.max(MIN_SPIN_NANOS, budgetNanos * 2));
    }

    /// Polling found nothing and the loop had to block.
    void failed() {
        budgetNanos /= 2;
        if (budgetNanos < MIN_SPIN_NANOS) {
            budgetNanos = 0;
        }
    }
}
