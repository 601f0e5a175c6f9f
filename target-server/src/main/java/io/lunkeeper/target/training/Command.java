package io.lunkeeper.target.training;

import java.nio.ByteBuffer;
import java.util.HexFormat;

/// A SCSI command as an initiator sends it. The data that it writes is nobody's, so only its length
/// counts.
final class Command {
    private static final int BLOCK_BYTES = 512;

    private static final int CDB_BYTES = 16;

    private static final byte READ_10 = 0x28;
    private static final byte WRITE_10 = 0x2a;
    private static final byte READ_16 = (byte) 0x88;
    private static final byte WRITE_16 = (byte) 0x8a;

    /// From this length on the long forms are sent, so that both are.
    private static final int LONG_FORM_BYTES = 64 << 10;

    /// With zeros at the end.
    private final byte[] cdb;

    private final boolean writes;
    private final int bytes;

    private Command(byte[] cdb, boolean writes, int bytes) {
        this.cdb = cdb;
        this.writes = writes;
        this.bytes = bytes;
    }

    boolean writes() {
        return writes;
    }

    /// How much goes the one way or comes the other.
    int bytes() {
        return bytes;
    }

    void putInto(ByteBuffer header, int index) {
        header.put(index, cdb);
    }

    @Override
    public String toString() {
        return HexFormat.ofDelimiter(" ").formatHex(cdb);
    }

    static Command read(int lba, int bytes) {
        boolean longForm = bytes >= LONG_FORM_BYTES;
        return new Command(medium(longForm ? READ_16 : READ_10, lba, bytes), false, bytes);
    }

    static Command write(int lba, int bytes) {
        boolean longForm = bytes >= LONG_FORM_BYTES;
        return new Command(medium(longForm ? WRITE_16 : WRITE_10, lba, bytes), true, bytes);
    }

    private static byte[] medium(byte opcode, int lba, int bytes) {
        int blocks = bytes / BLOCK_BYTES;
        ByteBuffer cdb = ByteBuffer.allocate(CDB_BYTES).put(0, opcode);
        if (bytes >= LONG_FORM_BYTES) {
            cdb.putLong(2, lba).putInt(10, blocks);
        } else {
            cdb.putInt(2, lba).putShort(7, (short) blocks);
        }
        return cdb.array();
    }

    /// A command that writes nothing.
    ///
    /// @param cdb in hexadecimal, zeros at the end may be left out
    /// @param bytes how much it may be answered
    static Command of(String cdb, int bytes) {
        byte[] given = HexFormat.of().parseHex(cdb);
        return new Command(ByteBuffer.allocate(CDB_BYTES).put(0, given).array(), false, bytes);
    }
}
