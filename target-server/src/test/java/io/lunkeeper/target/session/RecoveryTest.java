package io.lunkeeper.target.session;

import static io.lunkeeper.target.session.RecoveringInitiator.DATA_IN;
import static io.lunkeeper.target.session.RecoveringInitiator.NOP_IN;
import static io.lunkeeper.target.session.RecoveringInitiator.READY_TO_TRANSFER;
import static io.lunkeeper.target.session.RecoveringInitiator.REJECT;
import static io.lunkeeper.target.session.RecoveringInitiator.SCSI_RESPONSE;
import static io.lunkeeper.target.session.SessionRig.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.pdu.RequestPdu;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Recovery within a connection, RFC 7143 clause 7 and 11.16, PDU by PDU.
class RecoveryTest {
    private static final String SMALL = "MaxRecvDataSegmentLength=1024\0MaxBurstLength=4096\0";
    private static final String EAGER = "InitialR2T=No\0ImmediateData=Yes\0" + SMALL;
    private static final String PATIENT =
            "InitialR2T=Yes\0ImmediateData=No\0FirstBurstLength=4096\0" + SMALL;
    private static final int SNACK_REJECT = 3;
    private static final int PROTOCOL_ERROR = 4;
    private static final int INVALID_DATA_ACK = 8;
    private static final int INVALID_FIELD = 9;

    @TempDir private Path directory;
    private SessionRig rig;

    private RecoveringInitiator initiator;

    @BeforeEach
    void open() throws Exception {
        rig = new SessionRig(directory);
        initiator = new RecoveringInitiator(rig, 1, PATIENT);
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        initiator.disconnect();
        rig.turnUntil(() -> rig.sessions() == 0 && rig.heldBytes() == 0);
        rig.close();
    }

    /// Logs in anew.
    private void login(int level, String keys) throws Exception {
        initiator.disconnect();
        initiator = new RecoveringInitiator(rig, level, keys);
    }

    /// Writes blocks from the start, all as they should be.
    private void fill(byte[] bytes) throws Exception {
        int tag = initiator.write(bytes.length / 512, new byte[0], true);
        for (int at = 0; at < bytes.length; at += 4096) {
            ByteBuf r2t = initiator.only(READY_TO_TRANSFER);
            int length = r2t.getInt(44);
            initiator.feed(initiator.dataOut(tag, r2t.getInt(20), 0, bytes, at, at + length, true));
        }
        assertEquals(0, initiator.response(tag).getByte(3));
        initiator.acknowledge();
    }

    private byte[] readBack(int blocks) throws Exception {
        int tag = initiator.read(blocks);
        ByteBuf whole = Unpooled.buffer();
        for (ByteBuf each : initiator.news(DATA_IN)) {
            assertEquals(tag, each.getInt(16));
            whole.writeBytes(RecoveringInitiator.data(each));
            if ((each.getByte(1) & 0x40) != 0) {
                initiator.acknowledgeData(each.getInt(20), each.getInt(36) + 1);
            }
        }
        for (ByteBuf each : initiator.news(DATA_IN)) {
            whole.writeBytes(RecoveringInitiator.data(each));
        }
        initiator.acknowledge();
        return ByteBufUtil.getBytes(whole);
    }

    /// The same but for ExpCmdSN and MaxCmdSN, and the digest over them.
    private static void assertReplica(ByteBuf first, ByteBuf again) {
        assertEquals(
                ByteBufUtil.hexDump(first, 0, 28) + ByteBufUtil.hexDump(first, 36, 12),
                ByteBufUtil.hexDump(again, 0, 28) + ByteBufUtil.hexDump(again, 36, 12));
        assertArrayEquals(RecoveringInitiator.data(first), RecoveringInitiator.data(again));
    }

    // ---- status

    @Test
    void aLostResponseIsSentAgainWithTheWindowOfNow() throws Exception {
        initiator.testUnit();
        ByteBuf lost = initiator.only(SCSI_RESPONSE);
        initiator.testUnit();
        initiator.only(SCSI_RESPONSE);
        initiator.snackStatus(lost.getInt(24), 1);
        ByteBuf again = initiator.only(SCSI_RESPONSE);
        assertReplica(lost, again);
        assertEquals(initiator.cmdSn(), again.getInt(28), "ExpCmdSN");
        assertEquals(lost.getInt(32) + 1, again.getInt(32), "MaxCmdSN");
    }

