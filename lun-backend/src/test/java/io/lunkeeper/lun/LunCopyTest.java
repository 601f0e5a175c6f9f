package io.lunkeeper.lun;

import static io.lunkeeper.lun.LunFixture.filled;
import static io.lunkeeper.lun.LunFixture.read;
import static io.lunkeeper.lun.LunFixture.tryWrite;
import static io.lunkeeper.lun.LunFixture.write;
import static io.lunkeeper.lun.LunFixture.writeAnyWay;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Copies between images and within one.
class LunCopyTest {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 4 * MIB;
    private static final long LIMIT_SECONDS = 120;

    @TempDir private Path directory;

    private static LunBackend open(Path folder, String name, Allocation allocation, CacheMode mode)
            throws IOException {
        return LunBackend.open(LunFixture.spec(folder.resolve(name), SIZE, allocation, mode));
    }

    private LunBackend open(String name) throws IOException {
        return open(directory, name, Allocation.SPARSE, CacheMode.WRITE_BACK);
    }

    /// Of the first half: behind what is written a chunk may have taken more space.
    private static List<Provisioning> provisioning(LunBackend lun) throws IOException {
        List<Provisioning> runs = new ArrayList<>();
        lun.provisioning(
                0,
                SIZE / 2,
                (state, _, _) -> {
                    runs.add(state);
                    return true;
                });
        return runs;
    }

    // ---- against an array

    @ParameterizedTest
    @EnumSource(CacheMode.class)
    void agreesWithAnArray(CacheMode mode) throws IOException {
        agree(directory, mode);
    }

    @ParameterizedTest
    @ValueSource(strings = {"xfs", "btrfs"})
    void agreesWithAnArrayWhereBlocksAreShared(String type) throws IOException {
        try (LoopMount mount = LoopMount.of(type, 400)) {
            agree(mount.folder(), CacheMode.WRITE_BACK);
        }
    }

    /// Two LUNs and two arrays: random copies in either direction and within one, overlapping ones
    /// too, between writes, erasures and looks at the map.
    private static void agree(Path folder, CacheMode mode) throws IOException {
        long seed = Long.getLong("lunkeeper.seed", new Random().nextLong());
        System.out.println("LunCopyTest: " + folder + " " + mode + " seed=" + seed);
        Random random = new Random(seed);
        byte[][] models = new byte[2][SIZE];
        for (int opening = 0; opening < 2; opening++) {
            try (LunBackend first = open(folder, "a", Allocation.SPARSE, mode);
                    LunBackend second =
                            open(folder, "b", Allocation.SPARSE, CacheMode.WRITE_BACK)) {
                LunBackend[] luns = {first, second};
                for (int i = 0; i < 400; i++) {
                    step(luns, models, random);
                }
                for (int lun = 0; lun < 2; lun++) {
                    assertArrayEquals(models[lun], read(luns[lun], 0, SIZE), "seed=" + seed);
                    assertEquals(0, luns[lun].mapChanges().foreignBytes(), "seed=" + seed);
                }
            }
        }
    }

    private static void step(LunBackend[] luns, byte[][] models, Random random) throws IOException {
        int unit = random.nextBoolean() ? 4096 : 512;
        int length = Math.max(unit, (512 << random.nextInt(12)) / unit * unit);
        int to = random.nextInt((SIZE - length) / unit + 1) * unit;
        int target = random.nextInt(2);
        byte[] bytes = new byte[length];
        switch (random.nextInt(10)) {
            case 0, 1 -> {
                random.nextBytes(bytes);
                writeAnyWay(luns[target], to, bytes);
            }
            case 2 -> LunFixture.unmap(luns[target], to, length);
            case 3 -> luns[target].zero(to, length);
            case 4 -> {
                luns[target].refreshMap(Integer.MAX_VALUE);
                return;
            }
            default -> {
                int source = random.nextInt(2);
                int near = Math.floorMod(to + (random.nextInt(9) - 4) * unit, SIZE - length + 1);
                int from = random.nextBoolean() ? near : random.nextInt(SIZE - length + 1);
                from = from / unit * unit;
                luns[target].copy(luns[source], from, to, length);
                bytes = Arrays.copyOfRange(models[source], from, from + length);
            }
        }
        System.arraycopy(bytes, 0, models[target], to, length);
    }

    // ---- space

    @Test
    void holesStayHoles() throws IOException {
        try (LunBackend source = open("a");
                LunBackend copy = open("b")) {
            write(source, MIB / 2, filled(MIB / 4, 7));
            write(copy, 0, filled(2 * MIB, 9));
            copy.flush();
            copy.copy(source, 0, 0, MIB);
            copy.copy(source, MIB, MIB, MIB);
            assertEquals(
                    List.of(
                            Provisioning.DEALLOCATED,
                            Provisioning.MAPPED,
                            Provisioning.DEALLOCATED),
                    provisioning(copy));
            assertArrayEquals(filled(MIB / 4, 7), read(copy, MIB / 2, MIB / 4));
            assertArrayEquals(new byte[MIB / 2], read(copy, 0, MIB / 2));
            assertArrayEquals(new byte[MIB], read(copy, MIB, MIB));
        }
    }

