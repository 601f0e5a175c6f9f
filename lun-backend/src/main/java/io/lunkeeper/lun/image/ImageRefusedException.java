package io.lunkeeper.lun.image;

import java.io.IOException;

/// An image cannot be opened as asked. The message names it and says in one line what is wrong and
/// what would be right.
public final class ImageRefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    public ImageRefusedException(String message) {
        super(message);
    }

    public ImageRefusedException(String message, Throwable cause) {
        super(message, cause);
    }
}
