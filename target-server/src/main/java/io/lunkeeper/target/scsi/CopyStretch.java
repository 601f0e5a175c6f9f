package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.CopySourceException;
import io.lunkeeper.lun.LunBackend;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// Bytes on their way from one logical unit to another, or to another place of the same, piece by
/// piece. Each piece is judged anew as a READ of the source and a WRITE of the destination by the
/// nexus would be. Used by one thread at a time.
final class CopyStretch extends Stretch {
    /// Pieces end on multiples of this in the destination.
    private static final long MAX = LunBackend.MAX_COPY_BYTES;

    private final LogicalUnit source;
    private final long sourceOffset;

    /// Whether the end goes first: the beginning of the destination lies in the source.
    private final boolean backwards;

    /// The resets of the source so far: after one more this has ended.
    private final int sourceResets;

    /// @param sourceOffset in bytes, as the next two; the ranges are on the media
    CopyStretch(
            LogicalUnit source,
            long sourceOffset,
            LogicalUnit destination,
            long offset,
            long length) {
        super(destination, offset, length);
        this.source = source;
        this.sourceOffset = sourceOffset;
        this.sourceResets = source.resets();
        this.backwards =
                source == destination && offset > sourceOffset && offset - sourceOffset < length;
    }

    @Override
    @Nullable Obstacle move(DeviceServer server, Nexus nexus) {
        if (reset() || source.resets() != sourceResets) {
            return new Obstacle(false, destination().refuse(Sense.LOGICAL_UNIT_RESET));
        }
        Outcome.Status refused = server.refusalNow(nexus, source, OperationCode.READ_16);
        if (refused != null) {
            return new Obstacle(true, refused);
        }
        refused = server.refusalNow(nexus, destination(), OperationCode.WRITE_16);
        if (refused != null) {
            return new Obstacle(false, refused);
        }
        long left = length() - done();
        long start = offset() + (backwards ? 0 : done());
        long edge = backwards ? (start + left - 1) % MAX + 1 : MAX - start % MAX;
        int bytes = (int) Math.min(left, edge);
        return movePiece(backwards ? left - bytes : done(), bytes);
    }

    private @Nullable Obstacle movePiece(long distance, int bytes) {
        LogicalUnit to = destination();
        long at = offset() + distance;
        long from = sourceOffset + distance;
        try {
            to.backend().copy(source.backend(), from, at, bytes);
            moved(bytes);
            return null;
        } catch (CopySourceException e) {
            IOException reason = e.getCause() instanceof IOException cause ? cause : e;
            return Obstacle.of(true, source, MediumException.reading(source.lba(from), reason));
        } catch (IOException e) {
            return Obstacle.of(false, to, MediumException.writing(to.lba(at), e));
        }
    }
}
