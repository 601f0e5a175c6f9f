package io.lunkeeper.target.session;

import io.lunkeeper.target.login.TextNegotiation;
import io.lunkeeper.target.pdu.ResponsePdu;
import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/// One connection as its session uses it: what RFC 7143 numbers and declares per connection, and
/// the turns of the tasks that send on it (4.2.5.1 Command Connection Allegiance: data and status
/// of a command go the way it came). Confined to the session's thread.
final class Link {
    /// Data-In bytes fetched or queued for one connection before the next PDU is made. Enough to
    /// keep a fast socket busy and a disk at depth; all that a stalled reader can pin. They go to
    /// the socket by as few writes as can be: each wakes the reader, and two processors that work
    /// on one socket by turns hinder each other.
    static final long MAX_UNSENT_BYTES = 2 << 20;

    private final Transport transport;
    private final int cid;
    private final ArrayDeque<Task> senders = new ArrayDeque<>();
    private int statSn;
    private int acknowledged;
    private int pings;
    private long fetchingBytes;
    private boolean producing;
    private @Nullable TextNegotiation text;
    private int initiatorSegmentBytes;
    private boolean leaving;
    private boolean gone;

    Link(Transport transport, int cid, int firstStatSn) {
        this.transport = transport;
        this.cid = cid;
        this.statSn = firstStatSn;
        this.acknowledged = firstStatSn;
    }

    Transport transport() {
        return transport;
    }

    /// RFC 7143 11.12.7 CID.
    int cid() {
        return cid;
    }

    // ---- numbers

    /// The StatSN for a PDU that carries status, which advances it (RFC 7143 4.2.2.2).
    int takeStatSn() {
        return statSn++;
    }

    /// The next StatSN, for a PDU that only shows it.
    int peekStatSn() {
        return statSn;
    }

    /// The initiator has everything before this StatSN.
    void acknowledge(int expStatSn) {
        SerialNumber now = new SerialNumber(expStatSn);
        boolean sent = !new SerialNumber(statSn).precedes(now);
        if (sent && new SerialNumber(acknowledged).precedes(now)) {
            acknowledged = expStatSn;
        }
    }

    /// Whether the initiator is known to have everything before this StatSN.
    boolean hasAcknowledged(int number) {
        return !new SerialNumber(acknowledged).precedes(new SerialNumber(number));
    }

    /// A Target Transfer Tag for a ping: any but the reserved one (RFC 7143 11.19).
    int nextPing() {
        return pings++ & 0x7fffffff;
    }

    // ---- what the initiator declared

    /// The full-feature phase begins here.
    void enter(TextNegotiation negotiation) {
        text = negotiation;
        initiatorSegmentBytes = negotiation.maxDataSegmentBytes();
    }

    /// What the initiator takes in one PDU; it may declare another MaxRecvDataSegmentLength at any
    /// time (RFC 7143 13.12).
    int initiatorSegmentBytes() {
        return initiatorSegmentBytes;
    }

    void initiatorSegmentBytes(int bytes) {
        initiatorSegmentBytes = bytes;
    }

    /// The text exchange of this connection.
    TextNegotiation text() {
        if (text == null) {
            throw new IllegalStateException("not in the full-feature phase");
        }
        return text;
    }

    // ---- its end

    /// It is logged out, by request or since another takes its place: its commands are not carried
    /// out any more.
    void leave() {
        leaving = true;
    }

    boolean leaving() {
        return leaving;
    }

    /// Its socket is closed.
    void gone() {
        gone = true;
    }

    boolean isGone() {
        return gone;
    }

    // ---- PDUs

    ByteBuf allocate(int dataBytes) {
        return transport.encoder().allocate(transport.allocator(), dataBytes);
    }

    /// Sends a PDU without data segment.
    void send(ResponsePdu header) {
        send(header, allocate(0));
    }

    /// Sends a PDU whose data segment is in `pdu` already.
    void send(ResponsePdu header, ByteBuf pdu) {
        transport.encoder().encode(header, pdu);
        transport.send(pdu);
    }

    // ---- turns to send

    /// The task has a Data-In PDU to make.
    void readyToSend(Task task) {
        senders.add(task);
    }

    /// The task makes none for the time being.
    void notReadyToSend(Task task) {
        senders.remove(task);
    }

    /// Data-In bytes being fetched by I/O threads have changed.
    void fetching(int bytes) {
        fetchingBytes += bytes;
    }

    /// Makes Data-In PDUs, task by task in turn, while there is room for them.
    void produce() {
        if (producing) {
            return;
        }
        producing = true;
        try {
            Task task = senders.peek();
            while (task != null && fetchingBytes + transport.queuedBytes() < MAX_UNSENT_BYTES) {
                senders.remove();
                if (task.sendNext()) {
                    senders.add(task);
                }
                task = senders.peek();
            }
        } finally {
            producing = false;
        }
    }
}
