package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LogPagesTest {
    @TempDir Path directory;

    @AutoClose private ServedUnit unit;

    @BeforeEach
    void open() throws IOException {
        unit = ServedUnit.open(directory, 8 << 20);
    }

    private String data(String cdb) {
        return HexFormat.of().formatHex(unit.run(cdb).data());
    }

    @Test
    void listsItsPages() {
        assertEquals("00000003" + "000c0f", data("4d 00 40 00 00 00 00 00 ff 00"));
        assertEquals(
                "40ff0008" + "0000" + "00ff" + "0c00" + "0f00",
                data("4d 00 40 ff 00 00 00 00 ff 00"));
        assertEquals("0000", data("4d 00 40 00 00 00 00 00 02 00"));
    }

    @Test
    void countsSpaceInThresholdSets() throws IOException {
        unit.backend().zero(0, 3 << 20);
        byte[] page = unit.run("4d 00 4c 00 00 00 00 00 ff 00").data();
        assertEquals(28, page.length);
        assertEquals("8c000018", HexFormat.of().formatHex(page, 0, 4));
        assertEquals("00012308", HexFormat.of().formatHex(page, 4, 8));
        long available = Files.getFileStore(directory).getUsableSpace() >> 20;
        long reported = ByteBuffer.wrap(page).getInt(8);
        assertTrue(Math.abs(available - reported) < 4096, available + " and " + reported);
        assertEquals("02000000" + "00022308" + "00000003" + "01000000", tail(page));
    }

    private static String tail(byte[] page) {
        return HexFormat.of().formatHex(page, 12, 28);
    }

    @Test
    void startsAtTheParameterPointer() {
        assertEquals(
                "8c00000c" + "00022308" + "00000000" + "01000000",
                data("4d 00 4c 00 00 00 02 00 ff 00"));
        assertEquals("8c00000c", data("4d 00 cc 00 00 00 02 00 04 00"), "whatever PC says");
    }

    @Test
    void givesInitiatorsAPlaceOfTheirOwn() {
        byte[] page = unit.run("4d 00 4f 00 00 00 00 ff ff 00").data();
        assertEquals(4 + 64 * 256, page.length);
        assertEquals("8f004000" + "000023fc" + "00".repeat(252), hex(page, 0, 260));
        assertEquals("003f23fc" + "00".repeat(252), hex(page, 4 + 63 * 256, page.length));
        assertEquals("8f000100" + "003f23fc", data("4d 00 4f 00 00 00 3f 00 08 00"));
    }

    private static String hex(byte[] data, int from, int to) {
        return HexFormat.of().formatHex(data, from, to);
    }

    @ParameterizedTest
    @CsvSource({
        "4d 00 4f 00 00 00 40 00 ff 00, c00005",
        "4d 00 4c 00 00 00 03 00 ff 00, c00005",
        "4d 00 40 00 00 00 01 00 ff 00, c00005",
        "4d 00 4c 01 00 00 00 00 ff 00, cd0002",
        "4d 00 42 00 00 00 00 00 ff 00, cd0002",
        "4d 00 59 00 00 00 00 00 ff 00, cd0002",
        "4d 01 4c 00 00 00 00 00 ff 00, cf0001"
    })
    void refusesWhatItDoesNotHave(String cdb, String pointer) {
        ServedUnit.Reply reply = unit.run(cdb);
        assertEquals("5/24/00", reply.code());
        assertEquals(pointer, reply.pointer());
    }
}
