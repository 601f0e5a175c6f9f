package io.lunkeeper.target.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.Allocation;
import io.lunkeeper.lun.CacheMode;
import io.lunkeeper.lun.Guard;
import io.lunkeeper.lun.LunSpec;
import io.lunkeeper.lun.LunTuning;
import io.lunkeeper.target.config.Configuration.Access;
import io.lunkeeper.target.config.Configuration.Identifier;
import io.lunkeeper.target.config.Configuration.Lun;
import io.lunkeeper.target.config.Configuration.Portal;
import io.lunkeeper.target.config.Configuration.Target;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ConfigurationFileTest {
    private static final String PORTALS = "portals: [{listen: \"127.0.0.1:0\"}]\n";

    private static final String EVERY_KEY =
            """
            portals:
              - listen: "127.0.0.1:3260"
              - listen: "[::1]:3261"
                group: 7
            control: run/x.sock
            metrics: "127.0.0.1:9260"
            keepalive: 1min
            targets:
              - iqn: IQN.2026-11.io.X:A
                alias: Post & Büro
                initiators: ["IQN.1993-08.org.debian:*"]
                networks: [192.0.2.0/24]
                access-state: standby
                luns:
                  - lun: 5
                    image: sub/a.img
                    size: 1GiB
                    allocate: reserve
                    cache: direct
                    block-size: 4096
                    physical-block-size: 16384
                    serial: "abc 1"
                    uuid: 123E4567-e89b-42d3-a456-426614174000
                    eui: 0011223344556677
                    naa: 6001405F00000000000000000000000A
                    threads: 3
                    guard: deny
                    allocation-chunk: 1MiB
                    dirty-expire: 1500 ms
                    dirty-background-bytes: 1MiB
                    dirty-bytes: 3MiB
                    low-space: 5MiB
            """;

    private static final InetAddress SOMEWHERE = InetAddress.ofLiteral("192.0.2.1");

    @TempDir Path directory;

    private static InetSocketAddress at(String address, int port) {
        return new InetSocketAddress(address, port);
    }

    private Path write(String yaml) throws IOException {
        return Files.writeString(directory.resolve("x.yaml"), yaml);
    }

    private static Configuration read(Path file) throws ConfigurationException {
        return ConfigurationFile.read(file, EnumSet.allOf(Feature.class));
    }

    @Test
    void readsEveryKey() throws Exception {
        Path file = write(EVERY_KEY);
        LunSpec image =
                new LunSpec(
                        directory.resolve("sub/a.img"),
                        OptionalLong.of(1L << 30),
                        Allocation.RESERVE,
                        CacheMode.DIRECT,
                        4096,
                        false,
                        new LunTuning(
                                Guard.DENY,
                                1 << 20,
                                Duration.ofMillis(1500),
                                1 << 20,
                                3 << 20,
                                5 << 20,
                                3));
        List<Identifier> identifiers =
                List.of(
                        new Identifier(Identifier.Kind.NAA, "6001405f00000000000000000000000a"),
                        new Identifier(Identifier.Kind.EUI, "0011223344556677"),
                        new Identifier(Identifier.Kind.UUID, "123e4567e89b42d3a456426614174000"));
        Lun lun = new Lun(5, image, 16384, Optional.of("abc 1"), identifiers, 16);
        Target target =
                new Target(
                        "iqn.2026-11.io.x:a",
                        Optional.of("Post & Büro"),
                        List.of(
                                new Access(
                                        List.of("iqn.1993-08.org.debian:*"),
                                        List.of(
                                                new Network(
                                                        InetAddress.ofLiteral("192.0.2.0"), 24)),
                                        List.of(),
                                        Map.of())),
                        Configuration.AccessState.STANDBY,
                        true,
                        Optional.empty(),
                        List.of(lun),
                        9);
        assertEquals(
                new Configuration(
                        file,
                        List.of(
                                new Portal(at("127.0.0.1", 3260), 1, 2),
                                new Portal(at("::1", 3261), 7, 3)),
                        Optional.of(directory.resolve("run/x.sock")),
                        Optional.of(new Configuration.Metrics(at("127.0.0.1", 9260), 6)),
                        Optional.empty(),
                        Configuration.Limits.DEFAULT,
                        Duration.ofMinutes(1),
                        List.of(),
                        List.of(target)),
                read(file));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{connections: 500, connections-per-source: 400, logins: 300, logins-per-source: 2}"
                        + " | 500, 400, 300, 2",
                "{connections: 60000} | 60000, 2048, 2048, 1024",
                "{connections: 100}   | 100, 100, 100, 100",
                "{logins: 50}         | 8192, 2048, 50, 50"
            })
    void limitsThatAreNotGivenFitThoseThatAre(String given, String limits) throws Exception {
        String targets =
                "\ntargets: [{iqn: iqn.2026-11.io.x:a, luns: [{lun: 0, image: a, size: 512}]}]";
        Configuration.Limits read = read(write(PORTALS + "limits: " + given + targets)).limits();
        assertEquals(
                limits,
                read.connections()
                        + ", "
                        + read.connectionsPerSource()
                        + ", "
                        + read.logins()
                        + ", "
                        + read.loginsPerSource());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{to: \"192.0.2.20:3260\"} | /192.0.2.20:3260 | false",
                "{to: \"[2001:db8::1]:860\", permanent: true} | /[2001:db8:0:0:0:0:0:1]:860 | true",
                "{to: \"no-such-host.example:3260\"} | no-such-host.example/<unresolved>:3260 | false"
            })
    void targetThatHasMovedNeedsNoDisks(String given, String to, boolean permanent)
            throws Exception {
        String yaml = PORTALS + "targets: [{iqn: iqn.2026-11.io.x:a, moved: " + given + "}]";
        Target target = read(write(yaml)).targets().getFirst();
        assertEquals(List.of(), target.luns());
        Configuration.Moved moved = target.moved().orElseThrow();
        assertEquals(to, moved.to().toString());
        assertEquals(permanent, moved.permanent());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "192.0.2.5            | /192.0.2.5:3205",
                "192.0.2.5:33         | /192.0.2.5:33",
                "[2001:db8::5]        | /[2001:db8:0:0:0:0:0:5]:3205",
                "names.example        | names.example/<unresolved>:3205",
                "names.example:65535  | names.example/<unresolved>:65535"
            })
    void readsServersOfNames(String server, String expected) throws Exception {
        String yaml =
                PORTALS
                        + "isns: {servers: [\"%s\", other], entity: me}\n".formatted(server)
                        + "targets: [{iqn: iqn.2026-11.io.x:a, isns: false, luns:"
                        + " [{lun: 0, image: a, size: 512}]}]";
        Configuration read = read(write(yaml));
        Configuration.Isns isns = read.isns().orElseThrow();
        assertEquals(expected, isns.servers().getFirst().toString());
        assertEquals(2, isns.servers().size());
        assertEquals(Optional.of("me"), isns.entity());
        assertEquals(2, isns.line());
        assertEquals(false, read.targets().getFirst().isns());
    }

    @Test
    void fillsInTheDefaults() throws Exception {
        Path file =
                write(
                        PORTALS
                                + "targets: [{iqn: \"eui.02004567A425678D\", luns:"
                                + " [{lun: 0, image: a, size: 512}]}]");
        Target target = read(file).targets().getFirst();
        assertEquals("eui.02004567a425678d", target.iqn());
        assertEquals(
                List.of(new Access(List.of(), List.of(), List.of(), Map.of())), target.access());
        assertEquals(Configuration.AccessState.ACTIVE_OPTIMIZED, target.accessState());
        assertFalse(target.access("iqn.2026-11.io.x:anybody", SOMEWHERE).isEmpty());
        LunSpec image =
                new LunSpec(
                        directory.resolve("a"),
                        OptionalLong.of(512),
                        Allocation.SPARSE,
                        CacheMode.WRITE_BACK,
                        512,
                        false);
        assertEquals(
                List.of(new Lun(0, image, 4096, Optional.empty(), List.of(), 2)), target.luns());
    }

    @Test
    void createsNothing() throws Exception {
        Path file =
                write(
                        PORTALS
                                + "targets: [{iqn: \"iqn.2026-11.io.x:a\", luns:"
                                + " [{lun: 0, image: deep/down/a.img, size: 1MiB}]}]");
        read(file);
        try (var left = Files.list(directory)) {
            assertEquals(List.of(file), left.toList());
        }
    }

    @Test
    void aliasesStandForWhatTheyName() throws Exception {
        Path file =
                write(
                        PORTALS
                                + """
                                targets:
                                  - iqn: iqn.2026-11.io.x:a
                                    initiators: &us ["iqn.2026-11.io.x:h?"]
                                    luns: [{lun: 0, image: a, size: 1MiB}]
                                  - iqn: iqn.2026-11.io.x:b
                                    initiators: *us
                                    luns: [{lun: 0, image: b, size: 1MiB}]
                                """);
        Target second = read(file).targets().get(1);
        assertFalse(second.access("iqn.2026-11.io.x:h1", SOMEWHERE).isEmpty());
        assertTrue(second.access("iqn.2026-11.io.x:h12", SOMEWHERE).isEmpty());
    }

    @Test
    void refusesWhatTheServerLacksEachWithItsLine() throws Exception {
        Path file =
                write(
                        PORTALS
                                + """
                                control: x.sock
                                metrics: "127.0.0.1:9260"
                                targets:
                                  - iqn: iqn.2026-11.io.x:a
                                    luns: [{lun: 0, image: a, size: 1MiB}]
                                """);
        assertEquals(9260, read(file).metrics().orElseThrow().listen().getPort());
        ConfigurationException refusal =
                assertThrows(
                        ConfigurationException.class,
                        () -> ConfigurationFile.read(file, EnumSet.noneOf(Feature.class)));
        assertEquals(
                List.of(
                        new Problem(2, "control", Feature.CONTROL.refusal()),
                        new Problem(3, "metrics", Feature.METRICS.refusal())),
                refusal.problems());
    }

    @Test
    void refusesWhatIsNoTextFileOfReasonableSize() throws Exception {
        Path missing = directory.resolve("missing.yaml");
        assertEquals(missing + ": there is no such file", ConfigurationRejection.of(missing));
        assertEquals(
                directory + ": is a directory, not a configuration file",
                ConfigurationRejection.of(directory));
        Path large = write("#".repeat(ConfigurationFile.MAX_BYTES + 1));
        assertEquals(
                large + ": is larger than 1048576 bytes; is it the right file?",
                ConfigurationRejection.of(large));
        Path binary = Files.write(directory.resolve("b"), new byte[] {'a', '\n', (byte) 0xff});
        assertEquals(binary + ":2: is not UTF-8 text", ConfigurationRejection.of(binary));
        Path control = write("a: 1\nb: \u0007");
        assertEquals(
                control + ":2: has the unprintable character U+0007; remove it",
                ConfigurationRejection.of(control));
    }

    @Test
    void stopsListingAfterTheLimit() throws Exception {
        StringBuilder yaml = new StringBuilder(PORTALS).append("targets:\n");
        for (int i = 0; i < Problems.MAX_REPORTED + 3; i++) {
            yaml.append("  - 1\n");
        }
        List<String> lines = ConfigurationRejection.of(write(yaml.toString())).lines().toList();
        assertEquals(Problems.MAX_REPORTED + 1, lines.size());
        assertTrue(lines.getLast().endsWith(": and 3 more"), lines.getLast());
    }
}
