package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A block device range descriptor (SBC-3, Block device range descriptor): where data of a token
/// is, or goes.
///
/// @param lba the first block, unsigned
record BlockRange(long lba, long blocks) {
    private static final int DESCRIPTOR_BYTES = 16;

    /// The ranges of one command, or why they are refused.
    ///
    /// @param blocks of all ranges
    record Parsed(List<BlockRange> ranges, long blocks, Outcome.@Nullable Status refusal) {}

    boolean overlaps(BlockRange other) {
        return lba < other.lba + other.blocks && other.lba < lba + blocks;
    }

    /// Reads and checks the list that ends a parameter list.
    ///
    /// @param lengthByte where the two bytes of its length are, the list right behind them
    static Parsed parse(LogicalUnit unit, ByteBuf list, int lengthByte) {
        int start = lengthByte + 2;
        int bytes = list.getUnsignedShort(lengthByte);
        if (bytes > list.readableBytes() - start) {
            return refused(unit, Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        // What is left of an incomplete descriptor is ignored.
        int count = bytes / DESCRIPTOR_BYTES;
        if (count > CopyLimits.MAX_RANGES) {
            return refused(unit, CopySense.TOO_MANY_SEGMENT_DESCRIPTORS);
        }
        List<BlockRange> ranges = new ArrayList<>(count);
        long blocks = 0;
        for (int at = start; at < start + count * DESCRIPTOR_BYTES; at += DESCRIPTOR_BYTES) {
            BlockRange range = new BlockRange(list.getLong(at), list.getUnsignedInt(at + 8));
            Outcome.Status beyond = unit.checkRange(range.lba, range.blocks);
            if (beyond != null) {
                return new Parsed(List.of(), 0, beyond);
            }
            if (ranges.stream().anyMatch(range::overlaps)) {
                return refused(unit, Sense.invalidFieldInParameterList(at));
            }
            blocks += range.blocks;
            ranges.add(range);
        }
        ranges.removeIf(range -> range.blocks == 0);
        return blocks == 0 || blocks > CopyLimits.MAX_TOKEN_BYTES / unit.bytes(1)
                ? refused(unit, Sense.invalidFieldInParameterList(lengthByte))
                : new Parsed(ranges, blocks, null);
    }

    private static Parsed refused(LogicalUnit unit, Sense sense) {
        return new Parsed(List.of(), 0, unit.refuse(sense));
    }
}
