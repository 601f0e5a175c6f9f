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
import org.jspecify.annotations.Nullable;

/// Reads with direct input and output that wait for a disk, in the order in which they came. Those
/// that lie side by side while they wait are one read: a disk takes one of a megabyte sooner than
/// many small ones. Through the page cache that would be a copy more and no gain: [BegunReads].
///
/// Safe from any number of threads.
final class JoinedReads implements WaitingReads {
    /// What one read covers at most when it serves several.
    static final int MAX_JOINED_BYTES = 1 << 20;

    /// What memory is aligned to so that any disk can write to it.
    private static final int ALIGNMENT = 4096;

    private final Executor threads;
    private final ReadRequest.Medium medium;

    /// As they came; some are taken already. Guarded by this, as the next.
    private final ArrayDeque<ReadRequest> waiting = new ArrayDeque<>();

    /// One of those that wait at each offset.
    private final TreeMap<Long, ReadRequest> byOffset = new TreeMap<>();

    /// @param threads where reads run, one piece of work for each request
    JoinedReads(Executor threads, ReadRequest.Medium medium) {
        this.threads = threads;
        this.medium = medium;
    }

    @Override
    public void read(ReadRequest request) {
        synchronized (this) {
            waiting.add(request);
            byOffset.putIfAbsent(request.offset, request);
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
        List<ReadRequest> run = takeRun();
        if (run.size() < 2 || !readTogether(run)) {
            run.forEach(each -> each.answer(each.readFrom(medium)));
        }
    }

    /// The request that has waited longest and its neighbours; nothing when they were all taken as
    /// neighbours of others.
    private synchronized List<ReadRequest> takeRun() {
        ReadRequest first = waiting.poll();
        while (first != null && first.taken) {
            first = waiting.poll();
        }
        if (first == null) {
            return List.of();
        }
        take(first);
        ArrayDeque<ReadRequest> run = new ArrayDeque<>(List.of(first));
        int length = first.length;
        for (ReadRequest next = neighbour(run, length);
                next != null;
                next = neighbour(run, length)) {
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

    private void take(ReadRequest request) {
        request.taken = true;
        byOffset.remove(request.offset, request);
    }

    /// A request that goes on where the run ends, or ends where it begins, and fits in.
    private @Nullable ReadRequest neighbour(ArrayDeque<ReadRequest> run, int length) {
        ReadRequest after = byOffset.get(run.getLast().end());
        if (after != null && length + after.length <= MAX_JOINED_BYTES) {
            return after;
        }
        Map.Entry<Long, ReadRequest> before = byOffset.lowerEntry(run.getFirst().offset);
        return before != null
                        && before.getValue().end() == run.getFirst().offset
                        && length + before.getValue().length <= MAX_JOINED_BYTES
                ? before.getValue()
                : null;
    }

    /// @return false when nobody was answered: an error is for those to report that it hits
    private boolean readTogether(List<ReadRequest> run) {
        long start = run.getFirst().offset;
        int length = (int) (run.getLast().end() - start);
        ByteBuf all = PooledByteBufAllocator.DEFAULT.directBuffer(length + ALIGNMENT);
        try {
            int base = (int) (-all.memoryAddress() & (ALIGNMENT - 1));
            medium.read(start, all.setIndex(base, base), length);
            for (ReadRequest each : run) {
                each.destination.writeBytes(all, base + (int) (each.offset - start), each.length);
            }
        } catch (IOException | RuntimeException | Error _) {
            return false;
        } finally {
            all.release();
        }
        run.forEach(each -> each.answer(null));
        return true;
    }
}
