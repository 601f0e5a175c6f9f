package io.lunkeeper.lun.writeback;

import java.io.IOException;

/// Makes whole what was written, and went to the disk, in part.
public interface Completion {
    /// What is made whole at once, in bytes.
    long unitBytes();

    /// Makes a range whole where that is worthwhile. What this writes is dirty in the page cache
    /// afterwards.
    ///
    /// @param offset a multiple of [#unitBytes]
    /// @param length a multiple of [#unitBytes]; the range may reach beyond the end of the image
    /// @return the bytes that were written
    long complete(long offset, long length) throws IOException;
}
