package io.lunkeeper.target.scsi;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// The designators of the Device Identification VPD page (SPC-4 7.8.6 Device Identification VPD
/// page): the logical unit under its names, the target port that is asked under three, the target
/// device.
final class DeviceIdentification {
    /// The one target port group there is.
    static final short TARGET_PORT_GROUP = 1;

    private static final int ISCSI = 0x5;
    private static final int STRING_ALIGNMENT = 4;
    private static final int HEADER_BYTES = 4;

    /// A SCSI port descriptor up to the designators of its target port.
    private static final int PORT_BYTES = 12;

    private DeviceIdentification() {}

    private enum CodeSet {
        BINARY(1),
        ASCII(2),
        UTF_8(3);

        private final int code;

        CodeSet(int code) {
            this.code = code;
        }
    }

    private enum Association {
        LOGICAL_UNIT(0),
        TARGET_PORT(1),
        TARGET_DEVICE(2);

        private final int code;

        Association(int code) {
            this.code = code;
        }
    }

    private enum Type {
        T10_VENDOR_ID(1),
        RELATIVE_TARGET_PORT(4),
        TARGET_PORT_GROUP(5),
        SCSI_NAME_STRING(8);

        private final int code;

        Type(int code) {
            this.code = code;
        }
    }

    /// What a logical unit answers that is asked through a target port.
    static byte[] designators(UnitIdentity identity, TargetDevice device, int port) {
        ByteArrayOutputStream page = new ByteArrayOutputStream();
        unit(page, identity);
        put(page, CodeSet.BINARY, Association.TARGET_PORT, Type.RELATIVE_TARGET_PORT, number(port));
        put(
                page,
                CodeSet.BINARY,
                Association.TARGET_PORT,
                Type.TARGET_PORT_GROUP,
                number(TARGET_PORT_GROUP));
        name(page, Association.TARGET_PORT, device.portName(port));
        name(page, Association.TARGET_DEVICE, device.name());
        return page.toByteArray();
    }

    private static void unit(ByteArrayOutputStream page, UnitIdentity identity) {
        for (UnitName each : identity.names()) {
            put(
                    page,
                    CodeSet.BINARY,
                    Association.LOGICAL_UNIT,
                    each.type().designatorType(),
                    each.designator());
        }
        put(
                page,
                CodeSet.ASCII,
                Association.LOGICAL_UNIT,
                Type.T10_VENDOR_ID,
                (UnitIdentity.VENDOR + UnitIdentity.PRODUCT + identity.unique())
                        .getBytes(StandardCharsets.US_ASCII));
        String unitName =
                "%s,L,0x%016x".formatted(identity.targetName(), LunField.of(identity.lun()));
        name(page, Association.LOGICAL_UNIT, unitName);
    }

    /// The designator of the target device.
    static byte[] targetDevice(String targetName) {
        ByteArrayOutputStream page = new ByteArrayOutputStream();
        name(page, Association.TARGET_DEVICE, targetName);
        return page.toByteArray();
    }

    /// The designators of the logical unit alone, each with its header.
    static List<ByteBuffer> namesOfUnit(UnitIdentity identity) {
        ByteArrayOutputStream designators = new ByteArrayOutputStream();
        unit(designators, identity);
        List<ByteBuffer> names = new ArrayList<>();
        ByteBuffer page = ByteBuffer.wrap(designators.toByteArray());
        while (page.hasRemaining()) {
            int length = HEADER_BYTES + (page.get(page.position() + HEADER_BYTES - 1) & 0xff);
            names.add(page.slice(page.position(), length));
            page.position(page.position() + length);
        }
        return names;
    }

    /// The content of the SCSI Ports VPD page (SPC-4 7.8.13 SCSI Ports VPD page): every target
    /// port, through whichever it is asked, and no initiator port.
    static byte[] ports(TargetDevice device) {
        ByteArrayOutputStream ports = new ByteArrayOutputStream();
        for (int port : device.ports()) {
            ByteArrayOutputStream designator = new ByteArrayOutputStream();
            name(designator, Association.TARGET_PORT, device.portName(port));
            ports.writeBytes(
                    ByteBuffer.allocate(PORT_BYTES + designator.size())
                            .putShort(2, (short) port)
                            .putShort(10, (short) designator.size())
                            .put(PORT_BYTES, designator.toByteArray())
                            .array());
        }
        return ports.toByteArray();
    }

    private static byte[] number(int value) {
        return ByteBuffer.allocate(Integer.BYTES).putInt(value).array();
    }

    /// A SCSI name string ends with one to four zero bytes, to a multiple of four.
    private static void name(ByteArrayOutputStream page, Association association, String name) {
        byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
        int length = (utf8.length / STRING_ALIGNMENT + 1) * STRING_ALIGNMENT;
        byte[] padded = ByteBuffer.allocate(length).put(utf8).array();
        put(page, CodeSet.UTF_8, association, Type.SCSI_NAME_STRING, padded);
    }

    private static void put(
            ByteArrayOutputStream page,
            CodeSet codeSet,
            Association association,
            Type type,
            byte[] designator) {
        put(page, codeSet, association, type.code, designator);
    }

    /// The protocol identifier counts for ports and devices only (PIV).
    private static void put(
            ByteArrayOutputStream page,
            CodeSet codeSet,
            Association association,
            int type,
            byte[] designator) {
        assert designator.length <= 0xff : "an iSCSI name has at most 223 bytes";
        boolean protocol = association != Association.LOGICAL_UNIT;
        page.write((protocol ? ISCSI << 4 : 0) | codeSet.code);
        page.write((protocol ? 0x80 : 0) | association.code << 4 | type);
        page.write(0);
        page.write(designator.length);
        page.writeBytes(designator);
    }
}
