package io.lunkeeper.lun;

import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.ImageFile;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLongArray;

/// Reads ahead of initiators that read one stretch after the other, which the kernel does not do
/// for us: it was told that access is random, to keep small overwrites cheap.
///
/// A stream begins with a read that missed the page cache and goes on with every read that starts
/// where the last one ended. Reads that belong to none cost a look at a few numbers. Safe from any
/// number of threads.
final class ReadAhead {
    /// Streams followed at once; the oldest gives way.
    private static final int STREAMS = 8;

    private static final long FIRST_BYTES = 512 << 10;
    private static final long MOST_BYTES = 4L << 20;

    private final ImageFile image;
    private final ExtentTree tree;
    private final Executor threads;

    /// Where each stream goes on; negative for none. Changed, and the rest read, under this lock.
    private final AtomicLongArray next = new AtomicLongArray(STREAMS);

    private final long[] readUntil = new long[STREAMS];
    private final long[] window = new long[STREAMS];
    private int oldest;

    ReadAhead(ImageFile image, ExtentTree tree, Executor threads) {
        this.image = image;
        this.tree = tree;
        this.threads = threads;
        for (int i = 0; i < STREAMS; i++) {
            next.set(i, -1);
        }
    }

    /// A read was answered from the page cache.
    void hit(long offset, int length) {
        int stream = find(offset);
        if (stream >= 0) {
            advance(stream, offset, length);
        }
    }

    /// A read must wait for the disk.
    void missed(long offset, int length) {
        int stream = find(offset);
        if (stream >= 0) {
            advance(stream, offset, length);
        } else {
            begin(offset + length);
        }
    }

    private int find(long offset) {
        for (int i = 0; i < STREAMS; i++) {
            if (next.getOpaque(i) == offset) {
                return i;
            }
        }
        return -1;
    }

    private synchronized void begin(long end) {
        next.setOpaque(oldest, end);
        readUntil[oldest] = end;
        window[oldest] = FIRST_BYTES;
        oldest = (oldest + 1) % STREAMS;
    }

    private synchronized void advance(int stream, long offset, int length) {
        if (next.getOpaque(stream) != offset) {
            return;
        }
        long end = offset + length;
        next.setOpaque(stream, end);
        if (readUntil[stream] - end > window[stream] / 2) {
            return;
        }
        long from = Math.max(readUntil[stream], end);
        long to = Math.min(end + window[stream], tree.sizeBytes());
        window[stream] = Math.min(2 * window[stream], MOST_BYTES);
        readUntil[stream] = Math.max(from, to);
        if (from < to && !tree.readsAsZeros(from, to - from)) {
            read(from, to - from);
        }
    }

    private void read(long offset, long length) {
        try {
            threads.execute(() -> image.readAhead(offset, length));
        } catch (RejectedExecutionException _) {
            // The LUN is closing; nobody will read on.
        }
    }
}
