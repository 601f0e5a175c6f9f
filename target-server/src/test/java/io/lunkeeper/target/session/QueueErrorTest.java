package io.lunkeeper.target.session;

import static io.lunkeeper.target.session.Initiator.CLEAR_TASK_SET;
import static io.lunkeeper.target.session.Initiator.LOGICAL_UNIT_RESET;
import static io.lunkeeper.target.session.Initiator.ORDERED;
import static io.lunkeeper.target.session.Initiator.SIMPLE;
import static io.lunkeeper.target.session.Initiator.TEST_UNIT_READY;
import static io.lunkeeper.target.session.Reply.GOOD;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.file.Path;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What becomes of other tasks when one ends with CHECK CONDITION (QERR), and what those hear whose
/// tasks another nexus aborts (TAS): SPC-4 7.5.8 Control mode page. The tasks are writes that wait
/// for their data.
class QueueErrorTest {
    private static final int SEPARATE = 0x20;
    private static final int ABORT_ALL = 0x02;
    private static final int ABORT_OWN = 0x06;
    private static final int TAS = 0x40;
    private static final Reply ABORTED = new Reply(0x40, "");
    private static final Reply UNKNOWN = new Reply(2, "5/20/00");
    private static final Reply CLEARED = new Reply(2, "6/2f/00");
    private static final String WRONG = "ff 00 00 00 00 00";

    @TempDir Path directory;

    @AutoClose("closeEmpty")
    private SessionRig rig;

    private Initiator initiator;
    private Initiator other;

    @BeforeEach
    void serve() throws Exception {
        rig = new SessionRig(directory);
        initiator = rig.loginPatient();
        other = rig.loginPatient();
    }

    /// Data that comes late for an aborted task is dropped, and there is no reply.
    private void expectGone(Initiator by, int tag) throws Exception {
        by.giveData(tag);
        rig.turn();
        assertNull(by.reply(tag));
    }

    @Test
    void othersGoOnByDefault() throws Exception {
        int write = initiator.beginWrite();
        assertEquals(UNKNOWN, initiator.reply(initiator.send(SIMPLE, 0, WRONG)));
        initiator.finishWrite(write);
    }

    @Test
    void abortsItsOwnTaskSet() throws Exception {
        rig.control(SEPARATE, ABORT_ALL, 0, initiator, other);
        int write = initiator.beginWrite();
        int foreign = other.beginWrite();
        int elsewhere = initiator.beginWrite(SIMPLE, 1);
        int dormant = initiator.send(ORDERED, 0, TEST_UNIT_READY);
        assertEquals(UNKNOWN, initiator.await(initiator.send(3, 0, WRONG)));
        expectGone(initiator, write);
        assertNull(initiator.reply(dormant));
        initiator.finishWrite(elsewhere);
        other.finishWrite(foreign);
        assertEquals(GOOD, other.await(other.testUnit(0)));
        assertEquals(GOOD, initiator.await(initiator.testUnit(0)));
    }

    @Test
    void leavesOthersAloneWhenOnlyItsOwnAreToEnd() throws Exception {
        rig.control(0, ABORT_OWN, 0, initiator, other);
        int write = initiator.beginWrite();
        int foreign = other.beginWrite();
        assertEquals(UNKNOWN, initiator.await(initiator.send(SIMPLE, 0, WRONG)));
        expectGone(initiator, write);
        other.finishWrite(foreign);
        assertEquals(GOOD, other.await(other.testUnit(0)));
    }

    @Test
    void abortsTheTasksOfOthersInOneTaskSetAndTellsThem() throws Exception {
        rig.control(0, ABORT_ALL, 0, initiator, other);
        int write = initiator.beginWrite();
        int foreign = other.beginWrite();
        int wrong = initiator.send(SIMPLE, 0, WRONG);
        assertNull(initiator.reply(wrong), "the others have not come to rest");
        assertEquals(UNKNOWN, initiator.await(wrong));
        expectGone(initiator, write);
        expectGone(other, foreign);
        assertEquals(CLEARED, other.await(other.send(ORDERED, 0, TEST_UNIT_READY)));
        assertEquals(GOOD, initiator.await(initiator.send(ORDERED, 0, TEST_UNIT_READY)));
    }

    @Test
    void orSaysSoByTheirStatus() throws Exception {
        rig.control(0, ABORT_ALL, TAS, initiator, other);
        int write = initiator.beginWrite();
        int foreign = other.beginWrite();
        assertEquals(UNKNOWN, initiator.await(initiator.send(SIMPLE, 0, WRONG)));
        assertEquals(ABORTED, other.await(foreign));
        expectGone(initiator, write);
        other.giveData(foreign);
        assertEquals(GOOD, other.await(other.testUnit(0)));
    }

    @Test
    void ofTwoThatFailAtOnceBothHaveTheirStatus() throws Exception {
        rig.control(0, ABORT_ALL, TAS, initiator, other);
        int write = initiator.beginWrite();
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
        rig.control(0, ABORT_ALL, 0, initiator, other);
        int first = initiator.send(SIMPLE, 0, WRONG);
        assertEquals(GOOD, initiator.await(initiator.manage(LOGICAL_UNIT_RESET, 0, 0)));
        assertNull(initiator.reply(first));
        assertEquals("6/29/03", initiator.await(initiator.testUnit(0)).sense());
    }

    @Test
    void aResetAbortsTheTasksOfOthersWithAStatus() throws Exception {
        rig.control(SEPARATE, 0, TAS, initiator, other);
        int write = initiator.beginWrite();
        int foreign = other.beginWrite();
        assertEquals(GOOD, initiator.manageSilently(LOGICAL_UNIT_RESET, 0));
        assertNull(initiator.reply(write));
        assertEquals(ABORTED, other.reply(foreign));
        assertEquals("6/29/03", other.await(other.testUnit(0)).sense());
    }

    @Test
    void clearingTheTaskSetSaysSoOnceOnly() throws Exception {
        rig.control(0, 0, TAS, initiator, other);
        int foreign = other.beginWrite();
        assertEquals(GOOD, initiator.await(initiator.manage(CLEAR_TASK_SET, 0, 0)));
        assertEquals(ABORTED, other.reply(foreign));
        assertEquals(GOOD, other.await(other.testUnit(0)));
        int own = initiator.beginWrite();
        assertEquals(GOOD, initiator.manageSilently(CLEAR_TASK_SET, 0));
        assertNull(initiator.reply(own));
    }
}