    @Test
    void allResponsesThatAreNotAcknowledgedAreSentAgain() throws Exception {
        initiator.testUnit();
        initiator.acknowledge();
        initiator.news();
        initiator.testUnit();
        initiator.read(2);
        initiator.testUnit();
        List<ByteBuf> first = initiator.news();
        initiator.snackStatus(0, 0);
        List<ByteBuf> again = initiator.news();
        assertEquals(3, again.size());
        for (int i = 0; i < 3; i++) {
            assertReplica(first.get(i), again.get(i));
        }
        initiator.snackStatus(first.get(1).getInt(24), 0);
        assertEquals(2, initiator.news().size());
        initiator.acknowledge();
        initiator.snackStatus(0, 0);
        assertEquals(List.of(), initiator.news());
    }

    @Test
    void statusThatIsAcknowledgedOrWasNeverSentIsAProtocolError() throws Exception {
        initiator.testUnit();
        int acknowledged = initiator.only(SCSI_RESPONSE).getInt(24);
        initiator.acknowledge();
        initiator.testUnit();
        int sent = initiator.only(SCSI_RESPONSE).getInt(24);
        initiator.snackStatus(acknowledged, 1);
        assertEquals(PROTOCOL_ERROR, initiator.rejected());
        initiator.snackStatus(acknowledged, 0);
        assertEquals(PROTOCOL_ERROR, initiator.rejected());
        // The Rejects have a StatSN themselves.
        initiator.snackStatus(sent, 4);
        assertEquals(PROTOCOL_ERROR, initiator.rejected());
        initiator.snackStatus(sent + 4, 0);
        assertEquals(PROTOCOL_ERROR, initiator.rejected());
        initiator.snackStatus(sent, -1);
        assertEquals(PROTOCOL_ERROR, initiator.rejected());
    }

    /// RFC 7143 7.1.4.2: so that the initiator learns what it misses.
    @Test
    void whatIsNotAcknowledgedIsAskedAbout() throws Exception {
        initiator.testUnit();
        ByteBuf lost = initiator.only(SCSI_RESPONSE);
        initiator.tick(Unacknowledged.PATIENCE_TICKS - 1);
        assertEquals(List.of(), initiator.news());
        initiator.tick(1);
        assertEquals(lost.getInt(24) + 1, initiator.only(NOP_IN).getInt(24));
        initiator.acknowledge();
        initiator.tick(4 * Unacknowledged.PATIENCE_TICKS);
        assertEquals(List.of(), initiator.news());
    }

    @Test
    void anInitiatorThatAcknowledgesNothingIsDisconnected() throws Exception {
        for (int i = 0; i < Unacknowledged.MAX_RESPONSES; i++) {
            initiator.testUnit();
        }
        assertFalse(initiator.closed());
        initiator.testUnit();
        assertTrue(initiator.closed());
    }

    // ---- Data-In

    @Test
    void lostDataIsSentAgainAsItWasWhateverTheMediumIsNow() throws Exception {
        byte[] former = random(8192);
        fill(former);
        int tag = initiator.read(16);
        List<ByteBuf> first = initiator.news(DATA_IN);
        assertEquals(8, first.size());
        byte[] other = new byte[4096];
        int write = initiator.write(8, new byte[0], true);
        int transfer = initiator.only(READY_TO_TRANSFER).getInt(20);
        initiator.feed(initiator.dataOut(write, transfer, 0, other, 0, 4096, true));
        initiator.response(write);
        initiator.snackData(tag, 2, 3);
        List<ByteBuf> again = initiator.news(DATA_IN);
        assertEquals(3, again.size());
        for (int i = 0; i < 3; i++) {
            assertReplica(first.get(2 + i), again.get(i));
        }
        initiator.snackData(tag, 6, 0);
        assertEquals(2, initiator.news(DATA_IN).size());
        initiator.snackData(tag, 0, 0);
        assertEquals(8, initiator.news(DATA_IN).size());
    }

    /// RFC 7143 11.7.2: no more often than every MaxBurstLength.
    @Test
    void sequencesAreToBeAcknowledgedButTheLast() throws Exception {
        initiator.turnTo(1);
        initiator.read(1); // Hears the unit attention condition.
        initiator.news();
        int tag = initiator.read(20);
        List<ByteBuf> pdus = initiator.news(DATA_IN);
        List<Integer> asking = new ArrayList<>();
        for (ByteBuf each : pdus) {
            boolean asks = (each.getByte(1) & 0x40) != 0;
            assertEquals(asks ? 1 : 0, each.getShort(8), "LUN");
            assertEquals(asks ? tag : RequestPdu.RESERVED_TAG, each.getInt(20));
            if (asks) {
                asking.add(each.getInt(36));
            }
        }
        assertEquals(List.of(3, 7), asking);
    }

