package io.lunkeeper.lun.writeback;

import java.io.IOException;

/// The pieces in which an image takes space, as far as they concern what goes to the disk.
public interface Chunks {
    /// Takes space for all that was written without, as far as there is room. To be called before
    /// it goes to the disk, where it would otherwise take a place of its own for every page.
    void allocate() throws IOException;

    /// The size of a chunk in bytes.
    long unitBytes();

    /// Writes the rest of chunks that were written, and went to the disk, in part, where that is
    /// worthwhile. What this writes is dirty in the page cache afterwards.
    ///
    /// @param offset a multiple of [#unitBytes]
    /// @param length a multiple of [#unitBytes]; the range may reach beyond the end of the image
    /// @return the bytes that were written
    long complete(long offset, long length) throws IOException;
}
