package io.lunkeeper.lun.extent;

import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ExtentVisitor;
import java.util.Arrays;

/// What is known of one window of an image, 4 MiB in 1,024 units of 4 KiB: an immutable sorted list
/// of runs of equal state. Every change makes a new window, so a reader needs no lock and a window
/// that is still the same object has not been changed meanwhile.
final class Window {
    static final int UNIT_SHIFT = 12;
    static final int UNIT_BYTES = 1 << UNIT_SHIFT;
    static final int SHIFT = 22;
    static final int UNITS = 1 << (SHIFT - UNIT_SHIFT);

    private static final int STATE_BITS = 3;
    private static final int STATE_MASK = (1 << STATE_BITS) - 1;

    private static final long[] UNLOCATED = new long[0];

    /// First unit and state of each run: `unit << 3 | state`. The first run starts at unit 0.
    private final int[] runs;

    /// Where each run starts on the device; empty when that is known of none.
    private final long[] physicals;

    /// Whether the file system has been asked about this window.
    private final boolean scanned;

    private Window(int[] runs, long[] physicals, boolean scanned) {
        this.runs = runs;
        this.physicals = physicals;
        this.scanned = scanned;
    }

    /// A window of which nothing is known; each call makes a new one.
    static Window unknown() {
        return new Window(new int[] {BlockState.UNKNOWN.code()}, UNLOCATED, false);
    }

    /// The bit that stands for a state in [#statesIn].
    static int bit(BlockState state) {
        return 1 << state.code();
    }

    boolean scanned() {
        return scanned;
    }

    int runs() {
        return runs.length;
    }

    /// The states found in the units from `from` to `to`, exclusive, as a set of bits.
    int statesIn(int from, int to) {
        int low = 0;
        int high = runs.length - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (runs[middle] >>> STATE_BITS <= from) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        int states = 1 << (runs[low] & STATE_MASK);
        for (int i = low + 1; i < runs.length && runs[i] >>> STATE_BITS < to; i++) {
            states |= 1 << (runs[i] & STATE_MASK);
        }
        return states;
    }

    /// Visits the runs, `start` being the offset of this window in the image.
    void visit(long start, ExtentVisitor visitor) {
        for (int i = 0; i < runs.length; i++) {
            int unit = runs[i] >>> STATE_BITS;
            int end = i + 1 < runs.length ? runs[i + 1] >>> STATE_BITS : UNITS;
            visitor.extent(
                    start + ((long) unit << UNIT_SHIFT),
                    (long) (end - unit) << UNIT_SHIFT,
                    BlockState.of(runs[i] & STATE_MASK),
                    physicals.length == 0 ? ExtentVisitor.NOWHERE : physicals[i]);
        }
    }

    /// A window laid open, unit by unit, to be changed.
    static final class Draft {
        private final byte[] states = new byte[UNITS];
        private final long[] physicals = new long[UNITS];
        private boolean scanned;

        /// Starts from a window.
        Draft(Window window) {
            scanned = window.scanned;
            window.visit(
                    0,
                    (offset, length, state, physical) ->
                            set(
                                    (int) (offset >>> UNIT_SHIFT),
                                    (int) ((offset + length) >>> UNIT_SHIFT),
                                    state,
                                    physical));
        }

        /// Sets the units from `from` to `to`, exclusive.
        void set(int from, int to, BlockState state, long physical) {
            for (int unit = from; unit < to; unit++) {
                states[unit] = (byte) state.code();
                physicals[unit] =
                        physical == ExtentVisitor.NOWHERE
                                ? ExtentVisitor.NOWHERE
                                : physical + ((long) (unit - from) << UNIT_SHIFT);
            }
        }

        /// Takes from a survey what is not known here.
        void fillUnknown(Draft survey) {
            for (int unit = 0; unit < UNITS; unit++) {
                if (states[unit] == BlockState.UNKNOWN.code()) {
                    states[unit] = survey.states[unit];
                    physicals[unit] = survey.physicals[unit];
                }
            }
            scanned = true;
        }

        Window window() {
            int[] runs = new int[UNITS];
            long[] starts = new long[UNITS];
            int count = 0;
            boolean located = false;
            for (int unit = 0; unit < UNITS; unit++) {
                if (unit == 0 || !continues(unit)) {
                    runs[count] = unit << STATE_BITS | states[unit];
                    starts[count++] = physicals[unit];
                    located |= physicals[unit] != ExtentVisitor.NOWHERE;
                }
            }
            return new Window(
                    Arrays.copyOf(runs, count),
                    located ? Arrays.copyOf(starts, count) : UNLOCATED,
                    scanned);
        }

        private boolean continues(int unit) {
            long before = physicals[unit - 1];
            long expected =
                    before == ExtentVisitor.NOWHERE ? ExtentVisitor.NOWHERE : before + UNIT_BYTES;
            return states[unit] == states[unit - 1] && physicals[unit] == expected;
        }
    }
}