    @Test
    void acknowledgedDataIsGone() throws Exception {
        long idle = rig.heldBytes();
        int tag = initiator.read(20);
        initiator.news();
        long whole = rig.heldBytes();
        initiator.acknowledgeData(tag, 4);
        assertTrue(rig.heldBytes() <= whole - 4096, "memory is given back");
        initiator.snackData(tag, 3, 2);
        ByteBuf reject = initiator.only(REJECT);
        assertEquals(PROTOCOL_ERROR, reject.getByte(2));
        assertEquals(10, reject.getInt(36), "the next DataSN");
        initiator.snackData(tag, 4, 0);
        assertEquals(6, initiator.news(DATA_IN).size());
        initiator.snackData(tag, 0, 0);
        assertEquals(6, initiator.news(DATA_IN).size());
        initiator.acknowledge();
        assertEquals(idle, rig.heldBytes());
        initiator.snackData(tag, 4, 0);
        assertEquals(PROTOCOL_ERROR, initiator.rejected());
    }

    @ParameterizedTest
    @CsvSource({"8, 1", "7, 2", "8, 0", "-1, 1", "1, -1", "0, 9"})
    void dataThatWasNotSentIsAProtocolError(int begin, int length) throws Exception {
        int tag = initiator.read(16);
        initiator.news();
        initiator.snackData(tag, begin, length);
        ByteBuf reject = initiator.only(REJECT);
        assertEquals(PROTOCOL_ERROR, reject.getByte(2));
        assertEquals(8, reject.getInt(36));
        initiator.snackData(tag + 1, 0, 0);
        assertEquals(PROTOCOL_ERROR, initiator.rejected(), "no such command");
    }

    @ParameterizedTest
    @CsvSource({"0, 9", "1, 4", "0, -1"})
    void anAcknowledgmentOfWhatWasNotSentIsRefused(int otherTag, int expected) throws Exception {
        int tag = initiator.read(16);
        initiator.news();
        initiator.acknowledgeData(tag + otherTag, expected);
        assertEquals(INVALID_DATA_ACK, initiator.rejected());
    }

    @Test
    void reservedTypesAreRefused() throws Exception {
        initiator.snack(4, 1, 1, 0, 0);
        assertEquals(INVALID_FIELD, initiator.rejected());
    }

    // ---- resegmentation

    @Test
    void dataIsCutAnewWithANewResponse() throws Exception {
        byte[] bytes = random(8192);
        fill(bytes);
        int tag = initiator.read(16);
        List<ByteBuf> first = initiator.news(DATA_IN);
        initiator.acknowledgeData(tag, 4);
        initiator.declareSegment(512);
        initiator.news();
        initiator.snackData(tag, 4, 0);
        assertEquals(PROTOCOL_ERROR, initiator.rejected(), "the wrong SNACK for that");
        initiator.snack(3, tag, 77, 0, 0);
        List<ByteBuf> again = initiator.news();
        assertEquals(9, again.size());
        for (int i = 0; i < 8; i++) {
            ByteBuf pdu = again.get(i);
            assertEquals(4 + i, pdu.getInt(36), "DataSN");
            assertEquals(4096 + 512 * i, pdu.getInt(40), "Buffer Offset");
            assertEquals(i == 7 ? 0x80 : 0, pdu.getByte(1) & 0xff, "flags");
            assertArrayEquals(
                    Arrays.copyOfRange(bytes, 4096 + 512 * i, 4608 + 512 * i),
                    RecoveringInitiator.data(pdu));
        }
        ByteBuf response = again.getLast();
        assertEquals(SCSI_RESPONSE, response.getByte(0));
        assertEquals(77, response.getInt(20), "SNACK Tag");
        assertEquals(first.getLast().getInt(24), response.getInt(24), "StatSN");
        assertEquals(12, response.getInt(36), "ExpDataSN");
        initiator.snackStatus(response.getInt(24), 1);
        assertReplica(response, initiator.only(SCSI_RESPONSE));
    }

