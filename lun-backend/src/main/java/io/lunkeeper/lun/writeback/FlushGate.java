package io.lunkeeper.lun.writeback;

import java.io.IOException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// Group commit: one synchronization of the file answers everyone who asked before it started.
///
/// States: open, open with one synchronization running, failed. The first error fails the gate for
/// good. The kernel reports a lost page once and then counts it as clean, so asking again would
/// succeed although the data is gone; hence nobody is ever told that a later synchronization went
/// well.
///
/// Safe from any number of threads. A waiting thread does not react to interrupts; the synchronized
/// state of data must not depend on them.
public final class FlushGate {
    private static final Logger LOG = LogManager.getLogger(FlushGate.class);

    /// Makes all that was written before the call durable, or says why not.
    @FunctionalInterface
    public interface Synchronization {
        /// Runs it; may block for long.
        void run() throws IOException;
    }

    private final String name;
    private final Synchronization synchronization;
    private final Object monitor = new Object();

    /// Synchronizations begun and, of these, the last one completed. Guarded by `monitor`.
    private long begun;

    private long completed;
    private boolean running;

    private volatile @Nullable IOException failure;

    /// A gate in front of one file.
    ///
    /// @param name what fails when it fails, for the log
    public FlushGate(String name, Synchronization synchronization) {
        this.name = name;
        this.synchronization = synchronization;
    }

    /// The error that failed the gate, or null while it is open.
    public @Nullable IOException failure() {
        return failure;
    }

    /// Returns when a synchronization that began after this call has completed.
    ///
    /// @throws IOException the first error of any synchronization; from then on, always
    public void flush() throws IOException {
        long wanted;
        synchronized (monitor) {
            // One that runs already may have passed by the caller's data; the next has not.
            wanted = begun + 1;
        }
        while (awaitTurn(wanted)) {
            synchronizeOnce();
        }
    }

    /// Waits until the wanted synchronization has completed or this thread is to run one.
    ///
    /// @return whether this thread is to run one
    private boolean awaitTurn(long wanted) throws IOException {
        boolean interrupted = false;
        try {
            synchronized (monitor) {
                while (completed < wanted) {
                    IOException failed = failure;
                    if (failed != null) {
                        throw failed;
                    }
                    if (!running) {
                        running = true;
                        begun++;
                        return true;
                    }
                    try {
                        monitor.wait();
                    } catch (InterruptedException _) {
                        interrupted = true;
                    }
                }
                return false;
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void synchronizeOnce() {
        IOException failed = null;
        try {
            synchronization.run();
        } catch (IOException e) {
            failed = e;
        } catch (RuntimeException | Error e) {
            failed = new IOException(name + ": synchronization broke off", e);
        }
        synchronized (monitor) {
            running = false;
            if (failed == null) {
                completed = begun;
            } else {
                failure = failed;
            }
            monitor.notifyAll();
        }
        if (failed != null) {
            LOG.error(
                    "{} has failed: written data may be lost, and nothing more is served from it",
                    name,
                    failed);
        }
    }
}
