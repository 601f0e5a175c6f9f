package io.lunkeeper.lun;

import io.lunkeeper.lun.LunBackend.MapChanges;
import io.lunkeeper.lun.extent.ExtentScanner;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/// Asks the file system again about the blocks of an image: about all of them when somebody may
/// have changed them, and slowly all the time, since they can be moved without opening the image.
/// Safe from any number of threads.
final class MapRefresh {
    private static final Logger LOG = LogManager.getLogger(MapRefresh.class);

    /// How much of the map is asked for every so many ticks: slow enough to cost nothing.
    private static final int WINDOWS = 16;

    private static final int TICKS = 10;

    private final Path image;
    private final ExtentScanner scanner;
    private final AtomicInteger wanted = new AtomicInteger();
    private final AtomicBoolean queued = new AtomicBoolean();
    private int ticks;
    private boolean ended;

    MapRefresh(Path image, ExtentScanner scanner) {
        this.image = image;
        this.scanner = scanner;
    }

    /// A second has passed. One caller at a time.
    void tick() {
        if (++ticks % TICKS == 0) {
            request(WINDOWS);
        }
    }

    /// Asks about all blocks, later. Asked for again before it has begun, it is done once.
    void requestAll() {
        request(Integer.MAX_VALUE);
    }

    private void request(int windows) {
        wanted.accumulateAndGet(windows, Math::max);
        if (!queued.getAndSet(true)) {
            LunClock.BACKGROUND.execute(() -> {
                queued.set(false);
                refresh(wanted.getAndSet(0));
            });
        }
    }

    /// Asks about some windows more; may block.
    synchronized void refresh(int windows) {
        if (ended) {
            return;
        }
        MapChanges before = changes();
        scanner.refreshNext(windows);
        MapChanges after = changes();
        if (!after.equals(before)) {
            LOG.warn(
                    "image {}: another program changed its blocks: {} bytes moved, {} shared with"
                            + " other files, {} written",
                    image,
                    after.movedBytes() - before.movedBytes(),
                    after.sharedBytes() - before.sharedBytes(),
                    after.foreignBytes() - before.foreignBytes());
        }
    }

    /// What was found so far.
    MapChanges changes() {
        return new MapChanges(scanner.movedBytes(), scanner.sharedBytes(), scanner.foreignBytes());
    }

    /// Ends it. On return nobody asks about the file, which may be closed.
    synchronized void end() {
        ended = true;
    }
}
