package io.lunkeeper.target.net;

import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.PduDecoder;
import io.lunkeeper.target.pdu.PduEncoder;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.session.IscsiConnection;
import io.lunkeeper.target.session.RejectedPduException;
import io.lunkeeper.target.session.Transport;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// One TCP connection on its event loop. Reads into pooled buffers, cuts them into PDUs, writes
/// queued PDUs gathered. Confined to the loop's thread but for [#execute]. It may change its loop
/// while it logs in, before anybody else knows it.
///
/// An idle connection holds no buffer. A receive buffer is given up as soon as somebody keeps a
/// slice of it: what the slice's owner still needs is never read over.
final class Connection implements Transport, EventLoop.Ready {
    private static final Logger LOG = LogManager.getLogger(Connection.class);

    /// Room for many small commands, or the beginning of a large one.
    static final int RECEIVE_BUFFER_BYTES = 64 << 10;

    /// PDUs from this size on come one after the other, mostly of one size: the buffer holds a
    /// number of them exactly, since a part of one would have to be copied to the next buffer.
    private static final int LARGE_PDU_BYTES = 16 << 10;

    /// What a buffer for large PDUs holds about, more when one alone is larger.
    private static final int LARGE_BUFFER_BYTES = 256 << 10;

    /// The same for a peer that has not logged in: a login request of 8 KiB and its header. This is
    /// what each of a crowd of strangers can make us hold.
    static final int LOGIN_BUFFER_BYTES = 10 << 10;

    /// Reads per turn before other connections have theirs.
    private static final int READS_PER_TURN = 4;

    /// Queued PDUs that are written before the turn ends, when no other connection has the peer
    /// busy: it takes them, and sends more, while the rest of what it asked for is being made.
    /// Fewer would cost it a wake-up too many; large PDUs are never so many.
    private static final int PDUS_WRITTEN_AHEAD = 24;

    /// Of a peer for whom more is queued nothing is read: one that asks and does not take the
    /// answers would make us hold them without end. More than Data-In under way ever is.
    static final long MAX_QUEUED_BYTES = 4 << 20;

    /// How long a peer may take to read our last words.
    private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(5);

    private EventLoop loop;
    private final SocketChannel channel;
    private final String peer;
    private SelectionKey key;
    private final PduDecoder decoder = new PduDecoder();
    private final PduEncoder encoder = new PduEncoder();
    private final Outbound outbound = new Outbound();
    private final IscsiConnection protocol;
    private final Admission.Pass pass;
    private @Nullable ByteBuf received;
    private int bufferBytes = LOGIN_BUFFER_BYTES;
    private boolean loggedIn;
    private boolean flushPending;
    private boolean readingPaused;
    private @Nullable String closeReason;
    private long closeDeadline;
    private boolean disconnected;

    /// On its way to another loop: nothing is read.
    private boolean moving;

    /// Registers the channel with the loop. Called on the loop's thread.
    ///
    /// @param pass told of the login and of the end
    Connection(
            EventLoop loop,
            SocketChannel channel,
            String peer,
            Portal.SiteFor site,
            Admission.Pass pass)
            throws IOException {
        this.loop = loop;
        this.channel = channel;
        this.peer = peer;
        this.pass = pass;
        this.protocol =
                new IscsiConnection(
                        this,
                        site.connection(channel.getLocalAddress(), channel.getRemoteAddress()),
                        loop.nowNanos());
        this.key = channel.register(loop.selector(), SelectionKey.OP_READ, this);
    }

    // ---- readiness

    @Override
    public void ready(SelectionKey ready) {
        if (ready.isValid() && ready.isReadable()) {
            readSome();
        }
        if (ready.isValid() && ready.isWritable()) {
            flush();
        }
    }

    /// Reads without having been told that there is something.
    ///
    /// @return whether there was
    boolean readMore() {
        return wantsToRead() && readSome();
    }

    private boolean readSome() {
        try {
            return read();
        } catch (IOException broken) {
            broke(broken);
        } catch (RuntimeException | Error bug) {
            broke(bug);
        }
        return true;
    }

    private void broke(IOException fault) {
        disconnect(fault.getMessage() == null ? "connection broken" : fault.getMessage());
    }

    /// A bug, or memory that has run out, costs this connection and no other.
    private void broke(Throwable bug) {
        if (pass.logs()) {
            LOG.error("{}: connection closed after an internal error", peer, bug);
        }
        disconnect("internal error");
    }

