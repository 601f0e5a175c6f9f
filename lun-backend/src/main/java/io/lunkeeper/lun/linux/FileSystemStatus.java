package io.lunkeeper.lun.linux;

/// What holds a file.
///
/// @param type the file system's number (its magic), 0 when it cannot be told
/// @param readOnly whether it is mounted read-only
/// @param availableBytes what an unprivileged user may still take
public record FileSystemStatus(long type, boolean readOnly, long availableBytes) {
    private static final long BTRFS = 0x9123683EL;
    private static final long ZFS = 0x2FC12FC1L;
    private static final long BCACHEFS = 0xCA451A4EL;
    private static final long EXT = 0xEF53L;
    private static final long XFS = 0x58465342L;
    private static final long TMPFS = 0x01021994L;

    /// Whether an overwrite goes to where the data lies rather than to new space.
    public boolean overwritesInPlace() {
        return type != BTRFS && type != ZFS && type != BCACHEFS;
    }

    /// Whether a buffered write into a hole only reserves space, and says at once when there is
    /// none, while the blocks are chosen at writeback. It then costs hardly more than an overwrite.
    public boolean delaysAllocation() {
        return type == EXT || type == XFS;
    }

    /// Whether two files may lie in the same blocks after one was copied from the other.
    public boolean copiesShareBlocks() {
        return type != EXT && type != TMPFS;
    }
}
