package io.lunkeeper.target.pdu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.LoginRequest;
import io.lunkeeper.target.pdu.RequestPdu.LogoutRequest;
import io.lunkeeper.target.pdu.RequestPdu.NopOut;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;
import io.lunkeeper.target.pdu.ResponsePdu.LoginResponse;
import io.lunkeeper.target.pdu.ResponsePdu.LogoutResponse;
import io.lunkeeper.target.pdu.ResponsePdu.NopIn;
import io.lunkeeper.target.pdu.ResponsePdu.ReadyToTransfer;
import io.lunkeeper.target.pdu.ResponsePdu.Residual;
import io.lunkeeper.target.pdu.ResponsePdu.ScsiResponse;
import io.lunkeeper.target.pdu.ResponsePdu.TextResponse;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.nio.ByteBuffer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jscsi.parser.BasicHeaderSegment;
import org.jscsi.parser.InitiatorMessageParser;
import org.jscsi.parser.ProtocolDataUnit;
import org.jscsi.parser.ProtocolDataUnitFactory;
import org.jscsi.parser.TargetMessageParser;
import org.jscsi.parser.data.DataOutParser;
import org.jscsi.parser.login.LoginRequestParser;
import org.jscsi.parser.login.LoginResponseParser;
import org.jscsi.parser.logout.LogoutRequestParser;
import org.jscsi.parser.logout.LogoutResponseParser;
import org.jscsi.parser.nop.NOPInParser;
import org.jscsi.parser.nop.NOPOutParser;
import org.jscsi.parser.r2t.Ready2TransferParser;
import org.jscsi.parser.scsi.SCSICommandParser;
import org.jscsi.parser.scsi.SCSIResponseParser;
import org.jscsi.parser.text.TextRequestParser;
import org.jscsi.parser.text.TextResponseParser;
import org.junit.jupiter.api.Test;

/// jSCSI's parsers read the same bytes and must see the same fields, for the PDUs and fields that
/// they are known to read right. Left out by name: additional header segments, digests, Data-In,
/// task management, SNACK, Reject and Async Message altogether; of login an ISID with a byte 3 of
/// 0x80 and more, and a TSIH of 0x8000 and more; reserved fields other than zero, task attributes 5
/// to 7, a CID in a logout that closes the session, and the response of a logout.
final class JscsiOracleTest {
    private static final int ROUNDS = 300;

    private final RandomGenerator random =
            RandomGeneratorFactory.of("L64X128MixRandom").create(20140401);

