package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.RangeWatches;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.List;

/// What a ROD token stands for: blocks of one logical unit as they were when it was made (SPC-4,
/// ROD token format; point in time copy - change vulnerable). It holds no data: once a block of it
/// has been written the token is worth nothing.
///
/// Its last 64 bytes are random, so it cannot be guessed, and it counts only as a whole.
final class RodToken {
    static final int BYTES = 512;
    static final int LENGTH_BYTE = 6;
    static final int LENGTH = BYTES - 8;
    static final int IDENTIFIER_BYTE = 8;

    /// Point in time copy - change vulnerable.
    static final int CHANGE_VULNERABLE = 0x0080_0001;

    /// Block device zero ROD token: stands for zeros, as many as are wanted.
    static final int ZERO = 0xffff_0001;

    // SPC-4, ROD token format; SBC-3, Block device ROD token.
    private static final int CREATOR_BYTE = 16;
    private static final int NUMBER_OF_BYTES_BYTE = 56;
    private static final int DEVICE_SPECIFIC_BYTE = 96;
    private static final int TARGET_DEVICE_BYTE = 128;
    private static final int SECRET_BYTES = 64;

    private final String port;
    private final Content content;
    private final long timeoutNanos;
    private final byte[] bytes;

    // Guarded by whoever keeps it.
    private long usedNanos;
    private int users;
    private boolean deleted;

    /// The data of a token.
    ///
    /// @param watch of the ranges, which the token ends with its life
    record Content(LogicalUnit source, List<BlockRange> ranges, RangeWatches.Watch watch) {
        long blocks() {
            return ranges.stream().mapToLong(BlockRange::blocks).sum();
        }
    }

    /// @param port the initiator port that asked for it
    /// @param bytes as it goes on the wire
    RodToken(String port, Content content, long timeoutNanos, byte[] bytes) {
        this.port = port;
        this.content = content;
        this.timeoutNanos = timeoutNanos;
        this.bytes = bytes;
    }

    /// The wire form of a new token.
    static byte[] bytes(String targetName, Content content, long identifier) {
        LogicalUnit source = content.source;
        ByteBuffer token = ByteBuffer.allocate(BYTES);
        token.putInt(0, CHANGE_VULNERABLE).putShort(LENGTH_BYTE, (short) LENGTH);
        token.putLong(IDENTIFIER_BYTE, identifier);
        token.put(CREATOR_BYTE, CscdDescriptor.of(source));
        token.putLong(NUMBER_OF_BYTES_BYTE, source.bytes(content.blocks()));
        token.put(DEVICE_SPECIFIC_BYTE, source.capacityData(), Long.BYTES, 24);
        token.put(TARGET_DEVICE_BYTE, DeviceIdentification.targetDevice(targetName));
        byte[] secret = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(secret);
        return token.put(BYTES - SECRET_BYTES, secret).array();
    }

    String port() {
        return port;
    }

    Content content() {
        return content;
    }

    /// As it goes on the wire, a copy.
    byte[] bytes() {
        return bytes.clone();
    }

    /// Whether this is it, found out in a time that does not tell how much of it is right.
    boolean is(byte[] presented) {
        return MessageDigest.isEqual(bytes, presented);
    }

    /// Whether its blocks are as they were. To be asked after they were read.
    boolean unchanged() {
        return content.watch.unchanged();
    }

    boolean expired(long nowNanos) {
        return users == 0 && nowNanos - usedNanos > timeoutNanos;
    }

    boolean inUse() {
        return users > 0;
    }

    /// Somebody begins or ends to use it.
    void used(long nowNanos, int more) {
        users += more;
        usedNanos = nowNanos;
        endWhenUnused();
    }

    /// It is not to be had any more; who uses it may go on.
    void delete() {
        deleted = true;
        endWhenUnused();
    }

    private void endWhenUnused() {
        if (deleted && users == 0) {
            content.watch.close();
        }
    }
}
