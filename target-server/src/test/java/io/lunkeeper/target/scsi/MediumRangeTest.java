package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.CacheMode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Which blocks a command may name, on a small unit and on one past what 32 bits can count.
class MediumRangeTest {
    private static final int BLOCKS = 2048;
    private static final long HUGE_BYTES = 3L << 40;

    @TempDir Path directory;

    @ParameterizedTest
    @CsvSource({
        // lba, blocks, the first block that is not there
        "0, 0, GOOD",
        "0, 800, GOOD",
        "7ff, 1, GOOD",
        "800, 0, GOOD",
        "801, 0, 801",
        "800, 1, 800",
        "7ff, 2, 800",
        "0, 801, 800",
        "ffffffff, 0, ffffffff",
        "ffffffff, 1, ffffffff",
        "7fffffffffffffff, 1, none",
        "8000000000000000, 0, none",
        "ffffffffffffffff, 1, none",
        "fffffffffffff800, 800, none",
        "ffffffffffffffff, ffff, none"
    })
    void namesTheFirstBlockOutOfRange(String lba, String blocks, String expected)
            throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, BLOCKS * 512L)) {
            long count = Long.parseLong(blocks, 16);
            String tail = "%016x %08x 0000".formatted(Long.parseUnsignedLong(lba, 16), count);
            byte[] data = new byte[(int) count * 512];
            for (String operation : new String[] {"88 00", "8a 00", "8f 00", "8f 02", "91 00"}) {
                ServedUnit.Reply reply = unit.run(operation + tail, data);
                if (expected.equals("GOOD")) {
                    assertTrue(reply.good(), operation + " " + reply.code());
                    continue;
                }
                assertEquals("5/21/00", reply.code(), operation);
                long information = expected.equals("none") ? -1 : Long.parseLong(expected, 16);
                assertEquals(information, reply.information(), operation);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "88 00, 00010000, 00010001",
        "8a 00, 00010000, 00010001",
        "8f 00, 00010000, ffffffff",
        "93 08, 00020000, 00020001"
    })
    void boundsWhatOneCommandDoes(String operation, String most, String tooMany)
            throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, 128L << 20)) {
            String form = operation + "0000000000000000 %s 0000";
            Outcome begun = unit.execute(form.formatted(most));
            assertTrue(!(begun instanceof Outcome.Status), () -> begun.toString());
            ServedUnit.Reply refused = unit.run(form.formatted(tooMany));
            assertEquals("5/24/00", refused.code());
            assertEquals("c0000a", refused.pointer());
        }
    }

    @Test
    void boundsTheTwelveByteForms() throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, 128L << 20)) {
            ServedUnit.Reply refused = unit.run("a8 00 00000000 00010001 0000");
            assertEquals("5/24/00", refused.code());
            assertEquals("c00006", refused.pointer());
        }
    }

    @Test
    void reportsItsCapacity() throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, BLOCKS * 512L)) {
            assertEquals(
                    "000007ff00000200",
                    HexFormat.of().formatHex(unit.run("25 00 00000000 0000 00 00").data()));
            String sixteen = "00000000000007ff" + "00000200" + "0003" + "c000" + "00".repeat(16);
            assertEquals(
                    sixteen,
                    HexFormat.of()
                            .formatHex(unit.run("9e 10 0000000000000000 00000020 0000").data()));
            for (int allocation : new int[] {0, 1, 15, 31}) {
                String cdb = "9e 10 0000000000000000 %08x 0000".formatted(allocation);
                assertEquals(
                        sixteen.substring(0, 2 * allocation),
                        HexFormat.of().formatHex(unit.run(cdb).data()));
            }
        }
    }

    @Test
    void countsPastThirtyTwoBits() throws IOException {
        long last = HUGE_BYTES / 512 - 1;
        try (ServedUnit unit = ServedUnit.open(directory, HUGE_BYTES)) {
            assertEquals(
                    "ffffffff00000200",
                    HexFormat.of().formatHex(unit.run("25 00 00000000 0000 00 00").data()));
            String capacity =
                    HexFormat.of()
                            .formatHex(unit.run("9e 10 0000000000000000 0000000c 0000").data());
            assertEquals("%016x".formatted(last) + "00000200", capacity);
            String descriptor = HexFormat.of().formatHex(unit.run("1a 00 0a 00 0c 00").data());
            assertEquals("17001008" + "ffffffff" + "00000200", descriptor);
            byte[] block = new byte[512];
            block[511] = 0x5a;
            String tail = "%016x 00000001 0000".formatted(last);
            assertTrue(unit.run("8a 08" + tail, block).good());
            assertEquals(0x5a, unit.run("88 08" + tail).data()[511]);
            ServedUnit.Reply beyond = unit.run("88 00 %016x 00000002 0000".formatted(last));
            assertEquals("5/21/00", beyond.code());
            assertEquals(-1, beyond.information(), "does not fit fixed format");
        }
    }

    @Test
    void flushesBeforeTheStatusAsFuaAndTheCacheModeSay() throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, 1 << 20)) {
            assertEquals(Outcome.Status.GOOD, sink(unit, "2a 00").complete());
            assertInstanceOf(Outcome.Awaiting.class, sink(unit, "2a 08").complete());
            assertInstanceOf(Outcome.Awaiting.class, unit.execute("28 08 00000000 00 0001 00"));
            assertInstanceOf(Outcome.ReadMedium.class, unit.execute("28 02 00000000 00 0001 00"));
        }
        try (ServedUnit unit = ServedUnit.open(directory, 1 << 20, 512, CacheMode.WRITE_THROUGH)) {
            assertInstanceOf(Outcome.Awaiting.class, sink(unit, "2a 00").complete());
            assertInstanceOf(Outcome.ReadMedium.class, unit.execute("28 08 00000000 00 0001 00"));
        }
    }

    private static Outcome.DataSink sink(ServedUnit unit, String operation) {
        Outcome begun = unit.execute(operation + "00000000 00 0001 00");
        return assertInstanceOf(Outcome.WriteMedium.class, begun).sink();
    }
}
