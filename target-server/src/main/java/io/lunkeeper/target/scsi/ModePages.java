package io.lunkeeper.target.scsi;

import io.lunkeeper.target.scsi.TaskControl.OnError;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jscsi.target.scsi.modeSense.CachingModePage;
import org.jscsi.target.scsi.modeSense.InformationExceptionsControlModePage;
import org.jspecify.annotations.Nullable;

/// What MODE SENSE answers (SPC-4 6.13 MODE SENSE(6) command, 7.5 Mode parameters; SBC-3, Mode
/// parameters for direct access block devices), and what MODE SELECT makes of it. What can be
/// changed is in [ModeParameters], and can be saved.
final class ModePages {
    private static final int ALL_PAGES = 0x3f;
    private static final int ALL_SUBPAGES = 0xff;
    private static final int CHANGEABLE_VALUES = 1;
    private static final int DEFAULT_VALUES = 2;
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

    /// In the first byte of a page: it can be saved (PS).
    private static final int PARAMETERS_SAVEABLE = 0x80;

    private static final int PAGE_CODE_MASK = 0x3f;
    private static final int PROVISIONING_PAGE = 0x1c;
    private static final int PROVISIONING_SUBPAGE = 0x02;

    /// Where the one threshold descriptor is in the Logical Block Provisioning mode page.
    static final int THRESHOLD_OFFSET = 16;

    private static final int THRESHOLD_COUNT_OFFSET = THRESHOLD_OFFSET + 4;
    private static final int THRESHOLD_ENABLED = 0x80;

    /// THRESHOLD TYPE 000b and THRESHOLD ARMING 010b: a number of sets, reached from above.
    private static final int DECREASING_SETS = 0x02;

    /// THRESHOLD RESOURCE: the parameter of the log page that falls to it.
    private static final int AVAILABLE_RESOURCES = 0x01;

    /// The first byte of that page.
    private static final int THRESHOLD_PAGE = SUBPAGE_FORMAT | PROVISIONING_PAGE;

    // The pages with changeable bits, and where these are.
    private static final int CACHING_PAGE = 0x08;
    private static final int CONTROL_PAGE = 0x0a;
    private static final int CACHING_BITS = 2;
    private static final int CONTROL_BITS = 2;
    private static final int QUEUE_BITS = 3;
    private static final int PROTECTION_BITS = 4;
    private static final int STATUS_BITS = 5;
    private static final int WCE = 0x04;
    private static final int D_SENSE = 0x04;
    private static final int TST = 0xe0;
    private static final int SEPARATE_TASK_SETS = 0x20;
    private static final int UNRESTRICTED_REORDERING = 0x10;
    private static final int QERR = 0x06;
    private static final int TAS = 0x40;
    private static final int SWP = 0x08;
    private static final int CONTROL_EXTENSION_SUBPAGE = 0x01;

    /// In the Control Extension mode page: the clock may be set from elsewhere (TCMOS), SET
    /// TIMESTAMP comes first (SCSIP), and access states may change without a command (IALUAE).
    private static final int EXTENSION_BITS = 0x07;

    /// In the Read-Write Error Recovery mode page: thresholds are reported (LBPERE).
    private static final int THRESHOLDS_REPORTED = 0x80;

    private final LogicalUnit unit;
    private final ModeParameters defaults;
    private final int blockSizeBytes;

    /// @param defaults the parameters that a reset brings back
    ModePages(LogicalUnit unit, ModeParameters defaults) {
        this.unit = unit;
        this.defaults = defaults;
        this.blockSizeBytes = unit.limits().blockSizeBytes();
    }

    /// All pages.
    List<byte[]> pages(ModeParameters parameters) {
        return Stream.of(
                        errorRecovery(unit.lowSpaceSets()),
                        caching(parameters.writeCache()),
                        control(parameters),
                        controlExtension(),
                        informationalExceptions(),
                        provisioning(parameters.threshold()))
                .filter(page -> page.length > 0)
                .toList();
    }

    private List<byte[]> pages(int pageControl) {
        return switch (pageControl) {
            case CHANGEABLE_VALUES -> pages(defaults).stream().map(this::changeable).toList();
            case DEFAULT_VALUES -> pages(defaults);
            case SAVED_VALUES -> pages(unit.savedMode());
            default -> pages(unit.mode());
        };
    }

