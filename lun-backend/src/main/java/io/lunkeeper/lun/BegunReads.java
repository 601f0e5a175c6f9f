package io.lunkeeper.lun;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/// Reads through the page cache that wait for a disk. The attempt to read at once begins a read, so
/// a thread begins all that wait before it waits for the first of them, and they are at the disk
/// side by side. A thread for each would cost more to wake than the read does: there is one more
/// only where all wait for the disk, or where there are many reads, so that one which the disk
/// takes long for holds up few.
///
/// Safe from any number of threads.
final class BegunReads implements WaitingReads {
    /// Reads for each thread.
    static final int READS_PER_THREAD = 16;

    /// After so many steps a thread is for other work that waits for one.
    private static final int STEPS_PER_TURN = 64;

    /// What reads, and can begin to.
    interface Medium extends ReadRequest.Medium {
        /// Reads to the writer index, which advances, or begins to.
        ///
        /// @return false when it would block; nothing was changed
        boolean begin(long offset, ByteBuf destination, int length);
    }

    private final Executor threads;
    private final Medium medium;

    /// Nobody has begun these. Guarded by this, as the next.
    private final ArrayDeque<ReadRequest> waiting = new ArrayDeque<>();

    /// The disk is at these.
    private final ArrayDeque<ReadRequest> begun = new ArrayDeque<>();

    /// Threads that are here or on their way.
    private int serving;

    /// Those of them that wait for the disk.
    private int blocked;

    BegunReads(Executor threads, Medium medium) {
        this.threads = threads;
        this.medium = medium;
    }

    @Override
    public void read(ReadRequest request) {
        if (add(request)) {
            try {
                threads.execute(this::serve);
            } catch (RejectedExecutionException closed) {
                refuse(request, closed);
            }
        }
    }

    /// @return whether it takes one thread more
    private synchronized boolean add(ReadRequest request) {
        waiting.add(request);
        int reads = waiting.size() + begun.size();
        boolean more = serving == blocked || reads > serving * READS_PER_THREAD;
        serving += more ? 1 : 0;
        return more;
    }

    /// There is no thread more: the request is not served unless one of those that are there has
    /// taken it, nor is any that came meanwhile and counted on the new one.
    private void refuse(ReadRequest request, RejectedExecutionException closed) {
        List<ReadRequest> stranded = List.of();
        boolean withdrawn;
        synchronized (this) {
            serving--;
            withdrawn = waiting.remove(request);
            if (serving == 0) {
                stranded = List.copyOf(waiting);
                waiting.clear();
            }
        }
        stranded.forEach(each -> each.answer(new IOException(closed)));
        if (withdrawn) {
            throw closed;
        }
    }

    private void serve() {
        for (int steps = 0; steps < STEPS_PER_TURN || !handedOn(); steps++) {
            ReadRequest next = next();
            if (next == null) {
                return;
            }
            if (next.taken) {
                collect(next);
            } else if (!readNow(next)) {
                keep(next);
            }
        }
    }

    /// What to begin, or when there is nothing what to wait for; when there is nothing either the
    /// thread goes.
    private synchronized @Nullable ReadRequest next() {
        ReadRequest next = waiting.isEmpty() ? begun.poll() : waiting.poll();
        serving -= next == null ? 1 : 0;
        return next;
    }

    private synchronized void keep(ReadRequest request) {
        request.taken = true;
        begun.add(request);
    }

    /// Whether another piece of work goes on, behind all that waits for a thread.
    private boolean handedOn() {
        try {
            threads.execute(this::serve);
            return true;
        } catch (RejectedExecutionException _) {
            // What was taken in is served.
            return false;
        }
    }

    /// Begins a read, or finds it done.
    ///
    /// @return whether it was answered
    private boolean readNow(ReadRequest request) {
        try {
            if (!medium.begin(request.offset, request.destination, request.length)) {
                return false;
            }
        } catch (RuntimeException | Error _) {
            // To read it meets the same, and reports it.
            return false;
        }
        request.answer(null);
        return true;
    }

    private void collect(ReadRequest request) {
        block(1);
        IOException failure = request.readFrom(medium);
        block(-1);
        request.answer(failure);
    }

    private synchronized void block(int change) {
        blocked += change;
    }
}
