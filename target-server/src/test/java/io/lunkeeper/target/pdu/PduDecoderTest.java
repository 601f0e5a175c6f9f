package io.lunkeeper.target.pdu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.LoginRequest;
import io.lunkeeper.target.pdu.RequestPdu.LogoutRequest;
import io.lunkeeper.target.pdu.RequestPdu.NopOut;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.pdu.RequestPdu.SnackRequest;
import io.lunkeeper.target.pdu.RequestPdu.TaskManagementRequest;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class PduDecoderTest {
    private static final long LUN = 0x0102030405060708L;
    private static final int ITT = 0xa1a2a3a4;
    private static final ByteBuf NOTHING = Unpooled.EMPTY_BUFFER;
    private static final String CDB = "28000000 00640000 08000000 00000000";

    /// An immediate write of 512 bytes with five of them on board.
    private static final String COMMAND =
            "41a20000 00000005 01020304 05060708 a1a2a3a4 00000200 b1b2b3b4 c1c2c3c4" + CDB;

    private final PduDecoder decoder = new PduDecoder();

    static Stream<Arguments> commands() {
        return Stream.of(
                Arguments.of(
                        COMMAND + "6162636465 000000",
                        new ScsiCommand(
                                true,
                                true,
                                false,
                                true,
                                2,
                                LUN,
                                ITT,
                                512,
                                0xb1b2b3b4,
                                0xc1c2c3c4,
                                Bytes.of(CDB),
                                Bytes.of("6162636465"))),
                Arguments.of(
                        "01470000 00000000 01020304 05060708 a1a2a3a4 fffffffe b1b2b3b4 c1c2c3c4"
                                + CDB,
                        new ScsiCommand(
                                false,
                                false,
                                true,
                                false,
                                7,
                                LUN,
                                ITT,
                                0xfffffffeL,
                                0xb1b2b3b4,
                                0xc1c2c3c4,
                                Bytes.of(CDB),
                                NOTHING)),
                Arguments.of(
                        "42810000 00000000 01020304 05060708 a1a2a3a4 d1d2d3d4 b1b2b3b4 c1c2c3c4"
                                + "e1e2e3e4 f1f2f3f4 00000000 00000000",
                        new TaskManagementRequest(
                                true,
                                1,
                                LUN,
                                ITT,
                                0xd1d2d3d4,
                                0xb1b2b3b4,
                                0xc1c2c3c4,
                                0xe1e2e3e4,
                                0xf1f2f3f4)));
    }

    static Stream<Arguments> dataAndText() {
        return Stream.of(
                Arguments.of(
                        "05800000 00000004 01020304 05060708 a1a2a3a4 d1d2d3d4 00000000 c1c2c3c4"
                                + "00000000 00000007 fffffe00 00000000 61626364",
                        new DataOut(
                                true,
                                LUN,
                                ITT,
                                0xd1d2d3d4,
                                0xc1c2c3c4,
                                7,
                                0xfffffe00L,
                                Bytes.of("61626364"))),
                Arguments.of(
                        "44400000 00000002 01020304 05060708 a1a2a3a4 d1d2d3d4 b1b2b3b4 c1c2c3c4"
                                + "00000000 00000000 00000000 00000000 6162 0000",
                        new TextRequest(
                                true,
                                false,
                                true,
                                LUN,
                                ITT,
                                0xd1d2d3d4,
                                0xb1b2b3b4,
                                0xc1c2c3c4,
                                Bytes.of("6162"))),
                Arguments.of(
                        "04800000 00000003 00000000 00000000 a1a2a3a4 ffffffff b1b2b3b4 c1c2c3c4"
                                + "00000000 00000000 00000000 00000000 613d00 00",
                        new TextRequest(
                                false,
                                true,
                                false,
                                0,
                                ITT,
                                -1,
                                0xb1b2b3b4,
                                0xc1c2c3c4,
                                Bytes.of("613d00"))));
    }

    static Stream<Arguments> otherRequests() {
        return Stream.of(
                Arguments.of(
                        "43870102 00000003 80818283 8485fedc a1a2a3a4 9a9b0000 b1b2b3b4 c1c2c3c4"
                                + "00000000 00000000 00000000 00000000 613d00 00",
                        new LoginRequest(
                                true,
                                false,
                                1,
                                3,
                                1,
                                2,
                                0x808182838485L,
                                0xfedc,
                                ITT,
                                0x9a9b,
                                0xb1b2b3b4,
                                0xc1c2c3c4,
                                Bytes.of("613d00"))),
                Arguments.of(
                        "43400000 00000000 00023d00 00000000 a1a2a3a4 00000000 b1b2b3b4 c1c2c3c4"
                                + "00000000 00000000 00000000 00000000",
                        new LoginRequest(
                                false,
                                true,
                                0,
                                0,
                                0,
                                0,
                                0x00023d000000L,
                                0,
                                ITT,
                                0,
                                0xb1b2b3b4,
                                0xc1c2c3c4,
                                NOTHING)),
                Arguments.of(
                        "46810000 00000000 00000000 00000000 a1a2a3a4 9a9b0000 b1b2b3b4 c1c2c3c4"
                                + "00000000 00000000 00000000 00000000",
                        new LogoutRequest(true, 1, ITT, 0x9a9b, 0xb1b2b3b4, 0xc1c2c3c4)),
                Arguments.of(
                        "10830000 00000000 01020304 05060708 a1a2a3a4 d1d2d3d4 00000000 c1c2c3c4"
                                + "00000000 00000000 e1e2e3e4 f1f2f3f4",
                        new SnackRequest(
                                3, LUN, ITT, 0xd1d2d3d4, 0xc1c2c3c4, 0xe1e2e3e4, 0xf1f2f3f4)),
                Arguments.of(
                        "40800000 00000001 01020304 05060708 a1a2a3a4 d1d2d3d4 b1b2b3b4 c1c2c3c4"
                                + "00000000 00000000 00000000 00000000 70 000000",
                        new NopOut(
                                true,
                                LUN,
                                ITT,
                                0xd1d2d3d4,
                                0xb1b2b3b4,
                                0xc1c2c3c4,
                                Bytes.of("70"))));
    }

    @ParameterizedTest
    @MethodSource({"commands", "dataAndText", "otherRequests"})
    void readsEveryFieldOfEveryRequest(String hex, RequestPdu expected)
            throws MalformedPduException {
        ByteBuf in = Bytes.of(hex);
        assertEquals(expected, decoder.next(in));
        assertEquals(0, in.readableBytes());
    }

    @ParameterizedTest
    @MethodSource({"commands", "dataAndText", "otherRequests"})
    void ignoresReservedBits(String hex, RequestPdu expected) throws MalformedPduException {
        ByteBuf in = Bytes.of(hex);
        in.setByte(0, in.getByte(0) | 0x80);
        for (int index : reservedBytes(expected)) {
            in.setByte(index, 0xff);
        }
        assertEquals(expected, decoder.next(in));
    }

    private static int[] reservedBytes(RequestPdu pdu) {
        return switch (pdu) {
            case ScsiCommand _ -> new int[] {2, 3};
            case TaskManagementRequest _ -> IntStream.range(40, 48).toArray();
            case DataOut _ -> new int[] {2, 3, 24, 27, 32, 35, 44, 47};
            case TextRequest _ -> IntStream.range(32, 48).toArray();
            case LoginRequest _ -> new int[] {22, 23, 32, 47};
            case LogoutRequest _ -> new int[] {2, 3, 8, 15, 22, 23, 32, 47};
            case SnackRequest _ -> new int[] {2, 3, 24, 27, 32, 39};
            case NopOut _ -> new int[] {2, 3, 32, 47};
        };
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void waitsAtEveryTruncation(boolean digests) throws MalformedPduException {
        ByteBuf whole = digests ? withDigests(COMMAND, "6162636465 000000") : Bytes.of(COMMAND);
        if (!digests) {
            whole = Unpooled.wrappedBuffer(whole, Bytes.of("6162636465 000000"));
        }
        decoder.negotiated(digests, digests, 8192);
        int total = whole.readableBytes();
        assertEquals(digests ? 64 : 56, total);
        for (int length = 0; length < total; length++) {
            ByteBuf in = whole.slice(0, length);
            assertNull(decoder.next(in), "at " + length);
            assertEquals(0, in.readerIndex());
            assertEquals(length < 48 ? 48 - length : total - length, decoder.missingBytes());
        }
        assertNotNull(decoder.next(whole));
        assertEquals(48, decoder.missingBytes());
    }

    @Test
    void takesPdusOneAfterAnotherWithoutCopying() throws MalformedPduException {
        ByteBuf in = Unpooled.buffer().writeZero(3).readerIndex(3);
        in.writeBytes(Bytes.of(COMMAND + "6162636465 000000"));
        in.writeBytes(Bytes.of("40800000 00000000" + "00".repeat(40)));
        in.writeBytes(Bytes.of(COMMAND));
        ScsiCommand command = (ScsiCommand) decoder.next(in);
        assertNotNull(command);
        in.setByte(3 + 48, 'z');
        assertEquals('z', command.data().getByte(0));
        in.setByte(3 + 32, 0x2a);
        assertEquals(0x2a, command.cdb().getByte(0));
        NopOut ping = (NopOut) decoder.next(in);
        assertNotNull(ping);
        assertSame(Unpooled.EMPTY_BUFFER, ping.data());
        assertNull(decoder.next(in));
        assertEquals(48, in.readableBytes());
        assertEquals(8, decoder.missingBytes());
    }

    @ParameterizedTest
    @CsvSource({
        "8192, 01, 8192, true",
        "8192, 01, 8193, false",
        "512, 05, 513, false",
        "512, 43, 8192, true",
        "512, 04, 8192, true",
        "512, 04, 8193, false",
        "262144, 05, 262144, true",
        "262144, 05, 262145, false",
        "262144, 04, 262144, true",
        "262144, 43, 262145, false",
        "16777215, 05, 16777215, true",
        "8192, 3d, 8193, false",
    })
    void refusesDataSegmentsBeyondTheLimitByTheHeaderAlone(
            int limit, String opcode, int length, boolean fits) throws MalformedPduException {
        decoder.negotiated(false, false, limit);
        ByteBuf in = Bytes.of(opcode + "800000 00%06x".formatted(length) + "00".repeat(40));
        if (fits) {
            assertNull(decoder.next(in));
            assertEquals(BasicHeaderSegment.padded(length), decoder.missingBytes());
        } else {
            MalformedPduException e = assertMalformed(in);
            assertTrue(e.framingLost());
            assertTrue(e.formatError());
            assertEquals(MalformedPduException.PROTOCOL_ERROR, e.rejectReason());
            assertEquals(0, in.readerIndex());
        }
    }

    @Test
    void readsAnExtendedCdbInAllItsLengths() throws MalformedPduException {
        for (int extra = 1; extra <= 244; extra++) {
            String extension = "%02x".formatted(extra).repeat(extra);
            String pad = "00".repeat(-extra & 3);
            String ahs = "%04x".formatted(extra + 1) + "0100" + extension + pad;
            ScsiCommand command = (ScsiCommand) decoder.next(withAhs(ahs));
            assertNotNull(command);
            assertEquals(Bytes.of(CDB + extension), command.cdb());
            assertEquals(Bytes.of("6162636465"), command.data());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"0005 0200 00001000", "0005 c2ff 00001000"})
    void readsPastAnExpectedBidirectionalReadLength(String ahs) throws MalformedPduException {
        ScsiCommand command = (ScsiCommand) decoder.next(withAhs(ahs));
        assertNotNull(command);
        assertEquals(Bytes.of(CDB), command.cdb());
    }

    @Test
    void readsBothKindsOfAdditionalHeaderInEitherOrder() throws MalformedPduException {
        String extended = "0005 0100 01020304";
        String bidirectional = "0005 0200 00001000";
        for (String ahs : new String[] {extended + bidirectional, bidirectional + extended}) {
            ScsiCommand command = (ScsiCommand) decoder.next(withAhs(ahs));
            assertNotNull(command);
            assertEquals(Bytes.of(CDB + "01020304"), command.cdb());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0000 0100", // no extension at all
                "0001 0100", // an empty one
                "0002 0100", // runs over the end
                "ffff 0100 00000000",
                "0001 0000", // type 0
                "0005 0300 00000000", // type 3
                "0005 3f00 00000000",
                "0004 0200 00000000", // bidirectional length of the wrong size
                "0006 0200 00000000 00000000",
                "0005 0200 00000000 0005 0200 00000000", // twice
                "0002 0100 01000000 0002 0100 01000000",
                "0002 0100 01000000 00000000", // garbage behind
            })
    void rejectsMalformedAdditionalHeadersAndGoesOn(String ahs) throws MalformedPduException {
        ByteBuf in = withAhs(ahs);
        in = Unpooled.wrappedBuffer(in, Bytes.of("40800000 00000000" + "00".repeat(40)));
        MalformedPduException e = assertMalformed(in);
        assertEquals(MalformedPduException.INVALID_PDU_FIELD, e.rejectReason());
        assertEquals(false, e.framingLost());
        assertTrue(e.formatError());
        assertEquals(48, e.header().length);
        assertTrue(decoder.next(in) instanceof NopOut);
    }

    /// The header digest says whether the length is what was sent.
    @Test
    void checksTheHeaderDigestBeforeTheLengthOfTheData() throws MalformedPduException {
        decoder.negotiated(true, false, 8192);
        ByteBuf in = Bytes.of("05800000 00ffffff" + "00".repeat(44));
        in.setIntLE(48, new Digest().of(in, 0, 48));
        assertNull(decoder.next(in.slice(0, 48)));
        assertEquals(4, decoder.missingBytes());
        assertTrue(assertMalformed(in.slice()).formatError());
        in.setByte(48, in.getByte(48) ^ 1);
        MalformedPduException e = assertMalformed(in);
        assertTrue(e.framingLost());
        assertEquals(false, e.formatError());
    }

    /// It is behind the additional headers, of which there may be none.
    @Test
    void cannotTellDamageFromTooManyAdditionalHeaders() {
        decoder.negotiated(true, false, 8192);
        MalformedPduException e = assertMalformed(Bytes.of("01800000 ff000000" + "00".repeat(40)));
        assertTrue(e.framingLost());
        assertEquals(false, e.formatError());
    }

    @Test
    void givesUpOnMoreAdditionalHeadersThanHaveAUse() throws MalformedPduException {
        ByteBuf most = withAhs("00".repeat(256)).slice(0, 48);
        assertNull(decoder.next(most));
        ByteBuf more = withAhs("00".repeat(260)).slice(0, 48);
        MalformedPduException e = assertMalformed(more);
        assertTrue(e.framingLost());
        assertTrue(e.formatError());
    }

    @ParameterizedTest
    @ValueSource(strings = {"42", "46", "10"})
    void rejectsDataWhereThePduHasNone(String opcode) {
        ByteBuf in = Bytes.of(opcode + "810000 00000001" + "00".repeat(40) + "61000000");
        MalformedPduException e = assertMalformed(in);
        assertEquals(MalformedPduException.INVALID_PDU_FIELD, e.rejectReason());
        assertTrue(e.formatError());
        assertEquals(0, in.readableBytes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"40", "42", "43", "44", "05", "46", "10"})
    void rejectsAdditionalHeadersWhereThePduHasNone(String opcode) {
        ByteBuf in = Bytes.of(opcode + "800000 02000000" + "00".repeat(40) + "0005 0200 00000000");
        MalformedPduException e = assertMalformed(in);
        assertEquals(MalformedPduException.INVALID_PDU_FIELD, e.rejectReason());
        assertTrue(e.formatError());
        assertEquals(0, in.readableBytes());
    }

    static IntStream opcodesOfNoInitiator() {
        return IntStream.range(0, 64).filter(code -> code > 6 && code != 0x10);
    }

    @ParameterizedTest
    @MethodSource("opcodesOfNoInitiator")
    void rejectsOpcodesThatNoInitiatorSendsAndGoesOn(int opcode) throws MalformedPduException {
        ByteBuf in = Bytes.of("%02x".formatted(opcode) + "800000 00000003" + "11".repeat(40));
        in = Unpooled.wrappedBuffer(in, Bytes.of("61626300" + COMMAND + "6162636465 000000"));
        MalformedPduException e = assertMalformed(in);
        assertEquals(MalformedPduException.COMMAND_NOT_SUPPORTED, e.rejectReason());
        assertEquals(false, e.framingLost());
        assertEquals(false, e.formatError());
        assertTrue(decoder.next(in) instanceof ScsiCommand);
    }

    @Test
    void checksTheHeaderDigestBeforeTheDataArrives() throws MalformedPduException {
        decoder.negotiated(true, false, 8192);
        ByteBuf in = withDigests(COMMAND, "6162636465 000000").slice(0, 52);
        assertNull(decoder.next(in));
        in.setByte(20, 1);
        MalformedPduException e = assertMalformed(in);
        assertTrue(e.framingLost());
        assertEquals(false, e.formatError());
        assertEquals(0, in.readerIndex());
    }

    @Test
    void coversAdditionalHeadersByTheHeaderDigest() throws MalformedPduException {
        decoder.negotiated(true, false, 8192);
        ByteBuf plain = withAhs("0005 0100 01020304");
        ByteBuf in = Unpooled.buffer().writeBytes(plain, 0, 56);
        in.writeIntLE(new Digest().of(plain, 0, 56)).writeBytes(plain, 56, 8);
        assertTrue(decoder.next(in.slice()) instanceof ScsiCommand);
        in.setByte(55, 5);
        assertTrue(assertMalformed(in).framingLost());
    }

    @Test
    void skipsAPduWithAWrongDataDigest() throws MalformedPduException {
        decoder.negotiated(true, true, 8192);
        ByteBuf good = withDigests(COMMAND, "6162636465 000000");
        for (int damaged = 52; damaged < 64; damaged++) {
            ByteBuf in = Unpooled.buffer().writeBytes(good.slice()).writeBytes(good.slice());
            in.setByte(damaged, in.getByte(damaged) ^ 1);
            MalformedPduException e = assertMalformed(in);
            assertEquals(MalformedPduException.DATA_DIGEST_ERROR, e.rejectReason());
            assertEquals(false, e.framingLost());
            byte[] header = new byte[48];
            good.getBytes(0, header);
            assertArrayEquals(header, e.header());
            assertTrue(decoder.next(in) instanceof ScsiCommand);
        }
    }

    @Test
    void expectsNoDataDigestWithoutData() throws MalformedPduException {
        decoder.negotiated(false, true, 8192);
        ByteBuf in = Bytes.of("40800000 00000000" + "00".repeat(40));
        assertTrue(decoder.next(in) instanceof NopOut);
    }

    private MalformedPduException assertMalformed(ByteBuf in) {
        return assertThrows(MalformedPduException.class, () -> decoder.next(in));
    }

    private static ByteBuf withAhs(String ahs) {
        ByteBuf in = Bytes.of(COMMAND + ahs + "6162636465 000000");
        in.setByte(4, Bytes.of(ahs).readableBytes() / 4);
        return in;
    }

    private static ByteBuf withDigests(String header, String data) {
        Digest digest = new Digest();
        ByteBuf pdu = Unpooled.buffer().writeBytes(Bytes.of(header));
        pdu.writeIntLE(digest.of(pdu, 0, 48)).writeBytes(Bytes.of(data));
        return pdu.writeIntLE(digest.of(pdu, 52, pdu.readableBytes() - 52));
    }
}
