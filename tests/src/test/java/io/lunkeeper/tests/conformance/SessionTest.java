package io.lunkeeper.tests.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.InitiatorSession;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// RFC 7143 4.3 iSCSI Session Types, 6.3.5 Session Reinstatement, 11.10 Text Request, 11.14 Logout
/// Request, 11.18 NOP-Out, Appendix C SendTargets Operation.
@ExtendWith(ShowServerLog.class)
class SessionTest {
    private static final Duration SOON = Duration.ofSeconds(5);
    @AutoClose private static ServerProcess server;

    @BeforeAll
    static void start() {
        server = ServerProcess.start(Lun.sized(0, "16MiB"));
    }

    private static RawInitiator login() throws IOException {
        RawInitiator initiator = RawInitiator.connect(server.address());
        assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
        return initiator;
    }

    private static RawInitiator discover() throws IOException {
        RawInitiator initiator = RawInitiator.connect(server.address());
        assertEquals(0, initiator.loginForDiscovery().statusClass());
        return initiator;
    }

    @Test
    void echoesNopOut() throws IOException {
        try (RawInitiator initiator = login()) {
            byte[] data = "are you there?".getBytes(StandardCharsets.US_ASCII);
            Pdu echo = initiator.exchange(Request.nopOut().data(data));
            assertEquals(Pdu.NOP_IN, echo.opcode());
            assertEquals(Pdu.NO_TAG, echo.targetTransferTag());
            assertArrayEquals(data, echo.data());
        }
    }

    @Test
    void listsTargetsWithAddressAndGroup() throws IOException {
        try (RawInitiator initiator = discover()) {
            Pdu response = initiator.exchange(Request.text("SendTargets=All"));
            assertEquals(Pdu.TEXT_RESPONSE, response.opcode());
            assertTrue(response.isFinal());
            assertEquals(ServerProcess.IQN, response.keys().get("TargetName"));
            assertEquals(server.portal() + ",1", response.keys().get("TargetAddress"));
        }
    }

    @Test
    void listsOneTargetByName() throws IOException {
        try (RawInitiator initiator = discover()) {
            Pdu named = initiator.exchange(Request.text("SendTargets=" + ServerProcess.IQN));
            assertEquals(ServerProcess.IQN, named.keys().get("TargetName"));
            Pdu unknown = initiator.exchange(Request.text("SendTargets=iqn.2026-11.no:such"));
            assertFalse(unknown.keys().containsKey("TargetName"));
        }
    }

    @Test
    void listsItsOwnTargetInANormalSession() throws IOException {
        try (RawInitiator initiator = login()) {
            Pdu response = initiator.exchange(Request.text("SendTargets="));
            assertEquals(ServerProcess.IQN, response.keys().get("TargetName"));
        }
    }

    @Test
    void rejectsAllButTextAndLogoutInADiscoverySession() throws IOException {
        try (RawInitiator initiator = discover()) {
            for (Request request :
                    List.of(
                            Request.scsiCommand(0, Cdb.inquiry(96)).reads(96),
                            Request.taskManagement(5),
                            Request.nopOut(),
                            Request.logout(2))) {
                assertEquals(Pdu.REJECT, initiator.exchange(request).opcode());
            }
            assertEquals(Pdu.LOGOUT_RESPONSE, initiator.logout().opcode());
        }
    }

    @Test
    void logsOutAndClosesTheConnection() throws IOException {
        try (RawInitiator initiator = login()) {
            Pdu response = initiator.exchange(Request.logout(0));
            assertEquals(Pdu.LOGOUT_RESPONSE, response.opcode());
            assertEquals(0, response.response());
            assertTrue(initiator.isClosedWithin(SOON));
        }
    }

    @Test
    void refusesToLogOutAConnectionThatIsNotThere() throws IOException {
        try (RawInitiator initiator = login()) {
            Pdu response = initiator.exchange(Request.logout(1).u16(20, 99));
            assertEquals(1, response.response());
            assertEquals(2, initiator.exchange(Request.logout(2).u16(20, 1)).response());
            assertEquals(Pdu.NOP_IN, initiator.exchange(Request.nopOut()).opcode());
        }
    }

    /// The same initiator port logs in again: the old session ends, the new one begins, and hears
    /// of the new nexus as any other would.
    @Test
    void reinstatesASession() throws IOException {
        InitiatorSession old = new InitiatorSession("iqn.2026-11.a:again");
        InitiatorSession again = new InitiatorSession("iqn.2026-11.a:again", old.isid());
        try (RawInitiator first = RawInitiator.connect(server.address(), old, 1);
                RawInitiator second = RawInitiator.connect(server.address(), again, 1)) {
            first.login(ServerProcess.IQN);
            first.clearUnitAttentions(0);
            first.send(Request.scsiCommand(0, Cdb.write10(0, 8)).writes(4096));
            assertEquals(Pdu.READY_TO_TRANSFER, first.receive().opcode());
            assertEquals(0, second.login(ServerProcess.IQN).statusClass());
            assertTrue(first.isClosedWithin(SOON));
            assertEquals(List.of(0x062900), second.clearUnitAttentions(0));
        }
    }

    @Test
    void keepsSessionsOfOtherPortsApart() throws IOException {
        try (RawInitiator one = login();
                RawInitiator two = login()) {
            one.clearUnitAttentions(0);
            two.clearUnitAttentions(0);
            byte[] data = new byte[512];
            data[0] = 42;
            assertEquals(ScsiResult.GOOD, one.write(0, Cdb.write10(5, 1), data).status());
            assertArrayEquals(data, two.read(0, Cdb.read10(5, 1), 512).data());
        }
    }

    @Test
    void rejectsSnackAtErrorRecoveryLevelZero() throws IOException {
        try (RawInitiator initiator = login()) {
            Pdu reject = initiator.exchange(Request.snack(0, 0, 0));
            assertEquals(Pdu.REJECT, reject.opcode());
            assertEquals(0x03, reject.response());
        }
    }
}
