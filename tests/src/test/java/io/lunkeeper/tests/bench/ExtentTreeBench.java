package io.lunkeeper.tests.bench;

import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.BlockState;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/// Memory and time of the extent tree beside a [TreeMap]: an image of 16 TiB in ten million
/// extents, mapped and hole by turns, looked up at random. Needs `-Xmx4g`.
public final class ExtentTreeBench {
    private static final long SIZE_BYTES = 16L << 40;
    private static final int EXTENTS = 10_000_000;
    private static final long EXTENT_BYTES = SIZE_BYTES / EXTENTS & -4096;
    private static final int LOOKUPS = 5_000_000;
    private static final int ROUNDS = 5;

    private ExtentTreeBench() {}

    private interface Lookup {
        boolean zeros(long offset);
    }

    /// Prints one line for each of the two.
    public static void main(String[] arguments) {
        long before = usedBytes();
        ExtentTree tree = new ExtentTree(SIZE_BYTES);
        long began = System.nanoTime();
        for (int i = 0; i < EXTENTS; i++) {
            long offset = i * EXTENT_BYTES;
            if (i % 2 == 0) {
                tree.markWritten(offset, EXTENT_BYTES);
            } else {
                tree.markZeros(offset, EXTENT_BYTES, BlockState.HOLE);
            }
        }
        double markNanos = (System.nanoTime() - began) / (double) EXTENTS;
        long treeBytes = usedBytes() - before;
        print("ExtentTree", treeBytes, markNanos, offset -> tree.readsAsZeros(offset, 4096));
        before = usedBytes();
        TreeMap<Long, Boolean> map = new TreeMap<>();
        began = System.nanoTime();
        for (int i = 0; i < EXTENTS; i++) {
            map.put(i * EXTENT_BYTES, i % 2 != 0);
        }
        markNanos = (System.nanoTime() - began) / (double) EXTENTS;
        long mapBytes = usedBytes() - before;
        print(
                "TreeMap",
                mapBytes,
                markNanos,
                offset -> {
                    Map.Entry<Long, Boolean> extent = map.floorEntry(offset);
                    return extent != null && extent.getValue();
                });
    }

    private static void print(String name, long bytes, double markNanos, Lookup lookup) {
        double best = Double.MAX_VALUE;
        int zeros = 0;
        for (int round = 0; round < ROUNDS; round++) {
            SplittableRandom random = new SplittableRandom(7);
            long began = System.nanoTime();
            for (int i = 0; i < LOOKUPS; i++) {
                long offset = random.nextLong(EXTENTS * EXTENT_BYTES / 4096) * 4096;
                zeros += lookup.zeros(offset) ? 1 : 0;
            }
            best = Math.min(best, (System.nanoTime() - began) / (double) LOOKUPS);
        }
        System.out.printf(
                Locale.ROOT,
                "%-10s %5.1f bytes an extent, %6.0f ns a lookup, %6.0f ns a mark; %d%% zeros%n",
                name,
                bytes / (double) EXTENTS,
                best,
                markNanos,
                zeros * 100L / ((long) LOOKUPS * ROUNDS));
    }

    private static long usedBytes() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
