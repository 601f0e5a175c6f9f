package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// Where the medium data of a command goes that stores it: of a WRITE, or a little different in a
/// subclass.
class MediumWrite implements Outcome.DataSink {
    private final LogicalUnit unit;
    private final long offsetBytes;
    private final boolean fua;

    MediumWrite(LogicalUnit unit, long lba, boolean fua) {
        this.unit = unit;
        this.offsetBytes = unit.bytes(lba);
        this.fua = fua;
    }

    /// SBC-3, WRITE(10) command.
    static Outcome begin(LogicalUnit unit, OperationCode operation, Cdb.Write cdb) {
        return begin(
                unit,
                operation,
                cdb.lba(),
                cdb.blocks(),
                new MediumWrite(unit, cdb.lba(), cdb.fua()));
    }

    /// @param sink where the data goes if the blocks are there
    static Outcome begin(
            LogicalUnit unit, OperationCode operation, long lba, long blocks, MediumWrite sink) {
        Outcome.@Nullable Status refusal =
                unit.checkBlocks(operation, lba, blocks, unit.limits().maxTransferBlocks());
        if (refusal != null) {
            return refusal;
        }
        unit.accessCounts().writeCommand();
        return blocks == 0
                ? Outcome.Status.GOOD
                : new Outcome.WriteMedium(sink, unit.bytes(blocks));
    }

    LogicalUnit unit() {
        return unit;
    }

    @Override
    public boolean tryWrite(long position, ByteBuf piece) {
        if (!unit.backend().tryWrite(offsetBytes + position, piece)) {
            return false;
        }
        unit.accessCounts().written(piece.readableBytes());
        return true;
    }

    @Override
    public void write(long position, ByteBuf piece) throws IOException {
        long offset = offsetBytes + position;
        unit.accessCounts().written(piece.readableBytes());
        try {
            store(offset, piece);
        } catch (IOException e) {
            throw MediumException.writing(unit.lba(offset), e);
        }
    }

    /// Stores a piece at an offset of the medium. May block.
    void store(long offset, ByteBuf piece) throws IOException {
        unit.backend().write(offset, piece);
    }

    @Override
    public Outcome complete() {
        return unit.written(fua);
    }
}
