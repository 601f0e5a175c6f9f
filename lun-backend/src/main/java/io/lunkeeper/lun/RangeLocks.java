package io.lunkeeper.lun;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;

/// Locks on ranges of bytes: many writers at once (shared), or one who punches, zeroes or rewrites
/// a block's neighbours (exclusive). Writers of one byte are not ordered among each other.
///
/// The space is cut into regions of 1 MiB and these are dealt to 64 stripes, so a range is a set of
/// stripes: 64 bits, [#stripes]. Distant ranges may meet in a stripe; that costs time, never truth.
/// Every waiting acquisition goes through its stripes in ascending order, holding the lower ones,
/// so none waits in a circle.
final class RangeLocks {
    private static final int REGION_SHIFT = 20;
    private static final int STRIPES = 64;

    /// Array elements from one stripe to the next: a pair of cache lines each, so that loops that
    /// write to different stripes do not disturb each other.
    private static final int STRIDE = 16;

    /// Set in a stripe when someone has it exclusively or waits for its last sharer to leave; the
    /// other bits count the sharers.
    private static final long CLAIMED = 1L << 62;

    private final AtomicLongArray states = new AtomicLongArray(STRIPES * STRIDE);
    private final AtomicInteger waiters = new AtomicInteger();

    /// Who has a range exclusively, or waits for it.
    private final AtomicInteger excluders = new AtomicInteger();

    private final Object monitor = new Object();

    /// Who wants to know of changes, each of which is made under these locks.
    private final RangeWatches watches = new RangeWatches(this);

    /// See [RangeWatches].
    RangeWatches watches() {
        return watches;
    }

    /// The stripes of a range, as bits.
    static long stripes(long offset, long length) {
        assert offset >= 0 && length > 0 : offset + "+" + length;
        long first = offset >>> REGION_SHIFT;
        long regions = ((offset + length - 1) >>> REGION_SHIFT) - first + 1;
        return regions >= STRIPES
                ? -1L
                : Long.rotateLeft((1L << regions) - 1, (int) (first % STRIPES));
    }

    /// The stripes of a range and of the bytes beside it that a write in whole blocks reads and
    /// writes again.
    ///
    /// @param blockBytes a power of two
    static long wholeBlocks(int blockBytes, long offset, long length) {
        long start = offset & -blockBytes;
        long end = (offset + length + blockBytes - 1) & -blockBytes;
        return stripes(start, end - start);
    }

    /// Takes stripes shared if nobody has or wants any stripe exclusively, not even another one:
    /// who changes the blocks of a file has the kernel's lock on all of it, and a write would wait
    /// there. Never waits.
    ///
    /// @return false when not; nothing is taken
    boolean tryShared(long stripes) {
        if (excluders.get() != 0) {
            return false;
        }
        long rest = stripes;
        while (rest != 0) {
            int stripe = Long.numberOfTrailingZeros(rest);
            if (!tryShare(stripe)) {
                releaseShared(stripes & ((1L << stripe) - 1));
                return false;
            }
            rest &= rest - 1;
        }
        return true;
    }

    /// Takes stripes shared, waiting for those who have them exclusively.
    void lockShared(long stripes) {
        for (long rest = stripes; rest != 0; rest &= rest - 1) {
            int stripe = Long.numberOfTrailingZeros(rest);
            if (!tryShare(stripe)) {
                await(() -> tryShare(stripe));
            }
        }
    }

    /// Takes stripes exclusively. From the claim on, no new sharer enters, so a stream of writers
    /// cannot keep this waiting for ever.
    void lockExclusive(long stripes) {
        excluders.incrementAndGet();
        for (long rest = stripes; rest != 0; rest &= rest - 1) {
            int stripe = Long.numberOfTrailingZeros(rest);
            if (!tryClaim(stripe)) {
                await(() -> tryClaim(stripe));
            }
            if (states.get(stripe * STRIDE) != CLAIMED) {
                await(() -> states.get(stripe * STRIDE) == CLAIMED);
            }
        }
    }

    void releaseShared(long stripes) {
        boolean last = false;
        for (long rest = stripes; rest != 0; rest &= rest - 1) {
            int index = Long.numberOfTrailingZeros(rest) * STRIDE;
            last |= states.decrementAndGet(index) == CLAIMED;
        }
        if (last) {
            wake();
        }
    }

    void releaseExclusive(long stripes) {
        for (long rest = stripes; rest != 0; rest &= rest - 1) {
            int index = Long.numberOfTrailingZeros(rest) * STRIDE;
            boolean released = states.compareAndSet(index, CLAIMED, 0);
            assert released : states.get(index);
        }
        excluders.decrementAndGet();
        wake();
    }

    private boolean tryShare(int stripe) {
        int index = stripe * STRIDE;
        while (true) {
            long state = states.get(index);
            if ((state & CLAIMED) != 0) {
                return false;
            }
            if (states.compareAndSet(index, state, state + 1)) {
                return true;
            }
        }
    }

    private boolean tryClaim(int stripe) {
        int index = stripe * STRIDE;
        while (true) {
            long state = states.get(index);
            if ((state & CLAIMED) != 0) {
                return false;
            }
            if (states.compareAndSet(index, state, state | CLAIMED)) {
                return true;
            }
        }
    }

    @FunctionalInterface
    private interface Attempt {
        boolean succeeds();
    }

    /// Repeats an attempt whenever somebody releases something. A waiter counts itself before it
    /// looks, a releaser changes the state before it looks for waiters: one sees the other.
    private void await(Attempt attempt) {
        boolean interrupted = false;
        synchronized (monitor) {
            waiters.incrementAndGet();
            while (!attempt.succeeds()) {
                try {
                    monitor.wait();
                } catch (InterruptedException _) {
                    interrupted = true;
                }
            }
            waiters.decrementAndGet();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void wake() {
        if (waiters.get() != 0) {
            synchronized (monitor) {
                monitor.notifyAll();
            }
        }
    }
}
