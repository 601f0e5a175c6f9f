package io.lunkeeper.lun;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// Gathers what is to be unmapped. A file system frees the blocks of one file one call after the
/// other, at a tenth of a millisecond each whatever its length, so however many commands ask, one
/// thread does it for all of them, and ranges that touch or overlap are one call.
///
/// What comes while a batch is worked on is the next batch. Safe from any number of threads.
final class UnmapQueue {
    private static final Logger LOG = LogManager.getLogger(UnmapQueue.class);

    /// Unmaps one range; may block.
    @FunctionalInterface
    interface Erasure {
        void unmap(long offset, long length) throws IOException;
    }

    private record Request(long offset, long length, LunBackend.UnmapWaiter waiter) {
        long end() {
            return offset + length;
        }
    }

    private final Executor executor;
    private final Erasure erasure;
    private final Object monitor = new Object();

    /// What the next batch is made of. Guarded by `monitor`, as the next.
    private List<Request> waiting = new ArrayList<>();

    private boolean running;

    /// @param executor where batches run, one at a time
    UnmapQueue(Executor executor, Erasure erasure) {
        this.executor = executor;
        this.erasure = erasure;
    }

    /// See [LunBackend#unmap].
    void unmap(long offset, long length, LunBackend.UnmapWaiter waiter) {
        boolean start;
        synchronized (monitor) {
            waiting.add(new Request(offset, length, waiter));
            start = !running;
            running = true;
        }
        if (start) {
            start();
        }
    }

    private void start() {
        try {
            executor.execute(this::run);
        } catch (RejectedExecutionException closed) {
            for (List<Request> batch = nextBatch(); !batch.isEmpty(); batch = nextBatch()) {
                batch.forEach(each -> answer(each, new IOException("the LUN is closed", closed)));
            }
        }
    }

    private void run() {
        for (List<Request> batch = nextBatch(); !batch.isEmpty(); batch = nextBatch()) {
            batch.sort(Comparator.comparingLong(Request::offset));
            int next = 0;
            while (next < batch.size()) {
                next = unmapTogether(batch, next);
            }
        }
    }

    /// What has gathered; when it is nothing, nobody works on it any more.
    private List<Request> nextBatch() {
        synchronized (monitor) {
            List<Request> batch = waiting;
            waiting = new ArrayList<>();
            running = !batch.isEmpty();
            return batch;
        }
    }

    /// Unmaps the request at `first` and those that go on where it ends.
    ///
    /// @return the first that does not
    private int unmapTogether(List<Request> batch, int first) {
        long start = batch.get(first).offset();
        long end = batch.get(first).end();
        int next = first + 1;
        while (next < batch.size() && batch.get(next).offset() <= end) {
            end = Math.max(end, batch.get(next).end());
            next++;
        }
        IOException failure = unmapNow(start, end - start);
        batch.subList(first, next).forEach(each -> answer(each, failure));
        return next;
    }

    private @Nullable IOException unmapNow(long offset, long length) {
        try {
            erasure.unmap(offset, length);
            return null;
        } catch (IOException e) {
            return e;
        } catch (RuntimeException | Error e) {
            LOG.error("unmapping {}+{} broke off", offset, length, e);
            return new IOException("internal error", e);
        }
    }

    private static void answer(Request request, @Nullable IOException failure) {
        try {
            request.waiter().unmapped(failure);
        } catch (RuntimeException | Error e) {
            // The others must have their answer.
            LOG.error("an answer to an unmap was not taken", e);
        }
    }
}
