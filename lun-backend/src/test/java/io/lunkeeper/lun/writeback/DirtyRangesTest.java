package io.lunkeeper.lun.writeback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class DirtyRangesTest {
    private static final long MIB = 1L << 20;

    private final DirtyRanges dirty = new DirtyRanges();

    @Test
    void nothingIsDirtyAtFirst() {
        assertEquals(0, dirty.bytes());
        assertEquals(List.of(), dirty.take());
    }

    @Test
    void aPageCountsOnceHoweverOftenItIsWritten() {
        dirty.mark(0, 1);
        dirty.mark(4095, 1);
        assertEquals(4096, dirty.mark(512, 512));
        assertEquals(8192, dirty.mark(4095, 2));
        assertEquals(List.of(new DirtyRanges.Run(0, 8192, 8192)), dirty.take());
        assertEquals(0, dirty.bytes());
    }

    @Test
    void nearPagesAreOneRunAndFarOnesTwo() {
        dirty.mark(256 << 10, 4096);
        dirty.mark(0, 4096);
        dirty.mark(MIB, 4096);
        assertEquals(
                List.of(
                        new DirtyRanges.Run(0, (256 << 10) + 4096, 8192),
                        new DirtyRanges.Run(MIB, 4096, 4096)),
                dirty.take());
    }

    @Test
    void aRunIsNoLongerThanAPortionOfABatch() {
        long length = 64 * MIB;
        dirty.mark(MIB, length);
        List<DirtyRanges.Run> runs = dirty.take();
        long next = MIB;
        for (DirtyRanges.Run run : runs) {
            assertEquals(next, run.offset());
            assertTrue(run.length() <= DirtyRanges.MAX_RUN_BYTES, run::toString);
            assertEquals(run.length(), run.dirtyBytes());
            next += run.length();
        }
        assertEquals(MIB + length, next);
    }

    @Test
    void reachesFromTheFirstByteToTheLastOfTheLargestImage() {
        long size = 1L << 50;
        dirty.mark(0, 1);
        dirty.mark(size - 1, 1);
        dirty.mark((1L << 41) - 1, 2);
        assertEquals(
                List.of(
                        new DirtyRanges.Run(0, 4096, 4096),
                        new DirtyRanges.Run((1L << 41) - 4096, 8192, 8192),
                        new DirtyRanges.Run(size - 4096, 4096, 4096)),
                dirty.take());
    }

    /// Random marks and takes against a set of page numbers.
    @Test
    void agreesWithASetOfPages() {
        long seed = new Random().nextLong();
        System.out.println("DirtyRangesTest: seed=" + seed);
        Random random = new Random(seed);
        int pages = 20_000;
        BitSet model = new BitSet();
        for (int step = 0; step < 5_000; step++) {
            if (random.nextInt(100) == 0) {
                assertTakes(model);
                model.clear();
            }
            int from = random.nextInt(pages);
            int count = 1 + random.nextInt(random.nextInt(10) == 0 ? 2_000 : 4);
            model.set(from, from + count);
            assertEquals((long) model.cardinality() << 12, dirty.mark(from * 4096L, count * 4096L));
        }
        assertTakes(model);
    }

    private void assertTakes(BitSet model) {
        BitSet covered = new BitSet();
        long bytes = 0;
        for (DirtyRanges.Run run : dirty.take()) {
            int first = (int) (run.offset() >>> 12);
            int last = (int) ((run.offset() + run.length()) >>> 12) - 1;
            assertTrue(model.get(first) && model.get(last), run::toString);
            assertEquals(
                    run.dirtyBytes(),
                    (long) model.get(first, last + 1).cardinality() << 12,
                    run::toString);
            covered.set(first, last + 1);
            bytes += run.dirtyBytes();
        }
        assertEquals((long) model.cardinality() << 12, bytes);
        BitSet missed = (BitSet) model.clone();
        missed.andNot(covered);
        assertTrue(missed.isEmpty(), missed::toString);
    }

    /// Whatever is taken while others mark: after the last mark and the last take, every page was
    /// taken after it was marked, and the count is zero.
    @Test
    void losesNoMarkThatComesWhileOthersTake() throws Exception {
        int writers = 3;
        int pages = 4_096;
        long[] takenAt = new long[pages];
        long[][] markedAt = new long[writers][pages];
        AtomicLong time = new AtomicLong();
        CountDownLatch left = new CountDownLatch(writers);
        long seed = new Random().nextLong();
        System.out.println("DirtyRangesTest: seed=" + seed);
        try (ExecutorService pool = Executors.newFixedThreadPool(writers)) {
            for (int w = 0; w < writers; w++) {
                long[] marked = markedAt[w];
                Random random = new Random(seed + w);
                pool.execute(() -> {
                    for (int i = 0; i < 300_000; i++) {
                        int page = random.nextInt(pages);
                        marked[page] = time.incrementAndGet();
                        dirty.mark(page * 4096L, 4096);
                    }
                    left.countDown();
                });
            }
            while (left.getCount() > 0) {
                take(time, takenAt);
            }
        }
        take(time, takenAt);
        for (int page = 0; page < pages; page++) {
            for (long[] marked : markedAt) {
                long at = marked[page];
                int number = page;
                assertTrue(at == 0 || at < takenAt[page], () -> "page " + number + " was lost");
            }
        }
        assertEquals(0, dirty.bytes());
    }

    /// What was written before the pages are handed over goes with them, so the time counts at
    /// which the take has ended.
    private void take(AtomicLong time, long[] takenAt) {
        List<DirtyRanges.Run> runs = dirty.take();
        long now = time.incrementAndGet();
        for (DirtyRanges.Run run : runs) {
            int first = (int) (run.offset() >>> 12);
            int end = (int) ((run.offset() + run.length()) >>> 12);
            Arrays.fill(takenAt, first, end, now);
        }
    }
}
