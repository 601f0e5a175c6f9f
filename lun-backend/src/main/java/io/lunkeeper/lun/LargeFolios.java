package io.lunkeeper.lun;

import java.io.IOException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/// Finds parts of the image that the page cache holds in large folios, and has them cached anew.
///
/// What we write and read ahead is cached in small ones. But another program may have written the
/// image before, or read it: a copy, a conversion, a backup. On ext4 a small overwrite then pays
/// for the size of the folio that it lands in, half as much again in one of 128 KiB, up to ten
/// times in the largest, and for as long as the folio stays. The kernel does not say how large
/// folios are; the time that overwrites take does, beside that where the folios are known: what
/// they take on this machine is learned where something was cached anew, once at least for a trial.
/// What becomes of large ones then: [FolioRenewal].
///
/// Safe from any number of threads; a lost count costs nothing but time.
final class LargeFolios {
    /// No folio is larger.
    static final int REGION_SHIFT = 21;

    /// Slow, as long as nothing is known: in folios of 1 MiB overwrites of one page take 15 µs.
    static final long SLOW_NANOS = 12_000;

    /// Whoever takes less is quick enough, and no trial is made.
    static final long QUICK_NANOS = 3_000;

    /// What a slow overwrite adds to the evidence against its region; a quick one takes 1 away. So
    /// only where a third of them are slow does it grow: any may have been interrupted.
    static final int SLOW = 2;

    /// The evidence for which a region is cached anew.
    static final int ENOUGH = 16;

    /// Where writes stay slow for another reason, a region is cached anew again only after so many:
    /// thus it never costs more than a little of what is written.
    static final int AGAIN = 1 << 16;

    /// Regions that are cached anew to learn what an overwrite takes there.
    static final int TRIALS = 2;

    /// Overwrites from which it is known for good; where large folios come back later, there would
    /// be nothing to learn from any more.
    static final int LESSONS = 256;

    /// Regions that are watched at once, at most.
    private static final int SUSPECTS = 4096;

    /// Has a range cached anew; may block.
    @FunctionalInterface
    interface Renewal {
        void renew(long offset, long length) throws IOException;
    }

    /// Who must know when that fails: the page cache may have lost what was written.
    @FunctionalInterface
    interface Failure {
        void fail(IOException reason);
    }

    private final Executor threads;
    private final Renewal renewal;
    private final Failure failure;
    private final int slots;
    private final AtomicBoolean renewing = new AtomicBoolean();

    /// The region and, in the lower bits, the evidence; [#ENOUGH] while it is being cached anew,
    /// and above that the slow overwrites since. Made when the first small overwrite comes.
    private volatile @Nullable AtomicLongArray suspects;

    /// The median of what overwrites took in regions that were cached anew, and how many it is of;
    /// all loops work on it without a lock.
    private long usualNanos;

    private int lessons;
    private int trials;

    /// @param imageBytes decides how many regions are watched
    LargeFolios(long imageBytes, Executor threads, Renewal renewal, Failure failure) {
        long regions = Math.clamp(imageBytes >>> REGION_SHIFT, 1, SUSPECTS);
        this.slots = Integer.highestOneBit((int) regions);
        this.threads = threads;
        this.renewal = renewal;
        this.failure = failure;
    }

    /// A small overwrite took so long.
    void overwritten(long offset, long nanos) {
        long region = offset >>> REGION_SHIFT;
        AtomicLongArray all = suspects();
        int slot = slot(region);
        long seen = all.getOpaque(slot);
        int evidence = seen / AGAIN == region ? (int) (seen % AGAIN) : 0;
        if (evidence == ENOUGH) {
            return;
        }
        if (evidence > ENOUGH && lessons < LESSONS) {
            learn(Math.min(nanos, SLOW_NANOS));
        }
        if (nanos >= slowNanos()) {
            accuse(all, region, evidence);
        } else if (evidence > 0 && evidence < ENOUGH) {
            all.setOpaque(slot, seen - 1);
        }
    }

    /// What is slow: a third more than usual where folios are small.
    private long slowNanos() {
        if (lessons >= LESSONS) {
            return usualNanos + usualNanos / 3;
        }
        return trials < TRIALS ? QUICK_NANOS : SLOW_NANOS;
    }

    /// Moves the median towards what an overwrite took, first in large steps.
    private void learn(long nanos) {
        if (lessons == 0) {
            usualNanos = nanos;
        }
        long step = Math.max(1, usualNanos >> (lessons < LESSONS / 4 ? 3 : 6));
        usualNanos += nanos > usualNanos ? step : -step;
        lessons++;
    }

    /// One region at a time, since each keeps a thread and the disk busy; the others are slow until
    /// it is their turn.
    private void accuse(AtomicLongArray all, long region, int before) {
        int evidence = before > ENOUGH ? (before + 1) % AGAIN : before + SLOW;
        boolean convicted = before < ENOUGH && evidence >= ENOUGH;
        if (!convicted) {
            all.setOpaque(slot(region), region * AGAIN + evidence);
        } else if (renewing.compareAndSet(false, true)) {
            all.setOpaque(slot(region), region * AGAIN + ENOUGH);
            trials++;
            begin(region);
        }
    }

    private void begin(long region) {
        try {
            threads.execute(() -> renew(region));
        } catch (RejectedExecutionException _) {
            // The LUN is closing; nobody will write.
        }
    }

    private void renew(long region) {
        try {
            renewal.renew(region << REGION_SHIFT, 1L << REGION_SHIFT);
            suspects().setOpaque(slot(region), region * AGAIN + ENOUGH + 1);
            renewing.set(false);
        } catch (IOException lost) {
            failure.fail(lost);
        }
    }

    private int slot(long region) {
        return (int) (region & (slots - 1));
    }

    private AtomicLongArray suspects() {
        AtomicLongArray all = suspects;
        if (all == null) {
            all = new AtomicLongArray(slots);
            suspects = all;
        }
        return all;
    }
}
