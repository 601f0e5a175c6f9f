package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.CopyParameters;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A LUN that is taken out of the configuration while what takes long is under way on it: its image
/// is closed all the same, and it comes back.
@ExtendWith(ShowServerLog.class)
class WithdrawalTest {
    private static final int MIB = 1 << 20;
    private static final int MIB_BLOCKS = MIB / 512;
    private static final int COPIED_MIB = 31;
    private static final int LOGICAL_UNIT_NOT_SUPPORTED = 0x052500;
    private static final int UNREACHABLE_COPY_TARGET = 0x0a0804;
    private static final int COPY_TARGET_DEVICE_NOT_REACHABLE = 0x0a0d02;
    private static final int THIRD_PARTY_DEVICE_FAILURE = 0x0a0d01;
    private static final int SANITIZE_IN_PROGRESS = 0x02041b;
    private static final String RELOADED = "lunkeeper.yaml: reloaded\n";
    private static final String LUNS = "    luns:\n";
    private static final Duration LIMIT = Duration.ofMinutes(2);

    @AutoClose private ServerProcess server;

    @BeforeEach
    void start() {
        server = ServerProcess.start(Lun.sized(0, "8MiB"));
        server.reload(LUNS, LUNS + text(1) + text(2), RELOADED);
    }

    private static String text(int number) {
        return "      - lun: %1$d\n        image: more%1$d.img\n        size: 64MiB\n"
                .formatted(number);
    }

    private RawInitiator login() throws IOException {
        RawInitiator initiator = RawInitiator.connect(server.address());
        assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
        for (int lun = 0; lun < 3; lun++) {
            initiator.clearUnitAttentions(lun);
        }
        return initiator;
    }

    private Path image(int number) {
        return server.folder().resolve("more" + number + ".img");
    }

    private void assertOthersMayUse(Path image) {
        Tool.Outcome read =
                Tool.of("qemu-io", "-f", "raw", "-c", "write 63M 4k", image.toString())
                        .within(LIMIT)
                        .run();
        assertEquals(0, read.exit(), read.output());
    }

    private static byte[] copyList(RawInitiator initiator) throws IOException {
        byte[][] segments = new byte[64][];
        Arrays.fill(segments, CopyParameters.segment(COPIED_MIB * MIB_BLOCKS, 0, 0));
        return CopyParameters.list(
                CopyParameters.cscd(initiator, 1), CopyParameters.cscd(initiator, 2), segments);
    }

    private static ScsiResult copy(RawInitiator initiator, byte[] list) throws IOException {
        return initiator.write(1, CopyParameters.extendedCopy(list.length), list);
    }

    /// Copies again and again until there is an error: of a copy under way, nearly always.
    private static FutureTask<ScsiResult> copying(
            RawInitiator initiator, byte[] list, CountDownLatch begun) {
        FutureTask<ScsiResult> copying =
                new FutureTask<>(() -> {
                    long began = System.nanoTime();
                    while (System.nanoTime() - began < LIMIT.toNanos()) {
                        begun.countDown();
                        ScsiResult result = copy(initiator, list);
                        if (result.status() != ScsiResult.GOOD) {
                            return result;
                        }
                    }
                    throw new AssertionError("copies go on");
                });
        Thread.ofPlatform().daemon().start(copying);
        return copying;
    }

    private static byte[] fill(RawInitiator initiator, int lun) throws IOException {
        byte[] data = new byte[MIB];
        for (int mib = 0; mib < COPIED_MIB; mib++) {
            Arrays.fill(data, (byte) (mib + 1));
            byte[] cdb = Cdb.write10(mib * MIB_BLOCKS, MIB_BLOCKS);
            assertEquals(ScsiResult.GOOD, initiator.write(lun, cdb, data).status());
        }
        return data;
    }

