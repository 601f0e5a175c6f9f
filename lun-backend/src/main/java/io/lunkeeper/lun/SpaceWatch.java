package io.lunkeeper.lun;

import java.time.Duration;
import java.util.function.LongSupplier;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/// Notices that the file system of an image is running out of space, while there is time to act:
/// says so when it becomes so, and again every few minutes while it stays so, since initiators come
/// and go. One thread looks; anybody may set the limit.
final class SpaceWatch {
    private static final long REMIND_NANOS = Duration.ofMinutes(5).toNanos();

    /// Space must come back by this part of the limit before the alarm is off, or a file system
    /// right at the limit would raise it with every file that comes and goes.
    private static final int HYSTERESIS = 8;

    private static final Logger LOG = LogManager.getLogger(SpaceWatch.class);

    private final String image;
    private volatile long lowBytes;
    private final LongSupplier nanoTime;
    private final Runnable alarm;
    private long lastLowBytes;
    private boolean low;
    private long told;

    /// @param lowBytes how little free space is too little; 0: never
    /// @param alarm called when it is so
    SpaceWatch(String image, long lowBytes, LongSupplier nanoTime, Runnable alarm) {
        this.image = image;
        this.lowBytes = lowBytes;
        this.lastLowBytes = lowBytes;
        this.nanoTime = nanoTime;
        this.alarm = alarm;
    }

    /// Another limit, from the next look on: where less is free, that is said again.
    void lowBytes(long bytes) {
        lowBytes = bytes;
    }

    long lowBytes() {
        return lowBytes;
    }

    /// Takes note of the free space of now.
    void look(long availableBytes) {
        long limit = lowBytes;
        if (limit != lastLowBytes) {
            lastLowBytes = limit;
            low = false;
        }
        if (availableBytes < limit) {
            if (!low || nanoTime.getAsLong() - told >= REMIND_NANOS) {
                LOG.warn(
                        "{}: its file system has {} MiB left, less than low-space, {} MiB; make"
                                + " room, or writes that need space will be refused",
                        image,
                        availableBytes >> 20,
                        limit >> 20);
                low = true;
                told = nanoTime.getAsLong();
                alarm.run();
            }
        } else if (low && availableBytes >= limit + limit / HYSTERESIS) {
            low = false;
            LOG.info("{}: its file system has {} MiB again", image, availableBytes >> 20);
        }
    }
}
