package io.lunkeeper.lun;

import static io.lunkeeper.lun.LunFixture.filled;
import static io.lunkeeper.lun.LunFixture.read;
import static io.lunkeeper.lun.LunFixture.write;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Images that become larger, while they are served and when they are opened.
class GrowTest {
    private static final int SIZE = 1 << 20;

    @TempDir private Path directory;

    private LunSpec spec(long sizeBytes, Allocation allocation) {
        return new LunSpec(
                directory.resolve("image"),
                OptionalLong.of(sizeBytes),
                allocation,
                CacheMode.WRITE_BACK,
                512,
                false);
    }

    private LunBackend open(long sizeBytes, Allocation allocation) throws IOException {
        return LunBackend.open(spec(sizeBytes, allocation));
    }

    private static void grow(LunBackend lun, long sizeBytes) throws IOException {
        lun.grow(sizeBytes, () -> false);
    }

    @ParameterizedTest
    @EnumSource(Allocation.class)
    void newPartReadsAsZerosAndKeepsWhatIsWritten(Allocation allocation) throws IOException {
        // The old end lies inside a block, and its window has been learnt.
        int old = SIZE + 512;
        try (LunBackend lun = open(old, allocation)) {
            write(lun, old - 512, filled(512, 1));
            read(lun, 0, old);
            grow(lun, 40 << 20);
            assertEquals(40 << 20, lun.sizeBytes());
            assertEquals(40 << 20, Files.size(directory.resolve("image")));
            assertArrayEquals(filled(512, 1), read(lun, old - 512, 512));
            assertArrayEquals(new byte[SIZE], read(lun, old, SIZE));
            write(lun, old, filled(5000, 2));
            write(lun, (40 << 20) - 4096, filled(4096, 3));
            assertArrayEquals(filled(5000, 2), read(lun, old, 5000));
            assertArrayEquals(new byte[4096], read(lun, old + 5000, 4096));
            assertArrayEquals(filled(4096, 3), read(lun, (40 << 20) - 4096, 4096));
            lun.flush();
        }
        byte[] file = Files.readAllBytes(directory.resolve("image"));
        assertEquals(2, file[old]);
        assertEquals(3, file[file.length - 1]);
    }

    @Test
    void takesSpaceForTheNewPartWhereItWasTakenForTheOld() throws IOException {
        for (Allocation allocation : List.of(Allocation.RESERVE, Allocation.FULL)) {
            try (LunBackend lun = open(SIZE, allocation)) {
                grow(lun, 4 * SIZE);
                List<Provisioning> found = new ArrayList<>();
                lun.provisioning(
                        0,
                        4 * SIZE,
                        (provisioning, _, _) -> {
                            found.add(provisioning);
                            return true;
                        });
                assertFalse(found.contains(Provisioning.DEALLOCATED), allocation + ": " + found);
            }
            Files.delete(directory.resolve("image"));
        }
    }

    @Test
    void growsWhenItIsOpened() throws IOException {
        Path image = Files.write(directory.resolve("image"), filled(1000, 7));
        try (LunBackend lun = open(SIZE, Allocation.SPARSE)) {
            assertEquals(SIZE, lun.sizeBytes());
            assertArrayEquals(filled(1000, 7), read(lun, 0, 1000));
            assertArrayEquals(new byte[SIZE - 1000], read(lun, 1000, SIZE - 1000));
        }
        assertEquals(SIZE, Files.size(image));
    }

    @Test
    void refusedGrowthChangesNothing() throws IOException {
        try (LunBackend lun = open(SIZE, Allocation.RESERVE)) {
            for (long wrong : new long[] {SIZE - 512, SIZE + 1, 1L << 49, 1L << 51}) {
                assertThrows(LunOpenException.class, () -> grow(lun, wrong), () -> "" + wrong);
                assertEquals(SIZE, lun.sizeBytes());
                assertEquals(SIZE, Files.size(directory.resolve("image")));
            }
            grow(lun, SIZE);
            assertEquals(SIZE, lun.sizeBytes());
        }
    }

    /// Writes down what it is told, and wants the image.
    private static final class Recording implements Preparation {
        private final List<String> told = new ArrayList<>();

        @Override
        public boolean stopping() {
            return false;
        }

        @Override
        public void filled(long doneBytes, long ofBytes) {
            told.add((doneBytes >> 20) + " of " + (ofBytes >> 20));
        }
    }

    @Test
    void fillingTellsHowFarItIs() throws IOException {
        Recording opening = new Recording();
        try (LunBackend lun = LunBackend.open(spec(65 << 20, Allocation.FULL), opening)) {
            assertEquals(List.of("0 of 65", "64 of 65", "65 of 65"), opening.told);
            Recording growing = new Recording();
            lun.grow(67 << 20, growing);
            assertEquals(List.of("0 of 2", "2 of 2"), growing.told);
        }
        Recording again = new Recording();
        LunBackend.open(spec(67 << 20, Allocation.FULL), again).close();
        assertEquals(List.of(), again.told);
    }

    @Test
    void fillingStopsWhenNobodyWantsItAnyMore() throws IOException {
        assertThrows(
                InterruptedIOException.class,
                () -> LunBackend.open(spec(SIZE, Allocation.FULL), () -> true).close());
        assertFalse(Files.exists(directory.resolve("image")));
        try (LunBackend lun = open(SIZE, Allocation.FULL)) {
            assertThrows(InterruptedIOException.class, () -> lun.grow(2 * SIZE, () -> true));
            assertEquals(SIZE, lun.sizeBytes());
            assertEquals(SIZE, Files.size(directory.resolve("image")));
        }
    }
}
