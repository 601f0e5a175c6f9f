package io.lunkeeper.tests.conf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The schema that editors use takes what the program takes, and refuses wrong structure.
final class ShippedConfigurationTest {
    private static final Path CONF = Path.of("..", "conf");

    private static final String RIGHT =
            """
            portals: [{listen: "127.0.0.1:3260", group: 1}]
            control: run/x.sock
            metrics: "[::1]:9260"
            isns: {servers: ["192.0.2.5", "names.example:3205", "[2001:db8::5]"], entity: me}
            limits: {connections: 9, connections-per-source: 8, logins: 7, logins-per-source: 6}
            keepalive: 5s
            targets:
              - iqn: iqn.2026-11.io.x:a
                initiators: ["iqn.*"]
                networks: [10.0.0.0/8, "fd00::1"]
                auth: {user: a, secret-file: s, mutual: {user: b, secret-file: t}}
                isns: false
                moved: {to: "192.0.2.20:3260", permanent: true}
                luns:
                  - {lun: 0, image: a, size: 4GiB, allocate: full, cache: direct, block-size: 512,
                     physical-block-size: 4096, read-only: false, serial: "s 1", threads: 2}
              - iqn: iqn.2026-11.io.x:b
                access:
                  - {initiators: ["iqn.2026-11.io.y:1"], auth: {user: c, secret-file: u}}
                  - {networks: [192.0.2.0/24], luns: [0]}
                  - {networks: [192.0.2.9], luns: [0, {lun: 3, as: 16383}]}
                luns: [{lun: 0, image: b}]
            """;

    private static Schema schema() throws IOException {
        return SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(
                        Files.readString(CONF.resolve("lunkeeper.schema.json")), InputFormat.JSON);
    }

    private static List<Error> errors(String yaml) throws IOException {
        return schema().validate(yaml, InputFormat.YAML);
    }

    @Test
    void schemaTakesEveryShippedFile() throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(CONF, "*.yaml")) {
            found.forEach(files::add);
        }
        assertTrue(files.size() >= 2, files::toString);
        for (Path file : files) {
            String yaml = Files.readString(file);
            assertEquals(List.of(), errors(yaml), file.toString());
            assertTrue(
                    yaml.startsWith("# yaml-language-server: $schema=lunkeeper.schema.json\n"),
                    file.toString());
        }
    }

    @Test
    void fullExampleIsRightWithTheKeysThatItLeavesOut() throws IOException {
        String uncommented =
                Files.readString(CONF.resolve("lunkeeper.yaml"))
                        .replaceAll(
                                "(?m)^( *)# ((control|metrics|isns|discovery-auth|networks|auth|mutual|moved): ?.*)$",
                                "$1$2")
                        .replaceAll(
                                "(?m)^( *)# ( +(- user|user|secret-file|mutual|to|permanent|servers|entity): ?.*)$",
                                "$1$2");
        assertTrue(uncommented.contains("\n    auth:\n      - user: alice\n"), uncommented);
        assertEquals(List.of(), errors(uncommented));
    }

    @Test
    void fullExampleIsRightWithAccess() throws IOException {
        String instead =
                Files.readString(CONF.resolve("lunkeeper.yaml"))
                        .replaceFirst("(?m)^    initiators:\\n(      - .*\\n)+", "")
                        .replaceAll("(?m)^    # (access:|  - \\{ .*)$", "    $1");
        assertTrue(instead.contains("\n    access:\n      - { initiators: "), instead);
        assertEquals(List.of(), errors(instead));
    }

    @Test
    void schemaTakesEveryKey() throws IOException {
        assertEquals(List.of(), errors(RIGHT));
    }

    @Test
    void onlyATargetThatHasMovedNeedsNoDisks() throws IOException {
        String moved = RIGHT.substring(0, RIGHT.indexOf("    luns:"));
        assertEquals(List.of(), errors(moved));
        assertFalse(errors(moved.replaceFirst(" +moved: .*\n", "")).isEmpty());
    }

    /// Each is a replacement in the right file: what is before the arrow by what is after it.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "portals: -> portal:",
                "targets: -> target:",
                "[{listen: \"127.0.0.1:3260\", group: 1}] -> []",
                "listen: -> address:",
                "\"127.0.0.1:3260\" -> \"127.0.0.1\"",
                "\"127.0.0.1:3260\" -> 3260",
                "group: 1 -> group: 0",
                "group: 1 -> group: one",
                "run/x.sock -> 5",
                "names.example:3205 -> names:example",
                "\"192.0.2.5\", -> 3205,",
                "\"[2001:db8::5]\" -> \"192.0.2.5\"",
                "entity: me -> entity: 5",
                "isns: false -> isns: 0",
                "iqn: iqn.2026-11.io.x:a -> name: x",
                "iqn.2026-11.io.x:a -> iqn.2026-13.io.x:a",
                "iqn.2026-11.io.x:a -> vm1",
                "user: a, -> ",
                "secret-file: t -> secret: t",
                "connections: 9 -> connections: 0",
                "logins: 7 -> logins: many",
                "logins-per-source: 6 -> logins-per-target: 6",
                "to: \"192.0.2.20:3260\", -> ",
                "192.0.2.20:3260 -> 192.0.2.20",
                "permanent: true -> permanent: 1",
                "moved: {to: \"192.0.2.20:3260\", permanent: true} -> moved: 192.0.2.20:3260",
                "lun: 0, -> ",
                "lun: 0 -> lun: 16384",
                "lun: 0 -> lun: -1",
                "image: a, -> ",
                "image: a -> images: a",
                "4GiB -> 4G",
                "4GiB -> -512",
                "full -> thick",
                "direct -> writeback",
                "block-size: 512 -> block-size: 1024",
                "physical-block-size: 4096 -> physical-block-size: 5000",
                "read-only: false -> read-only: \"no\"",
                "\"s 1\" -> \"s \"",
                "threads: 2 -> threads: 0",
            })
    void schemaRefusesWrongStructure(String change) throws IOException {
        assertRefuses(change);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[\"iqn.*\"] -> []",
                "[\"iqn.*\"] -> \"iqn.*\"",
                "[10.0.0.0/8, \"fd00::1\"] -> []",
                "\"fd00::1\" -> localhost",
                "\"fd00::1\" -> 10.0",
                "networks: [192.0.2.0/24], luns -> luns",
                "luns: [0]} -> luns: []}",
                "luns: [0]} -> luns: [16384]}",
                "luns: [0]} -> luns: [{lun: 0}]}",
                "16383 -> 16384",
                "16383 -> one",
                "lun: 3, as -> as",
                "lun: 3, as -> lun: 3, at: 5, as",
                "access: -> networks: [192.0.2.0/24]\n    access:"
            })
    void schemaRefusesWrongAccess(String change) throws IOException {
        assertRefuses(change);
    }

    private static void assertRefuses(String change) throws IOException {
        String[] parts = change.split(" -> ", 2);
        assertTrue(RIGHT.contains(parts[0]), change);
        String wrong = RIGHT.replace(parts[0], parts[1]);
        assertFalse(errors(wrong).isEmpty(), wrong);
    }
}
