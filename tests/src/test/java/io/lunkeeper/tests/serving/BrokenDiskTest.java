package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.CopyParameters;
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
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// A disk of which a part cannot be read or written any more: a file system in a file that is cut
/// off behind its back.
@ExtendWith(ShowServerLog.class)
final class BrokenDiskTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int MEDIUM_ERROR = 3;
    private static final int CHECK_CONDITION = ScsiResult.CHECK_CONDITION;
    private static final int LOGICAL_UNIT_FAILURE = 0x43e01;
    private static final int THIRD_PARTY_DEVICE_FAILURE = 0xa0d01;
    private static final int SANITIZE_COMMAND_FAILED = 0x33103;
    private static final int SANITIZE_IN_PROGRESS = 0x2041b;
    private static final int INVALID_FIELD_IN_CDB = 0x52400;
    private static final int BLOCKS = 32 << 11;
    private static final int MIB_BLOCKS = 1 << 11;

    /// One pass of a pattern of one byte.
    private static final byte[] OVERWRITE = {0x48, 0x01, 0, 0, 0, 0, 0, 0, 5, 0};

    private static Tool.Outcome run(String... command) {
        return Tool.of(command).within(LIMIT).run();
    }

    private interface Check {
        void on(Path device, Path image) throws Exception;
    }

    /// Runs a check over an image of 32 MiB, all of its blocks written and on the disk, in a file
    /// system in a file of 64 MiB.
    private static void onDisk(Check check) throws Exception {
        Path folder = Files.createTempDirectory("lunkeeper-broken");
        Path device = Files.createTempFile("lunkeeper-broken", ".ext4");
        try {
            mount(device, "64M", folder);
            Path image = folder.resolve("vm.img");
            Tool.of("dd", "if=/dev/urandom", "of=" + image, "bs=1M", "count=32", "conv=fsync")
                    .within(LIMIT)
                    .succeed();
            check.on(device, image);
        } finally {
            run("umount", "-l", folder + "");
            Files.deleteIfExists(folder);
            Files.deleteIfExists(device);
        }
    }

    /// Makes a file system in a file. It has no journal, whose writes would fail as well.
    private static void mount(Path device, String size, Path folder) {
        run("truncate", "-s", size, device + "");
        boolean mounted =
                run("mkfs.ext4", "-q", "-O", "^has_journal", device + "").exit() == 0
                        && run("mount", "-o", "loop", device + "", folder + "").exit() == 0;
        assumeTrue(mounted, "needs mkfs.ext4 and the privilege to mount");
    }

    private static RawInitiator login(ServerProcess server) throws IOException {
        RawInitiator initiator = RawInitiator.connect(server.address());
        assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
        initiator.clearUnitAttentions(0);
        return initiator;
    }

    @Test
    void readErrorNamesTheFirstBlockThatFailsAndSparesTheOthers() throws Exception {
        onDisk((device, image) -> {
            run("truncate", "-s", "24M", device + "");
            run("dd", "if=" + image, "iflag=nocache", "count=0");
            run("dd", "of=" + image, "oflag=nocache", "conv=notrunc,fdatasync", "count=0");
            try (ServerProcess server = ServerProcess.start(Lun.sized(0, "32MiB").over(image));
                    RawInitiator initiator = login(server)) {
                assertNamesTheFirst(initiator);
                server.kill9();
            }
        });
    }

    /// The writes are acknowledged from the page cache and then cannot reach the disk: whoever asks
    /// for them is told, and so is everybody else, once as the deferred error that it is.
    @Test
    void lostWritebackFailsTheUnitForEverybodyUntilARestart() throws Exception {
        onDiskThatFillsUp(BrokenDiskTest::losesWriteback);
    }

    private static void onDiskThatFillsUp(Check check) throws Exception {
        Path folder = Files.createTempDirectory("lunkeeper-full");
        Path device = Files.createTempFile("lunkeeper-full", ".ext4");
        try {
            mount(device, "96M", folder);
            onThinDisk(folder.resolve("disk"), check);
        } finally {
            run("umount", "-l", folder + "");
            Files.deleteIfExists(folder);
            Files.deleteIfExists(device);
        }
    }

    /// Runs a check over an image whose disk takes its space from a file system that can run full.
    private static void onThinDisk(Path disk, Check check) throws Exception {
        Path folder = Files.createTempDirectory("lunkeeper-thin");
        try {
            mount(disk, "64M", folder);
            Path image = folder.resolve("vm.img");
            Tool.of("fallocate", "-l", "32M", image + "").within(LIMIT).succeed();
            Tool.of("sync", "-f", image + "").within(LIMIT).succeed();
            check.on(disk, image);
        } finally {
            run("umount", "-l", folder + "");
            Files.deleteIfExists(folder);
        }
    }

    private static void losesWriteback(Path disk, Path image) throws Exception {
        Path filler = disk.resolveSibling("filler");
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "32MiB").over(image));
                RawInitiator writer = login(server);
                RawInitiator other = login(server)) {
            fill(disk, filler);
            writeAll(writer);
            assertEquals(CHECK_CONDITION, flush(writer).status());
            ScsiResult deferred = read(other, 0, 8);
            assertEquals(LOGICAL_UNIT_FAILURE, deferred.senseCode());
            assertEquals(0x71, deferred.sense()[0]);
            for (int again = 0; again < 3; again++) {
                ScsiResult current = read(other, 0, 8);
                assertEquals(LOGICAL_UNIT_FAILURE, current.senseCode());
                assertEquals(0x70, current.sense()[0]);
                assertEquals(CHECK_CONDITION, flush(writer).status());
            }
            assertTrue(server.log().contains("until lunkeeper is started again"), server.log());
            Files.delete(filler);
            assertEquals(CHECK_CONDITION, flush(other).status(), "healed by itself");
            server.kill9();
            server.restart();
            try (RawInitiator after = login(server)) {
                writeAll(after);
                assertEquals(ScsiResult.GOOD, flush(after).status());
            }
        }
    }

    @Test
    void aCopyToADiskThatFailsSparesItsSource() throws Exception {
        onDiskThatFillsUp(BrokenDiskTest::failsUnderACopy);
    }

    private static void failsUnderACopy(Path disk, Path image) throws Exception {
        Path filler = disk.resolveSibling("filler");
        try (ServerProcess server =
                        ServerProcess.start(
                                Lun.sized(0, "32MiB").over(image), Lun.sized(1, "32MiB"));
                RawInitiator initiator = login(server)) {
            initiator.clearUnitAttentions(1);
            byte[] data = new byte[1 << 20];
            Arrays.fill(data, (byte) 0x5a);
            for (int lba = 0; lba < BLOCKS; lba += MIB_BLOCKS) {
                ScsiResult write = initiator.write(1, Cdb.write10(lba, MIB_BLOCKS), data);
                assertEquals(ScsiResult.GOOD, write.status());
            }
            byte[] there = copy(initiator, 1, 0);
            byte[] back = copy(initiator, 0, 1);
            fill(disk, filler);
            assertEquals(
                    ScsiResult.GOOD,
                    initiator.write(0, CopyParameters.extendedCopy(there.length), there).status());
            assertEquals(CHECK_CONDITION, flush(initiator).status());
            for (byte[] list : new byte[][] {there, back}) {
                ScsiResult refused =
                        initiator.write(1, CopyParameters.extendedCopy(list.length), list);
                assertEquals(THIRD_PARTY_DEVICE_FAILURE, refused.senseCode(), refused::toString);
            }
            assertEquals(
                    ScsiResult.GOOD, initiator.read(1, Cdb.synchronizeCache10(0, 0), 0).status());
            assertArrayEquals(
                    data, initiator.read(1, Cdb.read10(0, MIB_BLOCKS), data.length).data());
            server.kill9();
        }
    }

    private static byte[] copy(RawInitiator initiator, int from, int to) throws IOException {
        return CopyParameters.list(
                CopyParameters.cscd(initiator, from),
                CopyParameters.cscd(initiator, to),
                CopyParameters.segment(BLOCKS - MIB_BLOCKS, 0, 0));
    }

    /// Never is a part of it served: it is in its failure mode, or begins anew, until every block
    /// has been overwritten.
    @Test
    void anOverwriteThatCannotBeWrittenLeavesTheUnitInItsFailureMode() throws Exception {
        onDiskThatFillsUp(BrokenDiskTest::failsUnderAnOverwrite);
    }

    private static void failsUnderAnOverwrite(Path disk, Path image) throws Exception {
        Path filler = disk.resolveSibling("filler");
        byte[] pattern = {1, 0, 0, 1, 0x3c};
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "32MiB").over(image));
                RawInitiator initiator = login(server)) {
            fill(disk, filler);
            ScsiResult ended = initiator.write(0, OVERWRITE, pattern);
            assertEquals(SANITIZE_COMMAND_FAILED, ended.senseCode(), ended::toString);
            initiator.clearUnitAttentions(0);
            assertEquals(SANITIZE_COMMAND_FAILED, read(initiator, 0, 8).senseCode());
            byte[] exit = {0x48, 0x1f, 0, 0, 0, 0, 0, 0, 0, 0};
            assertEquals(INVALID_FIELD_IN_CDB, initiator.read(0, exit, 0).senseCode());
            Files.delete(filler);
            server.kill9();
            server.restart();
            try (RawInitiator after = login(server)) {
                assertServedWhenOverwritten(after, pattern);
            }
        }
    }

    private static void assertServedWhenOverwritten(RawInitiator initiator, byte[] pattern)
            throws IOException {
        long began = System.nanoTime();
        ScsiResult answer = initiator.read(0, Cdb.testUnitReady(), 0);
        while (answer.status() != ScsiResult.GOOD) {
            assertTrue(System.nanoTime() - began < LIMIT.toNanos(), answer::toString);
            if (answer.senseCode() == SANITIZE_COMMAND_FAILED) {
                ScsiResult again = initiator.write(0, OVERWRITE, pattern);
                assertEquals(ScsiResult.GOOD, again.status(), again::toString);
            } else {
                assertEquals(SANITIZE_IN_PROGRESS, answer.senseCode(), answer::toString);
            }
            answer = initiator.read(0, Cdb.testUnitReady(), 0);
        }
        byte[] expected = new byte[1 << 20];
        Arrays.fill(expected, (byte) 0x3c);
        for (int lba = 0; lba < BLOCKS; lba += MIB_BLOCKS) {
            assertArrayEquals(expected, read(initiator, lba, MIB_BLOCKS).data());
        }
    }

    private static void fill(Path disk, Path filler) throws IOException {
        long left = Files.getFileStore(disk).getUsableSpace() - (4 << 20);
        Tool.of("fallocate", "-l", left + "", filler + "").within(LIMIT).succeed();
    }

    private static void writeAll(RawInitiator initiator) throws IOException {
        byte[] data = new byte[1 << 20];
        Arrays.fill(data, (byte) 0x5a);
        int blocks = data.length / 512;
        for (int lba = 0; lba < BLOCKS; lba += blocks) {
            ScsiResult write = initiator.write(0, Cdb.write10(lba, blocks), data);
            assertEquals(ScsiResult.GOOD, write.status());
        }
    }

    private static ScsiResult flush(RawInitiator initiator) throws IOException {
        return initiator.read(0, Cdb.synchronizeCache10(0, 0), 0);
    }

    private static ScsiResult read(RawInitiator initiator, int lba, int blocks) throws IOException {
        return initiator.read(0, Cdb.read10(lba, blocks), blocks * 512);
    }

    private static void assertNamesTheFirst(RawInitiator initiator) throws IOException {
        int step = 512;
        int lba = 0;
        ScsiResult result = read(initiator, lba, step);
        while (result.status() == ScsiResult.GOOD) {
            lba += step;
            assumeTrue(lba < BLOCKS, "the page cache still has everything");
            result = read(initiator, lba, step);
        }
        byte[] sense = result.sense();
        assertEquals(MEDIUM_ERROR, sense[2] & 0x0f);
        assertEquals(0x11, sense[12]);
        assertEquals(0xf0, sense[0] & 0xff, "INFORMATION is not valid");
        int first = ByteBuffer.wrap(sense).getInt(3);
        assertNotEquals(ScsiResult.GOOD, read(initiator, first, 1).status());
        if (first > 0) {
            assertEquals(ScsiResult.GOOD, read(initiator, first - 1, 1).status());
        }
    }
}