    Outcome sense(Cdb.ModeSense cdb) {
        List<byte[]> pages = pages(cdb.pageControl());
        List<byte[]> wanted =
                pages.stream()
                        .filter(p -> wants(cdb, p[0] & PAGE_CODE_MASK, subpageCode(p)))
                        .toList();
        if (wanted.isEmpty()) {
            boolean havePage =
                    cdb.pageCode() == ALL_PAGES
                            || pages.stream()
                                    .anyMatch(p -> cdb.pageCode() == (p[0] & PAGE_CODE_MASK));
            Sense sense = havePage ? Sense.invalidFieldInCdb(3) : Sense.invalidFieldInCdb(2, 5);
            return sense.checkCondition(unit.senseFormat());
        }
        if (cdb.pageControl() == SAVED_VALUES && wanted.stream().noneMatch(this::saveable)) {
            return Sense.SAVING_PARAMETERS_NOT_SUPPORTED.checkCondition(unit.senseFormat());
        }
        return Parameters.cut(data(unit.capacityBlocks(), cdb, wanted), cdb.allocationLength());
    }

    /// SPC-4, Mode page codes and subpage codes: 00h alone does not mean the subpages, and all
    /// pages have no other subpage in common.
    private static boolean wants(Cdb.ModeSense cdb, int pageCode, int subpageCode) {
        boolean page =
                cdb.pageCode() == pageCode || (cdb.pageCode() == ALL_PAGES && subpageCode == 0);
        return cdb.subpageCode() == ALL_SUBPAGES
                ? page || cdb.pageCode() == ALL_PAGES
                : page && cdb.subpageCode() == subpageCode;
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
        for (byte[] page : wanted) {
            int at = data.position();
            data.put(page).put(at, (byte) (page[0] | (saveable(page) ? PARAMETERS_SAVEABLE : 0)));
        }
        return data.array();
    }

    private int deviceSpecific() {
        return DPO_AND_FUA_SUPPORTED | (unit.writeProtected() ? WRITE_PROTECTED : 0);
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
        data.put((byte) deviceSpecific()).put((byte) descriptorLength);
    }

