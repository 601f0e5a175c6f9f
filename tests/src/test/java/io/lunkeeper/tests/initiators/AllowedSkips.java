package io.lunkeeper.tests.initiators;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/// The table of tests that may be skipped, each with its reason, and which of its lines were used.
final class AllowedSkips {
    private record Line(String pattern, String reason) {
        boolean matches(String name) {
            return pattern.endsWith("*")
                    ? name.startsWith(pattern.substring(0, pattern.length() - 1))
                    : name.equals(pattern);
        }
    }

    private final List<Line> lines = new ArrayList<>();
    private final Set<Line> used = new HashSet<>();

    /// Reads tables beside this class. Of several lines about one test the first counts.
    AllowedSkips(String... resources) {
        for (String resource : resources) {
            read(resource);
        }
    }

    private void read(String resource) {
        try (InputStream in = AllowedSkips.class.getResourceAsStream(resource)) {
            String text = new String(Objects.requireNonNull(in, resource).readAllBytes(), UTF_8);
            for (String line : text.lines().toList()) {
                if (line.isBlank() || line.startsWith("#")) {
                    continue;
                }
                String[] columns = line.split("\\s+", 2);
                if (columns.length < 2) {
                    throw new IllegalArgumentException("no reason in " + resource + ": " + line);
                }
                lines.add(new Line(columns[0], columns[1]));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Why this test may be skipped, when it may.
    Optional<String> reasonFor(String name) {
        Optional<Line> found = lines.stream().filter(line -> line.matches(name)).findFirst();
        found.ifPresent(used::add);
        return found.map(Line::reason);
    }

    /// Why a test is not run at all, when it is not: its line begins with `!`.
    Optional<String> reasonNotToRun(String name) {
        return reasonFor("!" + name);
    }

    /// Lines that [#reasonFor] never needed.
    List<String> unused() {
        return lines.stream()
                .filter(line -> !used.contains(line))
                .map(line -> line.pattern() + "  " + line.reason())
                .toList();
    }
}
