package io.lunkeeper.lun;

import io.lunkeeper.lun.extent.ExtentScanner;
import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ImageFile;
import io.lunkeeper.lun.image.ImageFullException;
import io.lunkeeper.lun.writeback.WritebackBatcher;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/// Copying a piece of one image to another, or to another place in the same. The kernel does it
/// where it can, so the bytes do not come through this process, and on a file system that can share
/// blocks they are not even written. What reads as zeros is not copied but made.
///
/// Locks are held on both sides, those of the LUN that was opened first taken first, so copies in
/// opposite directions do not wait for each other for ever. They are shared where bytes are only
/// written, as by a write; where blocks are given up or shared, everybody else is kept away.
///
/// Blocks that may be shared after a copy are known as such on both sides, so later writes take the
/// careful path, which gives them space of their own. A LUN whose space was reserved keeps it: its
/// blocks are never shared.
///
/// Blocks; safe from any number of threads.
final class CopyPath {
    /// The most that is copied by one call: bounds the memory and the time others may have to wait.
    static final int PIECE_BYTES = 1 << 20;

    private static final int ZEROS = BlockState.HOLE.bit() | BlockState.UNWRITTEN.bit();

    private static final AtomicLong OPENED = new AtomicLong();

    /// The order in which the locks of several LUNs are taken.
    private final long number = OPENED.incrementAndGet();

    private final LunSpec spec;
    private final ImageFile image;
    private final ExtentTree tree;
    private final ExtentScanner scanner;
    private final RangeLocks locks;
    private final LunHealth health;
    private final ChunkAllocation chunks;
    private final WritebackBatcher batcher;
    private final WritePath writes;
    private final ErasePath erasures;
    private final boolean mayShare;

    CopyPath(
            LunSpec spec,
            ImageFile image,
            ExtentTree tree,
            ExtentScanner scanner,
            RangeLocks locks,
            LunHealth health,
            ChunkAllocation chunks,
            WritebackBatcher batcher,
            WritePath writes,
            ErasePath erasures) {
        this.spec = spec;
        this.image = image;
        this.tree = tree;
        this.scanner = scanner;
        this.locks = locks;
        this.health = health;
        this.chunks = chunks;
        this.batcher = batcher;
        this.writes = writes;
        this.erasures = erasures;
        this.mayShare = image.copiesShareBlocks();
    }

    RangeWatches watches() {
        return locks.watches();
    }

    /// A stretch that begins at the same distance from both starts.
    private record Run(long distance, long length, boolean zeros) {}

    /// Locks of one LUN.
    private record Part(CopyPath side, long stripes) {}

    /// See [LunBackend#copy].
    void copy(CopyPath source, long from, long to, int length) throws IOException {
        assert length <= PIECE_BYTES : length;
        health.checkWritable();
        try {
            source.health.checkUsable();
        } catch (LunFailedException e) {
            throw new CopySourceException(e);
        }
        if (length == 0) {
            return;
        }
        source.scanner.learn(from, length);
        scanner.learn(to, length);
        int states = source.tree.states(from, length);
        boolean share = mayShare || source.mayShare;
        if ((states & ~ZEROS) != 0) {
            chunks.prepare(to, length);
        }
        if ((states & ~ZEROS) != 0 && !share) {
            source.image.readAhead(from, length);
        }
        long unaligned = (to | length) & (image.writeAlignment() - 1);
        boolean alone = (states & ZEROS) != 0 || share || unaligned != 0;
        List<Part> parts = parts(source, from, to, length);
        parts.forEach(part -> part.side.lock(part.stripes, alone));
        try {
            health.checkNotErasing();
            source.checkNotErasing();
            copyLocked(source, from, to, length, alone);
        } catch (ImageFullException e) {
            throw LunHealth.noSpace(e);
        } finally {
            parts.forEach(part -> part.side.unlock(part.stripes, alone));
        }
    }

    private void checkNotErasing() throws CopySourceException {
        try {
            health.checkNotErasing();
        } catch (BeingErasedException e) {
            throw new CopySourceException(e);
        }
    }

