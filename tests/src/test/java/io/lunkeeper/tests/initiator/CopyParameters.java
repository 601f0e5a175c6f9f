package io.lunkeeper.tests.initiator;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;

/// EXTENDED COPY(LID1) between LUNs of 512-byte blocks (SPC-4 6.4 EXTENDED COPY(LID1) command).
public final class CopyParameters {
    private static final int HEADER_BYTES = 16;
    private static final int LONG_HEADER_BYTES = 48;

    private CopyParameters() {}

    /// A CSCD descriptor with the NAA designator that the Device Identification VPD page has.
    public static byte[] cscd(RawInitiator initiator, int lun) throws IOException {
        byte[] page = initiator.read(lun, Cdb.vitalProductData(0x83, 255), 255).data();
        int at = 4;
        while ((page[at + 1] & 0x0f) != 3) {
            at += 4 + page[at + 3];
        }
        return ByteBuffer.allocate(32)
                .put((byte) 0xe4)
                .put(4, page, at, 4 + page[at + 3])
                .putInt(28, 512)
                .array();
    }

    /// A block to block segment descriptor from the first CSCD descriptor to the second.
    public static byte[] segment(int blocks, int sourceLba, int lba) {
        return ByteBuffer.allocate(28)
                .put((byte) 2)
                .put(3, (byte) 24)
                .put(7, (byte) 1)
                .putShort(10, (short) blocks)
                .putLong(12, sourceLba)
                .putLong(20, lba)
                .array();
    }

    /// The parameter list, with list identifier 0.
    public static byte[] list(byte[] source, byte[] destination, byte[]... segments) {
        ByteArrayOutputStream list = new ByteArrayOutputStream();
        list.writeBytes(
                ByteBuffer.allocate(HEADER_BYTES)
                        .put((byte) 1)
                        .put(3, (byte) 64)
                        .putInt(8, 28 * segments.length)
                        .array());
        list.writeBytes(source);
        list.writeBytes(destination);
        for (byte[] segment : segments) {
            list.writeBytes(segment);
        }
        return list.toByteArray();
    }

    /// The same in the form with a list identifier of four bytes (SPC-4 6.4.2 EXTENDED COPY(LID4)
    /// parameter data), for a copy that goes on after its status (IMMED).
    public static byte[] immediate(int identifier, byte[] list) {
        int descriptors = list.length - HEADER_BYTES;
        return ByteBuffer.allocate(LONG_HEADER_BYTES + descriptors)
                .put((byte) 1)
                .put(3, (byte) 0x20)
                .put(15, (byte) 1)
                .put(16, (byte) 0xff)
                .putInt(20, identifier)
                .put(43, list[3])
                .putShort(44, (short) (descriptors - list[3]))
                .put(LONG_HEADER_BYTES, list, HEADER_BYTES, descriptors)
                .array();
    }

    /// The CDB.
    public static byte[] extendedCopy(int parameterListLength) {
        return Cdb.block16(0x83, 0, parameterListLength);
    }
}
