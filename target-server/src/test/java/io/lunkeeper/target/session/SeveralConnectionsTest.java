package io.lunkeeper.target.session;

import static io.lunkeeper.target.session.Initiator.ABORT_TASK;
import static io.lunkeeper.target.session.Initiator.ABORT_TASK_SET;
import static io.lunkeeper.target.session.Initiator.CLEAR_TASK_SET;
import static io.lunkeeper.target.session.Initiator.LENGTH;
import static io.lunkeeper.target.session.Initiator.NO_TASK;
import static io.lunkeeper.target.session.Initiator.ORDERED;
import static io.lunkeeper.target.session.Initiator.READ;
import static io.lunkeeper.target.session.Initiator.SIMPLE;
import static io.lunkeeper.target.session.Initiator.WRITE;
import static io.lunkeeper.target.session.Reply.COMPLETE;
import static io.lunkeeper.target.session.Reply.GOOD;
import static io.lunkeeper.target.session.SessionRig.filled;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Commands of one session on several connections (RFC 7143 4.2.2.1 Command Numbering and
/// Acknowledging, 4.2.5.1 Command Connection Allegiance).
class SeveralConnectionsTest {
    private static final Reply DATA_LOST = new Reply(2, "b/47/05");
    private static final int DATA_OR_R2T = 0;
    private static final int R_DATA = 3;
    private static final Reply TASK_SET_FULL = new Reply(0x28, "");

    @TempDir Path directory;
    private SessionRig rig;
    private Initiator first;
    private Initiator second;

    @BeforeEach
    void serve() throws Exception {
        rig = new SessionRig(directory);
        first = rig.loginForSeveral();
        second = first.join(2);
        assertEquals(0, second.loginStatus());
    }

    @AfterEach
    void end() throws IOException {
        first.disconnect();
        rig.closeEmpty();
    }

    private static int write(Initiator by, byte[] data) throws Exception {
        return by.send(SIMPLE, 0, WRITE, LENGTH, data, true);
    }

    @Test
    void oneNumberingAndOneNexusForAll() throws Exception {
        assertEquals(List.of(0, 127), second.window());
        int[] tags = {first.testUnit(0), second.testUnit(0), first.testUnit(1)};
        assertEquals(GOOD, first.await(tags[0]));
        assertEquals(GOOD, second.await(tags[1]), "no unit attention for the same nexus");
        assertEquals(GOOD, first.await(tags[2]));
        assertEquals(List.of(0, 127), first.window());
    }

    @Test
    void everyConnectionCountsItsOwnStatus() throws Exception {
        first.await(first.testUnit(0));
        second.await(second.testUnit(0));
        second.await(second.testUnit(0));
        assertEquals(List.of(2, 3, 4), first.statSns());
        assertEquals(List.of(2, 3), second.statSns());
    }

    @Test
    void dataAndStatusGoTheWayTheCommandCame() throws Exception {
        assertEquals(GOOD, first.await(write(first, filled(1))));
        int read = second.send(SIMPLE, 0, READ);
        assertEquals(GOOD, second.await(read));
        assertArrayEquals(filled(1), second.dataIn(read));
        assertNull(first.reply(read));
        int write = second.beginWrite();
        assertThrows(AssertionError.class, () -> first.transferTag(write));
        second.giveData(write, filled(7));
        assertEquals(GOOD, second.await(write));
    }

    @Test
    void refusesDataOnAnotherConnectionThanItsCommand() throws Exception {
        int write = second.beginWrite();
        int transferTag = second.transferTag(write);
        RejectedPduException refused =
                assertThrows(
                        RejectedPduException.class,
                        () -> first.data(write, transferTag, 0, 0, filled(9), true));
        assertEquals(4, refused.reason());
        second.giveData(write, filled(7));
        assertEquals(GOOD, second.await(write));
    }

    /// 4.2.5.1: so does what is asked for again, and what asks for it.
    @Test
    void whatIsSentAgainGoesTheWayTheCommandCame() throws Exception {
        Initiator one = rig.login(SessionRig.PATIENT + "MaxConnections=8\0ErrorRecoveryLevel=1\0");
        Initiator two = one.joined(2);
        int read = one.send(SIMPLE, 0, READ);
        assertEquals(GOOD, one.await(read));
        int write = one.beginWrite();
        assertEquals(4, rejected(two, DATA_OR_R2T, read, -1));
        assertEquals(4, rejected(two, DATA_OR_R2T, write, -1));
        assertEquals(4, rejected(two, R_DATA, read, 77));
        rig.turn();
        assertEquals(1, one.dataIns(read));
        one.snack(DATA_OR_R2T, read, -1);
        one.snack(DATA_OR_R2T, write, -1);
        rig.turn();
        assertEquals(2, one.dataIns(read));
        assertEquals(List.of(0x31, 0x31), one.below().opcodes(write));
        assertEquals(List.of(), two.below().opcodes(read));
        assertEquals(List.of(), two.below().opcodes(write));
        one.finishWrite(write);
        one.disconnect();
        two.disconnect();
    }

    private static int rejected(Initiator by, int type, int tag, int targetTag) {
        return assertThrows(RejectedPduException.class, () -> by.snack(type, tag, targetTag))
                .reason();
    }

    /// Two writes to one place: the younger one comes first.
    @Test
    void carriesOutByNumberWhateverArrivesFirst() throws Exception {
        int number = first.skipNumber();
        int younger = second.send(ORDERED, 0, WRITE, LENGTH, filled(2), true);
        rig.turn();
        assertNull(second.reply(younger));
        int older = first.sendSkipped(number, 0, WRITE, LENGTH, filled(1), true);
        assertEquals(GOOD, first.await(older));
        assertEquals(GOOD, second.await(younger));
        first.assertReads(filled(2));
    }

    /// A whole window that comes backwards over three connections.
    @Test
    void takesAWindowBackwards() throws Exception {
        Initiator third = first.join(3);
        List<Initiator> all = List.of(first, second, third);
        int from = first.skipNumber();
        for (int i = 1; i < 128; i++) {
            first.skipNumber();
        }
        int[] tags = new int[128];
        for (int i = 127; i >= 0; i--) {
            tags[i] = all.get(i % 3).sendSkipped(from + i, 0);
        }
        for (int i = 0; i < 128; i++) {
            assertEquals(GOOD, all.get(i % 3).await(tags[i]));
        }
        assertEquals(List.of(0, 127), all.get(127 % 3).window());
    }

    /// Unsolicited data of a command that is not due comes before and after its turn.
    @Test
    void keepsTheDataOfACommandThatIsEarly() throws Exception {
        byte[] data = filled(5);
        int number = first.skipNumber();
        int early = second.send(SIMPLE, 0, WRITE, LENGTH, Arrays.copyOf(data, 1024), false);
        second.data(early, -1, 0, 1024, Arrays.copyOf(data, 1024), false);
        int older = first.sendSkipped(number, 0);
        assertEquals(GOOD, first.await(older));
        assertNull(second.reply(early));
        int younger = first.send(ORDERED, 0, READ);
        rig.turn();
        assertNull(first.reply(younger), "its turn is after the write");
        second.data(early, -1, 1, 2048, Arrays.copyOf(data, 2048), true);
        assertEquals(GOOD, second.await(early));
        assertEquals(GOOD, first.await(younger));
        assertArrayEquals(data, first.dataIn(younger));
    }

    /// RFC 7143 7.9 Sequence Errors.
    @Test
    void aGapInTheDataOfAnEarlyCommandIsToldWhenItIsOver() throws Exception {
        int number = first.skipNumber();
        byte[] part = Arrays.copyOf(filled(1), 512);
        int early = second.send(SIMPLE, 0, WRITE, LENGTH, new byte[0], false);
        second.data(early, -1, 1, 512, part, false);
        assertEquals(GOOD, first.await(first.sendSkipped(number, 0)));
        assertNull(second.reply(early));
        second.data(early, -1, 2, 1024, part, true);
        assertEquals(DATA_LOST, second.await(early));
        first.assertReads(new byte[LENGTH]);
    }

    @Test
    void failsAnEarlyCommandWhoseDataIsWrong() throws Exception {
        int number = first.skipNumber();
        int early = second.send(SIMPLE, 0, WRITE, LENGTH, filled(1), false);
        second.data(early, -1, 0, 512, new byte[512], true);
        first.await(first.sendSkipped(number, 0));
        assertEquals(2, second.await(early).status());
        assertEquals(GOOD, second.await(second.testUnit(0)));
    }

    /// 128 writes with 256 KiB each are announced ahead of a gap: as many are kept as there is room
    /// for, and none is lost.
    @Test
    void boundsTheDataOfEarlyCommands() throws Exception {
        int length = 256 << 10;
        byte[] data = new byte[length];
        int number = first.skipNumber();
        int[] tags = new int[40];
        for (int i = 0; i < tags.length; i++) {
            tags[i] = second.send(SIMPLE, 0, "2a 00 00 00 00 08 00 02 00 00", length, data, true);
        }
        assertTrue(rig.heldBytes() <= CommandOrder.MAX_BYTES, "holds " + rig.heldBytes());
        first.await(first.sendSkipped(number, 0));
        int room = CommandOrder.MAX_BYTES / length;
        for (int i = 0; i < tags.length; i++) {
            assertEquals(i < room ? GOOD : TASK_SET_FULL, second.await(tags[i]), "write " + i);
        }
    }

    @Test
    void immediateCommandsWaitForNobody() throws Exception {
        first.skipNumber();
        int early = second.testUnit(0);
        int logout = second.logout(1, 99);
        assertEquals(1, second.logoutResponse(logout), "CID not found");
        assertNull(second.reply(early));
    }

    @Test
    void abortsACommandThatHasNotComeYet() throws Exception {
        int number = first.skipNumber();
        int early = second.testUnit(0);
        int abort = first.manage(ABORT_TASK, 0, 77, number);
        assertEquals(0, first.await(abort).status());
        assertEquals(GOOD, second.await(early));
        first.sendSkipped(number, 0);
        rig.turn();
        assertEquals(List.of(0, 127), second.window());
    }

    /// Its data is still coming.
    @Test
    void abortsACommandThatIsEarly() throws Exception {
        int gap = first.skipNumber();
        int number = second.nextNumber();
        int early = second.send(SIMPLE, 0, WRITE, LENGTH, new byte[0], false);
        assertEquals(0, second.await(second.manage(ABORT_TASK, 0, early, number)).status());
        assertEquals(0, rig.heldBytes());
        second.data(early, -1, 0, 0, filled(1), true);
        assertEquals(GOOD, first.await(first.sendSkipped(gap, 0)));
        rig.turn();
        assertNull(second.reply(early));
    }

    /// The function waits for commands that were sent before it on other connections, and concerns
    /// the tasks of all.
    @Test
    void abortsTheTaskSetOverAllConnections() throws Exception {
        int running = second.beginWrite();
        int gap = first.skipNumber();
        int abort = first.manage(ABORT_TASK_SET, 0, -1);
        rig.turn();
        assertNull(first.reply(abort));
        int missing = second.sendSkipped(gap, 0, WRITE, LENGTH, new byte[0], true);
        second.giveData(running, filled(7));
        second.giveData(missing, filled(7));
        second.acknowledge();
        assertEquals(0, first.await(abort).status());
        assertNull(second.reply(running));
        assertNull(second.reply(missing));
    }

    /// Those are there already when the function comes, on a slower connection.
    @ParameterizedTest
    @ValueSource(ints = {ABORT_TASK_SET, CLEAR_TASK_SET})
    void leavesAloneWhatWasSentAfterTheFunction(int function) throws Exception {
        int before = second.beginWrite();
        second.immediately(true);
        int immediate = second.beginWrite();
        second.immediately(false);
        int number = first.nextNumber();
        int after = second.beginWrite();
        second.immediately(true);
        int immediateAfter = second.beginWrite();
        int abort = first.manageBefore(number, function, 0);
        second.giveData(before);
        second.giveData(immediate);
        second.acknowledge();
        assertEquals(COMPLETE, first.await(abort));
        assertNull(second.reply(before));
        assertNull(second.reply(immediate));
        second.finishWrite(after);
        second.finishWrite(immediateAfter);
    }

    /// The same when the task set is that of all nexuses: of others it concerns every command.
    @Test
    void clearsWhatWasSentBeforeAndEverythingOfOthers() throws Exception {
        rig.control(0, 0, 0, first);
        Initiator other = rig.loginPatient();
        int before = second.beginWrite();
        int number = first.nextNumber();
        int after = second.beginWrite();
        int foreign = other.beginWrite();
        int clear = first.manageBefore(number, CLEAR_TASK_SET, 0);
        rig.turn();
        second.giveData(before);
        second.acknowledge();
        assertEquals(COMPLETE, first.await(clear));
        assertNull(second.reply(before));
        second.finishWrite(after);
        other.giveData(foreign);
        assertEquals(new Reply(2, "6/2f/00"), other.await(other.testUnit(0)));
        assertNull(other.reply(foreign));
    }

    /// They have waited for the same command as the function.
    @ParameterizedTest
    @ValueSource(ints = {ABORT_TASK_SET, CLEAR_TASK_SET})
    void functionsHaveTheirTurnBetweenCommands(int function) throws Exception {
        int gap = first.skipNumber();
        int before = second.beginWrite();
        int abort = first.manage(function, 0, NO_TASK);
        int after = second.beginWrite();
        assertEquals(GOOD, first.await(first.sendSkipped(gap, 0)));
        second.giveData(before);
        second.acknowledge();
        assertEquals(COMPLETE, first.await(abort));
        assertNull(second.reply(before));
        second.finishWrite(after);
    }

    /// RFC 7143 4.2.2.1 Command Numbering and Acknowledging, whatever the others have sent.
    @Test
    void everyConnectionHasRoomForOneImmediateCommand() throws Exception {
        first.immediately(true);
        second.immediately(true);
        List<Integer> writes = new ArrayList<>();
        for (int i = 0; i < TaskSet.MAX_IMMEDIATE_TASKS; i++) {
            writes.add(first.beginWrite());
        }
        assertThrows(RejectedPduException.class, first::beginWrite);
        int more = second.beginWrite();
        assertThrows(RejectedPduException.class, second::beginWrite);
        second.finishWrite(more);
        second.finishWrite(second.beginWrite());
        for (int write : writes) {
            first.finishWrite(write);
        }
    }

    /// The same of task management functions.
    @Test
    void everyConnectionHasRoomForOneFunctionThatWaits() throws Exception {
        int gap = first.skipNumber();
        List<Integer> functions = new ArrayList<>();
        for (int i = 0; i < CommandOrder.MAX_EARLY_FUNCTIONS; i++) {
            functions.add(first.manage(ABORT_TASK_SET, 0, NO_TASK));
        }
        assertThrows(RejectedPduException.class, () -> first.manage(ABORT_TASK_SET, 0, NO_TASK));
        int more = second.manage(ABORT_TASK_SET, 0, NO_TASK);
        assertThrows(RejectedPduException.class, () -> second.manage(ABORT_TASK_SET, 0, NO_TASK));
        first.sendSkipped(gap, 0);
        rig.turn();
        first.acknowledge();
        second.acknowledge();
        for (int function : functions) {
            assertEquals(COMPLETE, first.await(function));
        }
        assertEquals(COMPLETE, second.await(more));
    }

    /// A status on another connection may be on its way: it is asked after, and waited for.
    @Test
    void answersAMultiTaskAbortAfterAllStatusHasArrived() throws Exception {
        int done = second.testUnit(0);
        assertEquals(GOOD, second.await(done));
        int abort = first.manage(ABORT_TASK_SET, 0, -1);
        rig.turn();
        assertNull(first.reply(abort));
        assertEquals(1, second.pings());
        assertEquals(0, first.pings());
        second.acknowledge();
        assertEquals(0, first.await(abort).status());
        int again = first.manage(ABORT_TASK_SET, 0, -1);
        assertEquals(0, first.await(again).status());
        assertEquals(1, second.pings(), "all is acknowledged");
    }

    /// Data that never comes is waited for as long as with one connection.
    @Test
    void aSecondIsASecondWithSeveralConnections() throws Exception {
        int write = first.beginWrite();
        int abort = first.manage(ABORT_TASK_SET, 0, -1);
        rig.turn();
        second.acknowledge();
        for (int tick = 0; tick < RetiredTags.PATIENCE_TICKS; tick++) {
            assertNull(first.reply(abort));
            second.tick();
            second.tick();
            first.tick();
        }
        second.acknowledge();
        assertEquals(0, first.await(abort).status());
        assertFalse(first.closed());
        assertNull(first.reply(write));
    }
}
