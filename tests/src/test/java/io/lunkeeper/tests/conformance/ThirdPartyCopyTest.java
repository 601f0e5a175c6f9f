package io.lunkeeper.tests.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.CopyParameters;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// EXTENDED COPY (SPC-4 6.4, 6.5) from LUN to LUN.
@ExtendWith(ShowServerLog.class)
class ThirdPartyCopyTest {
    private static final int ABORT_TASK = 1;
    private static final int FUNCTION_COMPLETE = 0;
    private static final int TOKEN_REVOKED = 0x052306;
    private static final int MIB = 1 << 20;
    private static final int MIB_BLOCKS = MIB / 512;
    private static final int MOST_SEGMENTS = 64;
    private static final int IDENTIFIER = 9;

    // COPY OPERATION STATUS
    private static final int IN_BACKGROUND = 0x12;
    private static final int TERMINATED = 0x60;

    @AutoClose private static ServerProcess server;

    @BeforeAll
    static void start() {
        server =
                ServerProcess.start(
                        Lun.sized(0, "64MiB"),
                        Lun.sized(1, "64MiB"),
                        Lun.sized(2, "16MiB").with("cache", "direct"));
    }

    private static RawInitiator login() throws IOException {
        RawInitiator initiator = RawInitiator.connect(server.address());
        assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
        for (int lun = 0; lun < 3; lun++) {
            initiator.clearUnitAttentions(lun);
        }
        return initiator;
    }

    private static byte[] write(RawInitiator initiator, int lun, int mib, long seed)
            throws IOException {
        byte[] bytes = new byte[MIB];
        new Random(seed).nextBytes(bytes);
        byte[] cdb = Cdb.write10(mib * MIB_BLOCKS, MIB_BLOCKS);
        assertEquals(ScsiResult.GOOD, initiator.write(lun, cdb, bytes).status());
        return bytes;
    }

    private static byte[] read(RawInitiator initiator, int lun, int lba) throws IOException {
        return initiator.read(lun, Cdb.read10(lba, MIB_BLOCKS), MIB).data();
    }

    @Test
    void copiesFromLunToLun() throws IOException {
        try (RawInitiator initiator = login()) {
            byte[] first = write(initiator, 0, 0, 1);
            byte[] second = write(initiator, 0, 1, 2);
            for (int destination : new int[] {1, 2}) {
                byte[] list =
                        CopyParameters.list(
                                CopyParameters.cscd(initiator, 0),
                                CopyParameters.cscd(initiator, destination),
                                CopyParameters.segment(2 * MIB_BLOCKS, 0, 9),
                                CopyParameters.segment(MIB_BLOCKS, MIB_BLOCKS, 8 * MIB_BLOCKS));
                byte[] cdb = CopyParameters.extendedCopy(list.length);
                ScsiResult result = initiator.write(0, cdb, list);
                assertEquals(ScsiResult.GOOD, result.status());
                assertEquals(0, result.residual());
                assertArrayEquals(first, read(initiator, destination, 9));
                assertArrayEquals(second, read(initiator, destination, 9 + MIB_BLOCKS));
                assertArrayEquals(second, read(initiator, destination, 8 * MIB_BLOCKS));
            }
        }
    }

    private static byte[] tokenCommand(int serviceAction, int listIdentifier, int length) {
        return ByteBuffer.allocate(16)
                .put((byte) 0x83)
                .put((byte) serviceAction)
                .putInt(6, listIdentifier)
                .putInt(10, length)
                .array();
    }

    /// POPULATE TOKEN, RECEIVE ROD TOKEN INFORMATION, WRITE USING TOKEN (SBC-3).
    @Test
    void writesWhatATokenStandsForUntilThatIsWritten() throws IOException {
        try (RawInitiator initiator = login()) {
            byte[] bytes = write(initiator, 0, 40, 5);
            byte[] populate =
                    ByteBuffer.allocate(32)
                            .putShort((short) 30)
                            .putShort(14, (short) 16)
                            .putLong(16, 40 * MIB_BLOCKS)
                            .putInt(24, MIB_BLOCKS)
                            .array();
            byte[] populating = tokenCommand(0x10, 7, populate.length);
            assertEquals(ScsiResult.GOOD, initiator.write(0, populating, populate).status());
            byte[] information =
                    ByteBuffer.allocate(16)
                            .put((byte) 0x84)
                            .put((byte) 0x07)
                            .putInt(7)
                            .putInt(10, 1024)
                            .array();
            byte[] status = initiator.read(0, information, 1024).data();
            byte[] list =
                    ByteBuffer.allocate(552)
                            .putShort((short) 550)
                            .put(16, status, 38, 512)
                            .putShort(534, (short) 16)
                            .putLong(536, 50 * MIB_BLOCKS)
                            .putInt(544, MIB_BLOCKS)
                            .array();
            byte[] writing = tokenCommand(0x11, 8, list.length);
            assertEquals(ScsiResult.GOOD, initiator.write(1, writing, list).status());
            assertArrayEquals(bytes, read(initiator, 1, 50 * MIB_BLOCKS));
            write(initiator, 0, 40, 6);
            assertEquals(TOKEN_REVOKED, initiator.write(1, writing, list).senseCode());
            assertArrayEquals(bytes, read(initiator, 1, 50 * MIB_BLOCKS));
        }
    }

