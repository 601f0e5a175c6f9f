package io.lunkeeper.tests.conformance;

import static io.lunkeeper.tests.conformance.PatientInitiator.beginWrite;
import static io.lunkeeper.tests.conformance.PatientInitiator.finishWrite;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
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
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// RFC 7143 11.5 and 11.6 Task Management Function Request and Response, SAM-5 clause 7.
@ExtendWith(ShowServerLog.class)
class TaskManagementTest {
    private static final int ABORT_TASK = 1;
    private static final int ABORT_TASK_SET = 2;
    private static final int CLEAR_ACA = 3;
    private static final int CLEAR_TASK_SET = 4;
    private static final int LUN_RESET = 5;
    private static final int TARGET_WARM_RESET = 6;
    private static final int TARGET_COLD_RESET = 7;
    private static final int TASK_REASSIGN = 8;
    private static final int QUERY_TASK = 9;
    private static final int I_T_NEXUS_RESET = 11;
    private static final int QUERY_EVENT = 12;
    private static final int COMPLETE = 0;
    private static final int NO_SUCH_TASK = 1;
    private static final int NO_SUCH_LUN = 2;
    private static final int SUCCEEDED = 7;
    private static final Duration SOON = Duration.ofSeconds(5);

    @AutoClose private static ServerProcess server;

    @BeforeAll
    static void start() {
        server = ServerProcess.start(Lun.sized(0, "16MiB"), Lun.sized(1, "16MiB"));
    }

    private static RawInitiator login() throws IOException {
        return PatientInitiator.login(server, 0, 1);
    }

    private static int manage(RawInitiator initiator, Request request) throws IOException {
        Pdu response = initiator.exchange(request);
        assertEquals(Pdu.TASK_MANAGEMENT_RESPONSE, response.opcode());
        return response.response();
    }

    private static ScsiResult testUnitReady(RawInitiator initiator, int lun) throws IOException {
        return initiator.read(lun, Cdb.testUnitReady(), 0);
    }

    @Test
    void abortsATaskForGood() throws IOException {
        try (RawInitiator initiator = login()) {
            byte[] before = initiator.read(0, Cdb.read10(0, 8), 4096).data();
            Pdu r2t = beginWrite(initiator, 0, 0);
            assertEquals(
                    COMPLETE,
                    manage(
                            initiator,
                            Request.taskManagement(ABORT_TASK)
                                    .lun(0)
                                    .u32(20, r2t.initiatorTaskTag())));
            byte[] late = new byte[4096];
            java.util.Arrays.fill(late, (byte) 0xee);
            initiator.answer(r2t, late);
            assertArrayEquals(before, initiator.read(0, Cdb.read10(0, 8), 4096).data());
        }
    }

    @Test
    void saysThatATaskDoesNotExist() throws IOException {
        try (RawInitiator initiator = login()) {
            Request unknown =
                    Request.taskManagement(ABORT_TASK)
                            .u32(20, 0x7777)
                            .u32(32, initiator.session().nextCmdSn() - 1);
            assertEquals(NO_SUCH_TASK, manage(initiator, unknown));
        }
    }

    @Test
    void leavesOtherTasksAloneWhenOneIsAborted() throws IOException {
        try (RawInitiator initiator = login()) {
            Pdu victim = beginWrite(initiator, 0, 0);
            Pdu other = beginWrite(initiator, 0, 0);
            manage(
                    initiator,
                    Request.taskManagement(ABORT_TASK).u32(20, victim.initiatorTaskTag()));
            finishWrite(initiator, other);
        }
    }

    @Test
    void abortsTheTaskSetOfOneLunAndOneNexus() throws IOException {
        try (RawInitiator initiator = login();
                RawInitiator neighbour = login()) {
            beginWrite(initiator, 0, 0);
            Pdu elsewhere = beginWrite(initiator, 1, 0);
            Pdu foreign = beginWrite(neighbour, 0, 0);
            assertEquals(
                    COMPLETE, manage(initiator, Request.taskManagement(ABORT_TASK_SET).lun(0)));
            finishWrite(initiator, elsewhere);
            finishWrite(neighbour, foreign);
            assertEquals(ScsiResult.GOOD, testUnitReady(neighbour, 0).status());
        }
    }

    @Test
    void clearsTheTaskSetOfOneNexus() throws IOException {
        try (RawInitiator initiator = login();
                RawInitiator neighbour = login()) {
            beginWrite(initiator, 0, 0);
            Pdu foreign = beginWrite(neighbour, 0, 0);
            assertEquals(
                    COMPLETE, manage(initiator, Request.taskManagement(CLEAR_TASK_SET).lun(0)));
            finishWrite(neighbour, foreign);
            assertEquals(ScsiResult.GOOD, testUnitReady(neighbour, 0).status());
        }
    }

    @Test
    void resetsALunForEveryNexus() throws IOException {
        try (RawInitiator initiator = login();
                RawInitiator neighbour = login()) {
            beginWrite(initiator, 0, 0);
            beginWrite(neighbour, 0, 0);
            assertEquals(COMPLETE, manage(initiator, Request.taskManagement(LUN_RESET).lun(0)));
            for (RawInitiator each : List.of(initiator, neighbour)) {
                assertEquals(0x062903, testUnitReady(each, 0).senseCode());
                assertEquals(ScsiResult.GOOD, testUnitReady(each, 0).status());
                assertEquals(ScsiResult.GOOD, testUnitReady(each, 1).status());
            }
        }
    }

