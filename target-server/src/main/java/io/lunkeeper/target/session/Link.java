package io.lunkeeper.target.session;

import io.lunkeeper.target.pdu.ResponsePdu;
import io.netty.buffer.ByteBuf;

/// One connection as its session uses it: the place of everything that RFC 7143 numbers per
/// connection.
final class Link {
    private final Transport transport;
    private final int cid;
    private int statSn;

    Link(Transport transport, int cid, int firstStatSn) {
        this.transport = transport;
        this.cid = cid;
        this.statSn = firstStatSn;
    }

    Transport transport() {
        return transport;
    }

    /// RFC 7143 11.12.7 CID.
    int cid() {
        return cid;
    }

    /// The StatSN for a PDU that carries status, which advances it (RFC 7143 4.2.2.2).
    int takeStatSn() {
        return statSn++;
    }

    /// The next StatSN, for a PDU that only shows it.
    int peekStatSn() {
        return statSn;
    }

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
}
