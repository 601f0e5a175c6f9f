package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.LunBackend;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// COMPARE AND WRITE (SBC-3, COMPARE AND WRITE command): blocks are written if they are what the
/// initiator thinks they are, and nobody sees anything between.
final class CompareAndWrite {
    private static final int NUMBER_OF_BLOCKS_BYTE = 13;

    private final LogicalUnit unit;
    private final Cdb.CompareAndWrite cdb;
    private final int lengthBytes;

    private CompareAndWrite(LogicalUnit unit, Cdb.CompareAndWrite cdb) {
        this.unit = unit;
        this.cdb = cdb;
        this.lengthBytes = (int) unit.bytes(cdb.blocks());
    }

    static Outcome begin(LogicalUnit unit, Cdb.CompareAndWrite cdb) {
        if (cdb.blocks() > unit.limits().maxCompareAndWriteBlocks()) {
            return unit.refuse(Sense.invalidFieldInCdb(NUMBER_OF_BLOCKS_BYTE));
        }
        Outcome.@Nullable Status refusal = unit.checkRange(cdb.lba(), cdb.blocks());
        if (refusal != null) {
            return refusal;
        }
        CompareAndWrite command = new CompareAndWrite(unit, cdb);
        return new Outcome.ReceiveParameters(2 * command.lengthBytes, command::received);
    }

    /// Without blocks nothing is compared, and no data may come. The blocks stay on the heap until
    /// the I/O thread has them, as that step may never come when the task is aborted.
    private Outcome received(ByteBuf parameters, long announcedBytes) {
        if (announcedBytes != 2L * lengthBytes) {
            return unit.refuse(
                    lengthBytes == 0
                            ? Sense.invalidFieldInCdb(NUMBER_OF_BLOCKS_BYTE)
                            : Sense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
        }
        if (lengthBytes == 0) {
            return Outcome.Status.GOOD;
        }
        byte[] blocks = ByteBufUtil.getBytes(parameters, parameters.readerIndex(), 2 * lengthBytes);
        return new Outcome.Blocking(() -> exchange(blocks));
    }

    private Outcome exchange(byte[] blocks) throws IOException {
        long difference;
        try {
            difference =
                    unit.backend()
                            .compareAndWrite(
                                    unit.bytes(cdb.lba()),
                                    Unpooled.wrappedBuffer(blocks, 0, lengthBytes),
                                    Unpooled.wrappedBuffer(blocks, lengthBytes, lengthBytes));
        } catch (IOException e) {
            throw MediumException.writing(cdb.lba(), e);
        }
        return difference == LunBackend.SAME
                ? unit.written(cdb.fua())
                : unit.refuse(Sense.miscompare(difference));
    }
}
