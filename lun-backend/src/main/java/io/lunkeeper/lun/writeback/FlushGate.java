package io.lunkeeper.lun.writeback;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// Group commit: one synchronization of the file answers everyone who asked before it started.
///
/// Who asks does not wait here: a [Waiter] is called when the answer is there, so however many
/// commands want stable storage, they hold one thread between them. States: idle, running, failed.
/// Whoever asks while a synchronization runs is answered by the next, since the one that runs may
/// have passed by the data in question.
///
/// The first error fails the gate for good. The kernel reports a lost page once and then counts it
/// as clean, so asking again would succeed although the data is gone; hence nobody is ever told
/// that a later synchronization went well.
///
/// Safe from any number of threads.
public final class FlushGate {
    private static final Logger LOG = LogManager.getLogger(FlushGate.class);

    /// Makes all that was written before the call durable, or says why not.
    @FunctionalInterface
    public interface Synchronization {
        /// Runs it; may block for long.
        void run() throws IOException;
    }

    /// Who wants to know that a synchronization has completed.
    @FunctionalInterface
    public interface Waiter {
        /// Called once, on the thread of the synchronization; must not block.
        ///
        /// @param failure the first error of any synchronization; null when there was none
        void flushed(@Nullable IOException failure);
    }

    private final String name;
    private final Synchronization synchronization;
    private final Executor executor;
    private final Object monitor = new Object();

    /// Those whom the next synchronization answers. Guarded by `monitor`, as the next two.
    private List<Waiter> waiting = new ArrayList<>();

    /// Whether a synchronization is wanted that nobody waits for.
    private boolean requested;

    private boolean running;

    private volatile @Nullable IOException failure;

    /// A gate in front of one file.
    ///
    /// @param name what fails when it fails, for the log
    /// @param executor where synchronizations run, one at a time; when it takes no more, they run
    ///   on the thread that asks
    public FlushGate(String name, Synchronization synchronization, Executor executor) {
        this.name = name;
        this.synchronization = synchronization;
        this.executor = executor;
    }

    /// The error that failed the gate, or null while it is open.
    public @Nullable IOException failure() {
        return failure;
    }

    /// Answers `waiter` when a synchronization that began after this call has completed.
    public void flush(Waiter waiter) {
        boolean start;
        synchronized (monitor) {
            waiting.add(waiter);
            start = !running;
            running = true;
        }
        if (start) {
            start();
        }
    }

    /// Sees to it that a synchronization begins after this call; nobody waits for it. Any number of
    /// requests before it begins are one.
    public void request() {
        boolean start;
        synchronized (monitor) {
            requested = true;
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
        } catch (RejectedExecutionException _) {
            run();
        }
    }

    /// Synchronizes until nobody has asked meanwhile.
    private void run() {
        while (true) {
            List<Waiter> answered;
            synchronized (monitor) {
                if (waiting.isEmpty() && !requested) {
                    running = false;
                    return;
                }
                answered = waiting;
                waiting = new ArrayList<>();
                requested = false;
            }
            if (failure == null) {
                synchronizeOnce();
            }
            answered.forEach(this::answer);
        }
    }

    private void answer(Waiter waiter) {
        try {
            waiter.flushed(failure);
        } catch (RuntimeException | Error e) {
            // The others must have their answer.
            LOG.error("{}: an answer was not taken", name, e);
        }
    }

    private void synchronizeOnce() {
        try {
            synchronization.run();
        } catch (IOException e) {
            fail(e);
        } catch (RuntimeException | Error e) {
            fail(new IOException(name + ": synchronization broke off", e));
        }
    }

    /// Fails the gate for good, for an error that was met elsewhere; the first one counts.
    public void fail(IOException e) {
        synchronized (monitor) {
            if (failure != null) {
                return;
            }
            failure = e;
        }
        LOG.error(
                "{} has failed: written data may be lost, and nothing more is served from it",
                name,
                e);
    }
}
