package io.lunkeeper.lun.extent;

import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ExtentVisitor;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// What is known of the blocks of one image, in units of 4 KiB: [BlockState#UNKNOWN] at first,
/// filled window by window by [ExtentScanner] and kept true by the writes, punches and allocations
/// of this process, which owns the image.
///
/// The one thing that must never be wrong is "reads as zeros" (HOLE, UNWRITTEN), because such reads
/// do not ask the file. Three rules see to it:
///
/// 1. A write marks its range before it touches the file ([#markWritten]), and the mark stays
///    whatever becomes of the write.
/// 2. A scan fills only what is UNKNOWN, and only if the window is still the very object that was
///    there, plain, before the file system was asked; any mark replaces a plain window.
/// 3. Zeros are marked after the file was changed ([#markZeros]) by a caller who keeps writers of
///    the range away from before the change until after the mark.
///
/// Lookups take no lock: two array reads and a binary search. A mark on a range that is known to be
/// written already costs a lookup; any other copies the runs of the window, or sets a bit where
/// there are many.
public final class ExtentTree {
    /// The largest image. It bounds the directory of windows, which is allocated at once, to 16 Ki
    /// references.
    public static final long MAX_SIZE_BYTES = 1L << 50;

    private static final int CHUNK_SHIFT = 12;
    private static final int CHUNK_WINDOWS = 1 << CHUNK_SHIFT;

    /// Runs that one tree holds by default: 32 Mi take 256 MiB of heap and 48 bytes for each
    /// window. An image more fragmented than that is served without further knowledge.
    private static final long MAX_RUNS = 32L << 20;

    private static final int ZEROS = BlockState.HOLE.bit() | BlockState.UNWRITTEN.bit();

    private final long maxRuns;
    private volatile long sizeBytes;
    private volatile AtomicReferenceArray<@Nullable AtomicReferenceArray<@Nullable Window>> chunks;
    private final LongAdder runs = new LongAdder();

    /// Set for good when there are too many runs. From then on no scan is taken in, and a mark
    /// forgets its window instead of refining it.
    private volatile boolean full;

    /// An empty tree for an image.
    ///
    /// @param sizeBytes the image's size, at most [#MAX_SIZE_BYTES]
    public ExtentTree(long sizeBytes) {
        this(sizeBytes, MAX_RUNS);
    }

    ExtentTree(long sizeBytes, long maxRuns) {
        assert sizeBytes > 0 && sizeBytes <= MAX_SIZE_BYTES : sizeBytes;
        this.sizeBytes = sizeBytes;
        this.maxRuns = maxRuns;
        this.chunks = new AtomicReferenceArray<>(chunksOf(sizeBytes));
    }

    private static int chunksOf(long sizeBytes) {
        return (int) (windowAt(sizeBytes - 1) >>> CHUNK_SHIFT) + 1;
    }

    /// The size of the image in bytes; it only grows.
    public long sizeBytes() {
        return sizeBytes;
    }

    /// Makes room for a larger image. What the last window holds beyond the old end are holes; the
    /// rest is unknown. To be called after the file was extended; all other calls may go on.
    ///
    /// @param newSizeBytes more than [#sizeBytes], at most [#MAX_SIZE_BYTES]
    public synchronized void grow(long newSizeBytes) {
        assert newSizeBytes > sizeBytes && newSizeBytes <= MAX_SIZE_BYTES : newSizeBytes;
        AtomicReferenceArray<@Nullable AtomicReferenceArray<@Nullable Window>> larger =
                new AtomicReferenceArray<>(chunksOf(newSizeBytes));
        for (int i = 0; i < chunks.length(); i++) {
            larger.setPlain(i, chunks.get(i));
        }
        chunks = larger;
        sizeBytes = newSizeBytes;
    }

    /// Whether the whole range reads as zeros, so that the file need not be asked.
    public boolean readsAsZeros(long offset, long length) {
        return (states(offset, length) & ~ZEROS) == 0;
    }

    /// Whether the whole range is in this one state.
    public boolean is(BlockState state, long offset, long length) {
        return states(offset, length) == state.bit();
    }

    /// Whether any block of the range is in this state.
    public boolean contains(BlockState state, long offset, long length) {
        return state.in(states(offset, length));
    }

