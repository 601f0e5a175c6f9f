package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The TransportID of an iSCSI initiator (SPC-4 7.6.4.6 TransportID for initiator ports using SCSI
/// over iSCSI).
///
/// @param name an iSCSI name, or that of an initiator port: name, `,i,0x` and the ISID
/// @param port whether it names a port rather than all ports of a device
/// @param lengthBytes its length on the wire
record TransportId(String name, boolean port, int lengthBytes) {
    private static final int ISCSI = 0x5;
    private static final int PORT_FORMAT = 0x1 << 6;
    private static final int HEADER_BYTES = 4;

    /// ADDITIONAL LENGTH is at least this and a multiple of four.
    private static final int MIN_NAME_BYTES = 20;

    private static final Pattern PORT_NAME = Pattern.compile("(.+),i,0[xX]([0-9a-fA-F]{1,12})");

    /// Reads one from the reader index, which does not move; nothing when it is malformed.
    static Optional<TransportId> parse(ByteBuf bytes) {
        int start = bytes.readerIndex();
        if (bytes.readableBytes() < HEADER_BYTES) {
            return Optional.empty();
        }
        int first = bytes.getUnsignedByte(start);
        int nameBytes = bytes.getUnsignedShort(start + 2);
        if ((first & 0x3f) != ISCSI
                || (first & 0x80) != 0
                || nameBytes < MIN_NAME_BYTES
                || nameBytes % 4 != 0
                || bytes.readableBytes() < HEADER_BYTES + nameBytes) {
            return Optional.empty();
        }
        int end = bytes.indexOf(start + HEADER_BYTES, start + HEADER_BYTES + nameBytes, (byte) 0);
        if (end < 0) {
            return Optional.empty();
        }
        String name =
                bytes.toString(
                        start + HEADER_BYTES, end - start - HEADER_BYTES, StandardCharsets.UTF_8);
        int lengthBytes = HEADER_BYTES + nameBytes;
        if ((first & PORT_FORMAT) == 0) {
            return name.isEmpty()
                    ? Optional.empty()
                    : Optional.of(new TransportId(name, false, lengthBytes));
        }
        Matcher parts = PORT_NAME.matcher(name);
        return parts.matches()
                ? Optional.of(
                        new TransportId(
                                Nexus.portName(parts.group(1), Long.parseLong(parts.group(2), 16)),
                                true,
                                lengthBytes))
                : Optional.empty();
    }

    /// The wire form for an initiator port.
    static byte[] ofPort(String portName) {
        byte[] name = portName.getBytes(StandardCharsets.UTF_8);
        int nameBytes = Math.max(MIN_NAME_BYTES, (name.length / 4 + 1) * 4);
        return ByteBuffer.allocate(HEADER_BYTES + nameBytes)
                .put((byte) (PORT_FORMAT | ISCSI))
                .put((byte) 0)
                .putShort((short) nameBytes)
                .put(name)
                .array();
    }

    /// Whether it names this initiator port.
    boolean names(String portName) {
        return port ? portName.equals(name) : portName.startsWith(name + ",i,0x");
    }
}
