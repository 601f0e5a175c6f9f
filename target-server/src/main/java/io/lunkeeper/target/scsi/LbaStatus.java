package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.Provisioning;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// GET LBA STATUS (SBC-3 5.4 GET LBA STATUS command): which blocks are mapped, deallocated or
/// anchored, from what the backend knows of the image.
final class LbaStatus {
    private static final int HEADER_BYTES = 8;
    private static final int DESCRIPTOR_BYTES = 16;

    /// The descriptors of one answer: the command may tell of fewer blocks than were asked about,
    /// and the initiator goes on where it ended.
    private static final int MAX_DESCRIPTORS = 256;

    /// The bytes of medium that one command looks at, for the same reason: a terabyte nobody asked
    /// about before would take a second.
    private static final long MAX_SURVEYED_BYTES = 64L << 30;

    /// NUMBER OF LOGICAL BLOCKS has 32 bits.
    private static final long MAX_BLOCKS = 0xffff_ffffL;

    /// PARAMETER DATA LENGTH counts what follows its own four bytes.
    private static final int LENGTH_FIELD_BYTES = 4;

    private final LogicalUnit unit;
    private final Cdb.GetLbaStatus cdb;
    private final ByteBuffer data;

    private LbaStatus(LogicalUnit unit, Cdb.GetLbaStatus cdb, int descriptors) {
        this.unit = unit;
        this.cdb = cdb;
        this.data = ByteBuffer.allocate(HEADER_BYTES + descriptors * DESCRIPTOR_BYTES);
        data.position(HEADER_BYTES);
    }

    static Outcome begin(LogicalUnit unit, Cdb.GetLbaStatus cdb) {
        Outcome.@Nullable Status refusal = unit.checkRange(cdb.lba(), 1);
        if (refusal != null) {
            return refusal;
        }
        // One at least, or the answer would not name the block asked about; the cut comes later.
        long fit = (cdb.allocationLength() - HEADER_BYTES) / DESCRIPTOR_BYTES;
        int descriptors = Math.clamp(fit, 1, MAX_DESCRIPTORS);
        return new Outcome.Blocking(new LbaStatus(unit, cdb, descriptors)::run);
    }

    private Outcome run() throws IOException {
        long start = unit.bytes(cdb.lba());
        long rest = unit.bytes(unit.capacityBlocks()) - start;
        long surveyed = Math.min(rest, Math.min(MAX_SURVEYED_BYTES, unit.bytes(MAX_BLOCKS)));
        unit.backend().provisioning(start, surveyed, this::describe);
        data.putInt(0, data.position() - LENGTH_FIELD_BYTES);
        byte[] answer = new byte[data.position()];
        data.get(0, answer);
        return Parameters.cut(answer, cdb.allocationLength());
    }

    /// SBC-3 Table 48 LBA status descriptor.
    private boolean describe(Provisioning provisioning, long offset, long length) {
        int status =
                switch (provisioning) {
                    case MAPPED -> 0;
                    case DEALLOCATED -> 1;
                    case ANCHORED -> 2;
                };
        data.putLong(unit.blocks(offset)).putInt((int) unit.blocks(length));
        data.put((byte) status).put((byte) 0).putShort((short) 0);
        return data.remaining() >= DESCRIPTOR_BYTES;
    }
}
