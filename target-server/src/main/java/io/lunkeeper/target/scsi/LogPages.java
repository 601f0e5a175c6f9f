package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.LunBackend;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.stream.IntStream;

/// What LOG SENSE answers (SPC-4 6.8 LOG SENSE command): which pages there are, how much space the
/// unit takes and could take (SBC-3, Logical Block Provisioning log page), and what initiators
/// wrote for each other. None of them has counters, so PC makes no difference (SPC-4 6.8, PC
/// field).
final class LogPages {
    static final int SUPPORTED_PAGES = 0x00;
    static final int LOGICAL_BLOCK_PROVISIONING = 0x0c;
    static final int APPLICATION_CLIENT = 0x0f;

    /// The subpage code that stands for all of a page, and names the list of all.
    static final int ALL_SUBPAGES = 0xff;

    /// In the first byte of a page: it is a subpage (SPF).
    static final int SUBPAGE_FORMAT = 0x40;

    static final int HEADER_BYTES = 4;

    /// FORMAT AND LINKING of a binary format list.
    static final int BINARY_LIST = 0x03;

    private static final byte[] PAGES = {
        SUPPORTED_PAGES, LOGICAL_BLOCK_PROVISIONING, APPLICATION_CLIENT
    };

    /// In the first byte of a page: nothing of it is saved (DS).
    private static final int NOT_SAVED = 0x80;

    /// In the control byte of a parameter: the target does not save it by itself either (TSD).
    private static final int NEVER_SAVED = 0x20;

    private static final int AVAILABLE_RESOURCE_COUNT = 0x0001;
    private static final int USED_RESOURCE_COUNT = 0x0002;

    /// SCOPE: what is counted belongs to this unit alone, or may go to others as well.
    private static final int DEDICATED = 1;

    private static final int SHARED = 2;
    private static final long MAX_COUNT = 0xffff_ffffL;

    private LogPages() {}

    /// A log parameter (SPC-4 7.3.2.2 Log parameter structure), ready to be read.
    ///
    /// @param control FORMAT AND LINKING
    private static ByteBuffer parameter(int code, int control, byte[] value) {
        ByteBuffer parameter = ByteBuffer.allocate(HEADER_BYTES + value.length);
        parameter.putShort((short) code).put((byte) (NEVER_SAVED | control));
        return parameter.put((byte) value.length).put(value).flip();
    }

    /// Whether there is such a page.
    static boolean exists(int page, int subpage) {
        return subpage == 0 ? listed(page) : page == SUPPORTED_PAGES && subpage == ALL_SUBPAGES;
    }

    private static boolean listed(int page) {
        return IntStream.range(0, PAGES.length).anyMatch(i -> PAGES[i] == page);
    }

    static Outcome sense(LogicalUnit unit, Cdb.LogSense cdb) {
        if (!exists(cdb.pageCode(), cdb.subpageCode())) {
            return unit.refuse(Sense.invalidFieldInCdb(2, 5));
        }
        return switch (cdb.pageCode()) {
            case LOGICAL_BLOCK_PROVISIONING ->
                    new Outcome.Blocking(() -> page(unit, cdb, provisioning(unit)));
            case APPLICATION_CLIENT -> page(unit, cdb, applicationClient(unit));
            default -> supported(unit, cdb);
        };
    }

    private static Outcome supported(LogicalUnit unit, Cdb.LogSense cdb) {
        if (cdb.pointer() != 0) {
            return unit.refuse(Sense.invalidFieldInCdb(5));
        }
        boolean subpages = cdb.subpageCode() != 0;
        ByteBuffer data = ByteBuffer.allocate(HEADER_BYTES + 2 * PAGES.length + 2);
        data.put((byte) (SUPPORTED_PAGES | (subpages ? SUBPAGE_FORMAT : 0)));
        data.put((byte) cdb.subpageCode()).putShort((short) 0);
        for (byte code : PAGES) {
            data.put(code);
            if (subpages) {
                data.put((byte) 0);
            }
            if (subpages && code == SUPPORTED_PAGES) {
                data.put(code).put((byte) ALL_SUBPAGES);
            }
        }
        data.putShort(2, (short) (data.position() - HEADER_BYTES));
        return Parameters.cut(bytes(data), cdb.allocationLength());
    }

    /// A page from the parameter on that is asked for.
    private static Outcome page(LogicalUnit unit, Cdb.LogSense cdb, List<ByteBuffer> parameters) {
        List<ByteBuffer> wanted =
                parameters.stream().filter(p -> p.getShort(0) >= cdb.pointer()).toList();
        if (wanted.isEmpty()) {
            return unit.refuse(Sense.invalidFieldInCdb(5));
        }
        int length = wanted.stream().mapToInt(ByteBuffer::remaining).sum();
        ByteBuffer data = ByteBuffer.allocate(HEADER_BYTES + length);
        data.put((byte) (NOT_SAVED | cdb.pageCode())).put((byte) 0).putShort((short) length);
        wanted.forEach(data::put);
        return Parameters.cut(data.array(), cdb.allocationLength());
    }

    private static List<ByteBuffer> provisioning(LogicalUnit unit) throws IOException {
        LunBackend.Space space = unit.backend().space();
        return List.of(
                resources(AVAILABLE_RESOURCE_COUNT, space.availableBytes(), SHARED),
                resources(USED_RESOURCE_COUNT, space.usedBytes(), DEDICATED));
    }

    private static ByteBuffer resources(int code, long bytes, int scope) {
        long count = Math.min(MAX_COUNT, bytes / LogicalUnit.THRESHOLD_SET_BYTES);
        byte[] value = ByteBuffer.allocate(8).putInt((int) count).put((byte) scope).array();
        return parameter(code, BINARY_LIST, value);
    }

    private static List<ByteBuffer> applicationClient(LogicalUnit unit) {
        ApplicationClientLog log = unit.applicationClientLog();
        return IntStream.range(0, ApplicationClientLog.PARAMETERS)
                .mapToObj(code -> parameter(code, BINARY_LIST, log.parameter(code)))
                .toList();
    }

    private static byte[] bytes(ByteBuffer data) {
        byte[] bytes = new byte[data.position()];
        data.get(0, bytes);
        return bytes;
    }
}
