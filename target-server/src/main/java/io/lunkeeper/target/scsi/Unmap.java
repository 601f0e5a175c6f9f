package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// UNMAP (SBC-3 5.28 UNMAP command): all descriptors are checked before the first block goes.
final class Unmap {
    private static final int HEADER_BYTES = 8;
    private static final int DESCRIPTOR_BYTES = 16;

    /// UNMAP DATA LENGTH counts what follows its own two bytes.
    private static final int DATA_LENGTH_BYTES = 2;

    /// Where the UNMAP BLOCK DESCRIPTOR DATA LENGTH field is.
    private static final int DESCRIPTORS_LENGTH_OFFSET = 2;

    private final LogicalUnit unit;
    private final boolean anchor;
    private final Extent[] extents;

    private Unmap(LogicalUnit unit, boolean anchor, Extent[] extents) {
        this.unit = unit;
        this.anchor = anchor;
        this.extents = extents;
    }

    /// One UNMAP block descriptor.
    private record Extent(long lba, long blocks) {
        long end() {
            return lba + blocks;
        }
    }

    static Outcome begin(LogicalUnit unit, Cdb.Unmap cdb) {
        if (cdb.parameterListLength() == 0) {
            return Outcome.Status.GOOD;
        }
        if (cdb.parameterListLength() < HEADER_BYTES) {
            return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        return new Outcome.ReceiveParameters(
                cdb.parameterListLength(), (list, _) -> received(unit, cdb.anchor(), list));
    }

    private static Outcome received(LogicalUnit unit, boolean anchor, ByteBuf list) {
        int length = list.readableBytes();
        if (length < HEADER_BYTES) {
            return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        int start = list.readerIndex();
        int dataBytes = list.getUnsignedShort(start);
        int descriptorBytes = list.getUnsignedShort(start + DESCRIPTORS_LENGTH_OFFSET);
        if (dataBytes + DATA_LENGTH_BYTES > length || descriptorBytes + HEADER_BYTES > length) {
            return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        // What is left of an incomplete descriptor is ignored.
        int count = descriptorBytes / DESCRIPTOR_BYTES;
        if (count > BlockLimits.MAX_UNMAP_DESCRIPTORS) {
            return unit.refuse(Sense.invalidFieldInParameterList(DESCRIPTORS_LENGTH_OFFSET));
        }
        Extent[] extents = new Extent[count];
        for (int i = 0; i < count; i++) {
            int at = start + HEADER_BYTES + i * DESCRIPTOR_BYTES;
            extents[i] = new Extent(list.getLong(at), list.getUnsignedInt(at + Long.BYTES));
        }
        Outcome.@Nullable Status refusal = check(unit, extents);
        return refusal != null
                ? refusal
                : new Outcome.Blocking(new Unmap(unit, anchor, extents)::run);
    }

    private static Outcome.@Nullable Status check(LogicalUnit unit, Extent[] extents) {
        long total = 0;
        for (int i = 0; i < extents.length; i++) {
            Outcome.@Nullable Status refusal = unit.checkRange(extents[i].lba, extents[i].blocks);
            if (refusal != null) {
                return refusal;
            }
            total += extents[i].blocks;
            if (total > BlockLimits.MAX_UNMAP_BLOCKS) {
                int blocksField = HEADER_BYTES + i * DESCRIPTOR_BYTES + Long.BYTES;
                return unit.refuse(Sense.invalidFieldInParameterList(blocksField));
            }
        }
        return null;
    }

    /// Extents that follow each other are one, and cost the file system one change.
    private Outcome run() throws IOException {
        Extent pending = new Extent(0, 0);
        for (Extent extent : extents) {
            if (pending.end() == extent.lba) {
                pending = new Extent(pending.lba, pending.blocks + extent.blocks);
            } else {
                unmap(pending);
                pending = extent;
            }
        }
        unmap(pending);
        return unit.written(false);
    }

    private void unmap(Extent extent) throws IOException {
        try {
            if (anchor) {
                unit.backend().zero(unit.bytes(extent.lba), unit.bytes(extent.blocks));
            } else {
                unit.backend().unmap(unit.bytes(extent.lba), unit.bytes(extent.blocks));
            }
        } catch (IOException e) {
            throw MediumException.writing(extent.lba, e);
        }
    }
}
