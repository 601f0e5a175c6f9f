package io.lunkeeper.tests.conf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.rig.Checkout;
import io.lunkeeper.tests.rig.FreePort;
import io.lunkeeper.tests.rig.Tool;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// An installation that was trained once: what it is used for, and when it is not.
final class TrainingTest {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final String IQN = "iqn.2026-11.io.lunkeeper:trained";
    private static final int BLOCK_BYTES = 512;

    @TempDir private static Path directory;

    private static Path installation;

    /// What the training said, on both streams.
    private static String said;

    @BeforeAll
    static void installAndTrain() throws IOException {
        installation = Files.createDirectories(directory.resolve("opt dir/lunkeeper"));
        for (String name : List.of("bin", "lib", "conf")) {
            Files.createDirectory(installation.resolve(name));
        }
        Path module = Checkout.root().resolve("target-server");
        copy(module.resolve("bin"), "lunkeeper", "bin");
        copy(module.resolve("target"), "*.jar", "lib");
        copy(module.resolve("target/lib"), "*.jar", "lib");
        copy(Checkout.root().resolve("conf"), "log4j2.xml", "conf");
        said = Tool.of(launcher(), "train").within(LIMIT).succeed();
    }

    private static void copy(Path from, String glob, String to) throws IOException {
        for (Path file : list(from, glob)) {
            Files.copy(file, installation.resolve(to).resolve(from.relativize(file)));
        }
    }

    private static List<Path> list(Path folder, String glob) throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(folder, glob)) {
            found.forEach(files::add);
        }
        return files;
    }

    private static String launcher() {
        return installation.resolve("bin/lunkeeper").toString();
    }

    private static Path cache() throws IOException {
        List<Path> found = list(installation.resolve("lib"), "*.aot");
        assertEquals(1, found.size(), found::toString);
        return found.getFirst();
    }

    /// What a short command says, on both streams.
    private static String version(String options) {
        return Tool.of("env", "LUNKEEPER_JAVA_OPTS=" + options, launcher(), "version")
                .within(LIMIT)
                .succeed();
    }

    private static boolean startsFromCache() {
        return version("-Xlog:class+load")
                .contains("io.lunkeeper.target.Main source: shared objects file");
    }

    private static void assertQuiet(String options) {
        String output = version(options);
        assertEquals(1, output.lines().count(), output);
        assertTrue(output.startsWith("lunkeeper "), output);
    }

    @Test
    void leavesOneCacheAndNothingElse() throws IOException {
        assertEquals("lunkeeper trained\n", said);
        assertTrue(Files.size(cache()) > 0);
        assertEquals(
                List.of(),
                list(installation.resolve("lib"), "*").stream()
                        .filter(file -> !file.toString().matches(".*\\.(jar|aot)"))
                        .toList());
        assertTrue(startsFromCache());
    }

    @Test
    void trainedServerServesQuietly() throws Exception {
        int port = FreePort.find();
        Path file =
                Files.writeString(
                        directory.resolve("trained.yaml"),
                        """
                        portals: [{ listen: "127.0.0.1:%d" }]
                        targets:
                          - iqn: %s
                            luns: [{ lun: 0, image: trained.img, size: 8MiB }]
                        """
                                .formatted(port, IQN));
        Path err = directory.resolve("stderr");
        Process server =
                new ProcessBuilder(launcher(), "serve", "--config", file.toString())
                        .redirectError(err.toFile())
                        .start();
        try (BufferedReader out = server.inputReader()) {
            assertEquals("lunkeeper ready: 127.0.0.1:" + port, out.readLine());
            writeAndRead(port);
            server.destroy();
            assertTrue(server.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS));
            assertEquals(0, server.exitValue());
        } finally {
            server.destroyForcibly();
        }
        String log = Files.readString(err);
        assertFalse(log.contains("aot") || log.contains("WARN"), log);
    }

    private static void writeAndRead(int port) throws IOException {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        try (RawInitiator initiator = RawInitiator.connect(address)) {
            initiator.login(IQN);
            initiator.clearUnitAttentions(0);
            byte[] data = new byte[BLOCK_BYTES];
            data[0] = 1;
            assertEquals(0, initiator.write(0, Cdb.write10(7, 1), data).status());
            assertArrayEquals(data, initiator.read(0, Cdb.read10(7, 1), BLOCK_BYTES).data());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-XX:-UseSerialGC -XX:+UseParallelGC",
                "-XX:-UseSerialGC -XX:+UseZGC",
                "-XX:-UseCompactObjectHeaders",
                "-XX:-UseCompressedOops",
                "--add-opens=java.base/java.lang=ALL-UNNAMED",
                "-Xshare:off",
            })
    void otherOptionsMakeNoNoise(String options) {
        assertQuiet(options);
    }

    @Test
    void brokenCacheMakesNoNoise() throws IOException {
        Path cache = cache();
        Path whole = Files.move(cache, cache.resolveSibling("whole"));
        try {
            Files.write(cache, new byte[5000]);
            assertQuiet("");
            assertFalse(startsFromCache());
        } finally {
            Files.move(whole, cache, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /// Java 25 would run what was in the jar when it was trained.
    @Test
    void changedJarIsWhatRuns() throws IOException {
        Path jar = list(installation.resolve("lib"), "target-server-*.jar").getFirst();
        byte[] before = Files.readAllBytes(jar);
        try {
            try (FileSystem inside = FileSystems.newFileSystem(jar)) {
                Files.writeString(inside.getPath("changed"), "changed");
            }
            assertQuiet("");
            assertFalse(startsFromCache());
        } finally {
            Files.write(jar, before);
        }
        assertTrue(startsFromCache());
    }
}
