package io.lunkeeper.lun;

import static io.lunkeeper.lun.LunFixture.filled;
import static io.lunkeeper.lun.LunFixture.read;
import static io.lunkeeper.lun.LunFixture.tryWrite;
import static io.lunkeeper.lun.LunFixture.write;
import static io.lunkeeper.lun.LunFixture.writeAnyWay;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Other programs move an image's blocks or share them while it is served, on real file systems.
class MovedBlocksTest {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 32 * MIB;
    private static final int ALL = Integer.MAX_VALUE;

    private static LunBackend open(LoopMount mount) throws IOException {
        return LunBackend.open(LunFixture.sparse(mount.folder().resolve("vm.img"), SIZE));
    }

    @Test
    void reflinkOnXfsIsNoticedAndUnsharedOnce() throws IOException {
        try (LoopMount mount = LoopMount.of("xfs", 400);
                LunBackend lun = open(mount)) {
            write(lun, 0, filled(MIB, 1));
            lun.flush();
            lun.refreshMap(ALL);
            assertEquals(0, lun.mapChanges().sharedBytes());
            assertTrue(tryWrite(lun, 4096, filled(4096, 2)));
            Path copy = mount.folder().resolve("copy.img");
            assertEquals(0, LoopMount.run("cp", "--reflink=always", image(mount), copy + ""));
            lun.refreshMap(ALL);
            assertEquals(MIB, lun.mapChanges().sharedBytes());
            assertFalse(tryWrite(lun, 4096, filled(4096, 3)), "the space must be copied first");
            write(lun, 4096, filled(4096, 3));
            assertTrue(tryWrite(lun, 4096, filled(4096, 4)), "it has its own space now");
            assertTrue(tryWrite(lun, 16384, filled(4096, 4)), "and so has its chunk");
            assertFalse(tryWrite(lun, MIB - 4096, filled(4096, 4)), "the rest is shared");
            assertArrayEquals(filled(4096, 4), read(lun, 4096, 4096));
            byte[] copied = Files.readAllBytes(copy);
            assertEquals(2, copied[4096], "the copy must keep what it was made of");
            assertEquals(1, copied[16384]);
        }
    }

    @Test
    void reflinkOnBtrfsIsNoticedAndWritesCopy() throws IOException {
        try (LoopMount mount = LoopMount.of("btrfs", 400);
                LunBackend lun = open(mount)) {
            write(lun, 0, filled(MIB, 1));
            lun.flush();
            lun.refreshMap(ALL);
            Path copy = mount.folder().resolve("copy.img");
            assertEquals(0, LoopMount.run("cp", "--reflink=always", image(mount), copy + ""));
            lun.refreshMap(ALL);
            assertEquals(MIB, lun.mapChanges().sharedBytes());
            assertFalse(tryWrite(lun, 0, filled(4096, 2)), "every write here takes new space");
            write(lun, 0, filled(4096, 2));
            assertArrayEquals(filled(4096, 2), read(lun, 0, 4096));
            assertEquals(1, Files.readAllBytes(copy)[0]);
        }
    }

    @Test
    void defragmentationOnExt4KeepsAwayFromALockedImage() throws IOException {
        try (LoopMount mount = LoopMount.of("ext4", 300);
                LunBackend lun = open(mount)) {
            writeBackwards(lun);
            lun.refreshMap(ALL);
            assertNotEquals(0, LoopMount.run("e4defrag", image(mount)), "the locks are ignored");
            lun.refreshMap(ALL);
            assertEquals(new LunBackend.MapChanges(0, 0, 0), lun.mapChanges());
        }
    }

    @Test
    void balancingOfBtrfsMovesBlocksAndIsNoticed() throws IOException {
        try (LoopMount mount = LoopMount.of("btrfs", 400);
                LunBackend lun = open(mount)) {
            writeBackwards(lun);
            lun.refreshMap(ALL);
            assertEquals(0, lun.mapChanges().movedBytes());
            assertEquals(
                    0, LoopMount.run("btrfs", "balance", "start", "-f", "-d", mount.folder() + ""));
            lun.refreshMap(ALL);
            assertEquals(SIZE, lun.mapChanges().movedBytes());
            for (int at = 0; at < SIZE; at += MIB) {
                assertArrayEquals(filled(MIB, at / MIB + 1), read(lun, at, MIB));
            }
        }
    }

    /// Each piece on the disk before the one in front of it: the image lies in many pieces.
    private static void writeBackwards(LunBackend lun) throws IOException {
        for (int at = SIZE - MIB; at >= 0; at -= MIB) {
            write(lun, at, filled(MIB, at / MIB + 1));
            lun.flush();
        }
        lun.refreshMap(ALL);
    }

    /// What is known must stay true whatever the file system does: random operations, with the map
    /// refreshed between them, against an array; once more after opening again.
    @ParameterizedTest
    @ValueSource(strings = {"ext4", "xfs", "btrfs"})
    void agreesWithAnArrayOnEveryFileSystem(String type) throws IOException {
        long seed = Long.getLong("lunkeeper.seed", new Random().nextLong());
        System.out.println("MovedBlocksTest: " + type + " seed=" + seed);
        Random random = new Random(seed);
        byte[] model = new byte[SIZE];
        try (LoopMount mount = LoopMount.of(type, 400)) {
            for (int opening = 0; opening < 2; opening++) {
                try (LunBackend lun = open(mount)) {
                    for (int i = 0; i < 300; i++) {
                        step(lun, model, random);
                        if (random.nextInt(20) == 0) {
                            lun.refreshMap(ALL);
                        }
                        if (type.equals("xfs") && random.nextInt(60) == 0) {
                            String copy = mount.folder().resolve("copy.img") + "";
                            LoopMount.run("cp", "--reflink=always", image(mount), copy);
                        }
                    }
                    for (int at = 0; at < SIZE; at += MIB) {
                        byte[] expected = Arrays.copyOfRange(model, at, at + MIB);
                        assertArrayEquals(expected, read(lun, at, MIB), "seed=" + seed);
                    }
                    assertEquals(0, lun.mapChanges().foreignBytes(), "seed=" + seed);
                }
                assertArrayEquals(model, Files.readAllBytes(Path.of(image(mount))), "seed=" + seed);
            }
        }
    }

    private static void step(LunBackend lun, byte[] model, Random random) throws IOException {
        int length = 512 << random.nextInt(12);
        int offset = random.nextInt((SIZE - length) / 512 + 1) * 512;
        byte[] bytes = new byte[length];
        switch (random.nextInt(8)) {
            case 0 -> LunFixture.unmap(lun, offset, length);
            case 1 -> lun.zero(offset, length);
            case 2 -> {
                lun.flush();
                return;
            }
            default -> {
                random.nextBytes(bytes);
                writeAnyWay(lun, offset, bytes);
            }
        }
        System.arraycopy(bytes, 0, model, offset, length);
    }

    private static String image(LoopMount mount) {
        return mount.folder().resolve("vm.img").toString();
    }
}
