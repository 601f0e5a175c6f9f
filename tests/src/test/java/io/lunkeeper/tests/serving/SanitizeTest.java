package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// A sanitize operation outlives whoever asked for it, resets and the server (SBC-3 4.11 Sanitize
/// operations).
@ExtendWith(ShowServerLog.class)
class SanitizeTest {
    private static final int LUN = 0;
    private static final int MIB = 64;
    private static final int IMMEDIATE = 0x80;
    private static final int ABORT_TASK = 1;
    private static final int LUN_RESET = 5;
    private static final int SANITIZE_IN_PROGRESS = 0x02041b;
    private static final byte PATTERN = 0x3c;
    private static final Duration SOON = Duration.ofSeconds(5);
    private static final long LIMIT_NANOS = Duration.ofMinutes(3).toNanos();

    @AutoClose private ServerProcess server;

    @BeforeEach
    void start() {
        server = ServerProcess.start(Lun.sized(LUN, MIB + "MiB"));
    }

    private RawInitiator login() throws IOException {
        RawInitiator initiator = RawInitiator.connect(server.address());
        assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
        initiator.clearUnitAttentions(LUN);
        return initiator;
    }

    /// An overwrite in as many passes as there can be, of which each takes a while.
    private static byte[] overwrite(int flags) {
        byte[] cdb = new byte[16];
        cdb[0] = 0x48;
        cdb[1] = (byte) (flags | 0x01);
        cdb[8] = 5;
        return cdb;
    }

    private static byte[] passes(int count) {
        return new byte[] {(byte) count, 0, 0, 1, PATTERN};
    }

    private static ScsiResult testUnitReady(RawInitiator initiator) throws IOException {
        return initiator.read(LUN, Cdb.testUnitReady(), 0);
    }

    private Path kept() {
        return Path.of(server.image(LUN) + ".lunkeeper");
    }

    private static void awaitBegin(RawInitiator initiator) throws IOException {
        long began = System.nanoTime();
        while (testUnitReady(initiator).status() == ScsiResult.GOOD) {
            assertTrue(System.nanoTime() - began < LIMIT_NANOS);
        }
    }

    /// Until then there is no other answer than that it goes on.
    private static void awaitEnd(RawInitiator initiator) throws IOException {
        long began = System.nanoTime();
        ScsiResult answer = testUnitReady(initiator);
        while (answer.status() != ScsiResult.GOOD) {
            assertEquals(SANITIZE_IN_PROGRESS, answer.senseCode(), answer::toString);
            assertTrue(System.nanoTime() - began < LIMIT_NANOS, answer::toString);
            Thread.onSpinWait();
            answer = testUnitReady(initiator);
        }
    }

    private void assertOverwritten(RawInitiator initiator) throws IOException {
        byte[] expected = new byte[1 << 20];
        Arrays.fill(expected, PATTERN);
        for (int mib = 0; mib < MIB; mib++) {
            ScsiResult result =
                    initiator.read(LUN, Cdb.read16((long) mib << 11, 2048), expected.length);
            assertArrayEquals(expected, result.data(), () -> result.toString());
        }
        assertFalse(Files.exists(kept()));
    }

    @Test
    void killingTheServerDoesNotEndIt() throws IOException {
        try (RawInitiator initiator = login()) {
            assertEquals(
                    ScsiResult.GOOD,
                    initiator.write(LUN, overwrite(IMMEDIATE), passes(31)).status());
            ScsiResult answer = testUnitReady(initiator);
            assertEquals(SANITIZE_IN_PROGRESS, answer.senseCode(), answer::toString);
            server.kill9();
        }
        assertTrue(Files.exists(kept()));
        server.restart();
        try (RawInitiator initiator = login()) {
            awaitEnd(initiator);
            assertOverwritten(initiator);
        }
    }

    @Test
    void aResetAnswersAtOnceAndDoesNotEndItNorDoesAStop() throws IOException {
        try (RawInitiator initiator = login();
                RawInitiator other = login()) {
            initiator.sendCommand(Request.scsiCommand(LUN, overwrite(0)).writes(5), passes(31));
            awaitBegin(other);
            initiator.send(Request.taskManagement(LUN_RESET).lun(LUN));
            Pdu answer = initiator.receive(SOON);
            assertEquals(Pdu.TASK_MANAGEMENT_RESPONSE, answer.opcode());
            assertEquals(0, answer.response());
            initiator.clearUnitAttentions(LUN);
            assertEquals(SANITIZE_IN_PROGRESS, testUnitReady(initiator).senseCode());
        }
        // With nobody logged in there is nobody to wait for.
        server.stop();
        assertTrue(Files.exists(kept()));
        server.restart();
        try (RawInitiator initiator = login()) {
            awaitEnd(initiator);
            assertOverwritten(initiator);
        }
    }

    /// SAM-5 8.6 Task attributes: to an ORDERED command an operation whose status is still to come
    /// is an older command as any other; to HEAD OF QUEUE it is not.
    @Test
    void anOrderedCommandWaitsForItsStatus() throws IOException {
        try (RawInitiator initiator = login();
                RawInitiator other = login()) {
            int sanitize =
                    initiator.sendCommand(
                            Request.scsiCommand(LUN, overwrite(0)).writes(5), passes(31));
            awaitBegin(other);
            int ordered = initiator.send(Request.scsiCommand(LUN, Cdb.testUnitReady()).flags(0x82));
            int later = initiator.send(Request.scsiCommand(LUN, Cdb.testUnitReady()));
            int head = initiator.send(Request.scsiCommand(LUN, Cdb.testUnitReady()).flags(0x83));
            Pdu busy = initiator.receive();
            assertEquals(head, busy.initiatorTaskTag());
            assertEquals(SANITIZE_IN_PROGRESS, ScsiResult.of(busy).senseCode());
            Request abort = Request.taskManagement(ABORT_TASK).lun(LUN).u32(20, sanitize);
            assertEquals(0, initiator.exchange(abort).response());
            for (int tag : new int[] {ordered, later}) {
                Pdu answer = initiator.receive();
                assertEquals(tag, answer.initiatorTaskTag());
                assertEquals(SANITIZE_IN_PROGRESS, ScsiResult.of(answer).senseCode());
            }
        }
    }

    @Test
    void theStatusComesWhenItIsDone() throws IOException {
        try (RawInitiator initiator = login()) {
            int sanitize =
                    initiator.sendCommand(
                            Request.scsiCommand(LUN, overwrite(0)).writes(5), passes(1));
            int ordered = initiator.send(Request.scsiCommand(LUN, Cdb.testUnitReady()).flags(0x82));
            for (int tag : new int[] {sanitize, ordered}) {
                Pdu answer = initiator.receive();
                assertEquals(tag, answer.initiatorTaskTag());
                assertEquals(ScsiResult.GOOD, answer.status());
            }
            assertOverwritten(initiator);
        }
    }
}
