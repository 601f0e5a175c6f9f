package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.fuzz.Choices;
import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.PduDecoder;
import io.lunkeeper.target.pdu.PduEncoder;
import io.lunkeeper.target.pdu.RequestPdu;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// An initiator that knows the protocol, except that any of its PDUs may have one byte of its
/// header changed, come twice, late or never (`tests/fuzz session`). It logs in, reads, writes as
/// it is asked to, manages tasks, asks for text and logs out, in the order that the input wants.
/// When its connection is gone it may come back, in time or too late, in its place or as another.
/// Where more than session recovery is agreed on it asks for again what it has or has not, in runs
/// right and wrong, acknowledges or does not, damages data, and moves commands to the connection
/// that it uses, of up to four.
///
/// Whatever it does: only what the connection can answer is thrown; every answer is a PDU that
/// [Answers] finds in order, so that a command ends once for each connection it is moved to; no
/// medium error comes of it; and when the connections are gone for good, so are their tasks, the
/// memory of these and the session.
final class FuzzedInitiator {
    private static final int MAX_STEPS = 100;

    /// Connections after the first.
    private static final int MAX_FURTHER_CONNECTIONS = 3;

    /// Time2Wait and Time2Retain as they are agreed on here, and the part of a second before.
    private static final int MAX_SECONDS_KEPT = 23;

    /// A read of 64 blocks in pieces of 512 bytes, and its status.
    private static final int MAX_ANSWERS_PER_STEP = 65;

    /// What a status SNACK or an end of patience may have come again.
    private static final int MAX_REPETITIONS_PER_STEP = 1024;

    /// Bits of the first choice, beside those of the keys.
    private static final int SLOW = 0x80;

    private static final int DAMAGES = 0x20;

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

    private final SessionRig target;
    private final Choices choices;
    private final String keys;

    /// The ErrorRecoveryLevel that it asks for.
    private final int level;

    /// Whether sockets take nothing but by [Wire#drain].
    private final boolean slow;

    private final List<Wire> wires = new ArrayList<>();
    private final Answers.Account account = new Answers.Account();
    private Wire wire;
    private int cmdSn = 100;
    private int nextTag = 1;
    private int tsih;
    private int cid = 1;
    private long now;

    FuzzedInitiator(SessionRig target, byte[] input) {
        this.target = target;
        this.choices = new Choices(input);
        int setting = choices.octet();
        String chosen = KEYS[setting % KEYS.length];
        int other = Math.min(setting >> 3 & 3, 2);
        this.level = chosen.contains("ErrorRecoveryLevel") ? 2 : other;
        this.keys =
                chosen
                        + (chosen.contains("ErrorRecoveryLevel") || level == 0
                                ? ""
                                : "ErrorRecoveryLevel=" + level + "\0")
                        + (level > 0 && (setting & DAMAGES) != 0 ? "DataDigest=CRC32C\0" : "");
        this.slow = (setting & SLOW) != 0;
        this.wire = new Wire();
    }

    void run() throws InterruptedException {
        login();
        scsi(0x81, 0, 0, 0, new byte[6], new byte[0]);
        scsi(0x81, 1, 0, 0, new byte[6], new byte[0]);
        serve();
        while (choices.more() && wires.size() <= MAX_FURTHER_CONNECTIONS) {
            comeBack();
            serve();
        }
        wires.forEach(Wire::hangUp);
        for (int second = 0; second <= MAX_SECONDS_KEPT; second++) {
            target.second();
        }
        target.turnUntil(() -> target.sessions() == 0 && target.heldBytes() == 0);
        wires.forEach(each -> assertFalse(each.kept, "a place is left behind"));
    }

    private void serve() {
        for (int steps = 0; choices.more() && steps < MAX_STEPS && !wire.closed; steps++) {
            step();
            int most = level == 0 ? MAX_ANSWERS_PER_STEP : MAX_REPETITIONS_PER_STEP;
            wire.steps++;
            assertTrue(wire.answers.count() <= most * (wire.fed + wire.steps + 1), "no end of it");
            wires.stream().filter(each -> each.closed).forEach(Wire::hangUp);
        }
        wire.hangUp();
    }

    /// Logs in again, to the same session if it is still there.
    private void comeBack() throws InterruptedException {
        int next = choices.of(2);
        for (int seconds = choices.of(MAX_SECONDS_KEPT + 2); seconds > 0; seconds--) {
            target.second();
        }
        connect(next);
    }

    private void connect(int further) throws InterruptedException {
        cid += further;
        wire = new Wire();
        Wire fresh = wire;
        tsih = wires.getFirst().answers.tsih();
        login();
        target.turnUntil(() -> fresh.closed || fresh.answers.count() > 0);
        cmdSn = wire.answers.expCmdSn();
    }

    private void login() {
        String names =
                "InitiatorName=iqn.2026-11.a:fuzz\0TargetName=%s\0".formatted(SessionRig.TARGET);
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
        int what = choices.of(level == 0 ? 14 : 24);
        if (what < 14) {
            ordinary(what);
        } else {
            recover(what);
        }
    }

