package io.lunkeeper.lun;

import io.lunkeeper.lun.extent.ExtentScanner;
import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ImageFile;
import io.lunkeeper.lun.image.ImageFullException;
import java.io.IOException;

/// Making ranges read as zeros, with their space or without. Blocks; safe from any number of
/// threads.
final class ErasePath {
    /// Zeroing and unmapping go in pieces, so that writers wait for some milliseconds and not for
    /// the whole of a large command.
    private static final long PIECE_BYTES = 16L << 20;

    private final ImageFile image;
    private final ExtentTree tree;
    private final ExtentScanner scanner;
    private final RangeLocks locks;
    private final LunHealth health;

    ErasePath(
            ImageFile image,
            ExtentTree tree,
            ExtentScanner scanner,
            RangeLocks locks,
            LunHealth health) {
        this.image = image;
        this.tree = tree;
        this.scanner = scanner;
        this.locks = locks;
        this.health = health;
    }

    /// See [LunBackend#zero].
    void zero(long offset, long length) throws IOException {
        inPieces(offset, length, other(this::zeroPiece));
    }

    /// See [LunBackend#unmap].
    void unmap(long offset, long length) throws IOException {
        inPieces(offset, length, other(this::unmapPiece));
    }

    /// See [Erasure#clear].
    void clear(long offset, long length, boolean giveBack) throws IOException {
        inPieces(offset, length, giveBack ? this::punchPiece : this::zeroAnyway);
    }

    /// What anybody does but who has the image to himself.
    private Piece other(Piece piece) {
        return (offset, length) -> {
            health.checkNotErasing();
            piece.change(offset, length);
        };
    }

    /// Makes a range read as zeros that the caller has locked exclusively.
    ///
    /// @param keepSpace whether its space is kept or taken; else its whole blocks are given back
    void eraseLocked(long offset, long length, boolean keepSpace) throws IOException {
        try {
            if (keepSpace) {
                zeroPiece(offset, length);
            } else {
                unmapPiece(offset, length);
            }
        } catch (ImageFullException e) {
            throw LunHealth.noSpace(e);
        } catch (IOException e) {
            throw health.fail(e);
        }
    }

    /// A change of one piece of a range whose writers are kept away.
    @FunctionalInterface
    private interface Piece {
        void change(long offset, long length) throws IOException;
    }

    private void inPieces(long offset, long length, Piece piece) throws IOException {
        long done = 0;
        while (done < length) {
            health.checkWritable();
            long at = offset + done;
            long bytes = Math.min(length - done, PIECE_BYTES - at % PIECE_BYTES);
            scanner.learn(at, bytes);
            long stripes = RangeLocks.wholeBlocks(image.writeAlignment(), at, bytes);
            locks.lockExclusive(stripes);
            try {
                piece.change(at, bytes);
            } catch (ImageFullException e) {
                throw LunHealth.noSpace(e);
            } catch (BeingErasedException e) {
                throw e;
            } catch (IOException e) {
                throw health.fail(e);
            } finally {
                locks.releaseExclusive(stripes);
            }
            done += bytes;
        }
    }

    private void zeroPiece(long offset, long length) throws IOException {
        if (tree.is(BlockState.UNWRITTEN, offset, length)) {
            return;
        }
        zeroAnyway(offset, length);
    }

    private void zeroAnyway(long offset, long length) throws IOException {
        locks.watches().changing(offset, length);
        if (image.zeroRange(offset, length)) {
            tree.markZeros(offset, length, BlockState.UNWRITTEN);
            // Holes at the edges, of which only a part was zeroed, have space now.
            tree.turn(BlockState.HOLE, BlockState.UNWRITTEN, offset, length);
            return;
        }
        tree.markWritten(offset, length);
        image.writeZeros(offset, length);
    }

    private void unmapPiece(long offset, long length) throws IOException {
        if (tree.is(BlockState.HOLE, offset, length)) {
            return;
        }
        punchPiece(offset, length);
    }

    private void punchPiece(long offset, long length) throws IOException {
        locks.watches().changing(offset, length);
        if (image.punchHole(offset, length)) {
            tree.markZeros(offset, length, BlockState.HOLE);
            return;
        }
        zeroAnyway(offset, length);
    }
}
