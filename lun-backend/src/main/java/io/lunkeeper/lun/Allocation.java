package io.lunkeeper.lun;

/// When the image's blocks are taken from the file system.
public enum Allocation {
    /// On first write; unwritten blocks are holes.
    SPARSE,
    /// At open by `fallocate`: the space is there, the blocks are unwritten.
    RESERVE,
    /// At creation by writing zeros: the space is there and every block is mapped.
    FULL
}
