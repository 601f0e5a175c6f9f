package io.lunkeeper.lun.extent;

import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ExtentVisitor;
import java.util.Arrays;

/// What is known of one window of an image, 16 MiB in 4,096 units of 4 KiB: an immutable sorted
/// list of runs of equal state, eight bytes each. Every change makes a new window, so a reader
/// needs no lock and a window that is still the same object has not been changed meanwhile.
final class Window {
    static final int UNIT_SHIFT = 12;
    static final int UNIT_BYTES = 1 << UNIT_SHIFT;
    static final int SHIFT = 24;
    static final int UNITS = 1 << (SHIFT - UNIT_SHIFT);

    // A run: the unit where it starts, the unit on the device where it lies, plus one, so that zero
    // is nowhere, and its state.
    private static final int STATE_BITS = 3;
    private static final int STATE_MASK = (1 << STATE_BITS) - 1;
    private static final int PLACE_BITS = 44;
    private static final long PLACE_MASK = (1L << PLACE_BITS) - 1;
    private static final int UNIT_POSITION = STATE_BITS + PLACE_BITS;

    private static final int TAKEN = bit(BlockState.UNWRITTEN) | bit(BlockState.MAPPED);

    /// The first run starts at unit 0.
    private final long[] runs;

    /// Whether the file system has been asked about this window.
    private final boolean scanned;

    private Window(long[] runs, boolean scanned) {
        this.runs = runs;
        this.scanned = scanned;
    }

