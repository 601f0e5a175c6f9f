package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.fuzz.Choices;
import io.lunkeeper.target.fuzz.Corpus;
import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.PduDecoder;
import io.lunkeeper.target.pdu.PduEncoder;
import io.lunkeeper.target.pdu.RequestPdu;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// An initiator that knows the protocol, except that any of its PDUs may have one byte of its
/// header changed, come twice, late or never (`tests/fuzz session`). It logs in, reads, writes as
/// it is asked to, manages tasks, asks for text and logs out, in the order that the input wants.
/// When its connection is gone it may come back, in time or too late, in its place or as another.
///
/// Whatever it does: only what the connection can answer is thrown; every answer is a PDU that
/// [Answers] finds in order; no medium error comes of it; and when the connections are gone for
/// good, so are their tasks, the memory of these and the session.
public final class SessionFuzzTest {
    private static final int MAX_STEPS = 100;

    /// Connections after the first.
    private static final int MAX_FURTHER_CONNECTIONS = 3;

    /// Time2Wait and Time2Retain as they are agreed on here, and the part of a second before.
    private static final int MAX_SECONDS_KEPT = 23;

    /// A read of 64 blocks in pieces of 512 bytes, and its status.
    private static final int MAX_ANSWERS_PER_STEP = 65;

    /// What a login asks for.
    private static final String[] KEYS = {
        "InitialR2T=No\0ImmediateData=Yes\0",
        "InitialR2T=Yes\0ImmediateData=No\0DefaultTime2Retain=0\0",
        "InitialR2T=No\0ImmediateData=No\0MaxBurstLength=1024\0FirstBurstLength=512\0"
                + "MaxOutstandingR2T=4\0",
        "InitialR2T=Yes\0TaskReporting=FastAbort\0iSCSIProtocolLevel=2\0",
        "InitialR2T=No\0MaxRecvDataSegmentLength=512\0MaxBurstLength=2048\0",
        "SessionType=Discovery\0",
        "InitialR2T=No\0ErrorRecoveryLevel=2\0MaxBurstLength=1024\0",
        "InitialR2T=Yes\0ErrorRecoveryLevel=2\0MaxConnections=4\0",
    };

    private static final String[] TEXTS = {
        "SendTargets=\0", "SendTargets=All\0", "X-a=1\0Foo=2\0", "SendTar", "gets=\0", "",
    };

    private static @Nullable SessionRig rig;

