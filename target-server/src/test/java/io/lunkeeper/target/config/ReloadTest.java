package io.lunkeeper.target.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
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

    private void secret() throws IOException {
        Path file = Files.writeString(directory.resolve("s"), "a secret of alice\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
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
                "luns:            | luns:\\n      - { lun: 7, image: c.img, size: 1MiB }",
                "{ lun: 0, image: a.img, size: 1MiB } | { lun: 7, image: c.img, size: 1MiB }",
                "lun: 0,          | lun: 7,",
                "- { lun: 0, image: a.img, size: 1MiB } | # nothing",
                "io.x:a           | io.x:b",
                "io.x:a           | io.x:a\\n    moved: { to: \"192.0.2.20:3260\" }",
                "targets:         | limits: { connections: 10 }\\ntargets:",
                "targets:         | keepalive: 5s\\ntargets:",
                "initiators: [\"*\"] | initiators: [\"*\"]\\n    access-state: standby",
                "initiators: [\"*\"] | initiators: [\"iqn.2026-11.io.y:*\"]",
                "initiators: [\"*\"] | initiators: [\"*\"]\\n    isns: false",
                "initiators: [\"*\"] | networks: [192.0.2.0/24]",
                "initiators: [\"*\"] | auth: { user: a, secret-file: s }",
                "initiators: [\"*\"] | access: [{ initiators: [\"*\"] }]",
                "targets:         | discovery-auth: { user: a, secret-file: s }\\ntargets:",
                "targets:         | targets:\\n  - iqn: iqn.2026-11.io.x:b"
                        + "\\n    luns: [{ lun: 0, image: c.img, size: 1MiB }]"
            })
    void targetsLunsAndInitiatorsMayComeAndGoAndStatesChange(String from, String to)
            throws Exception {
        secret();
        String changed = SERVED.replace(from, to.replace("\\n", "\n"));
        assertTrue(!changed.equals(SERVED), from);
        Reload.check(read(SERVED), read(changed));
        Reload.check(read(changed), read(SERVED));
    }

    @Test
    void anotherImageUnderTheSameNumberNeedsTwoSteps() throws Exception {
        Configuration served = read(SERVED);
        Configuration wanted = read(SERVED.replace("b.img", "c.img"));
        ConfigurationException e =
                assertThrows(ConfigurationException.class, () -> Reload.check(served, wanted));
        assertEquals(
                List.of(
                        new Problem(
                                8,
                                "targets[0].luns[1].image",
                                "LUN 1 is served from "
                                        + directory.resolve("b.img")
                                        + "; another disk must not take its place unnoticed: give"
                                        + " the new image another number, or take the LUN out,"
                                        + " reload, and add it again")),
                e.problems());
        String second = "      - { lun: 1, image: b.img, size: 1MiB, serial: b }\n";
        Configuration without = read(SERVED.replace(second, ""));
        Reload.check(served, without);
        Reload.check(without, wanted);
    }

    /// So does another LUN under a number that somebody sees; what counts is what the same
    /// initiators see with the same credentials.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{ lun: 1, as: 0 }                | 0                                | 1 | 0",
                "0                                | { lun: 1, as: 0 }                | 0 | 0",
                "{ lun: 1, as: 0 }                |                                  | 1 | 0",
                "                                 | 1, { lun: 0, as: 2 }             |   |  ",
                "                                 | { lun: 0, as: 1 }                | 1 | 1",
                "{ lun: 0, as: 5 }                | { lun: 1, as: 5 }                | 0 | 5",
                "{ lun: 0, as: 5 }                | { lun: 0, as: 6 }, 1             |   |  ",
                "{ lun: 0, as: 5 }                | 1                                |   |  "
            })
    void anotherLunUnderTheSameNumberNeedsTwoSteps(
            @Nullable String before, @Nullable String after, @Nullable Integer lun, Integer as)
            throws Exception {
        Configuration served = read(seeing(before));
        Configuration wanted = read(seeing(after));
        Reload.check(served, served);
        if (lun == null) {
            Reload.check(served, wanted);
            return;
        }
        ConfigurationException e =
                assertThrows(ConfigurationException.class, () -> Reload.check(served, wanted));
        Problem problem = e.problems().getFirst();
        assertEquals(List.of(problem), e.problems());
        assertEquals("4 targets[0].access[0].luns", problem.line() + " " + problem.key());
        assertTrue(
                problem.message().startsWith("LUN " + lun + " is seen as " + as + "; another disk"),
                problem.message());
        Configuration without = read(seeing("{ lun: 0, as: 99 }"));
        Reload.check(served, without);
        Reload.check(without, wanted);
    }

    /// Somebody who sees these LUNs, null: all, beside others who see all.
    private String seeing(@Nullable String luns) throws IOException {
        secret();
        String entry =
                luns == null
                        ? "{ networks: [10.0.0.1] }"
                        : "{ networks: [10.0.0.1], luns: [" + luns + "] }";
        String auth = "auth: { user: a, secret-file: s }";
        return SERVED.replace(
                "initiators: [\"*\"]",
                "access: ["
                        + entry
                        + ", { networks: [10.0.0.1], "
                        + auth
                        + ", luns: [{ lun: 1, as: 5 }] }]");
    }

    @Test
    void targetsAndLunsAreTheSameWhereverTheyStand() throws Exception {
        String two =
                SERVED
                        + "  - { iqn: iqn.2026-11.io.y:b, luns: [{ lun: 0, image: c.img, size: 1MiB }] }\n";
        String turned =
                """
                portals:
                  - listen: "127.0.0.1:3260"
                targets:
                  - { iqn: iqn.2026-11.io.y:b, luns: [{ lun: 0, image: c.img, size: 1MiB }] }
                  - iqn: iqn.2026-11.io.x:a
                    initiators: ["*"]
                    luns:
                      - { lun: 1, image: b.img, size: 1MiB, serial: b }
                      - { lun: 0, image: a.img, size: 1MiB }
                """;
        Reload.check(read(two), read(turned));
        ConfigurationException e =
                assertThrows(
                        ConfigurationException.class,
                        () ->
                                Reload.check(
                                        read(two), read(turned.replace("serial: b", "serial: c"))));
        assertEquals(
                List.of("8 targets[1].luns[0]"),
                e.problems().stream().map(p -> p.line() + " " + p.key()).toList());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "3260             | 3261                                 | 2: portals[0]",
                "portals:         | portals:\\n  - listen: \"[::1]:3260\"  | 3: portals",
                "serial: b        | serial: c                            | 8: targets[0].luns[1]",
                "serial: b        | serial: b, eui: 0123456789abcdef     | 8: targets[0].luns[1]",
                "serial: b        | allocate: full                       | 8: targets[0].luns[1]",
                "serial: b        | serial: b, dirty-expire: 9s          | 8: targets[0].luns[1]",
                "targets:         | metrics: \"127.0.0.1:1\"\\ntargets:  | 3: metrics",
                "targets:         | isns: {servers: [a]}\\ntargets:    | 3: isns"
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