    private List<Part> parts(CopyPath source, long from, long to, int length) {
        long mine = RangeLocks.wholeBlocks(image.writeAlignment(), to, length);
        long theirs = RangeLocks.stripes(from, length);
        if (source == this) {
            return List.of(new Part(this, mine | theirs));
        }
        List<Part> parts = new ArrayList<>(List.of(new Part(this, mine), new Part(source, theirs)));
        parts.sort(Comparator.comparingLong(part -> part.side.number));
        return parts;
    }

    private void lock(long stripes, boolean alone) {
        if (alone) {
            locks.lockExclusive(stripes);
        } else {
            locks.lockShared(stripes);
        }
    }

    private void unlock(long stripes, boolean alone) {
        if (alone) {
            locks.releaseExclusive(stripes);
        } else {
            locks.releaseShared(stripes);
        }
    }

    private void copyLocked(CopyPath source, long from, long to, int length, boolean alone)
            throws IOException {
        if (source == this && Math.abs(from - to) < length) {
            // The first bytes written may be the last to read.
            tree.markWritten(to, length);
            copyThroughMemory(source, from, to, length);
            return;
        }
        if (!alone) {
            copyData(source, from, to, length);
            return;
        }
        for (Run run : source.runs(from, length)) {
            if (run.zeros) {
                boolean keepSpace = spec.allocation() != Allocation.SPARSE;
                erasures.eraseLocked(to + run.distance, run.length, keepSpace);
            } else {
                copyData(source, from + run.distance, to + run.distance, run.length);
            }
        }
    }

    /// What a range holds, in as few stretches as can be.
    private List<Run> runs(long offset, long length) {
        List<Run> runs = new ArrayList<>();
        tree.visit(
                offset,
                length,
                (at, bytes, state, _) -> {
                    long first = Math.max(at, offset);
                    long end = Math.min(at + bytes, offset + length);
                    boolean zeros = (state.bit() & ZEROS) != 0;
                    if (!runs.isEmpty() && runs.getLast().zeros == zeros) {
                        Run last = runs.removeLast();
                        runs.add(new Run(last.distance, last.length + end - first, zeros));
                    } else {
                        runs.add(new Run(first - offset, end - first, zeros));
                    }
                });
        return runs;
    }

    private void copyData(CopyPath source, long from, long to, long length) throws IOException {
        tree.markWritten(to, length);
        boolean share = mayShare || source.mayShare;
        boolean reserved =
                spec.allocation() != Allocation.SPARSE
                        || source.spec.allocation() != Allocation.SPARSE;
        long copied = share && reserved ? 0 : copyInKernel(source, from, to, length, share);
        if (copied < length) {
            copyThroughMemory(source, from + copied, to + copied, (int) (length - copied));
        }
    }

    /// The kernel does not say which of the two sides an error is about: reading tells. When the
    /// source can be read it was the writing, after which nobody knows what the image holds.
    private long copyInKernel(CopyPath source, long from, long to, long length, boolean share)
            throws IOException {
        locks.watches().changing(to, length);
        try {
            return image.copyFrom(source.image, from, to, length);
        } catch (ImageFullException e) {
            throw e;
        } catch (IOException e) {
            source.load(from, (int) length).release();
            throw health.fail(e);
        } finally {
            if (share) {
                source.tree.turn(BlockState.MAPPED, BlockState.SHARED, from, length);
                tree.turn(BlockState.MAPPED, BlockState.SHARED, to, length);
            }
            if (!spec.cacheMode().directIo()) {
                batcher.written(to, length);
            }
        }
    }

    private void copyThroughMemory(CopyPath source, long from, long to, int length)
            throws IOException {
        ByteBuf bytes = source.load(from, length);
        try {
            writes.put(to, bytes, length);
        } finally {
            bytes.release();
        }
    }

    private ByteBuf load(long offset, int length) throws CopySourceException {
        ByteBuf bytes = PooledByteBufAllocator.DEFAULT.directBuffer(length);
        try {
            image.read(offset, bytes, 0, length);
            return bytes.writerIndex(length);
        } catch (IOException e) {
            bytes.release();
            throw new CopySourceException(e);
        }
    }
}
