package io.lunkeeper.lun.image;

import io.lunkeeper.lun.linux.Lease;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// Looks after the ownership of an image while it is served: whether the file is still the one that
/// was opened and as large, its locks are still held, and its file system still takes writes; and
/// whether another program opens it.
///
/// Of openers it learns from the [OpenGuard]. Where that is not permitted, the write lease tells:
/// it is looked at once a second, and given up at once when somebody waits for it, so that nobody
/// is kept waiting for longer than that.
public final class ImageWatch implements AutoCloseable {
    private static final Logger LOG = LogManager.getLogger(ImageWatch.class);
    private static final long PERIOD_MILLIS = 1000;

    private static final ScheduledExecutorService CLOCK =
            new ScheduledThreadPoolExecutor(
                    1, task -> Thread.ofPlatform().daemon().name("image watch").unstarted(task));

    /// What a watch reports, on a thread of its own; must not block.
    public interface Listener {
        /// The image cannot be trusted any more.
        void failed(IOException reason);

        /// Another program has it open, or had.
        void opened();

        /// A second has passed.
        void tick() throws IOException;
    }

    private final ImageFile image;
    private final Path path;
    private final boolean readOnly;
    private final Listener listener;
    private final LongAdder opens = new LongAdder();
    private @Nullable Runnable unguard;
    private @Nullable Future<?> ticking;
    private boolean wantsLease;
    private boolean leased;
    private boolean missed;
    private boolean over;

    private ImageWatch(ImageFile image, boolean readOnly, Listener listener) {
        this.image = image;
        this.path = image.path();
        this.readOnly = readOnly;
        this.listener = listener;
    }

    /// Watches an image until the watch is closed, which must come before the image is.
    ///
    /// @param openers whether opening by other programs is of interest
    /// @param refusing whether it is to be refused where that is permitted
    public static ImageWatch start(
            ImageFile image, boolean readOnly, boolean openers, boolean refusing, Listener listener)
            throws IOException {
        ImageWatch watch = new ImageWatch(image, readOnly, listener);
        watch.begin(openers && !readOnly, refusing);
        return watch;
    }

    private synchronized void begin(boolean openers, boolean refusing) throws IOException {
        if (openers) {
            guard(refusing);
        }
        ticking =
                CLOCK.scheduleWithFixedDelay(
                        this::tick, PERIOD_MILLIS, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
    }

    /// First the lease, which proves that nobody has the file open; then the mark; then a look
    /// whether the lease is whole, so that nobody came between. The guard's own events open the
    /// file inside the kernel, which would break the lease, so only one of them stays.
    private void guard(boolean refusing) throws IOException {
        leased = image.file().tryLease();
        if (!leased) {
            String openers = LockHolders.openers(path);
            if (!openers.isEmpty()) {
                LOG.warn("image {} is open in {} too; what that writes is lost", path, openers);
            }
        }
        Object identity = image.file().status().identity();
        unguard = OpenGuard.guard(identity, image.file().selfPath(), path, refusing, this::tried);
        if (unguard == null) {
            wantsLease = true;
            if (refusing) {
                LOG.warn(
                        "image {}: other programs cannot be refused without CAP_SYS_ADMIN; they"
                                + " will be noticed",
                        path);
            }
        } else if (leased) {
            if (image.file().lease() != Lease.HELD) {
                opened();
            } else {
                giveUpLease();
            }
        }
    }

    private synchronized void tick() {
        if (over) {
            return;
        }
        try {
            String trouble = trouble();
            if (trouble != null) {
                over = true;
                listener.failed(new IOException("image " + path + " " + trouble));
                return;
            }
            lookForOpeners();
            listener.tick();
        } catch (IOException | RuntimeException e) {
            LOG.warn("image {} could not be looked after this time", path, e);
        }
    }

    /// What is wrong with the file, if anything, in words that go on after its name.
    private @Nullable String trouble() throws IOException {
        String size = image.sizeTrouble();
        if (size != null) {
            return size;
        }
        int locks = image.file().locksHeld();
        if (locks >= 0 && locks < image.locksTaken()) {
            return "has lost its locks, and other programs may have written to it";
        }
        if (!readOnly && image.file().fileSystem().readOnly()) {
            return "is on a file system that has become read-only";
        }
        return replaced();
    }

    private @Nullable String replaced() throws IOException {
        Object found = ImageFile.identityOf(path);
        if (found == null) {
            if (!missed) {
                missed = true;
                LOG.error(
                        "image {} was moved or deleted; its data is served on, but is lost or not"
                                + " found when the server ends: move it back, or copy the disk",
                        path);
            }
            return null;
        }
        return found.equals(image.file().status().identity())
                ? null
                : "was replaced: another file has its name now";
    }

    private void lookForOpeners() {
        if (leased) {
            if (image.file().lease() != Lease.HELD) {
                opened();
            }
        } else if (wantsLease) {
            leased = image.file().tryLease();
            if (leased) {
                // Whoever had it open has closed it, and may have left something behind.
                listener.opened();
            }
        }
    }

    private void tried(boolean refused) {
        opens.increment();
        if (!refused) {
            listener.opened();
        }
    }

    /// How often another program was noticed opening the image, let in or refused.
    public long opensSeen() {
        return opens.sum();
    }

    /// Somebody waits for the lease.
    private void opened() {
        opens.increment();
        Lease state = image.file().lease();
        giveUpLease();
        String openers = LockHolders.openers(path);
        LOG.warn(
                "image {} is served, and {} opened it {}; what that writes is lost or destroys the"
                        + " disk",
                path,
                openers.isEmpty() ? "another program" : openers,
                state == Lease.READER_WAITS ? "for reading" : "for writing");
        listener.opened();
    }

    private void giveUpLease() {
        image.file().giveUpLease();
        leased = false;
    }

    /// Ends the watch; after that the listener is not called any more.
    @Override
    public synchronized void close() {
        over = true;
        if (ticking != null) {
            ticking.cancel(false);
        }
        if (unguard != null) {
            unguard.run();
        }
    }
}
