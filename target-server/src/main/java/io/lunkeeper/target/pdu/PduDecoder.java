package io.lunkeeper.target.pdu;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/// Cuts the byte stream of one connection into [RequestPdu]s. Confined to the connection's thread.
///
/// Bounds are checked on the 48 bytes of the basic header segment, before anybody allocates room
/// for what they announce.
public final class PduDecoder {

    /// Before login completes, and for any login or text PDU after it: RFC 7143 13.12
    /// MaxRecvDataSegmentLength has 8192 as its default.
    public static final int DEFAULT_MAX_DATA_SEGMENT_BYTES = 8192;

    /// Digests off, [#DEFAULT_MAX_DATA_SEGMENT_BYTES].
    public PduDecoder() {}

    /// Sets what login negotiated; counts from the next PDU on.
    public void negotiated(boolean headerDigest, boolean dataDigest, int maxRecvDataSegmentBytes) {}

    /// How many more bytes than are readable in the last `in` the next PDU needs at least, as far
    /// as its header tells: for sizing the receive buffer. At least 1 after [#next] gave null.
    public int missingBytes() {
        return 48;
    }

    /// Takes the next PDU from `in`, whose reader index moves past it.
    ///
    /// @return null when `in` does not hold a whole PDU yet; its reader index has not moved
    /// @throws MalformedPduException when the bytes are no acceptable PDU
    public @Nullable RequestPdu next(ByteBuf in) throws MalformedPduException {
        if (in.isReadable()) {
            throw new MalformedPduException("not built yet", 0, new byte[48], true);
        }
        return null;
    }
}
