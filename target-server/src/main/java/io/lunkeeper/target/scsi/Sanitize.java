package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.Erasure;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.io.IOException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/// SANITIZE (SBC-3, SANITIZE command): begins a sanitize operation or leaves the failure mode of
/// one. What then happens is [BackgroundOperation]'s.
final class Sanitize {
    private static final Logger LOG = LogManager.getLogger(Sanitize.class);

    /// How much of the extents is asked about at a time.
    private static final long SURVEYED_BYTES = 64L << 20;

    private static final int PARAMETER_LIST_LENGTH_BYTE = 7;
    private static final int AUSE_BIT = 5;
    private static final int SERVICE_ACTION_BIT = 4;

    private static final int HEADER_BYTES = 4;
    private static final int INVERT = 0x80;
    private static final int TEST = 0x60;
    private static final int OVERWRITE_COUNT = 0x1f;
    private static final int PATTERN_LENGTH_OFFSET = 2;

    private Sanitize() {}

    static Outcome blockErase(LogicalUnit unit, Cdb.SanitizeBlockErase cdb) {
        EraseJob job = EraseJob.blockErase(cdb.unrestrictedExit());
        return new Outcome.Blocking(() -> begin(unit, job, cdb.immediate()));
    }

    static Outcome overwrite(LogicalUnit unit, Cdb.SanitizeOverwrite cdb) {
        if (!unit.offers(OperationCode.SANITIZE_OVERWRITE)) {
            return unit.refuse(Sense.invalidFieldInCdb(1, SERVICE_ACTION_BIT));
        }
        int most = HEADER_BYTES + unit.limits().blockSizeBytes();
        if (cdb.parameterListLength() <= HEADER_BYTES || cdb.parameterListLength() > most) {
            return unit.refuse(Sense.invalidFieldInCdb(PARAMETER_LIST_LENGTH_BYTE));
        }
        return new Outcome.ReceiveParameters(
                cdb.parameterListLength(), (list, _) -> received(unit, cdb, list));
    }

    private static Outcome received(LogicalUnit unit, Cdb.SanitizeOverwrite cdb, ByteBuf list) {
        if (list.readableBytes() < HEADER_BYTES) {
            return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        int start = list.readerIndex();
        int flags = list.getUnsignedByte(start);
        int patternBytes = list.getUnsignedShort(start + PATTERN_LENGTH_OFFSET);
        if ((flags & TEST) != 0 || (flags & OVERWRITE_COUNT) == 0) {
            return unit.refuse(Sense.invalidFieldInParameterList(0));
        }
        if (list.getByte(start + 1) != 0) {
            return unit.refuse(Sense.invalidFieldInParameterList(1));
        }
        if (patternBytes == 0 || patternBytes > unit.limits().blockSizeBytes()) {
            return unit.refuse(Sense.invalidFieldInParameterList(PATTERN_LENGTH_OFFSET));
        }
        if (HEADER_BYTES + patternBytes > list.readableBytes()) {
            return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        EraseJob job =
                EraseJob.overwrite(
                        cdb.unrestrictedExit(),
                        flags & OVERWRITE_COUNT,
                        (flags & INVERT) != 0,
                        ByteBufUtil.getBytes(list, start + HEADER_BYTES, patternBytes));
        return new Outcome.Blocking(() -> beginOverwrite(unit, job, cdb.immediate(), 0));
    }

    /// What would leave old data on the disk, or could not be carried through, is not begun. To
    /// look at all extents of a large image takes a while, so it is done in steps, between which
    /// others have the thread and the command can be aborted.
    ///
    /// @param surveyed the bytes of the image that no other file has blocks of
    private static Outcome beginOverwrite(
            LogicalUnit unit, EraseJob job, boolean immediate, long surveyed) throws IOException {
        Erasure erasure = unit.backend().erasure();
        long length = Math.min(SURVEYED_BYTES, unit.backend().sizeBytes() - surveyed);
        if (length > 0 && erasure.sharesBlocks(surveyed, length)) {
            LOG.warn(
                    "{}: cannot be overwritten, as other files share its blocks",
                    unit.backend().placeBeside());
            return unit.refuse(Sense.invalidFieldInCdb(1, SERVICE_ACTION_BIT));
        }
        if (length > 0) {
            return new Outcome.Blocking(
                    () -> beginOverwrite(unit, job, immediate, surveyed + length));
        }
        return erasure.hasRoomForAll()
                ? begin(unit, job, immediate)
                : unit.refuse(Sense.SPACE_ALLOCATION_FAILED);
    }

    /// After a failure in the restricted completion mode only the same mode will do (SBC-3 4.11.3
    /// Completing a sanitize operation).
    private static Outcome begin(LogicalUnit unit, EraseJob job, boolean immediate)
            throws IOException {
        return job.unrestrictedExit() && unit.operation().restricted()
                ? unit.refuse(Sense.invalidFieldInCdb(1, AUSE_BIT))
                : unit.operation().begin(unit, job, immediate);
    }

    static Outcome exitFailureMode(LogicalUnit unit) {
        return new Outcome.Blocking(() ->
                unit.operation().exitFailureMode()
                        ? Outcome.Status.GOOD
                        : unit.refuse(Sense.invalidFieldInCdb(1, SERVICE_ACTION_BIT)));
    }
}
