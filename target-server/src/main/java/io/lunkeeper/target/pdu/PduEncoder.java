package io.lunkeeper.target.pdu;

import static io.lunkeeper.target.pdu.BasicHeaderSegment.DIGEST_BYTES;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/// Frames [ResponsePdu]s in place. Confined to the connection's thread.
///
/// A PDU is one buffer: [#allocate] leaves room for the header, the caller appends the data
/// segment, [#encode] fills in the header in front of it, the padding and the digests behind it.
public final class PduEncoder {
    private final Digest digest = new Digest();
    private boolean headerDigest;
    private boolean dataDigest;

    /// Digests off.
    public PduEncoder() {}

    /// Sets what login negotiated; counts from the next PDU on. No buffer may lie between
    /// [#allocate] and [#encode] meanwhile: the final Login Response is encoded before.
    public void negotiated(boolean headerDigest, boolean dataDigest) {
        this.headerDigest = headerDigest;
        this.dataDigest = dataDigest;
    }

    /// A buffer whose writer index stands where the data segment begins, with room for `dataBytes`
    /// of it, padding and digests. More data than that makes it grow.
    public ByteBuf allocate(ByteBufAllocator allocator, int dataBytes) {
        int room = headerRoom();
        ByteBuf pdu =
                allocator.directBuffer(room + BasicHeaderSegment.padded(dataBytes) + DIGEST_BYTES);
        return pdu.writerIndex(room);
    }

    /// Bytes of data segment in a buffer made by [#allocate] so far.
    public int dataBytes(ByteBuf pdu) {
        return pdu.readableBytes() - headerRoom();
    }

    /// Completes the PDU: everything between the room for the header and the writer index of `pdu`
    /// is its data segment, at most 2^24 - 1 bytes.
    public void encode(ResponsePdu header, ByteBuf pdu) {
        int dataBytes = dataBytes(pdu);
        ResponseFields.write(header, dataBytes, pdu, pdu.readerIndex());
        close(pdu, dataBytes);
    }

    /// The same for a PDU that is sent again: the command window is not that of `header` but of now
    /// (RFC 7143 11.16 SNACK Request).
    public void encodeAgain(ResponsePdu header, int expCmdSn, int maxCmdSn, ByteBuf pdu) {
        int dataBytes = dataBytes(pdu);
        ResponseFields.write(header, dataBytes, pdu, pdu.readerIndex());
        ResponseFields.window(pdu, pdu.readerIndex(), expCmdSn, maxCmdSn);
        close(pdu, dataBytes);
    }

    /// The data segment of a PDU that is complete: a view, good as long as `pdu` is.
    public ByteBuf data(ByteBuf pdu) {
        int at = pdu.readerIndex();
        int dataBytes =
                pdu.getInt(at + BasicHeaderSegment.LENGTHS)
                        & BasicHeaderSegment.DATA_SEGMENT_LENGTH_MASK;
        return pdu.slice(at + headerRoom(), dataBytes);
    }

    private void close(ByteBuf pdu, int dataBytes) {
        assert dataBytes >= 0 && dataBytes <= BasicHeaderSegment.DATA_SEGMENT_LENGTH_MASK;
        int at = pdu.readerIndex();
        if (headerDigest) {
            pdu.setIntLE(
                    at + BasicHeaderSegment.BYTES, digest.of(pdu, at, BasicHeaderSegment.BYTES));
        }
        if (dataBytes == 0) {
            return;
        }
        int paddedBytes = BasicHeaderSegment.padded(dataBytes);
        pdu.writeZero(paddedBytes - dataBytes);
        if (dataDigest) {
            pdu.writeIntLE(digest.of(pdu, at + headerRoom(), paddedBytes));
        }
    }

    private int headerRoom() {
        return BasicHeaderSegment.BYTES + (headerDigest ? DIGEST_BYTES : 0);
    }
}
