package io.lunkeeper.target.session;

import static io.lunkeeper.target.session.Initiator.ABORT_TASK_SET;
import static io.lunkeeper.target.session.Initiator.LOGICAL_UNIT_RESET;
import static io.lunkeeper.target.session.Initiator.NO_TASK;
import static io.lunkeeper.target.session.Initiator.ORDERED;
import static io.lunkeeper.target.session.Initiator.RESERVE;
import static io.lunkeeper.target.session.Initiator.SIMPLE;
import static io.lunkeeper.target.session.Initiator.TEST_UNIT_READY;
import static io.lunkeeper.target.session.Reply.COMPLETE;
import static io.lunkeeper.target.session.Reply.GOOD;
import static io.lunkeeper.target.session.Reply.REJECTED;
import static io.lunkeeper.target.session.Reply.RESERVATION_CONFLICT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The task management functions of RFC 7144. The tasks are writes that wait for their data.
class TaskQueryTest {
    private static final int QUERY_TASK = 9;
    private static final int QUERY_TASK_SET = 10;
    private static final int I_T_NEXUS_RESET = 11;
    private static final int QUERY_ASYNCHRONOUS_EVENT = 12;

    private static final Reply NO_SUCH_LUN = new Reply(2, "");
    private static final Reply NOT_SUPPORTED = new Reply(5, "");
    private static final Reply SUCCEEDED = new Reply(7, "");
    private static final Reply RESET = new Reply(2, "6/29/03");
    private static final Reply POWER_ON = new Reply(2, "6/29/00");

    @TempDir Path directory;

    @AutoClose("closeEmpty")
    private SessionRig rig;

    private Initiator initiator;
    private Initiator other;

    @BeforeEach
    void serve() throws Exception {
        rig = new SessionRig(directory);
        initiator = rig.login(SessionRig.PATIENT + "iSCSIProtocolLevel=2\0");
        other = rig.login(SessionRig.PATIENT + "iSCSIProtocolLevel=2\0");
    }

    private static Reply ask(Initiator by, int function, int lun, int tag) throws Exception {
        return by.await(by.manage(function, lun, tag));
    }

    private static Reply ready(Initiator by, int lun) throws Exception {
        return by.await(by.testUnit(lun));
    }

    private static void assertEvent(int expected, Initiator by, int lun) throws Exception {
        int tag = by.manage(QUERY_ASYNCHRONOUS_EVENT, lun, NO_TASK);
        assertEquals(expected == 0 ? COMPLETE : SUCCEEDED, by.await(tag));
        assertEquals(expected, by.additionalResponse(tag));
    }

    @Test
    void queryFindsATaskOfItsLogicalUnit() throws Exception {
        int write = initiator.beginWrite();
        int dormant = initiator.send(ORDERED, 0, TEST_UNIT_READY);
        assertEquals(SUCCEEDED, ask(initiator, QUERY_TASK, 0, write));
        assertEquals(SUCCEEDED, ask(initiator, QUERY_TASK, 0, dormant));
        assertEquals(COMPLETE, ask(initiator, QUERY_TASK, 1, write));
        assertEquals(COMPLETE, ask(initiator, QUERY_TASK, 0, 4711));
        assertEquals(GOOD, ready(other, 0));
        assertEquals(COMPLETE, ask(other, QUERY_TASK, 0, write));
        initiator.finishWrite(write);
        assertEquals(GOOD, initiator.await(dormant));
        assertEquals(COMPLETE, ask(initiator, QUERY_TASK, 0, write));
    }

    @Test
    void queryOfATaskSetFindsThoseOfItsNexus() throws Exception {
        assertEquals(COMPLETE, ask(initiator, QUERY_TASK_SET, 0, NO_TASK));
        int write = initiator.beginWrite();
        assertEquals(SUCCEEDED, ask(initiator, QUERY_TASK_SET, 0, NO_TASK));
        assertEquals(COMPLETE, ask(initiator, QUERY_TASK_SET, 1, NO_TASK));
        assertEquals(COMPLETE, ask(other, QUERY_TASK_SET, 0, NO_TASK));
        initiator.finishWrite(write);
        assertEquals(COMPLETE, ask(initiator, QUERY_TASK_SET, 0, NO_TASK));
    }

    /// Whether it goes on or waits for its turn, on whichever connection.
    @Test
    void aFunctionIsNotAskedAfter() throws Exception {
        int write = initiator.beginWrite();
        int goingOn = initiator.manage(ABORT_TASK_SET, 0, NO_TASK);
        assertEquals(REJECTED, ask(initiator, QUERY_TASK, 0, goingOn));
        initiator.giveData(write);
        assertEquals(COMPLETE, initiator.await(goingOn));
        assertEquals(COMPLETE, ask(initiator, QUERY_TASK, 0, goingOn));
        int number = initiator.skipNumber();
        int waiting = initiator.manage(ABORT_TASK_SET, 0, NO_TASK);
        assertEquals(REJECTED, ask(initiator, QUERY_TASK, 0, waiting));
        initiator.sendSkipped(number, 0);
        assertEquals(COMPLETE, initiator.await(waiting));
    }