    /// While the command is still sending.
    @Test
    void whatFollowsIsCutAnewToo() throws Exception {
        login(1, "MaxRecvDataSegmentLength=262144\0MaxBurstLength=1048576\0");
        int tag = initiator.read(32_768);
        assertEquals(32, initiator.news(DATA_IN).size());
        initiator.declareSegment(65_536);
        initiator.news();
        initiator.snack(3, tag, 78, 0, 0);
        List<ByteBuf> again = initiator.news();
        assertEquals(128, again.size());
        initiator.acknowledgeData(tag, 128);
        List<ByteBuf> rest = initiator.news();
        assertEquals(129, rest.size());
        List<ByteBuf> all = new ArrayList<>(again);
        all.addAll(rest.subList(0, 128));
        for (int i = 0; i < 256; i++) {
            assertEquals(i, all.get(i).getInt(36), "DataSN");
            assertEquals(i * 65_536, all.get(i).getInt(40), "Buffer Offset");
            assertEquals(0, all.get(i).getByte(1) & 1, "no status with the data");
        }
        ByteBuf response = rest.getLast();
        assertEquals(SCSI_RESPONSE, response.getByte(0) & 0x3f);
        assertEquals(78, response.getInt(20), "SNACK Tag");
        assertEquals(256, response.getInt(36), "ExpDataSN");
    }

    @ParameterizedTest
    @CsvSource({"0, 0, 0", "-1, 0, 0", "5, 1, 0", "5, 0, 1"})
    void anRDataSnackOutOfShapeIsRefused(int snackTag, int begin, int length) throws Exception {
        int tag = initiator.read(16);
        initiator.news();
        initiator.snack(3, tag, snackTag, begin, length);
        assertEquals(INVALID_FIELD, initiator.rejected());
    }

    // ---- R2T and Data-Out

    @Test
    void aLostRequestIsSentAgain() throws Exception {
        int tag = initiator.write(8, new byte[0], true);
        ByteBuf lost = initiator.only(READY_TO_TRANSFER);
        initiator.testUnit();
        int statSn = initiator.only(SCSI_RESPONSE).getInt(24);
        initiator.snackData(tag, 0, 1);
        ByteBuf again = initiator.only(READY_TO_TRANSFER);
        assertEquals(
                ByteBufUtil.hexDump(lost, 0, 24) + ByteBufUtil.hexDump(lost, 36, 12),
                ByteBufUtil.hexDump(again, 0, 24) + ByteBufUtil.hexDump(again, 36, 12));
        assertEquals(statSn + 1, again.getInt(24), "StatSN of now");
        initiator.snackData(tag, 1, 1);
        ByteBuf reject = initiator.only(REJECT);
        assertEquals(PROTOCOL_ERROR, reject.getByte(2));
        assertEquals(1, reject.getInt(36), "the next R2TSN");
    }

    /// RFC 7143 7.8: Reject, and a recovery R2T.
    @Test
    void damagedDataIsAskedForAgain() throws Exception {
        byte[] bytes = random(4096);
        int tag = initiator.write(8, new byte[0], true);
        int transfer = initiator.only(READY_TO_TRANSFER).getInt(20);
        initiator.feed(initiator.dataOut(tag, transfer, 0, bytes, 0, 1024, false));
        initiator.feed(
                RecoveringInitiator.damaged(
                        initiator.dataOut(tag, transfer, 1, bytes, 1024, 2048, false)));
        assertEquals(2, initiator.rejected());
        initiator.feed(initiator.dataOut(tag, transfer, 2, bytes, 2048, 3072, false));
        assertEquals(List.of(), initiator.news());
        initiator.feed(initiator.dataOut(tag, transfer, 3, bytes, 3072, 4096, true));
        finish(tag, bytes, 1024);
    }

    @Test
    void dataThatIsMissingIsAskedForAgain() throws Exception {
        byte[] bytes = random(4096);
        int tag = initiator.write(8, new byte[0], true);
        int transfer = initiator.only(READY_TO_TRANSFER).getInt(20);
        initiator.feed(initiator.dataOut(tag, transfer, 2, bytes, 2048, 3072, false));
        initiator.feed(initiator.dataOut(tag, transfer, 3, bytes, 3072, 4096, true));
        finish(tag, bytes, 0);
    }

