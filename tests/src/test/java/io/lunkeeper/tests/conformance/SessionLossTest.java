package io.lunkeeper.tests.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.InitiatorSession;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.OpenInitiators;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/// Sessions of the real server that lose their connections, and those that come back to them (RFC
/// 7143 6.3.4 Connection Reinstatement, 6.3.6 Session Continuation and Failure, 13.16
/// DefaultTime2Retain).
@ExtendWith(ShowServerLog.class)
class SessionLossTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final int BLOCK = 512;
    private static final int COMMANDS_CLEARED = 0x06_47_7f;
    private static final int NO_SUCH_SESSION = 0x020a;
    private static final byte[] RESERVE = {0x16, 0, 0, 0, 0, 0};
    @AutoClose private static ServerProcess server;

    @RegisterExtension final OpenInitiators open = new OpenInitiators();

    @BeforeAll
    static void start() {
        server = ServerProcess.start(Lun.sized(0, "64MiB"));
    }

    /// A connection that has logged in, the first or another one.
    private RawInitiator login(InitiatorSession session, int cid, String retain)
            throws IOException {
        boolean leading = session.tsih() == 0;
        RawInitiator next = open.connect(server.address(), session, cid);
        Pdu response =
                next.login(ServerProcess.IQN, "MaxConnections=8", "DefaultTime2Retain=" + retain);
        assertEquals(0, response.statusClass(), "CID " + cid);
        if (leading) {
            next.clearUnitAttentions(0);
        }
        return next;
    }

    private static byte[] random(int length) {
        byte[] data = new byte[length];
        new Random(42).nextBytes(data);
        return data;
    }

    /// The initiator has been asked for the rest of a megabyte, and is gone half way through it.
    @Test
    void goesOnAfterACutInTheMiddleOfAWrite() throws IOException {
        InitiatorSession session = new InitiatorSession("iqn.2026-11.a:cut");
        byte[] data = random(1 << 20);
        byte[] write = Cdb.write10(0, data.length / BLOCK);
        for (int round = 0; round < 4; round++) {
            RawInitiator cut = login(session, 0, "20");
            if (round > 0) {
                int sense = cut.read(0, Cdb.testUnitReady(), 0).senseCode();
                assertEquals(COMMANDS_CLEARED, sense);
            }
            int tag = cut.sendCommand(Request.scsiCommand(0, write).writes(data.length), data);
            Pdu request = cut.receive();
            assertEquals(Pdu.READY_TO_TRANSFER, request.opcode());
            byte[] part = new byte[64 << 10];
            cut.send(
                    Request.dataOut(tag, request.targetTransferTag(), 0, request.u32(40))
                            .data(part));
            cut.abort();
        }
        RawInitiator again = login(session, 0, "20");
        assertEquals(COMMANDS_CLEARED, again.read(0, Cdb.testUnitReady(), 0).senseCode());
        assertEquals(ScsiResult.GOOD, again.write(0, write, data).status());
        byte[] read = Cdb.read10(0, data.length / BLOCK);
        assertArrayEquals(data, again.read(0, read, data.length).data());
    }

    /// What the session has reserved keeps others out for as long, and no longer.
    @Test
    void endsWhenNobodyComesBack() throws Exception {
        InitiatorSession session = new InitiatorSession("iqn.2026-11.a:gone");
        RawInitiator gone = login(session, 0, "1");
        assertEquals(ScsiResult.GOOD, gone.read(0, RESERVE, 0).status());
        RawInitiator other = login(new InitiatorSession("iqn.2026-11.a:stays"), 0, "0");
        gone.abort();
        assertEquals(0x18, other.read(0, Cdb.testUnitReady(), 0).status());
        long deadline = System.nanoTime() + SOON.toNanos();
        while (other.read(0, Cdb.testUnitReady(), 0).status() != ScsiResult.GOOD) {
            assertTrue(System.nanoTime() < deadline, "the reservation is still there");
            Thread.sleep(50);
        }
        Pdu refused = open.connect(server.address(), session, 0).login(ServerProcess.IQN);
        assertEquals(NO_SUCH_SESSION, refused.loginStatus());
    }

    /// At ErrorRecoveryLevel 0 the others are told of it, and all come back to the same session.
    @Test
    void losesAllConnectionsWithOneOfFourAndGoesOn() throws IOException {
        InitiatorSession session = new InitiatorSession("iqn.2026-11.a:four");
        List<RawInitiator> all = new ArrayList<>();
        for (int cid = 0; cid < 4; cid++) {
            all.add(login(session, cid, "20"));
        }
        assertEquals(ScsiResult.GOOD, all.get(2).read(0, RESERVE, 0).status());
        all.get(1).abort();
        for (int cid : new int[] {0, 2, 3}) {
            Pdu message = all.get(cid).receive();
            assertEquals(Pdu.ASYNCHRONOUS_MESSAGE, message.opcode());
            assertEquals(3, message.u16(36) >> 8);
            assertEquals(2, message.u16(40), "Time2Wait");
            assertEquals(20, message.u16(42), "Time2Retain");
            assertTrue(all.get(cid).isClosedWithin(SOON));
        }
        RawInitiator other = login(new InitiatorSession("iqn.2026-11.a:out"), 0, "0");
        byte[] data = random(256 << 10);
        for (int cid = 3; cid >= 0; cid--) {
            RawInitiator again = login(session, cid, "20");
            all.set(cid, again);
            assertEquals(
                    ScsiResult.GOOD,
                    again.write(0, Cdb.write10(cid * 512, 512), data).status(),
                    "it has still what it reserved");
            assertArrayEquals(data, again.read(0, Cdb.read10(cid * 512, 512), data.length).data());
            assertEquals(0x18, other.read(0, Cdb.testUnitReady(), 0).status());
        }
        assertEquals(0, all.getFirst().exchange(Request.logout(0)).response());
        assertEquals(ScsiResult.GOOD, other.read(0, Cdb.testUnitReady(), 0).status());
    }
}
