package io.lunkeeper.lun.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SidecarTest {
    private static final Map<String, String> ONE = Map.of("a", "1", "b.c", "two words = \u00e4\n");
    private static final Map<String, String> TWO = Map.of("a", "2", "state", "running");

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

    private void keepBoth() throws IOException {
        sidecar.replace("one", ONE);
        sidecar.replace("two", TWO);
    }

    private void change(String from, String to) throws IOException {
        String text = Files.readString(sidecar.path());
        assertTrue(text.contains(from), text);
        Files.writeString(sidecar.path(), text.replace(from, to));
    }

    @Test
    void holdsNothingWithoutAFile() throws IOException {
        assertEquals(Map.of(), sidecar.section("one"));
        assertFalse(sidecar.damaged("one"));
        assertFalse(Files.exists(sidecar.path()));
    }

    @Test
    void sectionsAreReplacedOneByOne() throws IOException {
        sidecar.replace("one", ONE);
        sidecar.replace("onemore", Map.of("a", "2"));
        assertEquals(ONE, kept("one"));
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
    void whatAnEarlierVersionWroteIsTakenUp() throws IOException {
        Files.writeString(sidecar.path(), "#x\nformat=2\none.a=1\ntwo.a=2\ntwo.state=running\n");
        assertFalse(sidecar.checked());
        assertEquals(Map.of("a", "1"), kept("one"));
        assertFalse(sidecar.damaged("one"));
        assertEquals(Map.of(), kept("three"));
        sidecar.replace("one", ONE);
        assertTrue(sidecar.checked());
        assertEquals(ONE, kept("one"));
        assertEquals(TWO, kept("two"));
    }

    @Test
    void whatCannotBeUnderstoodIsNeitherReadNorReplaced() throws IOException {
        for (String bad :
                List.of(
                        "",
                        "one.a=1\n",
                        "format=1\none.a=1\n",
                        "format=2\n\\u00g0\n",
                        "format=2\none.a=1\nsections=one\\:00000000\n",
                        "format=3\none.a=1\n",
                        "format=3\nsections=\nchecksum=00000000\n",
                        "format=3\none.a=1\nsections=one\\:00000000\nchecksum=00000000\n")) {
            Files.writeString(sidecar.path(), bad);
            IOException refused =
                    assertThrows(IOException.class, () -> sidecar.section("one"), bad);
            assertTrue(refused.toString().contains(sidecar.path().toString()), bad);
            assertThrows(IOException.class, () -> sidecar.damaged("one"), bad);
            assertThrows(IOException.class, () -> sidecar.replace("one", Map.of("a", "2")), bad);
            assertEquals(bad, Files.readString(sidecar.path()));
        }
    }

    @Test
    void whatIsTooLargeIsNotRead() throws IOException {
        Files.write(sidecar.path(), new byte[Sidecar.MAX_BYTES + 1]);
        assertThrows(IOException.class, () -> sidecar.section("one"));
    }

    // ---- damage

    /// How a section is found: as it was, damaged, or nobody knows.
    private String found(String name, Map<String, String> written) {
        try {
            if (sidecar.damaged(name)) {
                IOException refused =
                        assertThrows(IOException.class, () -> sidecar.section(name), name);
                assertTrue(refused.toString().contains(name + " is damaged"), name);
                return "damaged";
            }
            assertEquals(written, sidecar.section(name));
            return "sound";
        } catch (IOException _) {
            return "unknown";
        }
    }

    private String found() {
        return found("one", ONE) + " " + found("two", TWO);
    }

    /// Whichever bit flips, and whichever stretch is overwritten: what is given out is what was
    /// written.
    @Test
    void noDamageGoesUnnoticed() throws IOException {
        keepBoth();
        byte[] written = Files.readAllBytes(sidecar.path());
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < written.length; i++) {
            for (int bit = 0; bit < 8; bit++) {
                byte[] flipped = written.clone();
                flipped[i] ^= (byte) (1 << bit);
                Files.write(sidecar.path(), flipped);
                seen.add(found());
            }
            for (int length : new int[] {2, 16, 64, written.length}) {
                byte[] zeroed = written.clone();
                Arrays.fill(zeroed, i, Math.min(i + length, zeroed.length), (byte) 0);
                Files.write(sidecar.path(), zeroed);
                seen.add(found());
            }
            Files.write(sidecar.path(), Arrays.copyOf(written, i));
            found();
        }
        assertEquals(
                Set.of("sound sound", "damaged sound", "sound damaged", "unknown unknown"), seen);
    }

    @Test
    void aLineThatMakesNoSenseTakesNoOtherWithIt() throws IOException {
        keepBoth();
        for (String bad : List.of("one.a=\\u00g0", "one.a=\\", "\\u", "", "two.b=1")) {
            String text = Files.readString(sidecar.path());
            change("one.a=1", bad);
            assertEquals(bad.startsWith("two") ? "damaged damaged" : "damaged sound", found(), bad);
            Files.writeString(sidecar.path(), text);
        }
    }

    @Test
    void whatIsDamagedStaysSoUntilItIsReplaced() throws IOException {
        keepBoth();
        change("one.a=1", "one.a=3");
        assertEquals("damaged sound", found());
        sidecar.replace("two", Map.of());
        assertEquals("damaged", found("one", ONE));
        sidecar.replace("two", TWO);
        assertEquals("damaged sound", found());
        sidecar.replace("one", ONE);
        assertEquals("sound sound", found());
    }

    @Test
    void soDoesWhatIsGoneAltogether() throws IOException {
        keepBoth();
        change("one.", "none.");
        assertEquals("damaged sound", found());
        sidecar.replace("two", Map.of());
        assertEquals("damaged", found("one", ONE));
        sidecar.replace("one", Map.of());
        assertFalse(Files.exists(sidecar.path()));
    }

    @Test
    void isSetAsideAsItIs() throws IOException {
        keepBoth();
        change("one.a=1", "one.a=3");
        byte[] damaged = Files.readAllBytes(sidecar.path());
        Path aside = sidecar.setAside();
        assertEquals(aside, sidecar.setAside());
        sidecar.replace("one", ONE);
        assertArrayEquals(damaged, Files.readAllBytes(aside));
        assertFalse(aside.equals(sidecar.setAside()));
        try (Stream<Path> files = Files.list(directory)) {
            assertEquals(3, files.count());
        }
    }
}
