package io.lunkeeper.tests.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// RFC 7143 4.2.2 Ordering and iSCSI Numbering.
@ExtendWith(ShowServerLog.class)
class NumberingTest {
    /// Long enough for an answer that should not come; a late one would fail the next exchange.
    private static final Duration SILENCE = Duration.ofMillis(300);

    private static final int ABORT_TASK = 1;
    private static final int ABORT_TASK_SET = 2;

    @AutoClose private static ServerProcess server;
    @AutoClose private RawInitiator initiator;

    @BeforeAll
    static void start() {
        server = ServerProcess.start(Lun.sized(0, "16MiB"));
    }

    @BeforeEach
    void login() throws IOException {
        initiator = RawInitiator.connect(server.address());
        initiator.login(ServerProcess.IQN);
        initiator.clearUnitAttentions(0);
    }

    private static Request testUnitReady() {
        return Request.scsiCommand(0, Cdb.testUnitReady());
    }

    @Test
    void advancesStatSnExpCmdSnAndMaxCmdSnByOneForEachCommand() throws IOException {
        Pdu before = initiator.exchange(testUnitReady());
        for (int i = 1; i <= 10; i++) {
            Pdu response = initiator.exchange(testUnitReady());
            assertEquals(before.statSn() + i, response.statSn());
            assertEquals(before.expCmdSn() + i, response.expCmdSn());
            assertEquals(before.maxCmdSn() + i, response.maxCmdSn());
        }
    }

    @Test
    void doesNotAdvanceExpCmdSnForImmediateCommands() throws IOException {
        Pdu before = initiator.exchange(testUnitReady());
        Pdu immediate = initiator.exchange(testUnitReady().immediate());
        assertEquals(before.expCmdSn(), immediate.expCmdSn());
        assertEquals(before.maxCmdSn(), immediate.maxCmdSn());
    }

    /// A response that showed the window of before would have to be followed by a NOP-In (11.4.11
    /// MaxCmdSN).
    @Test
    void countsATaskManagementFunctionBeforeItsResponse() throws IOException {
        Pdu before = initiator.exchange(testUnitReady());
        Request queued = Request.taskManagement(ABORT_TASK_SET).u8(0, Pdu.TASK_MANAGEMENT_REQUEST);
        Pdu response = initiator.exchange(queued);
        assertEquals(Pdu.TASK_MANAGEMENT_RESPONSE, response.opcode());
        assertEquals(before.expCmdSn() + 1, response.expCmdSn());
        assertEquals(before.maxCmdSn() + 1, response.maxCmdSn());
    }

    @Test
    void ignoresCommandsOutsideTheWindow() throws IOException {
        Pdu before = initiator.exchange(testUnitReady());
        initiator.send(testUnitReady().cmdSn(before.maxCmdSn() + 1));
        initiator.send(testUnitReady().cmdSn(before.expCmdSn() - 1));
        assertThrows(SocketTimeoutException.class, () -> initiator.receive(SILENCE));
        assertEquals(before.statSn() + 1, initiator.exchange(testUnitReady()).statSn());
    }

    @Test
    void holdsACommandUntilTheGapBeforeItCloses() throws IOException {
        Pdu before = initiator.exchange(testUnitReady());
        int next = before.expCmdSn();
        int second = initiator.send(testUnitReady().cmdSn(next + 1));
        assertThrows(SocketTimeoutException.class, () -> initiator.receive(SILENCE));
        int first = initiator.send(testUnitReady());
        assertEquals(first, initiator.receive().initiatorTaskTag());
        Pdu response = initiator.receive();
        assertEquals(second, response.initiatorTaskTag());
        assertEquals(next + 2, response.expCmdSn());
    }

