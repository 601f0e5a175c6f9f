package io.lunkeeper.target.pdu;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/// What the additional header segments of a SCSI Command add to it: RFC 7143 11.2.2 Additional
/// Header Segment (AHS).
///
/// The Expected Bidirectional Read Data Length is checked and left alone: a command that moves data
/// both ways is told by its R and W bits, and this target has none.
final class ExtendedCdb {

    /// Longest chain with a use: SPC-4 4.2.3 "The variable length CDB formats" ends at 260 bytes of
    /// CDB, of which 244 are in an AHS of 248; the Expected Bidirectional Read Data Length takes
    /// another 8.
    static final int MAX_AHS_BYTES = 256;

    static final int CDB_BYTES = 16;

    private static final int LENGTH = 0;
    private static final int TYPE = 2;
    private static final int SPECIFIC = 3;
    private static final int TYPE_MASK = 0x3f;
    private static final int EXTENDED_CDB = 1;
    private static final int BIDIRECTIONAL_READ_LENGTH = 2;

    /// The reserved byte and the four of the length.
    private static final int BIDIRECTIONAL_READ_LENGTH_BYTES = 5;

    private ExtendedCdb() {}

    /// The CDB of the command whose first 16 bytes lie at `cdb` and whose AHS lie at `ahs`. Bytes
    /// that do not lie together in `in` are copied: at most 260, and no command of block devices.
    ///
    /// @return null when the chain of segments is not exactly `ahsBytes` long, repeats a type or
    ///   has one that is reserved
    static @Nullable ByteBuf read(ByteBuf in, int cdb, int ahs, int ahsBytes) {
        int extension = 0;
        int extensionBytes = 0;
        int typesSeen = 0;
        int at = ahs;
        int end = ahs + ahsBytes;
        while (at < end) {
            int type = in.getByte(at + TYPE) & TYPE_MASK;
            int length = in.getUnsignedShort(at + LENGTH);
            int next = at + BasicHeaderSegment.padded(SPECIFIC + length);
            if (next > end || !allows(type, length) || (typesSeen & (1 << type)) != 0) {
                return null;
            }
            typesSeen |= 1 << type;
            if (type == EXTENDED_CDB) {
                extension = at + SPECIFIC + 1;
                extensionBytes = length - 1;
            }
            at = next;
        }
        if (extensionBytes == 0) {
            return in.slice(cdb, CDB_BYTES);
        }
        byte[] whole = new byte[CDB_BYTES + extensionBytes];
        in.getBytes(cdb, whole, 0, CDB_BYTES);
        in.getBytes(extension, whole, CDB_BYTES, extensionBytes);
        return Unpooled.wrappedBuffer(whole);
    }

    /// Both types count the byte after AHSType as the first of their length.
    private static boolean allows(int type, int length) {
        return switch (type) {
            case EXTENDED_CDB -> length > 1;
            case BIDIRECTIONAL_READ_LENGTH -> length == BIDIRECTIONAL_READ_LENGTH_BYTES;
            default -> false;
        };
    }
}