    /// @return whether there was something, if only the end
    private boolean read() throws IOException {
        boolean something = false;
        for (int reads = 0; reads < READS_PER_TURN && !disconnected && !moving; reads++) {
            ByteBuf into = receiveBuffer();
            int room = into.writableBytes();
            int got = into.writeBytes(channel, room);
            if (got < 0) {
                disconnect("closed by the peer");
                return true;
            }
            something |= got > 0;
            if (closeReason != null) {
                into.clear();
            } else {
                decode(into);
            }
            giveBack();
            if (got < room || !wantsToRead()) {
                break;
            }
        }
        return something;
    }

    /// A buffer with room for at least the rest of the PDU that has begun.
    private ByteBuf receiveBuffer() {
        ByteBuf current = received;
        if (current == null) {
            current = allocator().directBuffer(bufferBytes);
            received = current;
            return current;
        }
        int missing = Math.max(1, decoder.missingBytes());
        if (current.refCnt() == 1 && current.writableBytes() >= missing) {
            return current;
        }
        int rest = current.readableBytes();
        ByteBuf larger = allocator().directBuffer(Math.max(bufferBytes, rest + missing));
        larger.writeBytes(current, current.readerIndex(), rest);
        current.release();
        received = larger;
        return larger;
    }

    /// The next buffer is made for PDUs like this one.
    private void expectMore(int pduBytes) {
        if (loggedIn) {
            bufferBytes =
                    pduBytes < LARGE_PDU_BYTES
                            ? RECEIVE_BUFFER_BYTES
                            : Math.max(1, LARGE_BUFFER_BYTES / pduBytes) * pduBytes;
        }
    }

    /// Keeps the buffer only while it holds the beginning of a PDU.
    private void giveBack() {
        if (received != null && !received.isReadable()) {
            received.release();
            received = null;
        }
    }

    private void decode(ByteBuf in) {
        while (closeReason == null && !disconnected && !moving) {
            int start = in.readerIndex();
            try {
                RequestPdu pdu = decoder.next(in);
                if (pdu == null) {
                    return;
                }
                loop.received();
                receive(pdu, in, start);
                expectMore(in.readerIndex() - start);
            } catch (MalformedPduException fault) {
                pass.malformedPdu();
                if (pass.logs()) {
                    LOG.warn("{}: {}", peer, fault.getMessage());
                }
                protocol.malformed(fault);
            }
        }
    }

    private void receive(RequestPdu pdu, ByteBuf in, int start) throws MalformedPduException {
        try {
            protocol.receive(pdu, loop.nowNanos());
        } catch (RejectedPduException refused) {
            pass.rejectedPdu();
            if (pass.logs()) {
                LOG.warn("{}: rejected: {}", peer, refused.getMessage());
            }
            byte[] header = new byte[PduDecoder.HEADER_BYTES];
            in.getBytes(start, header);
            protocol.reject(refused, header);
        }
    }

    // ---- writing

    @Override
    public void send(ByteBuf pdu) {
        if (closeReason != null || disconnected) {
            pdu.release();
            return;
        }
        outbound.add(pdu);
        if (outbound.queuedPdus() >= PDUS_WRITTEN_AHEAD
                && loop.servesOne()
                && !outbound.blocked()) {
            writeQueued();
        }
        flushAtEndOfTurn();
    }

    private void flushAtEndOfTurn() {
        if (!flushPending) {
            flushPending = true;
            loop.flushLater(this);
        }
    }

    /// Writes what the socket takes; asks to be told when it takes more.
    void flush() {
        flushPending = false;
        if (disconnected) {
            return;
        }
        try {
            flushQueued();
        } catch (RuntimeException | Error bug) {
            broke(bug);
        }
    }

    private void flushQueued() {
        writeQueued();
        if (!disconnected && !outbound.blocked()) {
            // Whoever waited for room goes on; what comes of it has a flush of its own.
            protocol.writable();
        }
        updateInterest();
        if (closeReason != null && !disconnected && outbound.queuedBytes() == 0) {
            lastWord();
        }
    }

    private void writeQueued() {
        try {
            outbound.writeTo(channel);
        } catch (IOException broken) {
            broke(broken);
        }
    }

    /// One that is to be closed is read to its end, for nothing.
    private boolean wantsToRead() {
        return closeReason != null
                || (!readingPaused && outbound.queuedBytes() <= MAX_QUEUED_BYTES);
    }

