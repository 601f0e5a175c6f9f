package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
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
    private final Outcome.Continuation then;

    /// Extents that are not unmapped yet.
    private final AtomicInteger left;

    private final AtomicReference<Outcome.@Nullable Status> refusal = new AtomicReference<>();

    private Unmap(LogicalUnit unit, int extents, Outcome.Continuation then) {
        this.unit = unit;
        this.left = new AtomicInteger(extents);
        this.then = then;
    }

    /// One UNMAP block descriptor, or what several cover without a gap.
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
        List<Extent> extents = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int at = start + HEADER_BYTES + i * DESCRIPTOR_BYTES;
            extents.add(new Extent(list.getLong(at), list.getUnsignedInt(at + Long.BYTES)));
        }
        Outcome.@Nullable Status refusal = check(unit, extents);
        if (refusal != null) {
            return refusal;
        }
        extents.removeIf(extent -> extent.blocks == 0);
        if (extents.isEmpty()) {
            return unit.written(false);
        }
        return anchor ? new Outcome.Blocking(() -> anchor(unit, extents)) : all(unit, extents);
    }

    /// Unmaps blocks that are known to be on the medium.
    ///
    /// @param blocks at least 1
    static Outcome one(LogicalUnit unit, long lba, long blocks) {
        return all(unit, List.of(new Extent(lba, blocks)));
    }

    private static Outcome all(LogicalUnit unit, List<Extent> extents) {
        List<Extent> joined = joined(extents);
        return new Outcome.Awaiting(then -> new Unmap(unit, joined.size(), then).begin(joined));
    }

    /// Those that touch or overlap as one: each alone may be less than what the file system gives
    /// back.
    private static List<Extent> joined(List<Extent> extents) {
        List<Extent> joined = new ArrayList<>(extents.size());
        for (Extent next :
                extents.stream().sorted(Comparator.comparingLong(Extent::lba)).toList()) {
            if (joined.isEmpty() || joined.getLast().end() < next.lba) {
                joined.add(next);
            } else {
                Extent last = joined.removeLast();
                joined.add(new Extent(last.lba, Math.max(last.end(), next.end()) - last.lba));
            }
        }
        return joined;
    }

    private static Outcome.@Nullable Status check(LogicalUnit unit, List<Extent> extents) {
        long total = 0;
        for (int i = 0; i < extents.size(); i++) {
            Extent extent = extents.get(i);
            Outcome.@Nullable Status refusal = unit.checkRange(extent.lba, extent.blocks);
            if (refusal != null) {
                return refusal;
            }
            total += extent.blocks;
            if (total > BlockLimits.MAX_UNMAP_BLOCKS) {
                int blocksField = HEADER_BYTES + i * DESCRIPTOR_BYTES + Long.BYTES;
                return unit.refuse(Sense.invalidFieldInParameterList(blocksField));
            }
        }
        return null;
    }

    private static Outcome anchor(LogicalUnit unit, List<Extent> extents) throws IOException {
        for (Extent extent : extents) {
            try {
                unit.backend().zero(unit.bytes(extent.lba), unit.bytes(extent.blocks));
            } catch (IOException e) {
                throw MediumException.writing(extent.lba, e);
            }
        }
        return unit.written(false);
    }

    private void begin(List<Extent> extents) {
        for (Extent extent : extents) {
            unit.backend()
                    .unmap(
                            unit.bytes(extent.lba),
                            unit.bytes(extent.blocks),
                            failure -> unmapped(extent, failure));
        }
    }

    /// The last one answers for all, with the first failure.
    private void unmapped(Extent extent, @Nullable IOException failure) {
        if (failure != null) {
            refusal.compareAndSet(
                    null,
                    unit.refuse(
                            MediumException.sense(MediumException.writing(extent.lba, failure))));
        }
        if (left.decrementAndGet() == 0) {
            Outcome.@Nullable Status refused = refusal.get();
            then.resume(refused != null ? refused : unit.written(false));
        }
    }
}
