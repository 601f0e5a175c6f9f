package io.lunkeeper.tests.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/// Commands that go on on another connection of the real server when theirs is cut, at
/// ErrorRecoveryLevel 2 (RFC 7143 7.2.2 Allegiance Reassignment, 7.14 Connection Failures).
@ExtendWith(ShowServerLog.class)
class ConnectionRecoveryTest {
    private static final int BLOCK = 512;
    private static final int BURST = 1 << 20;
    private static final int TASK_REASSIGN = 8;
    @AutoClose private static ServerProcess server;

    @RegisterExtension final OpenInitiators open = new OpenInitiators();

    @BeforeAll
    static void start() {
        server = ServerProcess.start(Lun.sized(0, "64MiB"));
    }

    private RawInitiator login(InitiatorSession session, int cid, String digest)
            throws IOException {
        boolean leading = session.tsih() == 0;
        RawInitiator next = open.connect(server.address(), session, cid);
        Pdu response =
                next.login(
                        ServerProcess.IQN,
                        "MaxConnections=4",
                        "ErrorRecoveryLevel=2",
                        "InitialR2T=Yes",
                        "ImmediateData=No",
                        "MaxOutstandingR2T=1",
                        "DefaultTime2Retain=20",
                        "HeaderDigest=" + digest,
                        "DataDigest=" + digest);
        assertEquals(0, response.statusClass(), "CID " + cid);
        if (leading) {
            assertEquals("2", next.negotiated().get("ErrorRecoveryLevel"));
            next.clearUnitAttentions(0);
        }
        return next;
    }

    private static byte[] random(int length) {
        byte[] data = new byte[length];
        new Random(length).nextBytes(data);
        return data;
    }

    private static void reassign(RawInitiator to, int tag, int expDataSn) throws IOException {
        Request request = Request.taskManagement(TASK_REASSIGN).u32(20, tag).u32(36, expDataSn);
        int function = to.send(request);
        Pdu answer = to.receive();
        while (answer.initiatorTaskTag() != function) {
            answer = to.receive();
        }
        assertEquals(0, answer.response(), "function complete");
    }

    private static Pdu receive(RawInitiator from) throws IOException {
        Pdu pdu = from.receive();
        while (pdu.opcode() == Pdu.NOP_IN) {
            pdu = from.receive();
        }
        return pdu;
    }

    /// Half of a burst is sent, then the connection is cut; the next one has digests. The rest is
    /// asked for there, and so it goes on until all of four megabytes is written.
    @Test
    void writesOverCutConnections() throws IOException {
        InitiatorSession session = new InitiatorSession("iqn.2026-11.a:writes");
        byte[] data = random(4 * BURST);
        RawInitiator current = login(session, 0, "None");
        int tag =
                current.sendCommand(
                        Request.scsiCommand(0, Cdb.write10(0, data.length / BLOCK))
                                .writes(data.length),
                        data);
        for (int round = 0; round < 6; round++) {
            Pdu request = receive(current);
            assertEquals(Pdu.READY_TO_TRANSFER, request.opcode());
            int offset = request.u32(40);
            int half = request.u32(44) / 2 / BLOCK * BLOCK;
            int sn = 0;
            for (int at = offset; at < offset + half; at += 128 << 10) {
                int end = Math.min(at + (128 << 10), offset + half);
                current.send(
                        Request.dataOut(tag, request.targetTransferTag(), sn++, at)
                                .data(Arrays.copyOfRange(data, at, end)));
            }
            // What was sent is here when a ping after it is answered.
            Pdu ping = current.exchange(Request.nopOut().data(new byte[4]));
            assertEquals(Pdu.NOP_IN, ping.opcode());
            current.abort();
            current = login(session, 0, round % 2 == 0 ? "CRC32C" : "None");
            reassign(current, tag, 0);
        }
        Pdu pdu = receive(current);
        while (pdu.opcode() == Pdu.READY_TO_TRANSFER) {
            current.answer(pdu, data);
            pdu = receive(current);
        }
        assertEquals(Pdu.SCSI_RESPONSE, pdu.opcode());
        assertEquals(0, pdu.status());
        byte[] read = Cdb.read10(0, data.length / BLOCK);
        assertArrayEquals(data, current.read(0, read, data.length).data());
    }

