package io.lunkeeper.target.scsi;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.List;

/// Parameter lists of EXTENDED COPY, as bytes.
final class CopyLists {
    static final int HOLD = 0;
    static final int NO_IDENTIFIER = 3;

    private CopyLists() {}

    /// An identification descriptor with the NAA designator of a unit.
    static byte[] cscd(UnitIdentity identity, int blockBytes) {
        return ByteBuffer.allocate(32)
                .put((byte) 0xe4)
                .put(4, new byte[] {1, 3, 0, 8})
                .put(8, identity.names().getFirst().designator())
                .putInt(28, blockBytes)
                .array();
    }

    static byte[] segment(
            int flags, int source, int destination, int blocks, long sourceLba, long lba) {
        return ByteBuffer.allocate(28)
                .put((byte) 2)
                .put((byte) flags)
                .putShort((short) 24)
                .putShort((short) source)
                .putShort((short) destination)
                .putShort(10, (short) blocks)
                .putLong(12, sourceLba)
                .putLong(20, lba)
                .array();
    }

    static byte[] list(int identifier, int usage, List<byte[]> cscds, List<byte[]> segments) {
        ByteArrayOutputStream list = new ByteArrayOutputStream();
        list.writeBytes(
                ByteBuffer.allocate(16)
                        .put((byte) identifier)
                        .put((byte) (usage << 3))
                        .putShort((short) (32 * cscds.size()))
                        .putInt(8, 28 * segments.size())
                        .array());
        cscds.forEach(list::writeBytes);
        segments.forEach(list::writeBytes);
        return list.toByteArray();
    }

    /// The same with a list identifier of four bytes.
    static byte[] longList(int identifier, List<byte[]> cscds, List<byte[]> segments) {
        ByteArrayOutputStream list = new ByteArrayOutputStream();
        list.writeBytes(
                ByteBuffer.allocate(48)
                        .put((byte) 1)
                        .putShort(2, (short) 0x20)
                        .put(16, (byte) 0xff)
                        .putInt(20, identifier)
                        .putShort(42, (short) (32 * cscds.size()))
                        .putShort(44, (short) (28 * segments.size()))
                        .array());
        cscds.forEach(list::writeBytes);
        segments.forEach(list::writeBytes);
        return list.toByteArray();
    }

    static String cdb(int serviceAction, int parameterListLength) {
        return "83 %02x 0000000000000000 %08x 0000".formatted(serviceAction, parameterListLength);
    }
}
