package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FormatUnitTest {
    private static final int SIZE = 1 << 20;
    private static final String FORMAT = "04 00 00 00 00 00";
    private static final String FORMAT_WITH_LIST = "04 10 00 00 00 00";
    private static final String IMMEDIATE = "00020000";
    private static final String READY = "00 00 00 00 00 00";

    @TempDir Path directory;

    @Test
    void everyBlockReadsAsZerosAndItsSpaceIsGivenBack() throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, SIZE)) {
            byte[] data = Erased.filled(SIZE, 0x5a);
            assertTrue(unit.run("8a 00 0000000000000000 00000800 00 00", data).good());
            assertEquals("00", Erased.provisioning(unit));
            assertTrue(unit.run(FORMAT).good());
            assertArrayEquals(new byte[SIZE], Erased.read(unit, SIZE));
            assertEquals("01", Erased.provisioning(unit));
            assertTrue(unit.run("8a 00 0000000000000000 00000800 00 00", data).good());
            assertArrayEquals(data, Erased.read(unit, SIZE));
            assertFalse(Files.exists(unit.backend().placeBeside()));
        }
    }

    @Test
    void othersAreToldHowFarItIs() throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, SIZE)) {
            Nexus other = unit.attach("other,i,0x000000000001");
            try (Erased.Hold hold = new Erased.Hold(unit)) {
                assertTrue(unit.run(FORMAT_WITH_LIST, ServedUnit.hex(IMMEDIATE)).good());
                for (String refused :
                        new String[] {
                            READY,
                            FORMAT,
                            "1b 00 00 00 01 00",
                            "25 00 00 00 00 00 00 00 00 00",
                            "28 00 00000000 00 0001 00",
                            "2a 00 00000000 00 0001 00",
                            "35 00 00000000 00 0000 00",
                            "48 82 00 00 00 00 00 00 00 00",
                            "5a 00 3f 00 00 00 00 00 ff 00"
                        }) {
                    assertEquals("2/04/04", unit.run(refused).code(), refused);
                    assertEquals("800000", unit.run(other, refused).pointer(), refused);
                }
                assertTrue(unit.run("12 00 00 00 ff 00").good());
                assertTrue(unit.run("a0 00 00 00 00 00 00 00 00 ff 00 00").good());
                byte[] sense = unit.run("03 00 00 00 ff 00").data();
                assertEquals(
                        "70000200000000" + "0a00000000" + "0404" + "00" + "800000",
                        HexFormat.of().formatHex(sense));
                hold.release();
            }
            Erased.awaitReady(unit);
            assertTrue(unit.run(other, READY).good());
            assertEquals(
                    "0000", HexFormat.of().formatHex(unit.run("03 00 00 00 ff 00").data(), 12, 14));
        }
    }

    /// Neither a reset nor the end of the nexus ends it.
    @Test
    void goesOnAfterAReset() throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, SIZE)) {
            try (Erased.Hold hold = new Erased.Hold(unit)) {
                assertTrue(unit.run(FORMAT_WITH_LIST, ServedUnit.hex(IMMEDIATE)).good());
                unit.server().resetUnit(ServedUnit.LUN_FIELD);
                assertEquals("6/29/03", unit.run(READY).code());
                unit.server().detach(unit.nexus());
                Nexus next = unit.attach("next,i,0x000000000001");
                assertEquals("2/04/04", unit.run(next, READY).code());
                hold.release();
            }
            Erased.awaitReady(unit);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "10, 00000000, good",
        "10, 00800000, good",
        "10, 00f40000, good",
        "18, 00000000, good",
        "30, 0000000000000000, good",
        "35, 0080000000000000, good",
        "10, '', 5/1a/00",
        "10, 000000, 5/1a/00",
        "30, 00000000000000, 5/1a/00",
        "10, 01000000, 5/26/00 at 0",
        "10, 80000000, 5/26/00 at 0",
        "10, 00010000, 5/26/00 at 1",
        "10, 00880000, 5/26/00 at 1",
        "10, 00400000, 5/26/00 at 1",
        "10, 00200000, 5/26/00 at 1",
        "10, 00100000, 5/26/00 at 1",
        "10, 00040000, 5/26/00 at 1",
        "10, 00000008, 5/26/00 at 2",
        "10, 00000100, 5/26/00 at 2",
        "30, 0000010000000000, 5/26/00 at 2",
        "30, 0000000100000000, 5/26/00 at 3",
        "30, 0000000000000008, 5/26/00 at 4",
        "30, 0000000080000000, 5/26/00 at 4"
    })
    void looksAtTheParameterList(String options, String list, String expected) throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, SIZE)) {
            ServedUnit.Reply reply =
                    unit.run("04 %s 00 00 00 00".formatted(options), ServedUnit.hex(list));
            String answer = reply.good() ? "good" : reply.code();
            assertEquals(
                    expected,
                    answer.equals("5/26/00")
                            ? answer + " at " + reply.pointer().charAt(5)
                            : answer);
        }
    }

    @ParameterizedTest
    @CsvSource({"80, cf0001", "40, cf0001", "08, cb0001", "01, ca0001", "20, good"})
    void looksAtTheCdb(String options, String pointer) throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, SIZE)) {
            ServedUnit.Reply reply = unit.run("04 %s 00 00 00 00".formatted(options));
            assertEquals(pointer, reply.good() ? "good" : reply.pointer());
        }
    }

    @Test
    void doesNotTouchWhatIsProtected() throws IOException {
        try (ServedUnit unit = ServedUnit.openReadOnly(directory, SIZE)) {
            assertEquals("7/27/00", unit.run(FORMAT).code());
        }
    }
}
