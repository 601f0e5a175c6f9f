package io.lunkeeper.lun.image;

import io.lunkeeper.lun.linux.OpenFile;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;

/// Reads and writes past the page cache. The device wants offsets, lengths and memory aligned; what
/// is aligned goes straight, all else through an aligned buffer, and a write that covers a block in
/// part first reads the block. The caller keeps other writers away from such blocks.
final class DirectTransfer {
    /// Bytes that pass through the aligned buffer at once: large enough for a device to stream,
    /// small enough to stay in the processor's cache.
    private static final int PIECE_BYTES = 256 * 1024;

    private final OpenFile file;
    private final int alignment;

    /// Serves one file.
    ///
    /// @param alignment a power of two
    DirectTransfer(OpenFile file, int alignment) {
        assert Integer.bitCount(alignment) == 1 && alignment <= PIECE_BYTES : alignment;
        this.file = file;
        this.alignment = alignment;
    }

    int alignment() {
        return alignment;
    }

    /// Reads; the answer is less than `length` at the end of the file.
    int read(long offset, ByteBuf destination, int index, int length) throws IOException {
        if (straight(offset, destination, index, length)) {
            return file.read(offset, destination.memoryAddress() + index, length);
        }
        ByteBuf buffer = buffer(length);
        try {
            int base = base(buffer);
            int done = 0;
            while (done < length) {
                int skip = (int) ((offset + done) & (alignment - 1));
                int bytes = Math.min(length - done, PIECE_BYTES - skip);
                int got = load(offset + done - skip, buffer, base, roundUp(skip + bytes)) - skip;
                if (got < bytes) {
                    return done + Math.max(0, got);
                }
                destination.setBytes(index + done, buffer, base + skip, bytes);
                done += bytes;
            }
            return done;
        } finally {
            buffer.release();
        }
    }

    /// Writes.
    void write(long offset, ByteBuf source, int index, int length) throws IOException {
        if (straight(offset, source, index, length)) {
            file.write(offset, source.memoryAddress() + index, length);
            return;
        }
        ByteBuf buffer = buffer(length);
        try {
            int base = base(buffer);
            int done = 0;
            while (done < length) {
                int skip = (int) ((offset + done) & (alignment - 1));
                int bytes = Math.min(length - done, PIECE_BYTES - skip);
                int span = roundUp(skip + bytes);
                long start = offset + done - skip;
                loadEdges(start, buffer, skip, skip + bytes);
                buffer.setBytes(base + skip, source, index + done, bytes);
                file.write(start, buffer.memoryAddress() + base, span);
                done += bytes;
            }
        } finally {
            buffer.release();
        }
    }

    /// Loads the first and last block of a piece where new bytes, from `from` to `to`, leave old
    /// ones beside them.
    private void loadEdges(long start, ByteBuf buffer, int from, int to) throws IOException {
        int base = base(buffer);
        int last = roundUp(to) - alignment;
        if (from != 0) {
            load(start, buffer, base, alignment);
        }
        if ((to & (alignment - 1)) != 0 && (last != 0 || from == 0)) {
            load(start + last, buffer, base + last, alignment);
        }
    }

    private int load(long offset, ByteBuf buffer, int index, int length) throws IOException {
        return file.read(offset, buffer.memoryAddress() + index, length);
    }

    private boolean straight(long offset, ByteBuf memory, int index, int length) {
        return memory.hasMemoryAddress()
                && ((offset | length | (memory.memoryAddress() + index)) & (alignment - 1)) == 0;
    }

    /// A buffer for pieces of a transfer, with room to align its start and to cover two edges.
    private ByteBuf buffer(int length) {
        int bytes = Math.min(PIECE_BYTES, roundUp(length) + alignment);
        return PooledByteBufAllocator.DEFAULT.directBuffer(bytes + alignment);
    }

    private int base(ByteBuf buffer) {
        return (int) (-buffer.memoryAddress() & (alignment - 1));
    }

    private int roundUp(int length) {
        return (length + alignment - 1) & -alignment;
    }
}
