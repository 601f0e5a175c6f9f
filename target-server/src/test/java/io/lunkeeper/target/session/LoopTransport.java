package io.lunkeeper.target.session;

import io.lunkeeper.target.pdu.PduEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/// A connection without a socket: keeps what is sent, and leaves work for its loop to the test.
final class LoopTransport implements Transport {
    private final PduEncoder encoder = new PduEncoder();
    private final List<ByteBuf> sent = new ArrayList<>();
    private final ByteBufAllocator allocator;
    private final Queue<Runnable> loop;
    private final String peer;
    private boolean closed;

    LoopTransport(ByteBufAllocator allocator, Queue<Runnable> loop, String peer) {
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
        return 0;
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
    public void execute(Runnable task) {
        loop.add(task);
    }
}
