package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.login.SessionParameters;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.scsi.Outcome;
import io.lunkeeper.target.session.DataOutTransfer.Violation;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DataTransferTest {
    private static final int TAG = 7;

    private static SessionParameters parameters(boolean initialR2t, int r2ts) {
        return new SessionParameters(
                "iqn.2026-11.example:i",
                "",
                "iqn.2026-11.example:t",
                List.of(),
                false,
                false,
                false,
                1,
                initialR2t,
                true,
                8192,
                8192,
                4096,
                2048,
                2,
                20,
                r2ts,
                0,
                1,
                false);
    }

    private static ScsiCommand write(long length, int immediate, boolean finalBit) {
        return new ScsiCommand(
                false,
                finalBit,
                false,
                true,
                1,
                0,
                1,
                length,
                1,
                1,
                Unpooled.buffer(16),
                Unpooled.wrappedBuffer(new byte[immediate]));
    }

    private static DataOut data(int tag, int dataSn, long offset, int length, boolean finalBit) {
        ByteBuf bytes = Unpooled.wrappedBuffer(new byte[length]);
        return new DataOut(finalBit, 0, 1, tag, 1, dataSn, offset, bytes);
    }

    @Test
    void allDataImmediateNeedsNothingMore() {
        DataOutTransfer transfer =
                new DataOutTransfer(write(512, 512, true), parameters(true, 1), 512);
        assertTrue(transfer.finished());
        assertFalse(transfer.wantsRequest());
    }

    @Test
    void takesUnsolicitedDataUpToTheFinalBitThenAsksForTheRest() {
        DataOutTransfer transfer =
                new DataOutTransfer(write(3000, 512, false), parameters(false, 1), 3000);
        assertFalse(transfer.wantsRequest());
        assertNull(transfer.receive(data(RequestPdu.RESERVED_TAG, 0, 512, 512, false)));
        assertNull(transfer.receive(data(RequestPdu.RESERVED_TAG, 1, 1024, 1024, true)));
        assertTrue(transfer.wantsRequest());
        assertEquals(new DataOutTransfer.Request(TAG, 0, 2048, 952), transfer.request(TAG));
        assertNull(transfer.receive(data(TAG, 0, 2048, 952, true)));
        assertTrue(transfer.finished());
    }

    @Test
    void keepsMaxOutstandingR2tAndMaxBurstLength() {
        DataOutTransfer transfer =
                new DataOutTransfer(write(10_000, 0, true), parameters(true, 2), 10_000);
        assertEquals(new DataOutTransfer.Request(1, 0, 0, 4096), transfer.request(1));
        assertEquals(new DataOutTransfer.Request(2, 1, 4096, 4096), transfer.request(2));
        assertFalse(transfer.wantsRequest());
        assertNull(transfer.receive(data(1, 0, 0, 4096, true)));
        assertEquals(new DataOutTransfer.Request(3, 2, 8192, 1808), transfer.request(3));
    }

    @Test
    void refusesDataNobodyAskedFor() {
        DataOutTransfer transfer =
                new DataOutTransfer(write(4096, 0, true), parameters(true, 1), 4096);
        assertEquals(
                Violation.UNEXPECTED_UNSOLICITED_DATA,
                transfer.receive(data(RequestPdu.RESERVED_TAG, 0, 0, 512, false)));
        DataOutTransfer asked =
                new DataOutTransfer(write(4096, 0, true), parameters(true, 1), 4096);
        asked.request(TAG);
        assertEquals(
                Violation.UNEXPECTED_UNSOLICITED_DATA,
                asked.receive(data(TAG + 1, 0, 0, 512, false)));
        assertTrue(asked.finished() && asked.isBrokenOff());
    }

    /// 7.9 Sequence Errors: what was asked for is waited for, nothing else is asked for.
    @Test
    void waitsForTheRestOfDataThatLacksSome() {
        DataOutTransfer transfer =
                new DataOutTransfer(write(12_000, 0, true), parameters(true, 2), 12_000);
        transfer.request(1);
        transfer.request(2);
        assertEquals(Violation.DATA_MISSING, transfer.receive(data(1, 1, 512, 512, false)));
        assertNull(transfer.receive(data(2, 5, 0, 512, true)), "told once");
        assertFalse(transfer.wantsRequest());
        assertFalse(transfer.finished());
        assertNull(transfer.receive(data(1, 2, 1024, 512, false)));
        assertFalse(transfer.finished());
        assertNull(transfer.receive(data(1, 3, 1536, 2560, true)));
        assertTrue(transfer.finished());
        assertFalse(transfer.isBrokenOff());
    }

    @Test
    void waitsForTheRestOfUnsolicitedDataThatLacksSome() {
        DataOutTransfer transfer =
                new DataOutTransfer(write(3000, 0, false), parameters(false, 1), 3000);
        int none = RequestPdu.RESERVED_TAG;
        assertEquals(Violation.DATA_MISSING, transfer.receive(data(none, -1, 0, 512, false)));
        assertFalse(transfer.finished());
        assertNull(transfer.receive(data(none, 1, 512, 512, true)));
        assertTrue(transfer.finished());
        assertFalse(transfer.wantsRequest());
    }

    /// A command that has failed only drains.
    @Test
    void asksForNothingMoreOnceItIsStopped() {
        DataOutTransfer transfer =
                new DataOutTransfer(write(3000, 0, false), parameters(false, 1), 3000);
        transfer.stopRequests();
        assertNull(transfer.receive(data(RequestPdu.RESERVED_TAG, 0, 0, 512, true)));
        assertFalse(transfer.wantsRequest());
        assertTrue(transfer.finished());
    }

    @Test
    void refusesWhatIsOutOfPlaceTooLongOrEndedEarly() {
        record Case(DataOut pdu, String why) {}
        Case[] cases = {
            new Case(data(TAG, 0, 512, 512, false), "out of place"),
            new Case(data(TAG, 0, 0, 4097, true), "beyond the burst"),
            new Case(data(TAG, 0, 0, 512, true), "F before the burst is complete"),
            new Case(data(TAG, 0, 0, 4096, false), "no F at the end of the burst"),
            new Case(data(TAG, 0, 0xffffff00L, 512, false), "far away"),
        };
        for (Case each : cases) {
            DataOutTransfer transfer =
                    new DataOutTransfer(write(4096, 0, true), parameters(true, 1), 4096);
            transfer.request(TAG);
            assertEquals(
                    Violation.INCORRECT_AMOUNT_OF_DATA, transfer.receive(each.pdu()), each.why());
        }
    }

    @Test
    void judgesTheFlagsAndImmediateDataOfACommand() {
        assertNull(DataOutTransfer.judge(write(2048, 2048, true), parameters(true, 1)));
        assertEquals(
                Violation.INCORRECT_AMOUNT_OF_DATA,
                DataOutTransfer.judge(write(512, 513, true), parameters(true, 1)));
        assertEquals(
                Violation.INCORRECT_AMOUNT_OF_DATA,
                DataOutTransfer.judge(write(9999, 2049, true), parameters(true, 1)));
        assertEquals(
                Violation.UNEXPECTED_UNSOLICITED_DATA,
                DataOutTransfer.judge(write(512, 0, false), parameters(true, 1)));
        assertNull(DataOutTransfer.judge(write(512, 0, false), parameters(false, 1)));
    }

    /// An obedient initiator with random sizes: every byte arrives exactly once.
    @Test
    void receivesEveryByteOnce() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 500; round++) {
            int length = random.nextInt(40_000);
            int immediate = random.nextInt(Math.min(length, 2048) + 1);
            SessionParameters agreed = parameters(true, 1 + random.nextInt(4));
            DataOutTransfer transfer =
                    new DataOutTransfer(write(length, immediate, true), agreed, length);
            int[] seen = new int[length];
            mark(seen, 0, immediate);
            Deque<DataOutTransfer.Request> asked = new ArrayDeque<>();
            int tag = 0;
            while (!transfer.finished()) {
                while (transfer.wantsRequest()) {
                    asked.add(transfer.request(tag++));
                }
                DataOutTransfer.Request next = asked.remove();
                int sent = 0;
                for (int dataSn = 0; sent < next.length(); dataSn++) {
                    int piece = 1 + random.nextInt((int) next.length() - sent);
                    long at = next.offset() + sent;
                    sent += piece;
                    DataOut pdu =
                            data(
                                    next.targetTransferTag(),
                                    dataSn,
                                    at,
                                    piece,
                                    sent == next.length());
                    assertNull(transfer.receive(pdu), "seed=" + seed);
                    mark(seen, (int) at, piece);
                }
            }
            for (int count : seen) {
                assertEquals(1, count, "seed=" + seed);
            }
        }
    }

    private static void mark(int[] seen, int from, int count) {
        for (int i = from; i < from + count; i++) {
            seen[i]++;
        }
    }

    @Test
    void cutsDataInAtSegmentsAndBursts() {
        DataInTransfer transfer = new DataInTransfer(new NoSource(), 10_000, 3000, 4096);
        record Step(int bytes, boolean endOfSequence) {}
        Step[] steps = {
            new Step(3000, false),
            new Step(1096, true),
            new Step(3000, false),
            new Step(1096, true),
            new Step(1808, true),
        };
        long position = 0;
        for (int i = 0; i < steps.length; i++) {
            assertFalse(transfer.finished());
            assertEquals(position, transfer.position());
            assertEquals(i, transfer.dataSn());
            assertEquals(steps[i].bytes(), transfer.nextBytes());
            transfer.sent(steps[i].bytes());
            assertEquals(steps[i].endOfSequence(), transfer.endsSequence());
            position += steps[i].bytes();
        }
        assertTrue(transfer.finished());
    }

    private record NoSource() implements Outcome.DataSource {
        @Override
        public boolean tryRead(long position, ByteBuf destination, int lengthBytes) {
            return false;
        }

        @Override
        public void read(
                long position, ByteBuf destination, int lengthBytes, Outcome.ReadEnd then) {
            then.ended(new IOException("no data here"));
        }
    }
}
