package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.PduDecoder;
import io.lunkeeper.target.pdu.RequestPdu;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// An initiator of a session with ErrorRecoveryLevel 1 and both digests, on one connection, that
/// loses what the test wants and acknowledges nothing unless told to. Its requests go through the
/// decoder as bytes.
final class RecoveringInitiator {
    static final int REJECT = 0x3f;
    static final int SCSI_RESPONSE = 0x21;
    static final int DATA_IN = 0x25;
    static final int READY_TO_TRANSFER = 0x31;
    static final int NOP_IN = 0x20;

    private static final int NO_TAG = RequestPdu.RESERVED_TAG;
    private static final int HEADER_BYTES = 52;

    private final SessionRig rig;
    private final LoopTransport below;
    private final IscsiConnection connection;
    private final PduDecoder decoder = new PduDecoder();
    private int cmdSn = 100;
    private int lun;
    private int nextTag = 1;
    private int expStatSn = 1;
    private int looked;

    /// Logs in with these keys and hears out unit attentions.
    RecoveringInitiator(SessionRig rig, int level, String keys) throws Exception {
        this.rig = rig;
        below = new LoopTransport(rig.allocator(), rig::execute, new ArrayDeque<>(), "recovering");
        connection = rig.connect(below);
        String all =
                "InitiatorName=iqn.2026-11.a:r\0TargetName=%s\0ErrorRecoveryLevel=%d\0"
                                .formatted(SessionRig.TARGET, level)
                        + "HeaderDigest=CRC32C\0DataDigest=CRC32C\0"
                        + keys;
        connection.receive(
                new RequestPdu.LoginRequest(
                        true,
                        false,
                        1,
                        3,
                        0,
                        0,
                        Initiator.ISID,
                        0,
                        7,
                        1,
                        cmdSn,
                        0,
                        Unpooled.copiedBuffer(all, StandardCharsets.US_ASCII)),
                0);
        assertEquals(0, below.sent().getLast().getShort(36), "login");
        decoder.negotiated(true, true, 262_144);
        expStatSn = below.sent().getLast().getInt(24) + 1;
        testUnit();
        testUnit();
        acknowledge();
        looked = below.sent().size();
    }

    // ---- what it sends

    int cmdSn() {
        return cmdSn;
    }

    /// TEST UNIT READY.
    int testUnit() throws Exception {
        return command(0x81, 0, new byte[6], new byte[0]);
    }

    /// READ(10) of so many blocks from the start.
    int read(int blocks) throws Exception {
        return command(0xc1, blocks * 512, cdb(0x28, 0, blocks), new byte[0]);
    }

    /// Sends commands to another logical unit from now on.
    void turnTo(int other) {
        lun = other;
    }

    /// WRITE(10) to the start.
    ///
    /// @param last whether no unsolicited Data-Out follows
    int write(int blocks, byte[] immediate, boolean last) throws Exception {
        return command(last ? 0xa1 : 0x21, blocks * 512, cdb(0x2a, 0, blocks), immediate);
    }

    private int command(int flags, int length, byte[] cdb, byte[] data) throws Exception {
        int tag = nextTag++;
        feed(command(tag, cmdSn++, flags, length, cdb, data));
        return tag;
    }

    /// A command as bytes, to be sent damaged, or later.
    byte[] command(int tag, int number, int flags, int length, byte[] cdb, byte[] data) {
        ByteBuf pdu = pdu(0x01, flags, tag, data);
        pdu.setByte(9, lun).setInt(20, length).setInt(24, number).setBytes(32, cdb);
        return complete(pdu);
    }

    /// WRITE(10) as bytes, with the next CmdSN, which is taken.
    byte[] writeCommand(int tag, int blocks, byte[] immediate) {
        return command(tag, cmdSn++, 0xa1, blocks * 512, cdb(0x2a, 0, blocks), immediate);
    }

    int takeTag() {
        return nextTag++;
    }

    private static byte[] cdb(int code, int block, int blocks) {
        return Unpooled.buffer(10)
                .writeByte(code)
                .writeByte(0)
                .writeInt(block)
                .writeByte(0)
                .writeShort(blocks)
                .writeByte(0)
                .array();
    }

    /// Part of `source`, as a Data-Out PDU.
    byte[] dataOut(
            int tag, int transferTag, int dataSn, byte[] source, int from, int end, boolean last) {
        byte[] data = Arrays.copyOfRange(source, from, end);
        ByteBuf pdu = pdu(0x05, last ? 0x80 : 0, tag, data);
        pdu.setInt(20, transferTag).setInt(36, dataSn).setInt(40, from);
        return complete(pdu);
    }

    void snack(int type, int tag, int transferTag, int begRun, int runLength) throws Exception {
        ByteBuf pdu = pdu(0x10, 0x80 | type, tag, new byte[0]);
        pdu.setInt(20, transferTag).setInt(40, begRun).setInt(44, runLength);
        feed(complete(pdu));
    }

    void snackData(int tag, int begRun, int runLength) throws Exception {
        snack(0, tag, NO_TAG, begRun, runLength);
    }

    void snackStatus(int begRun, int runLength) throws Exception {
        snack(1, NO_TAG, NO_TAG, begRun, runLength);
    }

    void acknowledgeData(int transferTag, int begRun) throws Exception {
        snack(2, NO_TAG, transferTag, begRun, 0);
    }

    /// Declares another MaxRecvDataSegmentLength.
    void declareSegment(int bytes) throws Exception {
        ByteBuf pdu =
                pdu(
                        0x44,
                        0x80,
                        nextTag++,
                        ("MaxRecvDataSegmentLength=" + bytes + "\0")
                                .getBytes(StandardCharsets.US_ASCII));
        pdu.setInt(20, NO_TAG).setInt(24, cmdSn);
        feed(complete(pdu));
    }

