package io.lunkeeper.target.net;

/// How long an event loop polls before it blocks. Waking a blocked thread costs more than a small
/// command does, so polling pays where an initiator sends the next request as soon as it has the
/// answer to the one before: a turn brings one PDU, and the next is near. Where requests come many
/// at a time there is nothing to gain: waking up costs each of them little, and the processor that
/// polling takes could be the initiator's.
///
/// So this looks only at waits after turns of one PDU. When several in a row were short the loop
/// polls; when polling finds nothing it must see twice as many, up to a bound, before it polls
/// again. A turn of several PDUs tells of an initiator that has many under way and does not wait
/// for us: polling is taken up again after many turns of one. Pure state.
final class SpinPolicy {
    /// The longest poll: beyond this a wake-up is cheaper than the wait.
    static final long MAX_SPIN_NANOS = 50_000;

    /// A wait that polling would have shortened. Longer than the poll by what waking up costs.
    static final long SHORT_WAIT_NANOS = 2 * MAX_SPIN_NANOS;

    /// Short waits in a row before the first poll, and before each when polling keeps failing.
    static final int FEWEST_SHORT_WAITS = 4;

    static final int MOST_SHORT_WAITS = 1024;

    /// The same after a turn of several PDUs.
    static final int SHORT_WAITS_AFTER_MANY = 64;

    private final boolean allowed;
    private int shortWaits;
    private int wanted = FEWEST_SHORT_WAITS;

    /// @param allowed false where polling would take the only processor from everybody else
    SpinPolicy(boolean allowed) {
        this.allowed = allowed;
    }

    /// Nanoseconds to poll before the next block.
    ///
    /// @param pdus what the last turn brought
    long budgetNanos(int pdus) {
        if (pdus > 1) {
            shortWaits = 0;
            wanted = Math.max(wanted, SHORT_WAITS_AFTER_MANY);
        }
        return allowed && pdus == 1 && shortWaits >= wanted ? MAX_SPIN_NANOS : 0;
    }

    /// A wait after a turn of one PDU has ended.
    ///
    /// @param polled whether it began with a poll
    /// @param found whether the poll found something
    void waited(long nanos, boolean polled, boolean found) {
        if (found) {
            wanted = FEWEST_SHORT_WAITS;
        } else if (polled) {
            wanted = Math.min(MOST_SHORT_WAITS, 2 * wanted);
            shortWaits = 0;
        } else {
            shortWaits = nanos < SHORT_WAIT_NANOS ? Math.min(shortWaits + 1, MOST_SHORT_WAITS) : 0;
        }
    }
}
