package io.lunkeeper.lun;

import static io.lunkeeper.lun.LunFixture.readAnyWay;
import static io.lunkeeper.lun.LunFixture.writeAnyWay;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Random operations on a LUN and on a plain array must leave the same bytes. A failure prints its
/// seed; `-Dlunkeeper.seed=N` repeats it.
class LunBackendModelTest {
    private static final int SIZE = 6 << 20;
    private static final long SEED = Long.getLong("lunkeeper.seed", 20261101L);

    private static final List<CacheMode> MODES = List.of(CacheMode.values());

    @TempDir private Path directory;

    /// A stretch of the LUN that one thread changes, and what it must hold.
    private static final class Stretch {
        final int start;
        final byte[] model;
        final SplittableRandom random;

        /// What the stretch holds while an operation runs: the bytes before and after it.
        volatile Change change;

        private static final class Change {
            final byte[] before;
            final byte[] after;

            Change(byte[] before, byte[] after) {
                this.before = before;
                this.after = after;
            }
        }

        Stretch(int start, int length, SplittableRandom random) {
            this.start = start;
            this.model = new byte[length];
            this.random = random;
            this.change = new Change(model.clone(), model.clone());
        }

        /// One random operation on a random range, aligned to pages half of the time.
        void step(LunBackend lun, boolean published) throws IOException {
            int limit = 1 << (1 + random.nextInt(18));
            int from = random.nextInt(model.length);
            int to = Math.min(model.length, from + 1 + random.nextInt(limit));
            if (random.nextBoolean()) {
                from = Math.max(0, ((start + from) & -4096) - start);
                to = Math.min(model.length, ((start + to + 4095) & -4096) - start);
            }
            int kind = random.nextInt(10);
            if (kind < 4) {
                byte[] expected = Arrays.copyOfRange(model, from, to);
                assertArrayEquals(expected, readAnyWay(lun, start + from, to - from));
                return;
            }
            byte[] before = published ? model.clone() : model;
            byte[] bytes = new byte[to - from];
            if (kind < 8) {
                random.nextBytes(bytes);
            }
            System.arraycopy(bytes, 0, model, from, bytes.length);
            if (published) {
                change = new Change(before, model.clone());
            }
            change(lun, kind, start + from, bytes);
            if (published) {
                byte[] after = change.after;
                change = new Change(after, after);
            }
        }

        private static void change(LunBackend lun, int kind, long offset, byte[] bytes)
                throws IOException {
            switch (kind) {
                case 8 -> lun.zero(offset, bytes.length);
                case 9 -> LunFixture.unmap(lun, offset, bytes.length);
                default -> writeAnyWay(lun, offset, bytes);
            }
        }

        void verify(LunBackend lun) throws IOException {
            assertArrayEquals(model, readAnyWay(lun, start, model.length));
        }
    }

    private LunSpec spec(CacheMode mode) {
        return LunFixture.spec(directory.resolve("image"), SIZE, Allocation.SPARSE, mode);
    }

    @ParameterizedTest
    @EnumSource
    void agreesWithAnArray(CacheMode mode) throws IOException {
        Stretch all = new Stretch(0, SIZE, new SplittableRandom(SEED));
        try {
            for (int round = 0; round < 5; round++) {
                try (LunBackend lun = LunBackend.open(spec(mode))) {
                    all.verify(lun);
                    for (int i = 0; i < 120; i++) {
                        all.step(lun, false);
                    }
                    lun.flush();
                    all.verify(lun);
                }
            }
        } catch (AssertionError e) {
            throw new AssertionError("seed=" + SEED, e);
        }
    }

    /// The model must be able to disagree: one byte is changed behind the back.
    @Test
    void oneWrongByteIsFound() throws IOException {
        Stretch all = new Stretch(0, SIZE, new SplittableRandom(SEED + 3));
        try (LunBackend lun = LunBackend.open(spec(CacheMode.WRITE_BACK))) {
            writeAnyWay(lun, 0, all.model);
            all.verify(lun);
            try (FileChannel file =
                    FileChannel.open(directory.resolve("image"), StandardOpenOption.WRITE)) {
                file.write(ByteBuffer.wrap(new byte[] {1}), all.random.nextInt(SIZE));
            }
            assertThrows(AssertionError.class, () -> all.verify(lun));
        }
    }