    /// Says by a NOP-Out that it has all responses so far.
    void acknowledge() throws Exception {
        for (ByteBuf each : below.sent()) {
            if (hasStatus(each) && each.getInt(24) - expStatSn >= 0) {
                expStatSn = each.getInt(24) + 1;
            }
        }
        ByteBuf pdu = pdu(0x40, 0x80, NO_TAG, new byte[0]);
        pdu.setInt(20, NO_TAG).setInt(24, cmdSn);
        feed(complete(pdu));
    }

    static boolean hasStatus(ByteBuf pdu) {
        return switch (pdu.getByte(0) & 0x3f) {
            case DATA_IN -> (pdu.getByte(1) & 1) != 0;
            case NOP_IN -> pdu.getInt(16) != NO_TAG;
            case READY_TO_TRANSFER -> false;
            default -> true;
        };
    }

    private ByteBuf pdu(int opcode, int flags, int tag, byte[] data) {
        ByteBuf pdu = Unpooled.buffer(48 + data.length + 12);
        pdu.writeZero(48).writeBytes(data);
        pdu.setByte(0, opcode).setByte(1, flags).setInt(4, data.length);
        pdu.setInt(16, tag).setInt(28, expStatSn);
        return pdu;
    }

    /// With its digests.
    private static byte[] complete(ByteBuf pdu) {
        byte[] header = ByteBufUtil.getBytes(pdu, 0, 48);
        byte[] data = ByteBufUtil.getBytes(pdu, 48, pdu.readableBytes() - 48);
        byte[] padded = Arrays.copyOf(data, data.length + 3 & -4);
        ByteBuf out = Unpooled.buffer();
        out.writeBytes(header).writeIntLE(digest(header)).writeBytes(padded);
        if (padded.length > 0) {
            out.writeIntLE(digest(padded));
        }
        return ByteBufUtil.getBytes(out);
    }

    static int digest(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    /// The same bytes with the last of the data changed.
    static byte[] damaged(byte[] pdu) {
        byte[] changed = pdu.clone();
        changed[changed.length - 5] ^= 1;
        return changed;
    }

    /// What a socket would bring: as `net.Connection` takes it.
    void feed(byte[] bytes) throws Exception {
        ByteBuf in = Unpooled.copiedBuffer(bytes);
        try {
            RequestPdu pdu = decoder.next(in);
            assertTrue(pdu != null && !in.isReadable(), "one PDU");
            connection.receive(pdu, 0);
        } catch (RejectedPduException refused) {
            connection.reject(refused, ByteBufUtil.getBytes(in, 0, 48));
        } catch (MalformedPduException fault) {
            connection.malformed(fault);
        }
        if (in.refCnt() == 1) {
            in.setZero(0, in.capacity());
        }
        rig.turn();
    }

    // ---- what comes, and what passes

    /// What has come since this was asked last.
    List<ByteBuf> news() {
        rig.turn();
        List<ByteBuf> all = below.sent();
        List<ByteBuf> fresh = List.copyOf(all.subList(looked, all.size()));
        looked = all.size();
        fresh.forEach(RecoveringInitiator::checkDigests);
        return fresh;
    }

    /// Those of them with this opcode.
    List<ByteBuf> news(int opcode) {
        return news().stream().filter(each -> (each.getByte(0) & 0x3f) == opcode).toList();
    }

    /// The one that has come, with this opcode.
    ByteBuf only(int opcode) {
        List<ByteBuf> fresh = news();
        assertEquals(1, fresh.size(), () -> fresh.stream().map(ByteBufUtil::hexDump).toList() + "");
        assertEquals(opcode, fresh.getFirst().getByte(0) & 0x3f);
        return fresh.getFirst();
    }

    /// The reason of the Reject that has come.
    int rejected() {
        return only(REJECT).getByte(2);
    }

    /// Waits for the response to a write, all else that comes before aside.
    ByteBuf response(int tag) throws InterruptedException {
        rig.turnUntil(() -> find(tag) != null);
        looked = below.sent().size();
        ByteBuf found = find(tag);
        assertTrue(found != null);
        return found;
    }

    private @Nullable ByteBuf find(int tag) {
        for (ByteBuf each : below.sent()) {
            if ((each.getByte(0) & 0x3f) == SCSI_RESPONSE && each.getInt(16) == tag) {
                return each;
            }
        }
        return null;
    }

    private static void checkDigests(ByteBuf pdu) {
        byte[] header = ByteBufUtil.getBytes(pdu, 0, 48);
        assertEquals(digest(header), pdu.getIntLE(48), "header digest");
        int padded = (pdu.getInt(4) & 0xffffff) + 3 & -4;
        if (padded > 0) {
            byte[] data = ByteBufUtil.getBytes(pdu, HEADER_BYTES, padded);
            assertEquals(digest(data), pdu.getIntLE(HEADER_BYTES + padded), "data digest");
        }
    }

    /// The data segment.
    static byte[] data(ByteBuf pdu) {
        return ByteBufUtil.getBytes(pdu, HEADER_BYTES, pdu.getInt(4) & 0xffffff);
    }

    /// The socket takes nothing, or all again.
    void block(boolean blocked) {
        below.block(blocked);
        if (!blocked) {
            connection.writable();
        }
    }

    void tick(int seconds) {
        for (int i = 0; i < seconds; i++) {
            connection.tick(0);
            rig.turn();
        }
    }

    boolean closed() {
        return below.closed();
    }

    /// Its session ends, whatever is kept of it.
    void disconnect() {
        rig.target().sessions().forEach(each -> each.terminate("the test is over", () -> {}));
        rig.turn();
        connection.disconnected();
        rig.turn();
    }
}
