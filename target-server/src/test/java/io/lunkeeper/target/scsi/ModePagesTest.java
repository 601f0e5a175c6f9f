package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lunkeeper.lun.CacheMode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ModePagesTest {
    private static final String RECOVERY = "010a" + "00".repeat(5) + "80" + "00".repeat(4);
    private static final String WRITE_BACK = "8812" + "04" + "00".repeat(17);
    private static final String WRITE_THROUGH = "0812" + "00".repeat(18);
    private static final String CONTROL = "8a0a" + "2010" + "00000000" + "ffff" + "0000";
    private static final String EXTENSION = "4a01001c" + "07" + "00".repeat(27);
    private static final String EXCEPTIONS = "1c0a" + "08" + "00".repeat(9);
    private static final String PROVISIONING =
            "dc020014" + "00".repeat(12) + "8201" + "0000" + "00000400";
    private static final String SHORT_DESCRIPTOR = "00000800" + "00000200";
    private static final String LONG_DESCRIPTOR = "0000000000000800" + "00000000" + "00000200";

    @TempDir Path directory;

    private ServedUnit.Reply sense(CacheMode mode, String cdb) throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, 1 << 20, 512, mode)) {
            return unit.run(cdb);
        }
    }

    private String data(String cdb) throws IOException {
        return HexFormat.of().formatHex(sense(CacheMode.WRITE_BACK, cdb).data());
    }

    @Test
    void returnsAllPagesInOrder() throws IOException {
        String pages = RECOVERY + WRITE_BACK + CONTROL + EXCEPTIONS;
        assertEquals("43001008" + SHORT_DESCRIPTOR + pages, data("1a 00 3f 00 ff 00"));
        assertEquals(
                "7b001008"
                        + SHORT_DESCRIPTOR
                        + RECOVERY
                        + WRITE_BACK
                        + CONTROL
                        + EXTENSION
                        + EXCEPTIONS
                        + PROVISIONING,
                data("1a 00 3f ff ff 00"));
        assertEquals("3b001000" + pages, data("1a 08 3f 00 ff 00"));
        assertEquals(
                "0046001000000008" + SHORT_DESCRIPTOR + pages,
                data("5a 00 3f 00 00 00 00 01 00 00"));
        assertEquals(
                "004e001001000010" + LONG_DESCRIPTOR + pages,
                data("5a 10 3f 00 00 00 00 01 00 00"));
        assertEquals("003e001000000000" + pages, data("5a 18 3f 00 00 00 00 01 00 00"));
    }

    static Stream<Arguments> pages() {
        return Stream.of(
                Arguments.of("1a 08 01 00 ff 00", RECOVERY),
                Arguments.of("1a 08 08 00 ff 00", WRITE_BACK),
                Arguments.of("1a 08 88 00 ff 00", WRITE_BACK),
                Arguments.of("1a 08 0a 00 ff 00", CONTROL),
                Arguments.of("1a 08 0a 01 ff 00", EXTENSION),
                Arguments.of("1a 08 0a ff ff 00", CONTROL + EXTENSION),
                Arguments.of("1a 08 4a 01 ff 00", "4a01001c" + "00".repeat(28)),
                Arguments.of("1a 08 ca 00 ff 00", CONTROL),
                Arguments.of("1a 08 1c 00 ff 00", EXCEPTIONS),
                Arguments.of("1a 08 1c 02 ff 00", PROVISIONING),
                Arguments.of("1a 08 1c ff ff 00", EXCEPTIONS + PROVISIONING),
                Arguments.of(
                        "1a 08 5c 02 ff 00",
                        "dc020014" + "00".repeat(12) + "80000000" + "ffffffff"));
    }

    @ParameterizedTest
    @MethodSource("pages")
    void returnsOnePage(String cdb, String page) throws IOException {
        assertEquals("%02x001000".formatted(3 + page.length() / 2) + page, data(cdb));
    }

    /// The write cache, the format of sense data and write protection.
    @Test
    void saysWhatCanBeChanged() throws IOException {
        String control = "8a0a" + "e406" + "0840" + "00".repeat(6);
        assertEquals("0f001000" + control, data("1a 08 4a 00 ff 00"));
        assertEquals(
                "3b001000"
                        + "010a"
                        + "00".repeat(10)
                        + WRITE_BACK
                        + control
                        + "1c0a"
                        + "00".repeat(10),
                data("1a 08 7f 00 ff 00"));
        assertEquals(
                "1b001000" + "dc020014" + "00".repeat(12) + "80000000" + "ffffffff",
                data("1a 08 5c 02 ff 00"));
    }

    @Test
    void enablesNoWriteCacheWhenWritesGoThrough() throws IOException {
        ServedUnit.Reply reply = sense(CacheMode.WRITE_THROUGH, "1a 08 08 00 ff 00");
        assertEquals("17001000" + WRITE_THROUGH, HexFormat.of().formatHex(reply.data()));
    }

    @ParameterizedTest
    @CsvSource({"1a 00 c1 00 ff 00", "1a 00 ca 01 ff 00", "1a 00 dc 00 ff 00"})
    void hasNothingSavedOfPagesThatCannotChange(String cdb) throws IOException {
        assertEquals("5/39/00", sense(CacheMode.WRITE_BACK, cdb).code());
    }

    @Test
    void savesAllThatCanChange() throws IOException {
        String pages = RECOVERY + WRITE_BACK + CONTROL + EXCEPTIONS;
        assertEquals("43001008" + SHORT_DESCRIPTOR + pages, data("1a 00 ff 00 ff 00"));
    }

    @ParameterizedTest
    @CsvSource({
        "1a 00 02 00 ff 00, cd0002",
        "1a 00 00 00 ff 00, cd0002",
        "1a 00 0a 03 ff 00, c00003",
        "1a 00 3f 01 ff 00, c00003",
        "1a 00 3f 02 ff 00, c00003",
        "1a 00 1c 01 ff 00, c00003",
        "1a 00 0a 02 ff 00, c00003"
    })
    void refusesPagesThatItDoesNotHave(String cdb, String pointer) throws IOException {
        ServedUnit.Reply reply = sense(CacheMode.WRITE_BACK, cdb);
        assertEquals("5/24/00", reply.code());
        assertEquals(pointer, reply.pointer());
    }

    @Test
    void cutsToTheAllocationLength() throws IOException {
        assertEquals("43001008", data("1a 00 3f 00 04 00"));
        assertEquals("", data("1a 00 3f 00 00 00"));
        assertEquals("00460010000000080000", data("5a 00 3f 00 00 00 00 00 0a 00"));
    }

    @Test
    void hasNoThresholdForAUnitThatTakesNoSpace() throws IOException {
        try (ServedUnit unit = ServedUnit.openReadOnly(directory, 1 << 20)) {
            assertEquals("5/24/00", unit.run("1a 08 1c 02 ff 00").code());
            assertEquals(
                    "0f009000" + "010a" + "00".repeat(10),
                    HexFormat.of().formatHex(unit.run("1a 08 01 00 ff 00").data()));
            assertEquals(
                    "00b2000400e60200",
                    HexFormat.of().formatHex(unit.run("12 01 b2 00 ff 00").data()));
        }
    }
}
