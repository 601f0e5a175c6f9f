package io.lunkeeper.lun;

import io.lunkeeper.lun.image.ImageFullException;
import io.lunkeeper.lun.writeback.FirstFailure;
import java.io.IOException;

/// Whether a LUN may still be served, and the words for it when not.
final class LunHealth {
    private final LunSpec spec;
    private final FirstFailure failure;
    private volatile boolean erasing;

    LunHealth(LunSpec spec, FirstFailure failure) {
        this.spec = spec;
        this.failure = failure;
    }

    boolean failed() {
        return failure.error() != null;
    }

    /// @throws LunFailedException when the LUN has failed
    void checkUsable() throws LunFailedException {
        IOException error = failure.error();
        if (error != null) {
            throw explain(error);
        }
    }

    /// @throws IOException when the LUN has failed or is read-only
    void checkWritable() throws IOException {
        checkUsable();
        if (spec.readOnly()) {
            throw new IOException("image " + spec.image() + " is served read-only");
        }
    }

    /// Whether somebody has the image to himself.
    boolean erasing() {
        return erasing;
    }

    /// Says whether somebody has the image to himself. Who asks with a range locked is over, or
    /// refused, before that range is erased.
    void erasing(boolean whole) {
        erasing = whole;
    }

    /// @throws BeingErasedException when somebody has the image to himself
    void checkNotErasing() throws BeingErasedException {
        if (erasing) {
            throw new BeingErasedException("image " + spec.image() + " is being erased");
        }
    }

    /// Fails the LUN for an error after which it is unknown what the image holds.
    LunFailedException fail(IOException error) {
        failure.fail(error);
        return explain(error);
    }

    LunFailedException explain(IOException error) {
        return new LunFailedException(
                "image "
                        + spec.image()
                        + " has failed; written data may be lost: "
                        + error.getMessage(),
                error);
    }

    static NoSpaceException noSpace(ImageFullException failure) {
        NoSpaceException refusal = new NoSpaceException(failure.getMessage() + "");
        refusal.initCause(failure);
        return refusal;
    }
}
