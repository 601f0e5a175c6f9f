package io.lunkeeper.target.session;

import static io.lunkeeper.target.session.Initiator.ABORT_TASK;
import static io.lunkeeper.target.session.Initiator.ABORT_TASK_SET;
import static io.lunkeeper.target.session.Initiator.ACA;
import static io.lunkeeper.target.session.Initiator.HEAD_OF_QUEUE;
import static io.lunkeeper.target.session.Initiator.LENGTH;
import static io.lunkeeper.target.session.Initiator.LOGICAL_UNIT_RESET;
import static io.lunkeeper.target.session.Initiator.ORDERED;
import static io.lunkeeper.target.session.Initiator.READ;
import static io.lunkeeper.target.session.Initiator.SIMPLE;
import static io.lunkeeper.target.session.Initiator.TEST_UNIT_READY;
import static io.lunkeeper.target.session.Initiator.WRITE;
import static io.lunkeeper.target.session.Reply.GOOD;
import static io.lunkeeper.target.session.SessionRig.filled;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.pdu.RequestPdu;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Task attributes as a session keeps them (SAM-5 8.6). A write that waits for its data is the task
/// that takes long, and ends when the test says so.
class TaskOrderingTest {
    private static final int UNTAGGED = 0;
    private static final byte[] NEW = filled(0x5a);

    @TempDir Path directory;

    @AutoClose("closeEmpty")
    private SessionRig rig;

    private Initiator initiator;

    @BeforeEach
    void serve() throws Exception {
        rig = new SessionRig(directory);
        initiator = rig.loginPatient();
    }

    private static void finishWrite(Initiator by, int tag) throws Exception {
        by.giveData(tag, NEW);
        assertEquals(GOOD, by.await(tag));
    }

    @ParameterizedTest
    @ValueSource(ints = {UNTAGGED, SIMPLE})
    void simpleTasksDoNotWait(int attribute) throws Exception {
        int write = initiator.beginWrite();
        int ready = initiator.send(attribute, 0, TEST_UNIT_READY);
        assertEquals(GOOD, initiator.reply(ready));
        finishWrite(initiator, write);
    }

    @Test
    void anOrderedReadSeesTheWriteBeforeIt() throws Exception {
        int write = initiator.beginWrite();
        int read = initiator.send(ORDERED, 0, READ);
        int later = initiator.testUnit(0);
        rig.turn();
        assertNull(initiator.reply(read));
        assertNull(initiator.reply(later));
        finishWrite(initiator, write);
        assertEquals(GOOD, initiator.await(read));
        assertArrayEquals(NEW, initiator.dataIn(read));
        assertEquals(GOOD, initiator.await(later));
    }

    @Test
    void anOrderedWriteHoldsBackWhatComesLater() throws Exception {
        int write = initiator.beginWrite(ORDERED, 0);
        int read = initiator.send(SIMPLE, 0, READ);
        int other = initiator.testUnit(1);
        assertEquals(GOOD, initiator.await(other), "another logical unit");
        assertNull(initiator.reply(read));
        finishWrite(initiator, write);
        assertEquals(GOOD, initiator.await(read));
        assertArrayEquals(NEW, initiator.dataIn(read));
    }

    @Test
    void headOfQueueDoesNotWait() throws Exception {
        int write = initiator.beginWrite();
        int ordered = initiator.send(ORDERED, 0, TEST_UNIT_READY);
        int head = initiator.send(HEAD_OF_QUEUE, 0, TEST_UNIT_READY);
        assertEquals(GOOD, initiator.reply(head));
        rig.turn();
        assertNull(initiator.reply(ordered));
        finishWrite(initiator, write);
        assertEquals(GOOD, initiator.await(ordered));
    }

