package io.lunkeeper.target.scsi;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// Zeros on their way to a logical unit.
final class ZeroStretch implements Stretch {
    /// What is zeroed at a time: metadata mostly, or as much as is written in some milliseconds.
    private static final long PIECE_BYTES = 16L << 20;

    private final LogicalUnit destination;
    private final long offset;
    private final long length;
    private final int resets;
    private long done;

    /// @param offset in bytes, as the length; the range is on the medium
    ZeroStretch(LogicalUnit destination, long offset, long length) {
        this.destination = destination;
        this.offset = offset;
        this.length = length;
        this.resets = destination.resets();
    }

    @Override
    public LogicalUnit destination() {
        return destination;
    }

    @Override
    public boolean finished() {
        return done == length;
    }

    @Override
    public long done() {
        return done;
    }

    @Override
    public @Nullable Obstacle move(DeviceServer server, Nexus nexus) {
        if (destination.resets() != resets) {
            return new Obstacle(false, destination.refuse(Sense.LOGICAL_UNIT_RESET));
        }
        Outcome.Status refused = server.refusalNow(nexus, destination, OperationCode.WRITE_SAME_16);
        if (refused != null) {
            return new Obstacle(false, refused);
        }
        long at = offset + done;
        long bytes = Math.min(length - done, PIECE_BYTES);
        try {
            destination.backend().zero(at, bytes);
        } catch (IOException e) {
            IOException failure = MediumException.writing(destination.lba(at), e);
            return new Obstacle(false, destination.refuse(MediumException.sense(failure)));
        }
        done += bytes;
        return null;
    }
}
