package io.lunkeeper.lun;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/// Threads that all LUNs of the process share, so that an idle LUN has none of its own.
final class LunClock {
    private static final long IDLE_SECONDS = 30;

    /// Starts what is to happen after a while; it only hands over to other threads.
    static final ScheduledExecutorService SHARED =
            new ScheduledThreadPoolExecutor(
                    1, task -> Thread.ofPlatform().daemon().name("lun clock").unstarted(task));

    /// One thread for what may block and nobody waits for.
    static final Executor BACKGROUND = background();

    private LunClock() {}

    private static Executor background() {
        ThreadPoolExecutor thread =
                new ThreadPoolExecutor(
                        1,
                        1,
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        task -> Thread.ofPlatform().daemon().name("lun chores").unstarted(task));
        thread.allowCoreThreadTimeOut(true);
        return thread;
    }
}