    private static byte[] withIdentifier(int operationCode, int serviceAction, int allocation) {
        return ByteBuffer.allocate(16)
                .put((byte) operationCode)
                .put((byte) serviceAction)
                .putInt(IDENTIFIER)
                .putInt(10, allocation)
                .array();
    }

    /// Begins a copy of nearly two GiB from LUN 0 to LUN 1, which goes on.
    private static void beginLongCopy(RawInitiator initiator) throws IOException {
        for (int mib = 0; mib < 31; mib++) {
            write(initiator, 0, mib, mib);
        }
        byte[][] segments = new byte[MOST_SEGMENTS][];
        Arrays.fill(segments, CopyParameters.segment(31 * MIB_BLOCKS, 0, 0));
        byte[] list =
                CopyParameters.immediate(
                        IDENTIFIER,
                        CopyParameters.list(
                                CopyParameters.cscd(initiator, 0),
                                CopyParameters.cscd(initiator, 1),
                                segments));
        byte[] cdb = CopyParameters.extendedCopy(list.length);
        cdb[1] = 1;
        assertEquals(ScsiResult.GOOD, initiator.write(0, cdb, list).status());
    }

    private static byte[][] writeOver(RawInitiator initiator) throws IOException {
        byte[][] mine = new byte[31][];
        for (int mib = 0; mib < 31; mib++) {
            mine[mib] = write(initiator, 1, mib, 100 + mib);
        }
        return mine;
    }

    private static void assertStays(RawInitiator initiator, byte[][] mine) throws IOException {
        // Through the same threads: what was left in their queues has run then.
        byte[] again =
                CopyParameters.list(
                        CopyParameters.cscd(initiator, 0),
                        CopyParameters.cscd(initiator, 1),
                        CopyParameters.segment(8, 0, 40 * MIB_BLOCKS));
        assertEquals(
                ScsiResult.GOOD,
                initiator.write(0, CopyParameters.extendedCopy(again.length), again).status());
        for (int mib = 0; mib < mine.length; mib++) {
            assertArrayEquals(mine[mib], read(initiator, 1, mib * MIB_BLOCKS));
        }
    }

    /// SPC-4 6.3 COPY OPERATION ABORT command: what was written after its status stays.
    @Test
    void aCopyInTheBackgroundHasStoppedWhenItsAbortIsAnswered() throws IOException {
        try (RawInitiator initiator = login()) {
            beginLongCopy(initiator);
            byte[] receive = withIdentifier(0x84, 0x05, 255);
            assertEquals(IN_BACKGROUND, initiator.read(0, receive, 255).data()[5]);
            byte[] abort = withIdentifier(0x83, 0x1c, 0);
            assertEquals(ScsiResult.GOOD, initiator.read(0, abort, 0).status());
            byte[][] mine = writeOver(initiator);
            assertEquals(TERMINATED, initiator.read(0, receive, 255).data()[5]);
            assertStays(initiator, mine);
        }
    }

    @Test
    void noCopyOutlivesItsSession() throws IOException {
        try (RawInitiator initiator = login()) {
            beginLongCopy(initiator);
            assertEquals(Pdu.LOGOUT_RESPONSE, initiator.logout().opcode());
        }
        try (RawInitiator initiator = login()) {
            assertStays(initiator, writeOver(initiator));
        }
    }

    /// What was written after the answer to ABORT TASK stays.
    @Test
    void aCopyThatWasAbortedHasStopped() throws IOException {
        try (RawInitiator initiator = login()) {
            for (int mib = 0; mib < 31; mib++) {
                write(initiator, 0, mib, mib);
            }
            byte[][] segments = new byte[MOST_SEGMENTS][];
            Arrays.fill(segments, CopyParameters.segment(31 * MIB_BLOCKS, 0, 0));
            byte[] list =
                    CopyParameters.list(
                            CopyParameters.cscd(initiator, 0),
                            CopyParameters.cscd(initiator, 1),
                            segments);
            Request copy =
                    Request.scsiCommand(0, CopyParameters.extendedCopy(list.length))
                            .writes(list.length)
                            .data(list);
            int tag = initiator.send(copy);
            Pdu answer = initiator.exchange(Request.taskManagement(ABORT_TASK).lun(0).u32(20, tag));
            assertEquals(Pdu.TASK_MANAGEMENT_RESPONSE, answer.opcode());
            assertEquals(FUNCTION_COMPLETE, answer.response());
            assertStays(initiator, writeOver(initiator));
        }
    }
}
