package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.CacheMode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModeSelectTest {
    private static final String HEADER = "00000000";
    private static final String CACHED = "8812" + "04" + "00".repeat(17);
    private static final String UNCACHED = "8812" + "00".repeat(18);
    private static final String CONTROL_TAIL = "00000000" + "ffff" + "0000";
    private static final String FIXED = "8a0a" + "2010" + CONTROL_TAIL;
    private static final String DESCRIPTOR = "8a0a" + "2410" + CONTROL_TAIL;
    private static final String PROTECTED = "8a0a" + "2010" + "08000000" + "ffff" + "0000";
    private static final String TEST_UNIT_READY = "00 00 00 00 00 00";
    private static final String WRITE = "2a 00 00 00 00 00 00 00 01 00";

    @TempDir Path directory;
    @AutoClose private ServedUnit unit;

    @BeforeEach
    void serve() throws IOException {
        unit = ServedUnit.open(directory, 1 << 20);
    }

    private ServedUnit.Reply select(String list) {
        byte[] bytes = ServedUnit.hex(list);
        return unit.run("15 10 00 00 %02x 00".formatted(bytes.length), bytes);
    }

    private String page(int control, int code) {
        byte[] data = unit.run("1a 08 %02x 00 ff 00".formatted(control << 6 | code)).data();
        return HexFormat.of().formatHex(Arrays.copyOfRange(data, 4, data.length));
    }

    private static String threshold(String enabledAndType, String count) {
        return "dc020014" + "00".repeat(12) + enabledAndType + "010000" + count;
    }

    private String threshold() {
        byte[] data = unit.run("1a 08 1c 02 ff 00").data();
        return HexFormat.of().formatHex(Arrays.copyOfRange(data, 4, data.length));
    }

    /// There is always less space than 4 PiB, so the next look at it says so.
    @Test
    void spaceIsReportedByTheThresholdThatIsSet() throws IOException {
        Nexus other = unit.attach();
        String all = threshold("82", "ffffffff");
        assertTrue(select(HEADER + all).good());
        assertEquals(all, threshold());
        assertEquals("6/2a/01", unit.run(other, TEST_UNIT_READY).code());
        assertEquals(4L << 50, unit.backend().reportedSpaceBelow() + (1 << 20));
        assertTrue(select(HEADER + threshold("02", "00000007")).good());
        assertEquals(0, unit.backend().reportedSpaceBelow());
        assertTrue(select(HEADER + threshold("82", "00000007")).good());
        assertEquals(7 << 20, unit.backend().reportedSpaceBelow());
        unit.server().resetUnit(ServedUnit.LUN_FIELD);
        assertEquals("6/29/03", unit.run(TEST_UNIT_READY).code());
        assertEquals(threshold("82", "00000400"), threshold());
        assertEquals(1 << 30, unit.backend().reportedSpaceBelow());
    }

    @ParameterizedTest
    @CsvSource({
        "dc020014 000000000000000000000000 83010000 00000001, 800014",
        "dc020014 000000000000000000000000 81010000 00000001, 800014",
        "dc020014 000000000000000000000000 82020000 00000001, 800015",
        "dc020014 010000000000000000000000 82010000 00000001, 800008",
        "dc020013 000000000000000000000000 82010000 00000001, 800007",
        "dc030014 000000000000000000000000 82010000 00000001, 800005"
    })
    void otherThresholdsAreRefused(String page, String pointer) {
        ServedUnit.Reply reply = select(HEADER + page);
        assertEquals("5/26/00", reply.code());
        assertEquals(pointer, reply.pointer());
        assertEquals(threshold("82", "00000400"), threshold());
    }

    @Test
    void withoutAWriteCacheEveryWriteIsOnStableStorage() {
        assertTrue(unit.run(WRITE, new byte[512]).good());
        long syncs = unit.backend().statistics().syncs();
        assertTrue(select(HEADER + UNCACHED).good());
        assertEquals(syncs + 1, unit.backend().statistics().syncs(), "what was written before");
        assertEquals(UNCACHED, page(0, 8));
        assertEquals(CACHED, page(2, 8), "the default");
        assertTrue(unit.run(WRITE, new byte[512]).good());
        assertEquals(syncs + 2, unit.backend().statistics().syncs());
        assertTrue(select(HEADER + CACHED).good());
        assertTrue(unit.run(WRITE, new byte[512]).good());
        assertEquals(syncs + 2, unit.backend().statistics().syncs());
    }

    @Test
    void senseComesInTheFormatThatWasChosen() {
        assertTrue(select(HEADER + DESCRIPTOR).good());
        assertEquals(DESCRIPTOR, page(0, 10));
        byte[] sense = unit.run("ff 00 00 00 00 00").sense();
        assertArrayEquals(new byte[] {0x72, 5, 0x20, 0}, Arrays.copyOf(sense, 4));
        TransferFault fault = TransferFault.INCORRECT_AMOUNT_OF_DATA;
        assertEquals(
                0x72, unit.server().transferFailed(ServedUnit.LUN_FIELD, fault).sense().getByte(0));
        assertEquals(0x70, unit.server().transferFailed(-1, fault).sense().getByte(0));
        assertTrue(select(HEADER + FIXED).good());
        assertEquals("5/20/00", unit.run("ff 00 00 00 00 00").code());
    }

    @Test
    void writesAreRefusedWhenProtected() {
        assertTrue(select(HEADER + PROTECTED).good());
        assertEquals("7/27/00", unit.run(WRITE, new byte[512]).code());
        assertEquals((byte) 0x90, unit.run("1a 08 0a 00 ff 00").data()[2]);
        assertTrue(unit.run("28 00 00 00 00 00 00 00 01 00").good());
        assertTrue(select(HEADER + FIXED).good());
        assertTrue(unit.run(WRITE, new byte[512]).good());
    }

    @Test
    void othersAreToldAndAResetBringsTheDefaultsBack() {
        Nexus other = unit.attach();
        assertTrue(select(HEADER + FIXED + CACHED).good());
        assertTrue(unit.run(other, TEST_UNIT_READY).good(), "nothing has changed");
        assertTrue(select(HEADER + UNCACHED + PROTECTED).good());
        assertEquals("6/2a/01", unit.run(other, TEST_UNIT_READY).code());
        assertTrue(unit.run(TEST_UNIT_READY).good());
        unit.server().resetUnit(ServedUnit.LUN_FIELD);
        assertEquals("6/29/03", unit.run(TEST_UNIT_READY).code());
        assertEquals(CACHED, page(0, 8));
        assertEquals(FIXED, page(0, 10));
    }

    @Test
    void aConfigurationWithoutAWriteCacheStands() throws IOException {
        unit.close();
        unit = ServedUnit.open(directory, 1 << 20, 512, CacheMode.WRITE_THROUGH);
        assertEquals("5/26/00", select(HEADER + CACHED).code());
        assertEquals("0812" + "00".repeat(18), page(1, 8));
        assertTrue(select(HEADER + UNCACHED).good());
    }

    @ParameterizedTest
    @CsvSource({
        "00000008 00000800 00000200",
        "00000008 00000000 00000200",
        "00000008 ffffffff 00000200",
        "00001000 010a 00000000008000000000",
        "00000000 4a01001c 07 000000000000000000000000000000000000000000000000000000"
    })
    void takesWhatIsSoAlready(String list) {
        assertTrue(select(list).good(), list);
    }

    @ParameterizedTest
    @CsvSource({
        "000000, 5/1a/00",
        "00000008 000008000000, 5/1a/00",
        "00000008 00000800 00001000, 5/26/00",
        "00000008 00000801 00000200, 5/26/00",
        "00000010 00000000000008000000000000000200, 5/26/00",
        "00000000 0a, 5/1a/00",
        "00000000 0a0a2010, 5/1a/00",
        "00000000 0a0b20100000000000ffff0000, 5/26/00",
        "00000000 0a0a21100000000000ffff0000, 5/26/00",
        "00000000 0a0a40100000000000ffff0000, 5/26/00",
        "00000000 0a0ae0100000000000ffff0000, 5/26/00",
        "00000000 0a0a20140000000000ffff0000, 5/26/00",
        "00000000 020a00000000000000000000, 5/26/00",
        "00000000 010a00000000008000000001, 5/26/00",
        "00000000 010a00000000000000000000, 5/26/00",
        "00000000 4a01001c 06 000000000000000000000000000000000000000000000000000000, 5/26/00"
    })
    void refusesAnythingElse(String list, String code) {
        assertEquals(code, select(list).code(), list);
        assertEquals(FIXED, page(0, 10));
    }

    @Test
    void changesAllOrNothing() {
        String unknown = "020a" + "00".repeat(10);
        assertEquals("5/26/00", select(HEADER + PROTECTED + UNCACHED + unknown).code());
        assertEquals(FIXED, page(0, 10));
        assertEquals(CACHED, page(0, 8));
    }

    @Test
    void readsBothForms() {
        byte[] list = ServedUnit.hex("00 00 00 00 00 00 00 00" + PROTECTED);
        assertTrue(unit.run("55 10 00 00 00 00 00 00 14 00", list).good());
        assertEquals(PROTECTED, page(0, 10));
        byte[] longForm =
                ServedUnit.hex(
                        "0000000001000010" + "0000000000000800" + "00000000" + "00000200" + FIXED);
        assertTrue(unit.run("55 10 00 00 00 00 00 00 24 00", longForm).good());
        assertEquals(FIXED, page(0, 10));
        assertTrue(unit.run("15 00 00 00 00 00").good());
        assertEquals("5/24/00", unit.run("15 00 00 00 04 00", new byte[4]).code());
        assertEquals("5/24/00", unit.run("15 12 00 00 04 00", new byte[4]).code());
        assertEquals("5/0e/03", unit.run("15 10 00 00 10 00", new byte[8]).code());
    }
}
