package io.lunkeeper.target.scsi;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/// What INQUIRY answers for one logical unit, nearly all of it built once (SPC-4 6.6 INQUIRY
/// command, 7.8 Vital product data parameters; SBC-3, Vital product data (VPD) parameters for
/// direct access block devices).
final class InquiryData {
    private static final int STANDARD_LENGTH = 96;
    private static final int VERSION_SPC_4 = 0x06;

    /// NORMACA, HISUP, and data in format 2.
    private static final int RESPONSE_FORMAT = 0x32;

    private static final int COMMAND_QUEUING = 0x02;
    private static final int VERSION_DESCRIPTORS_OFFSET = 58;

    /// Qualifier 3, type 1Fh: no device can be at this LUN.
    private static final byte NO_UNIT = 0x7f;

    /// Qualifier 1: a device that is there, but not through this target port.
    private static final byte NOT_CONNECTED = 0x20;

    // SAM-5, SPC-4 and SBC-3 with no version claimed (SPC-4, Version descriptor values), and iSCSI,
    // to which the level of the protocol is added.
    private static final int SAM_5 = 0x00a0;
    private static final int ISCSI = 0x0960;
    private static final int SPC_4 = 0x0460;
    private static final int SBC_3 = 0x04c0;

    private static final int SUPPORTED_PAGES = 0x00;
    private static final int UNIT_SERIAL_NUMBER = 0x80;
    private static final int DEVICE_IDENTIFICATION = 0x83;
    private static final int EXTENDED_INQUIRY = 0x86;
    private static final int MODE_PAGE_POLICY = 0x87;
    private static final int SCSI_PORTS = 0x88;
    private static final int THIRD_PARTY_COPY = 0x8f;
    private static final int BLOCK_LIMITS = 0xb0;
    private static final int BLOCK_DEVICE_CHARACTERISTICS = 0xb1;
    private static final int LOGICAL_BLOCK_PROVISIONING = 0xb2;

    /// One descriptor for every page and subpage: shared by all nexuses, not by several units.
    private static final byte[] ALL_MODE_PAGES_SHARED = {0x3f, (byte) 0xff, 0, 0};

    /// TPGS: access states are set by SET TARGET PORT GROUPS, and may change without it.
    private static final int EXPLICIT_AND_IMPLICIT_ACCESS_STATES = 0x30;

    /// 3PC: there are third-party copy commands.
    private static final int COPIES = 0x08;

    private static final int PAGE_HEADER_LENGTH = 4;
    private static final int LONG_PAGE_LENGTH = 64;

    private final UnitIdentity identity;
    private final TargetDevice device;
    private final SortedMap<Integer, byte[]> pages = new TreeMap<>();

    /// @param volatileCache whether an acknowledged write may be lost by power failure
    /// @param thresholdExponent the THRESHOLD EXPONENT, 0 without thresholds
    InquiryData(
            UnitIdentity identity,
            TargetDevice device,
            BlockLimits limits,
            boolean volatileCache,
            int thresholdExponent) {
        this.identity = identity;
        this.device = device;
        pages.put(
                UNIT_SERIAL_NUMBER,
                page(UNIT_SERIAL_NUMBER, identity.serial().getBytes(StandardCharsets.US_ASCII)));
        pages.put(EXTENDED_INQUIRY, extendedInquiry(volatileCache));
        pages.put(MODE_PAGE_POLICY, page(MODE_PAGE_POLICY, ALL_MODE_PAGES_SHARED));
        pages.put(SCSI_PORTS, page(SCSI_PORTS, DeviceIdentification.ports(device)));
        pages.put(
                THIRD_PARTY_COPY,
                page(THIRD_PARTY_COPY, CopyCapabilities.descriptors(limits.blockSizeBytes())));
        pages.put(BLOCK_LIMITS, blockLimits(limits));
        pages.put(BLOCK_DEVICE_CHARACTERISTICS, blockDeviceCharacteristics());
        pages.put(LOGICAL_BLOCK_PROVISIONING, logicalBlockProvisioning(thresholdExponent));
        // These two are listed; one is made of the list, the other anew for each target port.
        pages.put(SUPPORTED_PAGES, new byte[0]);
        pages.put(DEVICE_IDENTIFICATION, new byte[0]);
        byte[] codes = new byte[pages.size()];
        int next = 0;
        for (int code : pages.keySet()) {
            codes[next++] = (byte) code;
        }
        pages.put(SUPPORTED_PAGES, page(SUPPORTED_PAGES, codes));
    }

    /// Standard INQUIRY data (SPC-4 6.6.2 Standard INQUIRY data).
    ///
    /// @param protocolLevel that of the nexus that asks: [Nexus#protocolLevel]
    /// @param connected whether the unit can be had through the target port that is asked
    static byte[] standardData(int protocolLevel, boolean connected) {
        return qualified(standard(protocolLevel), connected);
    }