    @Test
    void whatIsBehindAHeadOfQueueWaitsForIt() throws Exception {
        int head = initiator.beginWrite(HEAD_OF_QUEUE, 0);
        int simple = initiator.testUnit(0);
        rig.turn();
        assertNull(initiator.reply(simple));
        finishWrite(initiator, head);
        assertEquals(GOOD, initiator.await(simple));
    }

    @Test
    void manyOrderedTasksRunOneAfterTheOther() throws Exception {
        int write = initiator.beginWrite();
        int first = initiator.send(ORDERED, 0, TEST_UNIT_READY);
        for (int i = 1; i < 100; i++) {
            initiator.send(ORDERED, 0, TEST_UNIT_READY);
        }
        initiator.replies();
        finishWrite(initiator, write);
        initiator.await(first + 99);
        List<Integer> replies = initiator.replies();
        assertEquals(101, replies.size());
        assertEquals(replies.stream().sorted().toList(), replies);
    }

    @Test
    void refusesAttributesThatItDoesNotHave() throws Exception {
        int aca = initiator.send(ACA, 0, TEST_UNIT_READY);
        assertEquals(new Reply(2, "5/49/00"), initiator.reply(aca));
        for (int reserved = 5; reserved < 8; reserved++) {
            int attribute = reserved;
            RejectedPduException refusal =
                    assertThrows(
                            RejectedPduException.class,
                            () -> initiator.send(attribute, 0, TEST_UNIT_READY));
            assertEquals(0x09, refusal.reason());
        }
        assertEquals(GOOD, initiator.await(initiator.testUnit(0)));
    }

    @Test
    void ordersNothingWhereThereIsNoUnit() throws Exception {
        int ordered = initiator.send(ORDERED, 9, TEST_UNIT_READY);
        assertEquals(new Reply(2, "5/25/00"), initiator.reply(ordered));
    }

    // ---- data that comes unasked while a command waits

    @Test
    void keepsImmediateAndUnsolicitedDataUntilItsTurn() throws Exception {
        Initiator eager = rig.login();
        int write = eager.beginWrite();
        byte[] half = Arrays.copyOf(NEW, LENGTH / 2);
        int ordered = eager.send(ORDERED, 0, WRITE, LENGTH, half, false);
        eager.data(ordered, RequestPdu.RESERVED_TAG, 0, LENGTH / 2, half, true);
        int read = eager.send(ORDERED, 0, READ);
        rig.turn();
        assertNull(eager.reply(ordered));
        eager.finishWrite(write);
        assertEquals(GOOD, eager.await(ordered));
        assertEquals(GOOD, eager.await(read));
        assertArrayEquals(NEW, eager.dataIn(read));
    }

    /// Its turn comes in the middle of its unsolicited data.
    @Test
    void beginsWhenItsUnsolicitedDataIsWhole() throws Exception {
        Initiator eager = rig.login();
        int write = eager.beginWrite();
        byte[] half = Arrays.copyOf(NEW, LENGTH / 2);
        int ordered = eager.send(ORDERED, 0, WRITE, LENGTH, half, false);
        finishWrite(eager, write);
        rig.turn();
        eager.data(ordered, RequestPdu.RESERVED_TAG, 0, LENGTH / 2, half, true);
        assertEquals(GOOD, eager.await(ordered));
    }

    @Test
    void asksForTheRestWhenItsTurnHasCome() throws Exception {
        int write = initiator.beginWrite();
        int ordered = initiator.beginWrite(ORDERED, 0);
        rig.turn();
        assertThrows(AssertionError.class, () -> initiator.transferTag(ordered));
        finishWrite(initiator, write);
        rig.turn();
        finishWrite(initiator, ordered);
    }

    @Test
    void refusesDataOutOfOrderWhileItWaits() throws Exception {
        Initiator eager = rig.login();
        int write = eager.beginWrite();
        int ordered = eager.send(ORDERED, 0, WRITE, LENGTH, new byte[0], false);
        int later = eager.testUnit(0);
        eager.data(ordered, RequestPdu.RESERVED_TAG, 0, 512, new byte[512], false);
        assertEquals(2, eager.await(ordered).status());
        assertEquals(GOOD, eager.await(later), "what waited for it goes on");
        eager.data(ordered, RequestPdu.RESERVED_TAG, 1, 1024, new byte[512], true);
        finishWrite(eager, write);
    }

