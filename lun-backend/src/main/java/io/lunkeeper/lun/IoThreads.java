package io.lunkeeper.lun;

import java.nio.file.Path;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/// The threads of one LUN for calls that may block. They start when there is work and end when
/// there was none for a while. Work starts in the order in which it came.
///
/// The queue has no bound of its own: each piece of work belongs to a command, and the sessions'
/// command windows bound these.
final class IoThreads implements Executor {
    private static final long IDLE_SECONDS = 30;
    private static final Logger LOG = LogManager.getLogger(IoThreads.class);

    private final String name;
    private final ThreadPoolExecutor pool;

    /// Threads named after an image.
    ///
    /// @param limit calls that wait at once, at most: one slow LUN must not take the process's
    ///   threads
    IoThreads(Path image, int limit) {
        name = "lun " + image.getFileName();
        AtomicInteger number = new AtomicInteger();
        pool =
                new ThreadPoolExecutor(
                        limit,
                        limit,
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        task ->
                                Thread.ofPlatform()
                                        .daemon()
                                        .name(name + " " + number.incrementAndGet())
                                        .unstarted(task));
        pool.allowCoreThreadTimeOut(true);
    }

    /// Starts a task as soon as a thread is free.
    ///
    /// @throws RejectedExecutionException when the LUN is closed: the task will never run, and its
    ///   owner must answer for it
    @Override
    public void execute(Runnable task) {
        pool.execute(() -> run(task));
    }

    private void run(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException | Error e) {
            // The task should have answered its owner; here it can only be made known.
            LOG.error("{}: a task broke off", name, e);
        }
    }

    /// Runs what was taken in, then ends the threads; takes in nothing more.
    void close() {
        pool.shutdown();
        boolean interrupted = false;
        while (!pool.isTerminated()) {
            try {
                pool.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
