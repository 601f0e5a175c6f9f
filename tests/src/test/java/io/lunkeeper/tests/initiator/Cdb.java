package io.lunkeeper.tests.initiator;

import java.nio.ByteBuffer;

/// Command descriptor blocks as bytes (SPC-4 section 6, SBC-3 section 5). Every method returns a
/// fresh array that the caller may spoil.
public final class Cdb {
    private Cdb() {}

    /// SPC-4 6.47 TEST UNIT READY.
    public static byte[] testUnitReady() {
        return new byte[6];
    }

    /// SPC-4 6.39 REQUEST SENSE.
    public static byte[] requestSense(int allocationLength) {
        return new byte[] {0x03, 0, 0, 0, (byte) allocationLength, 0};
    }

    /// SPC-4 6.6 INQUIRY, standard data.
    public static byte[] inquiry(int allocationLength) {
        return ByteBuffer.allocate(6).put(0, (byte) 0x12).putShort(3, s(allocationLength)).array();
    }

    /// SPC-4 6.6 INQUIRY with EVPD.
    public static byte[] vitalProductData(int page, int allocationLength) {
        byte[] cdb = inquiry(allocationLength);
        cdb[1] = 1;
        cdb[2] = (byte) page;
        return cdb;
    }

    /// SPC-4 6.33 REPORT LUNS, all of them.
    public static byte[] reportLuns(int allocationLength) {
        return ByteBuffer.allocate(12).put(0, (byte) 0xa0).putInt(6, allocationLength).array();
    }

    /// SPC-4 6.13 MODE SENSE(6).
    public static byte[] modeSense6(int page, int allocationLength) {
        return new byte[] {0x1a, 0, (byte) page, 0, (byte) allocationLength, 0};
    }

    /// SPC-4 6.35 REPORT SUPPORTED OPERATION CODES, all of them.
    public static byte[] reportSupportedOperationCodes(int allocationLength) {
        return ByteBuffer.allocate(12)
                .put(0, (byte) 0xa3)
                .put(1, (byte) 0x0c)
                .putInt(6, allocationLength)
                .array();
    }

    /// SBC-3 5.16 READ CAPACITY (10).
    public static byte[] readCapacity10() {
        return ByteBuffer.allocate(10).put(0, (byte) 0x25).array();
    }

    /// SBC-3 5.17 READ CAPACITY (16).
    public static byte[] readCapacity16(int allocationLength) {
        return ByteBuffer.allocate(16)
                .put(0, (byte) 0x9e)
                .put(1, (byte) 0x10)
                .putInt(10, allocationLength)
                .array();
    }

    /// SBC-3 5.11 READ (10).
    public static byte[] read10(int lba, int blocks) {
        return block10(0x28, lba, blocks);
    }

    /// SBC-3 5.13 READ (16).
    public static byte[] read16(long lba, int blocks) {
        return block16(0x88, lba, blocks);
    }

    /// SBC-3 5.30 WRITE (10).
    public static byte[] write10(int lba, int blocks) {
        return block10(0x2a, lba, blocks);
    }

    /// SBC-3 5.32 WRITE (16).
    public static byte[] write16(long lba, int blocks) {
        return block16(0x8a, lba, blocks);
    }

    /// SBC-3 5.23 SYNCHRONIZE CACHE (10); zero blocks mean to the end.
    public static byte[] synchronizeCache10(int lba, int blocks) {
        return block10(0x35, lba, blocks);
    }

    /// SBC-3 5.40 WRITE SAME (16); `flags` is byte 1.
    public static byte[] writeSame16(long lba, int blocks, int flags) {
        byte[] cdb = block16(0x93, lba, blocks);
        cdb[1] = (byte) flags;
        return cdb;
    }

    /// SPC-4 6.37 REPORT TARGET PORT GROUPS, the short header.
    public static byte[] reportTargetPortGroups(int allocationLength) {
        return ByteBuffer.allocate(12).putShort((short) 0xa30a).putInt(6, allocationLength).array();
    }

    /// SPC-4 6.45 SET TARGET PORT GROUPS.
    public static byte[] setTargetPortGroups(int parameterListLength) {
        return ByteBuffer.allocate(12)
                .putShort((short) 0xa40a)
                .putInt(6, parameterListLength)
                .array();
    }

    /// SBC-3 5.28 UNMAP. LOG SENSE of current cumulative values.
    public static byte[] logSense(int page, int allocationLength) {
        return new byte[] {
            0x4d,
            0,
            (byte) (0x40 | page),
            0,
            0,
            0,
            0,
            (byte) (allocationLength >> 8),
            (byte) allocationLength,
            0
        };
    }

    public static byte[] unmap(int parameterListLength) {
        return block10(0x42, 0, parameterListLength);
    }

    /// The parameter list of [#unmap] with one descriptor.
    public static byte[] unmapParameters(long lba, int blocks) {
        return ByteBuffer.allocate(24)
                .putShort((short) 22)
                .putShort((short) 16)
                .putInt(0)
                .putLong(lba)
                .putInt(blocks)
                .array();
    }

    /// A ten-byte CDB with an LBA and a length of two bytes in the usual places.
    public static byte[] block10(int opcode, int lba, int length) {
        return ByteBuffer.allocate(10)
                .put(0, (byte) opcode)
                .putInt(2, lba)
                .putShort(7, s(length))
                .array();
    }

    /// A sixteen-byte CDB with an LBA and a length of four bytes in the usual places.
    public static byte[] block16(int opcode, long lba, int length) {
        return ByteBuffer.allocate(16)
                .put(0, (byte) opcode)
                .putLong(2, lba)
                .putInt(10, length)
                .array();
    }

    private static short s(int value) {
        return (short) value;
    }
}
