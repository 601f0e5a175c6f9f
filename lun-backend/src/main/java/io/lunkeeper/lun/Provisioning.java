package io.lunkeeper.lun;

/// Whether bytes of an image have space of their own.
public enum Provisioning {
    /// They have, and were written; or nobody knows.
    MAPPED,
    /// They have none and read as zeros.
    DEALLOCATED,
    /// They have, were never written, and read as zeros.
    ANCHORED;

    /// Takes runs in order of their offsets, each beginning where the one before it ended.
    @FunctionalInterface
    public interface Visitor {
        /// Takes one run.
        ///
        /// @return whether to go on
        boolean run(Provisioning provisioning, long offsetBytes, long lengthBytes);
    }
}
