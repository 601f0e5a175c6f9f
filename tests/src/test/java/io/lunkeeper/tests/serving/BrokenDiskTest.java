package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// A disk of which a part cannot be read any more: a file system in a file that is cut off behind
/// its back.
@ExtendWith(ShowServerLog.class)
final class BrokenDiskTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int MEDIUM_ERROR = 3;
    private static final int BLOCKS = 32 << 11;

    private static Tool.Outcome run(String... command) {
        return Tool.of(command).within(LIMIT).run();
    }

    @Test
    void readErrorNamesTheFirstBlockThatFailsAndSparesTheOthers() throws Exception {
        Path folder = Files.createTempDirectory("lunkeeper-broken");
        Path device = Files.createTempFile("lunkeeper-broken", ".ext4");
        run("truncate", "-s", "64M", device + "");
        // Without a journal and its writes, which would fail as well.
        boolean mounted =
                run("mkfs.ext4", "-q", "-O", "^has_journal", device + "").exit() == 0
                        && run("mount", "-o", "loop", device + "", folder + "").exit() == 0;
        try {
            assumeTrue(mounted, "needs mkfs.ext4 and the privilege to mount");
            Path image = folder.resolve("vm.img");
            Tool.of("dd", "if=/dev/urandom", "of=" + image, "bs=1M", "count=32", "conv=fsync")
                    .within(LIMIT)
                    .succeed();
            run("truncate", "-s", "24M", device + "");
            run("dd", "if=" + image, "iflag=nocache", "count=0");
            run("dd", "of=" + image, "oflag=nocache", "conv=notrunc,fdatasync", "count=0");
            try (ServerProcess server = ServerProcess.start(Lun.sized(0, "32MiB").over(image));
                    RawInitiator initiator = RawInitiator.connect(server.address())) {
                assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
                initiator.clearUnitAttentions(0);
                assertNamesTheFirst(initiator);
                server.kill9();
            }
        } finally {
            run("umount", "-l", folder + "");
            Files.deleteIfExists(folder);
            Files.deleteIfExists(device);
        }
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
