package io.lunkeeper.lun.writeback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FlushGateTest {
    private final Deque<Runnable> threads = new ArrayDeque<>();
    private final List<String> events = new ArrayList<>();

    /// What happens during the next synchronization.
    private FlushGate.Synchronization meanwhile = () -> {};

    private final FirstFailure first = new FirstFailure("test", () -> {});
    private final FlushGate gate =
            new FlushGate(
                    first,
                    () -> {
                        events.add("sync");
                        FlushGate.Synchronization now = meanwhile;
                        meanwhile = () -> {};
                        now.run();
                        events.add("done");
                    },
                    threads::add);

    private FlushGate.Waiter waiter(String name) {
        return failure -> events.add(failure == null ? name : name + " " + failure.getMessage());
    }

    @Test
    void oneSynchronizationAnswersAllWhoAskedBeforeIt() {
        gate.flush(waiter("a"));
        gate.flush(waiter("b"));
        gate.flush(waiter("c"));
        assertEquals(1, threads.size());
        threads.remove().run();
        assertEquals(List.of("sync", "done", "a", "b", "c"), events);
        assertEquals(3, gate.answered());
        assertEquals(1, gate.synchronizations());
    }

    @Test
    void whoIsAnsweredFindsItselfCounted() {
        gate.flush(_ -> events.add("counted " + gate.answered()));
        threads.remove().run();
        assertEquals(List.of("sync", "done", "counted 1"), events);
    }

    @Test
    void whoAsksDuringASynchronizationIsAnsweredByTheNext() {
        meanwhile =
                () -> {
                    gate.flush(waiter("b"));
                    gate.flush(waiter("c"));
                };
        gate.flush(waiter("a"));
        threads.remove().run();
        assertEquals(List.of("sync", "done", "a", "sync", "done", "b", "c"), events);
        assertEquals(0, threads.size());
    }

    @Test
    void isIdleBetweenSynchronizations() {
        gate.flush(waiter("a"));
        threads.remove().run();
        gate.flush(waiter("b"));
        threads.remove().run();
        assertEquals(List.of("sync", "done", "a", "sync", "done", "b"), events);
    }

    @Test
    void requestsThatNobodyWaitsForAreOne() {
        meanwhile =
                () -> {
                    gate.request();
                    gate.request();
                };
        gate.request();
        gate.request();
        threads.remove().run();
        assertEquals(List.of("sync", "done", "sync", "done"), events);
    }

    @Test
    void firstErrorFailsEveryoneForGood() {
        IOException failure = new IOException("medium error");
        meanwhile =
                () -> {
                    gate.flush(waiter("b"));
                    throw failure;
                };
        gate.flush(waiter("a"));
        threads.remove().run();
        gate.flush(waiter("c"));
        threads.remove().run();
        assertEquals(List.of("sync", "a medium error", "b medium error", "c medium error"), events);
        assertSame(failure, first.error());
    }

    @Test
    void brokenSynchronizationFailsTheGateToo() {
        meanwhile =
                () -> {
                    throw new IllegalStateException("bug");
                };
        gate.flush(waiter("a"));
        threads.remove().run();
        assertNotNull(first.error());
        assertEquals(List.of("sync", "a test: synchronization broke off"), events);
    }

    @Test
    void anAnswerThatBreaksOffCostsNobodyElse() {
        gate.flush(_ -> {
            throw new IllegalStateException("bug");
        });
        gate.flush(waiter("b"));
        threads.remove().run();
        assertEquals(List.of("sync", "done", "b"), events);
        assertNull(first.error());
    }

    @Test
    void runsOnTheAskingThreadWhenNoOtherIsLeft() {
        FlushGate last =
                new FlushGate(
                        first,
                        () -> events.add("sync"),
                        _ -> {
                            throw new RejectedExecutionException();
                        });
        last.flush(waiter("a"));
        assertEquals(List.of("sync", "a"), events);
    }

    /// From many threads: each waiter is answered once, and by a synchronization that began after
    /// it asked.
    @Test
    void answersEveryoneAfterWhatTheyWrote() throws InterruptedException {
        AtomicLong written = new AtomicLong();
        AtomicLong durable = new AtomicLong();
        int callers = 4;
        int rounds = 2000;
        CountDownLatch answers = new CountDownLatch(callers * rounds);
        AtomicLong early = new AtomicLong();
        try (ExecutorService disk = Executors.newSingleThreadExecutor();
                ExecutorService pool = Executors.newFixedThreadPool(callers)) {
            FlushGate shared = new FlushGate(first, () -> durable.set(written.get()), disk);
            for (int i = 0; i < callers; i++) {
                pool.execute(() -> flushRounds(shared, rounds, written, durable, early, answers));
            }
            answers.await();
        }
        assertEquals(0, early.get());
    }

    private static void flushRounds(
            FlushGate shared,
            int rounds,
            AtomicLong written,
            AtomicLong durable,
            AtomicLong early,
            CountDownLatch answers) {
        for (int round = 0; round < rounds; round++) {
            long mine = written.incrementAndGet();
            shared.flush((@Nullable IOException _) -> {
                if (durable.get() < mine) {
                    early.incrementAndGet();
                }
                answers.countDown();
            });
        }
    }
}
