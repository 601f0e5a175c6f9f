package io.lunkeeper.target.scsi;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// The third-party copy descriptors of the Third-party Copy VPD page (SPC-4 7.8.17 Third-party Copy
/// VPD page): what is offered, and how much of it.
final class CopyCapabilities {
    // Types of third-party copy descriptors.
    private static final int BLOCK_DEVICE_ROD_TOKEN_LIMITS = 0x0000;
    private static final int SUPPORTED_COMMANDS = 0x0001;
    private static final int PARAMETER_DATA = 0x0004;
    private static final int SUPPORTED_DESCRIPTORS = 0x0008;
    private static final int SUPPORTED_CSCD_DESCRIPTOR_IDS = 0x000c;
    private static final int ROD_TOKEN_FEATURES = 0x0106;
    private static final int SUPPORTED_ROD_TOKEN_TYPES = 0x0108;
    private static final int GENERAL_COPY_OPERATIONS = 0x8001;

    // TOKEN_IN and TOKEN_OUT: tokens of a type are taken, are made.
    private static final int TAKEN = 0x02;
    private static final int MADE = 0x01;
    private static final int ROD_TYPE_BYTES = 64;

    private static final int THIRD_PARTY_COPY_OUT = 0x83;
    private static final int THIRD_PARTY_COPY_IN = 0x84;

    private static final int BLOCK_TO_BLOCK = 0x02;

    private CopyCapabilities() {}

    static byte[] descriptors(int blockBytes) {
        ByteArrayOutputStream page = new ByteArrayOutputStream();
        put(
                page,
                BLOCK_DEVICE_ROD_TOKEN_LIMITS,
                ByteBuffer.allocate(32)
                        .putShort(6, (short) CopyLimits.MAX_RANGES)
                        .putInt(8, CopyLimits.MAX_TOKEN_SECONDS)
                        .putInt(12, CopyLimits.DEFAULT_TOKEN_SECONDS)
                        .putLong(16, CopyLimits.MAX_TOKEN_BYTES / blockBytes)
                        .putLong(24, CopyLimits.OPTIMAL_TOKEN_BYTES / blockBytes)
                        .array());
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
        put(page, ROD_TOKEN_FEATURES, tokenFeatures());
        put(
                page,
                SUPPORTED_ROD_TOKEN_TYPES,
                ByteBuffer.allocate(4 + 2 * ROD_TYPE_BYTES)
                        .putShort(2, (short) (2 * ROD_TYPE_BYTES))
                        .putInt(4, RodToken.CHANGE_VULNERABLE)
                        .put(8, (byte) (TAKEN | MADE))
                        .putInt(4 + ROD_TYPE_BYTES, RodToken.ZERO)
                        .put(8 + ROD_TYPE_BYTES, (byte) TAKEN)
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

    /// Tokens of other targets are not taken (REMOTE TOKENS is zero). A token may live for ever as
    /// long as it is used. Behind that, what is so of block devices.
    private static byte[] tokenFeatures() {
        return ByteBuffer.allocate(92)
                .putInt(12, CopyLimits.MIN_TOKEN_SECONDS)
                .putInt(16, -1)
                .putInt(20, CopyLimits.MAX_TOKEN_SECONDS)
                .putShort(42, (short) 48)
                .putShort(46, (short) 44)
                .putLong(52, CopyLimits.MAX_TOKEN_BYTES)
                .putLong(60, CopyLimits.OPTIMAL_TOKEN_BYTES)
                .putLong(68, CopyLimits.MAX_TOKEN_BYTES)
                .putLong(76, CopyLimits.OPTIMAL_TOKEN_BYTES)
                .array();
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
