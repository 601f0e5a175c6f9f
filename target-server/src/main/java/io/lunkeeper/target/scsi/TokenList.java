package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;

/// What the parameter lists of POPULATE TOKEN and WRITE USING TOKEN have in common (SBC-3, POPULATE
/// TOKEN parameter list, WRITE USING TOKEN parameter list).
final class TokenList {
    static final int FLAGS_BYTE = 2;

    private static final int DATA_LENGTH_BYTES = 2;
    private static final int IMMED = 0x01;

    private TokenList() {}

    /// What is made of a list that is long enough.
    @FunctionalInterface
    interface Next {
        Outcome received(ByteBuf list);
    }

    /// Receives a list.
    ///
    /// @param headerBytes what comes before the range descriptors
    static Outcome receive(LogicalUnit unit, long parameterListLength, int headerBytes, Next next) {
        if (parameterListLength == 0) {
            return Outcome.Status.GOOD;
        }
        if (parameterListLength < headerBytes
                || parameterListLength > DeviceServer.MAX_PARAMETER_LIST_BYTES) {
            return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        return new Outcome.ReceiveParameters(
                (int) parameterListLength, (list, _) -> received(unit, list, headerBytes, next));
    }

    private static Outcome received(LogicalUnit unit, ByteBuf list, int headerBytes, Next next) {
        if (list.readableBytes() < headerBytes) {
            return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        int start = list.readerIndex();
        int length = DATA_LENGTH_BYTES + list.getUnsignedShort(start);
        if (length > list.readableBytes()) {
            return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        return length < headerBytes
                ? unit.refuse(Sense.invalidFieldInParameterList(0))
                : next.received(list.slice(start, length));
    }

    /// Whether the status is not that of the end (IMMED).
    static boolean immediate(ByteBuf list) {
        return (list.getByte(FLAGS_BYTE) & IMMED) != 0;
    }
}
