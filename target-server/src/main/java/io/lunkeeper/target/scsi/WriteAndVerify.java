package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// WRITE AND VERIFY (SBC-3, WRITE AND VERIFY(10) command): a write that is on the medium and was
/// looked at, or compared, before its status.
final class WriteAndVerify implements Outcome.DataSink {
    private final LogicalUnit unit;
    private final long offsetBytes;
    private final Verification verification;
    private final Outcome.@Nullable DataSink comparison;

    private WriteAndVerify(LogicalUnit unit, Cdb.WriteAndVerify cdb) {
        this.unit = unit;
        this.offsetBytes = unit.bytes(cdb.lba());
        this.verification = new Verification(unit, cdb.lba(), cdb.blocks());
        this.comparison =
                cdb.byteCheck() == Cdb.ByteCheck.ALL_DATA ? verification.comparison() : null;
    }

    static Outcome begin(LogicalUnit unit, OperationCode operation, Cdb.WriteAndVerify cdb) {
        Outcome.@Nullable Status refusal =
                unit.checkBlocks(
                        operation, cdb.lba(), cdb.blocks(), unit.limits().maxTransferBlocks());
        if (refusal != null) {
            return refusal;
        }
        return cdb.blocks() == 0
                ? Outcome.Status.GOOD
                : new Outcome.WriteMedium(new WriteAndVerify(unit, cdb), unit.bytes(cdb.blocks()));
    }

    @Override
    public boolean tryWrite(long position, ByteBuf piece) {
        return false;
    }

    @Override
    public void write(long position, ByteBuf piece) throws IOException {
        try {
            unit.backend().write(offsetBytes + position, piece);
        } catch (IOException e) {
            throw MediumException.writing(unit.lba(offsetBytes + position), e);
        }
        if (comparison != null) {
            comparison.write(position, piece);
        }
    }

    @Override
    public Outcome complete() {
        Outcome.DataSink compared = comparison;
        return unit.flushThen(
                () -> compared == null ? verification.mediumOnly() : compared.complete());
    }
}
