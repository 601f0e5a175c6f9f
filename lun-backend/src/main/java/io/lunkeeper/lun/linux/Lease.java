package io.lunkeeper.lun.linux;

/// The state of the write lease on an open file: the proof that nobody else has it open.
public enum Lease {
    /// Nobody else has the file open.
    HELD,
    /// Somebody waits to open it for reading, until the lease is given up or the kernel loses
    /// patience.
    READER_WAITS,
    /// Somebody waits to open it for writing, or to cut it.
    WRITER_WAITS
}
