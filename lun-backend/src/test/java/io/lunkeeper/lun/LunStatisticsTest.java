package io.lunkeeper.lun;

import static io.lunkeeper.lun.LunFixture.filled;
import static io.lunkeeper.lun.LunFixture.write;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a LUN tells of itself.
class LunStatisticsTest {
    private static final int SIZE = 8 << 20;
    private static final Duration LIMIT = Duration.ofSeconds(30);

    @TempDir private Path directory;

    private static LunStatistics await(LunBackend lun, Predicate<LunStatistics> wanted)
            throws InterruptedException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!wanted.test(lun.statistics())) {
            assertTrue(System.nanoTime() < deadline, () -> "never: " + lun.statistics());
            Thread.sleep(20);
        }
        return lun.statistics();
    }

    /// A LUN that hands nothing to the disk unless asked.
    private static LunSpec leftDirty(Path image) {
        return new LunSpec(
                image,
                OptionalLong.of(SIZE),
                Allocation.SPARSE,
                CacheMode.WRITE_BACK,
                512,
                false,
                new LunTuning(
                        Guard.WARN, 256 << 10, Duration.ofHours(1), 64L << 20, 512L << 20, 0, 4));
    }

    @Test
    void countsWhatWasWrittenAndFlushed() throws Exception {
        LunBackend lun = LunBackend.open(leftDirty(directory.resolve("image")));
        try (lun) {
            LunStatistics fresh = lun.statistics();
            assertEquals(SIZE, fresh.sizeBytes());
            assertTrue(fresh.space().availableBytes() > 0, fresh::toString);
            assertEquals(0, fresh.unwrittenBytes());
            assertEquals(0, fresh.flushRequests());
            assertEquals(Optional.empty(), fresh.failure());
            write(lun, 0, filled(1 << 20, 1));
            assertEquals(1 << 20, lun.statistics().unwrittenBytes());
            lun.flush();
            assertEquals(0, lun.statistics().unwrittenBytes());
            assertEquals(1, lun.statistics().flushRequests());
            assertEquals(1, lun.statistics().syncs());
            await(lun, now -> now.space().usedBytes() >= 1 << 20);
        }
        assertEquals(2, lun.statistics().flushRequests());
    }

    @Test
    void tellsWhyItHasFailed() throws Exception {
        Path image = directory.resolve("image");
        LunBackend lun = LunBackend.open(LunFixture.sparse(image, SIZE));
        try {
            Files.write(image, new byte[4096]);
            String reason = await(lun, now -> now.failure().isPresent()).failure().orElseThrow();
            assertTrue(reason.contains("another program cut it"), reason);
            assertEquals(SIZE, lun.statistics().sizeBytes());
        } finally {
            closeFailed(lun);
        }
    }

    private static void closeFailed(LunBackend lun) {
        try {
            lun.close();
        } catch (IOException _) {
            // It says once more that it has failed.
        }
    }
}
