package io.lunkeeper.target.scsi;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// Zeros on their way to a logical unit.
final class ZeroStretch extends Stretch {
    /// What is zeroed at a time: metadata mostly, or as much as is written in some milliseconds.
    private static final long PIECE_BYTES = 16L << 20;

    ZeroStretch(LogicalUnit destination, long offset, long length) {
        super(destination, offset, length);
    }

    @Override
    @Nullable Obstacle move(DeviceServer server, Nexus nexus) {
        LogicalUnit to = destination();
        if (reset()) {
            return new Obstacle(false, to.refuse(Sense.LOGICAL_UNIT_RESET));
        }
        Outcome.Status refused = server.refusalNow(nexus, to, OperationCode.WRITE_SAME_16);
        if (refused != null) {
            return new Obstacle(false, refused);
        }
        long at = offset() + done();
        long bytes = Math.min(length() - done(), PIECE_BYTES);
        try {
            to.backend().zero(at, bytes);
        } catch (IOException e) {
            return Obstacle.of(false, to, MediumException.writing(to.lba(at), e));
        }
        moved(bytes);
        return null;
    }
}