    /// Where the block that an offset lies in is on the device in bytes, or
    /// [ExtentVisitor#NOWHERE].
    public long physical(long offset) {
        Window window = window(windowAt(offset));
        return window == null
                ? ExtentVisitor.NOWHERE
                : window.physical((int) (offset >>> Window.UNIT_SHIFT) & (Window.UNITS - 1));
    }

    /// Turns the blocks that a range touches and that are in one state into another that reads the
    /// same: holes that were allocated, shared blocks that were unshared. To be called after the
    /// file was changed, by a caller who keeps away those who erase; writers may come and go.
    public void turn(BlockState from, BlockState to, long offset, long length) {
        long unit = offset >>> Window.UNIT_SHIFT;
        long end = (offset + length + Window.UNIT_BYTES - 1) >>> Window.UNIT_SHIFT;
        while (unit < end) {
            int inFirst = (int) (unit % Window.UNITS);
            int inEnd = (int) Math.min(Window.UNITS, inFirst + end - unit);
            turnWindow(unit / Window.UNITS, inFirst, inEnd, from, to);
            unit += inEnd - inFirst;
        }
    }

    private void turnWindow(long index, int first, int end, BlockState from, BlockState to) {
        Window seen;
        do {
            seen = plainWindow(index);
        } while (!full && seen != null && !replace(index, seen, seen.turned(first, end, from, to)));
    }

    /// The states found in a range, as a set of [BlockState#bit]s.
    public int states(long offset, long length) {
        assert offset >= 0 && length > 0 && offset + length <= sizeBytes : offset + "+" + length;
        long unit = offset >>> Window.UNIT_SHIFT;
        long end = (offset + length + Window.UNIT_BYTES - 1) >>> Window.UNIT_SHIFT;
        int states = 0;
        while (unit < end) {
            int from = (int) (unit % Window.UNITS);
            int to = (int) Math.min(Window.UNITS, from + end - unit);
            states |= statesIn(unit / Window.UNITS, from, to);
            unit += to - from;
        }
        return states;
    }

    /// What is jotted down in a window that is no longer there may be missing in the one that is.
    private int statesIn(long index, int from, int to) {
        while (true) {
            Window seen = window(index);
            if (seen == null) {
                return BlockState.UNKNOWN.bit();
            }
            if (seen.plain() || seen.jotting()) {
                int states = seen.statesIn(from, to);
                if (seen.plain() || holds(index, seen)) {
                    return states;
                }
            } else {
                replace(index, seen, seen.folded());
            }
        }
    }

    /// Marks every block that the range touches as written. To be called before the file is
    /// written; see the rules above.
    public void markWritten(long offset, long length) {
        assert offset >= 0 && length > 0 && offset + length <= sizeBytes : offset + "+" + length;
        long first = offset >>> Window.UNIT_SHIFT;
        long end = (offset + length + Window.UNIT_BYTES - 1) >>> Window.UNIT_SHIFT;
        mark(first, end, BlockState.MAPPED);
    }

    /// Marks the blocks that lie wholly in the range as [BlockState#HOLE] or
    /// [BlockState#UNWRITTEN]. To be called after the file was changed; see the rules above.
    public void markZeros(long offset, long length, BlockState state) {
        assert (state.bit() & ZEROS) != 0 : state;
        long first = (offset + Window.UNIT_BYTES - 1) >>> Window.UNIT_SHIFT;
        // The last unit of an image may reach beyond its end; the rest of it holds nothing.
        long reach = offset + length == sizeBytes ? Window.UNIT_BYTES - 1 : 0;
        mark(first, (offset + length + reach) >>> Window.UNIT_SHIFT, state);
    }

    private void mark(long first, long end, BlockState state) {
        long unit = first;
        while (unit < end) {
            int from = (int) (unit % Window.UNITS);
            int to = (int) Math.min(Window.UNITS, from + end - unit);
            markWindow(unit / Window.UNITS, from, to, state);
            unit += to - from;
        }
    }

