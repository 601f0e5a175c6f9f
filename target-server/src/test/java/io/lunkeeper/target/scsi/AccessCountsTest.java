package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AccessCountsTest {
    @TempDir Path directory;
    @AutoClose private ServedUnit unit;

    @BeforeEach
    void serve() throws IOException {
        unit = ServedUnit.open(directory, 8 << 20);
    }

    private AccessCounts.Totals counts() {
        return unit.accessCounts().now();
    }

    /// VERIFY reads and sends nothing; what is refused was not received.
    @Test
    void countsCommandsAndBytes() {
        assertEquals(new AccessCounts.Totals(0, 0, 0, 0), counts());
        assertTrue(unit.run("2a 00 00 00 00 00 00 00 08 00", new byte[8 * 512]).good());
        assertTrue(unit.run("2e 00 00 00 00 00 00 00 02 00", new byte[1024]).good());
        assertTrue(
                unit.run("8b 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", new byte[512]).good());
        assertEquals(new AccessCounts.Totals(0, 3, 0, 11 * 512), counts());
        assertTrue(unit.run("28 00 00 00 00 00 00 00 80 00").good());
        assertTrue(unit.run("08 00 00 00 03 00").good());
        assertTrue(unit.run("2f 00 00 00 00 00 00 00 04 00").good());
        assertEquals("5/21/00", unit.run("28 00 ff 00 00 00 00 00 01 00").code());
        assertEquals(new AccessCounts.Totals(2, 3, 131 * 512, 11 * 512), counts());
    }

    /// Whoever draws a curve of them relies on it.
    @Test
    void noResetMakesThemFall() {
        assertTrue(unit.run("28 00 00 00 00 00 00 00 80 00").good());
        assertTrue(unit.run("4c 02 00 00 00 00 00 00 00 00").good());
        unit.server().resetUnit(ServedUnit.LUN_FIELD);
        assertEquals(new AccessCounts.Totals(1, 0, 128 * 512, 0), counts());
    }
}
