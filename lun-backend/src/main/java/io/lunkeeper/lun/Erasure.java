package io.lunkeeper.lun;

import io.lunkeeper.lun.extent.ExtentScanner;
import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ImageFile;
import io.netty.buffer.ByteBuf;
import java.io.IOException;

/// The way to erase a whole image. Between [#begin] and [#end] nobody else changes it: a write that
/// was begun before is over when a range is erased, or is refused by [BeingErasedException]. Calls
/// block, come one at a time, and do not make anything durable: [LunBackend#flush] does.
public final class Erasure {
    private final LunSpec spec;
    private final ImageFile image;
    private final ExtentTree tree;
    private final ExtentScanner scanner;
    private final LunHealth health;
    private final WritePath writes;
    private final ErasePath erasures;

    Erasure(
            LunSpec spec,
            ImageFile image,
            ExtentTree tree,
            ExtentScanner scanner,
            LunHealth health,
            WritePath writes,
            ErasePath erasures) {
        this.spec = spec;
        this.image = image;
        this.tree = tree;
        this.scanner = scanner;
        this.health = health;
        this.writes = writes;
        this.erasures = erasures;
    }

    /// Keeps everybody else from changing the image.
    public void begin() {
        health.erasing(true);
    }

    /// Lets everybody change the image again.
    public void end() {
        health.erasing(false);
    }

    /// Whether the file system puts what is written where the old data was. One that copies on
    /// write leaves the old data where it is.
    public boolean overwritesInPlace() {
        return image.overwritesInPlace();
    }

    /// Whether other files use blocks of a range (reflink): an overwrite would leave these to them,
    /// as they are. Asks the file system about all of its extents, so the range should not be long.
    public boolean sharesBlocks(long offsetBytes, long lengthBytes) {
        scanner.learn(offsetBytes, lengthBytes);
        scanner.refresh(offsetBytes, lengthBytes);
        return tree.contains(BlockState.SHARED, offsetBytes, lengthBytes);
    }

    /// Whether there is space for every block of the image.
    public boolean hasRoomForAll() throws IOException {
        return tree.sizeBytes() - image.allocatedBytes() <= image.freeBytes();
    }

    /// Makes a range read as zeros, whatever is known of it. Its space is given back where the
    /// image is sparse, and else kept.
    ///
    /// @throws NoSpaceException when the file system is full
    public void clear(long offsetBytes, long lengthBytes) throws IOException {
        erasures.clear(offsetBytes, lengthBytes, spec.allocation() == Allocation.SPARSE);
    }

    /// Writes all readable bytes of `source` over a range. The indexes of `source` do not move.
    ///
    /// @throws NoSpaceException when the file system is full
    public void overwrite(long offsetBytes, ByteBuf source) throws IOException {
        writes.writeErasing(offsetBytes, source, source.readableBytes());
    }
}
