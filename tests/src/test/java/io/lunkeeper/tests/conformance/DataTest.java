package io.lunkeeper.tests.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// RFC 7143 11.7 SCSI Data-Out and SCSI Data-In, 11.8 Ready To Transfer, 11.4.5 residuals.
@ExtendWith(ShowServerLog.class)
class DataTest {
    private static final int BLOCK = 512;
    private static final int GUARD_LBA = 1000;
    private static final int UNEXPECTED_UNSOLICITED_DATA = 0x0b0c0c;
    private static final int INCORRECT_AMOUNT_OF_DATA = 0x0b0c0d;
    private static final int PROTOCOL_SERVICE_CRC_ERROR = 0x0b4705;

    @AutoClose private static ServerProcess server;

    @BeforeAll
    static void start() {
        server = ServerProcess.start(Lun.sized(0, "16MiB"));
    }

    private static RawInitiator login(String... keys) throws IOException {
        RawInitiator initiator = RawInitiator.connect(server.address());
        assertEquals(0, initiator.login(ServerProcess.IQN, keys).statusClass());
        initiator.clearUnitAttentions(0);
        return initiator;
    }

    private static byte[] random(int bytes, long seed) {
        byte[] data = new byte[bytes];
        new Random(seed).nextBytes(data);
        return data;
    }

    // ---- data to the target

    @ParameterizedTest
    @CsvSource({
        "Yes, Yes, 65536, 262144, 1",
        "Yes, No, 65536, 262144, 1",
        "No, Yes, 65536, 262144, 1",
        "No, No, 4096, 8192, 1",
        "Yes, Yes, 512, 512, 4",
        "No, Yes, 1000, 3000, 3",
    })
    void takesEveryByteHoweverItComes(
            String initialR2t, String immediate, int firstBurst, int maxBurst, int r2ts)
            throws IOException {
        String[] keys = {
            "InitialR2T=" + initialR2t,
            "ImmediateData=" + immediate,
            "FirstBurstLength=" + firstBurst,
            "MaxBurstLength=" + maxBurst,
            "MaxOutstandingR2T=" + r2ts,
        };
        try (RawInitiator initiator = login(keys)) {
            for (int blocks : new int[] {1, 2, 7, 64, 129, 700}) {
                byte[] data = random(blocks * BLOCK, blocks);
                assertEquals(
                        ScsiResult.GOOD, initiator.write(0, Cdb.write10(8, blocks), data).status());
                ScsiResult back = initiator.read(0, Cdb.read10(8, blocks), data.length);
                assertArrayEquals(data, back.data(), blocks + " blocks");
            }
        }
    }

    @Test
    void asksForNoMoreThanMaxBurstLengthAndMaxOutstandingR2t() throws IOException {
        String[] keys = {"MaxBurstLength=4096", "MaxOutstandingR2T=2", "InitialR2T=Yes"};
        try (RawInitiator initiator = login(keys)) {
            byte[] data = random(32 * BLOCK, 1);
            int tag =
                    initiator.send(Request.scsiCommand(0, Cdb.write10(0, 32)).writes(data.length));
            Pdu first = initiator.receive();
            Pdu second = initiator.receive();
            for (int sent = 0; sent < 4; sent++) {
                assertEquals(Pdu.READY_TO_TRANSFER, first.opcode());
                assertEquals(tag, first.initiatorTaskTag());
                assertEquals(sent, first.r2tSn());
                assertEquals(sent * 4096, first.bufferOffset());
                assertEquals(4096, first.desiredLength());
                initiator.answer(first, data);
                first = second;
                second = sent == 2 ? second : initiator.receive();
            }
            assertEquals(0, second.status());
        }
    }

