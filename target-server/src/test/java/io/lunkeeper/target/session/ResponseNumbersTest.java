package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The numbers that responses have: StatSN, ExpCmdSN, ExpDataSN (RFC 7143 4.2.2 Ordering and iSCSI
/// Numbering), and numbers whose commands never come.
class ResponseNumbersTest {
    private static final int RESPONSE = 0x21;
    private static final int TASK_MANAGEMENT_RESPONSE = 0x22;
    private static final int READY_TO_TRANSFER = 0x31;
    private static final int STAT_SN = 24;
    private static final int EXP_CMD_SN = 28;
    private static final int MAX_CMD_SN = 32;
    private static final int EXP_DATA_SN = 36;

    /// One block, and 16.
    private static final String WRITE = "2a 00 00 00 00 00 00 00 01 00";

    private static final String WRITE_16 = "2a 00 00 00 00 00 00 00 10 00";

    @TempDir private Path directory;
    private SessionRig rig;
    private Initiator initiator;

    @BeforeEach
    void login() throws Exception {
        rig = new SessionRig(directory);
        initiator = rig.login(SessionRig.PATIENT + "MaxBurstLength=4096\0");
    }

    @AfterEach
    void close() throws IOException {
        initiator.disconnect();
        rig.closeEmpty();
    }

    /// 11.8.3: a Ready To Transfer shows the StatSN that the next status will have.
    @Test
    void readyToTransferDoesNotAdvanceStatSn() throws Exception {
        int first = initiator.testUnit(0);
        assertEquals(0, initiator.await(first).status());
        int before = initiator.field(first, RESPONSE, STAT_SN);
        int write = initiator.send(1, 0, WRITE, 512, new byte[0], true);
        int last = initiator.testUnit(0);
        initiator.await(last);
        assertEquals(before + 1, initiator.field(write, READY_TO_TRANSFER, STAT_SN));
        assertEquals(before + 1, initiator.field(last, RESPONSE, STAT_SN));
        initiator.data(write, initiator.transferTag(write), 0, 0, new byte[512], true);
        assertEquals(0, initiator.await(write).status());
    }

    /// 11.4.8 ExpDataSN of a write counts the Ready To Transfers.
    @Test
    void aWriteCountsWhatItAskedFor() throws Exception {
        int write = initiator.send(1, 0, WRITE_16, 8192, new byte[0], true);
        int transfer = initiator.transferTag(write);
        initiator.data(write, transfer, 0, 0, new byte[4096], true);
        initiator.data(write, transfer + 1, 0, 4096, new byte[4096], true);
        assertEquals(0, initiator.await(write).status());
        assertEquals(2, initiator.field(write, RESPONSE, EXP_DATA_SN));
    }

    @Test
    void soDoesOneWhoseDataIsWrong() throws Exception {
        int write = initiator.send(1, 0, WRITE_16, 8192, new byte[0], true);
        initiator.data(write, initiator.transferTag(write), 7, 0, new byte[4096], true);
        assertEquals(new Reply(2, "b/47/05"), initiator.await(write));
        assertEquals(1, initiator.field(write, RESPONSE, EXP_DATA_SN));
    }

    @Test
    void aCommandWithoutDataCountsNone() throws Exception {
        int ready = initiator.testUnit(0);
        initiator.await(ready);
        assertEquals(0, initiator.field(ready, RESPONSE, EXP_DATA_SN));
    }

    /// 11.6.1 Response: the number counts as received, and a command that comes under it after all
    /// is ignored as one that comes twice.
    @Test
    void aCommandThatHasNotComeCountsAsReceivedOnceItIsAborted() throws Exception {
        int number = initiator.skipNumber();
        int behind = initiator.testUnit(0);
        rig.turn();
        assertNull(initiator.reply(behind));
        assertEquals(0, initiator.await(initiator.abort(0, 7777, number)).status());
        assertEquals(0, initiator.await(behind).status());
        int late = initiator.sendSkipped(number, 0);
        int next = initiator.testUnit(0);
        assertEquals(0, initiator.await(next).status());
        assertNull(initiator.reply(late));
        int window =
                initiator.field(next, RESPONSE, MAX_CMD_SN)
                        - initiator.field(next, RESPONSE, EXP_CMD_SN)
                        + 1;
        assertEquals(Session.COMMAND_WINDOW, window);
    }

    /// It ends when the gap before it closes: otherwise numbers behind a gap could be aborted, and
    /// would have to be remembered, without end.
    @Test
    void whatIsAbortedBehindAGapDoesNotOpenTheWindow() throws Exception {
        int missing = initiator.skipNumber();
        int maximum = 0;
        for (int ahead = 1; ahead < Session.COMMAND_WINDOW; ahead++) {
            int number = initiator.skipNumber();
            int abort = initiator.abort(0, 7777, number);
            assertEquals(0, initiator.await(abort).status());
            maximum = initiator.field(abort, TASK_MANAGEMENT_RESPONSE, MAX_CMD_SN);
            assertEquals(missing + Session.COMMAND_WINDOW - 1, maximum);
        }
        int beyond = initiator.skipNumber();
        assertEquals(1, initiator.await(initiator.abort(0, 7777, beyond)).status());
        assertEquals(0, initiator.await(initiator.sendSkipped(missing, 0)).status());
        int next = initiator.sendSkipped(beyond, 0);
        assertEquals(0, initiator.await(next).status());
        assertEquals(
                maximum + Session.COMMAND_WINDOW + 1, initiator.field(next, RESPONSE, MAX_CMD_SN));
    }

    /// Its own CmdSN is not one that may still be aborted by it, nor is one that is over.
    @Test
    void anAbortDoesNotReachWhatWasSentAfterIt() throws Exception {
        int next = initiator.skipNumber();
        int early = initiator.abort(0, 7777, next + 1);
        assertEquals(1, initiator.await(early).status(), "task does not exist");
        int past = initiator.abort(0, 7777, next - 1);
        assertEquals(1, initiator.await(past).status());
        assertEquals(0, initiator.await(initiator.sendSkipped(next, 0)).status());
    }
}
