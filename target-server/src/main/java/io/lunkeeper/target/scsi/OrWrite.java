package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.io.IOException;

/// ORWRITE (SBC-3, ORWRITE(16) command): bits are set and none is cleared.
final class OrWrite extends MediumWrite {
    private OrWrite(LogicalUnit unit, Cdb.OrWrite cdb) {
        super(unit, cdb.lba(), cdb.fua());
    }

    static Outcome begin(LogicalUnit unit, OperationCode operation, Cdb.OrWrite cdb) {
        return begin(unit, operation, cdb.lba(), cdb.blocks(), new OrWrite(unit, cdb));
    }

    @Override
    public boolean tryWrite(long position, ByteBuf piece) {
        return false;
    }

    @Override
    void store(long offset, ByteBuf piece) throws IOException {
        unit().backend().or(offset, piece);
    }
}
