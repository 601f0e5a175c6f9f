package io.lunkeeper.target.metrics;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalDouble;

/// How one LUN is at one moment.
///
/// @param image its file
/// @param figures empty until the image is open
public record LunStatus(
        String target, int lun, String image, State state, Optional<Figures> figures) {

    /// What becomes of a LUN.
    public sealed interface State {
        /// Its image is opened, or will be.
        ///
        /// @param filledRatio how much of what is filled with zeros is done, 0 to 1; empty when
        ///   nothing is filled
        record Preparing(OptionalDouble filledRatio) implements State {}

        /// Initiators have it.
        record Served() implements State {}

        /// Initiators have it, and it becomes larger.
        ///
        /// @param filledRatio of the new part, as above
        record Growing(OptionalDouble filledRatio) implements State {}

        /// Initiators have it, and none may read or write: who has reserved it is lost until one of
        /// them replaces that.
        record ReservationsLost() implements State {}

        /// Initiators do not have it any more; its image is closed when its last commands have come
        /// to rest.
        record Leaving() implements State {}

        /// Every command is answered with an error until the server is started again.
        record Failed(String reason) implements State {}
    }

    /// What is counted and measured of an open image.
    ///
    /// @param allocatedBytes space that the image takes
    /// @param availableBytes space that all files of its file system may still take
    /// @param spaceAge how old the last two are
    /// @param unwrittenBytes written by initiators and not known to have reached the disk
    /// @param movedBytes found elsewhere on the device than before
    /// @param sharedBytes found to be shared with other files
    /// @param foreignBytes found to be written by other programs
    /// @param opensByOthers how often another program opened it, or tried to
    /// @param flushRequests flushes that were answered
    /// @param syncs synchronizations of the file, each for all who had asked by then
    /// @param readCommands that initiators sent
    /// @param readBytes that went to them
    /// @param writeCommands that initiators sent, with the data in them
    /// @param writtenBytes that came from them
    public record Figures(
            long sizeBytes,
            long allocatedBytes,
            long availableBytes,
            Duration spaceAge,
            long unwrittenBytes,
            long movedBytes,
            long sharedBytes,
            long foreignBytes,
            long opensByOthers,
            long flushRequests,
            long syncs,
            long readCommands,
            long readBytes,
            long writeCommands,
            long writtenBytes) {}
}
