package io.lunkeeper.tests.conformance;

import static io.lunkeeper.tests.conformance.PatientInitiator.LENGTH;
import static io.lunkeeper.tests.conformance.PatientInitiator.beginWrite;
import static io.lunkeeper.tests.conformance.PatientInitiator.expectStatus;
import static io.lunkeeper.tests.conformance.PatientInitiator.ping;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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

/// SAM-5 5.9 Auto contingent allegiance: a CHECK CONDITION of a command with NACA stops everything
/// until CLEAR ACA.
@ExtendWith(ShowServerLog.class)
class AllegianceTest {
    private static final int CLEAR_ACA = 3;
    private static final int ACA = 4;
    private static final int FUNCTION_REJECTED = 255;
    private static final int READ_BYTES = 16 << 20;
    private static final int INVALID_FIELD_IN_CDB = 0x052400;

    /// A reserved bit of TEST UNIT READY is one, and NACA.
    private static final byte[] WRONG = {0, 0, 0, 0, 1, 4};

    @AutoClose private static ServerProcess server;

    @BeforeAll
    static void start() {
        server = ServerProcess.start(Lun.sized(0, "64MiB"));
    }

    private static RawInitiator login() throws IOException {
        return PatientInitiator.login(server, 0);
    }

    private static void fault(RawInitiator initiator) throws IOException {
        assertEquals(INVALID_FIELD_IN_CDB, initiator.read(0, WRONG, 0).senseCode());
    }

    private static int clearAca(RawInitiator initiator) throws IOException {
        Pdu response = initiator.exchange(Request.taskManagement(CLEAR_ACA).lun(0));
        assertEquals(Pdu.TASK_MANAGEMENT_RESPONSE, response.opcode());
        return response.response();
    }

    private static int testUnitReady(RawInitiator initiator, int attribute) throws IOException {
        Request request = Request.scsiCommand(0, Cdb.testUnitReady()).flags(0x80 | attribute);
        return initiator.execute(request, new byte[0]).status();
    }

    @Test
    void aCommandStandsStillUntilTheConditionIsCleared() throws IOException {
        try (RawInitiator initiator = login();
                RawInitiator other = login()) {
            Pdu r2t = beginWrite(initiator, 0, 64);
            fault(initiator);
            initiator.answer(r2t, new byte[LENGTH]);
            ping(initiator);
            assertEquals(ScsiResult.ACA_ACTIVE, testUnitReady(initiator, 1));
            assertEquals(ScsiResult.GOOD, testUnitReady(initiator, ACA));
            assertEquals(ScsiResult.GOOD, testUnitReady(other, 1));
            assertEquals(0, clearAca(initiator));
            expectStatus(initiator, r2t.initiatorTaskTag(), ScsiResult.GOOD);
            assertEquals(ScsiResult.GOOD, testUnitReady(initiator, 1));
        }
    }

    @Test
    void inOneTaskSetThoseOfOthersDoToo() throws IOException {
        try (RawInitiator initiator = login();
                RawInitiator other = login()) {
            ControlMode.ONE_TASK_SET.select(0, initiator, other);
            Pdu r2t = beginWrite(other, 0, 64);
            fault(initiator);
            assertEquals(ScsiResult.BUSY, testUnitReady(other, 1));
            other.answer(r2t, new byte[LENGTH]);
            ping(other);
            assertEquals(FUNCTION_REJECTED, clearAca(other));
            assertEquals(0, clearAca(initiator));
            expectStatus(other, r2t.initiatorTaskTag(), ScsiResult.GOOD);
            assertEquals(ScsiResult.GOOD, testUnitReady(other, 1));
            ControlMode.reset(0, initiator);
        }
    }

    @Test
    void theEndOfTheSessionClearsIt() throws IOException {
        try (RawInitiator other = login()) {
            Pdu r2t;
            try (RawInitiator initiator = login()) {
                ControlMode.ONE_TASK_SET.select(0, initiator, other);
                r2t = beginWrite(other, 0, 64);
                fault(initiator);
                other.answer(r2t, new byte[LENGTH]);
                ping(other);
            }
            expectStatus(other, r2t.initiatorTaskTag(), ScsiResult.GOOD);
            ControlMode.reset(0, other);
        }
    }

    /// What does not fit into the socket when the condition begins comes after it is cleared.
    @Test
    void dataTowardsTheInitiatorStopsHalfWay() throws IOException {
        try (RawInitiator initiator = login()) {
            int read =
                    initiator.send(
                            Request.scsiCommand(0, Cdb.read16(0, READ_BYTES / 512))
                                    .reads(READ_BYTES));
            int wrong = initiator.send(Request.scsiCommand(0, WRONG));
            long received = 0;
            Pdu next = initiator.receive();
            while (next.initiatorTaskTag() == read) {
                received += next.dataSegmentLength();
                next = initiator.receive();
            }
            assertEquals(wrong, next.initiatorTaskTag());
            assertEquals(INVALID_FIELD_IN_CDB, ScsiResult.of(next).senseCode());
            assertTrue(received < READ_BYTES, "all of it was sent before: " + received);
            ping(initiator);
            Pdu cleared = initiator.exchange(Request.taskManagement(CLEAR_ACA).lun(0));
            assertEquals(Pdu.TASK_MANAGEMENT_RESPONSE, cleared.opcode());
            assertEquals(0, cleared.response());
            while (received < READ_BYTES) {
                next = initiator.receive();
                assertEquals(read, next.initiatorTaskTag());
                assertEquals(received, next.bufferOffset(), "nothing twice, nothing left out");
                received += next.dataSegmentLength();
            }
            assertTrue(next.carriesStatus());
            assertEquals(ScsiResult.GOOD, next.status());
        }
    }
}
