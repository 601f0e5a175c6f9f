package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// What initiators call one logical unit (SPC-4 5.6 Identifying information): bytes of any kind,
/// and a text. Both are on stable storage beside the image before the command that set them has its
/// status. Safe from any thread.
final class IdentifyingInformation {
    private static final int ANY_KIND = 0x00;
    private static final int TEXT = 0x02;
    private static final int WHAT_IS_SUPPORTED = 0x7f;

    /// The most that the standard foresees for either kind.
    private static final int MAX_BYTES = 512;

    private static final int MAX_TEXT_BYTES = 256;
    private static final int HEADER_BYTES = 4;
    private static final byte[] NOTHING = {};

    private final UnitSection section;
    private volatile Map<Integer, byte[]> kept;

    /// @throws IOException when it cannot be told what was kept
    IdentifyingInformation(UnitSection section) throws IOException {
        this.section = section;
        SortedMap<Integer, byte[]> read = new TreeMap<>();
        try {
            for (Map.Entry<String, String> each : section.read().entrySet()) {
                read.put(Integer.parseInt(each.getKey()), HexFormat.of().parseHex(each.getValue()));
            }
        } catch (IllegalArgumentException e) {
            throw section.notUnderstood(e);
        }
        this.kept = read;
    }

    private static int maxBytes(int type) {
        return switch (type) {
            case ANY_KIND -> MAX_BYTES;
            case TEXT -> MAX_TEXT_BYTES;
            default -> -1;
        };
    }

    /// SPC-4 6.32 REPORT IDENTIFYING INFORMATION command.
    Outcome report(LogicalUnit unit, Cdb.ReportIdentifyingInformation cdb) {
        if (cdb.informationType() == WHAT_IS_SUPPORTED) {
            byte[] supported =
                    ByteBuffer.allocate(12)
                            .putInt(8)
                            .put((byte) (ANY_KIND << 1))
                            .putShort(6, (short) MAX_BYTES)
                            .put(8, (byte) (TEXT << 1))
                            .putShort(10, (short) MAX_TEXT_BYTES)
                            .array();
            return Parameters.cut(supported, cdb.allocationLength());
        }
        if (maxBytes(cdb.informationType()) < 0) {
            return unit.refuse(Sense.invalidFieldInCdb(10, 7));
        }
        byte[] information = kept.getOrDefault(cdb.informationType(), NOTHING);
        byte[] data =
                ByteBuffer.allocate(HEADER_BYTES + information.length)
                        .putInt(information.length)
                        .put(information)
                        .array();
        return Parameters.cut(data, cdb.allocationLength());
    }

    /// SPC-4 6.43 SET IDENTIFYING INFORMATION command.
    ///
    /// @param changed told when something else is kept than before
    Outcome set(LogicalUnit unit, Cdb.SetIdentifyingInformation cdb, Runnable changed) {
        int type = cdb.informationType();
        int length = (int) Math.min(cdb.parameterListLength(), Integer.MAX_VALUE);
        if (maxBytes(type) < 0) {
            return unit.refuse(Sense.invalidFieldInCdb(10, 7));
        }
        if (length > maxBytes(type)) {
            return unit.refuse(Sense.invalidFieldInCdb(6));
        }
        if (length == 0) {
            return new Outcome.Blocking(() -> keep(type, NOTHING, changed));
        }
        return new Outcome.ReceiveParameters(
                length,
                (list, announcedBytes) -> {
                    if (announcedBytes < length) {
                        return unit.refuse(Sense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
                    }
                    int wrong = type == TEXT ? firstNoText(list) : -1;
                    if (wrong >= 0) {
                        return unit.refuse(Sense.invalidFieldInParameterList(wrong));
                    }
                    byte[] information = ByteBufUtil.getBytes(list);
                    return new Outcome.Blocking(() -> keep(type, information, changed));
                });
    }

    /// Text is UTF-8 with one zero byte behind it (SPC-4 4.4.2 Null data field termination and zero
    /// padding requirements); more of them may follow.
    ///
    /// @return the first byte that cannot be so, or -1
    private static int firstNoText(ByteBuf list) {
        int last = list.readerIndex() + list.readableBytes() - 1;
        if (list.getByte(last) != 0) {
            return last - list.readerIndex();
        }
        int end = list.bytesBefore((byte) 0);
        for (int i = end; i < list.readableBytes(); i++) {
            if (list.getByte(list.readerIndex() + i) != 0) {
                return i;
            }
        }
        return ByteBufUtil.isText(list, list.readerIndex(), end, StandardCharsets.UTF_8) ? -1 : 0;
    }

    private synchronized Outcome keep(int type, byte[] information, Runnable changed)
            throws IOException {
        if (Arrays.equals(kept.getOrDefault(type, NOTHING), information)) {
            return Outcome.Status.GOOD;
        }
        SortedMap<Integer, byte[]> next = new TreeMap<>(kept);
        next.put(type, information);
        next.values().removeIf(each -> each.length == 0);
        Map<String, String> text = new TreeMap<>();
        next.forEach((key, each) -> text.put(key.toString(), HexFormat.of().formatHex(each)));
        section.replace(text);
        kept = next;
        changed.run();
        return Outcome.Status.GOOD;
    }
}