    private void markWindow(long index, int from, int to, BlockState state) {
        while (statesIn(index, from, to) != state.bit()) {
            Window seen = window(index);
            if (seen != null && state == BlockState.MAPPED && seen.jot(from, to)) {
                if (holds(index, seen)) {
                    return;
                }
                continue;
            }
            Window plain = plainWindow(index);
            if (replace(index, plain, marked(plain, from, to, state))) {
                return;
            }
        }
    }

    private Window marked(@Nullable Window plain, int from, int to, BlockState state) {
        if (full) {
            // It forgets; that too makes a new object, so a scan under way is refused.
            return Window.unknown();
        }
        Window known = plain == null ? Window.unknown() : plain;
        return state == BlockState.MAPPED ? known.written(from, to) : known.with(from, to, state);
    }

    /// Visits all that is known of a range, clipped to the blocks that it touches and to the image.
    public void visit(long offset, long length, ExtentVisitor visitor) {
        assert offset >= 0 && length > 0 && offset + length <= sizeBytes : offset + "+" + length;
        long unit = offset >>> Window.UNIT_SHIFT;
        long end = (offset + length + Window.UNIT_BYTES - 1) >>> Window.UNIT_SHIFT;
        while (unit < end) {
            long index = unit / Window.UNITS;
            int from = (int) (unit % Window.UNITS);
            int to = (int) Math.min(Window.UNITS, from + end - unit);
            Window window = window(index);
            (window == null ? Window.unknown() : window.folded())
                    .visit(
                            windowStart(index),
                            from,
                            to,
                            (at, bytes, state, physical) ->
                                    visitor.extent(
                                            at, Math.min(bytes, sizeBytes - at), state, physical));
            unit += to - from;
        }
    }

    /// Runs held, for tests and reports.
    long runs() {
        return runs.sum();
    }

    /// Whether no more scans are taken in. To be asked after [#window]: a window seen before the
    /// tree filled up is replaced by any later mark.
    boolean full() {
        return full;
    }

    static long windowAt(long offset) {
        return offset >>> Window.SHIFT;
    }

    static long windowStart(long index) {
        return index << Window.SHIFT;
    }

    /// The bytes of the image in a window, fewer in the last.
    long windowLength(long index) {
        return Math.min(1L << Window.SHIFT, sizeBytes - windowStart(index));
    }

    /// What is known of a window; null is all unknown.
    @Nullable Window window(long index) {
        AtomicReferenceArray<@Nullable Window> chunk = chunks.get((int) (index >>> CHUNK_SHIFT));
        return chunk == null ? null : chunk.get((int) (index & (CHUNK_WINDOWS - 1)));
    }

    // Whether it is the very object is the question.
    @SuppressWarnings("ReferenceEquality")
    private boolean holds(long index, Window window) {
        return window(index) == window;
    }

    /// What is known of a window as a plain one, which any mark will replace: the one to start from
    /// for whoever changes it.
    @Nullable Window plainWindow(long index) {
        while (true) {
            Window seen = window(index);
            if (seen == null || seen.plain()) {
                return seen;
            }
            replace(index, seen, seen.jotting() ? seen.closed() : seen.folded());
        }
    }

    /// Puts a window in place of the one that was seen.
    ///
    /// @return false when another was there by then; nothing was changed
    boolean replace(long index, @Nullable Window seen, Window next) {
        int position = (int) (index & (CHUNK_WINDOWS - 1));
        if (!chunk((int) (index >>> CHUNK_SHIFT)).compareAndSet(position, seen, next)) {
            return false;
        }
        runs.add(next.runs() - (seen == null ? 0 : seen.runs()));
        if (!full && runs.sum() > maxRuns) {
            full = true;
        }
        return true;
    }

    private AtomicReferenceArray<@Nullable Window> chunk(int index) {
        AtomicReferenceArray<@Nullable Window> present = chunks.get(index);
        return present == null ? newChunk(index) : present;
    }

    /// Not while the directory is being copied, or the new chunk would be missing in the copy.
    private synchronized AtomicReferenceArray<@Nullable Window> newChunk(int index) {
        AtomicReferenceArray<@Nullable Window> present = chunks.get(index);
        if (present != null) {
            return present;
        }
        AtomicReferenceArray<@Nullable Window> fresh = new AtomicReferenceArray<>(CHUNK_WINDOWS);
        chunks.set(index, fresh);
        return fresh;
    }
}