    /// RFC 7143 11.7.7 DataSegmentLength: a Data-Out may be empty.
    @Test
    void takesDataOutWithoutData() throws IOException {
        try (RawInitiator initiator = login("InitialR2T=Yes")) {
            byte[] data = random(8 * BLOCK, 6);
            int tag = initiator.send(Request.scsiCommand(0, Cdb.write10(0, 8)).writes(data.length));
            int transferTag = initiator.receive().targetTransferTag();
            byte[][] pieces = {{}, Arrays.copyOf(data, BLOCK), {}};
            int offset = 0;
            for (int dataSn = 0; dataSn < pieces.length; dataSn++) {
                initiator.send(
                        Request.dataOut(tag, transferTag, dataSn, offset).data(pieces[dataSn]));
                offset += pieces[dataSn].length;
            }
            byte[] rest = Arrays.copyOfRange(data, offset, data.length);
            initiator.send(
                    Request.dataOut(tag, transferTag, pieces.length, offset)
                            .flags(0x80)
                            .data(rest));
            assertEquals(ScsiResult.GOOD, initiator.receive().status());
            assertArrayEquals(data, initiator.read(0, Cdb.read10(0, 8), data.length).data());
        }
    }

    /// Each false Data-Out ends its command with the sense that fits, and changes no byte outside
    /// the command's own range.
    @ParameterizedTest
    @CsvSource({
        "offset before the burst, 0, 512, 0, 0x0b0c0d",
        "offset beyond the burst, 0, 8192, 0, 0x0b0c0d",
        "offset far beyond the command, 0, 268435456, 0, 0x0b0c0d",
        "wrong DataSN, 3, 0, 0, 0x0b4705",
        "wrong transfer tag, 0, 0, 77, 0x0b0c0c",
    })
    void refusesDataOutThatNobodyAskedFor(
            String what, int dataSn, int offset, int tagError, String sense) throws IOException {
        try (RawInitiator initiator = login("InitialR2T=Yes")) {
            byte[] guard = random(64 * BLOCK, 3);
            initiator.write(0, Cdb.write10(GUARD_LBA, 64), guard);
            int tag =
                    initiator.send(
                            Request.scsiCommand(0, Cdb.write10(GUARD_LBA + 16, 16))
                                    .writes(16 * BLOCK));
            Pdu r2t = initiator.receive();
            int transferTag = r2t.targetTransferTag() + tagError;
            initiator.send(
                    Request.dataOut(tag, transferTag, dataSn, offset)
                            .flags(0x80)
                            .data(random(16 * BLOCK - 512, 4)));
            Pdu response = initiator.receive();
            ScsiResult after = initiator.read(0, Cdb.read10(GUARD_LBA, 64), 64 * BLOCK);
            assertEquals(Pdu.SCSI_RESPONSE, response.opcode(), what);
            assertEquals(ScsiResult.CHECK_CONDITION, response.status(), what);
            byte[] segment = response.data();
            int code = (segment[4] & 15) << 16 | (segment[14] & 255) << 8 | (segment[15] & 255);
            assertEquals(Integer.decode(sense), code, what);
            assertArrayEquals(guard, after.data(), what);
        }
    }

    /// RFC 7143 7.9 Sequence Errors, 7.8 Digest Errors b): a gap in DataSN ends the command when
    /// all that it has asked for has come.
    @Test
    void waitsForAllDataBeforeItRefusesAGap() throws IOException {
        String[] keys = {"InitialR2T=Yes", "MaxBurstLength=4096", "MaxOutstandingR2T=2"};
        try (RawInitiator initiator = login(keys)) {
            byte[] guard = random(32 * BLOCK, 3);
            initiator.write(0, Cdb.write10(GUARD_LBA, 32), guard);
            byte[] data = random(32 * BLOCK, 4);
            int tag =
                    initiator.send(
                            Request.scsiCommand(0, Cdb.write10(GUARD_LBA, 32)).writes(data.length));
            Pdu first = initiator.receive();
            Pdu second = initiator.receive();
            byte[] piece = Arrays.copyOf(data, 1024);
            int lacking = first.targetTransferTag();
            initiator.send(Request.dataOut(tag, lacking, 1, 1024).data(piece));
            initiator.answer(second, data);
            assertEquals(Pdu.NOP_IN, initiator.exchange(Request.nopOut()).opcode(), "not yet");
            initiator.send(Request.dataOut(tag, lacking, 2, 2048).flags(0x80).data(piece));
            Pdu response = initiator.receive();
            assertEquals(tag, response.initiatorTaskTag());
            assertEquals(2, response.expDataSn(), "no third R2T");
            assertEquals(PROTOCOL_SERVICE_CRC_ERROR, ScsiResult.of(response).senseCode());
            byte[] after = initiator.read(0, Cdb.read10(GUARD_LBA, 8), 4096).data();
            assertArrayEquals(Arrays.copyOf(guard, 4096), after);
        }
    }

