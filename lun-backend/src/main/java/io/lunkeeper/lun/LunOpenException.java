package io.lunkeeper.lun;

import java.io.IOException;

/// The image cannot be served as asked: missing, too small, a directory, not writable, in use. The
/// message names the image and says what is wrong in one line; nothing was created or changed.
public final class LunOpenException extends IOException {
    private static final long serialVersionUID = 1L;

    public LunOpenException(String message) {
        super(message);
    }

    public LunOpenException(String message, Throwable cause) {
        super(message, cause);
    }
}
