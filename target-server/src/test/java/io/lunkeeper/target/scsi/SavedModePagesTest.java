package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.CacheMode;
import io.lunkeeper.lun.LunBackend;
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
import org.junit.jupiter.params.provider.ValueSource;

class SavedModePagesTest {
    private static final String HEADER = "00000000";
    private static final String CACHED = "8812" + "04" + "00".repeat(17);
    private static final String UNCACHED = "8812" + "00".repeat(18);
    private static final String PLAIN = "8a0a" + "0010" + "00000000" + "ffff" + "0000";
    private static final String CHANGED = "8a0a" + "0410" + "08000000" + "ffff" + "0000";
    private static final String TEST_UNIT_READY = "00 00 00 00 00 00";

    @TempDir Path directory;
    @AutoClose private ServedUnit unit;

    @BeforeEach
    void serve() throws IOException {
        serve(CacheMode.WRITE_BACK);
    }

    private void serve(CacheMode mode) throws IOException {
        unit = ServedUnit.open(directory, 1 << 20, 512, mode);
    }

    private ServedUnit.Reply select(boolean save, String list) {
        byte[] bytes = ServedUnit.hex(list);
        return unit.run("15 %s 00 00 %02x 00".formatted(save ? "11" : "10", bytes.length), bytes);
    }

    private String page(int control, int code) {
        byte[] data = unit.run("1a 08 %02x 00 ff 00".formatted(control << 6 | code)).data();
        return HexFormat.of().formatHex(Arrays.copyOfRange(data, 4, data.length));
    }

    private boolean keptBeside() {
        return Files.exists(directory.resolve("image.lunkeeper"));
    }

    @Test
    void savesOnlyWhenAsked() throws IOException {
        assertTrue(select(false, HEADER + UNCACHED + CHANGED).good());
        assertEquals(CACHED, page(3, 8), "nothing was saved, so the default");
        assertEquals(false, keptBeside());
        assertTrue(select(true, HEADER + UNCACHED).good());
        assertEquals(UNCACHED, page(3, 8));
        assertEquals(CHANGED, page(3, 10), "all pages are saved, those of before too");
        assertEquals(CACHED, page(2, 8), "the default");
        assertTrue(select(false, HEADER + CACHED + PLAIN).good());
        assertEquals(CACHED, page(0, 8));
        unit.server().resetUnit(ServedUnit.LUN_FIELD);
        unit.run(TEST_UNIT_READY);
        assertEquals(UNCACHED, page(0, 8));
        assertEquals(CHANGED, page(0, 10));
    }

    @Test
    void areThereAfterARestart() throws IOException {
        assertTrue(select(false, HEADER + UNCACHED + CHANGED).good());
        assertTrue(unit.run("15 11 00 00 00 00").good(), "saves without a list too");
        unit.close();
        serve(CacheMode.WRITE_BACK);
        assertEquals(UNCACHED, page(0, 8));
        assertEquals(UNCACHED, page(3, 8));
        assertEquals(CACHED, page(2, 8));
        assertEquals(CHANGED, page(0, 10));
        long syncs = unit.backend().statistics().syncs();
        assertEquals(0x72, unit.run("2a 00 00 00 00 00 00 00 01 00", new byte[512]).sense()[0]);
        assertTrue(select(false, HEADER + PLAIN).good());
        assertTrue(unit.run("2a 00 00 00 00 00 00 00 01 00", new byte[512]).good());
        assertEquals(syncs + 1, unit.backend().statistics().syncs(), "there is no write cache");
    }

    private static String threshold(String count) {
        return "dc020014" + "00".repeat(12) + "82010000" + count;
    }

    private String threshold() {
        byte[] data = unit.run("1a 08 1c 02 ff 00").data();
        return HexFormat.of().formatHex(Arrays.copyOfRange(data, 4, data.length));
    }

    @Test
    void aThresholdIsThereAfterARestart() throws IOException {
        assertTrue(select(true, HEADER + threshold("00000123")).good());
        unit.close();
        serve(CacheMode.WRITE_BACK);
        assertEquals(threshold("00000123"), threshold());
        assertEquals(0x123 << 20, unit.backend().reportedSpaceBelow());
    }

    @Test
    void aThresholdThatIsAsConfiguredFollowsTheConfiguration() throws IOException {
        assertTrue(select(true, HEADER + UNCACHED).good());
        Map<String, String> kept = unit.backend().keptBeside("mode");
        assertTrue(kept.containsKey("page.08"));
        assertEquals(false, kept.containsKey("page.5c"));
    }

    @Test
    void aConfigurationWithoutAWriteCacheStands() throws IOException {
        assertTrue(select(true, HEADER + CACHED + CHANGED).good());
        unit.close();
        serve(CacheMode.WRITE_THROUGH);
        assertEquals("0812" + "00".repeat(18), page(0, 8));
        assertEquals("5/39/00", unit.run("1a 08 c8 00 ff 00").code());
        assertEquals(CHANGED, page(0, 10));
    }

    @Test
    void othersLeftThemForThemselves() throws IOException {
        assertTrue(select(true, HEADER + UNCACHED).good());
        Map<String, String> kept = unit.backend().keptBeside("mode");
        kept.put("unit", "iqn.2026-11.io.lunkeeper:other 5");
        unit.backend().keepBeside("mode", kept);
        unit.close();
        serve(CacheMode.WRITE_BACK);
        assertEquals(CACHED, page(0, 8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0a", "no number", "0812040000000000000000000000000000000000ff"})
    void whatCannotBeUnderstoodIsRefused(String page) throws IOException {
        assertTrue(select(true, HEADER + UNCACHED).good());
        LunBackend backend = unit.backend();
        Map<String, String> kept = backend.keptBeside("mode");
        kept.put("page.08", page);
        backend.keepBeside("mode", kept);
        unit.close();
        IOException refused = assertThrows(IOException.class, () -> serve(CacheMode.WRITE_BACK));
        assertTrue(refused.toString().contains("image.lunkeeper"), refused.toString());
    }
}