    @Test
    void spaceThatIsReservedStaysSo() throws IOException {
        try (LunBackend source = open("a");
                LunBackend copy = open(directory, "b", Allocation.RESERVE, CacheMode.WRITE_BACK)) {
            write(copy, 0, filled(MIB, 9));
            copy.copy(source, 0, 0, MIB);
            assertFalse(provisioning(copy).contains(Provisioning.DEALLOCATED));
            assertArrayEquals(new byte[MIB], read(copy, 0, MIB));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void sharedBlocksAreKnownOnBothSidesAndReservedOnesAreNotShared(boolean reserve)
            throws IOException {
        Allocation allocation = reserve ? Allocation.RESERVE : Allocation.SPARSE;
        try (LoopMount mount = LoopMount.of("xfs", 400);
                LunBackend source =
                        open(mount.folder(), "a", Allocation.SPARSE, CacheMode.WRITE_BACK);
                LunBackend copy = open(mount.folder(), "b", allocation, CacheMode.WRITE_BACK)) {
            write(source, 0, filled(MIB, 1));
            source.flush();
            assertTrue(tryWrite(source, 0, filled(4096, 2)));
            copy.copy(source, 0, 0, MIB);
            copy.flush();
            assertEquals(reserve, tryWrite(source, 0, filled(4096, 3)));
            assertEquals(reserve, tryWrite(copy, 4096, filled(4096, 4)));
            long before = source.mapChanges().sharedBytes();
            source.refreshMap(Integer.MAX_VALUE);
            copy.refreshMap(Integer.MAX_VALUE);
            assertEquals(before, source.mapChanges().sharedBytes(), "nobody else shared them");
            assertEquals(0, copy.mapChanges().movedBytes(), "nobody else moved them");
            assertEquals(reserve, tryWrite(source, 65536, filled(4096, 3)));
            write(source, 0, filled(4096, 3));
            write(copy, 4096, filled(4096, 4));
            assertArrayEquals(filled(4096, 2), read(copy, 0, 4096));
            assertArrayEquals(filled(4096, 1), read(source, 4096, 4096));
        }
    }

    // ---- failures

    @Test
    void aSourceThatWasCutShortDoesNotFailTheCopy() throws IOException {
        try (LunBackend source = open("a");
                LunBackend copy = open("b")) {
            write(source, 0, filled(2 * MIB, 1));
            source.flush();
            try (RandomAccessFile file =
                    new RandomAccessFile(directory.resolve("a").toFile(), "rw")) {
                file.setLength(MIB / 2);
            }
            assertThrows(CopySourceException.class, () -> copy.copy(source, 0, 0, MIB));
            write(copy, 0, filled(4096, 5));
            copy.flush();
            assertArrayEquals(filled(4096, 5), read(copy, 0, 4096));
        }
    }

    /// Neither side has failed: with more space the same copy succeeds.
    @ParameterizedTest
    @EnumSource(CacheMode.class)
    void aFullFileSystemIsAnErrorAsLongAsItIsFull(CacheMode mode) throws IOException {
        try (LoopMount mount = LoopMount.of("ext4", 32);
                LunBackend source =
                        open(mount.folder(), "a", Allocation.SPARSE, CacheMode.WRITE_BACK);
                LunBackend copy = open(mount.folder(), "b", Allocation.SPARSE, mode)) {
            write(source, 0, filled(SIZE, 1));
            source.flush();
            Path filler = mount.folder().resolve("filler");
            long left = Files.getFileStore(mount.folder()).getUsableSpace() - MIB;
            assertEquals(0, LoopMount.run("fallocate", "-l", left + "", filler + ""));
            assertThrows(NoSpaceException.class, () -> copyAll(source, copy));
            assertArrayEquals(filled(4096, 1), read(source, 0, 4096));
            source.flush();
            copy.flush();
            Files.delete(filler);
            copyAll(source, copy);
            copy.flush();
            assertArrayEquals(filled(SIZE, 1), read(copy, 0, SIZE));
        }
    }

    private static void copyAll(LunBackend source, LunBackend copy) throws IOException {
        for (int at = 0; at < SIZE; at += MIB) {
            copy.copy(source, at, at, MIB);
        }
    }

    @Test
    void aClosedSourceIsRefused() throws IOException {
        LunBackend source = open("a");
        try (LunBackend copy = open("b")) {
            source.close();
            assertThrows(CopySourceException.class, () -> copy.copy(source, 0, 0, 4096));
        }
    }

    @Test
    void aReadOnlyImageIsNotCopiedTo() throws IOException {
        open("b").close();
        try (LunBackend source = open("a");
                LunBackend copy = LunBackend.open(LunFixture.readOnly(directory.resolve("b")))) {
            assertThrows(IOException.class, () -> copy.copy(source, 0, 0, 4096));
            source.copy(copy, 0, 0, 4096);
        }
    }

    // ---- side by side

    /// Each direction takes the locks of both LUNs, and punches and writes take them between.
    @Test
    void copiesInOppositeDirectionsGoOn() throws Exception {
        try (LunBackend first = open("a");
                LunBackend second = open("b")) {
            write(first, 0, filled(2 * MIB, 1));
            write(second, MIB, filled(2 * MIB, 2));
            List<FutureTask<Void>> tasks = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                LunBackend from = i % 2 == 0 ? first : second;
                LunBackend to = i % 2 == 0 ? second : first;
                Random random = new Random(i);
                tasks.add(
                        new FutureTask<>(() -> {
                            for (int round = 0; round < 200; round++) {
                                int at = random.nextInt(3 * MIB);
                                to.copy(from, random.nextInt(3 * MIB), at, MIB);
                                write(to, at, filled(512, round));
                                LunFixture.unmap(from, at, 65536);
                            }
                            return null;
                        }));
            }
            tasks.forEach(task -> Thread.ofPlatform().daemon().start(task));
            for (FutureTask<Void> task : tasks) {
                await(task);
            }
        }
    }

    private static void await(FutureTask<Void> task)
            throws ExecutionException, InterruptedException {
        try {
            task.get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("they wait for each other", e);
        }
    }
}
