package io.lunkeeper.tests.bench;

import java.util.Locale;

/// How long commands took, in microseconds.
///
/// @param half what half of them did not exceed
/// @param ninetyNine what 99 of 100 did not exceed
/// @param threeNines what 999 of 1,000 did not exceed
/// @param most the longest
record Latency(long half, long ninetyNine, long threeNines, long most) {

    /// Of times in nanoseconds, ascending.
    static Latency of(long[] sortedNanos) {
        return new Latency(
                micros(sortedNanos, 0.5),
                micros(sortedNanos, 0.99),
                micros(sortedNanos, 0.999),
                micros(sortedNanos, 1));
    }

    private static long micros(long[] sorted, double part) {
        int index = (int) Math.ceil(part * sorted.length) - 1;
        return sorted.length == 0 ? 0 : sorted[Math.max(0, index)] / 1000;
    }

    String words() {
        return String.format(Locale.ROOT, "%d / %d / %d", half, ninetyNine, threeNines);
    }
}