    private void ordinary(int what) {
        switch (what) {
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
                wire.connection.tick(now);
            }
            case 12 -> wire.drain();
            default -> strange();
        }
    }

    private void recover(int what) {
        switch (what) {
            case 14, 15, 16 -> snack();
            case 17 -> acknowledgeData();
            case 18 -> {
                wire.expStatSn = wire.answers.statSn();
                nop();
            }
            case 19 -> reassign();
            case 20 -> removeForRecovery();
            case 21 -> otherConnection();
            case 22 -> {
                for (int seconds = choices.of(8); seconds > 0; seconds--) {
                    wire.connection.tick(now);
                    target.turn();
                }
            }
            default -> declareSegment();
        }
    }

    /// Of all types, for what there is or for anything.
    private void snack() {
        int type = choices.of(5);
        byte[] pdu = pdu(0x10, 0x80 | type, new byte[0]);
        number(pdu, 16, type == 1 || type == 2 ? RequestPdu.RESERVED_TAG : lastTag());
        number(pdu, 20, type == 0 || type == 1 ? RequestPdu.RESERVED_TAG : lastTag());
        boolean all = choices.of(2) == 0;
        int from = choices.octet();
        number(pdu, 40, all ? 0 : type == 1 ? wire.answers.statSn() - from % 16 : from % 16);
        int length = choices.octet();
        number(pdu, 44, all ? 0 : length < 0xf0 ? length % 16 : -1 >>> length % 16);
        bend(pdu, 48);
    }

    private void acknowledgeData() {
        Answers.Acknowledgeable data = wire.answers.acknowledgeable().poll();
        if (data != null) {
            byte[] pdu = pdu(0x10, 0x82, new byte[0]);
            pdu[9] = (byte) data.lun();
            number(pdu, 16, RequestPdu.RESERVED_TAG);
            number(pdu, 20, data.transferTag());
            number(pdu, 40, data.nextDataSn());
            bend(pdu, 48);
        }
    }

    private void reassign() {
        byte[] pdu = pdu(0x42, 0x88, new byte[0]);
        pdu[9] = (byte) choices.of(2);
        number(pdu, 20, nextTag - 1 - choices.of(32));
        number(pdu, 16, nextTag++);
        numbered(pdu);
        number(pdu, 36, choices.of(16));
        bend(pdu, 48);
    }

    private void removeForRecovery() {
        byte[] pdu = pdu(0x46, 0x82, new byte[0]);
        pdu[21] = (byte) (cid - choices.of(2));
        number(pdu, 16, nextTag++);
        numbered(pdu);
        bend(pdu, 48);
    }

    /// Goes on on another connection, and comes with a new one where there can be more.
    private void otherConnection() {
        if (choices.of(2) == 0 && wires.size() <= MAX_FURTHER_CONNECTIONS) {
            try {
                connect(choices.of(2));
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        } else {
            Wire chosen = wires.get(choices.of(wires.size()));
            wire = chosen.closed ? wire : chosen;
        }
    }

    private void declareSegment() {
        String text = "MaxRecvDataSegmentLength=" + (512 << choices.of(5)) + "\0";
        byte[] pdu = pdu(0x44, 0x80, text.getBytes(StandardCharsets.US_ASCII));
        number(pdu, 16, nextTag++);
        number(pdu, 20, RequestPdu.RESERVED_TAG);
        numbered(pdu);
        bend(pdu, 48);
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
            dataOut(0, nextTag - 1, RequestPdu.RESERVED_TAG, immediate.length, 512);
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
            dataOut(asked.lun(), asked.tag(), asked.transferTag(), asked.offset(), asked.length());
        }
    }

    private void dataOut(int lun, int tag, int transferTag, int offset, int length) {
        byte[] pdu = pdu(0x05, 0x80, new byte[length]);
        pdu[9] = (byte) lun;
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
        } else if (how < 0xe8 && wire.digest && pdu.length > 48) {
            wire.damage = true;
            send(pdu);
        } else if (how < 0xf0) {
            wire.late.add(pdu);
        }
    }

    private void send(byte[] pdu) {
        number(pdu, 28, wire.expStatSn);
        wire.feed(pdu);
        while (choices.more() && wire.late.size() > 2) {
            wire.feed(wire.late.remove());
        }
    }

    /// Has every answer judged, and keeps none.
    private final class Wire implements Transport {
        private final PduEncoder encoder = new PduEncoder();
        private final PduDecoder decoder = new PduDecoder();
        private final Answers answers = new Answers(cid, level, account);
        private final Deque<byte[]> late = new ArrayDeque<>();
        private final IscsiConnection connection;
        private ByteBuf received = Unpooled.EMPTY_BUFFER;
        private int expStatSn;
        private int fed;
        private int steps;
        private boolean digest;

        /// Whether the next PDU with data has the wrong digest.
        private boolean damage;

        private long queued;
        private boolean closed;
        private boolean hungUp;
        private boolean kept;

        Wire() {
            wires.add(this);
            connection = target.connect(this);
        }

        /// The socket is no more.
        void hangUp() {
            if (!hungUp) {
                hungUp = true;
                connection.disconnected();
                closed = true;
                received.release();
                received = Unpooled.EMPTY_BUFFER;
            }
        }

        /// What a socket would bring: as `net.Connection` takes it.
        void feed(byte[] pdu) {
            ByteBuf in = Unpooled.buffer(received.readableBytes() + pdu.length + 4);
            in.writeBytes(received).writeBytes(pdu);
            if (digest && pdu.length > 48) {
                byte[] data = Arrays.copyOfRange(pdu, 48, pdu.length);
                in.writeIntLE(RecoveringInitiator.digest(data) ^ (damage ? 1 : 0));
            }
            damage = false;
            received.release();
            received = in;
            fed++;
            while (!closed) {
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
            answers.requested(pdu);
            try {
                connection.receive(pdu, now);
            } catch (RejectedPduException refused) {
                byte[] header = new byte[48];
                in.getBytes(start, header);
                connection.reject(refused, header);
                if ((header[0] & 0x40) == 0 && in.getInt(start + 24) == cmdSn - 1) {
                    cmdSn--; // The next command plugs the gap.
                }
            }
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
            digest = dataDigest;
            answers.negotiated(dataDigest);
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
