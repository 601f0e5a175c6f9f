package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
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
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// A file system that runs full, and what initiators hear of it.
@ExtendWith(ShowServerLog.class)
final class SpaceTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int THIN_PROVISIONING_SOFT_THRESHOLD_REACHED = 0x63807;
    private static final int MODE_PARAMETERS_CHANGED = 0x62a01;
    private static final int SPACE_ALLOCATION_FAILED_WRITE_PROTECT = 0x72707;
    private static final byte[] PROVISIONING = Cdb.logSense(0x0c, 64);
    private static final int MIB_BLOCKS = 1 << 11;

    private static Tool.Outcome run(String... command) {
        return Tool.of(command).within(LIMIT).run();
    }

    private static RawInitiator login(ServerProcess server) throws IOException {
        RawInitiator initiator = RawInitiator.connect(server.address());
        assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
        initiator.clearUnitAttentions(0);
        return initiator;
    }

    private interface Check {
        void on(Path folder, ServerProcess server) throws Exception;
    }

    /// Runs a check on a server whose image of 64 MiB is on a file system of its own.
    private static void onFileSystem(String size, String lowSpace, Check check) throws Exception {
        Path folder = Files.createTempDirectory("lunkeeper-space");
        Path device = Files.createTempFile("lunkeeper-space", ".ext4");
        run("truncate", "-s", size, device + "");
        boolean mounted =
                run("mkfs.ext4", "-q", "-m", "0", device + "").exit() == 0
                        && run("mount", "-o", "loop", device + "", folder + "").exit() == 0;
        try {
            assumeTrue(mounted, "needs mkfs.ext4 and the privilege to mount");
            Lun lun = Lun.sized(0, "64MiB").over(folder.resolve("vm.img"));
            try (ServerProcess server =
                    ServerProcess.start(lun.with("size", "64MiB").with("low-space", lowSpace))) {
                check.on(folder, server);
            }
        } finally {
            run("umount", "-l", folder + "");
            Files.deleteIfExists(folder);
            Files.deleteIfExists(device);
        }
    }

    private static byte[] mebibyte(int value) {
        byte[] data = new byte[1 << 20];
        Arrays.fill(data, (byte) value);
        return data;
    }

    private static void fill(Path file, long bytes) {
        Tool.of("fallocate", "-l", bytes + "", file + "").within(LIMIT).succeed();
    }

    private static long free(Path folder) throws IOException {
        return Files.getFileStore(folder).getUsableSpace();
    }

    /// The warning comes when the file system is looked at next, each second.
    private static ScsiResult awaitWarning(RawInitiator initiator) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            ScsiResult result = initiator.read(0, Cdb.testUnitReady(), 0);
            if (result.status() != ScsiResult.GOOD) {
                return result;
            }
            assertTrue(System.nanoTime() < deadline, "never warned");
            Thread.sleep(50);
        }
    }

    @Test
    void everyInitiatorIsWarnedWhileThereIsTimeToAct() throws Exception {
        onFileSystem(
                "96M",
                "32MiB",
                (folder, server) -> {
                    try (RawInitiator one = login(server);
                            RawInitiator other = login(server)) {
                        fill(folder.resolve("filler"), free(folder) - (24 << 20));
                        for (RawInitiator each : List.of(one, other)) {
                            ScsiResult warning = awaitWarning(each);
                            assertEquals(
                                    THIN_PROVISIONING_SOFT_THRESHOLD_REACHED, warning.senseCode());
                            assertEquals(16, ByteBuffer.wrap(warning.sense()).getInt(3));
                            assertEquals(List.of(), each.clearUnitAttentions(0));
                        }
                        ByteBuffer page = ByteBuffer.wrap(one.read(0, PROVISIONING, 64).data());
                        long free = free(folder) >> 20;
                        assertTrue(Math.abs(page.getInt(8) - free) < 4, () -> "free " + free);
                        assertTrue(server.log().contains("less than low-space"), server.log());
                    }
                });
    }

    /// The one threshold of the Logical Block Provisioning mode page, set to some MiB.
    private static byte[] threshold(int count) {
        return ByteBuffer.allocate(4 + 24)
                .putInt(4, 0x5c020014)
                .putInt(20, 0x82010000)
                .putInt(24, count)
                .array();
    }

    private static ByteBuffer provisioning(RawInitiator initiator) throws IOException {
        return ByteBuffer.wrap(initiator.read(0, PROVISIONING, 64).data());
    }

    /// The PROVISIONING STATUS of the first LBA status descriptor, and how many blocks have it.
    private static List<Integer> status(RawInitiator initiator, int lba) throws IOException {
        byte[] cdb = Cdb.block16(0x9e, lba, 24);
        cdb[1] = 0x12;
        ByteBuffer first = ByteBuffer.wrap(initiator.read(0, cdb, 24).data());
        return List.of((int) first.get(20), first.getInt(16));
    }

    /// As ESXi and Windows go about it: a threshold of their own, the warning when it is crossed, a
    /// look at what takes the space, and UNMAP of what nobody needs.
    @Test
    void anInitiatorSetsTheThresholdIsWarnedAndGivesSpaceBack() throws Exception {
        onFileSystem(
                "160M",
                "1MiB",
                (folder, server) -> {
                    byte[] data = mebibyte(0x5a);
                    try (RawInitiator one = login(server);
                            RawInitiator other = login(server)) {
                        assertTrue(!write(one, data, 48).contains(false));
                        one.read(0, Cdb.synchronizeCache10(0, 0), 0);
                        int free = provisioning(one).getInt(8);
                        byte[] select = {0x15, 0x10, 0, 0, 28, 0};
                        assertEquals(
                                ScsiResult.GOOD,
                                one.write(0, select, threshold(free + 4)).status());
                        assertEquals(
                                MODE_PARAMETERS_CHANGED,
                                other.read(0, Cdb.testUnitReady(), 0).senseCode());
                        for (RawInitiator each : List.of(one, other)) {
                            assertEquals(
                                    THIN_PROVISIONING_SOFT_THRESHOLD_REACHED,
                                    awaitWarning(each).senseCode());
                        }
                        assertEquals(48, provisioning(one).getInt(20));
                        assertEquals(List.of(0, 48 * MIB_BLOCKS), status(one, 0));
                        assertEquals(
                                ScsiResult.GOOD,
                                one.write(0, Cdb.unmap(24), Cdb.unmapParameters(0, 32 * MIB_BLOCKS))
                                        .status());
                        assertEquals(List.of(1, 32 * MIB_BLOCKS), status(one, 0));
                        assertEquals(16, provisioning(one).getInt(20));
                        assertTrue(provisioning(one).getInt(8) > free + 24);
                        awaitLog(server, "MiB again");
                        assertEquals(List.of(), one.clearUnitAttentions(0));
                        fill(folder.resolve("filler"), 36 << 20);
                        assertEquals(
                                THIN_PROVISIONING_SOFT_THRESHOLD_REACHED,
                                awaitWarning(one).senseCode(),
                                "it is armed again");
                    }
                });
    }

    private static void awaitLog(ServerProcess server, String text) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!server.log().contains(text)) {
            assertTrue(System.nanoTime() < deadline, () -> "never logged: " + text);
            Thread.sleep(50);
        }
    }

    @Test
    void writesThatNeedSpaceAreRefusedUntilThereIsSome() throws Exception {
        onFileSystem(
                "96M",
                "0",
                (folder, server) -> {
                    byte[] data = mebibyte(0x5a);
                    try (RawInitiator initiator = login(server)) {
                        fill(folder.resolve("filler"), free(folder) - (8 << 20));
                        List<Boolean> written = writeAll(initiator, data);
                        assertTrue(written.contains(true) && written.contains(false), "" + written);
                        // What is there can be written again and read, and flushed.
                        int first = written.indexOf(true);
                        assertEquals(
                                ScsiResult.GOOD,
                                initiator
                                        .write(0, Cdb.write10(first * MIB_BLOCKS, MIB_BLOCKS), data)
                                        .status());
                        assertEquals(
                                ScsiResult.GOOD,
                                initiator.read(0, Cdb.synchronizeCache10(0, 0), 0).status());
                        assertContents(initiator, written, data);
                        Files.delete(folder.resolve("filler"));
                        assertTrue(!writeAll(initiator, data).contains(false));
                        assertEquals(
                                ScsiResult.GOOD,
                                initiator.read(0, Cdb.synchronizeCache10(0, 0), 0).status());
                    }
                });
    }

    /// It could not be carried through, and would leave the disk unusable half way.
    @Test
    void anOverwriteThatNeedsMoreSpaceIsNotBegun() throws Exception {
        onFileSystem(
                "96M",
                "0",
                (folder, server) -> {
                    byte[] data = mebibyte(0x5a);
                    byte[] cdb = {0x48, 0x01, 0, 0, 0, 0, 0, 0, 5, 0};
                    byte[] pattern = {1, 0, 0, 1, 0x3c};
                    try (RawInitiator initiator = login(server)) {
                        byte[] first = Cdb.write10(0, MIB_BLOCKS);
                        assertEquals(ScsiResult.GOOD, initiator.write(0, first, data).status());
                        fill(folder.resolve("filler"), free(folder) - (8 << 20));
                        ScsiResult refused = initiator.write(0, cdb, pattern);
                        assertEquals(SPACE_ALLOCATION_FAILED_WRITE_PROTECT, refused.senseCode());
                        assertArrayEquals(
                                data,
                                initiator.read(0, Cdb.read10(0, MIB_BLOCKS), data.length).data());
                        assertTrue(Files.notExists(folder.resolve("vm.img.lunkeeper")));
                        Files.delete(folder.resolve("filler"));
                        assertEquals(ScsiResult.GOOD, initiator.write(0, cdb, pattern).status());
                        assertArrayEquals(
                                mebibyte(0x3c),
                                initiator
                                        .read(0, Cdb.read10(63 * MIB_BLOCKS, MIB_BLOCKS), 1 << 20)
                                        .data());
                    }
                });
    }

    private static List<Boolean> writeAll(RawInitiator initiator, byte[] data) throws IOException {
        return write(initiator, data, 64);
    }

    /// Writes so many MiB, and tells which were refused for lack of space.
    private static List<Boolean> write(RawInitiator initiator, byte[] data, int count)
            throws IOException {
        List<Boolean> written = new ArrayList<>();
        for (int mib = 0; mib < count; mib++) {
            ScsiResult result = initiator.write(0, Cdb.write10(mib * MIB_BLOCKS, MIB_BLOCKS), data);
            if (result.status() != ScsiResult.GOOD) {
                assertEquals(SPACE_ALLOCATION_FAILED_WRITE_PROTECT, result.senseCode());
            }
            written.add(result.status() == ScsiResult.GOOD);
        }
        return written;
    }

    private static void assertContents(RawInitiator initiator, List<Boolean> written, byte[] data)
            throws IOException {
        for (int mib = 0; mib < 64; mib++) {
            ScsiResult result =
                    initiator.read(0, Cdb.read10(mib * MIB_BLOCKS, MIB_BLOCKS), data.length);
            assertEquals(ScsiResult.GOOD, result.status());
            if (written.get(mib)) {
                assertArrayEquals(data, result.data());
            }
        }
    }
}
