package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.lunkeeper.target.session.SessionRig.Initiator;
import io.lunkeeper.target.session.SessionRig.Reply;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What becomes of other tasks when one ends with CHECK CONDITION (QERR), and what those hear whose
/// tasks another nexus aborts (TAS): SPC-4 7.5.8 Control mode page. The tasks are writes that wait
/// for their data.
class QueueErrorTest {
    private static final int SIMPLE = 1;
    private static final int ORDERED = 2;
    private static final int CLEAR_TASK_SET = 4;
    private static final int LUN_RESET = 5;
    private static final int SEPARATE = 0x20;
    private static final int ABORT_ALL = 0x02;
    private static final int ABORT_OWN = 0x06;
    private static final int TAS = 0x40;
    private static final Reply GOOD = new Reply(0, "");
    private static final Reply ABORTED = new Reply(0x40, "");
    private static final Reply UNKNOWN = new Reply(2, "5/20/00");
    private static final Reply CLEARED = new Reply(2, "6/2f/00");
    private static final String READY = SessionRig.TEST_UNIT_READY;
    private static final String WRONG = "ff 00 00 00 00 00";
    private static final String WRITE = "2a 00 00 00 00 08 00 00 08 00";
    private static final int LENGTH = 4096;

    @TempDir Path directory;
    private SessionRig rig;
    private Initiator initiator;
    private Initiator other;

    @BeforeEach
    void serve() throws Exception {
        rig = new SessionRig(directory);
        initiator = rig.loginPatient();
        other = rig.loginPatient();
    }

    @AfterEach
    void end() throws IOException {
        rig.turn();
        assertEquals(0, rig.heldBytes(), "bytes left behind");
        rig.close();
    }

    private void control(int taskSetType, int onError, int status) throws Exception {
        byte[] list =
                HexFormat.of()
                        .parseHex(
                                "000000000a0a%02x%02x00%02x0000ffff0000"
                                        .formatted(taskSetType, 0x10 | onError, status));
        Initiator manager = rig.login();
        int tag = manager.send(SIMPLE, 0, "15 10 00 00 10 00", list.length, list, true);
        assertEquals(GOOD, manager.await(tag));
        for (Initiator each : new Initiator[] {initiator, other}) {
            each.await(each.send(SIMPLE, 0, READY));
        }
        manager.disconnect();
        rig.turn();
    }

    private static int beginWrite(Initiator by) throws Exception {
        return by.send(SIMPLE, 0, WRITE, LENGTH, new byte[0], true);
    }

    private static void finishWrite(Initiator by, int tag) throws Exception {
        by.data(tag, by.transferTag(tag), 0, 0, new byte[LENGTH], true);
        assertEquals(GOOD, by.await(tag));
    }

    /// Data that comes late for an aborted task is dropped, and there is no reply.
    private void expectGone(Initiator by, int tag) throws Exception {
        by.data(tag, by.transferTag(tag), 0, 0, new byte[LENGTH], true);
        rig.turn();
        assertNull(by.reply(tag));
    }

    @Test
    void othersGoOnByDefault() throws Exception {
        int write = beginWrite(initiator);
        assertEquals(UNKNOWN, initiator.reply(initiator.send(SIMPLE, 0, WRONG)));
        finishWrite(initiator, write);
    }

    @Test
    void abortsItsOwnTaskSet() throws Exception {
        control(SEPARATE, ABORT_ALL, 0);
        int write = beginWrite(initiator);
        int foreign = beginWrite(other);
        int elsewhere = initiator.send(SIMPLE, 1, WRITE, LENGTH, new byte[0], true);
        int dormant = initiator.send(ORDERED, 0, READY);
        assertEquals(UNKNOWN, initiator.await(initiator.send(3, 0, WRONG)));
        expectGone(initiator, write);
        assertNull(initiator.reply(dormant));
        finishWrite(initiator, elsewhere);
        finishWrite(other, foreign);
        assertEquals(GOOD, other.await(other.send(SIMPLE, 0, READY)));
        assertEquals(GOOD, initiator.await(initiator.send(SIMPLE, 0, READY)));
    }

