package io.lunkeeper.lun.writeback;

import java.io.IOException;

/// Makes whole what was written, and went to the disk, in part.
@FunctionalInterface
public interface Completion {
    /// Makes a range whole where that is worthwhile; it may reach beyond the end of the image. What
    /// this writes is dirty in the page cache afterwards.
    ///
    /// @return whether anything was written
    boolean complete(long offset, long length) throws IOException;
}
