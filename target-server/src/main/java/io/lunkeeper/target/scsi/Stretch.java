package io.lunkeeper.target.scsi;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// Bytes on their way to a logical unit, piece by piece. Used by one thread at a time.
abstract sealed class Stretch permits CopyStretch, ZeroStretch {
    private final LogicalUnit destination;

    /// The resets of the destination so far: after one more this has ended.
    private final int resets;

    private final long offset;
    private final long length;
    private long done;

    /// @param offset in bytes, as the length; the range is on the medium
    Stretch(LogicalUnit destination, long offset, long length) {
        this.destination = destination;
        this.resets = destination.resets();
        this.offset = offset;
        this.length = length;
    }

    /// What keeps a piece from being moved.
    ///
    /// @param atSource whether it is the source that could not be read
    /// @param status what the READ or the WRITE would have ended with
    record Obstacle(boolean atSource, Outcome.Status status) {
        static Obstacle of(boolean atSource, LogicalUnit unit, IOException failure) {
            return new Obstacle(atSource, unit.refuse(MediumException.sense(failure)));
        }
    }

    LogicalUnit destination() {
        return destination;
    }

    /// Where it begins in the destination, in bytes.
    long offset() {
        return offset;
    }

    long length() {
        return length;
    }

    boolean finished() {
        return done == length;
    }

    /// The bytes moved so far.
    long done() {
        return done;
    }

    void moved(long bytes) {
        done += bytes;
    }

    /// Whether the destination was reset meanwhile.
    boolean reset() {
        return destination.resets() != resets;
    }

    /// Moves the next piece. May block.
    ///
    /// @return null when it is moved
    abstract @Nullable Obstacle move(DeviceServer server, Nexus nexus);
}
