package io.lunkeeper.lun.writeback;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
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
    /// Longer is no company worth: a disk this slow gathers by itself.
    private static final long MAX_GATHER_NANOS = 1_000_000;

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

    private final FirstFailure failure;
    private final Synchronization synchronization;
    private final Executor executor;
    private final Object monitor = new Object();
    private final LongAdder answers = new LongAdder();
    private final LongAdder runs = new LongAdder();

    /// Those whom the next synchronization answers. Guarded by `monitor`, as the next two.
    private List<Waiter> waiting = new ArrayList<>();

    /// Whether a synchronization is wanted that nobody waits for.
    private boolean requested;

    private boolean running;

    /// How many waiters the thread in [#gather] waits for. Guarded by `monitor`, as the next.
    private int awaited;

    private @Nullable Thread gatherer;

    /// A gate in front of one file.
    ///
    /// @param failure where an error is told, and asked for before anybody is answered
    /// @param executor where synchronizations run, one at a time; when it takes no more, they run
    ///   on the thread that asks
    public FlushGate(FirstFailure failure, Synchronization synchronization, Executor executor) {
        this.failure = failure;
        this.synchronization = synchronization;
        this.executor = executor;
    }

    /// Answers `waiter` when a synchronization that began after this call has completed.
    public void flush(Waiter waiter) {
        boolean start;
        Thread complete = null;
        synchronized (monitor) {
            waiting.add(waiter);
            start = !running;
            running = true;
            if (waiting.size() == awaited) {
                complete = gatherer;
            }
        }
        LockSupport.unpark(complete);
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

    /// How many waiters have been answered.
    public long answered() {
        return answers.sum();
    }

    /// How many synchronizations there were, those that nobody waited for too.
    public long synchronizations() {
        return runs.sum();
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
        long spentNanos = 0;
        int company = 0;
        while (true) {
            List<Waiter> answered;
            gather(company, spentNanos);
            synchronized (monitor) {
                if (waiting.isEmpty() && !requested) {
                    running = false;
                    return;
                }
                answered = waiting;
                waiting = new ArrayList<>();
                requested = false;
            }
            long began = System.nanoTime();
            if (failure.error() == null) {
                synchronizeOnce();
            }
            spentNanos = System.nanoTime() - began;
            company = answered.size();
            // Before they have it: who was answered finds itself counted.
            answers.add(company);
            answered.forEach(this::answer);
        }
    }

    /// Waits for company. Those who were just answered are likely to ask again, and the ones who
    /// ask now would have the disk busy when they do: waiting as long as the last synchronization
    /// took, at most, answers more of them with each. Who asks alone never waits.
    ///
    /// @param answered how many were just answered
    private void gather(int answered, long limitNanos) {
        long deadline = System.nanoTime() + Math.min(limitNanos, MAX_GATHER_NANOS);
        synchronized (monitor) {
            awaited = waiting.isEmpty() || answered == 0 ? 0 : waiting.size() + answered;
            gatherer = Thread.currentThread();
        }
        while (stillAwaited()) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                return;
            }
            LockSupport.parkNanos(this, left);
        }
    }

    private boolean stillAwaited() {
        synchronized (monitor) {
            return waiting.size() < awaited;
        }
    }

    private void answer(Waiter waiter) {
        try {
            waiter.flushed(failure.error());
        } catch (RuntimeException | Error e) {
            // The others must have their answer.
            LOG.error("{}: an answer was not taken", failure.name(), e);
        }
    }

    private void synchronizeOnce() {
        runs.increment();
        try {
            synchronization.run();
        } catch (IOException e) {
            failure.fail(e);
        } catch (RuntimeException | Error e) {
            failure.fail(new IOException(failure.name() + ": synchronization broke off", e));
        }
    }
}
