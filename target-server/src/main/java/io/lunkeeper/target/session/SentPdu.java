package io.lunkeeper.target.session;

import io.lunkeeper.target.pdu.ResponsePdu;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/// A PDU that the initiator may ask for again: a response with a StatSN, or a Data-In. It keeps the
/// memory of its data until [#release]. It belongs to no connection, so another one can send it.
/// Confined to the session's thread.
final class SentPdu {
    private ResponsePdu header;
    private ByteBuf data;
    private boolean waiting;
    private boolean released;

    /// @param data its data segment, which stays the caller's: the PDU has a claim of its own
    SentPdu(ResponsePdu header, ByteBuf data) {
        this.header = header;
        this.data = data.isReadable() ? data.retainedSlice() : Unpooled.EMPTY_BUFFER;
    }

    /// As it was sent; ExpCmdSN and MaxCmdSN are those of then.
    ResponsePdu header() {
        return header;
    }

    /// Empty once it is released.
    ByteBuf data() {
        return data;
    }

    int bytes() {
        return data.readableBytes();
    }

    /// From now on this is sent in its place.
    void become(ResponsePdu other) {
        header = other;
    }

    /// Takes a place in the queue of those that are to be sent again.
    ///
    /// @return false when it has one already, or is released
    boolean enqueue() {
        boolean fresh = !waiting && !released;
        waiting = true;
        return fresh;
    }

    /// Its turn in that queue has come.
    ///
    /// @return false when it is released meanwhile
    boolean dequeue() {
        waiting = false;
        return !released;
    }

    boolean isReleased() {
        return released;
    }

    /// The initiator has it, or will never have it. May be called again.
    void release() {
        if (!released) {
            released = true;
            data.release();
            data = Unpooled.EMPTY_BUFFER;
        }
    }
}
