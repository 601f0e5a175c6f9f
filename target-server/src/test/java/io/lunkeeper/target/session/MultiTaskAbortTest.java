package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lunkeeper.target.session.SessionRig.Initiator;
import io.lunkeeper.target.session.SessionRig.Reply;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// When functions that abort many tasks are answered, and who hears of them: RFC 7143 4.2.3.3
/// Standardized Multi-Task Abort Semantics and 4.2.3.4 FastAbort Multi-Task Abort Semantics. The
/// tasks are writes that wait for their data.
class MultiTaskAbortTest {
    private static final int SIMPLE = 1;
    private static final int ABORT_TASK = 1;
    private static final int ABORT_TASK_SET = 2;
    private static final int CLEAR_TASK_SET = 4;
    private static final int LOGICAL_UNIT_RESET = 5;
    private static final int TARGET_WARM_RESET = 6;
    private static final int NO_TASK = 0xffffffff;
    private static final int NOP_IN = 0x20;
    private static final int TARGET_TRANSFER_TAG = 20;
    private static final Reply GOOD = new Reply(0, "");
    private static final Reply COMPLETE = new Reply(0, "");
    private static final Reply NO_SUCH_TASK = new Reply(1, "");
    private static final Reply REJECTED = new Reply(255, "");
    private static final String FAST_ABORT = SessionRig.PATIENT + "TaskReporting=FastAbort\0";
    private static final String WRITE = "2a 00 00 00 00 08 00 00 08 00";
    private static final int LENGTH = 4096;

    @TempDir Path directory;
    private SessionRig rig;

    @BeforeEach
    void serve() throws Exception {
        rig = new SessionRig(directory);
    }

    @AfterEach
    void end() throws IOException {
        rig.turn();
        assertEquals(0, rig.heldBytes(), "bytes left behind");
        rig.close();
    }

    private static int beginWrite(Initiator by, int lun) throws Exception {
        return by.send(SIMPLE, lun, WRITE, LENGTH, new byte[0], true);
    }

    private static void answer(Initiator by, int tag) throws Exception {
        by.data(tag, by.transferTag(tag), 0, 0, new byte[LENGTH], true);
    }

    /// Turns the loop until nothing comes any more that it would do at once.
    private @Nullable Reply now(Initiator by, int tag) {
        rig.turn();
        return by.reply(tag);
    }

    @ParameterizedTest
    @ValueSource(ints = {ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET, TARGET_WARM_RESET})
    void isAnsweredWhenTheInitiatorHasAnsweredWhatItWasAskedFor(int function) throws Exception {
        Initiator initiator = rig.loginPatient();
        int first = beginWrite(initiator, 0);
        int second = beginWrite(initiator, 0);
        int reset = initiator.manage(function, 0, NO_TASK);
        assertNull(now(initiator, reset));
        answer(initiator, second);
        assertNull(now(initiator, reset));
        answer(initiator, first);
        assertEquals(COMPLETE, initiator.await(reset));
        assertNull(initiator.reply(first));
        assertNull(initiator.reply(second));
    }

    /// Linux does not send what it was asked for after a reset.
    @Test
    void isAnsweredSoonToWhoAnswersNothing() throws Exception {
        Initiator initiator = rig.loginPatient();
        beginWrite(initiator, 0);
        int reset = initiator.manage(LOGICAL_UNIT_RESET, 0, NO_TASK);
        assertNull(now(initiator, reset));
        for (int second = 1; second < RetiredTags.PATIENCE_TICKS; second++) {
            initiator.tick();
            assertNull(now(initiator, reset));
        }
        initiator.tick();
        assertEquals(COMPLETE, now(initiator, reset));
    }

    @Test
    void doesNotWaitForTasksThatItDoesNotConcern() throws Exception {
        Initiator initiator = rig.loginPatient();
        Initiator other = rig.loginPatient();
        int elsewhere = beginWrite(initiator, 1);
        int foreign = beginWrite(other, 0);
        assertEquals(COMPLETE, initiator.await(initiator.manage(LOGICAL_UNIT_RESET, 0, NO_TASK)));
        answer(initiator, elsewhere);
        assertEquals(GOOD, initiator.await(elsewhere));
        answer(other, foreign);
        assertNull(now(other, foreign));
    }

    /// ABORT TASK is no multi-task abort.
    @Test
    void oneTaskIsAbortedAtOnce() throws Exception {
        Initiator initiator = rig.loginPatient();
        int write = beginWrite(initiator, 0);
        assertEquals(COMPLETE, initiator.await(initiator.manage(ABORT_TASK, 0, write)));
    }

