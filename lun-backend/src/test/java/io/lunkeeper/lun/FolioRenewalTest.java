package io.lunkeeper.lun;

import static io.lunkeeper.lun.LunFixture.buffer;
import static io.lunkeeper.lun.LunFixture.filled;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ImageFile;
import io.lunkeeper.lun.image.ImageFiles;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolioRenewalTest {
    private static final int PAGE = 4096;
    private static final int FOLIO = FolioRenewal.FOLIO_BYTES;
    private static final int REGION = 1 << LargeFolios.REGION_SHIFT;

    @TempDir private Path directory;

    private final RangeLocks locks = new RangeLocks();
    private final List<String> dirtied = new ArrayList<>();

    private ImageFile image(int sizeBytes) throws IOException {
        ImageFile image = ImageFile.create(directory.resolve("image"), false);
        image.resize(sizeBytes);
        return image;
    }

    private FolioRenewal renewal(ImageFile image, ExtentTree tree) {
        return new FolioRenewal(
                image, tree, locks, (offset, length) -> dirtied.add(offset + "+" + length));
    }

    private static void write(ImageFile image, ExtentTree tree, long offset, byte[] bytes)
            throws IOException {
        ByteBuf source = buffer(bytes);
        try {
            tree.markWritten(offset, bytes.length);
            image.write(offset, source, 0, bytes.length);
        } finally {
            source.release();
        }
    }

    private static byte[] read(ImageFile image, long offset, int length) throws IOException {
        ByteBuf destination = PooledByteBufAllocator.DEFAULT.directBuffer(length);
        try {
            image.read(offset, destination, 0, length);
            byte[] bytes = new byte[length];
            destination.getBytes(0, bytes);
            return bytes;
        } finally {
            destination.release();
        }
    }

    /// What is not on the disk yet must survive it, the odd end of an image too.
    @Test
    void whatIsRenewedReadsAsBefore() throws IOException {
        byte[] bytes = new byte[REGION + FOLIO + PAGE];
        new SplittableRandom(3).nextBytes(bytes);
        ExtentTree tree = new ExtentTree(bytes.length);
        try (ImageFile image = image(bytes.length)) {
            write(image, tree, 0, bytes);
            FolioRenewal renewal = renewal(image, tree);
            renewal.renew(0, REGION);
            assertEquals(REGION / FOLIO, dirtied.size());
            dirtied.clear();
            renewal.renew(REGION, REGION);
            assertEquals(List.of(REGION + "+" + FOLIO, (REGION + FOLIO) + "+" + PAGE), dirtied);
            assertArrayEquals(bytes, read(image, 0, bytes.length));
        }
    }

    @Test
    void whatHasNoSpaceOfItsOwnIsNotWritten() throws IOException {
        ExtentTree tree = new ExtentTree(REGION);
        tree.markZeros(0, REGION, BlockState.HOLE);
        byte[] bytes = filled(FOLIO + PAGE, 5);
        try (ImageFile image = image(REGION)) {
            write(image, tree, FOLIO, bytes);
            renewal(image, tree).renew(0, REGION);
            assertEquals(List.of(FOLIO + "+" + FOLIO), dirtied);
            assertArrayEquals(bytes, read(image, FOLIO, bytes.length));
            image.syncData();
            assertEquals(bytes.length, image.allocatedBytes());
        }
    }

    /// Each page counts what was written to it; a renewal that writes back something older loses
    /// count.
    @Test
    void nothingIsLostBesideWriters() throws Exception {
        int writers = 2;
        int times = 20_000;
        ExtentTree tree = new ExtentTree(REGION);
        try (ImageFile image = image(REGION);
                ExecutorService threads = Executors.newFixedThreadPool(writers)) {
            write(image, tree, 0, new byte[REGION]);
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < writers; i++) {
                int page = i * 3;
                running.add(
                        threads.submit(() -> {
                            count(image, tree, page, times);
                            return null;
                        }));
            }
            FolioRenewal renewal = renewal(image, tree);
            do {
                renewal.renew(0, REGION);
            } while (!running.stream().allMatch(Future::isDone));
            for (int i = 0; i < writers; i++) {
                running.get(i).get();
                byte[] page = read(image, i * 3L * PAGE, PAGE);
                assertArrayEquals(filled(PAGE, times % 127), page);
            }
        }
    }

    /// Writes as the backend does, behind a shared lock.
    private void count(ImageFile image, ExtentTree tree, int page, int times) throws IOException {
        long offset = (long) page * PAGE;
        long stripes = RangeLocks.stripes(offset, PAGE);
        for (int i = 1; i <= times; i++) {
            locks.lockShared(stripes);
            try {
                byte[] found = read(image, offset, PAGE);
                assertArrayEquals(filled(PAGE, (i - 1) % 127), found);
                write(image, tree, offset, filled(PAGE, i % 127));
            } finally {
                locks.releaseShared(stripes);
            }
        }
    }

    /// What a flush has made durable stays so when the power goes before the next.
    @Test
    void whatWasFlushedSurvivesALossOfPower() throws IOException {
        byte[] bytes = new byte[REGION];
        new SplittableRandom(5).nextBytes(bytes);
        ExtentTree tree = new ExtentTree(REGION);
        SimulatedFile file = new SimulatedFile(REGION, new Random(2));
        SimulatedFile after;
        try (ImageFile image = ImageFiles.over(Path.of("simulated"), file)) {
            write(image, tree, 0, bytes);
            image.syncData();
            renewal(image, tree).renew(0, REGION);
            assertEquals(REGION / FOLIO, dirtied.size());
            after = file.powerLoss();
        }
        try (ImageFile image = ImageFiles.over(Path.of("simulated"), after)) {
            assertArrayEquals(bytes, read(image, 0, REGION));
        }
    }

    @Test
    void anErrorOfTheDiskIsPassedOnAndLetsWritersGo() throws IOException {
        SimulatedFile file = new SimulatedFile(REGION, new Random(1));
        ExtentTree tree = new ExtentTree(REGION);
        try (ImageFile image = ImageFiles.over(Path.of("simulated"), file)) {
            write(image, tree, 0, filled(PAGE, 1));
            file.failNextWriteback();
            assertThrows(IOException.class, () -> renewal(image, tree).renew(0, REGION));
            long stripes = RangeLocks.stripes(0, REGION);
            locks.lockExclusive(stripes);
            locks.releaseExclusive(stripes);
        }
    }
}
