package io.lunkeeper.tests.conformance;

import static io.lunkeeper.tests.conformance.PatientInitiator.LENGTH;
import static io.lunkeeper.tests.conformance.PatientInitiator.beginWrite;
import static io.lunkeeper.tests.conformance.PatientInitiator.expectStatus;
import static io.lunkeeper.tests.conformance.PatientInitiator.finishWrite;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What becomes of the commands of two sessions when one of them fails, or clears the task set: by
/// QERR, TST and TAS (SPC-4 7.5.8 Control mode page). The commands are writes that wait for their
/// data.
@ExtendWith(ShowServerLog.class)
class QueueErrorTest {
    private static final int CLEAR_TASK_SET = 4;
    private static final int ORDERED = 2;
    private static final int INVALID_OPERATION_CODE = 0x052000;
    private static final int COMMANDS_CLEARED = 0x062f00;
    private static final byte[] WRONG = {(byte) 0xff, 0, 0, 0, 0, 0};

    @AutoClose private static ServerProcess server;

    @BeforeAll
    static void start() {
        server = ServerProcess.start(Lun.sized(0, "16MiB"), Lun.sized(1, "16MiB"));
    }

    private static RawInitiator login() throws IOException {
        return PatientInitiator.login(server, 0, 1);
    }

    private static ScsiResult testUnitReady(RawInitiator initiator) throws IOException {
        return initiator.read(0, Cdb.testUnitReady(), 0);
    }

    /// What is sent late for an aborted write is dropped, and nothing comes for it before the
    /// answer to the next command.
    private static int senseAfterLateData(RawInitiator initiator, Pdu aborted) throws IOException {
        initiator.answer(aborted, new byte[LENGTH]);
        ScsiResult next = testUnitReady(initiator);
        assertEquals(ScsiResult.GOOD, testUnitReady(initiator).status());
        return next.status() == ScsiResult.GOOD ? 0 : next.senseCode();
    }

    private static void fail(RawInitiator initiator) throws IOException {
        assertEquals(INVALID_OPERATION_CODE, initiator.read(0, WRONG, 0).senseCode());
    }

    /// `foreign`: whether the commands of the other session end, too.
    @ParameterizedTest
    @CsvSource({
        // QERR, TST=000b, TAS, foreign
        "1, true,  false, true",
        "1, true,  true,  true",
        "1, false, false, false",
        "1, false, true,  false",
        "3, true,  false, false",
        "3, true,  true,  false",
        "3, false, false, false",
        "3, false, true,  false"
    })
    void aFailureEndsWhatTheControlModePageSays(
            int queueError, boolean shared, boolean abortedStatus, boolean foreign)
            throws IOException {
        try (RawInitiator failing = login();
                RawInitiator other = login()) {
            new ControlMode(shared, queueError, abortedStatus).select(0, failing, other);
            Pdu own = beginWrite(failing, 0, 64);
            Pdu elsewhere = beginWrite(failing, 1, 64);
            Pdu others = beginWrite(other, 0, 64);
            Pdu othersElsewhere = beginWrite(other, 1, 64);
            fail(failing);
            assertEquals(0, senseAfterLateData(failing, own), "nobody else has done it");
            finishWrite(failing, elsewhere);
            if (!foreign) {
                finishWrite(other, others);
            } else if (abortedStatus) {
                expectStatus(other, others.initiatorTaskTag(), ScsiResult.TASK_ABORTED);
                assertEquals(0, senseAfterLateData(other, others));
            } else {
                assertEquals(COMMANDS_CLEARED, senseAfterLateData(other, others));
            }
            finishWrite(other, othersElsewhere);
            assertEquals(ScsiResult.GOOD, testUnitReady(other).status());
            ControlMode.reset(0, failing);
        }
    }

    /// SAM-5 7.5 CLEAR TASK SET, with one task set for all: running or dormant.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void clearingTheTaskSetOfAllEndsTheCommandsOfEverySession(boolean abortedStatus)
            throws IOException {
        try (RawInitiator clearing = login();
                RawInitiator running = login();
                RawInitiator waiting = login();
                RawInitiator idle = login()) {
            new ControlMode(true, 0, abortedStatus).select(0, clearing, running, waiting, idle);
            Pdu own = beginWrite(clearing, 0, 64);
            Pdu write = beginWrite(running, 0, 64);
            Pdu elsewhere = beginWrite(waiting, 1, 64);
            Request ordered = Request.scsiCommand(0, Cdb.testUnitReady()).flags(0x80 | ORDERED);
            int dormant = waiting.send(ordered);
            assertEquals(Pdu.NOP_IN, waiting.exchange(Request.nopOut()).opcode());
            Request clear = Request.taskManagement(CLEAR_TASK_SET).lun(0);
            assertEquals(0, clearing.exchange(clear).response());
            int told = abortedStatus ? 0 : COMMANDS_CLEARED;
            if (abortedStatus) {
                expectStatus(running, write.initiatorTaskTag(), ScsiResult.TASK_ABORTED);
                expectStatus(waiting, dormant, ScsiResult.TASK_ABORTED);
            } else {
                running.receiveWindow();
                waiting.receiveWindow();
            }
            assertEquals(told, senseAfterLateData(running, write));
            finishWrite(waiting, elsewhere);
            assertEquals(abortedStatus ? -1 : told, testUnitReady(waiting).senseCode());
            assertEquals(0, senseAfterLateData(clearing, own));
            assertEquals(ScsiResult.GOOD, testUnitReady(idle).status());
            ControlMode.reset(0, clearing);
        }
    }

    @Test
    void failuresAreNotContagiousByDefault() throws IOException {
        try (RawInitiator failing = login();
                RawInitiator other = login()) {
            Pdu own = beginWrite(failing, 0, 64);
            Pdu others = beginWrite(other, 0, 64);
            fail(failing);
            finishWrite(failing, own);
            finishWrite(other, others);
        }
    }
}
