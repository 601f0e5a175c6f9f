package io.lunkeeper.lun.writeback;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.function.BooleanSupplier;

/// Holds writers back while too much written data waits for the disk, without a thread waiting: a
/// write that is held is a command without an answer, and an initiator sends no more of these than
/// its command window admits. Safe from any number of threads.
public final class WriteThrottle implements Executor {
    private final Executor threads;
    private final BooleanSupplier over;
    private final Queue<Runnable> held = new ArrayDeque<>();

    /// Guarded by `held`.
    private boolean lifted;

    /// A throttle in front of threads that write.
    ///
    /// @param over whether there is too much
    public WriteThrottle(Executor threads, BooleanSupplier over) {
        this.threads = threads;
        this.over = over;
    }

    /// Runs a write, now or when there is room for it; in the order in which they came.
    @Override
    public void execute(Runnable write) {
        if (holding(write)) {
            // What was too much may have gone while this one got in line.
            release();
        } else {
            threads.execute(write);
        }
    }

    private boolean holding(Runnable write) {
        synchronized (held) {
            if (lifted || (held.isEmpty() && !over.getAsBoolean())) {
                return false;
            }
            held.add(write);
            return true;
        }
    }

    /// Lets go of those who were held, if there is room again. To be called whenever some has come.
    public void release() {
        synchronized (held) {
            if (lifted || !over.getAsBoolean()) {
                letGo();
            }
        }
    }

    /// Holds nobody any more.
    public void lift() {
        synchronized (held) {
            lifted = true;
            letGo();
        }
    }

    private void letGo() {
        for (Runnable write = held.poll(); write != null; write = held.poll()) {
            threads.execute(write);
        }
    }
}
