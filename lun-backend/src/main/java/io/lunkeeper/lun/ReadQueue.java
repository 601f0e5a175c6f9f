package io.lunkeeper.lun;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// Reads that wait for a disk, in the order in which they came. With direct input and output those
/// that lie side by side while they wait are one read: a disk takes one of a megabyte sooner than
/// many small ones. Through the page cache that would be a copy more and no gain, since the attempt
/// to read at once has begun the same reads already, and the kernel joins them.
///
/// Safe from any number of threads.
final class ReadQueue {
    private static final Logger LOG = LogManager.getLogger(ReadQueue.class);

    /// What one read covers at most when it serves several.
    static final int MAX_JOINED_BYTES = 1 << 20;

    /// What memory is aligned to so that any disk can write to it.
    private static final int ALIGNMENT = 4096;

    /// Reads to the writer index, which advances; may block.
    @FunctionalInterface
    interface Medium {
        void read(long offset, ByteBuf destination, int length) throws IOException;
    }

    private static final class Request {
        final long offset;
        final ByteBuf destination;
        final int length;
        final LunBackend.ReadWaiter waiter;

        /// Whether a thread has it, or it was refused. Guarded by the queue.
        boolean taken;

        Request(long offset, ByteBuf destination, int length, LunBackend.ReadWaiter waiter) {
            this.offset = offset;
            this.destination = destination;
            this.length = length;
            this.waiter = waiter;
        }

        long end() {
            return offset + length;
        }
    }

    private final Executor threads;
    private final Medium medium;
    private final boolean joins;

    /// As they came; some are taken already. Guarded by this, as the next.
    private final ArrayDeque<Request> waiting = new ArrayDeque<>();

    /// One of those that wait at each offset.
    private final TreeMap<Long, Request> byOffset = new TreeMap<>();

    /// @param threads where reads run, one piece of work for each request
    /// @param joins whether neighbours are read together
    ReadQueue(Executor threads, Medium medium, boolean joins) {
        this.threads = threads;
        this.medium = medium;
        this.joins = joins;
    }

    /// See [LunBackend#read].
    void read(long offset, ByteBuf destination, int length, LunBackend.ReadWaiter waiter) {
        Request request = new Request(offset, destination, length, waiter);
        synchronized (this) {
            waiting.add(request);
            if (joins) {
                byOffset.putIfAbsent(offset, request);
            }
        }
        try {
            threads.execute(this::serve);
        } catch (RejectedExecutionException closed) {
            synchronized (this) {
                take(request);
            }
            throw closed;
        }
    }

    private void serve() {
        List<Request> run = takeRun();
        if (run.size() < 2 || !readTogether(run)) {
            run.forEach(this::readAlone);
        }
    }

    /// The request that has waited longest and its neighbours; nothing when they were all taken as
    /// neighbours of others.
    private synchronized List<Request> takeRun() {
        Request first = waiting.poll();
        while (first != null && first.taken) {
            first = waiting.poll();
        }
        if (first == null) {
            return List.of();
        }
        take(first);
        ArrayDeque<Request> run = new ArrayDeque<>(List.of(first));
        int length = first.length;
        for (Request next = neighbour(run, length); next != null; next = neighbour(run, length)) {
            take(next);
            length += next.length;
            if (next.offset == run.getLast().end()) {
                run.addLast(next);
            } else {
                run.addFirst(next);
            }
        }
        return List.copyOf(run);
    }

    private void take(Request request) {
        request.taken = true;
        byOffset.remove(request.offset, request);
    }

    /// A request that goes on where the run ends, or ends where it begins, and fits in.
    private @Nullable Request neighbour(ArrayDeque<Request> run, int length) {
        Request after = byOffset.get(run.getLast().end());
        if (after != null && length + after.length <= MAX_JOINED_BYTES) {
            return after;
        }
        Map.Entry<Long, Request> before = byOffset.lowerEntry(run.getFirst().offset);
        return before != null
                        && before.getValue().end() == run.getFirst().offset
                        && length + before.getValue().length <= MAX_JOINED_BYTES
                ? before.getValue()
                : null;
    }

    /// @return false when nobody was answered: an error is for those to report that it hits
    private boolean readTogether(List<Request> run) {
        long start = run.getFirst().offset;
        int length = (int) (run.getLast().end() - start);
        ByteBuf all = PooledByteBufAllocator.DEFAULT.directBuffer(length + ALIGNMENT);
        try {
            int base = (int) (-all.memoryAddress() & (ALIGNMENT - 1));
            medium.read(start, all.setIndex(base, base), length);
            for (Request each : run) {
                each.destination.writeBytes(all, base + (int) (each.offset - start), each.length);
            }
        } catch (IOException | RuntimeException | Error _) {
            return false;
        } finally {
            all.release();
        }
        run.forEach(each -> answer(each, null));
        return true;
    }

    private void readAlone(Request request) {
        IOException failure = null;
        try {
            medium.read(request.offset, request.destination, request.length);
        } catch (IOException e) {
            failure = e;
        } catch (RuntimeException | Error e) {
            LOG.error("reading {}+{} broke off", request.offset, request.length, e);
            failure = new IOException("internal error", e);
        }
        answer(request, failure);
    }

    private static void answer(Request request, @Nullable IOException failure) {
        try {
            request.waiter.read(failure);
        } catch (RuntimeException | Error e) {
            // The others must have their answer.
            LOG.error("an answer to a read was not taken", e);
        }
    }
}
