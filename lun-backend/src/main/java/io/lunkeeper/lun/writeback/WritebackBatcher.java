package io.lunkeeper.lun.writeback;

import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.ImageFile;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Hands written data to the disk in batches before anybody asks for it, as the kernel's
/// filemap_fdatawrite does for one file, so that a flush finds little left to do.
///
/// A batch is everything that is dirty, in the order in which it lies on the disk; under pressure
/// the largest stretches first. Only some megabytes of it are under way at once: the disk always
/// has work, and a flush or a read that comes meanwhile waits for these and not for all of it. A
/// batch starts when data has become old or there is too much of it; each page that is dirty when
/// it starts has been written when it ends.
///
/// How much is too much depends on who waits for it. Where somebody flushes, little may gather, so
/// that each flush finds little to do. Where nobody does, a burst is taken in whole, since writing
/// it out meanwhile would only slow it down, and goes to the disk when it pauses.
///
/// All of this makes nothing durable; only the [FlushGate] does. But an error met here counts: the
/// kernel reports a lost page once, and no flush after it may succeed.
public final class WritebackBatcher {
    /// What of a batch is on its way to the disk at once, at most.
    private static final long UNDER_WAY_BYTES = 8L << 20;

    /// A batch of less than this part of what starts one early tells of a LUN with little to do.
    private static final int QUIET_PART = 4;

    /// How often dirty data is looked at. Where nothing was written since the last time, writing
    /// has paused.
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

    /// For so long a flush tells that more of them will come.
    private static final long FLUSHED_LATELY_NANOS = TimeUnit.SECONDS.toNanos(30);

    /// When a batch begins and how much may wait.
    ///
    /// @param expireNanos how old dirty data may become
    /// @param backgroundBytes how much of it starts a batch at once where somebody flushes
    /// @param limitBytes how much of it, begun or not, is too much; an eighth of the memory is in
    ///   any case
    public record Limits(long expireNanos, long backgroundBytes, long limitBytes) {
        public Limits {
            limitBytes = Math.min(limitBytes, DirtyMemory.mostBytes());
        }
    }

    private final ImageFile image;
    private final ExtentTree tree;
    private final FirstFailure failure;
    private final Executor threads;
    private final ScheduledExecutorService clock;
    private final Limits limits;
    private final Chunks chunks;
    private final DirtyRanges dirty = new DirtyRanges();

    /// What went to the disk and may want to be made whole when there is time.
    private final DirtyRanges passed = new DirtyRanges();

    private final WriteThrottle throttle;

    /// Bytes taken from `dirty` whose writeback has not been seen to end.
    private final AtomicLong underWay = new AtomicLong();

    private final AtomicBoolean running = new AtomicBoolean();
    private final AtomicBoolean timed = new AtomicBoolean();

    /// How much dirty data starts a batch now.
    private volatile long startBytes;

    /// When there was a flush last, if ever.
    private volatile @Nullable Long flushedNanos;

    private volatile boolean ended;

    /// What was dirty at the last look; changed under this.
    private volatile long seenBytes;

    /// Whether there was a write since the last look. The amount does not tell: who writes the same
    /// again adds nothing to it.
    private volatile boolean writtenLately;

    /// How often it was looked at since a batch; confined to the clock.
    private long looks;

    /// A batcher for one image.
    ///
    /// @param threads where batches run, one at a time, and the writes that the throttle lets go
    /// @param clock where their start is timed; nothing else is done there
    public WritebackBatcher(
            ImageFile image,
            ExtentTree tree,
            FirstFailure failure,
            Executor threads,
            ScheduledExecutorService clock,
            Limits limits,
            Chunks chunks) {
        this.image = image;
        this.tree = tree;
        this.failure = failure;
        this.threads = threads;
        this.clock = clock;
        this.limits = limits;
        this.chunks = chunks;
        this.throttle = new WriteThrottle(threads, this::overLimit);
        this.startBytes = burstBytes();
    }

    /// Tells that a range was written, by any thread and after the write.
    public void written(long offset, long length) {
        if (!writtenLately) {
            writtenLately = true;
        }
        if (dirty.mark(offset, length) >= startBytes) {
            begin();
        } else {
            time();
        }
    }

    /// Bytes that were written and are not known to have reached the disk.
    public long unwrittenBytes() {
        return dirty.bytes() + underWay.get();
    }

    /// Whether there is so much that writers must wait.
    public boolean overLimit() {
        return unwrittenBytes() >= limits.limitBytes() && failure.error() == null;
    }

    /// Where writes run that may be held back.
    public WriteThrottle throttle() {
        return throttle;
    }

    /// Synchronizes the image as a whole and knows all to be clean that was dirty before.
    public void synchronize(FlushGate.Synchronization synchronization) throws IOException {
        flushedNanos = System.nanoTime();
        startBytes = limits.backgroundBytes();
        List<DirtyRanges.Run> taken = dirty.take();
        chunks.allocate();
        synchronization.run();
        taken.forEach(run -> passed.mark(run.offset(), run.length()));
        time();
        throttle.release();
    }

    private void time() {
        if (!timed.get() && timed.compareAndSet(false, true)) {
            try {
                Future<?> _ = clock.schedule(this::look, lookNanos(), TimeUnit.NANOSECONDS);
            } catch (RejectedExecutionException _) {
                // The process ends, and the flush at the end does what is left.
                timed.set(false);
            }
        }
    }

