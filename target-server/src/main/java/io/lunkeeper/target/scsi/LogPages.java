package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.LunBackend;
import java.io.IOException;
import java.nio.ByteBuffer;

/// What LOG SENSE answers (SPC-4 6.10 LOG SENSE command): which pages there are, and how much space
/// the unit takes and could take (SBC-3, Logical Block Provisioning log page). Nothing is counted
/// or saved here, the numbers are those of the moment.
final class LogPages {
    private static final int SUPPORTED_PAGES = 0x00;
    private static final int LOGICAL_BLOCK_PROVISIONING = 0x0c;
    private static final int ALL_SUBPAGES = 0xff;
    private static final int SUBPAGE_FORMAT = 0x40;

    private static final int HEADER_BYTES = 4;
    private static final int PARAMETER_BYTES = 12;
    private static final int AVAILABLE_RESOURCE_COUNT = 0x0001;
    private static final int USED_RESOURCE_COUNT = 0x0002;

    /// FORMAT AND LINKING: a binary list parameter.
    private static final int BINARY_LIST = 0x03;

    /// SCOPE: what is counted belongs to this unit alone, or may go to others as well.
    private static final int DEDICATED = 1;

    private static final int SHARED = 2;
    private static final long MAX_COUNT = 0xffff_ffffL;

    private LogPages() {}

    static Outcome sense(LogicalUnit unit, Cdb.LogSense cdb) {
        int page = cdb.pageCode() << 8 | cdb.subpageCode();
        return switch (page) {
            case SUPPORTED_PAGES -> supported(unit, cdb, new byte[] {SUPPORTED_PAGES, 0x0c});
            case SUPPORTED_PAGES << 8 | ALL_SUBPAGES ->
                    supported(
                            unit,
                            cdb,
                            new byte[] {
                                SUPPORTED_PAGES, 0, SUPPORTED_PAGES, (byte) ALL_SUBPAGES, 0x0c, 0
                            });
            case LOGICAL_BLOCK_PROVISIONING << 8 ->
                    cdb.pointer() > USED_RESOURCE_COUNT
                            ? unit.refuse(Sense.invalidFieldInCdb(5))
                            : new Outcome.Blocking(() -> provisioning(unit, cdb));
            default -> unit.refuse(Sense.invalidFieldInCdb(2, 5));
        };
    }

    private static Outcome supported(LogicalUnit unit, Cdb.LogSense cdb, byte[] list) {
        if (cdb.pointer() != 0) {
            return unit.refuse(Sense.invalidFieldInCdb(5));
        }
        boolean subpages = cdb.subpageCode() != 0;
        ByteBuffer data = ByteBuffer.allocate(HEADER_BYTES + list.length);
        data.put((byte) (SUPPORTED_PAGES | (subpages ? SUBPAGE_FORMAT : 0)));
        data.put((byte) cdb.subpageCode()).putShort((short) list.length).put(list);
        return Parameters.cut(data.array(), cdb.allocationLength());
    }

    private static Outcome provisioning(LogicalUnit unit, Cdb.LogSense cdb) throws IOException {
        LunBackend.Space space = unit.backend().space();
        ByteBuffer data = ByteBuffer.allocate(HEADER_BYTES + 2 * PARAMETER_BYTES);
        data.position(HEADER_BYTES);
        put(data, cdb, AVAILABLE_RESOURCE_COUNT, space.availableBytes(), SHARED);
        put(data, cdb, USED_RESOURCE_COUNT, space.usedBytes(), DEDICATED);
        data.put(0, (byte) LOGICAL_BLOCK_PROVISIONING);
        data.putShort(2, (short) (data.position() - HEADER_BYTES));
        byte[] page = new byte[data.position()];
        data.get(0, page);
        return Parameters.cut(page, cdb.allocationLength());
    }

    private static void put(ByteBuffer data, Cdb.LogSense cdb, int code, long bytes, int scope) {
        if (code < cdb.pointer()) {
            return;
        }
        data.putShort((short) code).put((byte) BINARY_LIST).put((byte) (PARAMETER_BYTES - 4));
        data.putInt((int) Math.min(MAX_COUNT, bytes / LogicalUnit.THRESHOLD_SET_BYTES));
        data.put((byte) scope).put((byte) 0).putShort((short) 0);
    }
}
