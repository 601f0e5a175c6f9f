package io.lunkeeper.lun.extent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ExtentVisitor;
import io.lunkeeper.lun.image.ImageFile;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExtentTreeTest {
    private static final int UNIT = Window.UNIT_BYTES;
    private static final long WINDOW = 1L << Window.SHIFT;

    @TempDir private Path directory;

    @Test
    void knowsNothingAtFirst() {
        ExtentTree tree = new ExtentTree(ExtentTree.MAX_SIZE_BYTES);
        assertTrue(tree.is(BlockState.UNKNOWN, ExtentTree.MAX_SIZE_BYTES - UNIT, UNIT));
        assertFalse(tree.readsAsZeros(0, UNIT));
        assertEquals(0, tree.runs());
    }

    @Test
    void writeMarksOutwardAndZerosMarkInward() {
        ExtentTree tree = new ExtentTree(2 * WINDOW);
        tree.markZeros(100, WINDOW, BlockState.HOLE);
        assertTrue(tree.is(BlockState.UNKNOWN, 0, UNIT));
        assertTrue(tree.is(BlockState.HOLE, UNIT, WINDOW - UNIT));
        assertTrue(tree.is(BlockState.UNKNOWN, WINDOW, UNIT));
        tree.markWritten(3 * UNIT - 1, 2);
        assertTrue(tree.is(BlockState.MAPPED, 2 * UNIT, 2 * UNIT));
        assertTrue(tree.readsAsZeros(UNIT, UNIT));
        assertFalse(tree.readsAsZeros(UNIT, UNIT + 1));
    }

    @Test
    void zerosUpToTheEndCoverTheLastPartOfABlock() {
        ExtentTree tree = new ExtentTree(UNIT + 512);
        tree.markZeros(UNIT, 512, BlockState.UNWRITTEN);
        assertTrue(tree.readsAsZeros(UNIT, 512));
    }

    @Test
    void refusesAScanOfAWindowThatWasMarkedMeanwhile() {
        ExtentTree tree = new ExtentTree(WINDOW);
        Window seen = tree.window(0);
        assertNull(seen);
        tree.markWritten(0, UNIT);
        assertFalse(tree.replace(0, seen, Window.unknown()));
        Window marked = tree.window(0);
        tree.markZeros(0, UNIT, BlockState.HOLE);
        tree.markWritten(0, UNIT);
        assertFalse(tree.replace(0, marked, Window.unknown()), "same content, other object");
    }

    @Test
    void agreesWithAModelUnitByUnit() {
        long seed = Long.getLong("lunkeeper.seed", 99L);
        SplittableRandom random = new SplittableRandom(seed);
        int units = 3 * Window.UNITS + 5;
        ExtentTree tree = new ExtentTree((long) units * UNIT);
        BlockState[] model = new BlockState[units];
        Arrays.fill(model, BlockState.UNKNOWN);
        BlockState[] marks = {BlockState.HOLE, BlockState.UNWRITTEN, BlockState.MAPPED};
        for (int i = 0; i < 3000; i++) {
            int from = random.nextInt(units);
            int to = Math.min(units, from + 1 + random.nextInt(1 << random.nextInt(14)));
            BlockState state = marks[random.nextInt(3)];
            Arrays.fill(model, from, to, state);
            long length = (long) (to - from) * UNIT;
            if (state == BlockState.MAPPED) {
                tree.markWritten((long) from * UNIT, length);
            } else {
                tree.markZeros((long) from * UNIT, length, state);
            }
            int at = random.nextInt(units);
            int end = Math.min(units, at + 1 + random.nextInt(40));
            boolean zeros =
                    Arrays.stream(model, at, end)
                            .allMatch(s -> s == BlockState.HOLE || s == BlockState.UNWRITTEN);
            String failure = "seed=" + seed + " step " + i;
            assertEquals(
                    zeros, tree.readsAsZeros((long) at * UNIT, (long) (end - at) * UNIT), failure);
            assertTrue(tree.is(model[at], (long) at * UNIT, UNIT), failure);
        }
        for (long window = 0; window * WINDOW < tree.sizeBytes(); window++) {
            tree.plainWindow(window);
        }
        assertEquals(runsOf(model), tree.runs());
    }

    /// Many runs, as chunks allocated here and there leave behind.
    private static ExtentTree shattered(long sizeBytes) {
        ExtentTree tree = new ExtentTree(sizeBytes);
        tree.markZeros(0, sizeBytes, BlockState.HOLE);
        for (long at = 0; at < sizeBytes; at += 4 * UNIT) {
            tree.turn(BlockState.HOLE, BlockState.UNWRITTEN, at, 2 * UNIT);
        }
        return tree;
    }

    @Test
    void jotsDownWhatIsWrittenAmongManyRuns() {
        ExtentTree tree = shattered(WINDOW);
        long runs = tree.runs();
        tree.markWritten(UNIT, 2 * UNIT);
        tree.markWritten(64 * UNIT, 256 * UNIT);
        Window jotting = tree.window(0);
        assertTrue(jotting != null && jotting.jotting());
        assertEquals(runs + Window.UNITS / Long.SIZE, tree.runs(), "no new runs");
        tree.markWritten(WINDOW - UNIT, UNIT);
        assertEquals(jotting, tree.window(0), "no new window");
        String written = "UNWRITTEN 0+1, MAPPED 1+2, HOLE 3+1, UNWRITTEN 4+2";
        assertEquals(written, known(tree, 0, 6 * UNIT));
        assertTrue(tree.is(BlockState.MAPPED, 64 * UNIT, 256 * UNIT));
        assertFalse(tree.is(BlockState.MAPPED, 64 * UNIT, 257 * UNIT));
        assertTrue(tree.readsAsZeros(320 * UNIT, WINDOW - 321 * UNIT));
        assertEquals(
                BlockState.MAPPED.bit() | BlockState.UNWRITTEN.bit() | BlockState.HOLE.bit(),
                tree.states(61 * UNIT, 4 * UNIT));
        tree.markZeros(UNIT, UNIT, BlockState.HOLE);
        assertTrue(jotting != tree.window(0));
        written = "UNWRITTEN 0+1, HOLE 1+1, MAPPED 2+1, HOLE 3+1, UNWRITTEN 4+2";
        assertEquals(written, known(tree, 0, 6 * UNIT));
        assertTrue(tree.is(BlockState.MAPPED, WINDOW - UNIT, UNIT));
    }

    @Test
    void doesNotJotOverWhatIsSharedOrUnknown() {
        ExtentTree tree = shattered(WINDOW);
        tree.turn(BlockState.HOLE, BlockState.SHARED, 6 * UNIT, UNIT);
        tree.markWritten(100 * UNIT, UNIT);
        Window jotting = tree.window(0);
        tree.markWritten(5 * UNIT, 2 * UNIT);
        assertTrue(jotting != tree.window(0));
        assertTrue(tree.is(BlockState.MAPPED, 5 * UNIT, 2 * UNIT));
        assertTrue(tree.is(BlockState.MAPPED, 100 * UNIT, UNIT));
    }

    @Test
    void refusesAScanOfAWindowThatWasJottedInMeanwhile() {
        ExtentTree tree = shattered(WINDOW);
        tree.markWritten(UNIT, UNIT);
        Window seen = tree.plainWindow(0);
        tree.markWritten(3 * UNIT, UNIT);
        assertFalse(tree.replace(0, seen, Window.unknown()));
        assertTrue(tree.is(BlockState.MAPPED, UNIT, UNIT));
        assertTrue(tree.is(BlockState.MAPPED, 3 * UNIT, UNIT));
    }

    /// Each marker has units of its own; another closes the window and turns and erases beside
    /// them.
    @Test
    void noJottingIsLostWhileTheWindowIsReplaced() {
        int markers = 2;
        try (ExecutorService threads = Executors.newFixedThreadPool(markers + 1)) {
            for (int round = 0; round < 100; round++) {
                markWhileReplacing(threads, markers);
            }
        }
    }

    private static void markWhileReplacing(ExecutorService threads, int markers) {
        ExtentTree tree = shattered(WINDOW);
        AtomicInteger marking = new AtomicInteger(markers);
        List<CompletableFuture<Void>> work = new ArrayList<>();
        work.add(
                CompletableFuture.runAsync(
                        () -> {
                            for (long at = 0; marking.get() > 0; at = (at + 8 * UNIT) % WINDOW) {
                                tree.plainWindow(0);
                                tree.turn(BlockState.HOLE, BlockState.UNWRITTEN, at, 8 * UNIT);
                                tree.markZeros(at + 7 * UNIT, UNIT, BlockState.HOLE);
                            }
                        },
                        threads));
        for (int marker = 0; marker < markers; marker++) {
            long first = (long) marker * UNIT;
            work.add(
                    CompletableFuture.runAsync(
                                    () -> {
                                        for (long at = first; at < WINDOW; at += 8 * UNIT) {
                                            tree.markWritten(at, UNIT);
                                            assertTrue(tree.is(BlockState.MAPPED, at, UNIT));
                                        }
                                    },
                                    threads)
                            .whenComplete((_, _) -> marking.decrementAndGet()));
        }
        work.forEach(CompletableFuture::join);
        for (long at = 0; at < WINDOW; at += 8 * UNIT) {
            assertTrue(tree.is(BlockState.MAPPED, at, (long) markers * UNIT));
            assertFalse(tree.is(BlockState.MAPPED, at + (long) markers * UNIT, UNIT));
        }
    }

    private static String known(ExtentTree tree, long offset, long length) {
        List<String> known = new ArrayList<>();
        tree.visit(
                offset,
                length,
                (at, bytes, state, _) ->
                        known.add(state + " " + (at - offset) / UNIT + "+" + bytes / UNIT));
        return String.join(", ", known);
    }

    private static long runsOf(BlockState[] model) {
        long runs = 0;
        for (int unit = 0; unit < model.length; unit++) {
            runs += unit % Window.UNITS == 0 || model[unit] != model[unit - 1] ? 1 : 0;
        }
        // The last window goes on beyond the image, unknown.
        return runs + (model[model.length - 1] == BlockState.UNKNOWN ? 0 : 1);
    }

    @Test
    void fullTreeForgetsAndNeverClaimsZerosWronglyAgain() {
        ExtentTree tree = new ExtentTree(4 * WINDOW, 100);
        tree.markZeros(0, 4 * WINDOW, BlockState.HOLE);
        for (int unit = 0; unit < 400; unit += 2) {
            tree.markWritten((long) unit * UNIT, UNIT);
            assertFalse(tree.readsAsZeros((long) unit * UNIT, UNIT));
        }
        assertTrue(tree.full());
        assertTrue(tree.runs() <= 103 + Window.UNITS / Long.SIZE, () -> "runs " + tree.runs());
        Window seen = tree.window(3);
        tree.markWritten(3 * WINDOW, UNIT);
        assertFalse(tree.replace(3, seen, Window.unknown()));
        assertTrue(tree.is(BlockState.UNKNOWN, 3 * WINDOW, UNIT));
    }

    /// Marks go where nobody marked before while the directory is replaced, again and again.
    @Test
    void noMarkIsLostWhileItGrows() {
        long step = WINDOW << 12;
        int steps = 4000;
        ExtentTree tree = new ExtentTree(step);
        CompletableFuture<Void> marker =
                CompletableFuture.runAsync(() -> {
                    for (long marked = 0; marked < steps; ) {
                        if (marked * step < tree.sizeBytes()) {
                            tree.markWritten(marked++ * step, UNIT);
                        }
                    }
                });
        for (int size = 2; size <= steps; size++) {
            tree.grow(size * step);
        }
        marker.join();
        for (long at = 0; at < tree.sizeBytes(); at += step) {
            assertTrue(tree.is(BlockState.MAPPED, at, UNIT));
        }
    }

    @Test
    void scannerLearnsWindowByWindowAndKeepsMarks() throws IOException {
        Path path = directory.resolve("image");
        ByteBuf bytes = Unpooled.directBuffer(UNIT).writeZero(UNIT);
        try (ImageFile image = ImageFile.create(path, false)) {
            image.resize(3 * WINDOW + 512);
            image.write(WINDOW, bytes, 0, UNIT);
            image.write(WINDOW + 3 * UNIT, bytes, 0, UNIT);
            assumeTrue(image.allocate(WINDOW + 8 * UNIT, 4 * UNIT), "no fallocate here");
            image.syncData();
            ExtentTree tree = new ExtentTree(3 * WINDOW + 512);
            ExtentScanner scanner = new ExtentScanner(image, tree);
            tree.markWritten(WINDOW + 20 * UNIT, UNIT);
            scanner.learn(WINDOW + UNIT, UNIT);
            assertTrue(tree.is(BlockState.UNKNOWN, 0, WINDOW));
            assertTrue(tree.is(BlockState.UNKNOWN, 2 * WINDOW, WINDOW));
            String known = known(tree, WINDOW, WINDOW);
            assumeTrue(!known.contains("MAPPED 8+4"), "the file system does not map extents");
            assertEquals(
                    "MAPPED 0+1, HOLE 1+2, MAPPED 3+1, HOLE 4+4, UNWRITTEN 8+4, HOLE 12+8,"
                            + " MAPPED 20+1, HOLE 21+"
                            + (Window.UNITS - 21),
                    known);
            scanner.learn(3 * WINDOW, 512);
            assertTrue(tree.readsAsZeros(3 * WINDOW, 512));
        } finally {
            bytes.release();
        }
    }

    @Test
    void scannerAsksAboutAWindowOnlyOnce() throws IOException {
        Path path = directory.resolve("image");
        try (ImageFile image = ImageFile.create(path, false)) {
            image.resize(WINDOW);
            ExtentTree tree = new ExtentTree(WINDOW);
            ExtentScanner scanner = new ExtentScanner(image, tree);
            scanner.learn(0, UNIT);
            Window learnt = tree.window(0);
            assertNotNull(learnt);
            scanner.learn(WINDOW - 1, 1);
            assertEquals(learnt, tree.window(0));
        }
    }

    @Test
    void scannerLocatesSpaceThatWasJustTakenAndChangesNothingElse() throws IOException {
        try (ImageFile image = ImageFile.create(directory.resolve("image"), false)) {
            image.resize(2 * WINDOW);
            ExtentTree tree = new ExtentTree(2 * WINDOW);
            ExtentScanner scanner = new ExtentScanner(image, tree);
            scanner.learn(0, 2 * WINDOW);
            assumeTrue(tree.is(BlockState.HOLE, 0, UNIT), "the file system does not map extents");
            long start = WINDOW - 8 * UNIT;
            assumeTrue(image.allocate(start, 16 * UNIT), "no fallocate here");
            tree.turn(BlockState.HOLE, BlockState.UNWRITTEN, start, 16 * UNIT);
            tree.markWritten(WINDOW + UNIT, UNIT);
            assertEquals(ExtentVisitor.NOWHERE, tree.physical(start));
            scanner.locate(start, 16 * UNIT);
            assumeTrue(tree.physical(start) != ExtentVisitor.NOWHERE, "places stay unknown");
            assertEquals(tree.physical(start) + 9 * UNIT, tree.physical(WINDOW + UNIT));
            assertTrue(tree.is(BlockState.UNWRITTEN, start, 9 * UNIT));
            assertTrue(tree.is(BlockState.MAPPED, WINDOW + UNIT, UNIT));
            assertTrue(tree.is(BlockState.UNWRITTEN, WINDOW + 2 * UNIT, 6 * UNIT));
            assertTrue(tree.is(BlockState.HOLE, 0, start));
            assertTrue(tree.is(BlockState.HOLE, WINDOW + 8 * UNIT, WINDOW - 8 * UNIT));
        }
    }
}