    @Test
    void refusesDataBeyondWhatWasAskedFor() throws IOException {
        try (RawInitiator initiator = login("InitialR2T=Yes")) {
            byte[] guard = random(4 * BLOCK, 5);
            initiator.write(0, Cdb.write10(GUARD_LBA, 4), guard);
            int tag =
                    initiator.send(Request.scsiCommand(0, Cdb.write10(GUARD_LBA, 1)).writes(BLOCK));
            Pdu r2t = initiator.receive();
            initiator.send(
                    Request.dataOut(tag, r2t.targetTransferTag(), 0, 0)
                            .flags(0x80)
                            .data(new byte[4 * BLOCK]));
            assertEquals(ScsiResult.CHECK_CONDITION, initiator.receive().status());
            ScsiResult after = initiator.read(0, Cdb.read10(GUARD_LBA, 4), 4 * BLOCK);
            assertArrayEquals(guard, after.data());
        }
    }

    @Test
    void refusesUnsolicitedDataWhenInitialR2tIsYes() throws IOException {
        try (RawInitiator initiator = login("InitialR2T=Yes")) {
            int tag =
                    initiator.send(
                            Request.scsiCommand(0, Cdb.write10(0, 8))
                                    .writes(8 * BLOCK)
                                    .clearFinal());
            ScsiResult refused = result(initiator);
            assertEquals(UNEXPECTED_UNSOLICITED_DATA, refused.senseCode());
            initiator.send(
                    Request.dataOut(tag, Pdu.NO_TAG, 0, 0).flags(0x80).data(new byte[8 * BLOCK]));
            assertEquals(0, initiator.exchange(testUnitReady()).status());
        }
    }

    @Test
    void refusesImmediateDataWhenItWasNotNegotiated() throws IOException {
        try (RawInitiator initiator = login("ImmediateData=No")) {
            initiator.send(
                    Request.scsiCommand(0, Cdb.write10(0, 1)).writes(BLOCK).data(new byte[BLOCK]));
            assertEquals(UNEXPECTED_UNSOLICITED_DATA, result(initiator).senseCode());
        }
    }

    @Test
    void refusesMoreImmediateDataThanTheCommandExpects() throws IOException {
        try (RawInitiator initiator = login()) {
            initiator.send(
                    Request.scsiCommand(0, Cdb.write10(0, 1))
                            .writes(BLOCK)
                            .data(new byte[2 * BLOCK]));
            assertEquals(INCORRECT_AMOUNT_OF_DATA, result(initiator).senseCode());
        }
    }

    @Test
    void rejectsDataOutOfAnUnknownTask() throws IOException {
        try (RawInitiator initiator = login()) {
            Pdu reject =
                    initiator.exchange(
                            Request.dataOut(0x12345678, 1, 0, 0).flags(0x80).data(new byte[BLOCK]));
            assertEquals(Pdu.REJECT, reject.opcode());
            assertEquals(0x09, reject.response());
            assertEquals(48, reject.dataSegmentLength());
            assertEquals(0, initiator.exchange(testUnitReady()).status());
        }
    }

