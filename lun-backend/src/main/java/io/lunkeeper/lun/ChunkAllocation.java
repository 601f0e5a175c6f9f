package io.lunkeeper.lun;

import io.lunkeeper.lun.extent.ExtentScanner;
import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ImageFile;
import io.lunkeeper.lun.image.ImageFullException;
import io.lunkeeper.lun.writeback.Chunks;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;

/// Takes space for writes in aligned chunks, so that writes that come scattered do not scatter the
/// image: the file system gives a chunk in one piece, and chunks side by side in one piece too.
///
/// Where the file system delays allocation a write into a hole just reserves space, on the event
/// loop, and its chunk is noted; space is taken for all noted chunks at once before their pages go
/// to the disk. Elsewhere the chunk is allocated before the write.
///
/// A chunk that is partly written lies on the disk as alternating written and unwritten extents, as
/// many as there were writes. So when there is time for it and an eighth of a chunk is written, the
/// rest is written too, as the zeros that it reads as, and the whole becomes one extent. With less
/// the zeros would cost more than the extents.
///
/// Safe from any number of threads.
final class ChunkAllocation implements Chunks {
    /// A chunk is completed when this part of it is written.
    private static final int WORTHWHILE_PART = 8;

    /// What a stream of writes takes at once, at most.
    private static final long MAX_STREAM_BYTES = 4L << 20;

    /// Chunks that are taken together. Where a part of them is wanted or has been taken, all are:
    /// whoever writes to so many places of a region will come to the others.
    private static final int REGION_CHUNKS = 64;

    private static final int DENSE_PART = 4;

    /// What is allocated by one call, at most: writes to the file wait for it.
    private static final long MAX_REGION_BYTES = 16L << 20;

    /// What a file system keeps for itself before it looks for room, at most.
    private static final long MIN_ROOM_BYTES = 64L << 20;

    /// So many chunks without space are not left to the next batch: until they have it, each write
    /// there costs half as much again. Enough to see which regions of a large image are dense:
    /// taken as wholes these are a few extents, which the file system finds quicker.
    private static final int MANY = 4096;

    private final ImageFile image;
    private final ExtentTree tree;
    private final ExtentScanner scanner;
    private final RangeLocks locks;
    private final long chunkBytes;
    private final long regionBytes;
    private final Executor threads;
    private final boolean delays;
    private final Object monitor = new Object();

    /// Chunks that were written to without space, by offset.
    private final Set<Long> noted = ConcurrentHashMap.newKeySet();

    private final AtomicBoolean allocating = new AtomicBoolean();

    private volatile boolean roomy = true;

    /// Where the last chunk ended and how large it was: who goes on there is a stream. Guarded by
    /// `monitor`.
    private long lastEnd = -1;

    private long lastBytes;

    /// Whether the file system can allocate, and unshare, at all.
    private volatile boolean allocates = true;

    private volatile boolean unshares = true;

    /// @param chunkBytes a power of two
    ChunkAllocation(
            ImageFile image,
            ExtentTree tree,
            ExtentScanner scanner,
            RangeLocks locks,
            long chunkBytes,
            Executor threads) {
        this.image = image;
        this.tree = tree;
        this.scanner = scanner;
        this.locks = locks;
        this.chunkBytes = chunkBytes;
        this.regionBytes = Math.min(chunkBytes * REGION_CHUNKS, MAX_REGION_BYTES);
        this.threads = threads;
        this.delays = image.delaysAllocation();
    }

    /// Sees to the space of a range that is about to be written, if that takes no waiting. To be
    /// called before the range is marked as dirty.
    ///
    /// @param states the states found in the range
    /// @return false when [#prepare] must do it
    boolean tryPrepare(int states, long offset, long length) {
        if (BlockState.UNKNOWN.in(states) || BlockState.SHARED.in(states)) {
            return false;
        }
        if (BlockState.HOLE.in(states)) {
            if (!delays || !roomy) {
                return false;
            }
            note(offset, length);
        }
        return true;
    }

