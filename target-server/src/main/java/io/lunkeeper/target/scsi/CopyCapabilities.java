package io.lunkeeper.target.scsi;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// The third-party copy descriptors of the Third-party Copy VPD page (SPC-4 7.8.17 Third-party Copy
/// VPD page): what is offered, and how much of it.
final class CopyCapabilities {
    // Types of third-party copy descriptors.
    private static final int SUPPORTED_COMMANDS = 0x0001;
    private static final int PARAMETER_DATA = 0x0004;
    private static final int SUPPORTED_DESCRIPTORS = 0x0008;
    private static final int SUPPORTED_CSCD_DESCRIPTOR_IDS = 0x000c;
    private static final int GENERAL_COPY_OPERATIONS = 0x8001;

    private static final int THIRD_PARTY_COPY_OUT = 0x83;
    private static final int THIRD_PARTY_COPY_IN = 0x84;

    private static final int BLOCK_TO_BLOCK = 0x02;

    private CopyCapabilities() {}

    static byte[] descriptors() {
        ByteArrayOutputStream page = new ByteArrayOutputStream();
        put(page, SUPPORTED_COMMANDS, listed(commands()));
        put(
                page,
                PARAMETER_DATA,
                ByteBuffer.allocate(28)
                        .putShort(4, (short) CopyLimits.MAX_CSCD_DESCRIPTORS)
                        .putShort(6, (short) CopyLimits.MAX_SEGMENT_DESCRIPTORS)
                        .putInt(8, CopyLimits.MAX_LIST_BYTES)
                        .array());
        put(page, SUPPORTED_DESCRIPTORS, listed(descriptorTypes()));
        put(
                page,
                SUPPORTED_CSCD_DESCRIPTOR_IDS,
                ByteBuffer.allocate(4)
                        .putShort((short) 2)
                        .putShort((short) CscdDescriptor.COPY_MANAGER)
                        .array());
        put(
                page,
                GENERAL_COPY_OPERATIONS,
                ByteBuffer.allocate(32)
                        .putInt(CopyLimits.MAX_CONCURRENT_COPIES)
                        .putInt(CopyLimits.MAX_CONCURRENT_COPIES)
                        .putInt(CopyLimits.MAX_SEGMENT_BYTES)
                        .array());
        return page.toByteArray();
    }

    /// The descriptor types of EXTENDED COPY, in ascending order.
    static byte[] descriptorTypes() {
        return new byte[] {BLOCK_TO_BLOCK, (byte) CscdDescriptor.TYPE};
    }

    /// What the table of commands has, so neither can say what the other does not.
    private static byte[] commands() {
        ByteArrayOutputStream list = new ByteArrayOutputStream();
        for (int operationCode : List.of(THIRD_PARTY_COPY_OUT, THIRD_PARTY_COPY_IN)) {
            List<Integer> serviceActions = new ArrayList<>();
            for (OperationCode row : OperationCode.values()) {
                if (row.operationCode() == operationCode) {
                    serviceActions.add(row.serviceAction());
                }
            }
            list.write(operationCode);
            list.write(serviceActions.size());
            serviceActions.forEach(list::write);
        }
        return list.toByteArray();
    }

    /// With its length in one byte before it.
    private static byte[] listed(byte[] content) {
        return ByteBuffer.allocate(1 + content.length)
                .put((byte) content.length)
                .put(content)
                .array();
    }

    /// A descriptor, filled up with zeros to a multiple of four bytes.
    private static void put(ByteArrayOutputStream page, int type, byte[] content) {
        int length = (content.length + 3) & -4;
        ByteBuffer descriptor = ByteBuffer.allocate(4 + length);
        descriptor.putShort((short) type).putShort((short) length).put(content);
        page.writeBytes(descriptor.array());
    }
}