    @Test
    void leavesOthersAloneWhenOnlyItsOwnAreToEnd() throws Exception {
        control(0, ABORT_OWN, 0);
        int write = beginWrite(initiator);
        int foreign = beginWrite(other);
        assertEquals(UNKNOWN, initiator.await(initiator.send(SIMPLE, 0, WRONG)));
        expectGone(initiator, write);
        finishWrite(other, foreign);
        assertEquals(GOOD, other.await(other.send(SIMPLE, 0, READY)));
    }

    @Test
    void abortsTheTasksOfOthersInOneTaskSetAndTellsThem() throws Exception {
        control(0, ABORT_ALL, 0);
        int write = beginWrite(initiator);
        int foreign = beginWrite(other);
        int wrong = initiator.send(SIMPLE, 0, WRONG);
        assertNull(initiator.reply(wrong), "the others have not come to rest");
        assertEquals(UNKNOWN, initiator.await(wrong));
        expectGone(initiator, write);
        expectGone(other, foreign);
        assertEquals(CLEARED, other.await(other.send(ORDERED, 0, READY)));
        assertEquals(GOOD, initiator.await(initiator.send(ORDERED, 0, READY)));
    }

    @Test
    void orSaysSoByTheirStatus() throws Exception {
        control(0, ABORT_ALL, TAS);
        int write = beginWrite(initiator);
        int foreign = beginWrite(other);
        assertEquals(UNKNOWN, initiator.await(initiator.send(SIMPLE, 0, WRONG)));
        assertEquals(ABORTED, other.await(foreign));
        expectGone(initiator, write);
        other.data(foreign, other.transferTag(foreign), 0, 0, new byte[LENGTH], true);
        assertEquals(GOOD, other.await(other.send(SIMPLE, 0, READY)));
    }

    @Test
    void ofTwoThatFailAtOnceBothHaveTheirStatus() throws Exception {
        control(0, ABORT_ALL, TAS);
        int write = beginWrite(initiator);
        int first = initiator.send(SIMPLE, 0, WRONG);
        int second = other.send(SIMPLE, 0, WRONG);
        assertNull(initiator.reply(first));
        assertNull(other.reply(second));
        assertEquals(UNKNOWN, initiator.await(first));
        assertEquals(UNKNOWN, other.await(second));
        assertNotNull(initiator.reply(first));
        assertNull(initiator.reply(write), "aborted by its own nexus first");
    }

    @Test
    void aFailingTaskMayBeAbortedItself() throws Exception {
        control(0, ABORT_ALL, 0);
        int first = initiator.send(SIMPLE, 0, WRONG);
        assertEquals(GOOD, initiator.await(initiator.manage(LUN_RESET, 0, 0)));
        assertNull(initiator.reply(first));
        assertEquals("6/29/03", initiator.await(initiator.send(SIMPLE, 0, READY)).sense());
    }

    @Test
    void aResetAbortsTheTasksOfOthersWithAStatus() throws Exception {
        control(SEPARATE, 0, TAS);
        int write = beginWrite(initiator);
        int foreign = beginWrite(other);
        assertEquals(GOOD, initiator.manageSilently(LUN_RESET, 0));
        assertNull(initiator.reply(write));
        assertEquals(ABORTED, other.reply(foreign));
        assertEquals("6/29/03", other.await(other.send(SIMPLE, 0, READY)).sense());
    }

    @Test
    void clearingTheTaskSetSaysSoOnceOnly() throws Exception {
        control(0, 0, TAS);
        int foreign = beginWrite(other);
        assertEquals(GOOD, initiator.await(initiator.manage(CLEAR_TASK_SET, 0, 0)));
        assertEquals(ABORTED, other.reply(foreign));
        assertEquals(GOOD, other.await(other.send(SIMPLE, 0, READY)));
        int own = beginWrite(initiator);
        assertEquals(GOOD, initiator.manageSilently(CLEAR_TASK_SET, 0));
        assertNull(initiator.reply(own));
    }
}
