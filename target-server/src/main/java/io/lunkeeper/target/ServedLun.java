package io.lunkeeper.target;

import static java.util.Objects.requireNonNull;

import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.lun.LunSpec;
import io.lunkeeper.lun.LunStatistics;
import io.lunkeeper.lun.Preparation;
import io.lunkeeper.target.metrics.LunStatus;
import io.lunkeeper.target.scsi.AccessCounts;
import java.io.Closeable;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// One LUN from the configuration until it is taken out of it, or to the end of the server. One
/// thread opens it, has it grow and lets it go; anybody may ask how it is meanwhile, and is
/// answered at once.
final class ServedLun implements Closeable {
    private static final Logger LOG = LogManager.getLogger(ServedLun.class);

    /// How long the end of the server waits for a LUN that is being closed already.
    private static final long CLOSE_SECONDS = 30;

    private final BooleanSupplier stopping;
    private final AccessCounts accessCounts = new AccessCounts();
    private volatile Place place;
    private volatile @Nullable LunBackend backend;
    private volatile @Nullable IOException refusal;
    private volatile OptionalDouble filledRatio = OptionalDouble.empty();
    private volatile BooleanSupplier reservationsLost = () -> false;
    private volatile boolean growing;
    private volatile boolean leaving;
    private volatile Runnable whenClosed = () -> {};
    private volatile @Nullable IOException lost;
    private final CountDownLatch closed = new CountDownLatch(1);

    /// A LUN whose image is not open yet.
    ///
    /// @param stopping whether the end is wanted already; ends work that takes long
    ServedLun(Place place, BooleanSupplier stopping) {
        this.place = place;
        this.stopping = stopping;
    }

    /// Takes note of how much of the image is filled.
    private final class Filling implements Preparation {
        @Override
        public boolean stopping() {
            return stopping.getAsBoolean();
        }

        @Override
        public void filled(long doneBytes, long ofBytes) {
            filledRatio = OptionalDouble.of((double) doneBytes / ofBytes);
        }
    }

    /// How an image is opened.
    interface Opening {
        LunBackend open(LunSpec spec, Preparation preparation) throws IOException;
    }

    /// Who gets an image that was opened.
    interface Reception {
        /// Takes it, and gives who says whether it is lost who has reserved it.
        BooleanSupplier take(LunBackend opened) throws IOException;
    }

    /// Opens the image and hands it on; it is closed again when it is not taken.
    void open(Opening opening, Reception reception) throws IOException {
        try {
            LunBackend opened = opening.open(place.spec().image(), new Filling());
            try {
                reservationsLost = reception.take(opened);
            } catch (IOException | RuntimeException refused) {
                opened.close();
                throw refused;
            }
            backend = opened;
            refusal = null;
        } catch (IOException refused) {
            refusal = refused;
            throw refused;
        }
    }

    /// Where it stands in the configuration.
    Place place() {
        return place;
    }

    /// It stands elsewhere there now.
    void place(Place now) {
        place = now;
    }

    boolean isAt(Place.Name name) {
        return place.name().equals(name);
    }

    /// Whether initiators have it.
    boolean served() {
        return backend != null && !leaving;
    }

    /// Whether it was taken out.
    boolean leaving() {
        return leaving;
    }

    // ---- the end

    /// Initiators do not have it any more from now on; its last commands may still run.
    ///
    /// @param whenGone called when the image is closed
    void leave(Runnable whenGone) {
        whenClosed = whenGone;
        leaving = true;
    }

    /// Nothing touches the image any more: closes it, on a thread of its own, since that may take
    /// as long as the disk does.
    void atRest() {
        Thread.ofPlatform().daemon().name("close " + place.name()).start(this::closeForGood);
    }

    private void closeForGood() {
        try {
            backend().close();
            LOG.info(
                    "{} is taken out; image {} is closed, and other programs may use it",
                    place.name(),
                    place.spec().image().image());
        } catch (IOException flushing) {
            lost = flushing;
            LOG.error("{} is taken out; its image did not close cleanly", place.name(), flushing);
        } finally {
            whenClosed.run();
            closed.countDown();
        }
    }

    /// Waits until a LUN that leaves has gone.
    ///
    /// @return whether it has
    boolean closedWithin(long millis) {
        try {
            return closed.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    /// What went wrong with taking it out, in words for the administrator.
    Optional<String> trouble() {
        IOException flushing = lost;
        if (flushing != null) {
            return Optional.of(
                    place.name()
                            + " is taken out, but acknowledged data may be lost: "
                            + flushing.getMessage());
        }
        return closed.getCount() == 0
                ? Optional.empty()
                : Optional.of(
                        place.name()
                                + " is taken out, but its image is not closed yet: its last"
                                + " commands have not come to rest, or its disk does not answer");
    }

    /// Flushes and closes the image, at the end of the server.
    @Override
    public void close() throws IOException {
        if (leaving && !closedWithin(TimeUnit.SECONDS.toMillis(CLOSE_SECONDS))) {
            LOG.error("{} did not come to rest", place.name());
        }
        LunBackend served = backend;
        if (served != null) {
            served.close();
        }
    }

    /// The open image.
    LunBackend backend() {
        return requireNonNull(backend);
    }

    /// What is to count what initiators read and write.
    AccessCounts accessCounts() {
        return accessCounts;
    }

    /// Makes the image larger.
    void grow(long sizeBytes) throws IOException {
        filledRatio = OptionalDouble.empty();
        growing = true;
        try {
            backend().grow(sizeBytes, new Filling());
        } finally {
            growing = false;
        }
    }

    /// How it is now.
    LunStatus status() {
        LunBackend served = backend;
        if (served == null) {
            IOException refused = refusal;
            return status(
                    refused == null
                            ? new LunStatus.State.Preparing(filledRatio)
                            : new LunStatus.State.Failed("not served: " + refused.getMessage()),
                    Optional.empty());
        }
        LunStatistics now = served.statistics();
        return status(state(now.failure()), Optional.of(figures(now, accessCounts.now())));
    }

    private LunStatus status(LunStatus.State state, Optional<LunStatus.Figures> figures) {
        return new LunStatus(
                place.target(),
                place.spec().lun(),
                place.spec().image().image().toString(),
                state,
                figures);
    }

    private LunStatus.State state(Optional<String> failure) {
        if (failure.isPresent()) {
            return new LunStatus.State.Failed(failure.get());
        }
        if (leaving) {
            return new LunStatus.State.Leaving();
        }
        if (reservationsLost.getAsBoolean()) {
            return new LunStatus.State.ReservationsLost();
        }
        return growing ? new LunStatus.State.Growing(filledRatio) : new LunStatus.State.Served();
    }

    private static LunStatus.Figures figures(LunStatistics now, AccessCounts.Totals counts) {
        return new LunStatus.Figures(
                now.sizeBytes(),
                now.space().usedBytes(),
                now.space().availableBytes(),
                now.spaceAge(),
                now.unwrittenBytes(),
                now.changes().movedBytes(),
                now.changes().sharedBytes(),
                now.changes().foreignBytes(),
                now.opensByOthers(),
                now.flushRequests(),
                now.syncs(),
                counts.readCommands(),
                counts.readBytes(),
                counts.writeCommands(),
                counts.writtenBytes());
    }
}
