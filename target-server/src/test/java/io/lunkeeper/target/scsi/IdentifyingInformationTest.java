package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IdentifyingInformationTest {
    private static final String TEST_UNIT_READY = "00 00 00 00 00 00";

    @TempDir Path directory;
    @AutoClose private ServedUnit unit;

    @BeforeEach
    void serve() throws IOException {
        unit = ServedUnit.open(directory, 1 << 20);
    }

    private ServedUnit.Reply set(int type, byte[] information) {
        return unit.run(
                "a4 06 00 00 00 00 %08x %02x 00".formatted(information.length, type << 1),
                information);
    }

    private String report(int type) {
        return HexFormat.of()
                .formatHex(
                        unit.run("a3 05 00 00 00 00 00 00 10 00 %02x 00".formatted(type << 1))
                                .data());
    }

    @Test
    void nothingIsKnownAtFirst() {
        assertEquals("00000000", report(0));
        assertEquals("00000000", report(2));
        assertEquals("00000008" + "00000200" + "04000100", report(0x7f));
        assertEquals(
                "0000",
                HexFormat.of().formatHex(unit.run("a3 05 00 00 00 00 00 00 00 02 00 00").data()));
    }

    @Test
    void outlivesTheProcess() throws IOException {
        byte[] most = new byte[512];
        Arrays.fill(most, (byte) 0xfe);
        assertTrue(set(0, most).good());
        assertTrue(set(2, ServedUnit.hex("c3a4 00")).good());
        unit.server().resetUnit(ServedUnit.LUN_FIELD);
        assertEquals("6/29/03", unit.run(TEST_UNIT_READY).code());
        assertEquals("00000200" + "fe".repeat(512), report(0));
        unit.close();
        serve();
        assertEquals("00000200" + "fe".repeat(512), report(0));
        assertEquals("00000003" + "c3a400", report(2));
        assertTrue(set(0, new byte[0]).good());
        assertEquals("00000000", report(0));
        assertTrue(set(2, new byte[0]).good());
        assertEquals(false, Files.exists(directory.resolve("image.lunkeeper")));
    }

    @Test
    void othersAreToldOfAChange() {
        Nexus other = unit.attach();
        assertTrue(set(0, new byte[] {1}).good());
        assertEquals("6/3f/05", unit.run(other, TEST_UNIT_READY).code());
        assertTrue(unit.run(TEST_UNIT_READY).good(), "it did that itself");
        assertTrue(set(0, new byte[] {1}).good());
        assertTrue(set(2, new byte[0]).good());
        assertTrue(unit.run(other, TEST_UNIT_READY).good(), "nothing has changed");
    }

    @ParameterizedTest
    @CsvSource({
        "a4 06 00 00 00 00 00 00 02 01 00 00, 5/24/00, c00006",
        "a4 06 00 00 00 00 00 00 01 01 04 00, 5/24/00, c00006",
        "a4 06 00 00 00 00 ff ff ff ff 00 00, 5/24/00, c00006",
        "a4 06 00 00 00 00 00 00 00 04 02 00, 5/24/00, cf000a",
        "a4 06 00 00 00 00 00 00 00 04 fe 00, 5/24/00, cf000a",
        "a4 06 00 00 00 00 00 00 00 04 01 00, 5/24/00, c8000a",
        "a4 06 00 00 00 00 00 00 00 08 00 00, 5/0e/03, 000000",
        "a3 05 00 00 00 00 00 00 00 04 02 00, 5/24/00, cf000a"
    })
    void refusesOtherCommands(String cdb, String code, String pointer) {
        ServedUnit.Reply reply = unit.run(cdb, new byte[4]);
        assertEquals(code, reply.code());
        assertEquals(pointer, reply.pointer());
        assertEquals("00000000", report(0));
    }

    /// Without a zero behind it, with more behind the zero, and no UTF-8.
    @ParameterizedTest
    @CsvSource({"4142, 800001", "41004200, 800002", "c32800, 800000"})
    void textIsText(String information, String pointer) {
        ServedUnit.Reply reply = set(2, ServedUnit.hex(information));
        assertEquals("5/26/00", reply.code());
        assertEquals(pointer, reply.pointer());
        assertEquals("00000000", report(2));
        assertTrue(set(0, ServedUnit.hex(information)).good());
    }

    @Test
    void emptyTextIsText() {
        assertTrue(set(2, ServedUnit.hex("0000")).good());
        assertEquals("00000002" + "0000", report(2));
    }

    @Test
    void whatCannotBeUnderstoodIsRefused() throws IOException {
        assertTrue(set(0, new byte[] {1}).good());
        Map<String, String> kept = unit.backend().keptBeside("identity");
        kept.put("0", "no number");
        unit.backend().keepBeside("identity", kept);
        unit.close();
        assertThrows(IOException.class, this::serve);
    }
}
