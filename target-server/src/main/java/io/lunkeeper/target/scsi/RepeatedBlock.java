package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;

/// One logical block over and over, off the heap.
final class RepeatedBlock {
    private RepeatedBlock() {}

    /// A buffer of `lengthBytes`, a multiple of the block's length; the caller releases it.
    static ByteBuf of(byte[] block, int lengthBytes) {
        assert lengthBytes % block.length == 0 : lengthBytes;
        ByteBuf buffer = PooledByteBufAllocator.DEFAULT.directBuffer(lengthBytes);
        while (buffer.readableBytes() < lengthBytes) {
            buffer.writeBytes(block);
        }
        return buffer;
    }
}