    /// Writes that wait for their data close the window; their end opens it again.
    @Test
    void closesTheWindowWhenItsCommandsAreAlive() throws IOException {
        Pdu before = initiator.exchange(testUnitReady());
        int window = before.maxCmdSn() - before.expCmdSn() + 1;
        List<Pdu> requests = new ArrayList<>();
        byte[] block = new byte[512];
        for (int i = 0; i < window; i++) {
            initiator.send(Request.scsiCommand(0, Cdb.write10(i, 1)).writes(512));
            requests.add(initiator.receive());
            assertEquals(Pdu.READY_TO_TRANSFER, requests.getLast().opcode());
        }
        Pdu last = requests.getLast();
        assertEquals(last.expCmdSn() - 1, last.maxCmdSn());
        initiator.send(testUnitReady().cmdSn(last.expCmdSn()));
        assertThrows(SocketTimeoutException.class, () -> initiator.receive(SILENCE));
        for (Pdu r2t : requests) {
            initiator.answer(r2t, block);
            Pdu response = initiator.receive();
            assertEquals(0, response.status());
            assertTrue(response.maxCmdSn() - last.maxCmdSn() > 0);
        }
        assertEquals(0, initiator.exchange(testUnitReady()).status());
    }

    @Test
    void rejectsATaskTagThatIsInUse() throws IOException {
        int tag = initiator.send(Request.scsiCommand(0, Cdb.write10(0, 1)).writes(512));
        Pdu r2t = initiator.receive();
        Pdu reject = initiator.exchange(testUnitReady().tag(tag));
        assertEquals(Pdu.REJECT, reject.opcode());
        assertEquals(0x07, reject.response(), "task in progress");
        initiator.answer(r2t, new byte[512]);
        assertEquals(0, initiator.receive().status());
        assertEquals(0, initiator.exchange(testUnitReady()).status());
    }

    /// The gap is plugged by a command of the same number, or by the end of the task.
    @Test
    void waitsForTheNumberOfARejectedCommand() throws IOException {
        int inUse = initiator.send(Request.scsiCommand(0, Cdb.write10(0, 1)).writes(512));
        Pdu r2t = initiator.receive();
        int number = r2t.expCmdSn();
        Pdu reject = initiator.exchange(testUnitReady().tag(inUse));
        assertEquals(Pdu.REJECT, reject.opcode());
        assertEquals(number, reject.expCmdSn());
        int ahead = initiator.send(testUnitReady().cmdSn(number + 1));
        assertThrows(SocketTimeoutException.class, () -> initiator.receive(SILENCE));
        int plug = initiator.send(testUnitReady());
        assertEquals(plug, initiator.receive().initiatorTaskTag());
        assertEquals(ahead, initiator.receive().initiatorTaskTag());
        number += 2;
        initiator.session().nextCmdSn(number);
        assertEquals(Pdu.REJECT, initiator.exchange(testUnitReady().tag(inUse)).opcode());
        initiator.session().nextCmdSn(number + 1);
        int next = initiator.send(testUnitReady());
        assertThrows(SocketTimeoutException.class, () -> initiator.receive(SILENCE));
        Request abort = Request.taskManagement(ABORT_TASK).u32(20, 0x7777).u32(32, number);
        Set<Integer> awaited = new HashSet<>(Set.of(initiator.send(abort), next));
        awaited.remove(initiator.receive().initiatorTaskTag());
        awaited.remove(initiator.receive().initiatorTaskTag());
        assertEquals(Set.of(), awaited);
        initiator.answer(r2t, new byte[512]);
        assertEquals(number + 2, initiator.receive().expCmdSn());
    }

    @Test
    void boundsImmediateCommands() throws IOException {
        int alive = 0;
        Pdu answer;
        do {
            Request write = Request.scsiCommand(0, Cdb.write10(alive, 1)).writes(512).immediate();
            answer = initiator.exchange(write);
            alive++;
        } while (answer.opcode() == Pdu.READY_TO_TRANSFER && alive < 1000);
        assertEquals(Pdu.REJECT, answer.opcode());
        assertEquals(0x06, answer.response());
    }
}