    @Test
    void readsScsiCommandsAlike() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            ByteBuf in = request(0x01, 0, 0);
            int flags = 0x80 | (random.nextInt(1, 4) << 5) | random.nextInt(5);
            in.setByte(0, 0x01 | (random.nextInt(2) << 6)).setByte(1, flags);
            in.setLong(32, random.nextLong()).setLong(40, random.nextLong());
            in.setInt(20, random.nextInt());
            BasicHeaderSegment theirs = theirs(in);
            SCSICommandParser parser = (SCSICommandParser) theirs.getParser();
            ScsiCommand ours = (ScsiCommand) ours(in);
            checkSequence(parser, ours.cmdSn(), ours.expStatSn());
            assertEquals(theirs.isImmediateFlag(), ours.immediate());
            assertEquals(theirs.isFinalFlag(), ours.finalBit());
            assertEquals(theirs.getInitiatorTaskTag(), ours.initiatorTaskTag());
            assertEquals(parser.isReadExpectedFlag(), ours.read());
            assertEquals(parser.isWriteExpectedFlag(), ours.write());
            assertEquals(parser.getTaskAttributes().value(), ours.taskAttribute());
            assertEquals(parser.getLogicalUnitNumber(), ours.lun());
            assertEquals(
                    parser.getExpectedDataTransferLength(),
                    (int) ours.expectedDataTransferLength());
            assertEquals(Unpooled.wrappedBuffer(parser.getCDB().rewind()), ours.cdb());
        }
    }

    @Test
    void readsDataOutAlike() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            ByteBuf in = request(0x05, 0x80 * random.nextInt(2), 4 * random.nextInt(1, 20));
            in.setInt(24, 0).setInt(36, random.nextInt()).setInt(40, random.nextInt());
            in.setInt(20, random.nextInt());
            BasicHeaderSegment theirs = theirs(in);
            DataOutParser parser = (DataOutParser) theirs.getParser();
            DataOut ours = (DataOut) ours(in);
            assertEquals(theirs.isFinalFlag(), ours.finalBit());
            assertEquals(theirs.getInitiatorTaskTag(), ours.initiatorTaskTag());
            assertEquals(theirs.getDataSegmentLength(), ours.data().readableBytes());
            assertEquals(parser.getLogicalUnitNumber(), ours.lun());
            assertEquals(parser.getTargetTransferTag(), ours.targetTransferTag());
            assertEquals(parser.getExpectedStatusSequenceNumber(), ours.expStatSn());
            assertEquals(parser.getDataSequenceNumber(), ours.dataSn());
            assertEquals(parser.getBufferOffset(), (int) ours.bufferOffset());
        }
    }

    @Test
    void readsNopOutAlike() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            ByteBuf in = request(0x40, 0x80, 4 * random.nextInt(20));
            in.setInt(20, -1);
            BasicHeaderSegment theirs = theirs(in);
            NOPOutParser parser = (NOPOutParser) theirs.getParser();
            NopOut ours = (NopOut) ours(in);
            checkSequence(parser, ours.cmdSn(), ours.expStatSn());
            assertEquals(theirs.isImmediateFlag(), ours.immediate());
            assertEquals(theirs.getInitiatorTaskTag(), ours.initiatorTaskTag());
            assertEquals(theirs.getDataSegmentLength(), ours.data().readableBytes());
            assertEquals(parser.getLogicalUnitNumber(), ours.lun());
            assertEquals(parser.getTargetTransferTag(), ours.targetTransferTag());
        }
    }

    @Test
    void readsTextRequestsAlike() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            boolean last = random.nextBoolean();
            ByteBuf in = request(0x04, last ? 0x80 : 0x40, 4 * random.nextInt(20));
            in.setInt(20, random.nextInt());
            BasicHeaderSegment theirs = theirs(in);
            TextRequestParser parser = (TextRequestParser) theirs.getParser();
            TextRequest ours = (TextRequest) ours(in);
            checkSequence(parser, ours.cmdSn(), ours.expStatSn());
            assertEquals(theirs.isFinalFlag(), ours.finalBit());
            assertEquals(parser.isContinueFlag(), ours.continueBit());
            assertEquals(theirs.getInitiatorTaskTag(), ours.initiatorTaskTag());
            assertEquals(theirs.getDataSegmentLength(), ours.data().readableBytes());
            assertEquals(parser.getLogicalUnitNumber(), ours.lun());
            assertEquals(parser.getTargetTransferTag(), ours.targetTransferTag());
        }
    }

    @Test
    void readsLogoutRequestsAlike() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            ByteBuf in = request(0x46, 0x81 + random.nextInt(2), 0);
            in.setLong(8, 0).setShort(20, random.nextInt(0x8000));
            BasicHeaderSegment theirs = theirs(in);
            LogoutRequestParser parser = (LogoutRequestParser) theirs.getParser();
            LogoutRequest ours = (LogoutRequest) ours(in);
            checkSequence(parser, ours.cmdSn(), ours.expStatSn());
            assertEquals(theirs.getInitiatorTaskTag(), ours.initiatorTaskTag());
            assertEquals(parser.getReasonCode().value(), ours.reason());
            assertEquals(parser.getConnectionID(), ours.cid());
        }
    }

    @Test
    void readsLoginRequestsAlike() throws Exception {
        int[] flags = {0x81, 0x83, 0x87, 0x00, 0x04, 0x40, 0x44};
        for (int round = 0; round < ROUNDS; round++) {
            ByteBuf in = request(0x43, flags[random.nextInt(flags.length)], 4 * random.nextInt(20));
            long isid = 0x00023d000000L | (random.nextLong() & 0x7fffffL);
            in.setLong(8, (isid << 16) | random.nextInt(0x8000));
            in.setShort(20, random.nextInt(0x8000));
            BasicHeaderSegment theirs = theirs(in);
            LoginRequestParser parser = (LoginRequestParser) theirs.getParser();
            LoginRequest ours = (LoginRequest) ours(in);
            checkSequence(parser, ours.cmdSn(), ours.expStatSn());
            assertEquals(theirs.isFinalFlag(), ours.transit());
            assertEquals(parser.isContinueFlag(), ours.continueBit());
            assertEquals(parser.getCurrentStageNumber().value(), ours.currentStage());
            assertEquals(parser.getNextStageNumber().value(), ours.nextStage());
            assertEquals(parser.getMaxVersion(), ours.versionMax());
            assertEquals(parser.getMinVersion(), ours.versionMin());
            assertEquals(parser.getTargetSessionIdentifyingHandle(), ours.tsih());
            assertEquals(parser.getConnectionID(), ours.cid());
            assertEquals(parser.getInitiatorSessionID().getB() & 0xffff, (int) (isid >> 24));
            assertEquals(parser.getInitiatorSessionID().getC() & 0xff, (int) (isid >> 16) & 0xff);
            assertEquals(isid, ours.isid());
        }
    }

    @Test
    void writesScsiResponsesThatReadAlike() throws Exception {
        int[] statuses = {0x00, 0x02, 0x08, 0x18, 0x28, 0x40};
        for (int round = 0; round < ROUNDS; round++) {
            long count = random.nextInt() & 0xffffffffL;
            Residual residual =
                    switch (random.nextInt(3)) {
                        case 0 -> new Residual(true, false, count);
                        case 1 -> new Residual(false, true, count);
                        default -> Residual.NONE;
                    };
            ScsiResponse ours =
                    new ScsiResponse(
                            0,
                            statuses[random.nextInt(6)],
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt(),
                            residual);
            BasicHeaderSegment theirs = theirs(encoded(ours));
            SCSIResponseParser parser = (SCSIResponseParser) theirs.getParser();
            checkSequence(parser, ours.statSn(), ours.expCmdSn(), ours.maxCmdSn());
            assertEquals(theirs.getInitiatorTaskTag(), ours.initiatorTaskTag());
            assertEquals(parser.getResponse().value(), ours.response());
            assertEquals(parser.getStatus().value(), (byte) ours.status());
            assertEquals(parser.getExpectedDataSequenceNumber(), ours.expDataSn());
            assertEquals(parser.isResidualOverflow(), residual.overflow());
            assertEquals(parser.isResidualUnderflow(), residual.underflow());
            assertEquals(parser.getResidualCount(), (int) residual.count());
        }
    }

    @Test
    void writesReadyToTransferThatReadsAlike() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            ReadyToTransfer ours =
                    new ReadyToTransfer(
                            random.nextLong() >>> 2,
                            random.nextInt(),
                            random.nextInt(1 << 30),
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt(1 << 30),
                            random.nextInt(1, 1 << 24));
            BasicHeaderSegment theirs = theirs(encoded(ours));
            Ready2TransferParser parser = (Ready2TransferParser) theirs.getParser();
            checkSequence(parser, ours.statSn(), ours.expCmdSn(), ours.maxCmdSn());
            assertEquals(theirs.getInitiatorTaskTag(), ours.initiatorTaskTag());
            assertEquals(parser.getLogicalUnitNumber(), ours.lun());
            assertEquals(parser.getTargetTransferTag(), ours.targetTransferTag());
            assertEquals(parser.getReady2TransferSequenceNumber(), ours.r2tSn());
            assertEquals(parser.getBufferOffset(), ours.bufferOffset());
            assertEquals(parser.getDesiredDataTransferLength(), ours.desiredDataTransferLength());
        }
    }

    @Test
    void writesTextAndNopThatReadAlike() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            NopIn ping =
                    new NopIn(
                            random.nextLong() >>> 2,
                            random.nextInt(),
                            -1,
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt());
            NOPInParser nop = (NOPInParser) theirs(encoded(ping)).getParser();
            checkSequence(nop, ping.statSn(), ping.expCmdSn(), ping.maxCmdSn());
            assertEquals(nop.getTargetTransferTag(), ping.targetTransferTag());

            boolean last = random.nextBoolean();
            TextResponse ours =
                    new TextResponse(
                            last,
                            !last,
                            random.nextLong() >>> 2,
                            random.nextInt(),
                            last ? -1 : random.nextInt(1 << 30),
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt());
            BasicHeaderSegment theirs = theirs(encoded(ours));
            TextResponseParser text = (TextResponseParser) theirs.getParser();
            checkSequence(text, ours.statSn(), ours.expCmdSn(), ours.maxCmdSn());
            assertEquals(theirs.isFinalFlag(), ours.finalBit());
            assertEquals(text.isContinueFlag(), ours.continueBit());
            assertEquals(text.getLogicalUnitNumber(), ours.lun());
            assertEquals(text.getTargetTransferTag(), ours.targetTransferTag());
        }
    }

    @Test
    void writesLoginAndLogoutThatReadAlike() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            boolean transit = random.nextBoolean();
            LoginResponse ours =
                    new LoginResponse(
                            transit,
                            false,
                            1,
                            transit ? 3 : 0,
                            0,
                            0,
                            0x00023d000000L | random.nextInt(0x800000),
                            random.nextInt(1, 0x8000),
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt(),
                            0,
                            0);
            BasicHeaderSegment theirs = theirs(encoded(ours));
            LoginResponseParser login = (LoginResponseParser) theirs.getParser();
            checkSequence(login, ours.statSn(), ours.expCmdSn(), ours.maxCmdSn());
            assertEquals(theirs.isFinalFlag(), ours.transit());
            assertEquals(login.getCurrentStageNumber().value(), ours.currentStage());
            assertEquals(login.getNextStageNumber().value(), ours.nextStage());
            assertEquals(login.getTargetSessionIdentifyingHandle(), ours.tsih());
            assertEquals(
                    login.getInitiatorSessionID().getC() & 0xff, (int) (ours.isid() >> 16) & 0xff);

            LogoutResponse end =
                    new LogoutResponse(
                            random.nextInt(4),
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt(3600),
                            random.nextInt(3600));
            LogoutResponseParser logout = (LogoutResponseParser) theirs(encoded(end)).getParser();
            checkSequence(logout, end.statSn(), end.expCmdSn(), end.maxCmdSn());
            assertEquals(logout.getTime2Wait(), end.time2Wait());
            assertEquals(logout.getTime2Retain(), end.time2Retain());
        }
    }

    /// A request with reserved fields zero and LUN, tags and sequence numbers from the seed.
    private ByteBuf request(int opcode, int flags, int dataBytes) {
        byte[] data = new byte[dataBytes];
        random.nextBytes(data);
        ByteBuf in = Unpooled.buffer().writeZero(48).writeBytes(data);
        in.setByte(0, opcode).setByte(1, flags).setInt(4, dataBytes);
        in.setLong(8, random.nextLong() >>> 2).setInt(16, random.nextInt(1 << 30));
        return in.setInt(24, random.nextInt()).setInt(28, random.nextInt());
    }

    private static RequestPdu ours(ByteBuf in) throws MalformedPduException {
        RequestPdu pdu = new PduDecoder().next(in);
        assertNotNull(pdu);
        return pdu;
    }

    private static ByteBuf encoded(ResponsePdu header) {
        PduEncoder encoder = new PduEncoder();
        ByteBuf pdu = encoder.allocate(UnpooledByteBufAllocator.DEFAULT, 0);
        encoder.encode(header, pdu);
        ByteBuf copy = Unpooled.copiedBuffer(pdu);
        pdu.release();
        return copy;
    }

    private static BasicHeaderSegment theirs(ByteBuf bytes) throws Exception {
        ProtocolDataUnit pdu = new ProtocolDataUnitFactory().create("None", "None");
        ByteBuffer exactly = ByteBuffer.allocate(bytes.readableBytes());
        bytes.getBytes(bytes.readerIndex(), exactly);
        pdu.deserialize(exactly.flip());
        return pdu.getBasicHeaderSegment();
    }

    private static void checkSequence(InitiatorMessageParser theirs, int cmdSn, int expStatSn) {
        assertEquals(theirs.getCommandSequenceNumber(), cmdSn);
        assertEquals(theirs.getExpectedStatusSequenceNumber(), expStatSn);
    }

    private static void checkSequence(
            TargetMessageParser theirs, int statSn, int expCmdSn, int maxCmdSn) {
        assertEquals(theirs.getStatusSequenceNumber(), statSn);
        assertEquals(theirs.getExpectedCommandSequenceNumber(), expCmdSn);
        assertEquals(theirs.getMaximumCommandSequenceNumber(), maxCmdSn);
    }
}
