package io.lunkeeper.target.pdu;

import io.netty.buffer.ByteBuf;
import java.util.zip.CRC32C;

/// RFC 7143 13.1 HeaderDigest and DataDigest: the CRC32C of a run of bytes. Confined to one thread;
/// reused to leave no garbage.
///
/// A digest lies on the wire with its least significant byte first, as the examples of RFC 7143
/// Appendix A.4 CRC Examples show.
final class Digest {
    private final CRC32C crc = new CRC32C();

    /// The digest of `length` bytes from the absolute `index` on.
    ///
    /// The view is a fresh one and not the buffer's internal one: the latter belongs to all slices
    /// of a buffer together, and slices of a receive buffer are in use on other threads.
    int of(ByteBuf bytes, int index, int length) {
        crc.reset();
        crc.update(bytes.nioBuffer(index, length));
        return (int) crc.getValue();
    }

    /// Whether the digest that follows `length` bytes from `index` on is theirs.
    boolean holds(ByteBuf bytes, int index, int length) {
        return bytes.getIntLE(index + length) == of(bytes, index, length);
    }
}
