package io.lunkeeper.lun.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SidecarTest {
    @TempDir Path directory;

    private Sidecar sidecar;

    @BeforeEach
    void make() {
        sidecar = new Sidecar(directory.resolve("image"));
    }

    /// What somebody finds who opens the image again.
    private Map<String, String> kept(String section) throws IOException {
        return new Sidecar(directory.resolve("image")).section(section);
    }

    @Test
    void holdsNothingWithoutAFile() throws IOException {
        assertEquals(Map.of(), sidecar.section("one"));
        assertFalse(Files.exists(sidecar.path()));
    }

    @Test
    void sectionsAreReplacedOneByOne() throws IOException {
        sidecar.replace("one", Map.of("a", "1", "b.c", "two words = \u00e4\n"));
        sidecar.replace("onemore", Map.of("a", "2"));
        assertEquals(Map.of("a", "1", "b.c", "two words = \u00e4\n"), kept("one"));
        sidecar.replace("one", Map.of("d", ""));
        assertEquals(Map.of("d", ""), kept("one"));
        assertEquals(Map.of("a", "2"), kept("onemore"));
        sidecar.replace("onemore", Map.of());
        assertEquals(Map.of(), kept("onemore"));
        assertEquals(Map.of("d", ""), kept("one"));
    }

    @Test
    void theFileGoesWithItsLastSection() throws IOException {
        sidecar.replace("one", Map.of("a", "1"));
        assertTrue(Files.exists(sidecar.path()));
        sidecar.replace("one", Map.of());
        assertFalse(Files.exists(sidecar.path()));
        sidecar.replace("one", Map.of());
    }

    @Test
    void whatCannotBeUnderstoodIsNeitherReadNorReplaced() throws IOException {
        for (String bad : List.of("", "one.a=1\n", "format=1\none.a=1\n", "format=2\n\\u00g0\n")) {
            Files.writeString(sidecar.path(), bad);
            IOException refused =
                    assertThrows(IOException.class, () -> sidecar.section("one"), bad);
            assertTrue(refused.toString().contains(sidecar.path().toString()), bad);
            assertThrows(IOException.class, () -> sidecar.replace("one", Map.of("a", "2")), bad);
            assertEquals(bad, Files.readString(sidecar.path()));
        }
    }

    @Test
    void whatIsTooLargeIsNotRead() throws IOException {
        Files.write(sidecar.path(), new byte[Sidecar.MAX_BYTES + 1]);
        assertThrows(IOException.class, () -> sidecar.section("one"));
    }
}