    @Test
    void theDamagedEndOfABurstIsAskedForAgain() throws Exception {
        byte[] bytes = random(4096);
        int tag = initiator.write(8, new byte[0], true);
        int transfer = initiator.only(READY_TO_TRANSFER).getInt(20);
        initiator.feed(initiator.dataOut(tag, transfer, 0, bytes, 0, 3072, false));
        initiator.feed(
                RecoveringInitiator.damaged(
                        initiator.dataOut(tag, transfer, 1, bytes, 3072, 4096, true)));
        List<ByteBuf> answers = initiator.news();
        assertEquals(REJECT, answers.getFirst().getByte(0) & 0x3f);
        finish(tag, bytes, 3072, answers.get(1));
    }

    /// RFC 7143 7.1.4.1: sequence reception timeout.
    @Test
    void theEndOfABurstThatNeverComesIsAskedForAgain() throws Exception {
        byte[] bytes = random(4096);
        int tag = initiator.write(8, new byte[0], true);
        int transfer = initiator.only(READY_TO_TRANSFER).getInt(20);
        initiator.feed(initiator.dataOut(tag, transfer, 0, bytes, 0, 1024, false));
        initiator.tick(Unacknowledged.DATA_PATIENCE_TICKS);
        ByteBuf request = initiator.only(READY_TO_TRANSFER);
        initiator.feed(initiator.dataOut(tag, transfer, 1, bytes, 1024, 4096, true));
        assertEquals(List.of(), initiator.news(), "too late");
        finish(tag, bytes, 1024, request);
    }

