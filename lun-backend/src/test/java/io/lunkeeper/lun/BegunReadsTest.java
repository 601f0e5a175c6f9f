package io.lunkeeper.lun;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class BegunReadsTest {
    private static final int BLOCK = 4096;

    private final Queue<Runnable> started = new ArrayDeque<>();
    private final List<String> calls = new ArrayList<>();
    private final List<Long> answered = new ArrayList<>();
    private final List<@Nullable IOException> failures = new ArrayList<>();

    /// What the page cache has.
    private final Set<Long> cached = new HashSet<>();

    private boolean closed;
    private @Nullable IOException bad;
    private Runnable whileBlocked = () -> {};

    private final BegunReads.Medium medium =
            new BegunReads.Medium() {
                @Override
                public boolean begin(long offset, ByteBuf destination, int length) {
                    calls.add("begin " + offset / BLOCK);
                    if (!cached.contains(offset)) {
                        return false;
                    }
                    destination.writeLong(offset);
                    return true;
                }

                @Override
                public void read(long offset, ByteBuf destination, int length) throws IOException {
                    calls.add("read " + offset / BLOCK);
                    whileBlocked.run();
                    if (bad != null) {
                        throw bad;
                    }
                    destination.writeLong(offset);
                }
            };

    private final BegunReads reads = new BegunReads(this::start, medium);

    private void start(Runnable task) {
        if (closed) {
            throw new RejectedExecutionException();
        }
        started.add(task);
    }

    private void read(int block) {
        long offset = (long) block * BLOCK;
        ByteBuf data = Unpooled.buffer(BLOCK);
        reads.read(
                new ReadRequest(
                        offset,
                        data,
                        BLOCK,
                        failure -> {
                            answered.add(failure == null ? data.readLong() / BLOCK : block);
                            failures.add(failure);
                        }));
    }

    private void work() {
        for (Runnable task = started.poll(); task != null; task = started.poll()) {
            task.run();
        }
    }

    @Test
    void allThatWaitHaveBegunBeforeTheFirstIsWaitedFor() {
        cached.add(2L * BLOCK);
        read(1);
        read(2);
        read(3);
        assertEquals(1, started.size(), "one thread for all of them");
        work();
        assertEquals(List.of("begin 1", "begin 2", "begin 3", "read 1", "read 3"), calls);
        assertEquals(List.of(2L, 1L, 3L), answered);
    }

    @Test
    void whatComesMeanwhileHasBegunBeforeTheNextIsWaitedFor() {
        read(1);
        read(2);
        whileBlocked =
                () -> {
                    whileBlocked = () -> {};
                    read(3);
                };
        work();
        assertEquals(List.of("begin 1", "begin 2", "read 1", "begin 3", "read 2", "read 3"), calls);
        assertEquals(List.of(1L, 2L, 3L), answered);
    }

    @Test
    void manyHaveMoreThreads() {
        for (int i = 0; i < BegunReads.READS_PER_THREAD; i++) {
            read(i);
        }
        assertEquals(1, started.size());
        read(99);
        assertEquals(2, started.size());
        work();
        assertEquals(BegunReads.READS_PER_THREAD + 1, answered.size());
        read(100);
        assertEquals(1, started.size(), "the threads have gone");
    }

    @Test
    void whileAllThreadsWaitForTheDiskAnotherBeginsAndCollects() {
        cached.add(4L * BLOCK);
        read(1);
        read(2);
        whileBlocked =
                () -> {
                    whileBlocked = () -> {};
                    read(3);
                    read(4);
                    assertEquals(1, started.size(), "one more");
                    started.remove().run();
                    assertEquals(List.of(4L, 2L, 3L), answered, "1 holds up nobody");
                };
        work();
        assertEquals(List.of(4L, 2L, 3L, 1L), answered);
    }

    @Test
    void anErrorIsForTheReadItHits() {
        IOException fault = new IOException("bad block");
        bad = fault;
        cached.add(8L * BLOCK);
        read(7);
        read(8);
        work();
        assertEquals(List.of(8L, 7L), answered);
        assertNull(failures.get(0));
        assertSame(fault, failures.get(1));
    }

    @Test
    void aThreadLetsOtherWorkInAndGoesOnWhenThereIsNoOtherThread() {
        int[] left = {200};
        whileBlocked =
                () -> {
                    if (left[0]-- > 0) {
                        read(left[0]);
                    }
                };
        read(500);
        started.remove().run();
        assertEquals(2, started.size(), "one while it waited, and itself behind what else waits");
        assertTrue(answered.size() < 200, "it has not done all at once");
        closed = true;
        work();
        assertEquals(201, answered.size());
    }

    @Test
    void aClosedLunRefuses() {
        closed = true;
        assertThrows(RejectedExecutionException.class, () -> read(1));
        assertEquals(0, answered.size());
        closed = false;
        read(2);
        work();
        assertEquals(List.of(2L), answered);
    }

    @Test
    void whoCountedOnAThreadThatNeverCameHasAnAnswer() {
        BegunReads refusing =
                new BegunReads(
                        task -> {
                            // Another read comes before it is known that there is no thread.
                            if (answered.isEmpty() && !closed) {
                                closed = true;
                                stranded();
                            }
                            throw new RejectedExecutionException();
                        },
                        medium);
        other = refusing;
        ReadRequest request = new ReadRequest(0, Unpooled.buffer(BLOCK), BLOCK, failures::add);
        assertThrows(RejectedExecutionException.class, () -> refusing.read(request));
        assertEquals(1, failures.size(), "the other, and not the one that was refused");
        assertNotNull(failures.getFirst());
    }

    private @Nullable BegunReads other;

    private void stranded() {
        if (other != null) {
            other.read(new ReadRequest(BLOCK, Unpooled.buffer(BLOCK), BLOCK, failures::add));
        }
    }

    @Test
    void everyReadIsAnsweredOnce() {
        long seed = Long.getLong("lunkeeper.seed", 17L);
        SplittableRandom random = new SplittableRandom(seed);
        int asked = 0;
        for (int round = 0; round < 300; round++) {
            for (int i = random.nextInt(40); i >= 0; i--) {
                if (random.nextBoolean()) {
                    cached.add((long) asked * BLOCK);
                }
                read(asked++);
            }
            for (int i = random.nextInt(3); i > 0 && !started.isEmpty(); i--) {
                started.remove().run();
            }
        }
        work();
        assertEquals(asked, answered.size(), "seed=" + seed);
        assertEquals(asked, new HashSet<>(answered).size(), "seed=" + seed);
    }
}
