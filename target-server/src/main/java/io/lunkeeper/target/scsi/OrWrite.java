package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// ORWRITE (SBC-3, ORWRITE(16) command): bits are set and none is cleared.
final class OrWrite implements Outcome.DataSink {
    private final LogicalUnit unit;
    private final long offsetBytes;
    private final boolean fua;

    private OrWrite(LogicalUnit unit, long offsetBytes, boolean fua) {
        this.unit = unit;
        this.offsetBytes = offsetBytes;
        this.fua = fua;
    }

    static Outcome begin(LogicalUnit unit, OperationCode operation, Cdb.OrWrite cdb) {
        Outcome.@Nullable Status refusal =
                unit.checkBlocks(
                        operation, cdb.lba(), cdb.blocks(), unit.limits().maxTransferBlocks());
        if (refusal != null) {
            return refusal;
        }
        return cdb.blocks() == 0
                ? Outcome.Status.GOOD
                : new Outcome.WriteMedium(
                        new OrWrite(unit, unit.bytes(cdb.lba()), cdb.fua()),
                        unit.bytes(cdb.blocks()));
    }

    @Override
    public boolean tryWrite(long position, ByteBuf piece) {
        return false;
    }

    @Override
    public void write(long position, ByteBuf piece) throws IOException {
        try {
            unit.backend().or(offsetBytes + position, piece);
        } catch (IOException e) {
            throw MediumException.writing(unit.lba(offsetBytes + position), e);
        }
    }

    @Override
    public Outcome complete() {
        return unit.written(fua);
    }
}
