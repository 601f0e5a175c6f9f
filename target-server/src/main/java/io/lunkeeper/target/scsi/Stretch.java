package io.lunkeeper.target.scsi;

import org.jspecify.annotations.Nullable;

/// Bytes on their way to a logical unit, piece by piece. Used by one thread at a time.
sealed interface Stretch permits CopyStretch, ZeroStretch {

    /// What keeps a piece from being moved.
    ///
    /// @param atSource whether it is the source that could not be read
    /// @param status what the READ or the WRITE would have ended with
    record Obstacle(boolean atSource, Outcome.Status status) {}

    LogicalUnit destination();

    boolean finished();

    /// The bytes moved so far.
    long done();

    /// Moves the next piece. May block.
    ///
    /// @return null when it is moved
    @Nullable Obstacle move(DeviceServer server, Nexus nexus);
}
