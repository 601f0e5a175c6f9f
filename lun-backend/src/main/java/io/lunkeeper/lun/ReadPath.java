package io.lunkeeper.lun;

import io.lunkeeper.lun.extent.ExtentScanner;
import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.ImageFile;
import io.netty.buffer.ByteBuf;
import java.io.IOException;

/// Reading: what the tree knows to be zeros without the file, what the page cache has at once, all
/// else from the disk. Safe from any number of threads.
final class ReadPath implements BegunReads.Medium {
    /// What tells that most reads miss the page cache: a miss adds one, a hit takes two away.
    private static final int MOSTLY_MISSES = 16;

    private final ImageFile image;
    private final ExtentTree tree;
    private final ExtentScanner scanner;
    private final LunHealth health;
    private final ReadAhead ahead;
    private final RangeLocks locks;
    private final Exchanges exchanges;

    /// Lately, to twice [#MOSTLY_MISSES]. Not guarded: a lost count costs nothing but time.
    private int misses;

    ReadPath(
            ImageFile image,
            ExtentTree tree,
            ExtentScanner scanner,
            LunHealth health,
            ReadAhead ahead,
            RangeLocks locks,
            Exchanges exchanges) {
        this.image = image;
        this.tree = tree;
        this.scanner = scanner;
        this.health = health;
        this.ahead = ahead;
        this.locks = locks;
        this.exchanges = exchanges;
    }

    /// See [LunBackend#tryRead].
    boolean tryRead(long offset, ByteBuf destination, int length) {
        if (health.failed()) {
            return false;
        }
        if (length == 0) {
            return true;
        }
        if (tree.readsAsZeros(offset, length)) {
            destination.writeZero(length);
            return true;
        }
        // To find out that it must wait begins the read, which takes as long as five that need not
        // wait. Where most must, that is left to a thread, and the event loop serves others.
        return misses < MOSTLY_MISSES && begin(offset, destination, length);
    }

    @Override
    public boolean begin(long offset, ByteBuf destination, int length) {
        if (health.failed()) {
            return false;
        }
        destination.ensureWritable(length);
        int index = destination.writerIndex();
        long seen = exchanges.look();
        if (!image.readNow(offset, destination, index, length)) {
            misses = Math.min(misses + 1, 2 * MOSTLY_MISSES);
            ahead.missed(offset, length);
            return false;
        }
        if (misses > 0) {
            misses = Math.max(misses - 2, 0);
        }
        if (!exchanges.undisturbed(seen)) {
            return false;
        }
        ahead.hit(offset, length);
        destination.writerIndex(index + length);
        return true;
    }

    /// See [LunBackend#read].
    @Override
    public void read(long offset, ByteBuf destination, int length) throws IOException {
        health.checkUsable();
        if (length == 0) {
            return;
        }
        scanner.learn(offset, length);
        if (tree.readsAsZeros(offset, length)) {
            destination.writeZero(length);
            return;
        }
        destination.ensureWritable(length);
        int index = destination.writerIndex();
        long seen = exchanges.look();
        image.read(offset, destination, index, length);
        if (!exchanges.undisturbed(seen)) {
            readAlone(offset, destination, index, length);
        }
        destination.writerIndex(index + length);
    }

    private void readAlone(long offset, ByteBuf destination, int index, int length)
            throws IOException {
        long stripes = RangeLocks.stripes(offset, length);
        locks.lockShared(stripes);
        try {
            image.read(offset, destination, index, length);
        } finally {
            locks.releaseShared(stripes);
        }
    }
}
