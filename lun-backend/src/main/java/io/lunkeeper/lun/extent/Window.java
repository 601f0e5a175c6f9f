package io.lunkeeper.lun.extent;

import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ExtentVisitor;
import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/// What is known of one window of an image, 16 MiB in 4,096 units of 4 KiB: an immutable sorted
/// list of runs of equal state, eight bytes each. Every change makes a new window, so a reader
/// needs no lock and a window that is still the same object has not been changed meanwhile.
///
/// One exception: copying many runs for every small write would cost more than the write, so a
/// window of many runs can also be *jotting*. It has a bit for each unit, and a unit written since
/// is only noted there ([#jot]). A bit counts if the window is in the tree after it was set; so
/// before anything else is made of a jotting window it is *closed*: replaced by one with the same
/// bits that takes no more, and that by a *plain* one with the bits worked into its runs
/// ([#folded]). Bits of a closed window are not to be relied upon one by one: one that came too
/// late may or may not get into the plain window, and who set it will see that and mark again.
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

    private static final int TAKEN = BlockState.UNWRITTEN.bit() | BlockState.MAPPED.bit();

    /// What may be jotted over: the other states say more than "not written".
    private static final int JOTTABLE = TAKEN | BlockState.HOLE.bit();

    /// Runs above which a window is better jotting: fewer are copied as quickly.
    static final int MANY_RUNS = 64;

    /// The first run starts at unit 0.
    private final long[] runs;

    /// Whether the file system has been asked about this window.
    private final boolean scanned;

    /// Units written since the runs were made; never a unit of a state that is not jottable.
    private final @Nullable AtomicLongArray jotted;

    private final boolean jotting;

    private Window(
            long[] runs, boolean scanned, @Nullable AtomicLongArray jotted, boolean jotting) {
        this.runs = runs;
        this.scanned = scanned;
        this.jotted = jotted;
        this.jotting = jotting;
    }

    /// A window of which nothing is known; each call makes a new one.
    static Window unknown() {
        return new Window(new long[] {BlockState.UNKNOWN.code()}, false, null, false);
    }

    boolean scanned() {
        return scanned;
    }

    /// Runs, or what takes as much memory as a run.
    int runs() {
        return runs.length + (jotted == null ? 0 : jotted.length());
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
        AtomicLongArray bits = jotted;
        int states = 0;
        for (int i = indexOf(from); i < runs.length && unit(runs[i]) < to; i++) {
            if (bits == null) {
                states |= 1 << state(runs[i]);
            } else {
                int first = Math.max(from, unit(runs[i]));
                int end = Math.min(to, endOf(i));
                int written = count(bits, first, end);
                states |= written > 0 ? BlockState.MAPPED.bit() : 0;
                states |= written < end - first ? 1 << state(runs[i]) : 0;
            }
        }
        return states;
    }

    // ---- jotting

    /// Whether nothing is jotted down.
    boolean plain() {
        return jotted == null;
    }

    /// Whether it takes jottings.
    boolean jotting() {
        return jotting;
    }

    /// Notes that units are written, if that can be done without a new window. It counts only if
    /// this window is in the tree afterwards.
    boolean jot(int from, int to) {
        AtomicLongArray bits = jotted;
        if (bits == null || !jotting || (statesIn(from, to) & ~JOTTABLE) != 0) {
            return false;
        }
        set(bits, from, to);
        return true;
    }

    /// This window with units written: jotted down when there are many runs, else as runs. For a
    /// plain window.
    Window written(int from, int to) {
        if (runs.length <= MANY_RUNS || (statesIn(from, to) & ~JOTTABLE) != 0) {
            return with(from, to, BlockState.MAPPED);
        }
        AtomicLongArray bits = new AtomicLongArray(UNITS / Long.SIZE);
        set(bits, from, to);
        return new Window(runs, scanned, bits, true);
    }

    /// The same, but it takes no more jottings.
    Window closed() {
        return new Window(runs, scanned, jotted, false);
    }

    /// The same as a plain window. Final once this one is closed.
    Window folded() {
        AtomicLongArray bits = jotted;
        if (bits == null) {
            return this;
        }
        long[] words = new long[bits.length()];
        Arrays.setAll(words, bits::get);
        BitSet written = BitSet.valueOf(words);
        Draft draft = new Draft(2 * runs.length);
        for (int i = 0; i < runs.length; i++) {
            int end = endOf(i);
            for (int unit = unit(runs[i]), next; unit < end; unit = next) {
                boolean mapped = written.get(unit);
                next = mapped ? written.nextClearBit(unit) : written.nextSetBit(unit);
                next = next < 0 ? end : Math.min(next, end);
                int state = mapped ? BlockState.MAPPED.code() : state(runs[i]);
                draft.add(unit, state, placeAt(runs[i], unit));
            }
        }
        return draft.window(scanned);
    }

    /// The bits of a word that stand for units from `from` to `to`, exclusive.
    private static long mask(int word, int from, int to) {
        long mask = -1L;
        if (word == from / Long.SIZE) {
            mask &= -1L << from;
        }
        if (word == (to - 1) / Long.SIZE) {
            mask &= -1L >>> -to;
        }
        return mask;
    }

    private static void set(AtomicLongArray bits, int from, int to) {
        for (int word = from / Long.SIZE; word <= (to - 1) / Long.SIZE; word++) {
            bits.getAndAccumulate(word, mask(word, from, to), (a, b) -> a | b);
        }
    }

    private static int count(AtomicLongArray bits, int from, int to) {
        int count = 0;
        for (int word = from / Long.SIZE; word <= (to - 1) / Long.SIZE; word++) {
            count += Long.bitCount(bits.get(word) & mask(word, from, to));
        }
        return count;
    }

    // ---- places, visits

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
        assert plain();
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

    // ---- changes, of plain windows

    /// This window with the units from `from` to `to`, exclusive, in another state. Space that was
    /// taken stays where it is when it is written or its content given up.
    Window with(int from, int to, BlockState state) {
        assert plain();
        int first = indexOf(from);
        int last = indexOf(to - 1);
        Draft draft = new Draft(runs.length + 2);
        draft.copy(runs, 0, first);
        if (unit(runs[first]) < from) {
            draft.add(unit(runs[first]), state(runs[first]), place(runs[first]));
        }
        boolean stays = (state.bit() & TAKEN) != 0;
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
        assert plain();
        if ((statesIn(from, to) & old.bit()) == 0) {
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
        assert plain() && other.plain();
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
            long[] all = count == runs.length ? runs : Arrays.copyOf(runs, count);
            return new Window(all, scanned, null, false);
        }
    }
}
