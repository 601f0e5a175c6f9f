package io.lunkeeper.target.scsi;

/// Fields of a CDB of which the first 16 bytes are two big-endian numbers.
final class CdbFields {
    private CdbFields() {}

    static long lba6(long high, long low) {
        return field(high, low, 1, 3) & 0x1f_ffff;
    }

    /// SBC-3, READ(6) and WRITE(6): a TRANSFER LENGTH of zero stands for 256 blocks.
    static long blocks6(long high, long low) {
        long blocks = field(high, low, 4, 1);
        return blocks == 0 ? 256 : blocks;
    }

    static Cdb.ByteCheck byteCheck(long high) {
        if (bit(high, 1, 2)) {
            return bit(high, 1, 1) ? Cdb.ByteCheck.ONE_BLOCK : Cdb.ByteCheck.RESERVED;
        }
        return bit(high, 1, 1) ? Cdb.ByteCheck.ALL_DATA : Cdb.ByteCheck.MEDIUM_ONLY;
    }

    static boolean bit(long high, int index, int bit) {
        return ((high >>> (56 - 8 * index + bit)) & 1) != 0;
    }

    /// A big-endian field of up to eight bytes that may straddle the two halves.
    static long field(long high, long low, int first, int count) {
        int end = first + count;
        long ones = count == Long.BYTES ? -1L : (1L << (8 * count)) - 1;
        if (end <= 8) {
            return (high >>> (64 - 8 * end)) & ones;
        }
        long tail = low >>> (128 - 8 * end);
        return (first >= 8 ? tail : (high << (8 * end - 64)) | tail) & ones;
    }

    static Cdb formatUnit(long high, long low) {
        return new Cdb.FormatUnit(
                bit(high, 1, 5),
                bit(high, 1, 4),
                bit(high, 1, 3),
                (int) field(high, low, 1, 1) & 0x07);
    }

    static Cdb modeSense(Cdb.ModeHeader header, long high, long low, long allocation) {
        Cdb.BlockDescriptor descriptor = Cdb.BlockDescriptor.SHORT;
        if (bit(high, 1, 3)) {
            descriptor = Cdb.BlockDescriptor.NONE;
        } else if (bit(high, 1, 4)) {
            descriptor = Cdb.BlockDescriptor.LONG;
        }
        int page = (int) field(high, low, 2, 1);
        return new Cdb.ModeSense(
                header,
                descriptor,
                page >> 6,
                page & 0x3f,
                (int) field(high, low, 3, 1),
                allocation);
    }

    static Cdb copyResults(CopyResults.Query query, long high, long low) {
        return new Cdb.ReceiveCopyResults(
                query,
                field(high, low, 2, query.longIdentifier() ? 4 : 1),
                field(high, low, 10, 4));
    }

    static Cdb reserveIn(ReserveIn.Query query, long high, long low) {
        return new Cdb.PersistentReserveIn(query, field(high, low, 7, 2));
    }

    static Cdb reserveOut(ReservationRequest.Action action, long high, long low) {
        int reservation = (int) field(high, low, 2, 1);
        return new Cdb.PersistentReserveOut(
                action, reservation >> 4, reservation & 0x0f, field(high, low, 5, 4));
    }
}
