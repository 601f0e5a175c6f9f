package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// Where the medium data of a WRITE goes.
final class MediumWrite implements Outcome.DataSink {
    private final LogicalUnit unit;
    private final long offsetBytes;
    private final boolean fua;

    private MediumWrite(LogicalUnit unit, long offsetBytes, boolean fua) {
        this.unit = unit;
        this.offsetBytes = offsetBytes;
        this.fua = fua;
    }

    /// SBC-3, WRITE(10) command.
    static Outcome begin(LogicalUnit unit, OperationCode operation, Cdb.Write cdb) {
        Outcome.@Nullable Status refusal =
                unit.checkBlocks(
                        operation, cdb.lba(), cdb.blocks(), unit.limits().maxTransferBlocks());
        if (refusal != null) {
            return refusal;
        }
        if (cdb.blocks() == 0) {
            return Outcome.Status.GOOD;
        }
        return new Outcome.WriteMedium(
                new MediumWrite(unit, unit.bytes(cdb.lba()), cdb.fua()), unit.bytes(cdb.blocks()));
    }

    @Override
    public boolean tryWrite(long position, ByteBuf piece) {
        return unit.backend().tryWrite(offsetBytes + position, piece);
    }

    @Override
    public void write(long position, ByteBuf piece) throws IOException {
        try {
            unit.backend().write(offsetBytes + position, piece);
        } catch (IOException e) {
            throw MediumException.writing(unit.lba(offsetBytes + position), e);
        }
    }

    @Override
    public Outcome complete() {
        return unit.written(fua);
    }
}
