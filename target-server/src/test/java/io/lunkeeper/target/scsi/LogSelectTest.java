package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LogSelectTest {
    private static final String TEST_UNIT_READY = "00 00 00 00 00 00";
    private static final String FIRST = "000003fc" + "41".repeat(252);
    private static final String LAST = "003f03fc" + "5a".repeat(252);
    private static final String NOTHING = "00".repeat(252);

    @TempDir Path directory;
    @AutoClose private ServedUnit unit;

    @BeforeEach
    void serve() throws IOException {
        unit = ServedUnit.open(directory, 1 << 20);
    }

    private ServedUnit.Reply select(String list) {
        byte[] bytes = ServedUnit.hex(list);
        return unit.run("4c 00 00 00 00 00 00 %04x 00".formatted(bytes.length), bytes);
    }

    private String parameter(int code) {
        byte[] page = unit.run("4d 00 4f 00 00 00 %02x 01 04 00".formatted(code)).data();
        return HexFormat.of().formatHex(page, 8, page.length);
    }

    @Test
    void keepsWhatInitiatorsWrite() {
        Nexus other = unit.attach();
        assertTrue(select("0f000200" + FIRST + LAST).good());
        assertEquals("41".repeat(252), parameter(0));
        assertEquals(NOTHING, parameter(1));
        assertEquals("5a".repeat(252), parameter(63));
        assertEquals("6/2a/02", unit.run(other, TEST_UNIT_READY).code());
        assertTrue(unit.run(TEST_UNIT_READY).good());
        assertTrue(select("0c000000" + "8f000100" + "000003fc" + NOTHING).good());
        assertEquals(NOTHING, parameter(0));
        assertEquals("5a".repeat(252), parameter(63), "was not named");
        unit.server().resetUnit(ServedUnit.LUN_FIELD);
        assertEquals("6/29/03", unit.run(TEST_UNIT_READY).code());
        assertEquals(NOTHING, parameter(63));
    }

    /// What is reset: all that initiators wrote, or nothing, whatever PC says.
    @ParameterizedTest
    @CsvSource({
        "4c 02 00 00 00 00 00 00 00 00, true",
        "4c 02 0f 00 00 00 00 00 00 00, true",
        "4c 02 cf ff 00 00 00 00 00 00, true",
        "4c 02 0c 00 00 00 00 00 00 00, false",
        "4c 02 00 ff 00 00 00 00 00 00, false",
        "4c 00 c0 00 00 00 00 00 00 00, false",
        "4c 00 cf 00 00 00 00 00 00 00, false",
        "4c 00 00 00 00 00 00 00 00 00, false"
    })
    void resets(String cdb, boolean lists) {
        assertTrue(select("0f000100" + LAST).good());
        Nexus other = unit.attach();
        assertTrue(unit.run(cdb).good());
        assertEquals(lists ? NOTHING : "5a".repeat(252), parameter(63));
        assertEquals(lists ? "6/2a/02" : "status 0", unit.run(other, TEST_UNIT_READY).code());
    }

    @ParameterizedTest
    @CsvSource({
        "4c 01 00 00 00 00 00 00 00 00, c80001",
        "4c 02 00 00 00 00 00 00 04 00, c90001",
        "4c 00 0f 00 00 00 00 00 04 00, cd0002",
        "4c 00 00 01 00 00 00 00 04 00, c00003",
        "4c 02 02 00 00 00 00 00 00 00, cd0002",
        "4c 02 19 00 00 00 00 00 00 00, cd0002",
        "4c 02 0f 01 00 00 00 00 00 00, cd0002",
        "4c 00 00 00 00 00 01 00 00 00, cf0006"
    })
    void refusesOtherCommands(String cdb, String pointer) {
        ServedUnit.Reply reply = unit.run(cdb, new byte[4]);
        assertEquals("5/24/00", reply.code());
        assertEquals(pointer, reply.pointer());
    }

    @ParameterizedTest
    @CsvSource({
        "0f0000, 5/1a/00, 000000",
        "0f000100, 5/1a/00, 000000",
        "0f000003 000003, 5/1a/00, 000000",
        "0f000004 000003fc, 5/1a/00, 000000",
        "0f000004 000001fc, 5/26/00, 800006",
        "0f000004 000003fb, 5/26/00, 800007",
        "0f000004 004003fc, 5/26/00, 800004",
        "0f010000, 5/26/00, 800001",
        "4f000000, 5/26/00, 800000",
        "02000000, 5/26/00, 800000",
        "0c000004 00010340, 5/26/00, 800004",
        "19000000, 5/26/00, 800000",
        "0f000000 0c000000, 5/26/00, 800004",
        "0f000000 0f000000, 5/26/00, 800004"
    })
    void refusesOtherParameters(String list, String code, String pointer) {
        ServedUnit.Reply reply = select(list);
        assertEquals(code, reply.code());
        assertEquals(pointer, reply.pointer());
    }

    @Test
    void changesAllOrNothing() {
        assertEquals("800104", select("0f000200" + LAST + FIRST).pointer(), "not ascending");
        assertEquals("5/1a/00", select("0f000200" + FIRST + "003f03fc" + "5a".repeat(251)).code());
        assertEquals("5/26/00", select("0f000100" + FIRST + "2f000000").code());
        assertEquals(NOTHING, parameter(0));
        assertEquals(NOTHING, parameter(63));
        byte[] page = ServedUnit.hex("0f000100" + FIRST);
        assertEquals("5/0e/03", unit.run("4c 00 00 00 00 00 00 01 08 00", page).code());
    }
}
