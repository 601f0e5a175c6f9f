package io.lunkeeper.lun.linux;

import java.io.IOException;

/// A system call failed; the message names the call, the file and the reason.
public final class SystemCallException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    /// Describes a failure.
    ///
    /// @param call the name of the system call
    /// @param file what it was applied to
    /// @param errno one of [Errno] or another error number
    /// @param reason the error number in words
    public SystemCallException(String call, String file, int errno, String reason) {
        super(file + ": " + call + ": " + reason);
        this.errno = errno;
    }

    /// The error number.
    public int errno() {
        return errno;
    }
}
