package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// WRITE AND VERIFY (SBC-3, WRITE AND VERIFY(10) command): a write that is on the medium and was
/// looked at, or compared, before its status.
final class WriteAndVerify extends MediumWrite {
    private final Verification verification;
    private final Outcome.@Nullable DataSink comparison;

    private WriteAndVerify(LogicalUnit unit, Cdb.WriteAndVerify cdb) {
        super(unit, cdb.lba(), true);
        this.verification = new Verification(unit, cdb.lba(), cdb.blocks());
        this.comparison =
                cdb.byteCheck() == Cdb.ByteCheck.ALL_DATA ? verification.comparison() : null;
    }

    static Outcome begin(LogicalUnit unit, OperationCode operation, Cdb.WriteAndVerify cdb) {
        return begin(unit, operation, cdb.lba(), cdb.blocks(), new WriteAndVerify(unit, cdb));
    }

    @Override
    public boolean tryWrite(long position, ByteBuf piece) {
        return false;
    }

    @Override
    public void write(long position, ByteBuf piece) throws IOException {
        super.write(position, piece);
        if (comparison != null) {
            comparison.write(position, piece);
        }
    }

    @Override
    public Outcome complete() {
        Outcome.DataSink compared = comparison;
        return unit().flushThen(
                        () -> compared == null ? verification.mediumOnly() : compared.complete());
    }
}
