package io.lunkeeper.lun;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.image.ImageFile;
import io.lunkeeper.lun.image.ImageFiles;
import io.lunkeeper.lun.writeback.FlushGate;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.config.Configurator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Power is lost at a random moment while several threads write, erase and flush; then every sector
/// must hold what its last acknowledged flush covered, or something written since, and no sector
/// may be torn. `-Dlunkeeper.power.rounds=N` sets the rounds, `-Dlunkeeper.power.seed=S` the first
/// seed; each round prints nothing unless it fails, and then its seed.
class PowerLossTest {
    private static final int SECTOR = 512;
    private static final int SIZE = 8 << 20;
    private static final int THREADS = 3;
    private static final int SECTORS = 2048;
    private static final int STEPS = 100_000;

    private final int rounds = Integer.getInteger("lunkeeper.power.rounds", 100);
    private final long firstSeed = Long.getLong("lunkeeper.power.seed", new Random().nextLong());

    /// What goes wrong on purpose.
    private enum Fault {
        NONE,
        /// Flushes are acknowledged and nothing is synchronized.
        FLUSH_DOES_NOTHING,
        /// The file system calls data a hole.
        EXTENTS_LIE,
        /// The disk writes a part of a sector.
        SECTORS_TEAR
    }

    /// Each loss of power is an error of the disk to the LUN, and logged with all there is.
    @BeforeAll
    static void quiet() {
        Configurator.setLevel("io.lunkeeper.lun.writeback", Level.OFF);
    }

    @AfterAll
    static void loud() {
        Configurator.setLevel("io.lunkeeper.lun.writeback", Level.ERROR);
    }

    @Test
    void nothingFlushedIsLostAndNothingTorn() throws Exception {
        System.out.println("PowerLossTest: " + rounds + " rounds, first seed=" + firstSeed);
        AtomicInteger flushes = new AtomicInteger();
        for (int i = 0; i < rounds; i++) {
            long seed = firstSeed + i;
            assertEquals(null, lossOf(seed, Fault.NONE, flushes), "seed=" + seed);
        }
        System.out.println(
                "PowerLossTest: power lost " + rounds + " times, " + flushes + " flushes, no loss");
        assertTrue(flushes.get() > rounds, "too few flushes to prove anything");
    }

    /// The test of the test: each of these must be found out.
    @Test
    void findsOutWhatIsBroken() throws Exception {
        for (Fault fault :
                List.of(Fault.FLUSH_DOES_NOTHING, Fault.EXTENTS_LIE, Fault.SECTORS_TEAR)) {
            boolean found = false;
            for (int i = 0; i < 50 && !found; i++) {
                found = lossOf(firstSeed + i, fault, new AtomicInteger()) != null;
            }
            assertTrue(found, () -> fault + " was not found out, seed=" + firstSeed);
        }
    }

    /// One sector's stamps that the disk may hold: the one that a flush covered and all later.
    private static final class History {
        final List<Long> allowed = new ArrayList<>(List.of(0L));
    }

    /// A thread's own stretch of the LUN.
    private static final class Writer {
        final int firstSector;
        final Random random;
        final History[] histories = new History[SECTORS];
        final AtomicInteger flushes;
        long stamp;

        Writer(int number, long seed, AtomicInteger flushes) {
            this.firstSector = number * SECTORS;
            this.random = new Random(seed * 31 + number);
            this.stamp = (number + 1L) << 40;
            this.flushes = flushes;
            for (int i = 0; i < SECTORS; i++) {
                histories[i] = new History();
            }
        }

        void run(LunBackend lun) {
            try {
                for (int i = 0; i < STEPS; i++) {
                    step(lun);
                }
            } catch (IOException _) {
                // The power is off.
            }
        }

        private void step(LunBackend lun) throws IOException {
            int kind = random.nextInt(20);
            if (kind < 3) {
                flush(lun);
                return;
            }
            boolean pages = random.nextBoolean();
            int from = random.nextInt(SECTORS) & (pages ? -8 : -1);
            int count = pages ? 8 << random.nextInt(4) : 1 + random.nextInt(20);
            int end = Math.min(SECTORS, from + count);
            long written = kind < 16 ? ++stamp : 0;
            for (int i = from; i < end; i++) {
                histories[i].allowed.add(written);
            }
            long offset = (long) (firstSector + from) * SECTOR;
            int length = (end - from) * SECTOR;
            if (written != 0) {
                write(lun, offset, length, written);
            } else if (kind < 18) {
                LunFixture.unmap(lun, offset, length);
            } else {
                lun.zero(offset, length);
            }
        }

