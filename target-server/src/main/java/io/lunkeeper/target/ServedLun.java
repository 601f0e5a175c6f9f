package io.lunkeeper.target;

import static java.util.Objects.requireNonNull;

import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.lun.LunSpec;
import io.lunkeeper.lun.LunStatistics;
import io.lunkeeper.lun.Preparation;
import io.lunkeeper.target.metrics.LunStatus;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// One LUN from the configuration to the end of the server. One thread opens it and has it grow;
/// anybody may ask how it is meanwhile, and is answered at once.
final class ServedLun {
    private final Place place;
    private final BooleanSupplier stopping;
    private volatile @Nullable LunBackend backend;
    private volatile OptionalDouble filledRatio = OptionalDouble.empty();
    private volatile boolean growing;

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

    /// Opens the image.
    LunBackend open(Opening opening) throws IOException {
        LunBackend opened = opening.open(place.spec().image(), new Filling());
        backend = opened;
        return opened;
    }

    /// The open image.
    LunBackend backend() {
        return requireNonNull(backend);
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
            return status(new LunStatus.State.Preparing(filledRatio), Optional.empty());
        }
        LunStatistics now = served.statistics();
        return status(state(now.failure()), Optional.of(figures(now)));
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
        return growing ? new LunStatus.State.Growing(filledRatio) : new LunStatus.State.Served();
    }

    private static LunStatus.Figures figures(LunStatistics now) {
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
                now.syncs());
    }
}
