package io.lunkeeper.lun.writeback;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.SynchronousQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FlushGateTest {
    /// A synchronization that starts and ends when the test says so.
    private static final class Disk implements FlushGate.Synchronization {
        final SynchronousQueue<Integer> starts = new SynchronousQueue<>();
        final SynchronousQueue<CompletableFuture<@Nullable IOException>> ends =
                new SynchronousQueue<>();
        private int runs;

        @Override
        public void run() throws IOException {
            boolean interrupted = Thread.interrupted();
            try {
                starts.put(++runs);
                IOException failure = ends.take().join();
                if (failure != null) {
                    throw failure;
                }
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            } finally {
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }

        void end(@Nullable IOException failure) throws InterruptedException {
            ends.put(CompletableFuture.completedFuture(failure));
        }
    }

    /// A thread in flush, and what came of it.
    private static final class Caller {
        final CompletableFuture<@Nullable IOException> outcome = new CompletableFuture<>();
        final Thread thread;

        Caller(FlushGate gate) {
            thread =
                    Thread.ofPlatform()
                            .daemon()
                            .start(() -> {
                                try {
                                    gate.flush();
                                    outcome.complete(null);
                                } catch (IOException e) {
                                    outcome.complete(e);
                                }
                            });
        }

        void awaitWaiting() {
            while (thread.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
        }
    }

    private final Disk disk = new Disk();
    private final FlushGate gate = new FlushGate("test", disk);

    private List<Caller> waiting(int count) {
        List<Caller> callers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            callers.add(new Caller(gate));
        }
        callers.forEach(Caller::awaitWaiting);
        return callers;
    }

    @Test
    void oneSynchronizationAnswersAllWhoAskedBeforeIt() throws InterruptedException {
        Caller first = new Caller(gate);
        assertEquals(1, disk.starts.take());
        List<Caller> others = waiting(5);
        disk.end(null);
        assertNull(first.outcome.join());
        assertEquals(2, disk.starts.take());
        for (Caller caller : others) {
            assertEquals(false, caller.outcome.isDone());
        }
        disk.end(null);
        for (Caller caller : others) {
            assertNull(caller.outcome.join());
        }
        assertEquals(2, disk.runs);
    }

    @Test
    void firstErrorFailsEveryoneForGood() throws InterruptedException {
        IOException failure = new IOException("medium error");
        Caller first = new Caller(gate);
        assertEquals(1, disk.starts.take());
        List<Caller> others = waiting(3);
        disk.end(failure);
        assertSame(failure, first.outcome.join());
        for (Caller caller : others) {
            assertSame(failure, caller.outcome.join());
        }
        assertSame(failure, assertThrows(IOException.class, gate::flush));
        assertSame(failure, gate.failure());
        assertEquals(1, disk.runs);
    }

    @Test
    void brokenSynchronizationFailsTheGateToo() {
        FlushGate broken =
                new FlushGate(
                        "test",
                        () -> {
                            throw new IllegalStateException("bug");
                        });
        assertThrows(IOException.class, broken::flush);
        assertThrows(IOException.class, broken::flush);
    }

    @Test
    void interruptedCallerStillWaitsForItsAnswer() throws InterruptedException {
        Caller running = new Caller(gate);
        assertEquals(1, disk.starts.take());
        Thread caller = Thread.currentThread();
        caller.interrupt();
        Thread releaser = Thread.ofPlatform().daemon().start(() -> endTwo(caller));
        assertDoesNotThrow(gate::flush);
        assertTrue(Thread.interrupted());
        releaser.join();
        assertNull(running.outcome.join());
        assertEquals(2, disk.runs);
    }

    private void endTwo(Thread caller) {
        while (caller.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        try {
            disk.end(null);
            disk.starts.take();
            disk.end(null);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
