package io.lunkeeper.lun.writeback;

import java.io.IOException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// The first error after which an image cannot be trusted, for good. Whoever meets one tells it
/// here; whoever is about to promise something asks. Safe from any number of threads.
public final class FirstFailure {
    private static final Logger LOG = LogManager.getLogger(FirstFailure.class);

    private final String name;
    private final Runnable alarm;
    private volatile @Nullable IOException error;

    /// No failure yet.
    ///
    /// @param name what fails when it fails, for the log
    /// @param alarm called when it happens, at most once; must not block
    public FirstFailure(String name, Runnable alarm) {
        this.name = name;
        this.alarm = alarm;
    }

    /// What fails.
    public String name() {
        return name;
    }

    /// The error, or null while there was none.
    public @Nullable IOException error() {
        return error;
    }

    /// Takes an error in; all but the first are dropped.
    public synchronized void fail(IOException e) {
        if (error == null) {
            error = e;
            LOG.error(
                    "{} has failed: data that was written may be lost. Nothing more is served from it"
                            + " until lunkeeper is started again; look after the disk and its"
                            + " file system before",
                    name,
                    e);
            alarm.run();
        }
    }
}
