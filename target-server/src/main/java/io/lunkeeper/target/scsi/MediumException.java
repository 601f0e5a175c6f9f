package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.BeingErasedException;
import io.lunkeeper.lun.LunFailedException;
import io.lunkeeper.lun.NoSpaceException;
import java.io.IOException;

/// An I/O error of the image together with what it means to an initiator, for which the plain
/// exception does not know enough: whether it was a read or a write, and where.
final class MediumException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient Sense sense;

    private MediumException(Sense sense, IOException cause) {
        super(cause.getMessage(), cause);
        this.sense = sense;
    }

    /// A read failed that starts at `lba`.
    static IOException reading(long lba, IOException failure) {
        return ofMedium(Sense.READ_ERROR.informing(lba), failure);
    }

    /// A write failed that starts at `lba`.
    static IOException writing(long lba, IOException failure) {
        return ofMedium(Sense.WRITE_ERROR.informing(lba), failure);
    }

    /// A flush failed: which blocks are lost is not known.
    static IOException flushing(IOException failure) {
        return ofMedium(Sense.WRITE_ERROR, failure);
    }

    /// What any I/O failure means: the one place where an exception becomes sense data.
    ///
    /// A LUN that has failed for good is a HARDWARE ERROR with LOGICAL UNIT FAILURE, not a MEDIUM
    /// ERROR: no block is at fault, and initiators retry a write error but give up on this one (to
    /// some it means that the device is lost for good, which is what it is until an administrator
    /// acts).
    static Sense sense(IOException failure) {
        return switch (failure) {
            case NoSpaceException _ -> Sense.SPACE_ALLOCATION_FAILED;
            case LunFailedException _ -> Sense.LOGICAL_UNIT_FAILURE;
            case BeingErasedException _ -> Sense.LOGICAL_UNIT_NOT_READY_OPERATION_IN_PROGRESS;
            case MediumException medium -> medium.sense;
            default -> Sense.INTERNAL_TARGET_FAILURE;
        };
    }

    private static IOException ofMedium(Sense sense, IOException failure) {
        return switch (failure) {
            case NoSpaceException full -> full;
            case LunFailedException failed -> failed;
            case BeingErasedException erased -> erased;
            default -> new MediumException(sense, failure);
        };
    }
}
