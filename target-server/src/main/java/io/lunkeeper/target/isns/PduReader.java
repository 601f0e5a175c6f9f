package io.lunkeeper.target.isns;

import java.nio.ByteBuffer;
import java.util.Optional;

/// Finds the PDUs in what a connection brings (RFC 4171 5.1 iSNS Protocol Header). Holds the
/// largest that there can be, and never more.
final class PduReader {
    private static final int MAX_PDU_BYTES = Request.HEADER_BYTES + 0xffff;

    private final ByteBuffer received = ByteBuffer.allocate(MAX_PDU_BYTES);

    /// Where the next bytes go; there is room whenever [#next] has nothing more.
    ByteBuffer room() {
        return received;
    }

    /// Another connection begins.
    void clear() {
        received.clear();
    }

    /// The next response that is there as a whole; what is not for us is passed over.
    ///
    /// @throws MalformedMessageException when the bytes make no sense; the connection is of no use
    ///   then
    Optional<Response> next() throws MalformedMessageException {
        Optional<Response> response = Optional.empty();
        while (response.isEmpty() && isWhole()) {
            int pduBytes = Request.HEADER_BYTES + lengthBytes();
            received.flip();
            ByteBuffer pdu = received.slice(0, pduBytes);
            try {
                response = Response.decode(pdu);
            } finally {
                received.position(pduBytes);
                received.compact();
            }
        }
        return response;
    }

    private boolean isWhole() throws MalformedMessageException {
        if (received.position() < Request.HEADER_BYTES) {
            return false;
        }
        int version = Short.toUnsignedInt(received.getShort(0));
        if (version != Request.VERSION) {
            throw new MalformedMessageException("version " + version);
        }
        if (lengthBytes() % Integer.BYTES != 0) {
            throw new MalformedMessageException("a PDU of " + lengthBytes() + " bytes");
        }
        return received.position() >= Request.HEADER_BYTES + lengthBytes();
    }

    private int lengthBytes() {
        return Short.toUnsignedInt(received.getShort(4));
    }
}