    /// A read of sixteen megabytes, of which some data is taken on each of many connections.
    @Test
    void readsOverCutConnections() throws IOException {
        InitiatorSession session = new InitiatorSession("iqn.2026-11.a:reads");
        byte[] data = random(16 << 20);
        RawInitiator current = login(session, 0, "None");
        for (int at = 0; at < data.length; at += BURST) {
            byte[] part = Arrays.copyOfRange(data, at, at + BURST);
            assertEquals(
                    ScsiResult.GOOD,
                    current.write(0, Cdb.write10(at / BLOCK, BURST / BLOCK), part).status());
        }
        byte[] got = new byte[data.length];
        int tag =
                current.send(
                        Request.scsiCommand(0, Cdb.read10(0, data.length / BLOCK))
                                .reads(data.length));
        int expDataSn = 0;
        int cid = 0;
        boolean ended = false;
        for (int taken = 0; !ended; taken++) {
            if (taken % 13 == 12) {
                // It is ten times as long as what the target sends ahead.
                current.abort();
                current = login(session, cid, cid % 2 == 0 ? "None" : "CRC32C");
                reassign(current, tag, expDataSn);
                taken++;
            }
            Pdu pdu = receive(current);
            if (pdu.opcode() == Pdu.DATA_IN) {
                assertEquals(expDataSn, pdu.u32(36), "DataSN");
                System.arraycopy(pdu.data(), 0, got, pdu.u32(40), pdu.data().length);
                expDataSn++;
                if (pdu.carriesStatus()) {
                    assertEquals(0, pdu.status());
                    ended = true;
                }
            } else {
                assertEquals(Pdu.SCSI_RESPONSE, pdu.opcode());
                assertEquals(0, pdu.status());
                ended = true;
            }
        }
        assertArrayEquals(data, got);
    }

    /// One of four is killed with commands on it; the others go on, and one of them logs it out and
    /// takes its commands over.
    @Test
    void oneOfFourTakesTheCommandsOfAnotherOver() throws IOException {
        InitiatorSession session = new InitiatorSession("iqn.2026-11.a:four");
        List<RawInitiator> all = new ArrayList<>();
        for (int cid = 0; cid < 4; cid++) {
            all.add(login(session, cid, "None"));
        }
        byte[] data = random(64 << 10);
        List<Integer> tags = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            int tag =
                    all.get(1)
                            .sendCommand(
                                    Request.scsiCommand(0, Cdb.write10(i * 128, 128))
                                            .writes(data.length),
                                    data);
            assertEquals(Pdu.READY_TO_TRANSFER, receive(all.get(1)).opcode());
            tags.add(tag);
        }
        all.get(1).abort();
        RawInitiator other = all.get(2);
        assertEquals(ScsiResult.GOOD, all.get(3).read(0, Cdb.testUnitReady(), 0).status());
        Pdu logout = other.exchange(Request.logout(2).u16(20, 1));
        assertEquals(Pdu.LOGOUT_RESPONSE, logout.opcode());
        assertEquals(0, logout.response());
        assertEquals(2, logout.u16(40), "Time2Wait");
        assertEquals(20, logout.u16(42), "Time2Retain");
        for (int tag : tags) {
            reassign(other, tag, 0);
            Pdu request = receive(other);
            assertEquals(Pdu.READY_TO_TRANSFER, request.opcode());
            assertEquals(tag, request.initiatorTaskTag());
            other.answer(request, data);
            Pdu response = receive(other);
            assertEquals(Pdu.SCSI_RESPONSE, response.opcode());
            assertEquals(0, response.status());
        }
        for (int i = 0; i < 8; i++) {
            assertArrayEquals(
                    data, all.get(0).read(0, Cdb.read10(i * 128, 128), data.length).data());
        }
    }
}
