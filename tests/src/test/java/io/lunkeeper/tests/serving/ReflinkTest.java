package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// An image that is copied by reflink while it is served: its blocks then belong to two files, and
/// what is written to one must not be seen in the other.
@ExtendWith(ShowServerLog.class)
final class ReflinkTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int INVALID_FIELD_IN_CDB = 0x52400;
    private static final int BLOCKS_OF_MIB = 1 << 11;

    private static Tool.Outcome run(String... command) {
        return Tool.of(command).within(LIMIT).run();
    }

    private interface Check {
        void on(Path folder) throws Exception;
    }

    private static void onFileSystem(String type, Check check) throws Exception {
        Path folder = Files.createTempDirectory("lunkeeper-reflink");
        Path device = Files.createTempFile("lunkeeper-reflink", "." + type);
        run("truncate", "-s", "512M", device + "");
        boolean mounted =
                run("mkfs." + type, "-q", device + "").exit() == 0
                        && run("mount", "-o", "loop", device + "", folder + "").exit() == 0;
        try {
            assumeTrue(mounted, "needs mkfs." + type + " and the privilege to mount");
            check.on(folder);
        } finally {
            run("umount", "-l", folder + "");
            Files.deleteIfExists(folder);
            Files.deleteIfExists(device);
        }
    }

    private static byte[] filled(int value) {
        byte[] bytes = new byte[1 << 20];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static void write(RawInitiator initiator, int mib, int value) throws IOException {
        byte[] cdb = Cdb.write10(mib * BLOCKS_OF_MIB, BLOCKS_OF_MIB);
        assertEquals(ScsiResult.GOOD, initiator.write(0, cdb, filled(value)).status());
    }

    private static void assertReads(RawInitiator initiator, int mib, int value) throws IOException {
        byte[] cdb = Cdb.read10(mib * BLOCKS_OF_MIB, BLOCKS_OF_MIB);
        assertArrayEquals(filled(value), initiator.read(0, cdb, 1 << 20).data());
    }

    private static void flush(RawInitiator initiator) throws IOException {
        byte[] cdb = Cdb.synchronizeCache10(0, 0);
        assertEquals(ScsiResult.GOOD, initiator.read(0, cdb, 0).status());
    }

    private static void assertHas(Path file, int mib, int value) throws IOException {
        byte[] bytes = new byte[1 << 20];
        try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "r")) {
            opened.seek((long) mib << 20);
            opened.readFully(bytes);
        }
        assertArrayEquals(filled(value), bytes);
    }

    private static void awaitLog(ServerProcess server, String text) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!server.log().contains(text)) {
            assertTrue(System.nanoTime() < deadline, () -> "never logged: " + text);
            Thread.sleep(50);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"xfs", "btrfs"})
    void copyIsNoticedAndStaysAsItWas(String type) throws Exception {
        onFileSystem(
                type,
                folder -> {
                    Path image = folder.resolve("vm.img");
                    Path copy = folder.resolve("copy.img");
                    Lun lun = Lun.sized(0, "64MiB").over(image).with("size", "64MiB");
                    try (ServerProcess server = ServerProcess.start(lun);
                            RawInitiator initiator = RawInitiator.connect(server.address())) {
                        assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
                        initiator.clearUnitAttentions(0);
                        for (int mib = 0; mib < 8; mib++) {
                            write(initiator, mib, 1);
                        }
                        flush(initiator);
                        Tool.of("cp", "--reflink=always", image + "", copy + "")
                                .within(LIMIT)
                                .succeed();
                        awaitLog(server, "opened it");
                        awaitLog(server, "shared with other files");
                        for (int mib : List.of(2, 3, 7)) {
                            write(initiator, mib, 2);
                        }
                        flush(initiator);
                        assertReads(initiator, 1, 1);
                        assertReads(initiator, 3, 2);
                        assertReads(initiator, 7, 2);
                        for (int mib = 0; mib < 8; mib++) {
                            assertHas(copy, mib, 1);
                        }
                    }
                    assertHas(image, 6, 1);
                    assertHas(image, 7, 2);
                });
    }

    /// The other file would keep what is to be erased.
    @ParameterizedTest
    @ValueSource(strings = "xfs")
    void anImageThatSharesBlocksIsNotOverwritten(String type) throws Exception {
        onFileSystem(
                type,
                folder -> {
                    Path image = folder.resolve("vm.img");
                    Path copy = folder.resolve("copy.img");
                    byte[] cdb = {0x48, 0x01, 0, 0, 0, 0, 0, 0, 5, 0};
                    byte[] pattern = {1, 0, 0, 1, 0x3c};
                    Lun lun = Lun.sized(0, "64MiB").over(image).with("size", "64MiB");
                    try (ServerProcess server = ServerProcess.start(lun);
                            RawInitiator initiator = RawInitiator.connect(server.address())) {
                        assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
                        initiator.clearUnitAttentions(0);
                        write(initiator, 5, 1);
                        flush(initiator);
                        run("cp", "--reflink=always", image + "", copy + "");
                        ScsiResult refused = initiator.write(0, cdb, pattern);
                        assertEquals(INVALID_FIELD_IN_CDB, refused.senseCode());
                        assertReads(initiator, 5, 1);
                        awaitLog(server, "other files share its blocks");
                    }
                });
    }

    @ParameterizedTest
    @ValueSource(strings = {"xfs", "btrfs"})
    void guardThatDeniesRefusesTheCopy(String type) throws Exception {
        OwnershipTest.assumeGuard();
        onFileSystem(
                type,
                folder -> {
                    Path image = folder.resolve("vm.img");
                    Lun lun = Lun.sized(0, "64MiB").over(image).with("size", "64MiB");
                    try (ServerProcess server = ServerProcess.start(lun.with("guard", "deny"))) {
                        Tool.Outcome copy =
                                run("cp", "--reflink=always", image + "", image + ".copy");
                        assertNotEquals(0, copy.exit(), copy.output());
                        awaitLog(server, "cp (pid ");
                    }
                });
    }
}
