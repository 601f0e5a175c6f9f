package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.LunFailedException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
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
        unit.accessCounts().readCommand();
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
        if (!unit.backend().tryRead(offsetBytes + position, destination, lengthBytes)) {
            return false;
        }
        unit.accessCounts().read(lengthBytes);
        return true;
    }

    @Override
    public void read(long position, ByteBuf destination, int lengthBytes, Outcome.ReadEnd then) {
        unit.backend()
                .read(
                        offsetBytes + position,
                        destination,
                        lengthBytes,
                        failure -> {
                            if (failure == null) {
                                unit.accessCounts().read(lengthBytes);
                            }
                            then.ended(explain(position, lengthBytes, failure));
                        });
    }

    private @Nullable IOException explain(
            long position, int lengthBytes, @Nullable IOException failure) {
        return failure == null || failure instanceof LunFailedException
                ? failure
                : MediumException.reading(firstUnreadable(position, lengthBytes), failure);
    }

    /// The first block of a range that cannot be read, which the initiator must be told (SPC-4
    /// 4.5.2 Descriptor format sense data, INFORMATION): reading them one by one shows it.
    private long firstUnreadable(long position, int lengthBytes) {
        int blockBytes = (int) unit.bytes(1);
        ByteBuf block = PooledByteBufAllocator.DEFAULT.directBuffer(blockBytes);
        try {
            for (int done = 0; done < lengthBytes; done += blockBytes) {
                long offset = offsetBytes + position + done;
                try {
                    unit.backend().read(offset, block.clear(), blockBytes);
                } catch (IOException _) {
                    return unit.lba(offset);
                }
            }
        } finally {
            block.release();
        }
        return unit.lba(offsetBytes + position);
    }
}