    /// RFC 7143 7.9 Sequence Errors. It need not wait for its turn to fail.
    @Test
    void aGapInTheDataOfACommandThatWaitsIsToldWhenItIsOver() throws Exception {
        Initiator eager = rig.login();
        int write = eager.beginWrite();
        int ordered = eager.send(ORDERED, 0, WRITE, LENGTH, new byte[0], false);
        eager.data(ordered, RequestPdu.RESERVED_TAG, 1, 512, new byte[512], false);
        rig.turn();
        assertNull(eager.reply(ordered));
        eager.data(ordered, RequestPdu.RESERVED_TAG, 2, 1024, new byte[512], true);
        assertEquals(new Reply(2, "b/47/05"), eager.await(ordered));
        finishWrite(eager, write);
    }

    @Test
    void saysTaskSetFullRatherThanHoldMore() throws Exception {
        Initiator eager = rig.login();
        int write = eager.beginWrite();
        String large = "2a 00 00 00 00 00 00 02 00 00";
        byte[] burst = new byte[262144];
        int ordered = eager.send(ORDERED, 0, TEST_UNIT_READY);
        int fits = TaskOrdering.MAX_DORMANT_BYTES / burst.length - 1;
        assertTrue(fits < Session.COMMAND_WINDOW - 3);
        int last = 0;
        long before = rig.heldBytes();
        // One with an announcement only: what may come counts, not what has come.
        eager.send(SIMPLE, 0, large, burst.length, new byte[0], false);
        for (int i = 0; i < fits; i++) {
            last = eager.send(SIMPLE, 0, large, burst.length, burst, true);
        }
        assertNull(eager.reply(last));
        assertEquals(TaskOrdering.MAX_DORMANT_BYTES, rig.heldBytes() - before);
        int full = eager.send(SIMPLE, 0, large, burst.length, burst, true);
        assertEquals(new Reply(0x28, ""), eager.reply(full));
        eager.data(last - fits, RequestPdu.RESERVED_TAG, 0, 0, burst, true);
        finishWrite(eager, write);
        assertEquals(GOOD, eager.await(ordered));
        for (int tag = last - fits; tag <= last; tag++) {
            assertEquals(GOOD, eager.await(tag));
        }
    }

    // ---- ends

    @Test
    void anAbortedTaskIsWaitedForNoMore() throws Exception {
        Initiator eager = rig.login();
        int write = eager.beginWrite();
        int ordered = eager.send(ORDERED, 0, WRITE, LENGTH, NEW, true);
        int simple = eager.testUnit(0);
        rig.turn();
        assertNull(eager.reply(simple));
        assertEquals(GOOD, eager.await(eager.manage(ABORT_TASK, 0, ordered)));
        assertEquals(GOOD, eager.await(simple));
        assertNull(eager.reply(ordered));
        finishWrite(eager, write);
        assertNull(eager.reply(ordered));
    }

    @Test
    void theRunningTaskMayBeTheOneThatIsAborted() throws Exception {
        int write = initiator.beginWrite();
        int ordered = initiator.send(ORDERED, 0, TEST_UNIT_READY);
        assertEquals(GOOD, initiator.await(initiator.manage(ABORT_TASK, 0, write)));
        assertEquals(GOOD, initiator.await(ordered));
    }

