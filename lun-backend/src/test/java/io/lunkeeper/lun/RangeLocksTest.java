package io.lunkeeper.lun;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

class RangeLocksTest {
    private static final long MIB = 1 << 20;

    private final RangeLocks locks = new RangeLocks();

    private static Thread start(Runnable task) {
        return Thread.ofPlatform().daemon().start(task);
    }

    private static void awaitWaiting(Thread thread) {
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
    }

    @Test
    void rangeCoversTheStripesOfItsRegions() {
        assertEquals(1L, RangeLocks.stripes(0, 1));
        assertEquals(1L, RangeLocks.stripes(MIB - 1, 1));
        assertEquals(0b11L, RangeLocks.stripes(MIB - 1, 2));
        assertEquals(1L << 63 | 1L, RangeLocks.stripes(63 * MIB, 2 * MIB));
        assertEquals(1L << 5, RangeLocks.stripes((64 * 1000 + 5) * MIB, MIB));
        assertEquals(-1L, RangeLocks.stripes(7 * MIB, 64 * MIB));
        assertEquals(-1L, RangeLocks.stripes(0, Long.MAX_VALUE));
    }

    @Test
    void sharersMeetAndExclusiveKeepsThemOut() {
        assertTrue(locks.tryShared(0b11));
        assertTrue(locks.tryShared(0b10));
        locks.releaseShared(0b11);
        locks.releaseShared(0b10);
        locks.lockExclusive(0b10);
        assertFalse(locks.tryShared(0b111));
        assertFalse(locks.tryShared(0b101), "it would wait for the kernel's lock on the file");
        locks.lockShared(0b101);
        locks.releaseShared(0b101);
        locks.releaseExclusive(0b10);
        assertTrue(locks.tryShared(0b111));
    }

    @Test
    void refusedAttemptTakesNothing() throws InterruptedException {
        locks.lockExclusive(0b1000);
        assertFalse(locks.tryShared(0b1111));
        Thread other = start(() -> locks.lockExclusive(0b0111));
        other.join();
        assertFalse(locks.tryShared(0b0001));
    }

    @Test
    void exclusiveWaiterKeepsNewSharersOut() throws InterruptedException {
        assertTrue(locks.tryShared(0b1));
        Thread writer = start(() -> locks.lockExclusive(0b1));
        awaitWaiting(writer);
        assertFalse(locks.tryShared(0b1));
        locks.releaseShared(0b1);
        writer.join();
        assertFalse(locks.tryShared(0b1));
        locks.releaseExclusive(0b1);
        assertTrue(locks.tryShared(0b1));
    }

    @Test
    void sharerWaitsForExclusive() throws InterruptedException {
        locks.lockExclusive(0b110);
        Thread sharer = start(() -> locks.lockShared(0b11));
        awaitWaiting(sharer);
        locks.releaseExclusive(0b110);
        sharer.join();
        assertTrue(locks.tryShared(0b1));
    }

    /// Sharers count up on each stripe, an exclusive holder puts down a large number: any mixture
    /// shows.
    @Test
    void neverMixesSharedAndExclusiveOnAStripe() {
        long seed = Long.getLong("lunkeeper.seed", 4711L);
        AtomicIntegerArray holders = new AtomicIntegerArray(64);
        List<CompletableFuture<Void>> threads = new ArrayList<>();
        SplittableRandom seeds = new SplittableRandom(seed);
        for (int t = 0; t < 6; t++) {
            SplittableRandom random = seeds.split();
            CompletableFuture<Void> done = new CompletableFuture<>();
            threads.add(done);
            start(() -> {
                try {
                    for (int i = 0; i < 4000; i++) {
                        step(random, holders);
                    }
                    done.complete(null);
                } catch (AssertionError e) {
                    done.completeExceptionally(new AssertionError("seed=" + seed, e));
                }
            });
        }
        threads.forEach(CompletableFuture::join);
        assertTrue(locks.tryShared(-1L));
    }

    private void step(SplittableRandom random, AtomicIntegerArray holders) {
        long stripes = RangeLocks.stripes(random.nextLong(80 * MIB), 1 + random.nextLong(6 * MIB));
        int kind = random.nextInt(4);
        if (kind == 0) {
            locks.lockExclusive(stripes);
            hold(stripes, holders, 1000, 1000);
            locks.releaseExclusive(stripes);
        } else if (kind != 1 || locks.tryShared(stripes)) {
            if (kind != 1) {
                locks.lockShared(stripes);
            }
            hold(stripes, holders, 1, 6);
            locks.releaseShared(stripes);
        }
    }

    private static void hold(long stripes, AtomicIntegerArray holders, int weight, int limit) {
        for (long rest = stripes; rest != 0; rest &= rest - 1) {
            int held = holders.addAndGet(Long.numberOfTrailingZeros(rest), weight);
            assertTrue(held <= limit, () -> "holders " + held);
        }
        for (long rest = stripes; rest != 0; rest &= rest - 1) {
            holders.addAndGet(Long.numberOfTrailingZeros(rest), -weight);
        }
    }
}
