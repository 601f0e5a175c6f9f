package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class OperationCodeTest {
    private static final String REPORT_ALL = "a3 0c 00 00 00 00 00 00 ff ff 00 00";

    @TempDir Path directory;

    /// A CDB of a row with nothing set but what makes it that row.
    private static byte[] bare(OperationCode row) {
        byte[] cdb = new byte[16];
        cdb[0] = (byte) row.operationCode();
        cdb[1] = (byte) Math.max(0, row.serviceAction());
        return cdb;
    }

    private static int offence(OperationCode row, byte[] cdb) {
        ByteBuf buffer = Unpooled.wrappedBuffer(cdb);
        return row.usage().offendingBit(buffer.getLong(0), buffer.getLong(8));
    }

    /// Which bits a CDB of this row may set, said independently of the code under test.
    private static boolean allowed(OperationCode row, int index, int bit) {
        boolean serviceAction = index == 1 && bit < 5 && row.serviceAction() >= 0;
        return index == 0
                || index >= row.usage().lengthBytes()
                || serviceAction
                || (row.usage().bytes()[index] >> bit & 1) == 1;
    }

    private static int topOfField(OperationCode row, int index, int bit) {
        if (index == row.usage().lengthBytes() - 1) {
            return new int[] {1, 1, 2, 5, 5, 5, 7, 7}[bit];
        }
        int top = bit;
        while (top < 7 && !allowed(row, index, top + 1)) {
            top++;
        }
        return top;
    }

    @ParameterizedTest
    @EnumSource(OperationCode.class)
    void pointsToEveryBitThatMustNotBeSet(OperationCode row) {
        int rejected = 0;
        for (int index = 0; index < 16; index++) {
            for (int bit = 0; bit < 8; bit++) {
                byte[] cdb = bare(row);
                cdb[index] |= (byte) (1 << bit);
                int expected = CdbUsage.NO_OFFENCE;
                if (!allowed(row, index, bit)) {
                    expected = index * 8 + topOfField(row, index, bit);
                    rejected++;
                }
                assertEquals(expected, offence(row, cdb), row + " byte " + index + " bit " + bit);
            }
        }
        assertTrue(rejected >= 8, "at least the control byte");
    }

    @ParameterizedTest
    @EnumSource(OperationCode.class)
    void rejectsEverySuchBitThroughTheServer(OperationCode row) throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, 1 << 20)) {
            for (int index = 1; index < row.usage().lengthBytes(); index++) {
                for (int bit = 0; bit < 8; bit++) {
                    if (!allowed(row, index, bit)) {
                        byte[] cdb = bare(row);
                        cdb[index] |= (byte) (1 << bit);
                        ServedUnit.Reply reply = unit.run(HexFormat.of().formatHex(cdb));
                        assertEquals("5/24/00", reply.code());
                        int flags = 0xc8 | topOfField(row, index, bit);
                        assertEquals("%02x%04x".formatted(flags, index), reply.pointer());
                    }
                }
            }
        }
    }

    @Test
    void refusesWhatIsNotInTheTable() throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, 1 << 20)) {
            for (int code = 0; code < 256; code++) {
                for (int action = 0; action < 32; action++) {
                    String cdb = "%02x%02x%s".formatted(code, action, "0".repeat(28));
                    if (OperationCode.hasServiceActions(code)) {
                        if (OperationCode.withServiceAction(code, action) == null) {
                            assertEquals("5/24/00", unit.run(cdb).code());
                            assertEquals("cc0001", unit.run(cdb).pointer());
                        }
                    } else if (OperationCode.plain(code) == null) {
                        assertEquals("5/20/00", unit.run(cdb).code());
                    }
                }
            }
        }
    }

    @Test
    void findsNoRowForServiceActionsBeyondTheField() {
        assertNotNull(OperationCode.withServiceAction(0x9e, 0x10));
        assertEquals(null, OperationCode.withServiceAction(0x9e, 0x30));
        assertEquals(null, OperationCode.withServiceAction(0x9e, 0xffff));
        assertEquals(null, OperationCode.withServiceAction(0x28, 0));
        assertEquals(null, OperationCode.plain(0x9e));
    }

    @Test
    void namesTheTransferLengthFieldWhereItIs() {
        assertEquals(4, OperationCode.READ_6.usage().transferLengthByte());
        assertEquals(7, OperationCode.READ_10.usage().transferLengthByte());
        assertEquals(6, OperationCode.READ_12.usage().transferLengthByte());
        assertEquals(10, OperationCode.READ_16.usage().transferLengthByte());
    }

    @Test
    void reportsEveryRowAsTheCheckedInListSays() throws IOException {
        StringBuilder report = new StringBuilder();
        try (ServedUnit unit = ServedUnit.open(directory, 1 << 20)) {
            ByteBuf all = Unpooled.wrappedBuffer(unit.run(REPORT_ALL).data());
            assertEquals(all.readInt(), all.readableBytes());
            while (all.isReadable()) {
                int code = all.readUnsignedByte();
                int action = all.skipBytes(1).readUnsignedShort();
                boolean valid = all.skipBytes(1).readByte() == 1;
                int length = all.readUnsignedShort();
                String one =
                        "a3 0c 0%d %02x %04x 0000ffff 0000".formatted(valid ? 2 : 1, code, action);
                byte[] data = unit.run(one).data();
                assertEquals(0x03, data[1]);
                assertEquals(length, data[3]);
                assertEquals(length, data.length - 4);
                String usage = HexFormat.ofDelimiter(" ").formatHex(data, 4, data.length);
                OperationCode row =
                        valid
                                ? OperationCode.withServiceAction(code, action)
                                : OperationCode.plain(code);
                report.append(String.format(Locale.ROOT, "%-47s  %s\n", usage, row));
            }
        }
        try (InputStream golden = getClass().getResourceAsStream("operation-codes.txt")) {
            assertNotNull(golden, "src/test/resources");
            assertEquals(
                    new String(golden.readAllBytes(), StandardCharsets.US_ASCII),
                    report.toString());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"00", "01", "02", "03"})
    void addsTimeoutsWhenAsked(String options) throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, 1 << 20)) {
            int option = Integer.parseInt(options, 16) | 0x80;
            String code = options.equals("02") ? "9e 0010" : "28 0000";
            byte[] data = unit.run("a3 0c %02x %s 0000ffff 0000".formatted(option, code)).data();
            if (options.equals("00")) {
                assertEquals(OperationCode.values().length * 20, data.length - 4);
                assertEquals(0x02, data[4 + 5]);
                assertEquals("000a" + "0".repeat(20), HexFormat.of().formatHex(data, 12, 24));
            } else {
                assertEquals((byte) 0x83, data[1]);
                int usage = data[3];
                assertEquals(
                        "000a" + "0".repeat(20),
                        HexFormat.of().formatHex(data, 4 + usage, data.length));
            }
        }
    }

    @Test
    void wantsTheReportingOptionThatFitsTheCommand() throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, 1 << 20)) {
            assertEquals("5/24/00", unit.run("a3 0c 01 9e 0010 0000ffff 0000").code());
            assertEquals("5/24/00", unit.run("a3 0c 02 28 0000 0000ffff 0000").code());
            assertEquals("5/24/00", unit.run("a3 0c 04 28 0000 0000ffff 0000").code());
            assertEquals("ca0002", unit.run("a3 0c 07 28 0000 0000ffff 0000").pointer());
            assertEquals(1, unit.run("a3 0c 01 ff 0000 0000ffff 0000").data()[1]);
            assertEquals(1, unit.run("a3 0c 02 9e 0011 0000ffff 0000").data()[1]);
            assertEquals(1, unit.run("a3 0c 02 9e 8010 0000ffff 0000").data()[1]);
            assertEquals(1, unit.run("a3 0c 03 28 0001 0000ffff 0000").data()[1]);
            assertEquals(3, unit.run("a3 0c 03 28 0000 0000ffff 0000").data()[1]);
            assertEquals(3, unit.run("a3 0c 03 9e 0010 0000ffff 0000").data()[1]);
            assertEquals(8, unit.run("a3 0c 00 00 0000 00000008 0000").data().length);
        }
    }

    @Test
    void reportsTaskManagementFunctions() throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, 1 << 20)) {
            byte[] brief = unit.run("a3 0d 00 00 0000 00000004 0000").data();
            assertEquals("f8000000", HexFormat.of().formatHex(brief));
            byte[] extended = unit.run("a3 0d 80 00 0000 000000ff 0000").data();
            assertEquals("f800000c" + "0".repeat(24), HexFormat.of().formatHex(extended));
            assertEquals("5/24/00", unit.run("a3 0d 00 00 0000 00000003 0000").code());
            unit.nexus().protocolLevel(2);
            byte[] more = unit.run("a3 0d 80 00 0000 000000ff 0000").data();
            assertEquals("fc07000c" + "0".repeat(24), HexFormat.of().formatHex(more));
        }
    }

    @Test
    void letsOnlyThreeCommandsPassAUnitAttention() {
        for (OperationCode row : OperationCode.values()) {
            boolean passes =
                    row == OperationCode.INQUIRY
                            || row == OperationCode.REPORT_LUNS
                            || row == OperationCode.REQUEST_SENSE;
            assertEquals(passes, row.passesUnitAttention(), row.name());
            assertFalse(row.writes() && row.passesReservation(), row.name());
        }
    }
}