        private static void write(LunBackend lun, long offset, int length, long stamp)
                throws IOException {
            ByteBuf data = PooledByteBufAllocator.DEFAULT.directBuffer(length);
            try {
                while (data.readableBytes() < length) {
                    data.writeLong(stamp);
                }
                if (!lun.tryWrite(offset, data)) {
                    lun.write(offset, data);
                }
            } finally {
                data.release();
            }
        }

        private void flush(LunBackend lun) throws IOException {
            int[] covered = new int[SECTORS];
            for (int i = 0; i < SECTORS; i++) {
                covered[i] = histories[i].allowed.size() - 1;
            }
            lun.flush();
            flushes.incrementAndGet();
            for (int i = 0; i < SECTORS; i++) {
                histories[i].allowed.subList(0, covered[i]).clear();
            }
        }

        /// What is wrong in this stretch, or null.
        @Nullable String loss(LunBackend lun) throws IOException {
            for (int i = 0; i < SECTORS; i++) {
                ByteBuf data = PooledByteBufAllocator.DEFAULT.directBuffer(SECTOR);
                try {
                    long offset = (long) (firstSector + i) * SECTOR;
                    if (!lun.tryRead(offset, data, SECTOR)) {
                        lun.read(offset, data, SECTOR);
                    }
                    long first = data.getLong(0);
                    for (int at = 0; at < SECTOR; at += 8) {
                        if (data.getLong(at) != first) {
                            return "sector " + (firstSector + i) + " is torn";
                        }
                    }
                    if (!histories[i].allowed.contains(first)) {
                        return "sector %d has stamp %x and may have %s"
                                .formatted(firstSector + i, first, histories[i].allowed);
                    }
                } finally {
                    data.release();
                }
            }
            return null;
        }
    }

    private static LunSpec spec(Random random) {
        return new LunSpec(
                Path.of("simulated"),
                OptionalLong.of(SIZE),
                Allocation.SPARSE,
                CacheMode.WRITE_BACK,
                SECTOR,
                false,
                new LunTuning(
                        Guard.OFF,
                        4096 << random.nextInt(7),
                        Duration.ofMillis(2),
                        64 << 10,
                        256 << 10,
                        0,
                        2));
    }

    private static @Nullable String lossOf(long seed, Fault fault, AtomicInteger flushes)
            throws Exception {
        Random random = new Random(seed);
        SimulatedFile file = new SimulatedFile(SIZE, new Random(seed + 1));
        if (fault == Fault.EXTENTS_LIE) {
            file.lie();
        } else if (fault == Fault.SECTORS_TEAR) {
            file.tear();
        }
        List<Writer> writers = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            writers.add(new Writer(i, seed, flushes));
        }
        ImageFile image = ImageFiles.over(Path.of("simulated"), file);
        FlushGate.Synchronization sync =
                fault == Fault.FLUSH_DOES_NOTHING ? () -> {} : image::syncData;
        LunBackend lun = new LunBackend(spec(random), image, sync);
        List<Thread> threads = new ArrayList<>();
        for (Writer writer : writers) {
            threads.add(Thread.ofPlatform().start(() -> writer.run(lun)));
        }
        long until = System.nanoTime() + random.nextInt(12_000_000);
        while (System.nanoTime() < until) {
            Thread.onSpinWait();
        }
        SimulatedFile after = file.powerLoss();
        for (Thread thread : threads) {
            thread.join();
        }
        closeDead(lun);
        ImageFile found = ImageFiles.over(Path.of("simulated"), after);
        try (LunBackend again = new LunBackend(spec(random), found, found::syncData)) {
            String loss = null;
            for (Writer writer : writers) {
                loss = loss == null ? writer.loss(again) : loss;
            }
            return loss;
        }
    }

    private static void closeDead(LunBackend lun) {
        try {
            lun.close();
        } catch (IOException _) {
            // The power is off.
        }
    }
}
