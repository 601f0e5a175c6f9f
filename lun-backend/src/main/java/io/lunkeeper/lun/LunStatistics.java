package io.lunkeeper.lun;

import java.time.Duration;
import java.util.Optional;

/// How a LUN is and what it has done since it was opened, for whoever looks after it.
///
/// @param sizeBytes the capacity served
/// @param space the space of the image and its file system when they were last looked at
/// @param spaceAge how long ago that was: more than a second or two when the file system does not
///   answer, or the image is not looked after any more because it has failed
/// @param unwrittenBytes bytes that were written and are not known to have reached the disk
/// @param changes what other programs did to its blocks
/// @param opensByOthers how often another program was noticed opening it, let in or refused
/// @param flushRequests how many flushes were answered
/// @param syncs how often the file was synchronized, each time for all who had asked by then
/// @param failure why it has failed; empty when it has not
public record LunStatistics(
        long sizeBytes,
        LunBackend.Space space,
        Duration spaceAge,
        long unwrittenBytes,
        LunBackend.MapChanges changes,
        long opensByOthers,
        long flushRequests,
        long syncs,
        Optional<String> failure) {}
