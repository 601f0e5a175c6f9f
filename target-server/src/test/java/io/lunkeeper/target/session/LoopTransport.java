package io.lunkeeper.target.session;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.lunkeeper.target.pdu.PduEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/// A connection without a socket: keeps what is sent, and leaves work for its loop to the test.
final class LoopTransport implements Transport {
    private final PduEncoder encoder = new PduEncoder();
    private final List<ByteBuf> sent = new ArrayList<>();
    private final ByteBufAllocator allocator;
    private final Executor loop;
    private final String peer;
    private final Queue<Runnable> nextTick;
    private boolean closed;
    private @Nullable Runnable giveWay;
    private long queued;

    /// @param nextTick where work goes that is to be done when a second has passed
    LoopTransport(
            ByteBufAllocator allocator, Executor loop, Queue<Runnable> nextTick, String peer) {
        this.nextTick = nextTick;
        this.allocator = allocator;
        this.loop = loop;
        this.peer = peer;
    }

    /// The PDUs so far, as they grow.
    List<ByteBuf> sent() {
        return sent;
    }

    boolean closed() {
        return closed;
    }

    /// Whether it counts as a connection beyond its end.
    boolean keepsPlace() {
        return giveWay != null;
    }

    /// Another connection needs its place.
    void giveWay() {
        requireNonNull(giveWay).run();
    }

    /// The first PDU of a task with this opcode.
    ByteBuf find(int tag, int opcode) {
        for (ByteBuf pdu : sent) {
            if ((pdu.getByte(0) & 0x3f) == opcode && pdu.getInt(16) == tag) {
                return pdu;
            }
        }
        throw new AssertionError("no PDU " + Integer.toHexString(opcode) + " of task " + tag);
    }

    /// The reply to a command or function, or null as long as there is none.
    @Nullable Reply reply(int tag) {
        for (ByteBuf pdu : sent) {
            int opcode = pdu.getByte(0) & 0x3f;
            boolean status = opcode == 0x21 || (opcode == 0x25 && (pdu.getByte(1) & 1) != 0);
            if (pdu.getInt(16) == tag && status) {
                return new Reply(pdu.getByte(3) & 0xff, sense(pdu));
            }
            if (pdu.getInt(16) == tag && opcode == 0x22) {
                return new Reply(pdu.getByte(2) & 0xff, "");
            }
        }
        return null;
    }

    private static String sense(ByteBuf pdu) {
        return (pdu.getByte(3) & 0xff) != 2 || pdu.readableBytes() < 64
                ? ""
                : "%x/%02x/%02x"
                        .formatted(pdu.getByte(52) & 0x0f, pdu.getByte(62), pdu.getByte(63));
    }

    /// The Data-In PDUs of a task.
    List<ByteBuf> dataIns(int tag) {
        return sent.stream()
                .filter(pdu -> (pdu.getByte(0) & 0x3f) == 0x25 && pdu.getInt(16) == tag)
                .toList();
    }

    /// The response code of a logout, or -1 as long as there is none.
    int logoutResponse(int tag) {
        for (ByteBuf pdu : sent) {
            if ((pdu.getByte(0) & 0x3f) == 0x26 && pdu.getInt(16) == tag) {
                return pdu.getByte(2);
            }
        }
        return -1;
    }

    /// The opcodes of what was sent for a task.
    List<Integer> opcodes(int tag) {
        return sent.stream()
                .filter(pdu -> pdu.getInt(16) == tag)
                .map(pdu -> pdu.getByte(0) & 0x3f)
                .toList();
    }

    /// The asynchronous messages so far: event and LUN of each.
    List<String> asyncMessages() {
        return sent.stream()
                .filter(pdu -> (pdu.getByte(0) & 0x3f) == 0x32)
                .map(pdu -> pdu.getByte(36) + " at " + (pdu.getLong(8) >>> 48))
                .toList();
    }

    /// The last asynchronous message: its event and its parameters 1, 2 and 3.
    List<Integer> lastAsync() {
        ByteBuf last = null;
        for (ByteBuf pdu : sent) {
            last = (pdu.getByte(0) & 0x3f) == 0x32 ? pdu : last;
        }
        assertNotNull(last, "no asynchronous message");
        return List.of(
                (int) last.getByte(36),
                last.getUnsignedShort(38),
                last.getUnsignedShort(40),
                last.getUnsignedShort(42));
    }

    /// Time2Wait and Time2Retain of the response to a logout.
    List<Integer> logoutTimes(int tag) {
        ByteBuf pdu = find(tag, 0x26);
        return List.of(pdu.getUnsignedShort(40), pdu.getUnsignedShort(42));
    }

    /// Has the socket take nothing, or all.
    void block(boolean blocked) {
        queued = blocked ? Long.MAX_VALUE / 2 : 0;
    }

    @Override
    public PduEncoder encoder() {
        return encoder;
    }

    @Override
    public ByteBufAllocator allocator() {
        return allocator;
    }

    @Override
    public void send(ByteBuf pdu) {
        sent.add(Unpooled.copiedBuffer(pdu));
        pdu.release();
    }

    @Override
    public long queuedBytes() {
        return queued;
    }

    @Override
    public void negotiated(boolean headerDigest, boolean dataDigest, int maxSegmentBytes) {
        encoder.negotiated(headerDigest, dataDigest);
    }

    @Override
    public void pauseReading(boolean paused) {
        // There is no socket to leave alone.
    }

    @Override
    public void close(String reason) {
        closed = true;
    }

    @Override
    public String peer() {
        return peer;
    }

    @Override
    public void moveTo(Transport neighbour, Runnable arrived) {
        arrived.run();
    }

    @Override
    public void atNextTick(Runnable work) {
        nextTick.add(work);
    }

    @Override
    public void keepPlace(Runnable makeRoom) {
        giveWay = makeRoom;
    }

    @Override
    public void leavePlace() {
        giveWay = null;
    }

    @Override
    public void execute(Runnable task) {
        loop.execute(task);
    }
}
