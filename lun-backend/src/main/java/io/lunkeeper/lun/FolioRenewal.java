package io.lunkeeper.lun;

import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ImageFile;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;

/// Has the page cache hold parts of the image in folios of a size that small and large writes both
/// can live with, whatever they are held in. Safe from any number of threads; may block.
///
/// The kernel makes a folio as large as the write that first brings it into the cache. So what is
/// cached is written out, dropped and written again, the same bytes, while other writers are kept
/// away: a copy lies on the disk before it leaves the cache.
final class FolioRenewal {
    /// A small write there takes hardly longer than in a page of its own: for each page of a folio
    /// ext4 visits a buffer head that is in no cache, so one in 32 KiB takes a quarter longer. A
    /// large read takes a twentieth longer than in the largest folio.
    static final int FOLIO_BYTES = 8 << 10;

    /// Who must know what has become dirty.
    @FunctionalInterface
    interface Dirtied {
        void written(long offset, long length);
    }

    private final ImageFile image;
    private final ExtentTree tree;
    private final RangeLocks locks;
    private final Dirtied dirtied;

    FolioRenewal(ImageFile image, ExtentTree tree, RangeLocks locks, Dirtied dirtied) {
        this.image = image;
        this.tree = tree;
        this.locks = locks;
        this.dirtied = dirtied;
    }

    /// Renews a range, as far as it lies in the image.
    ///
    /// @param lengthBytes few MiB, as they are copied
    /// @throws IOException when the page cache may have lost what was written; it is reported
    ///   nowhere else
    void renew(long offset, long lengthBytes) throws IOException {
        int length = (int) Math.min(lengthBytes, tree.sizeBytes() - offset);
        // Most of it while others go on writing.
        image.writeOut(offset, length);
        long stripes = RangeLocks.stripes(offset, length);
        ByteBuf content = PooledByteBufAllocator.DEFAULT.directBuffer(length);
        locks.lockExclusive(stripes);
        try {
            image.writeOut(offset, length);
            image.read(offset, content, 0, length);
            image.dropClean(offset, length);
            for (int at = 0; at < length; at += FOLIO_BYTES) {
                rewrite(offset + at, content, at, Math.min(FOLIO_BYTES, length - at));
            }
        } finally {
            locks.releaseExclusive(stripes);
            content.release();
        }
    }

    /// Where a write would need space, nothing is written: what reads as zeros, or is shared with
    /// another file, is cached when it is asked for.
    private void rewrite(long offset, ByteBuf content, int index, int length) throws IOException {
        if (tree.is(BlockState.MAPPED, offset, length)) {
            image.write(offset, content, index, length);
            dirtied.written(offset, length);
        }
    }
}