    @Test
    void resetsEveryLunOfTheTarget() throws IOException {
        try (RawInitiator initiator = login();
                RawInitiator neighbour = login()) {
            assertEquals(COMPLETE, manage(initiator, Request.taskManagement(TARGET_WARM_RESET)));
            for (int lun = 0; lun < 2; lun++) {
                assertEquals(0x0629, testUnitReady(neighbour, lun).senseCode() >> 8);
            }
        }
    }

    @Test
    void closesEverySessionOnAColdReset() throws IOException {
        try (RawInitiator initiator = login();
                RawInitiator neighbour = login()) {
            initiator.send(Request.taskManagement(TARGET_COLD_RESET));
            assertTrue(initiator.isClosedWithin(SOON));
            assertTrue(neighbour.isClosedWithin(SOON));
        }
    }

    /// It is a power on: a persistent reservation without APTPL does not outlive it.
    @Test
    void keepsOnAColdResetWhatARestartKeeps() throws IOException {
        byte[] register = {0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0};
        byte[] readKeys = {0x5e, 0, 0, 0, 0, 0, 0, 0, 8, 0};
        byte[] list = new byte[24];
        list[15] = 1;
        try (RawInitiator initiator = login()) {
            assertEquals(ScsiResult.GOOD, initiator.write(1, register, list).status());
            byte[] keys = {0, 0, 0, 1, 0, 0, 0, 8};
            assertArrayEquals(keys, initiator.read(1, readKeys, 8).data());
            initiator.send(Request.taskManagement(TARGET_COLD_RESET));
            assertTrue(initiator.isClosedWithin(SOON));
        }
        try (RawInitiator initiator = login()) {
            assertArrayEquals(new byte[8], initiator.read(1, readKeys, 8).data());
        }
    }

    /// RFC 7144 6.4.2: the response comes, if nothing else.
    @Test
    void endsASessionWithItsNexus() throws IOException {
        try (RawInitiator neighbour = login();
                RawInitiator initiator = RawInitiator.connect(server.address())) {
            initiator.login(ServerProcess.IQN, "InitialR2T=Yes", "iSCSIProtocolLevel=2");
            initiator.clearUnitAttentions(0);
            assertEquals(COMPLETE, manage(initiator, Request.taskManagement(I_T_NEXUS_RESET)));
            assertTrue(initiator.isClosedWithin(SOON));
            assertEquals(ScsiResult.GOOD, testUnitReady(neighbour, 0).status());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {ABORT_TASK, ABORT_TASK_SET, CLEAR_ACA, CLEAR_TASK_SET, LUN_RESET})
    void saysThatALunDoesNotExist(int function) throws IOException {
        try (RawInitiator initiator = login()) {
            assertEquals(NO_SUCH_LUN, manage(initiator, Request.taskManagement(function).lun(77)));
        }
    }

    /// RFC 7144: with iSCSIProtocolLevel 2 there are queries, and REPORT SUPPORTED TASK MANAGEMENT
    /// FUNCTIONS tells of them. A command priority changes nothing, at any level.
    @Test
    void answersQueriesWhereTheyWereAgreedOn() throws IOException {
        byte[] functions = {(byte) 0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0};
        try (RawInitiator initiator = login();
                RawInitiator later = RawInitiator.connect(server.address())) {
            later.login(ServerProcess.IQN, "InitialR2T=Yes", "iSCSIProtocolLevel=2");
            assertEquals("2", later.negotiated().get("iSCSIProtocolLevel"));
            int pending = later.exchange(Request.taskManagement(QUERY_EVENT)).u32(8);
            assertEquals(0x162900_00, pending, "power on");
            later.clearUnitAttentions(0);
            assertEquals(COMPLETE, manage(later, Request.taskManagement(QUERY_EVENT)));
            Pdu r2t = beginWrite(later, 0, 0);
            int tag = r2t.initiatorTaskTag();
            assertEquals(SUCCEEDED, manage(later, Request.taskManagement(QUERY_TASK).u32(20, tag)));
            finishWrite(later, r2t);
            assertEquals(COMPLETE, manage(later, Request.taskManagement(QUERY_TASK).u32(20, tag)));
            assertArrayEquals(
                    new byte[] {(byte) 0xfc, 7, 0, 0}, later.read(0, functions, 4).data());
            assertArrayEquals(
                    new byte[] {(byte) 0xf8, 0, 0, 0}, initiator.read(0, functions, 4).data());
            for (RawInitiator each : List.of(initiator, later)) {
                Request urgent = Request.scsiCommand(0, Cdb.testUnitReady()).u8(2, 0x10);
                assertEquals(ScsiResult.GOOD, each.execute(urgent, new byte[0]).status());
            }
        }
    }

    @Test
    void saysWhatItDoesNotSupport() throws IOException {
        try (RawInitiator initiator = login()) {
            assertEquals(4, manage(initiator, Request.taskManagement(TASK_REASSIGN)));
            for (int function : List.of(0, 9, 12, 127)) {
                assertEquals(5, manage(initiator, Request.taskManagement(function)));
            }
        }
    }
}
