package io.lunkeeper.target.session;

import io.lunkeeper.target.pdu.PduEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.concurrent.Executor;

/// What an [IscsiConnection] needs of the socket below it. All calls but [#execute] and [#peer]
/// come from the connection's own thread; `execute` runs work there and may be called from
/// anywhere.
public interface Transport extends Executor {

    /// Frames PDUs with the digests that this connection negotiated.
    PduEncoder encoder();

    /// Pooled direct buffers.
    ByteBufAllocator allocator();

    /// Queues a complete PDU and takes ownership of it. It leaves at the latest when the thread's
    /// turn ends. Dropped when the connection is closing.
    void send(ByteBuf pdu);

    /// Bytes handed to [#send] that the socket has not taken yet.
    long queuedBytes();

    /// What login agreed on, for both directions, from the next PDU on.
    void negotiated(boolean headerDigest, boolean dataDigest, int maxRecvDataSegmentBytes);

    /// Stops or resumes taking bytes from the socket: back-pressure towards the initiator.
    void pauseReading(boolean paused);

    /// Sends what is queued, then closes. `reason` is for the log; the first one counts.
    void close(String reason);

    /// Makes the thread of another connection this one's too, as all connections of a session have
    /// one. Nothing is received until `arrived` has run, there.
    void moveTo(Transport neighbour, Runnable arrived);

    /// The peer's address, for messages; from any thread.
    String peer();
}