    /// Tells how much the file system has left. With little, it no longer just reserves what is
    /// written into a hole: it may look for room first, and make whoever writes wait.
    ///
    /// @param unwrittenBytes what is reserved, at most
    void room(long availableBytes, long unwrittenBytes) {
        roomy = availableBytes > 2 * unwrittenBytes + MIN_ROOM_BYTES;
    }

    /// Sees to the space of a range that is about to be written: where it is a hole it gets the
    /// space of whole chunks, now or later; where it is shared with other files it gets blocks of
    /// its own. When there is no room for that the write may still find some, or meet the error. To
    /// be called before the range is marked as dirty.
    void prepare(long offset, long length) throws IOException {
        if (tree.contains(BlockState.HOLE, offset, length)) {
            if (delays) {
                note(offset, length);
            } else if (allocates) {
                allocate(offset, length);
            }
        }
        if (unshares && tree.contains(BlockState.SHARED, offset, length)) {
            unshare(offset, length);
        }
    }

    private void note(long offset, long length) {
        if (!allocates) {
            return;
        }
        for (long at = offset & -chunkBytes; at < offset + length; at += chunkBytes) {
            if (noted.add(at) && noted.size() >= MANY) {
                allocateSoon();
            }
        }
    }

    private void allocateSoon() {
        if (allocating.compareAndSet(false, true)) {
            try {
                threads.execute(this::allocateNow);
            } catch (RejectedExecutionException _) {
                // The LUN is closing, and its last flush does it.
                allocating.set(false);
            }
        }
    }

    private void allocateNow() {
        try {
            allocate();
        } catch (IOException _) {
            // The pages find places of their own, or their writeback tells what is wrong.
        } finally {
            allocating.set(false);
        }
    }

    @Override
    public void allocate() throws IOException {
        List<Long> chunks = allocates ? takeNoted() : List.of();
        for (int first = 0, next; first < chunks.size(); first = next) {
            long region = chunks.get(first) & -regionBytes;
            next = first + 1;
            while (next < chunks.size() && chunks.get(next) < region + regionBytes) {
                next++;
            }
            allocateIn(region, chunks.subList(first, next));
        }
    }

    /// Takes space for chunks of one region, those side by side in one call.
    private void allocateIn(long region, List<Long> chunks) throws IOException {
        long length = Math.min(regionBytes, tree.sizeBytes() - region);
        if (isDense(region, length, chunks.size()) && take(region, length)) {
            return;
        }
        for (int first = 0, next; first < chunks.size(); first = next) {
            long start = chunks.get(first);
            long end = start + chunkBytes;
            next = first + 1;
            while (next < chunks.size() && chunks.get(next) == end) {
                end += chunkBytes;
                next++;
            }
            take(start, Math.min(end, tree.sizeBytes()) - start);
        }
    }

    private boolean isDense(long region, long length, int chunks) {
        long[] taken = {chunks * chunkBytes};
        tree.visit(
                region,
                length,
                (at, bytes, state, _) -> {
                    if (state == BlockState.UNWRITTEN) {
                        taken[0] += overlap(at, bytes, region, length);
                    }
                });
        return taken[0] * DENSE_PART >= length;
    }

    private List<Long> takeNoted() {
        List<Long> chunks = new ArrayList<>(noted);
        // What another thread took in between is not ours; what is noted again is noted still.
        chunks.removeIf(chunk -> !noted.remove(chunk));
        chunks.sort(null);
        return chunks;
    }

    /// Takes space where there is none.
    ///
    /// @return false when there is not enough; the write itself may need less
    private boolean take(long start, long length) throws IOException {
        long stripes = RangeLocks.stripes(start, length);
        locks.lockShared(stripes);
        try {
            allocates = image.allocate(start, length);
            if (allocates) {
                tree.turn(BlockState.HOLE, BlockState.UNWRITTEN, start, length);
                scanner.locate(start, length);
            }
            return true;
        } catch (ImageFullException _) {
            return false;
        } finally {
            locks.releaseShared(stripes);
        }
    }

