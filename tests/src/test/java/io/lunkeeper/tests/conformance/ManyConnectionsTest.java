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
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/// A session of up to eight connections to the real server, whose event loops are several (RFC 7143
/// 4.2.5.1 Command Connection Allegiance, 6.3.4 Connection Reinstatement, 7.14 Connection
/// Failures).
@ExtendWith(ShowServerLog.class)
class ManyConnectionsTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final int BLOCK = 512;
    @AutoClose private static ServerProcess server;

    @RegisterExtension final OpenInitiators open = new OpenInitiators();

    @BeforeAll
    static void start() {
        server = ServerProcess.start(Lun.sized(0, "64MiB"));
    }

    /// A session of so many connections, digests on every other one.
    private List<RawInitiator> session(String name, int connections) throws IOException {
        InitiatorSession session = new InitiatorSession("iqn.2026-11.a:" + name);
        List<RawInitiator> all = new ArrayList<>();
        for (int cid = 0; cid < connections; cid++) {
            RawInitiator next = open.connect(server.address(), session, cid);
            all.add(next);
            Pdu response = login(next, cid);
            assertEquals(session.tsih(), response.tsih());
        }
        all.getFirst().clearUnitAttentions(0);
        return all;
    }

    private static Pdu login(RawInitiator initiator, int cid) throws IOException {
        String digest = cid % 2 == 0 ? "None" : "CRC32C";
        Pdu response =
                initiator.login(
                        ServerProcess.IQN,
                        "MaxConnections=8",
                        "HeaderDigest=" + digest,
                        "DataDigest=" + digest);
        assertEquals(0, response.statusClass(), "CID " + cid);
        return response;
    }

    /// Every write goes one way and is read back by another, in all sizes of data: immediate,
    /// unsolicited, and asked for.
    @Test
    void writesAndReadsOverEightConnections() throws IOException {
        List<RawInitiator> all = session("eight", 8);
        assertEquals("8", all.getFirst().negotiated().get("MaxConnections"));
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int[] lengths = {BLOCK, 8192, 300 << 10, 1 << 20};
        for (int round = 0; round < 64; round++) {
            byte[] data = new byte[lengths[round % lengths.length]];
            random.nextBytes(data);
            int blocks = data.length / BLOCK;
            int lba = random.nextInt((64 << 20) / BLOCK - blocks);
            RawInitiator writer = all.get(round % 8);
            RawInitiator reader = all.get((round * 5 + 3) % 8);
            String what = "seed=" + seed + " round=" + round;
            assertEquals(
                    ScsiResult.GOOD,
                    writer.write(0, Cdb.write10(lba, blocks), data).status(),
                    what);
            assertArrayEquals(
                    data, reader.read(0, Cdb.read10(lba, blocks), data.length).data(), what);
        }
    }

    /// Commands are on their way on all connections at once, and are sent in an order that is not
    /// that of their numbers.
    @Test
    void keepsManyCommandsUnderWayOnAllConnections() throws IOException {
        List<RawInitiator> all = session("many", 4);
        InitiatorSession session = all.getFirst().session();
        byte[] data = new byte[64 << 10];
        int from = session.nextCmdSn();
        for (int i = 63; i >= 0; i--) {
            Arrays.fill(data, (byte) (i + 1));
            all.get(i % 4)
                    .sendCommand(
                            Request.scsiCommand(0, Cdb.write10(i * 128, 128))
                                    .cmdSn(from + i)
                                    .writes(data.length),
                            data);
        }
        session.nextCmdSn(from + 64);
        for (int i = 0; i < 64; i++) {
            Pdu answer = all.get(i % 4).receive();
            assertEquals(Pdu.SCSI_RESPONSE, answer.opcode());
            assertEquals(0, answer.status());
        }
        for (int i = 0; i < 64; i++) {
            byte[] read = all.get((i + 1) % 4).read(0, Cdb.read10(i * 128, 128), 64 << 10).data();
            Arrays.fill(data, (byte) (i + 1));
            assertArrayEquals(data, read);
        }
    }

    @Test
    void losesTheSessionWithAConnectionThatIsKilled() throws IOException {
        List<RawInitiator> all = session("killed", 3);
        all.get(1).abort();
        assertTrue(all.get(0).isClosedWithin(SOON));
        assertTrue(all.get(2).isClosedWithin(SOON));
        RawInitiator late = open.connect(server.address(), all.getFirst().session(), 3);
        Pdu refused = late.login(ServerProcess.IQN);
        assertEquals(0x020a, refused.loginStatus());
    }

    @Test
    void replacesAConnectionAndGoesOn() throws IOException {
        List<RawInitiator> all = session("again", 3);
        RawInitiator again = open.connect(server.address(), all.getFirst().session(), 2);
        login(again, 2);
        assertTrue(all.get(2).isClosedWithin(SOON));
        for (RawInitiator each : List.of(all.get(0), all.get(1), again)) {
            assertEquals(ScsiResult.GOOD, each.read(0, Cdb.testUnitReady(), 0).status());
        }
    }

    @Test
    void logsOutOneAfterTheOther() throws IOException {
        List<RawInitiator> all = session("leaves", 3);
        for (int cid = 0; cid < 3; cid++) {
            RawInitiator leaving = all.get(cid);
            Pdu response = leaving.exchange(Request.logout(1).u16(20, cid));
            assertEquals(Pdu.LOGOUT_RESPONSE, response.opcode());
            assertEquals(0, response.response());
            assertTrue(leaving.isClosedWithin(SOON));
            if (cid < 2) {
                ScsiResult result = all.get(2).read(0, Cdb.testUnitReady(), 0);
                assertEquals(ScsiResult.GOOD, result.status());
            }
        }
    }

    @Test
    void refusesTheNinth() throws IOException {
        List<RawInitiator> all = session("nine", 8);
        Pdu refused =
                open.connect(server.address(), all.getFirst().session(), 8)
                        .login(ServerProcess.IQN);
        assertEquals(0x0206, refused.loginStatus());
        assertEquals(ScsiResult.GOOD, all.get(7).read(0, Cdb.testUnitReady(), 0).status());
    }
}
