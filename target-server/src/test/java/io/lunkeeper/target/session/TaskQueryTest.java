package io.lunkeeper.target.session;

import static io.lunkeeper.target.session.Initiator.LOGICAL_UNIT_RESET;
import static io.lunkeeper.target.session.Initiator.NO_TASK;
import static io.lunkeeper.target.session.Initiator.ORDERED;
import static io.lunkeeper.target.session.Initiator.RESERVE;
import static io.lunkeeper.target.session.Initiator.SIMPLE;
import static io.lunkeeper.target.session.Initiator.TEST_UNIT_READY;
import static io.lunkeeper.target.session.Reply.COMPLETE;
import static io.lunkeeper.target.session.Reply.GOOD;
import static io.lunkeeper.target.session.Reply.RESERVATION_CONFLICT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
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
    private static final Reply NEXUS_LOSS = new Reply(2, "6/29/07");

    @TempDir Path directory;
    private SessionRig rig;
    private Initiator initiator;
    private Initiator other;

    @BeforeEach
    void serve() throws Exception {
        rig = new SessionRig(directory);
        initiator = rig.login(SessionRig.PATIENT + "iSCSIProtocolLevel=2\0");
        other = rig.login(SessionRig.PATIENT + "iSCSIProtocolLevel=2\0");
    }

    @AfterEach
    void end() throws IOException {
        rig.closeEmpty();
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

    @Test
    void resetOfANexusEndsWhatItsLossWouldEnd() throws Exception {
        assertEquals(GOOD, initiator.await(initiator.send(SIMPLE, 1, RESERVE)));
        assertEquals(RESERVATION_CONFLICT, ready(other, 1));
        int first = initiator.beginWrite();
        int second = initiator.beginWrite(SIMPLE, 1);
        int foreign = other.beginWrite();
        assertEquals(COMPLETE, ask(initiator, I_T_NEXUS_RESET, 0, NO_TASK));
        assertNull(initiator.reply(first));
        assertNull(initiator.reply(second));
        assertFalse(initiator.closed());
        for (int lun = 0; lun < 2; lun++) {
            assertEquals(NEXUS_LOSS, ready(initiator, lun));
            assertEquals(GOOD, ready(initiator, lun));
            assertEquals(GOOD, ready(other, lun));
        }
        other.finishWrite(foreign);
        initiator.giveData(first);
        assertNull(initiator.reply(first), "late data is dropped");
    }

    @Test
    void tellsWhatIsPendingAndReportsItAllTheSame() throws Exception {
        assertEvent(0, initiator, 0);
        assertEquals(COMPLETE, ask(other, LOGICAL_UNIT_RESET, 0, NO_TASK));
        assertEvent(0x162903, initiator, 0);
        assertEvent(0, initiator, 1);
        assertEquals(COMPLETE, ask(initiator, I_T_NEXUS_RESET, 0, NO_TASK));
        assertEvent(0x262903, initiator, 0);
        assertEvent(0x162907, initiator, 1);
        assertEquals(new Reply(2, "6/29/03"), ready(initiator, 0));
        assertEvent(0x162907, initiator, 0);
        assertEquals(NEXUS_LOSS, ready(initiator, 0));
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
