package io.lunkeeper.target.net;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class SpinPolicyTest {

    @Test
    void doesNotPollWhereItMayNot() {
        SpinPolicy policy = new SpinPolicy(false);
        for (int i = 0; i < 1000; i++) {
            assertEquals(0, policy.budgetNanos());
        }
    }

    @Test
    void growsWithSuccessUpToItsBound() {
        SpinPolicy policy = new SpinPolicy(true);
        policy.succeeded();
        assertEquals(SpinPolicy.MIN_SPIN_NANOS, policy.budgetNanos());
        for (int i = 0; i < 10; i++) {
            policy.succeeded();
        }
        assertEquals(SpinPolicy.MAX_SPIN_NANOS, policy.budgetNanos());
    }

    @Test
    void givesUpAfterFailuresAndTriesAgainLater() {
        SpinPolicy policy = new SpinPolicy(true);
        policy.succeeded();
        policy.failed();
        int quiet = 0;
        while (policy.budgetNanos() == 0) {
            quiet++;
        }
        assertEquals(SpinPolicy.TURNS_BETWEEN_TRIALS - 1, quiet);
    }
}
