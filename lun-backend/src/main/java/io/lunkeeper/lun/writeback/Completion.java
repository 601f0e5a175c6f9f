package io.lunkeeper.lun.writeback;

import java.io.IOException;

/// Makes whole what was written in part, before it goes to the disk. Calls may come from any
/// thread.
public interface Completion {
    /// Whether there is something in a range, which may reach beyond the end of the image, that
    /// [#complete] would make whole.
    boolean incomplete(long offset, long length);

    /// Makes a range whole where that is worthwhile; what it writes is dirty in the page cache
    /// afterwards and goes to the disk with the rest of the range.
    void complete(long offset, long length) throws IOException;
}
