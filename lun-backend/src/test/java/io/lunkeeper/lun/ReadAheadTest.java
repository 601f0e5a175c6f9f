package io.lunkeeper.lun;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ImageFile;
import io.lunkeeper.lun.image.ImageFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ReadAheadTest {
    private static final int SIZE = 16 << 20;
    private static final int KIB_64 = 64 << 10;

    private final SimulatedFile file = new SimulatedFile(SIZE, new Random(1));
    private final ExtentTree tree = new ExtentTree(SIZE);
    private final ReadAhead ahead;

    ReadAheadTest() throws IOException {
        ImageFile image = ImageFiles.over(Path.of("simulated"), file);
        ahead = new ReadAhead(image, tree, Runnable::run);
    }

    private long bytesAhead() {
        return file.readAhead().stream().mapToLong(SimulatedFile.Range::length).sum();
    }

    @Test
    void scatteredReadsReadNothingAhead() {
        for (int i = 0; i < 100; i++) {
            long offset = i * 37L % 100 * (2L * KIB_64);
            ahead.missed(offset, KIB_64);
            ahead.hit(offset, KIB_64);
        }
        assertEquals(List.of(), file.readAhead());
    }

    @Test
    void secondReadInARowReadsAheadAndEachByteOnce() {
        ahead.missed(0, KIB_64);
        assertEquals(List.of(), file.readAhead());
        ahead.missed(KIB_64, KIB_64);
        long first = bytesAhead();
        assertTrue(first >= 512 << 10, () -> "only " + first);
        for (long at = 2 * KIB_64; at < SIZE; at += KIB_64) {
            long end = at;
            assertTrue(file.readAhead().getLast().offset() < SIZE);
            ahead.hit(at, KIB_64);
            assertTrue(bytesAhead() + 2 * KIB_64 > end, "the reader was overtaken");
        }
        long next = 2 * KIB_64;
        for (SimulatedFile.Range range : file.readAhead()) {
            assertEquals(next, range.offset());
            next += range.length();
        }
        assertEquals(SIZE, next);
    }

    @Test
    void streamsMayMixAndTheOldestGivesWay() {
        for (int i = 0; i < 8; i++) {
            ahead.missed(i * (1L << 20), KIB_64);
        }
        for (int i = 0; i < 8; i++) {
            ahead.hit(i * (1L << 20) + KIB_64, KIB_64);
        }
        List<Long> starts =
                file.readAhead().stream()
                        .map(SimulatedFile.Range::offset)
                        .filter(offset -> offset % (1 << 20) == 2 * KIB_64)
                        .toList();
        assertEquals(8, starts.size());
        ahead.missed(9L << 20, KIB_64);
        int before = file.readAhead().size();
        ahead.hit(2 * KIB_64, 8 * KIB_64);
        assertEquals(before, file.readAhead().size(), "the first stream has given way");
    }

    @Test
    void holesAreNotReadAhead() {
        tree.markZeros(0, SIZE, BlockState.HOLE);
        ahead.missed(0, KIB_64);
        ahead.missed(KIB_64, KIB_64);
        assertEquals(List.of(), file.readAhead());
    }
}
