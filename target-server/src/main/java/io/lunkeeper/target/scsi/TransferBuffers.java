package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBufUtil;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// The buffers behind READ BUFFER and WRITE BUFFER (SPC-4 6.18 READ BUFFER command, 6.49 WRITE
/// BUFFER command), with which an initiator tries the way to a logical unit. Every nexus has its
/// own, so none can overwrite what another wrote: one for data and one for echoes, which belong to
/// the logical unit that they were last written through. There is no memory before the first write.
///
/// Used by the thread of its nexus alone.
final class TransferBuffers {
    /// What a nexus may have for data: what it may send as one parameter list.
    static final int DATA_BYTES = DeviceServer.MAX_PARAMETER_LIST_BYTES;

    /// What a nexus may have echoed; the field for it has 13 bits.
    static final int ECHO_BYTES = 4096;

    // MODE. Those that transfer microcode are not among them.
    private static final int DATA = 0x02;
    private static final int DESCRIPTOR = 0x03;
    private static final int ECHO = 0x0a;
    private static final int ECHO_DESCRIPTOR = 0x0b;

    private static final int BUFFER_ID_BYTE = 2;
    private static final int OFFSET_BYTE = 3;
    private static final int LENGTH_BYTE = 6;

    /// EBOS: no echo is lost without a word.
    private static final byte[] ECHO_DESCRIPTION = {
        1, 0, (byte) (ECHO_BYTES >> 8), (byte) ECHO_BYTES
    };

    private @Nullable Written data;
    private @Nullable Written echo;

    /// What a buffer holds.
    private static final class Written {
        private final LogicalUnit unit;
        private final byte[] bytes;

        Written(LogicalUnit unit, byte[] bytes) {
            this.unit = unit;
            this.bytes = bytes;
        }
    }

    Outcome read(LogicalUnit unit, Cdb.ReadBuffer cdb) {
        return switch (cdb.mode()) {
            case DATA -> readData(unit, cdb);
            case DESCRIPTOR -> Parameters.cut(description(cdb.bufferId()), cdb.allocationLength());
            case ECHO -> readEcho(unit, cdb);
            case ECHO_DESCRIPTOR -> Parameters.cut(ECHO_DESCRIPTION, cdb.allocationLength());
            default -> unit.refuse(Sense.invalidFieldInCdb(1, 4));
        };
    }

    Outcome write(LogicalUnit unit, Cdb.WriteBuffer cdb) {
        return switch (cdb.mode()) {
            case DATA -> writeData(unit, cdb);
            case ECHO -> writeEcho(unit, cdb);
            default -> unit.refuse(Sense.invalidFieldInCdb(1, 4));
        };
    }

    /// OFFSET BOUNDARY 0, any byte, and the capacity of the one buffer; zeros for those that are
    /// not there.
    private static byte[] description(int bufferId) {
        return ByteBuffer.allocate(4).putInt(bufferId == 0 ? DATA_BYTES : 0).array();
    }

    private Outcome readData(LogicalUnit unit, Cdb.ReadBuffer cdb) {
        Outcome.@Nullable Status refusal = checkPlace(unit, cdb.bufferId(), cdb.offset());
        if (refusal != null) {
            return refusal;
        }
        int length = (int) Math.min(DATA_BYTES - cdb.offset(), cdb.allocationLength());
        byte[] bytes = new byte[length];
        if (data != null && data.unit == unit) {
            System.arraycopy(data.bytes, cdb.offset(), bytes, 0, length);
        }
        return Parameters.cut(bytes, length);
    }

    private Outcome writeData(LogicalUnit unit, Cdb.WriteBuffer cdb) {
        Outcome.@Nullable Status refusal = checkPlace(unit, cdb.bufferId(), cdb.offset());
        if (refusal != null) {
            return refusal;
        }
        if (cdb.parameterListLength() > DATA_BYTES - cdb.offset()) {
            return unit.refuse(Sense.invalidFieldInCdb(LENGTH_BYTE));
        }
        return new Outcome.ReceiveParameters(
                cdb.parameterListLength(),
                (list, _) -> {
                    Written into = data;
                    if (into == null || into.unit != unit) {
                        into = new Written(unit, new byte[DATA_BYTES]);
                        data = into;
                    }
                    list.getBytes(
                            list.readerIndex(), into.bytes, cdb.offset(), list.readableBytes());
                    return Outcome.Status.GOOD;
                });
    }

    private static Outcome.@Nullable Status checkPlace(LogicalUnit unit, int bufferId, int offset) {
        if (bufferId != 0) {
            return unit.refuse(Sense.invalidFieldInCdb(BUFFER_ID_BYTE));
        }
        return offset > DATA_BYTES ? unit.refuse(Sense.invalidFieldInCdb(OFFSET_BYTE)) : null;
    }

    /// As many bytes as were written. The buffer id and the offset mean nothing.
    private Outcome readEcho(LogicalUnit unit, Cdb.ReadBuffer cdb) {
        if (echo == null) {
            return unit.refuse(Sense.COMMAND_SEQUENCE_ERROR);
        }
        return echo.unit == unit
                ? Parameters.cut(echo.bytes, cdb.allocationLength())
                : unit.refuse(Sense.ECHO_BUFFER_OVERWRITTEN);
    }

    private Outcome writeEcho(LogicalUnit unit, Cdb.WriteBuffer cdb) {
        if (cdb.parameterListLength() > ECHO_BYTES) {
            return unit.refuse(Sense.invalidFieldInCdb(LENGTH_BYTE));
        }
        return new Outcome.ReceiveParameters(
                cdb.parameterListLength(),
                (list, _) -> {
                    echo = new Written(unit, ByteBufUtil.getBytes(list));
                    return Outcome.Status.GOOD;
                });
    }
}
