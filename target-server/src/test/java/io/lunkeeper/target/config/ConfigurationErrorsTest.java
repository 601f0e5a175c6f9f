package io.lunkeeper.target.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Bad files and exactly what is said about them.
final class ConfigurationErrorsTest {
    private static final String TABLE = "bad-configurations.txt";
    private static final String LUNS = "luns: [{lun: 0, image: a.img, size: 1MiB}]";
    private static final String PORTALS = "portals: [{listen: \"127.0.0.1:0\"}]\n";

    @TempDir Path directory;

    /// One entry of the table.
    record Case(String name, List<String> yaml, List<String> problems) {
        @Override
        public String toString() {
            return name;
        }
    }

    static List<Case> cases() throws IOException {
        List<Case> cases = new ArrayList<>();
        for (String line : tableLines()) {
            if (line.startsWith("=== ")) {
                cases.add(new Case(line.substring(4), new ArrayList<>(), new ArrayList<>()));
            } else if (line.startsWith("-> ")) {
                cases.getLast().problems().add(line.substring(3));
            } else if (!cases.isEmpty() && !line.isEmpty()) {
                cases.getLast().yaml().add(line);
            }
        }
        return cases;
    }

    private static List<String> tableLines() throws IOException {
        try (InputStream in = ConfigurationErrorsTest.class.getResourceAsStream(TABLE)) {
            byte[] bytes = Objects.requireNonNull(in, TABLE).readAllBytes();
            return new String(bytes, StandardCharsets.UTF_8).lines().toList();
        }
    }

    private void assertProblems(String yaml, List<String> problems) throws IOException {
        Path file = Files.writeString(directory.resolve("x.yaml"), yaml);
        assertEquals(
                String.join("\n", problems),
                ConfigurationRejection.of(file).replace(file + ":", ""));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void saysWhatIsWrongWhereAndWhatWouldBeRight(Case bad) throws IOException {
        assertTrue(!bad.problems().isEmpty(), "the table says nothing of it");
        String yaml = String.join("\n", bad.yaml()).replace("@", LUNS) + "\n";
        assertProblems(yaml, bad.problems());
    }

    @Test
    void emptyFileNeedsKeys() throws IOException {
        assertProblems("", List.of("1: is empty; it needs portals and targets"));
        assertProblems("# nothing\n", List.of("1: is empty; it needs portals and targets"));
    }

    @Test
    void portalGroupsAreBounded() throws IOException {
        StringBuilder yaml = new StringBuilder("portals:\n");
        for (int group = 1; group <= 257; group++) {
            yaml.append("  - { listen: \"127.0.0.1:0\", group: %d }\n".formatted(group));
        }
        yaml.append("targets: [{iqn: iqn.2026-11.a:b, ").append(LUNS).append("}]\n");
        assertProblems(
                yaml.toString(),
                List.of("257: portals[255].group: there are at most 255 portal groups"));
    }

    @Test
    void nestingIsBounded() throws IOException {
        String yaml = "a:\n" + "  [\n".repeat(200_000);
        assertProblems(yaml, List.of("17: nests deeper than 16 levels"));
    }

    @Test
    void aliasesAreBounded() throws IOException {
        String yaml = "a: &a [1]\nb:\n" + "  - *a\n".repeat(ConfigurationFile.MAX_ALIASES + 1);
        assertProblems(yaml, List.of("67: has more than 64 aliases"));
    }

    @Test
    void nameOfATargetIsBounded() throws IOException {
        String yaml = PORTALS + "targets:\n  - iqn: iqn.2026-11.io.x:%s\n    " + LUNS;
        String head = "3: targets[0].iqn: \"iqn.2026-11.io.x:" + "a".repeat(63);
        assertProblems(
                String.format(yaml, "a".repeat(207)),
                List.of(head + "…\" has 224 bytes; at most 223 fit"));
    }

    @Test
    void pathOfASocketIsBounded() throws IOException {
        String path = "/" + "a".repeat(107);
        assertProblems(
                PORTALS
                        + "control: "
                        + path
                        + "\ntargets:\n  - iqn: iqn.2026-11.io.x:a\n    "
                        + LUNS,
                List.of(
                        "2: control: "
                                + path
                                + " is too long for a socket; at most 107 bytes fit"));
    }
}