    @Test
    void agreesWhenAnotherCacheModeContinues() throws IOException {
        Stretch all = new Stretch(0, SIZE, new SplittableRandom(SEED + 1));
        try {
            for (int round = 0; round < 6; round++) {
                try (LunBackend lun = LunBackend.open(spec(MODES.get(round % MODES.size())))) {
                    all.verify(lun);
                    for (int i = 0; i < 40; i++) {
                        all.step(lun, false);
                    }
                }
            }
        } catch (AssertionError e) {
            throw new AssertionError("seed=" + SEED, e);
        }
    }

    /// The stretches meet inside pages and inside the units of direct output, so neighbours disturb
    /// each other unless locks keep them apart.
    @ParameterizedTest
    @EnumSource
    void neighboursDoNotDisturbEachOther(CacheMode mode) throws IOException {
        SplittableRandom seeds = new SplittableRandom(SEED + 2);
        List<Stretch> stretches = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < 4; i++) {
            int length = 100_000 + 777 * i + 1;
            stretches.add(new Stretch(start, length, seeds.split()));
            start += length;
        }
        AtomicBoolean done = new AtomicBoolean();
        try (LunBackend lun = LunBackend.open(spec(mode))) {
            List<CompletableFuture<Void>> writers =
                    stretches.stream().map(stretch -> run(() -> write(lun, stretch))).toList();
            CompletableFuture<Void> reader =
                    run(() -> readAlong(lun, stretches, seeds.split(), done));
            CompletableFuture<Void> refresher = run(() -> refreshAndGrow(lun, done));
            try {
                writers.forEach(CompletableFuture::join);
            } finally {
                done.set(true);
            }
            reader.join();
            refresher.join();
            for (Stretch stretch : stretches) {
                stretch.verify(lun);
            }
        } catch (CompletionException | AssertionError e) {
            throw new AssertionError("seed=" + SEED, e);
        }
        try (LunBackend lun = LunBackend.open(LunFixture.readOnly(directory.resolve("image")))) {
            for (Stretch stretch : stretches) {
                stretch.verify(lun);
            }
        }
    }

    /// What is known of the blocks is asked for again all the time, and the image grows.
    private static void refreshAndGrow(LunBackend lun, AtomicBoolean done) throws IOException {
        while (!done.get()) {
            lun.refreshMap(Integer.MAX_VALUE);
            lun.grow(lun.sizeBytes() + 4096, () -> false);
        }
    }

    private interface Task {
        void run() throws IOException;
    }

    private static CompletableFuture<Void> run(Task task) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread.ofPlatform()
                .daemon()
                .start(() -> {
                    try {
                        task.run();
                        done.complete(null);
                    } catch (Throwable e) {
                        done.completeExceptionally(e);
                    }
                });
        return done;
    }

    private static void write(LunBackend lun, Stretch stretch) throws IOException {
        for (int i = 0; i < 200; i++) {
            stretch.step(lun, true);
        }
    }

    /// Reads across the stretches while they change. Whatever was read while one operation ran must
    /// be, byte by byte, what was there before it or after it.
    private static void readAlong(
            LunBackend lun, List<Stretch> stretches, SplittableRandom random, AtomicBoolean done)
            throws IOException {
        while (!done.get()) {
            Stretch stretch = stretches.get(random.nextInt(stretches.size()));
            int from = random.nextInt(stretch.model.length);
            int length = 1 + random.nextInt(Math.min(20_000, stretch.model.length - from));
            Stretch.Change seen = stretch.change;
            byte[] bytes = readAnyWay(lun, stretch.start + from, length);
            if (stretch.change == seen) {
                checkOldOrNew(seen, from, bytes);
            }
        }
    }

    private static void checkOldOrNew(Stretch.Change change, int from, byte[] bytes) {
        for (int i = 0; i < bytes.length; i++) {
            byte got = bytes[i];
            if (got != change.before[from + i] && got != change.after[from + i]) {
                fail("byte " + (from + i) + " is neither old nor new");
            }
        }
    }
}