    private long lookNanos() {
        return Math.min(LOOK_NANOS, limits.expireNanos() / 2);
    }

    private boolean flushedLately() {
        Long flushed = flushedNanos;
        return flushed != null && System.nanoTime() - flushed < FLUSHED_LATELY_NANOS;
    }

    /// What starts a batch where nobody flushes: less than the limit, so that the disk is at work
    /// before writers must wait.
    private long burstBytes() {
        long most = Math.min(limits.limitBytes() / 4 * 3, DirtyMemory.burstBytes(seenBytes));
        return Math.max(limits.backgroundBytes(), most);
    }

    /// Half the age that is allowed begins a batch: it has the other half to end.
    private void look() {
        timed.set(false);
        if (!flushedLately()) {
            startBytes = burstBytes();
        }
        long bytes = dirty.bytes();
        boolean paused = !writtenLately && bytes >= limits.backgroundBytes();
        writtenLately = false;
        see(bytes);
        looks++;
        if (bytes == 0 && passed.bytes() == 0) {
            looks = 0;
        } else if (paused
                || bytes >= startBytes
                || looks * lookNanos() >= limits.expireNanos() / 2) {
            looks = 0;
            begin();
        } else {
            time();
        }
    }

    private synchronized void see(long bytes) {
        long now = ended ? 0 : bytes;
        DirtyMemory.seen(seenBytes, now);
        seenBytes = now;
    }

    private void begin() {
        if (running.get() || !running.compareAndSet(false, true)) {
            return;
        }
        if (ended) {
            rest();
            return;
        }
        try {
            threads.execute(this::run);
        } catch (RejectedExecutionException _) {
            // The process ends, and the flush at the end does what is left.
            rest();
        }
    }

    private synchronized void rest() {
        running.set(false);
        notifyAll();
    }

    /// Holds no writer back and begins nothing any more; returns when nothing is under way.
    public synchronized void end() {
        ended = true;
        see(0);
        throttle.lift();
        boolean interrupted = false;
        while (running.get()) {
            try {
                wait();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            boolean quiet;
            do {
                quiet = writeBatch();
            } while (dirty.bytes() >= startBytes && failure.error() == null && !ended);
            if (quiet && !ended) {
                completePassed();
            }
        } catch (IOException e) {
            failure.fail(e);
        } finally {
            underWay.set(0);
            rest();
            throttle.release();
        }
        if (dirty.bytes() > 0 || passed.bytes() > 0 || seenBytes > 0) {
            time();
        }
    }

    /// Writes all that is dirty.
    ///
    /// @return whether it was so little that there is time for other work
    private boolean writeBatch() throws IOException {
        // Rather counted twice for a moment than not at all.
        underWay.set(dirty.bytes());
        List<DirtyRanges.Run> batch = dirty.take();
        long bytes = batch.stream().mapToLong(DirtyRanges.Run::dirtyBytes).sum();
        underWay.set(bytes);
        chunks.allocate();
        batch.sort(bytes * 2 >= limits.limitBytes() ? largestFirst() : inPhysicalOrder());
        write(batch);
        batch.forEach(run -> passed.mark(run.offset(), run.length()));
        return bytes * QUIET_PART < limits.backgroundBytes();
    }

    /// Makes whole what went to the disk in part, until there is something else to do again.
    private void completePassed() throws IOException {
        Transfer transfer = new Transfer();
        long unit = chunks.unitBytes();
        for (DirtyRanges.Run run : passed.take()) {
            if (ended || dirty.bytes() * QUIET_PART >= limits.backgroundBytes()) {
                passed.mark(run.offset(), run.length());
                continue;
            }
            long start = run.offset() / unit * unit;
            long length = (run.offset() + run.length() + unit - 1) / unit * unit - start;
            long bytes = chunks.complete(start, length);
            if (bytes > 0) {
                underWay.addAndGet(bytes);
                transfer.begin(new DirtyRanges.Run(start, length, bytes));
            }
        }
        transfer.end();
    }

    private void write(List<DirtyRanges.Run> batch) throws IOException {
        Transfer transfer = new Transfer();
        for (DirtyRanges.Run run : batch) {
            transfer.begin(run);
        }
        transfer.end();
    }

    /// Runs on their way to the disk, not too many of them.
    private final class Transfer {
        private final Queue<DirtyRanges.Run> begun = new ArrayDeque<>();
        private long begunBytes;

        void begin(DirtyRanges.Run run) throws IOException {
            image.startWriteback(run.offset(), run.length());
            begun.add(run);
            begunBytes += run.dirtyBytes();
            while (begunBytes > UNDER_WAY_BYTES) {
                await();
            }
        }

        void end() throws IOException {
            while (!begun.isEmpty()) {
                await();
            }
        }

        private void await() throws IOException {
            DirtyRanges.Run run = begun.remove();
            image.awaitWriteback(run.offset(), run.length());
            begunBytes -= run.dirtyBytes();
            underWay.addAndGet(-run.dirtyBytes());
            throttle.release();
        }
    }

    private static Comparator<DirtyRanges.Run> largestFirst() {
        return Comparator.comparingLong(DirtyRanges.Run::dirtyBytes).reversed();
    }

    /// Where it is unknown the offset in the image stands in: file systems keep the order.
    private Comparator<DirtyRanges.Run> inPhysicalOrder() {
        return Comparator.<DirtyRanges.Run>comparingLong(run -> tree.physical(run.offset()))
                .thenComparingLong(DirtyRanges.Run::offset);
    }
}
