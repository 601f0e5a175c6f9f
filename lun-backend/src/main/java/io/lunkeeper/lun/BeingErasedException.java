package io.lunkeeper.lun;

import java.io.IOException;

/// Somebody has the whole image to himself to erase it; nobody else may change it meanwhile.
public final class BeingErasedException extends IOException {
    private static final long serialVersionUID = 1L;

    public BeingErasedException(String message) {
        super(message);
    }
}
