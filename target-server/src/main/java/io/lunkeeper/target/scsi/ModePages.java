package io.lunkeeper.target.scsi;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jscsi.target.scsi.modeSense.CachingModePage;
import org.jscsi.target.scsi.modeSense.InformationExceptionsControlModePage;

/// What MODE SENSE answers (SPC-4 6.13 MODE SENSE(6) command, 7.5 Mode parameters; SBC-3, Mode
/// parameters for direct access block devices). Nothing can be changed, so current and default
/// values are the same and no bit is changeable.
final class ModePages {
    private static final int ALL_PAGES = 0x3f;
    private static final int ALL_SUBPAGES = 0xff;
    private static final int CHANGEABLE_VALUES = 1;
    private static final int SAVED_VALUES = 3;

    private static final int WRITE_PROTECTED = 0x80;
    private static final int DPO_AND_FUA_SUPPORTED = 0x10;

    private static final int SHORT_DESCRIPTOR_LENGTH = 8;
    private static final int LONG_DESCRIPTOR_LENGTH = 16;
    private static final long MAX_SHORT_BLOCKS = 0xffff_ffffL;
    private static final int PAGE_HEADER_LENGTH = 2;
    private static final int SUBPAGE_HEADER_LENGTH = 4;

    /// In the first byte of a page: it is a subpage (SPF).
    private static final int SUBPAGE_FORMAT = 0x40;

    private static final int PAGE_CODE_MASK = 0x3f;
    private static final int PROVISIONING_PAGE = 0x1c;
    private static final int PROVISIONING_SUBPAGE = 0x02;

    /// Where the one threshold descriptor is in the Logical Block Provisioning mode page.
    static final int THRESHOLD_OFFSET = 16;

    private final List<byte[]> pages;
    private final int deviceSpecific;
    private final int blockSizeBytes;

    ModePages(LogicalUnit unit) {
        pages =
                Stream.of(
                                errorRecovery(),
                                caching(unit.volatileCache()),
                                control(unit.senseFormat()),
                                informationalExceptions(),
                                provisioning(unit.lowSpaceSets()))
                        .filter(page -> page.length > 0)
                        .toList();
        deviceSpecific = DPO_AND_FUA_SUPPORTED | (unit.readOnly() ? WRITE_PROTECTED : 0);
        blockSizeBytes = unit.limits().blockSizeBytes();
    }

    Outcome sense(LogicalUnit unit, Cdb.ModeSense cdb) {
        if (cdb.pageControl() == SAVED_VALUES) {
            return Sense.SAVING_PARAMETERS_NOT_SUPPORTED.checkCondition(unit.senseFormat());
        }
        List<byte[]> wanted =
                pages.stream()
                        .filter(p -> wants(cdb, p[0] & PAGE_CODE_MASK, subpageCode(p)))
                        .map(p -> cdb.pageControl() == CHANGEABLE_VALUES ? unchangeable(p) : p)
                        .toList();
        if (wanted.isEmpty()) {
            boolean havePage =
                    cdb.pageCode() == ALL_PAGES
                            || pages.stream()
                                    .anyMatch(p -> cdb.pageCode() == (p[0] & PAGE_CODE_MASK));
            Sense sense = havePage ? Sense.invalidFieldInCdb(3) : Sense.invalidFieldInCdb(2, 5);
            return sense.checkCondition(unit.senseFormat());
        }
        return Parameters.cut(data(unit.capacityBlocks(), cdb, wanted), cdb.allocationLength());
    }

    /// SPC-4, Mode page codes and subpage codes: 00h alone does not mean the subpages.
    private static boolean wants(Cdb.ModeSense cdb, int pageCode, int subpageCode) {
        return (cdb.pageCode() == ALL_PAGES || cdb.pageCode() == pageCode)
                && (cdb.subpageCode() == ALL_SUBPAGES || cdb.subpageCode() == subpageCode);
    }

    private static int subpageCode(byte[] page) {
        return (page[0] & SUBPAGE_FORMAT) == 0 ? 0 : page[1];
    }

    private byte[] data(long capacityBlocks, Cdb.ModeSense cdb, List<byte[]> wanted) {
        byte[] descriptor = descriptor(capacityBlocks, cdb.blockDescriptor());
        int content = descriptor.length + wanted.stream().mapToInt(p -> p.length).sum();
        ByteBuffer data = ByteBuffer.allocate(headerLength(cdb.header()) + content);
        switch (cdb.header()) {
            case SIX -> putHeader6(data, descriptor.length);
            case TEN -> putHeader10(data, cdb.blockDescriptor(), descriptor.length);
        }
        data.put(descriptor);
        wanted.forEach(data::put);
        return data.array();
    }

