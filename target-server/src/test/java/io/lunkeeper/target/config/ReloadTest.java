package io.lunkeeper.target.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReloadTest {
    private static final String SERVED =
            """
            portals:
              - listen: "127.0.0.1:3260"
            targets:
              - iqn: iqn.2026-11.io.x:a
                initiators: ["*"]
                luns:
                  - { lun: 0, image: a.img, size: 1MiB }
                  - { lun: 1, image: b.img, size: 1MiB, serial: b }
            """;

    @TempDir Path directory;

    private Configuration read(String text) throws IOException, ConfigurationException {
        Path file = directory.resolve("x.yaml");
        Files.writeString(file, text);
        return ConfigurationFile.read(file, Set.of());
    }

    @Test
    void sizesLinesAndOrderOfKeysMayDiffer() throws Exception {
        Configuration served = read(SERVED);
        Reload.check(served, read(SERVED));
        Reload.check(served, read("# a comment\n" + SERVED.replace("1MiB", "2MiB")));
        Reload.check(
                served,
                read(SERVED.replace("lun: 0, image: a.img, size", "image: a.img, lun: 0, size")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "3260             | 3261                                 | 2: portals[0]",
                "portals:         | portals:\\n  - listen: \"[::1]:3260\"  | 3: portals",
                "io.x:a           | io.x:b                               | 4: targets[0].iqn",
                "[\"*\"]          | [\"iqn.2026-11.io.y:*\"]             | 4: targets[0].initiators",
                "luns:            | luns:\\n      - { lun: 7, image: c.img, size: 1MiB } "
                        + "| 4: targets[0].luns",
                "serial: b        | serial: c                            | 8: targets[0].luns[1]",
                "b.img            | c.img                                | 8: targets[0].luns[1]",
                "serial: b        | allocate: full                       | 8: targets[0].luns[1]",
                "serial: b        | serial: b, dirty-expire: 9s          | 8: targets[0].luns[1]",
                "targets:         | metrics: \"127.0.0.1:1\"\\ntargets:  | 3: metrics"
            })
    void everythingElseIsNamedWithItsLine(String from, String to, String where) throws Exception {
        Configuration served = read(SERVED);
        Set<Feature> all = Set.of(Feature.values());
        Path file = directory.resolve("x.yaml");
        String changed = SERVED.replace(from, to.replace("\\n", "\n"));
        assertTrue(!changed.equals(SERVED), from);
        Files.writeString(file, changed);
        Configuration wanted = ConfigurationFile.read(file, all);
        ConfigurationException e =
                assertThrows(ConfigurationException.class, () -> Reload.check(served, wanted));
        assertEquals(
                file
                        + (where.startsWith(":") ? "" : ":")
                        + where
                        + ": it cannot change while the server runs; restart it, or take the change"
                        + " back",
                String.valueOf(e.getMessage()).lines().findFirst().orElseThrow());
    }
}
