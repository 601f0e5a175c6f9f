package io.lunkeeper.lun;

import io.lunkeeper.lun.image.ImageFullException;
import io.lunkeeper.lun.writeback.FlushGate;
import java.io.IOException;

/// Whether a LUN may still be served, and the words for it when not. Its truth is the [FlushGate]'s
/// failure: whatever fails the one fails the other.
final class LunHealth {
    private final LunSpec spec;
    private final FlushGate gate;

    LunHealth(LunSpec spec, FlushGate gate) {
        this.spec = spec;
        this.gate = gate;
    }

    boolean failed() {
        return gate.failure() != null;
    }

    /// @throws LunFailedException when the LUN has failed
    void checkUsable() throws LunFailedException {
        IOException failure = gate.failure();
        if (failure != null) {
            throw explain(failure);
        }
    }

    /// @throws IOException when the LUN has failed or is read-only
    void checkWritable() throws IOException {
        checkUsable();
        if (spec.readOnly()) {
            throw new IOException("image " + spec.image() + " is served read-only");
        }
    }

    LunFailedException explain(IOException failure) {
        return new LunFailedException(
                "image "
                        + spec.image()
                        + " has failed; written data may be lost: "
                        + failure.getMessage(),
                failure);
    }

    static NoSpaceException noSpace(ImageFullException failure) {
        NoSpaceException refusal = new NoSpaceException(failure.getMessage() + "");
        refusal.initCause(failure);
        return refusal;
    }
}
