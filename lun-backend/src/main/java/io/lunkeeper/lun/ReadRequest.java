package io.lunkeeper.lun;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// One read that waits for a disk.
final class ReadRequest {
    private static final Logger LOG = LogManager.getLogger(ReadRequest.class);

    final long offset;
    final ByteBuf destination;
    final int length;
    private final LunBackend.ReadWaiter waiter;

    /// Whether a thread has taken it up, or it was refused. Guarded by what it waits in.
    boolean taken;

    /// Reads to the writer index, which advances; may block.
    @FunctionalInterface
    interface Medium {
        void read(long offset, ByteBuf destination, int length) throws IOException;
    }

    ReadRequest(long offset, ByteBuf destination, int length, LunBackend.ReadWaiter waiter) {
        this.offset = offset;
        this.destination = destination;
        this.length = length;
        this.waiter = waiter;
    }

    long end() {
        return offset + length;
    }

    /// Reads it alone; may block.
    ///
    /// @return why there are no data, or null
    @Nullable IOException readFrom(Medium medium) {
        try {
            medium.read(offset, destination, length);
            return null;
        } catch (IOException e) {
            return e;
        } catch (RuntimeException | Error e) {
            LOG.error("reading {}+{} broke off", offset, length, e);
            return new IOException("internal error", e);
        }
    }

    void answer(@Nullable IOException failure) {
        try {
            waiter.read(failure);
        } catch (RuntimeException | Error e) {
            // The others must have their answer.
            LOG.error("an answer to a read was not taken", e);
        }
    }
}
