package io.lunkeeper.lun.image;

import io.lunkeeper.lun.linux.ExtentSink;
import io.lunkeeper.lun.linux.OpenFile;

/// Asks a file system for the extents of a file, and says in our words what it answers.
final class FileExtents {
    private FileExtents() {}

    /// Reports extents as the file system maps them.
    ///
    /// @return false when it cannot tell; what was visited is then worthless
    static boolean map(OpenFile file, long offset, long length, ExtentVisitor visitor) {
        return file.extents(
                offset,
                length,
                (at, bytes, physical, flags) -> {
                    BlockState state = state(flags);
                    boolean located =
                            (flags & (ExtentSink.UNKNOWN | ExtentSink.DELALLOC)) == 0
                                    && state != BlockState.UNKNOWN;
                    visitor.extent(at, bytes, state, located ? physical : ExtentVisitor.NOWHERE);
                });
    }

    private static BlockState state(int flags) {
        if ((flags & (ExtentSink.ENCODED | ExtentSink.NOT_ALIGNED)) != 0) {
            // Compressed, inline or packed: bytes are there, but overwriting them takes new space.
            return BlockState.UNKNOWN;
        }
        if ((flags & ExtentSink.DELALLOC) != 0) {
            return BlockState.MAPPED;
        }
        if ((flags & ExtentSink.UNWRITTEN) != 0) {
            return BlockState.UNWRITTEN;
        }
        return (flags & ExtentSink.SHARED) != 0 ? BlockState.SHARED : BlockState.MAPPED;
    }

    /// Reports where there is data, all of it as [BlockState#MAPPED] and lying nowhere.
    ///
    /// @return false when the file system cannot tell; what was visited is then worthless
    static boolean seek(OpenFile file, long offset, long length, ExtentVisitor visitor) {
        long end = offset + length;
        long position = offset;
        while (position < end) {
            long data = file.nextData(position);
            long hole = data < 0 || data >= end ? data : file.nextHole(data);
            if (data < 0 || hole < 0) {
                return false;
            }
            if (data < end) {
                visitor.extent(data, hole - data, BlockState.MAPPED, ExtentVisitor.NOWHERE);
            }
            position = Math.max(hole, position + 1);
        }
        return true;
    }
}