    /// 11.5.1 Function, whether it goes on or has not begun.
    @Test
    void aFunctionIsNotAborted() throws Exception {
        Initiator initiator = rig.loginPatient();
        int write = beginWrite(initiator, 0);
        int goingOn = initiator.manage(ABORT_TASK_SET, 0, NO_TASK);
        assertEquals(REJECTED, initiator.await(initiator.manage(ABORT_TASK, 0, goingOn)));
        answer(initiator, write);
        assertEquals(COMPLETE, initiator.await(goingOn));
        assertEquals(NO_SUCH_TASK, initiator.await(initiator.manage(ABORT_TASK, 0, goingOn)));
        int number = initiator.skipNumber();
        int waiting = initiator.manage(ABORT_TASK_SET, 0, NO_TASK);
        assertEquals(REJECTED, initiator.await(initiator.manage(ABORT_TASK, 0, waiting)));
        initiator.sendSkipped(number, 0);
        assertEquals(COMPLETE, initiator.await(waiting));
    }

    /// 11.4.11 MaxCmdSN: nothing else tells that commands have ended of which nothing is said.
    @Test
    void othersAreToldOfTheRoomThatTheirTasksLeave() throws Exception {
        Initiator initiator = rig.loginPatient();
        Initiator other = rig.loginPatient();
        beginWrite(initiator, 0);
        beginWrite(other, 0);
        beginWrite(other, 0);
        initiator.manageSilently(LOGICAL_UNIT_RESET, 0);
        assertEquals(1, other.pings());
        assertEquals(List.of(0, Session.COMMAND_WINDOW - 1), other.window());
        assertEquals(NO_TASK, other.field(NO_TASK, NOP_IN, TARGET_TRANSFER_TAG));
        assertEquals(0, initiator.pings());
    }

    @Test
    void fastAbortIsAnsweredAtOnceAndTheOthersStopSending() throws Exception {
        Initiator initiator = rig.login(FAST_ABORT);
        Initiator fast = rig.login(FAST_ABORT);
        Initiator idle = rig.login(FAST_ABORT);
        Initiator standard = rig.login(SessionRig.PATIENT + "TaskReporting=ResponseFence\0");
        beginWrite(initiator, 0);
        int first = beginWrite(fast, 0);
        beginWrite(fast, 0);
        beginWrite(fast, 1);
        beginWrite(standard, 0);
        assertEquals(COMPLETE, initiator.await(initiator.manage(LOGICAL_UNIT_RESET, 0, NO_TASK)));
        assertEquals(List.of("5 at 0"), fast.asyncMessages());
        assertEquals(List.of(), initiator.asyncMessages());
        assertEquals(List.of(), idle.asyncMessages());
        assertEquals(List.of(), standard.asyncMessages());
        answer(fast, first); // It had been sent before.
        assertNull(now(fast, first));
    }

    @Test
    void everyLogicalUnitIsToldOf() throws Exception {
        Initiator initiator = rig.login(FAST_ABORT);
        Initiator fast = rig.login(FAST_ABORT);
        beginWrite(fast, 0);
        beginWrite(fast, 1);
        assertEquals(COMPLETE, initiator.await(initiator.manage(TARGET_WARM_RESET, 0, NO_TASK)));
        List<String> messages = fast.asyncMessages();
        assertEquals(2, messages.size());
        assertEquals(Set.of("5 at 0", "5 at 1"), new HashSet<>(messages));
    }

    /// A command that was sent before the function, and comes after it, is concerned.
    @Test
    void commandsThatWereSentBeforeAreWaitedFor() throws Exception {
        Initiator initiator = rig.loginPatient();
        int write = beginWrite(initiator, 0);
        int number = initiator.skipNumber();
        int abort = initiator.manage(ABORT_TASK_SET, 0, NO_TASK);
        answer(initiator, write);
        assertEquals(GOOD, initiator.await(write), "not aborted yet");
        assertNull(now(initiator, abort));
        int late = initiator.sendSkipped(number, 0);
        assertEquals(GOOD, initiator.await(late), "it was over before the function began");
        assertEquals(COMPLETE, initiator.await(abort));
    }

    @Test
    void functionsThatWaitForCommandsAreBounded() throws Exception {
        Initiator initiator = rig.loginPatient();
        int number = initiator.skipNumber();
        for (int i = 0; i < CommandOrder.MAX_EARLY_FUNCTIONS; i++) {
            assertNull(now(initiator, initiator.manage(ABORT_TASK_SET, 0, NO_TASK)));
        }
        assertThrows(
                RejectedPduException.class, () -> initiator.manage(ABORT_TASK_SET, 0, NO_TASK));
        initiator.sendSkipped(number, 0);
        assertEquals(COMPLETE, initiator.await(initiator.manage(ABORT_TASK_SET, 0, NO_TASK)));
    }
}