    /// The command is addressed to LUN 1, and copies from there to LUN 2.
    @ParameterizedTest
    @CsvSource({"1", "2"})
    void aCopyEndsWithTheLunThatItReadsOrWrites(int gone) throws Exception {
        try (RawInitiator initiator = login();
                RawInitiator other = login()) {
            byte[] last = fill(initiator, 1);
            byte[] list = copyList(initiator);
            CountDownLatch begun = new CountDownLatch(1);
            FutureTask<ScsiResult> copying = copying(initiator, list, begun);
            assertTrue(begun.await(LIMIT.toSeconds(), TimeUnit.SECONDS));
            server.reload(text(gone), "", RELOADED);
            assertOthersMayUse(image(gone));
            ScsiResult ended = copying.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            if (gone == 1) {
                assertEquals(LOGICAL_UNIT_NOT_SUPPORTED, ended.senseCode(), ended::toString);
            } else {
                assertTrue(
                        List.of(
                                        UNREACHABLE_COPY_TARGET,
                                        COPY_TARGET_DEVICE_NOT_REACHABLE,
                                        THIRD_PARTY_DEVICE_FAILURE)
                                .contains(ended.senseCode()),
                        ended::toString);
            }
            other.clearUnitAttentions(3 - gone);
            assertEquals(ScsiResult.GOOD, other.read(3 - gone, Cdb.testUnitReady(), 0).status());
            server.reload(LUNS, LUNS + text(gone), RELOADED);
            initiator.clearUnitAttentions(1);
            initiator.clearUnitAttentions(2);
            assertEquals(ScsiResult.GOOD, copy(initiator, list).status());
            byte[] cdb = Cdb.read10((COPIED_MIB - 1) * MIB_BLOCKS, MIB_BLOCKS);
            assertArrayEquals(last, initiator.read(2, cdb, MIB).data());
        }
    }

    /// Whoever waits for it hears that there is no such LUN; the operation begins anew when the LUN
    /// is back, before anybody is served.
    @Test
    void aSanitizeOperationGoesOnWhenTheLunIsBack() throws Exception {
        Path kept = Path.of(image(1) + ".lunkeeper");
        byte[] pattern = {31, 0, 0, 1, 0x3c};
        byte[] overwrite = {0x48, 0x01, 0, 0, 0, 0, 0, 0, 5, 0};
        try (RawInitiator waiting = login();
                RawInitiator other = login()) {
            waiting.sendCommand(Request.scsiCommand(1, overwrite).writes(5), pattern);
            ScsiResult progress = other.read(1, Cdb.testUnitReady(), 0);
            while (progress.status() == ScsiResult.GOOD) {
                progress = other.read(1, Cdb.testUnitReady(), 0);
            }
            assertEquals(SANITIZE_IN_PROGRESS, progress.senseCode());
            server.reload(text(1), "", RELOADED);
            ScsiResult ended = ScsiResult.of(waiting.receive());
            assertEquals(LOGICAL_UNIT_NOT_SUPPORTED, ended.senseCode(), ended::toString);
            assertTrue(Files.exists(kept));
            assertOthersMayUse(image(1));
            server.reload(LUNS, LUNS + text(1), RELOADED);
            other.clearUnitAttentions(1);
            ScsiResult again = other.read(1, Cdb.testUnitReady(), 0);
            assertEquals(SANITIZE_IN_PROGRESS, again.senseCode(), again::toString);
            long began = System.nanoTime();
            while (again.status() != ScsiResult.GOOD) {
                assertEquals(SANITIZE_IN_PROGRESS, again.senseCode(), again::toString);
                assertTrue(System.nanoTime() - began < LIMIT.toNanos());
                again = other.read(1, Cdb.testUnitReady(), 0);
            }
            byte[] expected = new byte[MIB];
            Arrays.fill(expected, (byte) 0x3c);
            assertArrayEquals(expected, other.read(1, Cdb.read10(0, 2048), MIB).data());
            assertArrayEquals(
                    expected, other.read(1, Cdb.read10(63 * MIB_BLOCKS, 2048), MIB).data());
            assertFalse(Files.exists(kept));
        }
    }
}
