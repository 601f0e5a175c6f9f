package io.lunkeeper.target.isns;

import java.nio.ByteBuffer;

/// A message to a server (RFC 4171 5.1 iSNS Protocol Header).
///
/// @param replaces whether what is registered takes the place of all that was (RFC 4171 5.1.4 iSNSP
///   Flags, replace)
/// @param payload source, message key and operating attributes
record Request(Function function, boolean replaces, ByteBuffer payload) {
    static final int HEADER_BYTES = 12;
    static final int VERSION = 1;

    private static final int FROM_CLIENT = 0x8000;
    private static final int REPLACE = 0x1000;
    static final int LAST_PDU = 0x0800;
    static final int FIRST_PDU = 0x0400;

    /// What is asked for (RFC 4171 5.6 iSNSP Response and Request Messages, table of IDs).
    enum Function {
        REGISTER(0x0001, "DevAttrReg"),
        QUERY(0x0002, "DevAttrQry"),
        DEREGISTER(0x0004, "DevDereg");

        final int id;

        /// As the RFC writes it.
        final String word;

        Function(int id, String word) {
            this.id = id;
            this.word = word;
        }
    }

    /// The whole message, one PDU.
    ///
    /// @param transaction what the response will have
    ByteBuffer encode(int transaction) {
        int flags = FROM_CLIENT | LAST_PDU | FIRST_PDU | (replaces ? REPLACE : 0);
        return ByteBuffer.allocate(HEADER_BYTES + payload.remaining())
                .putShort((short) VERSION)
                .putShort((short) function.id)
                .putShort((short) payload.remaining())
                .putShort((short) flags)
                .putShort((short) transaction)
                .putShort((short) 0)
                .put(payload.duplicate())
                .flip();
    }
}
