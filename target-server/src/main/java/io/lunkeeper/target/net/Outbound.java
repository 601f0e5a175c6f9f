package io.lunkeeper.target.net;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.GatheringByteChannel;
import java.util.ArrayDeque;

/// PDUs on their way into one socket, in order. Confined to the loop's thread.
final class Outbound {
    /// Buffers in one gathering write: what the kernel takes at most is 1024; past this many, one
    /// more system call no longer matters.
    private static final int MAX_GATHERED = 64;

    private final ArrayDeque<ByteBuf> queue = new ArrayDeque<>();
    private final ByteBuffer[] gathered = new ByteBuffer[MAX_GATHERED];
    private long queuedBytes;
    private boolean blocked;

    void add(ByteBuf pdu) {
        queue.add(pdu);
        queuedBytes += pdu.readableBytes();
    }

    /// Bytes that the socket has not taken.
    long queuedBytes() {
        return queuedBytes;
    }

    /// PDUs that the socket has not taken, or not whole.
    int queuedPdus() {
        return queue.size();
    }

    /// Whether the socket took less than it was offered: it will say when it has room.
    boolean blocked() {
        return blocked;
    }

    /// Writes until the queue is empty or the socket is full.
    void writeTo(GatheringByteChannel channel) throws IOException {
        blocked = false;
        while (queuedBytes > 0) {
            int count = 0;
            long offered = 0;
            for (ByteBuf pdu : queue) {
                if (count == MAX_GATHERED) {
                    break;
                }
                ByteBuffer view = pdu.internalNioBuffer(pdu.readerIndex(), pdu.readableBytes());
                gathered[count++] = view;
                offered += view.remaining();
            }
            long written =
                    count == 1 ? channel.write(gathered[0]) : channel.write(gathered, 0, count);
            taken(written);
            if (written < offered) {
                blocked = true;
                return;
            }
        }
    }

    private void taken(long written) {
        queuedBytes -= written;
        long left = written;
        while (left > 0) {
            ByteBuf first = queue.element();
            int size = first.readableBytes();
            if (left < size) {
                first.skipBytes((int) left);
                return;
            }
            left -= size;
            queue.remove().release();
        }
    }

    void release() {
        queue.forEach(ByteBuf::release);
        queue.clear();
        queuedBytes = 0;
    }
}
