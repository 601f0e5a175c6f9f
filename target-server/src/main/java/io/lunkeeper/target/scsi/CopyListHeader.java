package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/// The header of an EXTENDED COPY parameter list, in either form (SPC-4, EXTENDED COPY(LID1)
/// parameter list; EXTENDED COPY(LID4) parameter list).
///
/// @param bytes its length
/// @param cscdBytes the length of the CSCD descriptors that follow, the next two that of what comes
///   behind these
/// @param immediate whether the status is not that of the end (IMMED)
/// @param fault what is wrong with a field that only this form has; null: nothing
record CopyListHeader(
        int bytes,
        long listIdentifier,
        int listIdentifierByte,
        long cscdBytes,
        long segmentBytes,
        long inlineBytes,
        boolean immediate,
        @Nullable Sense fault) {

    private static final int SHORT_BYTES = 16;
    private static final int LONG_BYTES = 48;

    // Of the long form.
    private static final int LIST_FORMAT = 0x01;
    private static final int CSCD_LENGTH_BYTE = 2;
    private static final int IMMED_BYTE = 15;
    private static final int IMMED = 0x01;
    private static final int G_SENSE = 0x02;
    private static final int CSCD_TYPE_BYTE = 16;
    private static final int HEADER_CSCD_BYTES = 0x20;
    private static final int HEADER_CSCD_TYPE = 0xff;

    /// Reads the header.
    ///
    /// @param longIdentifier whether it is the form with a list identifier of four bytes
    /// @return null when the list is shorter than that
    static @Nullable CopyListHeader of(ByteBuf list, boolean longIdentifier) {
        if (list.readableBytes() < (longIdentifier ? LONG_BYTES : SHORT_BYTES)) {
            return null;
        }
        return longIdentifier
                ? new CopyListHeader(
                        LONG_BYTES,
                        list.getUnsignedInt(20),
                        20,
                        list.getUnsignedShort(42),
                        list.getUnsignedShort(44),
                        list.getUnsignedShort(46),
                        (list.getByte(IMMED_BYTE) & IMMED) != 0,
                        faultOfLong(list))
                : new CopyListHeader(
                        SHORT_BYTES,
                        list.getUnsignedByte(0),
                        0,
                        list.getUnsignedShort(2),
                        list.getUnsignedInt(8),
                        list.getUnsignedInt(12),
                        false,
                        null);
    }

    /// Sense data with GOOD status (G_SENSE) is not offered.
    private static @Nullable Sense faultOfLong(ByteBuf list) {
        int wrong = -1;
        if (list.getByte(0) != LIST_FORMAT) {
            wrong = 0;
        } else if (list.getUnsignedShort(CSCD_LENGTH_BYTE) != HEADER_CSCD_BYTES) {
            wrong = CSCD_LENGTH_BYTE;
        } else if ((list.getByte(IMMED_BYTE) & G_SENSE) != 0) {
            wrong = IMMED_BYTE;
        } else if (list.getUnsignedByte(CSCD_TYPE_BYTE) != HEADER_CSCD_TYPE) {
            wrong = CSCD_TYPE_BYTE;
        }
        return wrong < 0 ? null : Sense.invalidFieldInParameterList(wrong);
    }
}
