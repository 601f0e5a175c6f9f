package io.lunkeeper.lun.linux;

/// Takes the extents of a file as the file system reports them, in order of their offsets.
@FunctionalInterface
public interface ExtentSink {
    /// The blocks will be allocated when the page cache is written out.
    int DELALLOC = 0x4;

    /// Where the bytes lie on the device is unknown or means nothing.
    int UNKNOWN = 0x2;

    /// The bytes are stored in another form: compressed or encrypted.
    int ENCODED = 0x8;

    /// The extent's bounds are not those of blocks.
    int NOT_ALIGNED = 0x100;

    /// Allocated but never written: reads as zeros once dirty pages are on disk.
    int UNWRITTEN = 0x800;

    /// Other files use the same blocks: a write moves the data elsewhere.
    int SHARED = 0x2000;

    /// Takes one extent.
    ///
    /// @param physical offset on the device in bytes
    /// @param flags the constants above and others that the file system knows
    void extent(long offset, long length, long physical, int flags);
}
