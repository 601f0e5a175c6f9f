package io.lunkeeper.lun.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// The FIEMAP request: where a file's blocks lie.
final class Fiemap {
    /// `_IOWR('f', 11, struct fiemap)`.
    private static final long FS_IOC_FIEMAP = 0xC020660BL;

    private static final int HEADER_BYTES = 32;
    private static final int EXTENT_BYTES = 56;

    /// Extents asked for at once: 28 KiB of memory, and few calls even for a fragmented file.
    private static final int EXTENTS_PER_CALL = 512;

    private Fiemap() {}

    /// Reports the extents of an open file that overlap a range.
    ///
    /// @return false when the file system cannot tell
    static boolean extents(int fd, long offset, long length, ExtentSink sink) {
        long end = offset + length;
        long position = offset;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment map =
                    arena.allocate(HEADER_BYTES + EXTENTS_PER_CALL * EXTENT_BYTES, Long.BYTES);
            while (position < end) {
                map.set(JAVA_LONG, 0, position);
                map.set(JAVA_LONG, 8, end - position);
                map.set(JAVA_INT, 24, EXTENTS_PER_CALL);
                if (SystemCalls.ioctl(fd, FS_IOC_FIEMAP, map) < 0) {
                    return false;
                }
                int count = map.get(JAVA_INT, 20);
                report(map, count, sink);
                if (count < EXTENTS_PER_CALL) {
                    return true;
                }
                long last = HEADER_BYTES + (count - 1L) * EXTENT_BYTES;
                position = map.get(JAVA_LONG, last) + map.get(JAVA_LONG, last + 16);
            }
        }
        return true;
    }

    private static void report(MemorySegment map, int count, ExtentSink sink) {
        for (int i = 0; i < count; i++) {
            long at = HEADER_BYTES + (long) i * EXTENT_BYTES;
            sink.extent(
                    map.get(JAVA_LONG, at),
                    map.get(JAVA_LONG, at + 16),
                    map.get(JAVA_LONG, at + 8),
                    map.get(JAVA_INT, at + 40));
        }
    }
}
