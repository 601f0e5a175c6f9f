package io.lunkeeper.lun.image;

import java.io.IOException;

/// The file system, or the owner's quota, has no room for a write or an allocation.
public final class ImageFullException extends IOException {
    private static final long serialVersionUID = 1L;

    ImageFullException(String message, Throwable cause) {
        super(message, cause);
    }
}
