package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/// FORMAT UNIT (SBC-3, FORMAT UNIT command): every block reads as zeros afterwards. There are no
/// defects to manage and no protection information; other initialization patterns are refused, as
/// WRITE SAME and SANITIZE write these. What then happens is [BackgroundOperation]'s.
final class FormatUnit {
    private static final int COMPLETE_LIST_BIT = 3;
    private static final int DEFECT_LIST_FORMAT_BIT = 2;

    private static final int SHORT_HEADER_BYTES = 4;
    private static final int LONG_HEADER_BYTES = 8;

    // The second byte of the parameter list header.
    private static final int FORMAT_OPTIONS_VALID = 0x80;
    private static final int FORMAT_OPTIONS = 0x7c;
    private static final int INITIALIZATION_PATTERN = 0x08;
    private static final int IMMEDIATE = 0x02;
    private static final int VENDOR_SPECIFIC = 0x01;

    private FormatUnit() {}

    static Outcome begin(LogicalUnit unit, Cdb.FormatUnit cdb) {
        if (cdb.formatData()) {
            int header = cdb.longList() ? LONG_HEADER_BYTES : SHORT_HEADER_BYTES;
            return new Outcome.ReceiveParameters(header, (list, _) -> received(unit, list, header));
        }
        if (cdb.completeList()) {
            return unit.refuse(Sense.invalidFieldInCdb(1, COMPLETE_LIST_BIT));
        }
        return cdb.defectListFormat() == 0
                ? format(unit, false)
                : unit.refuse(Sense.invalidFieldInCdb(1, DEFECT_LIST_FORMAT_BIT));
    }

    private static Outcome received(LogicalUnit unit, ByteBuf list, int header) {
        if (list.readableBytes() < header) {
            return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        int start = list.readerIndex();
        int options = list.getUnsignedByte(start + 1);
        boolean valid = (options & FORMAT_OPTIONS_VALID) != 0;
        if (list.getByte(start) != 0) {
            return unit.refuse(Sense.invalidFieldInParameterList(0));
        }
        if ((options & (INITIALIZATION_PATTERN | VENDOR_SPECIFIC)) != 0
                || (!valid && (options & FORMAT_OPTIONS) != 0)) {
            return unit.refuse(Sense.invalidFieldInParameterList(1));
        }
        Outcome.@Nullable Status refusal = checkDefects(unit, list, start, header);
        return refusal != null ? refusal : format(unit, (options & IMMEDIATE) != 0);
    }

    /// A list of defects has no place to go, and protection information is not there.
    private static Outcome.@Nullable Status checkDefects(
            LogicalUnit unit, ByteBuf list, int start, int header) {
        for (int index = 2; index < header; index++) {
            if (list.getByte(start + index) != 0) {
                return unit.refuse(
                        Sense.invalidFieldInParameterList(
                                header == LONG_HEADER_BYTES ? Math.min(index, 4) : 2));
            }
        }
        return null;
    }

    private static Outcome format(LogicalUnit unit, boolean immediate) {
        return new Outcome.Blocking(
                () -> unit.operation().begin(unit, EraseJob.format(), immediate));
    }
}