    private void updateInterest() {
        if (disconnected) {
            return;
        }
        int ops =
                (wantsToRead() ? SelectionKey.OP_READ : 0)
                        | (outbound.blocked() ? SelectionKey.OP_WRITE : 0);
        if (key.interestOps() != ops) {
            key.interestOps(ops);
        }
    }

    // ---- the session's side

    @Override
    public PduEncoder encoder() {
        return encoder;
    }

    @Override
    public ByteBufAllocator allocator() {
        return PooledByteBufAllocator.DEFAULT;
    }

    @Override
    public long queuedBytes() {
        return outbound.queuedBytes();
    }

    @Override
    public void negotiated(boolean headerDigest, boolean dataDigest, int maxRecvDataSegmentBytes) {
        loggedIn = true;
        pass.loggedIn();
        bufferBytes = RECEIVE_BUFFER_BYTES;
        decoder.negotiated(headerDigest, dataDigest, maxRecvDataSegmentBytes);
        encoder.negotiated(headerDigest, dataDigest);
        // RFC 7143 allows the initiator to go on at once: its bytes may be here already.
        if (received != null) {
            loop.execute(this::decodeRest);
        }
    }

    private void decodeRest() {
        if (received != null && !disconnected) {
            decode(received);
            giveBack();
        }
    }

    @Override
    public void moveTo(Transport neighbour, Runnable arrived) {
        EventLoop to = ((Connection) neighbour).loop;
        if (to == loop) {
            arrived.run();
        } else {
            moving = true;
            loop.execute(() -> leaveFor(to, arrived));
        }
    }

    /// After the sockets of a turn were served, so that nothing of this connection is under way.
    private void leaveFor(EventLoop to, Runnable arrived) {
        if (disconnected) {
            return;
        }
        key.cancel();
        loop.forget(this);
        flushPending = false;
        to.expectConnection();
        to.execute(() -> arrive(to, arrived));
    }

    private void arrive(EventLoop at, Runnable arrived) {
        loop = at;
        loop.add(this);
        moving = false;
        try {
            key = channel.register(loop.selector(), SelectionKey.OP_READ, this);
            flushAtEndOfTurn();
            arrived.run();
            decodeRest();
        } catch (IOException closed) {
            disconnect("connection broken");
        } catch (RuntimeException | Error bug) {
            broke(bug);
        }
    }

    @Override
    public void pauseReading(boolean paused) {
        readingPaused = paused;
        updateInterest();
    }

    @Override
    public void close(String reason) {
        if (closeReason == null && !disconnected) {
            closeReason = reason;
            closeDeadline = loop.nowNanos() + LINGER_NANOS;
            flushAtEndOfTurn();
        }
    }

    @Override
    public void atNextTick(Runnable work) {
        loop.atNextTick(guarded(work));
    }

    @Override
    public void keepPlace(Runnable giveWay) {
        pass.keep(giveWay);
    }

    @Override
    public void leavePlace() {
        pass.leave();
    }

    @Override
    public String peer() {
        return peer;
    }

    @Override
    public void execute(Runnable task) {
        loop.execute(guarded(task));
    }

    private Runnable guarded(Runnable work) {
        return () -> {
            try {
                work.run();
            } catch (RuntimeException | Error bug) {
                broke(bug);
            }
        };
    }

    // ---- the end

    void tick() {
        if (closeReason != null && loop.nowNanos() - closeDeadline > 0) {
            disconnect(closeReason);
        } else if (closeReason == null) {
            try {
                protocol.tick(loop.nowNanos());
            } catch (RuntimeException | Error bug) {
                broke(bug);
            }
        }
    }

    /// All is said: tells the peer so and waits for it to hang up, since closing with unread bytes
    /// would reset the connection and could take our last PDU with it.
    private void lastWord() {
        try {
            channel.shutdownOutput();
        } catch (IOException broken) {
            disconnect(closeReason == null ? "connection broken" : closeReason);
        }
    }

    /// Closes the socket now and lets go of everything.
    void disconnect(String reason) {
        if (disconnected) {
            return;
        }
        disconnected = true;
        if (pass.logs()) {
            LOG.info("{}: disconnected: {}", peer, closeReason != null ? closeReason : reason);
        }
        loop.remove(this);
        key.cancel();
        outbound.release();
        if (received != null) {
            received.release();
            received = null;
        }
        try {
            channel.close();
        } catch (IOException broken) {
            LOG.debug("{}: close failed", peer, broken);
        }
        try {
            protocol.disconnected();
        } finally {
            pass.end();
        }
    }
}
