package io.lunkeeper.tests.conformance;

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
import java.util.Arrays;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// What is lost or damaged on a connection of the real server is sent again on it, at
/// ErrorRecoveryLevel 1 with both digests (RFC 7143 7.8 Digest Errors, 7.9 Sequence Errors, 11.16
/// SNACK Request).
@ExtendWith(ShowServerLog.class)
class WithinConnectionRecoveryTest {
    private static final int BLOCK = 512;
    private static final int SEGMENT = 8192;
    private static final int DATA_OR_R2T = 0;
    private static final int STATUS = 1;
    private static final int DATA_ACKNOWLEDGMENT = 2;
    private static final int DATA_DIGEST_ERROR = 2;
    @AutoClose private static ServerProcess server;

    @AutoClose private RawInitiator initiator;

    @BeforeAll
    static void start() {
        server = ServerProcess.start(Lun.sized(0, "64MiB"));
    }

    @BeforeEach
    void login() throws IOException {
        initiator = RawInitiator.connect(server.address());
        Pdu response =
                initiator.login(
                        ServerProcess.IQN,
                        "ErrorRecoveryLevel=1",
                        "InitialR2T=Yes",
                        "ImmediateData=No",
                        "MaxOutstandingR2T=1",
                        "MaxRecvDataSegmentLength=" + SEGMENT,
                        "MaxBurstLength=65536",
                        "HeaderDigest=CRC32C",
                        "DataDigest=CRC32C");
        assertEquals(0, response.statusClass());
        assertEquals("1", initiator.negotiated().get("ErrorRecoveryLevel"));
        initiator.clearUnitAttentions(0);
    }

    private static byte[] random(int length) {
        byte[] data = new byte[length];
        new Random(length).nextBytes(data);
        return data;
    }

    /// The next PDU that concerns a command.
    private Pdu receive() throws IOException {
        Pdu pdu = initiator.receive();
        while (initiator.absorb(pdu)) {
            pdu = initiator.receive();
        }
        return pdu;
    }

    private void fill(byte[] data) throws IOException {
        assertEquals(
                ScsiResult.GOOD,
                initiator.write(0, Cdb.write10(0, data.length / BLOCK), data).status());
    }

    /// Every fifth Data-In is lost; each is asked for by itself once all have come, and the data of
    /// sequences is acknowledged when it is complete.
    @Test
    void lostDataIsAskedForAgain() throws IOException {
        byte[] data = random(1 << 20);
        fill(data);
        byte[] got = new byte[data.length];
        int tag =
                initiator.send(
                        Request.scsiCommand(0, Cdb.read10(0, data.length / BLOCK))
                                .reads(data.length));
        Set<Integer> missing = new HashSet<>();
        int next = 0;
        boolean ended = false;
        while (!ended || !missing.isEmpty()) {
            Pdu pdu = receive();
            assertEquals(Pdu.DATA_IN, pdu.opcode());
            assertEquals(tag, pdu.initiatorTaskTag());
            boolean again = missing.remove(pdu.dataSn());
            assertEquals(again ? pdu.dataSn() : next, pdu.dataSn());
            next += again ? 0 : 1;
            ended |= pdu.carriesStatus();
            if (!again && pdu.dataSn() % 5 == 3) {
                missing.add(pdu.dataSn());
                initiator.send(snack(DATA_OR_R2T, pdu.dataSn(), 1).u32(16, tag));
            } else {
                System.arraycopy(pdu.data(), 0, got, pdu.bufferOffset(), pdu.dataSegmentLength());
            }
            if (pdu.targetTransferTag() != Pdu.NO_TAG && missing.isEmpty()) {
                initiator.send(
                        snack(DATA_ACKNOWLEDGMENT, next, 0)
                                .u32(16, Pdu.NO_TAG)
                                .u32(20, pdu.targetTransferTag()));
            }
        }
        assertArrayEquals(data, got);
        assertEquals(data.length / SEGMENT, next);
    }

    private static Request snack(int type, int begRun, int runLength) {
        return Request.snack(type, begRun, runLength).u32(20, Pdu.NO_TAG);
    }

    @Test
    void aLostStatusIsAskedForAgain() throws IOException {
        int expStatSn = initiator.expStatSn();
        int tag = initiator.send(Request.scsiCommand(0, Cdb.testUnitReady()));
        Pdu lost = receive();
        assertEquals(expStatSn, lost.statSn());
        initiator.send(snack(STATUS, expStatSn, 1).u32(16, Pdu.NO_TAG).expStatSn(expStatSn));
        Pdu again = receive();
        assertEquals(Pdu.SCSI_RESPONSE, again.opcode());
        assertEquals(tag, again.initiatorTaskTag());
        assertEquals(expStatSn, again.statSn());
        assertEquals(0, again.status());
        assertEquals(
                ScsiResult.GOOD, initiator.read(0, Cdb.testUnitReady(), 0).status(), "goes on");
    }

    /// The second of four PDUs is damaged: it is refused, and from it on the data is asked for
    /// anew.
    @Test
    void damagedDataIsAskedForAgain() throws IOException {
        fill(new byte[4 * SEGMENT]);
        byte[] data = random(4 * SEGMENT);
        int tag =
                initiator.sendCommand(
                        Request.scsiCommand(0, Cdb.write10(0, data.length / BLOCK))
                                .writes(data.length),
                        data);
        Pdu first = receive();
        assertEquals(Pdu.READY_TO_TRANSFER, first.opcode());
        for (int sn = 0; sn < 4; sn++) {
            byte[] part = Arrays.copyOfRange(data, sn * SEGMENT, (sn + 1) * SEGMENT);
            Request pdu =
                    Request.dataOut(tag, first.targetTransferTag(), sn, sn * SEGMENT)
                            .data(part)
                            .flags(sn == 3 ? 0x80 : 0);
            initiator.send(sn == 1 ? pdu.breakDataDigest() : pdu);
        }
        Pdu reject = receive();
        assertEquals(Pdu.REJECT, reject.opcode());
        assertEquals(DATA_DIGEST_ERROR, reject.response());
        Pdu recovery = receive();
        assertEquals(Pdu.READY_TO_TRANSFER, recovery.opcode());
        assertEquals(SEGMENT, recovery.bufferOffset());
        assertEquals(3 * SEGMENT, recovery.desiredLength());
        assertEquals(first.r2tSn() + 1, recovery.r2tSn());
        initiator.answer(recovery, data);
        Pdu response = receive();
        assertEquals(Pdu.SCSI_RESPONSE, response.opcode());
        assertEquals(0, response.status());
        byte[] read = Cdb.read10(0, data.length / BLOCK);
        assertArrayEquals(data, initiator.read(0, read, data.length).data());
    }

    /// RFC 7143 7.8: where the next PDU begins cannot be known.
    @Test
    void aDamagedHeaderEndsTheConnection() throws IOException {
        initiator.send(Request.nopOut().data(new byte[4]).breakHeaderDigest());
        assertTrue(initiator.isClosedWithin(Duration.ofSeconds(20)));
    }
}
