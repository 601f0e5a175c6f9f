package io.lunkeeper.lun;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// Where one LUN's calls run that may block. The threads are those of the process: a LUN with
/// nothing to do has none, and one that has finished lends its own to the next. Work starts in the
/// order in which it came.
///
/// The queue has no bound of its own: each piece of work belongs to a command, and the sessions'
/// command windows bound these.
final class IoThreads implements Executor {
    private static final long IDLE_SECONDS = 30;
    private static final Logger LOG = LogManager.getLogger(IoThreads.class);

    private static final ThreadPoolExecutor THREADS =
            new ThreadPoolExecutor(
                    0,
                    Integer.MAX_VALUE,
                    IDLE_SECONDS,
                    TimeUnit.SECONDS,
                    new SynchronousQueue<>(),
                    task -> Thread.ofPlatform().daemon().unstarted(task));

    private final String name;
    private final int limit;
    private final Executor starter;

    /// What no thread has taken; when there is any, a thread is there. Guarded by this, as the
    /// next.
    private final Queue<Runnable> waiting = new ArrayDeque<>();

    private int threads;

    /// Others that use what this LUN has on threads of their own.
    private int guests;

    private boolean closed;

    /// Threads named after an image.
    ///
    /// @param limit calls that wait at once, at most: one slow LUN must not take the process's
    ///   threads
    IoThreads(Path image, int limit) {
        this(image, limit, THREADS);
    }

    IoThreads(Path image, int limit, Executor starter) {
        this.name = "lun " + image.getFileName();
        this.limit = limit;
        this.starter = starter;
    }

    /// Starts a task as soon as a thread is free.
    ///
    /// @throws RejectedExecutionException when the LUN is closed, or the process can have no
    ///   thread: the task will never run, and its owner must answer for it
    @Override
    public synchronized void execute(Runnable task) {
        if (closed) {
            throw new RejectedExecutionException(name + " is closed");
        }
        if (threads < limit) {
            startThread();
        }
        waiting.add(task);
    }

    /// Where there can be no more, those at work go on alone.
    private void startThread() {
        try {
            starter.execute(this::work);
            threads++;
        } catch (OutOfMemoryError none) {
            if (threads == 0) {
                throw new RejectedExecutionException(name + " can have no thread", none);
            }
        }
    }

    private void work() {
        Thread thread = Thread.currentThread();
        if (!thread.getName().equals(name)) {
            thread.setName(name);
        }
        for (@Nullable Runnable task = next(); task != null; task = next()) {
            run(task);
        }
    }

    private synchronized @Nullable Runnable next() {
        Runnable task = waiting.poll();
        if (task == null) {
            threads--;
            notifyAll();
        }
        return task;
    }

    private void run(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException | Error e) {
            // The task should have answered its owner; here it can only be made known.
            LOG.error("{}: a task broke off", name, e);
        }
    }

    /// Admits a thread of another LUN, for which [#close] waits until it has left.
    ///
    /// @return false when this LUN is closed
    synchronized boolean enter() {
        guests += closed ? 0 : 1;
        return !closed;
    }

    /// The thread that was admitted goes.
    synchronized void leave() {
        guests--;
        notifyAll();
    }

    /// Runs what was taken in; takes in nothing more.
    synchronized void close() {
        closed = true;
        boolean interrupted = false;
        while (threads > 0 || guests > 0) {
            try {
                wait();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
