package io.lunkeeper.lun;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class IoThreadsTest {
    private static final int LIMIT = 8;

    private final IoThreads threads = new IoThreads(Path.of("/images/vm1.img"), LIMIT);

    @Test
    void startsWorkInOrderOfSubmission() {
        CountDownLatch release = new CountDownLatch(1);
        for (int i = 0; i < LIMIT - 1; i++) {
            threads.execute(() -> await(release));
        }
        List<Integer> started = new CopyOnWriteArrayList<>();
        for (int i = 0; i < 50; i++) {
            int number = i;
            threads.execute(() -> started.add(number));
        }
        CompletableFuture<String> last = new CompletableFuture<>();
        threads.execute(() -> last.complete(Thread.currentThread().getName()));
        assertEquals("lun vm1.img", last.join());
        assertEquals(IntStream.range(0, 50).boxed().toList(), started);
        release.countDown();
        threads.close();
    }

    @Test
    void hasNoThreadsOfItsOwn() {
        IoThreads other = new IoThreads(Path.of("/images/vm2.img"), LIMIT);
        Set<Long> used = new HashSet<>();
        for (int i = 0; i < 200; i++) {
            CompletableFuture<Long> ran = new CompletableFuture<>();
            (i % 2 == 0 ? threads : other)
                    .execute(() -> ran.complete(Thread.currentThread().threadId()));
            used.add(ran.join());
        }
        // One that has just answered may not be free yet.
        assertTrue(used.size() <= LIMIT, used.toString());
        threads.close();
        other.close();
    }

    /// The process can have one thread, then none.
    @Test
    void goesOnWithTheThreadsThatThereAreAndRefusesWithoutAny() {
        AtomicInteger left = new AtomicInteger(1);
        List<Runnable> begun = new ArrayList<>();
        IoThreads few =
                new IoThreads(
                        Path.of("/images/vm1.img"),
                        LIMIT,
                        work -> {
                            if (left.getAndDecrement() <= 0) {
                                throw new OutOfMemoryError("no thread");
                            }
                            begun.add(work);
                        });
        List<Integer> done = new ArrayList<>();
        few.execute(() -> done.add(1));
        few.execute(() -> done.add(2));
        begun.forEach(Runnable::run);
        assertEquals(List.of(1, 2), done);
        assertThrows(RejectedExecutionException.class, () -> few.execute(() -> done.add(3)));
        few.close();
        assertEquals(List.of(1, 2), done);
    }

    @Test
    void survivesATaskThatBreaksOff() {
        for (int i = 0; i < 2 * LIMIT; i++) {
            threads.execute(() -> {
                throw new IllegalStateException("bug");
            });
        }
        CompletableFuture<Boolean> ran = new CompletableFuture<>();
        threads.execute(() -> ran.complete(true));
        assertTrue(ran.join());
        threads.close();
    }

    @Test
    void closeRunsTheQueueAndRefusesWhatComesLater() {
        List<Integer> done = new CopyOnWriteArrayList<>();
        for (int i = 0; i < 100; i++) {
            int number = i;
            threads.execute(() -> done.add(number));
        }
        threads.close();
        assertEquals(100, done.size());
        assertThrows(RejectedExecutionException.class, () -> threads.execute(() -> {}));
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