    /// A window of which nothing is known; each call makes a new one.
    static Window unknown() {
        return new Window(new long[] {BlockState.UNKNOWN.code()}, false);
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

    private static int unit(long run) {
        return (int) (run >>> UNIT_POSITION);
    }

    private static int state(long run) {
        return (int) run & STATE_MASK;
    }

    /// The unit on the device, plus one; zero is nowhere.
    private static long place(long run) {
        return run >>> STATE_BITS & PLACE_MASK;
    }

    /// Where `unit`, which lies in the run, is on the device.
    private static long placeAt(long run, int unit) {
        long place = place(run);
        return place == 0 ? 0 : place + unit - unit(run);
    }

    private int endOf(int index) {
        return index + 1 < runs.length ? unit(runs[index + 1]) : UNITS;
    }

    /// The index of the run that a unit lies in.
    private int indexOf(int unit) {
        int low = 0;
        int high = runs.length - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (unit(runs[middle]) <= unit) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    /// The states found in the units from `from` to `to`, exclusive, as a set of bits.
    int statesIn(int from, int to) {
        int index = indexOf(from);
        int states = 1 << state(runs[index]);
        for (int i = index + 1; i < runs.length && unit(runs[i]) < to; i++) {
            states |= 1 << state(runs[i]);
        }
        return states;
    }

    /// Where a unit lies on the device in bytes, or [ExtentVisitor#NOWHERE].
    long physical(int unit) {
        return bytes(placeAt(runs[indexOf(unit)], unit));
    }

    private static long bytes(long place) {
        return place == 0 ? ExtentVisitor.NOWHERE : (place - 1) << UNIT_SHIFT;
    }

    /// Visits what lies from the unit `from` to `to`, exclusive, clipped to that; `start` is the
    /// offset of this window in the image.
    void visit(long start, int from, int to, ExtentVisitor visitor) {
        for (int i = indexOf(from); i < runs.length && unit(runs[i]) < to; i++) {
            int first = Math.max(from, unit(runs[i]));
            int end = Math.min(to, endOf(i));
            visitor.extent(
                    start + ((long) first << UNIT_SHIFT),
                    (long) (end - first) << UNIT_SHIFT,
                    BlockState.of(state(runs[i])),
                    bytes(placeAt(runs[i], first)));
        }
    }

    /// This window with the units from `from` to `to`, exclusive, in another state. Space that was
    /// taken stays where it is when it is written or its content given up.
    Window with(int from, int to, BlockState state) {
        int first = indexOf(from);
        int last = indexOf(to - 1);
        Draft draft = new Draft(runs.length + 2);
        draft.copy(runs, 0, first);
        if (unit(runs[first]) < from) {
            draft.add(unit(runs[first]), state(runs[first]), place(runs[first]));
        }
        boolean stays = (bit(state) & TAKEN) != 0;
        for (int i = first; i <= last; i++) {
            int unit = Math.max(from, unit(runs[i]));
            boolean kept = stays && taken(state(runs[i]));
            draft.add(unit, state.code(), kept ? placeAt(runs[i], unit) : 0);
        }
        if (to < endOf(last)) {
            draft.add(to, state(runs[last]), placeAt(runs[last], to));
        }
        if (last + 1 < runs.length) {
            draft.add(endOf(last), state(runs[last + 1]), place(runs[last + 1]));
            draft.copy(runs, last + 2, runs.length);
        }
        return draft.window(scanned);
    }

    /// This window with the units from `from` to `to`, exclusive, that are in one state in another.
    Window turned(int from, int to, BlockState old, BlockState state) {
        if ((statesIn(from, to) & bit(old)) == 0) {
            return this;
        }
        Draft draft = new Draft(runs.length + 2);
        boolean stays = taken(old.code()) && taken(state.code());
        for (int i = 0; i < runs.length; i++) {
            int unit = unit(runs[i]);
            int end = endOf(i);
            if (state(runs[i]) != old.code() || end <= from || unit >= to) {
                draft.add(unit, state(runs[i]), place(runs[i]));
                continue;
            }
            int first = Math.max(from, unit);
            if (unit < first) {
                draft.add(unit, old.code(), place(runs[i]));
            }
            draft.add(first, state.code(), stays ? placeAt(runs[i], first) : 0);
            if (to < end) {
                draft.add(to, old.code(), placeAt(runs[i], to));
            }
        }
        return draft.window(scanned);
    }

    /// Decides what is true of a stretch of which two things are known.
    interface Judge {
        /// Whether the other window is right rather than this one. Places are device units, zero
        /// for nowhere.
        boolean other(
                BlockState mine, long minePlace, BlockState theirs, long theirPlace, int units);
    }

    /// This window with what another one knows better, and with the places that only the other one
    /// knows.
    Window merged(Window other, Judge judge) {
        Draft draft = new Draft(runs.length + other.runs.length);
        int mine = 0;
        int theirs = 0;
        int unit = 0;
        while (unit < UNITS) {
            int end = Math.min(endOf(mine), other.endOf(theirs));
            long minePlace = placeAt(runs[mine], unit);
            long theirPlace = placeAt(other.runs[theirs], unit);
            int myState = state(runs[mine]);
            int theirState = state(other.runs[theirs]);
            if (judge.other(
                    BlockState.of(myState),
                    minePlace,
                    BlockState.of(theirState),
                    theirPlace,
                    end - unit)) {
                draft.add(unit, theirState, theirPlace);
            } else {
                boolean onlyTheirs = minePlace == 0 && taken(myState) && taken(theirState);
                draft.add(unit, myState, onlyTheirs ? theirPlace : minePlace);
            }
            mine += end == endOf(mine) ? 1 : 0;
            theirs += end == other.endOf(theirs) ? 1 : 0;
            unit = end;
        }
        return draft.window(scanned || other.scanned);
    }

    private static boolean taken(int state) {
        return (1 << state & TAKEN) != 0;
    }

    /// A window in the making: runs are added in order, without gaps.
    static final class Draft {
        private long[] runs;
        private int count;

        /// Room for a number of runs; there may be more.
        Draft(int room) {
            runs = new long[room];
        }

        /// Adds what begins at `unit` and lasts to the next that is added.
        ///
        /// @param place the unit on the device, plus one; zero is nowhere
        void add(int unit, int state, long place) {
            long known = place > PLACE_MASK ? 0 : place;
            if (count > 0) {
                long last = runs[count - 1];
                if (state(last) == state && placeAt(last, unit) == known) {
                    return;
                }
            }
            if (count == runs.length) {
                runs = Arrays.copyOf(runs, 2 * count + 2);
            }
            runs[count++] = (long) unit << UNIT_POSITION | known << STATE_BITS | state;
        }

        /// The same in bytes on the device.
        void add(int unit, BlockState state, long physical) {
            add(
                    unit,
                    state.code(),
                    physical == ExtentVisitor.NOWHERE ? 0 : (physical >>> UNIT_SHIFT) + 1);
        }

        /// Adds runs of a window as they are; the first must not go on with the last added.
        private void copy(long[] source, int from, int to) {
            int length = Math.max(0, to - from);
            if (count + length > runs.length) {
                runs = Arrays.copyOf(runs, count + length + 2);
            }
            System.arraycopy(source, Math.min(from, source.length), runs, count, length);
            count += length;
        }

        Window window(boolean scanned) {
            return new Window(count == runs.length ? runs : Arrays.copyOf(runs, count), scanned);
        }
    }
}
