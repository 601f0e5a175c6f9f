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

    /// Runs work on this thread once, within about a second, but not before another second has
    /// begun. A connection that is closed does so too.
    void atNextTick(Runnable work);

    /// Closed or not, it goes on counting as a connection, until [#leavePlace]: its session keeps
    /// what it had.
    ///
    /// @param giveWay called, from any thread, when the place was given to another connection
    void keepPlace(Runnable giveWay);

    /// Counts as a connection only while its socket is open, as before [#keepPlace].
    void leavePlace();

    /// Makes the thread of another connection this one's too, as all connections of a session have
    /// one. Nothing is received until `arrived` has run, there.
    void moveTo(Transport neighbour, Runnable arrived);

    /// The peer's address, for messages; from any thread.
    String peer();
}
