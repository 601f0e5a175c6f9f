package io.lunkeeper.target.pdu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lunkeeper.target.pdu.ResponsePdu.AsyncMessage;
import io.lunkeeper.target.pdu.ResponsePdu.DataIn;
import io.lunkeeper.target.pdu.ResponsePdu.LoginResponse;
import io.lunkeeper.target.pdu.ResponsePdu.LogoutResponse;
import io.lunkeeper.target.pdu.ResponsePdu.NopIn;
import io.lunkeeper.target.pdu.ResponsePdu.ReadyToTransfer;
import io.lunkeeper.target.pdu.ResponsePdu.Reject;
import io.lunkeeper.target.pdu.ResponsePdu.Residual;
import io.lunkeeper.target.pdu.ResponsePdu.ScsiResponse;
import io.lunkeeper.target.pdu.ResponsePdu.TaskManagementResponse;
import io.lunkeeper.target.pdu.ResponsePdu.TextResponse;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

final class PduEncoderTest {
    private static final long LUN = 0x0102030405060708L;
    private static final int ITT = 0xa1a2a3a4;
    private static final int TTT = 0xd1d2d3d4;
    private static final int STAT_SN = 0xb1b2b3b4;
    private static final int EXP_CMD_SN = 0xc1c2c3c4;
    private static final int MAX_CMD_SN = 0xe1e2e3e4;
    private static final String SEQUENCE = "b1b2b3b4 c1c2c3c4 e1e2e3e4";

    private final PduEncoder encoder = new PduEncoder();

    static Stream<Arguments> responsesToCommands() {
        return Stream.of(
                Arguments.of(
                        new ScsiResponse(
                                0,
                                2,
                                ITT,
                                0x71727374,
                                STAT_SN,
                                EXP_CMD_SN,
                                MAX_CMD_SN,
                                9,
                                new Residual(false, true, 0xfffffffeL)),
                        "21820002 00000000 00000000 00000000 a1a2a3a4 71727374"
                                + SEQUENCE
                                + "00000009 00000000 fffffffe"),
                Arguments.of(
                        new ScsiResponse(
                                1,
                                0,
                                ITT,
                                0,
                                STAT_SN,
                                EXP_CMD_SN,
                                MAX_CMD_SN,
                                0,
                                new Residual(true, false, 7)),
                        "21840100 00000000 00000000 00000000 a1a2a3a4 00000000"
                                + SEQUENCE
                                + "00000000 00000000 00000007"),
                Arguments.of(
                        new TaskManagementResponse(
                                255, 0x162907, ITT, STAT_SN, EXP_CMD_SN, MAX_CMD_SN),
                        "2280ff00 00000000 16290700 00000000 a1a2a3a4 00000000"
                                + SEQUENCE
                                + "00000000 00000000 00000000"),
                Arguments.of(
                        new DataIn(
                                true,
                                true,
                                true,
                                0x18,
                                LUN,
                                ITT,
                                TTT,
                                STAT_SN,
                                EXP_CMD_SN,
                                MAX_CMD_SN,
                                5,
                                0xfffffe00L,
                                new Residual(true, false, 3)),
                        "25c50018 00000000 01020304 05060708 a1a2a3a4 d1d2d3d4"
                                + SEQUENCE
                                + "00000005 fffffe00 00000003"));
    }

    static Stream<Arguments> dataAndRequests() {
        return Stream.of(
                Arguments.of(
                        new DataIn(
                                true,
                                false,
                                true,
                                0,
                                LUN,
                                ITT,
                                -1,
                                STAT_SN,
                                EXP_CMD_SN,
                                MAX_CMD_SN,
                                5,
                                0,
                                new Residual(false, true, 3)),
                        "25830000 00000000 00000000 00000000 a1a2a3a4 ffffffff"
                                + SEQUENCE
                                + "00000005 00000000 00000003"),
                Arguments.of(
                        new DataIn(
                                false,
                                false,
                                false,
                                0x18,
                                0,
                                ITT,
                                -1,
                                STAT_SN,
                                EXP_CMD_SN,
                                MAX_CMD_SN,
                                0,
                                512,
                                new Residual(false, true, 3)),
                        "25000000 00000000 00000000 00000000 a1a2a3a4 ffffffff 00000000 c1c2c3c4"
                                + "e1e2e3e4 00000000 00000200 00000000"),
                Arguments.of(
                        new ReadyToTransfer(
                                LUN,
                                ITT,
                                TTT,
                                STAT_SN,
                                EXP_CMD_SN,
                                MAX_CMD_SN,
                                4,
                                0x80000000L,
                                0xfffffff0L),
                        "31800000 00000000 01020304 05060708 a1a2a3a4 d1d2d3d4"
                                + SEQUENCE
                                + "00000004 80000000 fffffff0"));
    }

    static Stream<Arguments> textAndLogin() {
        return Stream.of(
                Arguments.of(
                        new AsyncMessage(
                                LUN,
                                STAT_SN,
                                EXP_CMD_SN,
                                MAX_CMD_SN,
                                0xff,
                                0x81,
                                0x1122,
                                0x8344,
                                0xf566),
                        "32800000 00000000 01020304 05060708 ffffffff 00000000"
                                + SEQUENCE
                                + "ff811122 8344f566 00000000"),
                Arguments.of(
                        new TextResponse(
                                true, false, LUN, ITT, -1, STAT_SN, EXP_CMD_SN, MAX_CMD_SN),
                        "24800000 00000000 01020304 05060708 a1a2a3a4 ffffffff"
                                + SEQUENCE
                                + "00000000 00000000 00000000"),
                Arguments.of(
                        new TextResponse(false, true, 0, ITT, TTT, STAT_SN, EXP_CMD_SN, MAX_CMD_SN),
                        "24400000 00000000 00000000 00000000 a1a2a3a4 d1d2d3d4"
                                + SEQUENCE
                                + "00000000 00000000 00000000"),
                Arguments.of(
                        new LoginResponse(
                                true,
                                false,
                                1,
                                3,
                                4,
                                5,
                                0x808182838485L,
                                0xfedc,
                                ITT,
                                STAT_SN,
                                EXP_CMD_SN,
                                MAX_CMD_SN,
                                2,
                                0x0b),
                        "23870405 00000000 80818283 8485fedc a1a2a3a4 00000000"
                                + SEQUENCE
                                + "020b0000 00000000 00000000"));
    }

