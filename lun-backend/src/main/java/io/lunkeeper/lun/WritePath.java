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

/// Writing: what is aligned and need not wait for space at once, all else with care. Safe from any
/// number of threads.
final class WritePath {
    /// What a write must be aligned to so that it cannot make the kernel read first.
    private static final int PAGE_BYTES = 4096;

    private final LunSpec spec;
    private final ImageFile image;
    private final ExtentTree tree;
    private final ExtentScanner scanner;
    private final RangeLocks locks;
    private final LunHealth health;
    private final ChunkAllocation chunks;
    private final WritebackBatcher batcher;
    private final LargeFolios folios;
    private final Exchanges exchanges;

    /// Whether the file system writes in place; one that copies on write allocates every time.
    private final boolean inline;

    WritePath(
            LunSpec spec,
            ImageFile image,
            ExtentTree tree,
            ExtentScanner scanner,
            RangeLocks locks,
            LunHealth health,
            ChunkAllocation chunks,
            WritebackBatcher batcher,
            LargeFolios folios,
            Exchanges exchanges) {
        this.spec = spec;
        this.image = image;
        this.tree = tree;
        this.scanner = scanner;
        this.locks = locks;
        this.health = health;
        this.chunks = chunks;
        this.inline = image.overwritesInPlace();
        this.batcher = batcher;
        this.folios = folios;
        this.exchanges = exchanges;
    }

    /// See [LunBackend#tryWrite].
    boolean tryWrite(long offset, ByteBuf source, int length) {
        if (!inline
                || spec.cacheMode() != CacheMode.WRITE_BACK
                || spec.readOnly()
                || health.failed()
                || batcher.overLimit()
                || ((offset | length) & (PAGE_BYTES - 1)) != 0
                || length == 0
                || !source.hasMemoryAddress()) {
            return false;
        }
        long stripes = RangeLocks.stripes(offset, length);
        if (!locks.tryShared(stripes)) {
            return false;
        }
        try {
            if (health.erasing()) {
                return false;
            }
            int states = tree.states(offset, length);
            if (states == BlockState.MAPPED.bit()) {
                overwrite(offset, source, length);
                return true;
            }
            if (!chunks.tryPrepare(states, offset, length)) {
                return false;
            }
            tree.markWritten(offset, length);
            put(offset, source, length);
            return true;
        } catch (IOException _) {
            // The slow path meets the same error and reports it.
            return false;
        } finally {
            locks.releaseShared(stripes);
        }
    }

    private void overwrite(long offset, ByteBuf source, int length) throws IOException {
        long start = System.nanoTime();
        put(offset, source, length);
        if (length == PAGE_BYTES) {
            folios.overwritten(offset, System.nanoTime() - start);
        }
    }

    /// See [LunBackend#write].
    void write(long offset, ByteBuf source, int length) throws IOException {
        write(offset, source, length, false);
    }

    /// See [Erasure#overwrite].
    void writeErasing(long offset, ByteBuf source, int length) throws IOException {
        write(offset, source, length, true);
    }

    private void write(long offset, ByteBuf source, int length, boolean erasing)
            throws IOException {
        health.checkWritable();
        if (length == 0) {
            return;
        }
        scanner.learn(offset, length);
        chunks.prepare(offset, length);
        long stripes = RangeLocks.wholeBlocks(image.writeAlignment(), offset, length);
        boolean shared = ((offset | length) & (image.writeAlignment() - 1)) == 0;
        if (shared) {
            locks.lockShared(stripes);
        } else {
            locks.lockExclusive(stripes);
        }
        try {
            if (!erasing) {
                health.checkNotErasing();
            }
            tree.markWritten(offset, length);
            put(offset, source, length);
        } catch (ImageFullException e) {
            throw LunHealth.noSpace(e);
        } finally {
            if (shared) {
                locks.releaseShared(stripes);
            } else {
                locks.releaseExclusive(stripes);
            }
        }
    }

    /// See [LunBackend#compareAndWrite].
    long compareAndWrite(long offset, ByteBuf expected, ByteBuf replacement) throws IOException {
        int length = expected.readableBytes();
        return alone(
                offset,
                length,
                medium -> {
                    int start = expected.readerIndex();
                    for (int i = 0; i < length; i++) {
                        if (medium.getByte(i) != expected.getByte(start + i)) {
                            return i;
                        }
                    }
                    exchange(offset, replacement, length);
                    return LunBackend.SAME;
                });
    }

    /// See [LunBackend#or].
    void or(long offset, ByteBuf source) throws IOException {
        int length = source.readableBytes();
        alone(
                offset,
                length,
                medium -> {
                    int start = source.readerIndex();
                    for (int i = 0; i < length; i++) {
                        medium.setByte(i, medium.getByte(i) | source.getByte(start + i));
                    }
                    exchange(offset, medium, length);
                    return LunBackend.SAME;
                });
    }

    /// What is made of a range that nobody else writes to.
    @FunctionalInterface
    private interface Change {
        /// @param medium what the range holds, from index 0
        long of(ByteBuf medium) throws IOException;
    }

    private long alone(long offset, int length, Change change) throws IOException {
        health.checkWritable();
        scanner.learn(offset, length);
        chunks.prepare(offset, length);
        long stripes = RangeLocks.wholeBlocks(image.writeAlignment(), offset, length);
        ByteBuf medium = PooledByteBufAllocator.DEFAULT.directBuffer(length);
        locks.lockExclusive(stripes);
        try {
            health.checkNotErasing();
            image.read(offset, medium, 0, length);
            return change.of(medium.writerIndex(length));
        } catch (ImageFullException e) {
            throw LunHealth.noSpace(e);
        } finally {
            locks.releaseExclusive(stripes);
            medium.release();
        }
    }

    private void exchange(long offset, ByteBuf replacement, int length) throws IOException {
        exchanges.begin();
        try {
            tree.markWritten(offset, length);
            put(offset, replacement, length);
        } finally {
            exchanges.end();
        }
    }

    /// Writes a range that the caller has locked and marked as written.
    ///
    /// An error may leave a part written, so what was tried counts as dirty. Any error but a full
    /// file system fails the LUN: nobody knows what it left behind.
    void put(long offset, ByteBuf source, int length) throws IOException {
        locks.watches().changing(offset, length);
        try {
            image.write(offset, source, source.readerIndex(), length);
        } catch (ImageFullException e) {
            throw e;
        } catch (IOException e) {
            throw health.fail(e);
        } finally {
            if (!spec.cacheMode().directIo()) {
                batcher.written(offset, length);
            }
        }
    }
}