    private void allocate(long offset, long length) throws IOException {
        synchronized (monitor) {
            if (!tree.contains(BlockState.HOLE, offset, length)) {
                // Another write of the same chunk was first.
                return;
            }
            long bytes = chunkBytes;
            if (offset == lastEnd) {
                bytes = Math.max(chunkBytes, Math.min(2 * lastBytes, MAX_STREAM_BYTES));
            }
            long start = offset & -chunkBytes;
            long end = Math.min((offset + length + chunkBytes - 1) & -chunkBytes, tree.sizeBytes());
            end = Math.min(Math.max(end, start + bytes), tree.sizeBytes());
            lastEnd = end;
            lastBytes = bytes;
            if (!take(start, end - start)) {
                lastEnd = -1;
            }
        }
    }

    private void unshare(long offset, long length) throws IOException {
        long start = offset & -chunkBytes;
        long end = Math.min((offset + length + chunkBytes - 1) & -chunkBytes, tree.sizeBytes());
        long stripes = RangeLocks.stripes(start, end - start);
        locks.lockShared(stripes);
        try {
            unshares = image.unshare(start, end - start);
            if (unshares) {
                tree.turn(BlockState.SHARED, BlockState.MAPPED, start, end - start);
            }
        } catch (ImageFullException _) {
            // Not enough for a chunk; the write itself may need less.
        } finally {
            locks.releaseShared(stripes);
        }
    }

    @Override
    public long unitBytes() {
        return chunkBytes;
    }

    @Override
    public long complete(long offset, long length) throws IOException {
        long completed = 0;
        long end = Math.min(offset + length, tree.sizeBytes());
        for (long chunk = offset; chunk < end; chunk += chunkBytes) {
            if (worthCompleting(chunk)) {
                completed += completeChunk(chunk);
            }
        }
        return completed;
    }

    private long lengthOf(long chunk) {
        return Math.min(chunkBytes, tree.sizeBytes() - chunk);
    }

    private boolean worthCompleting(long chunk) {
        long length = lengthOf(chunk);
        if (!tree.contains(BlockState.UNWRITTEN, chunk, length)
                || !tree.contains(BlockState.MAPPED, chunk, length)) {
            return false;
        }
        long[] written = new long[1];
        tree.visit(
                chunk,
                length,
                (at, bytes, state, _) -> {
                    if (state == BlockState.MAPPED) {
                        written[0] += overlap(at, bytes, chunk, length);
                    }
                });
        return written[0] * WORTHWHILE_PART >= length;
    }

    private static long overlap(long at, long bytes, long chunk, long length) {
        return Math.max(0, Math.min(at + bytes, chunk + length) - Math.max(at, chunk));
    }

    private long completeChunk(long chunk) throws IOException {
        long length = lengthOf(chunk);
        long written = 0;
        long stripes = RangeLocks.stripes(chunk, length);
        locks.lockExclusive(stripes);
        try {
            List<Gap> gaps = new ArrayList<>();
            tree.visit(
                    chunk,
                    length,
                    (at, bytes, state, _) -> {
                        long gap = overlap(at, bytes, chunk, length);
                        if (state == BlockState.UNWRITTEN && gap > 0) {
                            gaps.add(new Gap(Math.max(at, chunk), gap));
                        }
                    });
            tree.turn(BlockState.UNWRITTEN, BlockState.MAPPED, chunk, length);
            for (Gap gap : gaps) {
                image.writeZeros(gap.offset(), gap.length());
                written += gap.length();
            }
        } catch (ImageFullException _) {
            // Nobody asked for these zeros, and what was not written reads as such.
        } finally {
            locks.releaseExclusive(stripes);
        }
        return written;
    }

    /// What is not written of a chunk.
    private record Gap(long offset, long length) {}
}