    /// A WRITE that is refused at once still has its unsolicited data on the wire.
    @Test
    void dropsUnsolicitedDataOfARefusedWrite() throws IOException {
        try (RawInitiator initiator = login("InitialR2T=No", "ImmediateData=No")) {
            ScsiResult refused =
                    initiator.write(0, Cdb.write10(0x7ffffff0, 64), new byte[64 * BLOCK]);
            assertEquals(0x052100, refused.senseCode());
            assertEquals(0, initiator.exchange(testUnitReady()).status());
        }
    }

    private static ScsiResult result(RawInitiator initiator) throws IOException {
        return ScsiResult.of(initiator.receive());
    }

    private static Request testUnitReady() {
        return Request.scsiCommand(0, Cdb.testUnitReady());
    }

    // ---- data to the initiator

    @Test
    void cutsDataInBySegmentAndBurstAndNumbersIt() throws IOException {
        String[] keys = {"MaxRecvDataSegmentLength=1024", "MaxBurstLength=2560"};
        try (RawInitiator initiator = login(keys)) {
            byte[] data = random(16 * BLOCK, 6);
            initiator.write(0, Cdb.write10(0, 16), data);
            initiator.send(Request.scsiCommand(0, Cdb.read10(0, 16)).reads(data.length));
            byte[] got = new byte[data.length];
            int burst = 0;
            int offset = 0;
            for (int dataSn = 0; offset < data.length; dataSn++) {
                Pdu pdu = initiator.receive();
                assertEquals(Pdu.DATA_IN, pdu.opcode());
                assertEquals(dataSn, pdu.dataSn());
                assertEquals(offset, pdu.bufferOffset());
                assertTrue(pdu.dataSegmentLength() <= 1024);
                System.arraycopy(pdu.data(), 0, got, offset, pdu.dataSegmentLength());
                offset += pdu.dataSegmentLength();
                burst += pdu.dataSegmentLength();
                boolean endOfBurst = burst == 2560 || offset == data.length;
                assertEquals(endOfBurst, pdu.isFinal());
                assertEquals(offset == data.length, pdu.carriesStatus());
                burst = endOfBurst ? 0 : burst;
            }
            assertArrayEquals(data, got);
        }
    }

    @ParameterizedTest
    @CsvSource({"512, 0", "1024, 512", "8192, 7680", "100, -412", "0, -512"})
    void reportsExactResidualsOfReads(int expected, int residual) throws IOException {
        try (RawInitiator initiator = login()) {
            ScsiResult result = initiator.read(0, Cdb.read10(0, 1), expected);
            assertEquals(ScsiResult.GOOD, result.status());
            assertEquals(residual, result.residual());
            assertEquals(Math.min(512, expected), result.data().length);
        }
    }

    @ParameterizedTest
    @CsvSource({"512, 0", "1024, 512", "4096, 3584"})
    void reportsExactResidualsOfWrites(int expected, int residual) throws IOException {
        try (RawInitiator initiator = login()) {
            byte[] guard = random(8 * BLOCK, 8);
            initiator.write(0, Cdb.write10(0, 8), guard);
            byte[] data = random(expected, 9);
            ScsiResult result = initiator.write(0, Cdb.write10(0, 1), data);
            assertEquals(ScsiResult.GOOD, result.status());
            assertEquals(residual, result.residual());
            byte[] after = initiator.read(0, Cdb.read10(0, 8), 8 * BLOCK).data();
            assertArrayEquals(Arrays.copyOf(data, BLOCK), Arrays.copyOf(after, BLOCK));
            assertArrayEquals(
                    Arrays.copyOfRange(guard, BLOCK, guard.length),
                    Arrays.copyOfRange(after, BLOCK, after.length));
        }
    }

    @Test
    void givesTheWholeResidualWhenACommandIsRefused() throws IOException {
        try (RawInitiator initiator = login()) {
            ScsiResult refused = initiator.read(0, Cdb.read10(0x7ffffff0, 1), 512);
            assertEquals(ScsiResult.CHECK_CONDITION, refused.status());
            assertEquals(512, refused.residual());
            assertFalse(refused.last().isOverflow());
        }
    }
}
