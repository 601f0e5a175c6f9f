package io.lunkeeper.lun;

/// Reads that wait for a disk. Safe from any number of threads.
interface WaitingReads {
    /// See [LunBackend#read].
    ///
    /// @throws java.util.concurrent.RejectedExecutionException when the LUN is closed; the request
    ///   is not answered
    void read(ReadRequest request);
}
