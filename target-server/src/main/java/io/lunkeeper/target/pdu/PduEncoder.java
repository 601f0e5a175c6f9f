package io.lunkeeper.target.pdu;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/// Frames [ResponsePdu]s in place. Confined to the connection's thread.
///
/// A PDU is one buffer: [#allocate] leaves room for the header, the caller appends the data
/// segment, [#encode] fills in the header in front of it, the padding and the digests behind it.
public final class PduEncoder {

    /// Digests off.
    public PduEncoder() {}

    /// Sets what login negotiated; counts from the next PDU on.
    public void negotiated(boolean headerDigest, boolean dataDigest) {}

    /// A buffer whose writer index stands where the data segment begins, with room for `dataBytes`
    /// of it, padding and digests.
    public ByteBuf allocate(ByteBufAllocator allocator, int dataBytes) {
        return allocator.directBuffer(48 + dataBytes + 12);
    }

    /// Bytes of data segment in a buffer made by [#allocate] so far.
    public int dataBytes(ByteBuf pdu) {
        return pdu.readableBytes() - 48;
    }

    /// Completes the PDU: everything between the room for the header and the writer index of `pdu`
    /// is its data segment.
    public void encode(ResponsePdu header, ByteBuf pdu) {}
}