    private static int headerLength(Cdb.ModeHeader header) {
        return switch (header) {
            case SIX -> 4;
            case TEN -> 8;
        };
    }

    /// MODE DATA LENGTH does not count itself.
    private void putHeader6(ByteBuffer data, int descriptorLength) {
        data.put((byte) (data.capacity() - 1)).put((byte) 0);
        data.put((byte) deviceSpecific).put((byte) descriptorLength);
    }

    private void putHeader10(ByteBuffer data, Cdb.BlockDescriptor form, int descriptorLength) {
        data.putShort((short) (data.capacity() - 2)).put((byte) 0).put((byte) deviceSpecific);
        data.put((byte) (form == Cdb.BlockDescriptor.LONG ? 1 : 0)).put((byte) 0);
        data.putShort((short) descriptorLength);
    }

    /// SBC-3, Mode parameter block descriptors.
    private byte[] descriptor(long capacityBlocks, Cdb.BlockDescriptor form) {
        return switch (form) {
            case NONE -> new byte[0];
            case SHORT ->
                    ByteBuffer.allocate(SHORT_DESCRIPTOR_LENGTH)
                            .putInt((int) Math.min(capacityBlocks, MAX_SHORT_BLOCKS))
                            .putInt(blockSizeBytes)
                            .array();
            case LONG ->
                    ByteBuffer.allocate(LONG_DESCRIPTOR_LENGTH)
                            .putLong(capacityBlocks)
                            .putInt(0)
                            .putInt(blockSizeBytes)
                            .array();
        };
    }

    private static byte[] unchangeable(byte[] page) {
        int header = subpageCode(page) == 0 ? PAGE_HEADER_LENGTH : SUBPAGE_HEADER_LENGTH;
        return Arrays.copyOf(Arrays.copyOf(page, header), page.length);
    }

    /// SBC-3, Read-Write Error Recovery mode page: no retries, nothing reallocated.
    private static byte[] errorRecovery() {
        return ByteBuffer.allocate(12).put((byte) 0x01).put((byte) 0x0a).array();
    }

    /// SBC-3, Caching mode page: WCE says whether the cache is volatile.
    private static byte[] caching(boolean volatileCache) {
        return Parameters.bytes(
                new CachingModePage(
                        false,
                        false,
                        false,
                        false,
                        false,
                        false,
                        /* writebackCacheEnable= */ volatileCache,
                        false,
                        false,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        false,
                        false,
                        false,
                        false,
                        0,
                        0));
    }

    /// SPC-4 7.5.8 Control mode page: one task set for all nexuses, commands may be reordered, an
    /// unlimited busy timeout.
    private static byte[] control(SenseFormat format) {
        ByteBuffer page = ByteBuffer.allocate(12).put((byte) 0x0a).put((byte) 0x0a);
        page.put((byte) (format == SenseFormat.DESCRIPTOR ? 0x04 : 0)).put((byte) 0x10);
        return page.putShort(8, (short) 0xffff).array();
    }

    /// SPC-4, Informational Exceptions Control mode page: none are reported (DEXCPT).
    private static byte[] informationalExceptions() {
        return Parameters.bytes(
                new InformationExceptionsControlModePage(
                        false,
                        false,
                        false,
                        false,
                        /* disableExceptionControl= */ true,
                        false,
                        false,
                        0,
                        0,
                        0));
    }

    /// SBC-3, Logical Block Provisioning mode page: one threshold, enabled, soft, for all
    /// initiators (SITUA=0), reached when the available LBA mapping resources fall to the count.
    private static byte[] provisioning(long lowSpaceSets) {
        if (lowSpaceSets == 0) {
            return new byte[0];
        }
        ByteBuffer page = ByteBuffer.allocate(THRESHOLD_OFFSET + 8);
        page.put((byte) (SUBPAGE_FORMAT | PROVISIONING_PAGE)).put((byte) PROVISIONING_SUBPAGE);
        page.putShort((short) (page.capacity() - SUBPAGE_HEADER_LENGTH));
        page.position(THRESHOLD_OFFSET);
        page.put((byte) 0x82).put((byte) 0x01).putShort((short) 0).putInt((int) lowSpaceSets);
        return page.array();
    }
}
