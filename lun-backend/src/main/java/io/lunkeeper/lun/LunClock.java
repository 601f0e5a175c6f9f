package io.lunkeeper.lun;

import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;

/// The one thread that starts, for all LUNs of the process, what is to happen after a while. It
/// only hands over to other threads; nothing that may block runs here.
final class LunClock {
    static final ScheduledExecutorService SHARED =
            new ScheduledThreadPoolExecutor(
                    1, task -> Thread.ofPlatform().daemon().name("lun clock").unstarted(task));

    private LunClock() {}
}
