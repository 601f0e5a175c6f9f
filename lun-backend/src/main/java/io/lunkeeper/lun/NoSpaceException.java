package io.lunkeeper.lun;

import java.io.IOException;

/// The file system has no room for a write or an allocation (ENOSPC, EDQUOT). Nothing of the
/// command is acknowledged; the same command may succeed when space returns.
public final class NoSpaceException extends IOException {
    private static final long serialVersionUID = 1L;

    public NoSpaceException(String message) {
        super(message);
    }
}