    private void putHeader10(ByteBuffer data, Cdb.BlockDescriptor form, int descriptorLength) {
        data.putShort((short) (data.capacity() - 2)).put((byte) 0).put((byte) deviceSpecific());
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

    /// The changeable bits of a page. Where the configuration says that writes go through there is
    /// no write cache to enable.
    byte[] changeable(byte[] page) {
        byte[] bits = Arrays.copyOf(Arrays.copyOf(page, headerLength(page)), page.length);
        switch (page[0]) {
            case CACHING_PAGE -> bits[CACHING_BITS] = (byte) (defaults.writeCache() ? WCE : 0);
            case CONTROL_PAGE -> {
                bits[CONTROL_BITS] = (byte) (TST | D_SENSE);
                bits[QUEUE_BITS] = QERR;
                bits[PROTECTION_BITS] = SWP;
                bits[STATUS_BITS] = TAS;
            }
            case THRESHOLD_PAGE -> {
                bits[THRESHOLD_OFFSET] = (byte) THRESHOLD_ENABLED;
                Arrays.fill(bits, THRESHOLD_COUNT_OFFSET, bits.length, (byte) 0xff);
            }
            default -> {}
        }
        return bits;
    }

    /// Whether a page has something that can be changed, and so saved.
    boolean saveable(byte[] page) {
        byte[] bits = changeable(page);
        return IntStream.range(headerLength(page), bits.length).anyMatch(i -> bits[i] != 0);
    }

    /// Whether a page says what the configuration says, and is to follow it when that changes.
    boolean asConfigured(byte[] page) {
        return page[0] == THRESHOLD_PAGE && Arrays.equals(page, provisioning(defaults.threshold()));
    }

    /// How many bytes of a page come before its parameters.
    static int headerLength(byte[] page) {
        return subpageCode(page) == 0 ? PAGE_HEADER_LENGTH : SUBPAGE_HEADER_LENGTH;
    }

    // ---- MODE SELECT

    /// SPC-4 6.11 MODE SELECT(6) command. What is wrong anywhere changes nothing.
    ///
    /// @param then makes the parameters those of the unit
    Outcome select(Cdb.ModeSelect cdb, Function<ModeParameters, Outcome> then) {
        int length = cdb.parameterListLength();
        if (length == 0) {
            return then.apply(unit.mode());
        }
        if (!cdb.pageFormat()) {
            return unit.refuse(Sense.invalidFieldInCdb(1, 4));
        }
        return new Outcome.ReceiveParameters(
                length,
                (parameters, announcedBytes) ->
                        announcedBytes < length
                                ? unit.refuse(Sense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT)
                                : select(cdb.header(), parameters, then));
    }

    private Outcome select(
            Cdb.ModeHeader header, ByteBuf list, Function<ModeParameters, Outcome> then) {
        ByteBuf rest = list.slice();
        int headerBytes = headerLength(header);
        if (rest.readableBytes() < headerBytes) {
            return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        boolean six = header == Cdb.ModeHeader.SIX;
        int descriptorBytes = six ? rest.getUnsignedByte(3) : rest.getUnsignedShort(6);
        boolean longForm = !six && (rest.getByte(4) & 1) != 0;
        rest.skipBytes(headerBytes);
        if (rest.readableBytes() < descriptorBytes) {
            return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        if (descriptorBytes != 0 && !describesUs(rest, descriptorBytes, longForm)) {
            return unit.refuse(Sense.invalidFieldInParameterList(headerBytes));
        }
        rest.skipBytes(descriptorBytes);
        ModeParameters wanted = unit.mode();
        while (rest.isReadable()) {
            byte[] page = pageLike(rest);
            if (page == null) {
                return unit.refuse(Sense.invalidFieldInParameterList(rest.readerIndex()));
            }
            if (rest.readableBytes() < page.length) {
                return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
            }
            int wrong = firstWrong(rest, page);
            if (wrong >= 0) {
                return unit.refuse(Sense.invalidFieldInParameterList(rest.readerIndex() + wrong));
            }
            wanted = changed(wanted, rest, page[0]);
            rest.skipBytes(page.length);
        }
        return then.apply(wanted);
    }

    /// Whether a block descriptor says what is so already: the size of blocks, and all of them or
    /// none.
    private boolean describesUs(ByteBuf rest, int bytes, boolean longForm) {
        int at = rest.readerIndex();
        if (bytes != (longForm ? LONG_DESCRIPTOR_LENGTH : SHORT_DESCRIPTOR_LENGTH)) {
            return false;
        }
        long blocks = longForm ? rest.getLong(at) : rest.getUnsignedInt(at);
        long size = rest.getUnsignedInt(at + bytes - Integer.BYTES) & 0xff_ffff;
        long most = longForm ? -1 : MAX_SHORT_BLOCKS;
        return size == blockSizeBytes
                && (blocks == 0 || blocks == most || blocks == unit.capacityBlocks());
    }

    /// The page of ours that the one at the reader index is meant for, or null.
    private byte @Nullable [] pageLike(ByteBuf rest) {
        int at = rest.readerIndex();
        int first = rest.getUnsignedByte(at) & (SUBPAGE_FORMAT | PAGE_CODE_MASK);
        return pages(unit.mode()).stream()
                .filter(page -> page[0] == first)
                .findFirst()
                .orElse(null);
    }

    /// The first byte of a page that differs from ours where nothing can be changed, or -1. The
    /// first bit (PS) means nothing here.
    private int firstWrong(ByteBuf rest, byte[] page) {
        byte[] changeable = changeable(page);
        int header = headerLength(page);
        for (int i = 1; i < page.length; i++) {
            int free = i < header ? 0 : changeable[i];
            if (((rest.getByte(rest.readerIndex() + i) ^ page[i]) & ~free) != 0) {
                return i;
            }
        }
        return page[0] == CONTROL_PAGE ? wrongTaskControl(rest) : -1;
    }

    /// The first byte of a Control mode page with a value that nothing is behind, or -1.
    private static int wrongTaskControl(ByteBuf rest) {
        int at = rest.readerIndex();
        int type = rest.getByte(at + CONTROL_BITS) & TST;
        if (type != 0 && type != SEPARATE_TASK_SETS) {
            return CONTROL_BITS;
        }
        return onError(rest, at).isPresent() ? -1 : QUEUE_BITS;
    }

    private static Optional<OnError> onError(ByteBuf rest, int at) {
        int code = (rest.getByte(at + QUEUE_BITS) & QERR) >> 1;
        return Arrays.stream(OnError.values()).filter(each -> each.code() == code).findFirst();
    }

    /// The parameters after a page has been taken over.
    ///
    /// @param rest at whose reader index the page is
    /// @param page its first byte
    static ModeParameters changed(ModeParameters now, ByteBuf rest, int page) {
        int at = rest.readerIndex();
        return switch (page) {
            case CACHING_PAGE ->
                    new ModeParameters(
                            (rest.getByte(at + CACHING_BITS) & WCE) != 0,
                            now.descriptorSense(),
                            now.writeProtect(),
                            now.tasks(),
                            now.threshold());
            case CONTROL_PAGE ->
                    new ModeParameters(
                            now.writeCache(),
                            (rest.getByte(at + CONTROL_BITS) & D_SENSE) != 0,
                            (rest.getByte(at + PROTECTION_BITS) & SWP) != 0,
                            taskControl(rest, at),
                            now.threshold());
            case THRESHOLD_PAGE ->
                    new ModeParameters(
                            now.writeCache(),
                            now.descriptorSense(),
                            now.writeProtect(),
                            now.tasks(),
                            new SpaceThreshold(
                                    (rest.getByte(at + THRESHOLD_OFFSET) & THRESHOLD_ENABLED) != 0,
                                    rest.getUnsignedInt(at + THRESHOLD_COUNT_OFFSET)));
            default -> now;
        };
    }

    private static TaskControl taskControl(ByteBuf rest, int at) {
        return new TaskControl(
                (rest.getByte(at + CONTROL_BITS) & TST) == SEPARATE_TASK_SETS,
                onError(rest, at).orElseThrow(IllegalArgumentException::new),
                (rest.getByte(at + STATUS_BITS) & TAS) != 0);
    }

    // ---- the pages

    /// SBC-3, Read-Write Error Recovery mode page: no retries, nothing reallocated.
    private static byte[] errorRecovery(long lowSpaceSets) {
        ByteBuffer page = ByteBuffer.allocate(12).put((byte) 0x01).put((byte) 0x0a);
        return page.put(7, (byte) (lowSpaceSets == 0 ? 0 : THRESHOLDS_REPORTED)).array();
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

    /// SPC-4 7.5.8 Control mode page: SIMPLE commands may be reordered, an unlimited busy timeout.
    private static byte[] control(ModeParameters parameters) {
        ByteBuffer page = ByteBuffer.allocate(12).put((byte) CONTROL_PAGE).put((byte) 0x0a);
        TaskControl tasks = parameters.tasks();
        page.put(
                (byte)
                        ((tasks.separate() ? SEPARATE_TASK_SETS : 0)
                                | (parameters.descriptorSense() ? D_SENSE : 0)));
        page.put((byte) (UNRESTRICTED_REORDERING | tasks.onError().code() << 1));
        page.put((byte) (parameters.writeProtect() ? SWP : 0));
        page.put((byte) (tasks.abortedStatus() ? TAS : 0));
        return page.putShort(8, (short) 0xffff).array();
    }

    /// SPC-4 7.5.9 Control Extension mode page: no limit to sense data, no priorities.
    private static byte[] controlExtension() {
        ByteBuffer page = ByteBuffer.allocate(32);
        page.put((byte) (SUBPAGE_FORMAT | CONTROL_PAGE)).put((byte) CONTROL_EXTENSION_SUBPAGE);
        page.putShort((short) (page.capacity() - SUBPAGE_HEADER_LENGTH));
        return page.put((byte) EXTENSION_BITS).array();
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

    /// SBC-3, Logical Block Provisioning mode page: one threshold, soft, for all initiators
    /// (SITUA=0), reached when the available LBA mapping resources fall to the count.
    private byte[] provisioning(SpaceThreshold threshold) {
        if (unit.lowSpaceSets() == 0) {
            return new byte[0];
        }
        ByteBuffer page = ByteBuffer.allocate(THRESHOLD_OFFSET + 8);
        page.put((byte) THRESHOLD_PAGE).put((byte) PROVISIONING_SUBPAGE);
        page.putShort((short) (page.capacity() - SUBPAGE_HEADER_LENGTH));
        page.position(THRESHOLD_OFFSET);
        page.put((byte) ((threshold.enabled() ? THRESHOLD_ENABLED : 0) | DECREASING_SETS));
        page.put((byte) AVAILABLE_RESOURCES).putShort((short) 0).putInt((int) threshold.sets());
        return page.array();
    }
}
