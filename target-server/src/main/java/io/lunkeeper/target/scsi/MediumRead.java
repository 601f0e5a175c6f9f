package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// The medium data of a READ.
final class MediumRead implements Outcome.DataSource {
    private final LogicalUnit unit;
    private final long offsetBytes;

    private MediumRead(LogicalUnit unit, long offsetBytes) {
        this.unit = unit;
        this.offsetBytes = offsetBytes;
    }

    /// SBC-3, READ(10) command. FUA: what is read must be on the medium, so it is flushed first.
    static Outcome begin(LogicalUnit unit, OperationCode operation, Cdb.Read cdb) {
        Outcome.@Nullable Status refusal =
                unit.checkBlocks(
                        operation, cdb.lba(), cdb.blocks(), unit.limits().maxTransferBlocks());
        if (refusal != null) {
            return refusal;
        }
        if (cdb.blocks() == 0) {
            return Outcome.Status.GOOD;
        }
        Outcome data =
                new Outcome.ReadMedium(
                        new MediumRead(unit, unit.bytes(cdb.lba())), unit.bytes(cdb.blocks()));
        return cdb.fua() && unit.volatileCache() ? unit.flushThen(() -> data) : data;
    }

    @Override
    public boolean tryRead(long position, ByteBuf destination, int lengthBytes) {
        return unit.backend().tryRead(offsetBytes + position, destination, lengthBytes);
    }

    @Override
    public void read(long position, ByteBuf destination, int lengthBytes) throws IOException {
        try {
            unit.backend().read(offsetBytes + position, destination, lengthBytes);
        } catch (IOException e) {
            throw MediumException.reading(unit.lba(offsetBytes + position), e);
        }
    }
}
