package io.lunkeeper.lun;

import java.io.IOException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLongArray;

/// Finds parts of the image that the page cache holds in large folios, and has them cached anew.
///
/// What we write and read ahead is cached in small ones. But another program may have written the
/// image before, or read it: a copy, a conversion, a backup. On ext4 a small overwrite then pays
/// for the size of the folio that it lands in, up to twenty times over, and for as long as the
/// folio stays. The kernel does not say how large folios are; the time that overwrites take does.
/// What becomes of them then: [FolioRenewal].
///
/// Safe from any number of threads; a lost count costs nothing but time.
final class LargeFolios {
    /// No folio is larger.
    static final int REGION_SHIFT = 21;

    /// An overwrite of one page takes 2 to 3 µs, in folios of 1 MiB 17 and more.
    static final long SLOW_NANOS = 12_000;

    /// What a slow overwrite adds to the evidence against its region; a quick one takes 1 away. So
    /// only where a third of them are slow does it grow: any may have been interrupted.
    static final int SLOW = 2;

    /// The evidence for which a region is cached anew.
    static final int ENOUGH = 16;

    /// Where writes stay slow for another reason, a region is cached anew again only after so many:
    /// thus it never costs more than a little of what is written.
    static final int AGAIN = 1 << 16;

    /// Regions that are watched at once.
    private static final int SUSPECTS = 1024;

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

    /// The region and, in the lower bits, the evidence; above [#ENOUGH] the slow overwrites since.
    private final AtomicLongArray suspects = new AtomicLongArray(SUSPECTS);

    private final Executor threads;
    private final Renewal renewal;
    private final Failure failure;

    LargeFolios(Executor threads, Renewal renewal, Failure failure) {
        this.threads = threads;
        this.renewal = renewal;
        this.failure = failure;
    }

    /// A small overwrite took so long.
    void overwritten(long offset, long nanos) {
        long region = offset >>> REGION_SHIFT;
        int slot = (int) (region & (SUSPECTS - 1));
        long seen = suspects.getOpaque(slot);
        int evidence = seen / AGAIN == region ? (int) (seen % AGAIN) : 0;
        if (nanos >= SLOW_NANOS) {
            accuse(region, evidence);
        } else if (evidence > 0 && evidence < ENOUGH) {
            suspects.setOpaque(slot, seen - 1);
        }
    }

    private void accuse(long region, int before) {
        boolean convicted = before >= ENOUGH;
        int evidence = convicted ? (before + 1) % AGAIN : Math.min(before + SLOW, ENOUGH);
        suspects.setOpaque((int) (region & (SUSPECTS - 1)), region * AGAIN + evidence);
        if (evidence == ENOUGH && !convicted) {
            try {
                threads.execute(() -> renew(region << REGION_SHIFT));
            } catch (RejectedExecutionException _) {
                // The LUN is closing; nobody will write.
            }
        }
    }

    private void renew(long offset) {
        try {
            renewal.renew(offset, 1L << REGION_SHIFT);
        } catch (IOException lost) {
            failure.fail(lost);
        }
    }
}
