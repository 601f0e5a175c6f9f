package io.lunkeeper.target.session;

import static io.lunkeeper.target.session.Initiator.ABORT_TASK;
import static io.lunkeeper.target.session.Initiator.ABORT_TASK_SET;
import static io.lunkeeper.target.session.Initiator.CLEAR_TASK_SET;
import static io.lunkeeper.target.session.Initiator.LOGICAL_UNIT_RESET;
import static io.lunkeeper.target.session.Initiator.NO_TASK;
import static io.lunkeeper.target.session.Initiator.SIMPLE;
import static io.lunkeeper.target.session.Initiator.TARGET_WARM_RESET;
import static io.lunkeeper.target.session.Reply.COMPLETE;
import static io.lunkeeper.target.session.Reply.DOES_NOT_EXIST;
import static io.lunkeeper.target.session.Reply.GOOD;
import static io.lunkeeper.target.session.Reply.REJECTED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// When functions that abort many tasks are answered, and who hears of them: RFC 7143 4.2.3.3
/// Standard Multi-Task Abort Semantics and 4.2.3.4 FastAbort Multi-Task Abort Semantics. The tasks
/// are writes that wait for their data.
class MultiTaskAbortTest {
    private static final int NOP_IN = 0x20;
    private static final int TARGET_TRANSFER_TAG = 20;
    private static final String FAST_ABORT = SessionRig.PATIENT + "TaskReporting=FastAbort\0";

    @TempDir Path directory;

    @AutoClose("closeEmpty")
    private SessionRig rig;

    @BeforeEach
    void serve() throws Exception {
        rig = new SessionRig(directory);
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
        int first = initiator.beginWrite();
        int second = initiator.beginWrite();
        int reset = initiator.manage(function, 0, NO_TASK);
        assertNull(now(initiator, reset));
        initiator.giveData(second);
        assertNull(now(initiator, reset));
        initiator.giveData(first);
        assertEquals(COMPLETE, initiator.await(reset));
        assertNull(initiator.reply(first));
        assertNull(initiator.reply(second));
    }

    /// Linux does not send what it was asked for after a reset.
    @Test
    void isAnsweredSoonToWhoAnswersNothing() throws Exception {
        Initiator initiator = rig.loginPatient();
        initiator.beginWrite();
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
        int elsewhere = initiator.beginWrite(SIMPLE, 1);
        int foreign = other.beginWrite();
        assertEquals(COMPLETE, initiator.await(initiator.manage(LOGICAL_UNIT_RESET, 0, NO_TASK)));
        initiator.finishWrite(elsewhere);
        other.giveData(foreign);
        assertNull(now(other, foreign));
    }

    /// ABORT TASK is no multi-task abort.
    @Test
    void oneTaskIsAbortedAtOnce() throws Exception {
        Initiator initiator = rig.loginPatient();
        int write = initiator.beginWrite();
        assertEquals(COMPLETE, initiator.await(initiator.manage(ABORT_TASK, 0, write)));
    }

    /// 11.5.1 Function, whether it goes on or has not begun.
    @Test
    void aFunctionIsNotAborted() throws Exception {
        Initiator initiator = rig.loginPatient();
        int write = initiator.beginWrite();
        int goingOn = initiator.manage(ABORT_TASK_SET, 0, NO_TASK);
        assertEquals(REJECTED, initiator.await(initiator.manage(ABORT_TASK, 0, goingOn)));
        initiator.giveData(write);
        assertEquals(COMPLETE, initiator.await(goingOn));
        assertEquals(DOES_NOT_EXIST, initiator.await(initiator.manage(ABORT_TASK, 0, goingOn)));
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
        initiator.beginWrite();
        other.beginWrite();
        other.beginWrite();
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
        initiator.beginWrite();
        int first = fast.beginWrite();
        fast.beginWrite();
        fast.beginWrite(SIMPLE, 1);
        standard.beginWrite();
        assertEquals(COMPLETE, initiator.await(initiator.manage(LOGICAL_UNIT_RESET, 0, NO_TASK)));
        assertEquals(List.of("5 at 0"), fast.asyncMessages());
        assertEquals(List.of(), initiator.asyncMessages());
        assertEquals(List.of(), idle.asyncMessages());
        assertEquals(List.of(), standard.asyncMessages());
        fast.giveData(first); // It had been sent before.
        assertNull(now(fast, first));
    }

    @Test
    void everyLogicalUnitIsToldOf() throws Exception {
        Initiator initiator = rig.login(FAST_ABORT);
        Initiator fast = rig.login(FAST_ABORT);
        fast.beginWrite();
        fast.beginWrite(SIMPLE, 1);
        assertEquals(COMPLETE, initiator.await(initiator.manage(TARGET_WARM_RESET, 0, NO_TASK)));
        List<String> messages = fast.asyncMessages();
        assertEquals(2, messages.size());
        assertEquals(Set.of("5 at 0", "5 at 1"), new HashSet<>(messages));
    }

    /// A command that was sent before the function, and comes after it, is concerned.
    @ParameterizedTest
    @ValueSource(ints = {ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET, TARGET_WARM_RESET})
    void commandsThatWereSentBeforeAreWaitedFor(int function) throws Exception {
        Initiator initiator = rig.loginPatient();
        int write = initiator.beginWrite();
        int number = initiator.skipNumber();
        int abort = initiator.manage(function, 0, NO_TASK);
        initiator.giveData(write);
        assertEquals(GOOD, initiator.await(write), "not aborted yet");
        assertNull(now(initiator, abort));
        int late = initiator.sendSkipped(number, 0);
        assertEquals(GOOD, initiator.await(late), "it was over before the function began");
        assertEquals(COMPLETE, initiator.await(abort));
    }

    @Test
    void functionsThatWaitForDataAreBounded() throws Exception {
        Initiator initiator = rig.loginPatient();
        int last = 0;
        for (int i = 0; i < Link.MAX_FUNCTIONS; i++) {
            initiator.beginWrite();
            last = initiator.manage(ABORT_TASK_SET, 0, NO_TASK);
            assertNull(now(initiator, last));
        }
        RejectedPduException refused =
                assertThrows(
                        RejectedPduException.class,
                        () -> initiator.manage(ABORT_TASK_SET, 0, NO_TASK));
        assertEquals(0x06, refused.reason());
        for (int second = 0; second < RetiredTags.PATIENCE_TICKS; second++) {
            initiator.tick();
        }
        assertEquals(COMPLETE, now(initiator, last));
        assertEquals(COMPLETE, initiator.await(initiator.manage(ABORT_TASK_SET, 0, NO_TASK)));
    }

    /// Nobody could tell their responses apart.
    @Test
    void noFunctionHasTheTagOfAnother() throws Exception {
        Initiator initiator = rig.loginPatient();
        initiator.beginWrite();
        int waits = initiator.manage(ABORT_TASK_SET, 0, NO_TASK);
        RejectedPduException refused =
                assertThrows(
                        RejectedPduException.class,
                        () -> initiator.manageAs(waits, ABORT_TASK_SET, 0));
        assertEquals(0x07, refused.reason());
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
