package io.lunkeeper.tests.bench;

import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.BlockState;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// Memory and time of the extent tree beside a [TreeMap]: an image of 16 TiB in ten million
/// extents, mapped and hole by turns, looked up at random. The serial collector's pauses do not run
/// beside what is measured.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
        value = 1,
        jvmArgs = {"-Xmx4g", "-XX:+UseSerialGC"})
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 10, time = 2)
public class ExtentTreeBench {
    private static final long SIZE_BYTES = 16L << 40;
    private static final int EXTENTS = 10_000_000;
    private static final long EXTENT_BYTES = SIZE_BYTES / EXTENTS & -4096;
    private static final long BLOCKS = EXTENTS * EXTENT_BYTES / 4096;

    /// What the extents are kept in.
    @Param({"ExtentTree", "TreeMap"})
    public String kept = "";

    private final SplittableRandom random = new SplittableRandom(7);
    private Map.Entry<Long, Boolean> nothing = Map.entry(0L, false);
    private Extents extents = offset -> offset == 0;

    /// What is compared.
    private interface Extents {
        boolean zeros(long offset);
    }

    /// Fills the one that is measured, and prints what it takes.
    @Setup(Level.Trial)
    public void fill() {
        long before = usedBytes();
        long began = System.nanoTime();
        extents = kept.equals("TreeMap") ? map() : tree();
        double nanos = (System.nanoTime() - began) / (double) EXTENTS;
        double bytes = (usedBytes() - before) / (double) EXTENTS;
        System.out.printf(
                "%n%s: %.1f bytes an extent, filled in %.0f ns each%n", kept, bytes, nanos);
    }

    private static Extents tree() {
        ExtentTree tree = new ExtentTree(SIZE_BYTES);
        for (int i = 0; i < EXTENTS; i++) {
            long offset = i * EXTENT_BYTES;
            if (i % 2 == 0) {
                tree.markWritten(offset, EXTENT_BYTES);
            } else {
                tree.markZeros(offset, EXTENT_BYTES, BlockState.HOLE);
            }
        }
        return offset -> tree.readsAsZeros(offset, 4096);
    }

    private Extents map() {
        TreeMap<Long, Boolean> map = new TreeMap<>();
        for (int i = 0; i < EXTENTS; i++) {
            map.put(i * EXTENT_BYTES, i % 2 != 0);
        }
        return offset -> {
            Map.Entry<Long, Boolean> extent = map.floorEntry(offset);
            return (extent == null ? nothing : extent).getValue();
        };
    }

    private static long usedBytes() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    /// Whether a block anywhere reads as zeros.
    @Benchmark
    public boolean lookup() {
        return extents.zeros(random.nextLong(BLOCKS) * 4096);
    }
}
