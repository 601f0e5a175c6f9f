package io.lunkeeper.lun;

import static io.lunkeeper.lun.LunFixture.filled;
import static io.lunkeeper.lun.LunFixture.read;
import static io.lunkeeper.lun.LunFixture.tryWrite;
import static io.lunkeeper.lun.LunFixture.write;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.image.ImageFile;
import io.lunkeeper.lun.image.ImageFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/// What happens to written data that nobody flushes.
class WritebackTest {
    private static final int SIZE = 16 << 20;
    private static final int MIB = 1 << 20;

    private final SimulatedFile file = new SimulatedFile(SIZE, new Random(1));

    private LunBackend open(Duration expire, long background, long limit) throws IOException {
        LunSpec spec =
                new LunSpec(
                        Path.of("simulated"),
                        OptionalLong.of(SIZE),
                        Allocation.SPARSE,
                        CacheMode.WRITE_BACK,
                        512,
                        false,
                        new LunTuning(Guard.OFF, 256 << 10, expire, background, limit, 0, 2));
        ImageFile image = ImageFiles.over(Path.of("simulated"), file);
        return new LunBackend(spec, image, image::syncData);
    }

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < deadline, () -> "never: " + what);
            Thread.sleep(2);
        }
    }

    @Test
    void anIdleLunBecomesCleanByItself() throws Exception {
        try (LunBackend lun = open(Duration.ofMillis(100), MIB, SIZE)) {
            write(lun, 0, filled(65536, 1));
            assertEquals(65536, lun.unwrittenBytes());
            await("clean", () -> lun.unwrittenBytes() == 0);
        }
    }

    @Test
    void muchWrittenDataGoesToTheDiskBeforeItIsOld() throws Exception {
        try (LunBackend lun = open(Duration.ofHours(1), MIB, SIZE)) {
            write(lun, 0, filled(MIB - 4096, 1));
            assertEquals(MIB - 4096, lun.unwrittenBytes());
            write(lun, MIB - 4096, filled(4096, 1));
            await("clean", () -> lun.unwrittenBytes() == 0);
        }
    }

    @Test
    void aFlushLeavesNothingDirty() throws Exception {
        try (LunBackend lun = open(Duration.ofHours(1), SIZE, SIZE)) {
            write(lun, 0, filled(65536, 1));
            lun.flush();
            assertEquals(0, lun.unwrittenBytes());
        }
    }

    @Test
    void writersWaitWhileThereIsTooMuchAndNoThreadWaitsWithThem() throws Exception {
        CountDownLatch disk = new CountDownLatch(1);
        file.holdWriteback(disk);
        LunBackend lun = open(Duration.ofHours(1), MIB, 2 * MIB);
        try {
            write(lun, 0, filled(2 * MIB, 1));
            assertFalse(tryWrite(lun, 0, filled(4096, 2)), "on the event loop");
            CountDownLatch written = new CountDownLatch(20);
            for (int i = 0; i < 20; i++) {
                lun.writeThreads().execute(written::countDown);
            }
            CountDownLatch other = new CountDownLatch(1);
            lun.ioThreads().execute(other::countDown);
            assertTrue(other.await(30, TimeUnit.SECONDS), "reads must go on");
            assertEquals(20, written.getCount());
            disk.countDown();
            assertTrue(written.await(30, TimeUnit.SECONDS), "let go");
            await("clean", () -> lun.unwrittenBytes() == 0);
            assertTrue(tryWrite(lun, 0, filled(4096, 2)));
        } finally {
            disk.countDown();
            lun.close();
        }
    }

    @Test
    void errorOfWritebackFailsTheLunForGood() throws Exception {
        LunBackend lun = open(Duration.ofMillis(20), MIB, SIZE);
        file.failNextWriteback();
        write(lun, 0, filled(4096, 1));
        await("failed", () -> !tryWrite(lun, 0, filled(4096, 1)));
        LunFailedException refused = assertThrows(LunFailedException.class, lun::flush);
        assertTrue((refused.getMessage() + "").contains("Input/output error"), refused::toString);
        assertThrows(LunFailedException.class, () -> write(lun, 0, filled(4096, 1)));
        assertThrows(LunFailedException.class, lun::close);
    }

    @Test
    void errorOfAFlushIsNeverRepeatedIntoSuccess() throws Exception {
        LunBackend lun = open(Duration.ofHours(1), SIZE, SIZE);
        write(lun, 0, filled(4096, 1));
        file.failNextSync();
        assertThrows(LunFailedException.class, lun::flush);
        assertThrows(LunFailedException.class, lun::flush);
        assertThrows(LunFailedException.class, lun::close);
    }

    /// Scattered writes into a hole: their chunk is written as a whole when there is time.
    @Test
    void chunkThatIsPartlyWrittenBecomesWhole() throws Exception {
        try (LunBackend lun = open(Duration.ofMillis(20), MIB, SIZE)) {
            for (int i = 0; i < 64; i += 4) {
                write(lun, i * 4096L, filled(4096, 1));
            }
            write(lun, MIB, filled(4096, 1));
            await("whole", () -> mapped(lun, 0, 256 << 10) == 256 << 10);
            assertEquals(4096, mapped(lun, MIB, 256 << 10), "too little of it to be worth it");
        }
    }

    @Test
    void writesIntoHolesGoAtOnceAndTheirChunksAreTakenBeforeTheyGoToTheDisk() throws Exception {
        try (LunBackend lun = open(Duration.ofHours(1), SIZE, SIZE)) {
            read(lun, 0, 4096);
            assertTrue(tryWrite(lun, 8192, filled(4096, 1)));
            assertTrue(tryWrite(lun, 3 * MIB - 4096, filled(8192, 1)), "of two chunks");
            assertEquals("8192+4096=MAPPED 3141632+8192=MAPPED ", taken(lun));
            lun.flush();
            assertEquals(
                    "0+8192=ANCHORED 8192+4096=MAPPED 12288+249856=ANCHORED"
                            + " 2883584+258048=ANCHORED 3141632+8192=MAPPED"
                            + " 3149824+258048=ANCHORED ",
                    taken(lun));
        }
    }

    @Test
    void regionThatIsWrittenAllOverIsTakenAsAWhole() throws Exception {
        try (LunBackend lun = open(Duration.ofHours(1), SIZE, SIZE)) {
            read(lun, 0, 4096);
            for (int i = 0; i < 16; i++) {
                assertTrue(tryWrite(lun, (long) i * MIB, filled(4096, 1)));
            }
            lun.flush();
            assertTrue(taken(lun).endsWith("15732736+1044480=ANCHORED "), taken(lun));
        }
    }

    @Test
    void whereBlocksAreChosenAtOnceTheChunkComesFirst() throws Exception {
        file.allocateAtOnce();
        try (LunBackend lun = open(Duration.ofHours(1), SIZE, SIZE)) {
            read(lun, 0, 4096);
            assertFalse(tryWrite(lun, 0, filled(4096, 1)), "that would take time");
            write(lun, 0, filled(4096, 1));
            assertEquals("0+4096=MAPPED 4096+258048=ANCHORED ", taken(lun));
            assertTrue(tryWrite(lun, 4096, filled(4096, 1)), "its space is there");
        }
    }

    /// Where the image has space, and of which kind.
    private static String taken(LunBackend lun) {
        StringBuilder taken = new StringBuilder();
        try {
            lun.provisioning(
                    0,
                    SIZE,
                    (provisioning, offset, bytes) -> {
                        if (provisioning != Provisioning.DEALLOCATED) {
                            taken.append(offset + "+" + bytes + "=" + provisioning + " ");
                        }
                        return true;
                    });
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return taken.toString();
    }

    private static long mapped(LunBackend lun, long offset, long length) {
        long[] mapped = new long[1];
        try {
            lun.provisioning(
                    offset,
                    length,
                    (provisioning, _, bytes) -> {
                        mapped[0] += provisioning == Provisioning.MAPPED ? bytes : 0;
                        return true;
                    });
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return mapped[0];
    }
}
