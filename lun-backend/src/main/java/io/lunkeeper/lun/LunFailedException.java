package io.lunkeeper.lun;

import java.io.IOException;

/// The LUN has failed for good: a flush or writeback error was seen, so acknowledged data may be
/// lost. Every request is answered by this until an administrator acts; nothing is retried.
public final class LunFailedException extends IOException {
    private static final long serialVersionUID = 1L;

    public LunFailedException(String message, Throwable cause) {
        super(message, cause);
    }
}
