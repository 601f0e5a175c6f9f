package io.lunkeeper.lun;

import java.time.Duration;

/// How a LUN treats its image where an administrator has a choice and any choice is safe.
///
/// @param guard what happens when another program opens the image
/// @param allocationChunkBytes how much space the first write into a hole takes at least, so that
///   scattered writes do not scatter the image: a power of two from 4 KiB to 4 MiB
/// @param dirtyExpire how long written data may lie in the page cache before its writeback; an idle
///   LUN is clean after that. Positive
/// @param dirtyBackgroundBytes how much written data may lie in the page cache before its writeback
///   begins whatever its age, where somebody flushes; where nobody does, half of `dirtyBytes` may,
///   as far as the memory allows. Positive
/// @param dirtyBytes how much written data may lie in the page cache before writers are slowed; at
///   least `dirtyBackgroundBytes`. An eighth of the memory is the most
/// @param lowSpaceBytes how little free space in the file system is reported as too little, for
///   images that may need more; 0: never
/// @param ioThreads calls that may wait for the disk at once, 1 to 64
public record LunTuning(
        Guard guard,
        int allocationChunkBytes,
        Duration dirtyExpire,
        long dirtyBackgroundBytes,
        long dirtyBytes,
        long lowSpaceBytes,
        int ioThreads) {
    /// What a LUN does unless told otherwise. Opening is watched and not refused, because the
    /// refusal needs a privilege and a default must mean the same everywhere. The amounts keep a
    /// flush short (a background batch is written in a fraction of a second by any disk) and stay
    /// below the kernel's own limits, at which it would stop the event loop.
    public static final LunTuning DEFAULT =
            new LunTuning(
                    Guard.WARN, 256 << 10, Duration.ofSeconds(5), 64L << 20, 2L << 30, 1L << 30, 8);
}