    /// A vital product data page, or nothing when the unit does not have it.
    ///
    /// @param port the target port that is asked
    /// @param connected whether the unit can be had through it
    Optional<byte[]> vitalProductData(int pageCode, int port, boolean connected) {
        byte[] page =
                pageCode == DEVICE_IDENTIFICATION
                        ? page(pageCode, DeviceIdentification.designators(identity, device, port))
                        : pages.get(pageCode);
        return Optional.ofNullable(page).map(there -> qualified(there, connected));
    }

    private static byte[] qualified(byte[] data, boolean connected) {
        if (connected) {
            return data;
        }
        byte[] other = data.clone();
        other[0] |= NOT_CONNECTED;
        return other;
    }

    /// Standard INQUIRY data of a LUN behind which there is nothing.
    static byte[] withoutUnit(int protocolLevel) {
        byte[] data = standard(protocolLevel);
        data[0] = NO_UNIT;
        return data;
    }

    /// RFC 7144 4.2 Impact on Standard INQUIRY Data: the iSCSI version is 0960h and the level of
    /// the protocol that was negotiated.
    private static byte[] standard(int protocolLevel) {
        ByteBuffer data = ByteBuffer.allocate(STANDARD_LENGTH);
        data.putShort((short) 0).put((byte) VERSION_SPC_4).put((byte) RESPONSE_FORMAT);
        data.put((byte) (STANDARD_LENGTH - 5))
                .put((byte) (EXPLICIT_AND_IMPLICIT_ACCESS_STATES | COPIES))
                .put((byte) 0)
                .put((byte) COMMAND_QUEUING);
        data.put(UnitIdentity.VENDOR.getBytes(StandardCharsets.US_ASCII));
        data.put(UnitIdentity.PRODUCT.getBytes(StandardCharsets.US_ASCII));
        data.put(UnitIdentity.REVISION.getBytes(StandardCharsets.US_ASCII));
        data.position(VERSION_DESCRIPTORS_OFFSET);
        data.putShort((short) SAM_5)
                .putShort((short) (ISCSI + protocolLevel))
                .putShort((short) SPC_4)
                .putShort((short) SBC_3);
        return data.array();
    }

    private static byte[] page(int code, byte[] content) {
        ByteBuffer page = ByteBuffer.allocate(PAGE_HEADER_LENGTH + content.length);
        page.put((byte) 0).put((byte) code).putShort((short) content.length).put(content);
        return page.array();
    }

    private static byte[] longPage(int code) {
        return page(code, new byte[LONG_PAGE_LENGTH - PAGE_HEADER_LENGTH]);
    }

    /// SPC-4 7.8.7 Extended INQUIRY Data VPD page: HEADSUP, ORDSUP and SIMPSUP, and V_SUP when the
    /// cache is volatile.
    private static byte[] extendedInquiry(boolean volatileCache) {
        byte[] page = longPage(EXTENDED_INQUIRY);
        page[5] = 0x07;
        page[6] = (byte) (volatileCache ? 0x01 : 0);
        return page;
    }

    /// SBC-3, Block Limits VPD page. WSNZ is one: a WRITE SAME names its number of blocks, as "to
    /// the end of the medium" is not bounded in time.
    private static byte[] blockLimits(BlockLimits limits) {
        byte[] page = longPage(BLOCK_LIMITS);
        ByteBuffer fields = ByteBuffer.wrap(page);
        fields.put(4, (byte) 0x01);
        fields.put(5, (byte) limits.maxCompareAndWriteBlocks());
        fields.putShort(6, (short) limits.blocksPerPhysicalBlock());
        fields.putInt(8, limits.maxTransferBlocks());
        fields.putInt(12, limits.optimalTransferBlocks());
        fields.putInt(20, BlockLimits.MAX_UNMAP_BLOCKS);
        fields.putInt(24, BlockLimits.MAX_UNMAP_DESCRIPTORS);
        fields.putInt(28, limits.unmapGranularityBlocks());
        // UGAVALID: the granularity counts from the first block.
        fields.putInt(32, limits.unmapGranularityBlocks() == 0 ? 0 : 0x8000_0000);
        fields.putLong(36, limits.maxWriteSameBlocks());
        return page;
    }

    /// SBC-3, Block Device Characteristics VPD page: a medium that does not rotate. WABEREQ: after
    /// a block erase the medium is read without an error, as its blocks are zeros.
    private static byte[] blockDeviceCharacteristics() {
        byte[] page = longPage(BLOCK_DEVICE_CHARACTERISTICS);
        page[5] = 0x01;
        page[7] = 0x40;
        return page;
    }

    /// SBC-3, Logical Block Provisioning VPD page: LBPU, LBPWS, LBPWS10, LBPRZ and ANC_SUP; thin.
    private static byte[] logicalBlockProvisioning(int thresholdExponent) {
        return page(
                LOGICAL_BLOCK_PROVISIONING,
                new byte[] {(byte) thresholdExponent, (byte) 0xe6, 0x02, 0});
    }
}