    @Test
    void aRequestThatNobodyAnswersIsSentAgain() throws Exception {
        initiator.write(8, new byte[0], true);
        ByteBuf lost = initiator.only(READY_TO_TRANSFER);
        initiator.tick(Unacknowledged.DATA_PATIENCE_TICKS);
        assertReplica(lost, initiator.only(READY_TO_TRANSFER));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void unsolicitedDataThatIsLostIsAskedFor(boolean theLast) throws Exception {
        login(1, EAGER);
        byte[] bytes = random(4096);
        byte[] immediate = Arrays.copyOf(bytes, 512);
        int tag = initiator.write(8, immediate, false);
        int none = RequestPdu.RESERVED_TAG;
        if (theLast) {
            initiator.feed(initiator.dataOut(tag, none, 0, bytes, 512, 1024, false));
            initiator.tick(Unacknowledged.DATA_PATIENCE_TICKS);
        } else {
            initiator.feed(initiator.dataOut(tag, none, 1, bytes, 1024, 2048, true));
        }
        finish(tag, bytes, theLast ? 1024 : 512);
    }

    private void finish(int tag, byte[] bytes, int from) throws Exception {
        finish(tag, bytes, from, initiator.only(READY_TO_TRANSFER));
    }

    /// Answers a recovery R2T for all from an offset on, and finds everything written.
    private void finish(int tag, byte[] bytes, int from, ByteBuf request) throws Exception {
        assertEquals(READY_TO_TRANSFER, request.getByte(0) & 0x3f);
        assertEquals(from, request.getInt(40));
        assertEquals(bytes.length - from, request.getInt(44));
        int transfer = request.getInt(20);
        initiator.feed(initiator.dataOut(tag, transfer, 0, bytes, from, bytes.length, true));
        ByteBuf response = initiator.response(tag);
        assertEquals(0, response.getByte(3));
        assertEquals(request.getInt(36) + 1, response.getInt(36), "ExpDataSN counts R2Ts");
        assertArrayEquals(bytes, readBack(bytes.length / 512));
    }

    /// RFC 7143 7.8, 7.2.1: such a command is as good as not sent.
    @Test
    void aCommandWithDamagedDataIsWaitedFor() throws Exception {
        login(1, EAGER);
        byte[] bytes = random(512);
        int tag = initiator.takeTag();
        byte[] command = initiator.writeCommand(tag, 1, bytes);
        initiator.feed(RecoveringInitiator.damaged(command));
        assertEquals(2, initiator.rejected());
        int later = initiator.testUnit();
        assertEquals(List.of(), initiator.news());
        initiator.feed(command);
        initiator.response(tag);
        assertEquals(0, initiator.response(later).getByte(3));
        assertArrayEquals(bytes, readBack(1));
    }

    @Test
    void atLevelZeroDamagedDataEndsTheSession() throws Exception {
        login(0, PATIENT);
        int tag = initiator.write(8, new byte[0], true);
        int transfer = initiator.only(READY_TO_TRANSFER).getInt(20);
        byte[] bytes = random(4096);
        initiator.feed(
                RecoveringInitiator.damaged(
                        initiator.dataOut(tag, transfer, 0, bytes, 0, 4096, true)));
        assertTrue(initiator.closed());
    }

    @Test
    void atLevelZeroNothingIsKept() throws Exception {
        login(0, PATIENT);
        int tag = initiator.read(16);
        assertTrue(
                initiator.news(DATA_IN).stream().allMatch(each -> (each.getByte(1) & 0x40) == 0));
        assertEquals(0, rig.heldBytes());
        initiator.snackData(tag, 0, 0);
        assertEquals(SNACK_REJECT, initiator.rejected());
    }

    // ---- bounds

    @Test
    void noMoreDataIsSentThanIsKept() throws Exception {
        login(1, "MaxRecvDataSegmentLength=262144\0MaxBurstLength=1048576\0");
        int tag = initiator.read(32_768); // The whole image of 16 MiB.
        List<ByteBuf> pdus = initiator.news();
        assertEquals(NOP_IN, pdus.getLast().getByte(0) & 0x3f);
        assertEquals(Unacknowledged.MAX_DATA_BYTES / 262_144, pdus.size() - 1);
        initiator.acknowledgeData(tag, 4);
        assertEquals(4, initiator.news(DATA_IN).size());
        initiator.acknowledgeData(tag, 36);
        assertEquals(28, initiator.news(DATA_IN).size());
        initiator.snackData(tag, 63, 1);
        assertEquals(1, initiator.news(DATA_IN).size());
    }

    /// It must not be held up for ever, nor keep more.
    @Test
    void anInitiatorThatAcknowledgesNoDataCannotHaveItAgain() throws Exception {
        login(1, "MaxRecvDataSegmentLength=262144\0MaxBurstLength=1048576\0");
        int tag = initiator.read(32_768);
        initiator.news();
        initiator.tick(Unacknowledged.PATIENCE_TICKS);
        assertEquals(32, initiator.news(DATA_IN).size());
        assertTrue(rig.heldBytes() <= Unacknowledged.MAX_DATA_BYTES + (1 << 20));
        initiator.snackData(tag, 0, 0);
        assertEquals(SNACK_REJECT, initiator.rejected());
        initiator.snackData(tag, 60, 0);
        assertEquals(4, initiator.news(DATA_IN).size());
    }

    /// RFC 7143 7.8 Digest Errors, a.1): the status has not been sent, so the command ends without
    /// what is missing. Behind the Reject, which is about it.
    @ParameterizedTest
    @CsvSource({"0, -1", "3, 77"})
    void aCommandWhoseDataCannotBeHadAgainEnds(int type, int snackTag) throws Exception {
        login(1, "MaxRecvDataSegmentLength=262144\0MaxBurstLength=1048576\0");
        long idle = rig.heldBytes();
        int tag = initiator.read(32_768);
        initiator.block(true);
        initiator.tick(Unacknowledged.PATIENCE_TICKS);
        initiator.news();
        initiator.snack(type, tag, snackTag, 0, 0);
        List<ByteBuf> answers = initiator.news();
        assertEquals(2, answers.size());
        assertEquals(REJECT, answers.getFirst().getByte(0) & 0x3f);
        assertEquals(SNACK_REJECT, answers.getFirst().getByte(2));
        ByteBuf response = answers.getLast();
        assertEquals(SCSI_RESPONSE, response.getByte(0) & 0x3f);
        assertEquals(tag, response.getInt(16));
        assertEquals(2, response.getByte(3), "CHECK CONDITION");
        byte[] sense = RecoveringInitiator.data(response);
        assertArrayEquals(
                new byte[] {0x0b, 0x11, 0x13}, new byte[] {sense[4], sense[14], sense[15]});
        initiator.snack(type, tag, snackTag, 0, 0);
        assertEquals(SNACK_REJECT, initiator.rejected(), "it has ended");
        initiator.block(false);
        assertEquals(List.of(), initiator.news());
        initiator.acknowledge();
        assertEquals(idle, rig.heldBytes());
    }

    @Test
    void aStormOfRequestsIsAnsweredOnce() throws Exception {
        int read = initiator.read(16);
        int write = initiator.write(8, new byte[0], true);
        initiator.news();
        initiator.block(true);
        long before = rig.heldBytes();
        for (int i = 0; i < 1000; i++) {
            initiator.snackData(read, 0, 0);
            initiator.snackStatus(0, 0);
            initiator.snackData(write, 0, 0);
        }
        assertEquals(List.of(), initiator.news());
        assertEquals(before, rig.heldBytes());
        initiator.block(false);
        assertEquals(9, initiator.news().size());
    }
}