    /// What the fuzzer calls.
    public static void fuzzerTestOneInput(byte[] input) {
        try {
            SessionRig target = rig;
            if (target == null) {
                target = new SessionRig(Files.createTempDirectory("lunkeeper-fuzz"));
                rig = target;
            }
            new Run(target, input).run();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /// One connection after the other, each from its first PDU to its end; what comes after the
    /// first goes on with its session where that is kept.
    private static final class Run {
        private final SessionRig target;
        private final Choices choices;
        private final String keys;

        /// Whether sockets take nothing but by [Wire#drain].
        private final boolean slow;

        private final List<Wire> wires = new ArrayList<>();
        private Wire wire;
        private IscsiConnection connection;
        private PduDecoder decoder = new PduDecoder();
        private final Deque<byte[]> late = new ArrayDeque<>();
        private ByteBuf received = Unpooled.EMPTY_BUFFER;
        private int cmdSn = 100;
        private int nextTag = 1;
        private int tsih;
        private int cid = 1;
        private long now;
        private int fed;

        Run(SessionRig target, byte[] input) {
            this.target = target;
            this.choices = new Choices(input);
            int setting = choices.octet();
            this.keys = KEYS[setting % KEYS.length];
            this.slow = (setting & 0x80) != 0;
            this.wire = new Wire();
            this.connection = target.connect(wire);
        }

        void run() throws InterruptedException {
            login();
            scsi(0x81, 0, 0, 0, new byte[6], new byte[0]);
            scsi(0x81, 1, 0, 0, new byte[6], new byte[0]);
            serve();
            for (int more = 0; choices.more() && more < MAX_FURTHER_CONNECTIONS; more++) {
                comeBack();
                serve();
            }
            for (int second = 0; second <= MAX_SECONDS_KEPT; second++) {
                target.second();
            }
            target.turnUntil(() -> target.sessions() == 0 && target.heldBytes() == 0);
            wires.forEach(each -> assertFalse(each.kept, "a place is left behind"));
        }

        private void serve() {
            for (int steps = 0; choices.more() && steps < MAX_STEPS && !wire.closed; steps++) {
                step();
                assertTrue(
                        wire.answers.count() <= MAX_ANSWERS_PER_STEP * (fed + 1), "no end of it");
            }
            connection.disconnected();
            wire.closed = true;
            received.release();
            received = Unpooled.EMPTY_BUFFER;
        }

        /// Logs in again, to the same session if it is still there.
        private void comeBack() throws InterruptedException {
            cid += choices.of(2);
            for (int seconds = choices.of(MAX_SECONDS_KEPT + 2); seconds > 0; seconds--) {
                target.second();
            }
            decoder = new PduDecoder();
            wire = new Wire();
            connection = target.connect(wire);
            tsih = wires.getFirst().answers.tsih();
            late.clear();
            fed = 0;
            login();
            target.turnUntil(() -> wire.closed || wire.answers.count() > 0);
            cmdSn = wire.answers.expCmdSn();
        }

        private void login() {
            String names =
                    "InitiatorName=iqn.2026-11.a:fuzz\0TargetName=%s\0"
                            .formatted(SessionRig.TARGET);
            byte[] pdu = pdu(0x43, 0x87, (names + keys).getBytes(StandardCharsets.US_ASCII));
            pdu[8] = (byte) 0x80;
            pdu[14] = (byte) (tsih >> 8);
            pdu[15] = (byte) tsih;
            pdu[21] = (byte) cid;
            number(pdu, 24, cmdSn);
            send(pdu);
        }

        // ---- what it may do next

        private void step() {
            switch (choices.of(14)) {
                case 0 -> scsi(0x81, choices.of(3), 0, 0, new byte[6], new byte[0]);
                case 1 -> read();
                case 2 -> write(true);
                case 3 -> write(false);
                case 4, 5 -> answerRequest();
                case 6 -> nop();
                case 7 -> text();
                case 8 -> manage();
                case 9 -> logout();
                case 10 -> target.turn();
                case 11 -> {
                    now += TimeUnit.SECONDS.toNanos(1 + choices.of(40));
                    connection.tick(now);
                }
                case 12 -> wire.drain();
                default -> strange();
            }
        }

        private int lastTag() {
            return nextTag - 1 - choices.of(4);
        }

        private void read() {
            int blocks = choices.of(65);
            scsi(attribute(0xc0), choices.of(2), 0, blocks * 512, cdb(0x28, blocks), new byte[0]);
        }

        private void write(boolean last) {
            int blocks = choices.of(65);
            byte[] immediate = new byte[choices.of(3) * 512];
            scsi(
                    attribute(last ? 0xa0 : 0x20),
                    choices.of(2),
                    0,
                    blocks * 512,
                    cdb(0x2a, blocks),
                    immediate);
            if (!last) {
                dataOut(nextTag - 1, RequestPdu.RESERVED_TAG, immediate.length, 512);
            }
        }

        private int attribute(int flags) {
            return flags | choices.of(5);
        }

        private static byte[] cdb(int operation, int blocks) {
            return new byte[] {(byte) operation, 0, 0, 0, 0, 0, 0, 0, (byte) blocks, 0};
        }

        private void answerRequest() {
            Answers.Request asked = wire.answers.requests().poll();
            if (asked != null) {
                dataOut(asked.tag(), asked.transferTag(), asked.offset(), asked.length());
            }
        }

        private void dataOut(int tag, int transferTag, int offset, int length) {
            byte[] pdu = pdu(0x05, 0x80, new byte[length]);
            number(pdu, 16, tag);
            number(pdu, 20, transferTag);
            number(pdu, 40, offset);
            bend(pdu, 48);
        }

        private void scsi(int flags, int lun, int immediate, int length, byte[] cdb, byte[] data) {
            byte[] pdu = pdu(immediate | 0x01, flags, data);
            pdu[9] = (byte) lun;
            number(pdu, 16, nextTag++);
            number(pdu, 20, length);
            numbered(pdu);
            System.arraycopy(cdb, 0, pdu, 32, cdb.length);
            bend(pdu, 32);
        }

        private void nop() {
            byte[] pdu = pdu(choices.of(2) << 6, 0x80, new byte[choices.of(256)]);
            number(pdu, 16, nextTag++);
            number(pdu, 20, RequestPdu.RESERVED_TAG);
            numbered(pdu);
            bend(pdu, 48);
        }

        private void text() {
            int flags = choices.of(4) << 6;
            String text = TEXTS[choices.of(TEXTS.length)];
            byte[] pdu = pdu(0x04, flags, text.getBytes(StandardCharsets.US_ASCII));
            number(pdu, 16, nextTag++);
            number(
                    pdu,
                    20,
                    choices.of(2) == 0 ? RequestPdu.RESERVED_TAG : wire.answers.textTransferTag());
            numbered(pdu);
            bend(pdu, 48);
        }

        private void manage() {
            byte[] pdu = pdu(choices.of(2) << 6 | 0x02, 0x80 | choices.of(13), new byte[0]);
            pdu[9] = (byte) choices.of(2);
            number(pdu, 20, lastTag());
            number(pdu, 16, nextTag++);
            numbered(pdu);
            number(pdu, 32, cmdSn - 1 - choices.of(4));
            bend(pdu, 48);
        }

        private void logout() {
            byte[] pdu = pdu(choices.of(2) << 6 | 0x06, 0x80 | choices.of(3), new byte[0]);
            number(pdu, 16, nextTag++);
            numbered(pdu);
            bend(pdu, 48);
        }

        /// A header of nothing but what the input has.
        private void strange() {
            byte[] pdu = new byte[48];
            byte[] header = choices.bytes(24);
            System.arraycopy(header, 0, pdu, 0, header.length);
            pdu[0] &= ~0x01; // No SCSI command: those may do anything to the medium.
            System.arraycopy(new byte[4], 0, pdu, 4, 4);
            number(pdu, 24, cmdSn);
            send(pdu);
        }

        // ---- how it goes out

        private static byte[] pdu(int opcode, int flags, byte[] data) {
            byte[] pdu = new byte[48 + (data.length + 3 & -4)];
            pdu[0] = (byte) opcode;
            pdu[1] = (byte) flags;
            number(pdu, 4, data.length);
            System.arraycopy(data, 0, pdu, 48, data.length);
            return pdu;
        }

        private static void number(byte[] pdu, int at, int value) {
            Unpooled.wrappedBuffer(pdu).setInt(at, value);
        }

        /// Gives it its CmdSN, which an immediate one only shows.
        private void numbered(byte[] pdu) {
            number(pdu, 24, (pdu[0] & 0x40) != 0 ? cmdSn : cmdSn++);
        }

        /// Sends a PDU, or does to it what the input wants.
        ///
        /// @param bendable bytes of its header that may be changed
        private void bend(byte[] pdu, int bendable) {
            int how = choices.octet();
            if (how < 0xa0) {
                send(pdu);
            } else if (how < 0xd0) {
                pdu[choices.octet() % bendable] ^= (byte) choices.octet();
                send(pdu);
            } else if (how < 0xe0) {
                send(pdu);
                send(pdu);
            } else if (how < 0xf0) {
                late.add(pdu);
            }
        }

        private void send(byte[] pdu) {
            feed(pdu);
            while (choices.more() && late.size() > 2) {
                feed(late.remove());
            }
        }

        /// What a socket would bring: as `net.Connection` takes it.
        private void feed(byte[] pdu) {
            ByteBuf in = Unpooled.buffer(received.readableBytes() + pdu.length);
            in.writeBytes(received).writeBytes(pdu);
            received.release();
            received = in;
            fed++;
            while (!wire.closed) {
                int start = in.readerIndex();
                try {
                    RequestPdu next = decoder.next(in);
                    if (next == null) {
                        break;
                    }
                    take(next, in, start);
                } catch (MalformedPduException fault) {
                    connection.malformed(fault);
                }
            }
            if (in.refCnt() == 1) {
                in.setZero(0, in.readerIndex()); // Nobody may look at it any more.
            }
        }

        private void take(RequestPdu pdu, ByteBuf in, int start) throws MalformedPduException {
            wire.answers.requested(pdu);
            try {
                connection.receive(pdu, now);
            } catch (RejectedPduException refused) {
                byte[] header = new byte[48];
                in.getBytes(start, header);
                connection.reject(refused, header);
            }
        }

        /// Has every answer judged, and keeps none.
        private final class Wire implements Transport {
            private final PduEncoder encoder = new PduEncoder();
            private final Answers answers = new Answers(cid, keys.contains("ErrorRecoveryLevel"));

            private long queued;
            private boolean closed;
            private boolean kept;

            Wire() {
                wires.add(this);
            }

            void drain() {
                queued = 0;
                connection.writable();
            }

            @Override
            public PduEncoder encoder() {
                return encoder;
            }

            @Override
            public ByteBufAllocator allocator() {
                return target.allocator();
            }

            @Override
            public void send(ByteBuf pdu) {
                if (!closed) {
                    answers.sent(pdu);
                    queued += slow ? pdu.readableBytes() : 0;
                }
                pdu.release();
            }

            @Override
            public long queuedBytes() {
                return queued;
            }

            @Override
            public void negotiated(boolean headerDigest, boolean dataDigest, int maxSegmentBytes) {
                encoder.negotiated(headerDigest, dataDigest);
                decoder.negotiated(headerDigest, dataDigest, maxSegmentBytes);
            }

            @Override
            public void atNextTick(Runnable work) {
                target.atNextTick(work);
            }

            @Override
            public void keepPlace(Runnable giveWay) {
                assertFalse(kept, "kept twice");
                kept = true;
            }

            @Override
            public void leavePlace() {
                kept = false;
            }

            @Override
            public void pauseReading(boolean paused) {
                // So much is never under way here.
            }

            @Override
            public void close(String reason) {
                closed = true;
            }

            @Override
            public void moveTo(Transport neighbour, Runnable arrived) {
                arrived.run();
            }

            @Override
            public String peer() {
                return "fuzz";
            }

            @Override
            public void execute(Runnable task) {
                target.execute(task);
            }
        }
    }

    @Test
    void everySessionEndsWithNothingLeftAndEveryAnswerInOrder(@TempDir Path directory)
            throws IOException {
        try (SessionRig own = new SessionRig(directory)) {
            rig = own;
            Corpus.replay("session", SessionFuzzTest::fuzzerTestOneInput);
        } finally {
            rig = null;
        }
    }
}
