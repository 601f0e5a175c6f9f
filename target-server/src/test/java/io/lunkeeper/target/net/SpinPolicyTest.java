package io.lunkeeper.target.net;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class SpinPolicyTest {
    private static final long SHORT = SpinPolicy.SHORT_WAIT_NANOS - 1;

    private final SpinPolicy policy = new SpinPolicy(true);

    private static void blocked(SpinPolicy policy, int times, long nanos) {
        for (int i = 0; i < times; i++) {
            policy.waited(nanos, false, false);
        }
    }

    /// Short waits until the loop polls.
    private int waitsBeforePolling() {
        int waits = 0;
        while (policy.budgetNanos(1) == 0) {
            policy.waited(SHORT, false, false);
            waits++;
        }
        return waits;
    }

    @Test
    void doesNotPollWhereItMayNot() {
        SpinPolicy forbidden = new SpinPolicy(false);
        blocked(forbidden, 1000, SHORT);
        assertEquals(0, forbidden.budgetNanos(1));
    }

    @Test
    void pollsAfterShortWaitsInARow() {
        blocked(policy, SpinPolicy.FEWEST_SHORT_WAITS - 1, SHORT);
        blocked(policy, 1, SpinPolicy.SHORT_WAIT_NANOS);
        assertEquals(SpinPolicy.FEWEST_SHORT_WAITS, waitsBeforePolling());
        assertEquals(SpinPolicy.MAX_SPIN_NANOS, policy.budgetNanos(1));
    }

    @Test
    void doesNotPollAfterATurnOfManyPdus() {
        blocked(policy, 1000, SHORT);
        assertEquals(0, policy.budgetNanos(2));
    }

    @Test
    void hesitatesAfterATurnOfManyPdus() {
        waitsBeforePolling();
        assertEquals(0, policy.budgetNanos(2));
        assertEquals(SpinPolicy.SHORT_WAITS_AFTER_MANY, waitsBeforePolling());
    }

    @Test
    void goesOnWhilePollingFindsSomething() {
        waitsBeforePolling();
        policy.waited(1, true, true);
        assertEquals(SpinPolicy.MAX_SPIN_NANOS, policy.budgetNanos(1));
    }

    @Test
    void hesitatesMoreWithEachPollInVainUpToABound() {
        int expected = SpinPolicy.FEWEST_SHORT_WAITS;
        for (int i = 0; i < 20; i++) {
            assertEquals(expected, waitsBeforePolling());
            policy.waited(SHORT, true, false);
            expected = Math.min(SpinPolicy.MOST_SHORT_WAITS, 2 * expected);
        }
    }

    @Test
    void oneSuccessEndsTheHesitation() {
        waitsBeforePolling();
        policy.waited(SHORT, true, false);
        waitsBeforePolling();
        policy.waited(1, true, true);
        policy.waited(SHORT, true, false);
        assertEquals(2 * SpinPolicy.FEWEST_SHORT_WAITS, waitsBeforePolling());
    }
}
