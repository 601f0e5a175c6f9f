package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class PendingConditionsTest {
    @Test
    void areReportedMostUrgentFirst() {
        PendingConditions attentions = new PendingConditions();
        List<PendingCondition> all = Arrays.asList(PendingCondition.values());
        Collections.reverse(all);
        all.forEach(attentions::post);
        for (PendingCondition expected : PendingCondition.values()) {
            assertTrue(attentions.any());
            assertEquals(Optional.of(expected), attentions.take());
        }
        assertFalse(attentions.any());
        assertEquals(Optional.empty(), attentions.take());
    }

    @Test
    void areReportedOnceHoweverOftenEstablished() {
        PendingConditions attentions = new PendingConditions();
        attentions.post(PendingCondition.LOGICAL_UNIT_RESET);
        attentions.post(PendingCondition.LOGICAL_UNIT_RESET);
        assertEquals(Optional.of(PendingCondition.LOGICAL_UNIT_RESET), attentions.take());
        assertFalse(attentions.any());
    }

    @Test
    void clearsOnlyWhatItIsTold() {
        PendingConditions attentions = new PendingConditions();
        attentions.post(PendingCondition.REPORTED_LUNS_DATA_HAS_CHANGED);
        attentions.post(PendingCondition.CAPACITY_DATA_HAS_CHANGED);
        attentions.clear(PendingCondition.REPORTED_LUNS_DATA_HAS_CHANGED);
        assertEquals(Optional.of(PendingCondition.CAPACITY_DATA_HAS_CHANGED), attentions.take());
        assertFalse(attentions.any());
    }

    /// UADE DEPTH and sense key, additional sense code, qualifier.
    @Test
    void tellTheMostUrgentWithoutReportingIt() {
        PendingConditions attentions = new PendingConditions();
        assertEquals(0, attentions.asynchronousEvent());
        attentions.post(PendingCondition.CAPACITY_DATA_HAS_CHANGED);
        assertEquals(0x162a09, attentions.asynchronousEvent());
        attentions.post(PendingCondition.LOGICAL_UNIT_RESET);
        assertEquals(0x262903, attentions.asynchronousEvent());
        assertEquals(Optional.of(PendingCondition.LOGICAL_UNIT_RESET), attentions.take());
        assertEquals(0x162a09, attentions.asynchronousEvent());
        attentions.clear(PendingCondition.CAPACITY_DATA_HAS_CHANGED);
        attentions.post(PendingCondition.DEFERRED_ERROR);
        assertEquals(0x143e01, attentions.asynchronousEvent());
    }

    @Test
    void areNeitherLostNorDoubledBetweenThreads() throws Exception {
        PendingConditions attentions = new PendingConditions();
        int rounds = 20_000;
        CyclicBarrier barrier = new CyclicBarrier(2);
        try (ExecutorService threads = Executors.newFixedThreadPool(1)) {
            Future<?> poster =
                    threads.submit(() -> {
                        for (int i = 0; i < rounds; i++) {
                            barrier.await();
                            attentions.post(PendingCondition.CAPACITY_DATA_HAS_CHANGED);
                            barrier.await();
                        }
                        return null;
                    });
            for (int i = 0; i < rounds; i++) {
                attentions.post(PendingCondition.LOGICAL_UNIT_RESET);
                barrier.await();
                int taken = attentions.take().isPresent() ? 1 : 0;
                barrier.await();
                while (attentions.take().isPresent()) {
                    taken++;
                }
                assertEquals(2, taken, "round " + i);
            }
            poster.get();
        }
    }
}
