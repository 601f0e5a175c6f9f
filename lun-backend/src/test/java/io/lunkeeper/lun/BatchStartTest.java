package io.lunkeeper.lun;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.ImageFile;
import io.lunkeeper.lun.image.ImageFiles;
import io.lunkeeper.lun.writeback.Chunks;
import io.lunkeeper.lun.writeback.FirstFailure;
import io.lunkeeper.lun.writeback.WritebackBatcher;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// When writeback begins, with a clock that the test moves.
class BatchStartTest {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 64 * MIB;

    private static final Chunks NO_CHUNKS =
            new Chunks() {
                @Override
                public void allocate() {}

                @Override
                public long unitBytes() {
                    return 4096;
                }

                @Override
                public long complete(long offset, long length) {
                    return 0;
                }
            };

    private final Queue<Runnable> batches = new ArrayDeque<>();
    private final Queue<Runnable> looks = new ArrayDeque<>();

    private final ScheduledThreadPoolExecutor clock =
            new ScheduledThreadPoolExecutor(1) {
                @Override
                public ScheduledFuture<?> schedule(Runnable look, long delay, TimeUnit unit) {
                    looks.add(look);
                    return super.schedule(() -> {}, 1, TimeUnit.DAYS);
                }
            };

    private final WritebackBatcher batcher;

    BatchStartTest() throws IOException {
        ImageFile image =
                ImageFiles.over(Path.of("simulated"), new SimulatedFile(SIZE, new Random(1)));
        batcher =
                new WritebackBatcher(
                        image,
                        new ExtentTree(SIZE),
                        new FirstFailure("simulated", () -> {}),
                        batches::add,
                        clock,
                        new WritebackBatcher.Limits(TimeUnit.SECONDS.toNanos(5), 4 * MIB, 32 * MIB),
                        NO_CHUNKS);
    }

    @AfterEach
    void stopTheClock() {
        clock.shutdownNow();
    }

    private void look() {
        looks.remove().run();
    }

    @Test
    void burstIsTakenInAndGoesToTheDiskWhenItPauses() {
        batcher.written(0, 8 * MIB);
        look();
        batcher.written(8 * MIB, MIB);
        look();
        assertEquals(0, batches.size(), "it goes on");
        look();
        assertEquals(1, batches.size(), "it has paused");
        batches.remove().run();
        assertEquals(0, batcher.unwrittenBytes());
        for (int i = 0; i < 20 && !looks.isEmpty(); i++) {
            look();
            batches.forEach(Runnable::run);
            batches.clear();
        }
        assertEquals(0, looks.size(), "there is nothing to look at any more");
    }

    @Test
    void writingTheSameAgainIsNoPause() {
        for (int i = 0; i < 4; i++) {
            batcher.written(0, 8 * MIB);
            look();
        }
        assertEquals(0, batches.size(), "no more is dirty than at the look before");
        look();
        assertEquals(1, batches.size());
    }

    @Test
    void burstOfThreeQuartersOfTheLimitGoesToTheDiskAtOnce() {
        batcher.written(0, 24 * MIB - 4096);
        assertEquals(0, batches.size());
        batcher.written(24 * MIB - 4096, 4096);
        assertEquals(1, batches.size());
    }

    @Test
    void littleWaitsForHalfTheAgeItMayReach() {
        batcher.written(0, 4096);
        for (int i = 0; i < 9; i++) {
            look();
        }
        assertEquals(0, batches.size(), "2.25 s");
        look();
        assertEquals(1, batches.size(), "2.5 s");
    }

    @Test
    void whereSomebodyFlushesLittleMayGather() throws IOException {
        batcher.synchronize(() -> {});
        batcher.written(0, 4 * MIB - 4096);
        assertEquals(0, batches.size());
        batcher.written(8 * MIB, 4096);
        assertEquals(1, batches.size());
        batches.remove().run();
        assertEquals(0, batcher.unwrittenBytes());
    }

    @Test
    void nothingBeginsAfterTheEnd() {
        batcher.end();
        batcher.written(0, 24 * MIB);
        assertEquals(0, batches.size());
        assertEquals(24 * MIB, batcher.unwrittenBytes(), "the last flush does it");
    }
}
