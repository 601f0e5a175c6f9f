package io.lunkeeper.lun;

import java.io.IOException;

/// What was to be copied could not be read. The image that it was to be copied to is not at fault.
public final class CopySourceException extends IOException {
    private static final long serialVersionUID = 1L;

    CopySourceException(IOException cause) {
        super(cause.getMessage(), cause);
    }
}