    @ParameterizedTest
    @ValueSource(ints = {ABORT_TASK_SET, LOGICAL_UNIT_RESET})
    void allAreAborted(int function) throws Exception {
        Initiator eager = rig.login();
        eager.beginWrite();
        int ordered = eager.send(ORDERED, 0, WRITE, LENGTH, NEW, true);
        int unfinished = eager.send(SIMPLE, 0, WRITE, LENGTH, new byte[512], false);
        eager.beginWrite(HEAD_OF_QUEUE, 0);
        assertEquals(GOOD, eager.manageSilently(function, 0));
        eager.data(unfinished, RequestPdu.RESERVED_TAG, 0, 512, new byte[512], true);
        assertNull(eager.reply(ordered));
        eager.await(eager.testUnit(0));
        assertEquals(GOOD, eager.await(eager.send(ORDERED, 0, TEST_UNIT_READY)));
    }

    @Test
    void theEndOfASessionFreesEverything() throws Exception {
        Initiator eager = rig.login();
        eager.beginWrite();
        eager.send(ORDERED, 0, WRITE, LENGTH, NEW, true);
        eager.send(SIMPLE, 0, WRITE, LENGTH, NEW, true);
        eager.disconnect();
        rig.turn();
        assertEquals(GOOD, initiator.await(initiator.send(ORDERED, 0, TEST_UNIT_READY)));
    }

    // ---- several nexuses

    @Test
    void eachNexusHasATaskSetOfItsOwn() throws Exception {
        Initiator other = rig.login();
        int write = other.beginWrite();
        assertEquals(GOOD, initiator.await(initiator.send(ORDERED, 0, TEST_UNIT_READY)));
        int ordered = other.send(ORDERED, 0, TEST_UNIT_READY);
        assertEquals(GOOD, initiator.await(initiator.testUnit(0)));
        finishWrite(other, write);
        assertEquals(GOOD, other.await(ordered));
    }

    @Test
    void inOneTaskSetTheyWaitForEachOther() throws Exception {
        Initiator other = rig.login();
        other.selectControl(0, 0, 0);
        initiator.await(initiator.testUnit(0));
        int write = initiator.beginWrite();
        int ordered = other.send(ORDERED, 0, READ);
        // Before the other session was asked what it has: it sees that there is an order.
        int simple = initiator.testUnit(0);
        assertNull(initiator.reply(simple));
        rig.turn();
        assertNull(other.reply(ordered));
        finishWrite(initiator, write);
        assertEquals(GOOD, other.await(ordered));
        assertArrayEquals(NEW, other.dataIn(ordered));
        assertEquals(GOOD, initiator.await(simple));
    }

    @Test
    void inOneTaskSetASessionThatEndsIsWaitedForNoMore() throws Exception {
        Initiator other = rig.login();
        other.selectControl(0, 0, 0);
        initiator.await(initiator.testUnit(0));
        initiator.beginWrite();
        int ordered = other.send(ORDERED, 0, TEST_UNIT_READY);
        rig.turn();
        assertNull(other.reply(ordered));
        initiator.disconnect();
        assertEquals(GOOD, other.await(ordered));
        Initiator late = rig.login();
        int write = other.beginWrite(ORDERED, 0);
        int simple = late.testUnit(0);
        rig.turn();
        assertNull(late.reply(simple));
        finishWrite(other, write);
        assertEquals(GOOD, late.await(simple));
    }

    /// What was begun under one kind of task set is kept to under the other.
    @Test
    void theOrderOutlivesAChangeOfTheTaskSetType() throws Exception {
        Initiator other = rig.login();
        int write = initiator.beginWrite(ORDERED, 0);
        other.selectControl(0, 0, 0);
        int simple = initiator.testUnit(0);
        rig.turn();
        assertNull(initiator.reply(simple));
        finishWrite(initiator, write);
        assertEquals(new Reply(2, "6/2a/01"), initiator.await(simple));
        int second = initiator.beginWrite();
        int ordered = other.send(ORDERED, 0, TEST_UNIT_READY);
        rig.turn();
        assertNull(other.reply(ordered));
        finishWrite(initiator, second);
        assertEquals(GOOD, other.await(ordered));
    }
}
