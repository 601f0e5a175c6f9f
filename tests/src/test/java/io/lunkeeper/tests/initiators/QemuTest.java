package io.lunkeeper.tests.initiators;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// QEMU's iSCSI driver: whole images in and out, and patterns with discard, write zeroes and flush.
@Tag("qemu")
@ExtendWith(ShowServerLog.class)
class QemuTest {
    private static final Duration LIMIT = Duration.ofMinutes(3);

    private static final int SMALL = 0;
    private static final int MAIN = 1;
    private static final int BLOCKS_4K = 2;
    private static final int WRITE_THROUGH = 3;

    private static final int MIB = 1 << 20;
    private static final int IMAGE_MIB = 1024;

    @AutoClose private static ServerProcess server;

    @BeforeAll
    static void startServer() {
        server =
                ServerProcess.start(
                        Lun.sized(SMALL, "8MiB"),
                        Lun.sized(MAIN, IMAGE_MIB + "MiB"),
                        Lun.sized(BLOCKS_4K, IMAGE_MIB + "MiB").withBlockSize(4096),
                        Lun.sized(WRITE_THROUGH, "256MiB").with("cache", "write-through"));
    }

    /// A gigabyte of random data with a hole in its middle goes in and comes back the same.
    @ParameterizedTest
    @ValueSource(ints = {MAIN, BLOCKS_4K})
    void convertsWholeImageInAndComparesIt(int lun) throws IOException {
        long seed = new Random().nextLong();
        System.out.println("QemuTest image: seed=" + seed);
        Path image = server.folder().resolve("random-" + lun + ".img");
        writeRandom(image, seed);
        try {
            qemuImg("convert", "-n", "-W", "-f", "raw", "-O", "raw", image.toString(), url(lun));
            qemuImg("compare", "-f", "raw", "-F", "raw", image.toString(), url(lun));
            Path back = server.folder().resolve("back-" + lun + ".img");
            qemuImg("convert", "-f", "raw", "-O", "raw", url(lun), back.toString());
            assertEquals(-1, Files.mismatch(image, back), "first difference");
            Files.delete(back);
        } finally {
            Files.delete(image);
        }
    }

    private static void writeRandom(Path image, long seed) throws IOException {
        byte[] chunk = new byte[MIB];
        byte[] hole = new byte[MIB];
        Random random = new Random(seed);
        try (OutputStream out = Files.newOutputStream(image)) {
            for (int mib = 0; mib < IMAGE_MIB; mib++) {
                random.nextBytes(chunk);
                out.write(mib >= 400 && mib < 420 ? hole : chunk);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {MAIN, BLOCKS_4K, WRITE_THROUGH})
    void readsBackPatternsThroughNewConnection(int lun) {
        List<String> writes = new ArrayList<>();
        List<String> reads = new ArrayList<>();
        for (int i = 1; i <= 40; i++) {
            int lengthBytes = 4096 * (1 + i * i % 300);
            long offset = i * 3L * MIB;
            writes.add("write -P %d %d %d".formatted(i, offset, lengthBytes));
            reads.add("read -P %d %d %d".formatted(i, offset, lengthBytes));
        }
        writes.add("flush");
        qemuIo(lun, writes);
        qemuIo(lun, reads);
    }

    @ParameterizedTest
    @ValueSource(ints = {MAIN, BLOCKS_4K, WRITE_THROUGH})
    void zeroesAndDiscardsWhatItIsToldAndNothingElse(int lun) {
        qemuIo(
                lun,
                List.of(
                        "write -P 0xab 0 8M",
                        "write -z 1M 1M",
                        "write -z -u 3M 1M",
                        "discard 5M 1M",
                        "flush",
                        "read -P 0xab 0 1M",
                        "read -P 0 1M 1M",
                        "read -P 0xab 2M 1M",
                        "read -P 0 3M 1M",
                        "read -P 0xab 4M 1M",
                        "read -P 0 5M 1M",
                        "read -P 0xab 6M 2M",
                        "write -P 0xcd 5M 64k",
                        "read -P 0xcd 5M 64k",
                        "read -P 0 5308416 65536"));
    }

    @Test
    void overlapsManyWritesInFlight() {
        List<String> commands = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            commands.add("aio_write -P %d %dk 64k".formatted(i + 1, i * 64));
        }
        commands.add("aio_flush");
        for (int i = 0; i < 64; i++) {
            commands.add("read -P %d %dk 64k".formatted(i + 1, i * 64));
        }
        qemuIo(MAIN, commands);
    }

    @Test
    void keepsLunsApart() {
        for (int lun = MAIN; lun <= WRITE_THROUGH; lun++) {
            qemuIo(lun, List.of("write -P %d 128M 1M".formatted(0x10 + lun), "flush"));
        }
        for (int lun = MAIN; lun <= WRITE_THROUGH; lun++) {
            qemuIo(lun, List.of("read -P %d 128M 1M".formatted(0x10 + lun)));
        }
    }

    private static String url(int lun) {
        return server.url(lun);
    }

    private static void qemuImg(String... arguments) {
        List<String> command = new ArrayList<>(List.of("qemu-img"));
        command.addAll(List.of(arguments));
        Tool.of(command.toArray(String[]::new)).within(LIMIT).succeed();
    }

    /// qemu-io exits with 0 after a pattern that does not match on some versions, so its output is
    /// searched as well.
    private static void qemuIo(int lun, List<String> commands) {
        List<String> command = new ArrayList<>(List.of("qemu-io", "-f", "raw", "-t", "none"));
        commands.forEach(text -> command.addAll(List.of("-c", text)));
        command.add(url(lun));
        String output = Tool.of(command.toArray(String[]::new)).within(LIMIT).succeed();
        assertTrue(
                !output.contains("failed") && !output.contains("error"), () -> commands + output);
    }
}