    private Initiator loginForSeveral(String more) throws Exception {
        return rig.login(
                "InitialR2T=Yes\0ImmediateData=No\0MaxConnections=2\0iSCSIProtocolLevel=2\0"
                        + more);
    }

    /// Of a session that would be kept for the time that its initiator may take to come back. It
    /// has the response all the same, and then nothing.
    @Test
    void resetOfANexusEndsItsSession() throws Exception {
        Initiator first = loginForSeveral("DefaultTime2Wait=2\0DefaultTime2Retain=20\0");
        Initiator second = first.joined(2);
        assertEquals(GOOD, first.await(first.send(SIMPLE, 1, RESERVE)));
        assertEquals(RESERVATION_CONFLICT, ready(other, 1));
        int sessions = rig.sessions();
        int here = first.beginWrite();
        int there = second.beginWrite(SIMPLE, 1);
        int foreign = other.beginWrite();
        int reset = first.manage(I_T_NEXUS_RESET, 0, NO_TASK);
        rig.turn();
        first.giveData(here);
        second.giveData(there);
        assertNull(first.reply(reset), "the other connection may be slow");
        second.acknowledge();
        assertEquals(COMPLETE, first.await(reset));
        assertNull(first.reply(here));
        assertNull(second.reply(there));
        assertTrue(first.closed());
        assertTrue(second.closed());
        assertEquals(sessions - 1, rig.sessions());
        assertEquals(GOOD, ready(other, 1), "reservations are gone with the nexus");
        other.finishWrite(foreign);
        assertEquals(0x020a, first.join(3).loginStatus(), "session does not exist");
        assertEquals(POWER_ON, ready(first.reinstate(""), 0), "a new nexus");
    }

    /// RFC 7144 6.5: it is a multi-task abort.
    @Test
    void resetOfANexusWaitsForWhatWasSentBefore() throws Exception {
        int number = initiator.skipNumber();
        int write = initiator.beginWrite();
        int reset = initiator.manage(I_T_NEXUS_RESET, 0, NO_TASK);
        rig.turn();
        assertNull(initiator.reply(reset));
        initiator.sendSkipped(number, 0);
        rig.turn();
        assertNull(initiator.reply(reset), "the write had asked for data");
        initiator.giveData(write);
        assertEquals(COMPLETE, initiator.await(reset));
        assertNull(initiator.reply(write));
        assertTrue(initiator.closed());
    }

    /// What comes while it is going on ends with the session.
    @Test
    void resetOfANexusEndsWhatComesMeanwhile() throws Exception {
        int write = initiator.beginWrite();
        int reset = initiator.manage(I_T_NEXUS_RESET, 0, NO_TASK);
        int late = initiator.beginWrite(SIMPLE, 1);
        initiator.giveData(write);
        assertEquals(COMPLETE, initiator.await(reset));
        assertNull(initiator.reply(late));
        assertTrue(initiator.closed());
    }

    @Test
    void tellsWhatIsPendingAndReportsItAllTheSame() throws Exception {
        assertEvent(0, initiator, 0);
        assertEquals(COMPLETE, ask(other, LOGICAL_UNIT_RESET, 0, NO_TASK));
        assertEvent(0x162903, initiator, 0);
        assertEvent(0, initiator, 1);
        assertEquals(RESET, ready(other, 0));
        rig.control(0x20, 0, 0x40);
        assertEvent(0x262903, initiator, 0);
        assertEquals(RESET, ready(initiator, 0));
        assertEvent(0x162a01, initiator, 0);
        assertEquals(new Reply(2, "6/2a/01"), ready(initiator, 0));
        assertEvent(0, initiator, 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {QUERY_TASK, QUERY_TASK_SET, QUERY_ASYNCHRONOUS_EVENT})
    void saysThatALunDoesNotExist(int function) throws Exception {
        assertEquals(NO_SUCH_LUN, ask(initiator, function, 77, 1));
    }

    @ParameterizedTest
    @ValueSource(ints = {QUERY_TASK, QUERY_TASK_SET, I_T_NEXUS_RESET, QUERY_ASYNCHRONOUS_EVENT})
    void areNotForSessionsOfRfc7143(int function) throws Exception {
        for (String level : new String[] {"", "iSCSIProtocolLevel=1\0", "iSCSIProtocolLevel=0\0"}) {
            Initiator older = rig.login(SessionRig.PATIENT + level);
            assertEquals(NOT_SUPPORTED, ask(older, function, 0, 1));
            assertEquals(GOOD, ready(older, 0));
        }
    }

    /// The numerical minimum of both sides (RFC 7143 13.24 iSCSIProtocolLevel).
    @Test
    void areForSessionsThatWouldTakeMore() throws Exception {
        Initiator later = rig.login(SessionRig.PATIENT + "iSCSIProtocolLevel=31\0");
        assertEquals(COMPLETE, ask(later, QUERY_TASK_SET, 0, NO_TASK));
    }
}