    static Stream<Arguments> logoutRejectAndNop() {
        return Stream.of(
                Arguments.of(
                        new LoginResponse(
                                false,
                                true,
                                0,
                                0,
                                0,
                                0,
                                0x00023dffffffL,
                                1,
                                ITT,
                                STAT_SN,
                                EXP_CMD_SN,
                                MAX_CMD_SN,
                                0,
                                0),
                        "23400000 00000000 00023dff ffff0001 a1a2a3a4 00000000"
                                + SEQUENCE
                                + "00000000 00000000 00000000"),
                Arguments.of(
                        new LogoutResponse(3, ITT, STAT_SN, EXP_CMD_SN, MAX_CMD_SN, 2, 0xfffe),
                        "26800300 00000000 00000000 00000000 a1a2a3a4 00000000"
                                + SEQUENCE
                                + "00000000 0002fffe 00000000"),
                Arguments.of(
                        new Reject(0x0c, STAT_SN, EXP_CMD_SN, MAX_CMD_SN, 6),
                        "3f800c00 00000000 00000000 00000000 ffffffff 00000000"
                                + SEQUENCE
                                + "00000006 00000000 00000000"),
                Arguments.of(
                        new NopIn(LUN, -1, TTT, STAT_SN, EXP_CMD_SN, MAX_CMD_SN),
                        "20800000 00000000 01020304 05060708 ffffffff d1d2d3d4"
                                + SEQUENCE
                                + "00000000 00000000 00000000"));
    }

    @ParameterizedTest
    @MethodSource({"responsesToCommands", "dataAndRequests", "textAndLogin", "logoutRejectAndNop"})
    void writesEveryFieldOfEveryResponse(ResponsePdu header, String expected) {
        assertEquals(Bytes.grouped(expected), Bytes.hex(encoded(header, "")));
    }

    @ParameterizedTest
    @MethodSource({"responsesToCommands", "dataAndRequests", "textAndLogin", "logoutRejectAndNop"})
    void framesDataBehindEveryResponse(ResponsePdu header, String expected) {
        ByteBuf pdu = Bytes.of(expected);
        pdu.setInt(4, 5);
        assertEquals(
                Bytes.hex(pdu) + " 61626364 65000000", Bytes.hex(encoded(header, "6162636465")));
    }

    @ParameterizedTest
    @CsvSource({
        "false, false, '', ''",
        "true, false, 6162, 6162 0000",
        "false, true, 6162, 6162 0000",
        "true, true, 616263, 616263 00",
        "true, true, 61626364, 61626364",
        "true, true, '', ''",
        "false, true, '', ''",
    })
    void putsDigestsBehindHeaderAndPaddedData(
            boolean headerDigest, boolean dataDigest, String data, String padded) {
        encoder.negotiated(headerDigest, dataDigest);
        NopIn ping = new NopIn(LUN, ITT, -1, STAT_SN, EXP_CMD_SN, MAX_CMD_SN);
        ByteBuf expected =
                Bytes.of(
                        "20800000 0000000%d 01020304 05060708 a1a2a3a4 ffffffff"
                                        .formatted(data.length() / 2)
                                + SEQUENCE
                                + "00000000 00000000 00000000");
        ByteBuf whole = expected.alloc().buffer().writeBytes(expected.slice());
        Digest digest = new Digest();
        if (headerDigest) {
            whole.writeIntLE(digest.of(expected, 0, 48));
        }
        ByteBuf segment = Bytes.of(padded);
        whole.writeBytes(segment.slice());
        if (dataDigest && segment.isReadable()) {
            whole.writeIntLE(digest.of(segment, 0, segment.readableBytes()));
        }
        assertEquals(Bytes.hex(whole), Bytes.hex(encoded(ping, data)));
    }

    @Test
    void countsTheDataSoFar() {
        for (boolean headerDigest : new boolean[] {false, true}) {
            encoder.negotiated(headerDigest, true);
            ByteBuf pdu = encoder.allocate(UnpooledByteBufAllocator.DEFAULT, 7);
            assertEquals(0, encoder.dataBytes(pdu));
            assertEquals(headerDigest ? 52 : 48, pdu.writerIndex());
            pdu.writeZero(7);
            assertEquals(7, encoder.dataBytes(pdu));
            int capacity = pdu.capacity();
            encoder.encode(new NopIn(0, 0, 0, 0, 0, 0), pdu);
            assertEquals(capacity, pdu.capacity(), "room for padding and digest was there");
            pdu.release();
        }
    }

    /// The buffer is dirty before, as those of a pool are.
    private ByteBuf encoded(ResponsePdu header, String data) {
        ByteBuf pdu = encoder.allocate(UnpooledByteBufAllocator.DEFAULT, data.length() / 2);
        for (int index = 0; index < pdu.capacity(); index++) {
            pdu.setByte(index, 0xee);
        }
        pdu.writeBytes(Bytes.of(data));
        encoder.encode(header, pdu);
        ByteBuf copy = Unpooled.copiedBuffer(pdu);
        pdu.release();
        return copy;
    }
}
