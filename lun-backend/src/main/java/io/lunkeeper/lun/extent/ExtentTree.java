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
///    there before the file system was asked; any mark replaces that object.
/// 3. Zeros are marked after the file was changed ([#markZeros]) by a caller who keeps writers of
///    the range away from before the change until after the mark.
///
/// Lookups take no lock: two array reads and a binary search. A mark on a range that is known to be
/// written already costs a lookup; any other builds the window anew, a few microseconds.
public final class ExtentTree {
    /// The largest image. It bounds the directory of windows, which is allocated at once, to 64 Ki
    /// references.
    public static final long MAX_SIZE_BYTES = 1L << 50;

    private static final int CHUNK_SHIFT = 12;
    private static final int CHUNK_WINDOWS = 1 << CHUNK_SHIFT;

    /// Runs that one tree holds by default: 8 Mi take at most 100 MiB of heap. An image more
    /// fragmented than that is served without further knowledge.
    private static final long MAX_RUNS = 8L << 20;

    private static final int ZEROS = Window.bit(BlockState.HOLE) | Window.bit(BlockState.UNWRITTEN);

    private final long sizeBytes;
    private final long maxRuns;
    private final AtomicReferenceArray<@Nullable AtomicReferenceArray<@Nullable Window>> chunks;
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
        long windows = windowAt(sizeBytes - 1) + 1;
        this.chunks =
                new AtomicReferenceArray<>((int) ((windows + CHUNK_WINDOWS - 1) >>> CHUNK_SHIFT));
    }

    /// The size of the image in bytes.
    public long sizeBytes() {
        return sizeBytes;
    }

    /// Whether the whole range reads as zeros, so that the file need not be asked.
    public boolean readsAsZeros(long offset, long length) {
        return (statesIn(offset, length) & ~ZEROS) == 0;
    }

    /// Whether the whole range is in this one state.
    public boolean is(BlockState state, long offset, long length) {
        return statesIn(offset, length) == Window.bit(state);
    }

    /// Whether any block of the range is in this state.
    public boolean contains(BlockState state, long offset, long length) {
        return (statesIn(offset, length) & Window.bit(state)) != 0;
    }

    /// TEMP
    public boolean overwritable(long offset, long length) {
        int ok = Window.bit(BlockState.MAPPED) | Window.bit(BlockState.UNWRITTEN);
        return (statesIn(offset, length) & ~ok) == 0;
    }

    /// TEMP
    public long physical(long offset) {
        return ExtentVisitor.NOWHERE;
    }

    /// Turns the blocks of a range that are in one state into another that reads the same: holes
    /// that were allocated, shared blocks that were unshared. To be called after the file was
    /// changed, by a caller who keeps away those who erase; writers may come and go.
    public void turn(BlockState from, BlockState to, long offset, long length) {
        long first = (offset + Window.UNIT_BYTES - 1) >>> Window.UNIT_SHIFT;
        long reach = offset + length == sizeBytes ? Window.UNIT_BYTES - 1 : 0;
        long end = (offset + length + reach) >>> Window.UNIT_SHIFT;
        for (long i = first / Window.UNITS; i * Window.UNITS < end; i++) {
            turnWindow(
                    i,
                    from,
                    to,
                    Math.max(first, i * Window.UNITS),
                    Math.min(end, (i + 1) * Window.UNITS));
        }
    }

    private void turnWindow(long index, BlockState from, BlockState to, long first, long end) {
        while (!full) {
            Window seen = window(index);
            if (seen == null) {
                return;
            }
            Window.Draft draft = new Window.Draft(seen);
            seen.visit(
                    windowStart(index),
                    (at, bytes, state, physical) -> {
                        long unit = Math.max(first, at >>> Window.UNIT_SHIFT);
                        long limit = Math.min(end, (at + bytes) >>> Window.UNIT_SHIFT);
                        if (state == from && unit < limit) {
                            draft.set(
                                    (int) (unit % Window.UNITS),
                                    (int) (limit - index * Window.UNITS),
                                    to,
                                    ExtentVisitor.NOWHERE);
                        }
                    });
            if (replace(index, seen, draft.window())) {
                return;
            }
        }
    }

    /// The states found in a range, as a set of bits.
    private int statesIn(long offset, long length) {
        assert offset >= 0 && length > 0 && offset + length <= sizeBytes : offset + "+" + length;
        long unit = offset >>> Window.UNIT_SHIFT;
        long end = (offset + length + Window.UNIT_BYTES - 1) >>> Window.UNIT_SHIFT;
        int states = 0;
        while (unit < end) {
            Window window = window(unit / Window.UNITS);
            int from = (int) (unit % Window.UNITS);
            int to = (int) Math.min(Window.UNITS, from + end - unit);
            states |= window == null ? Window.bit(BlockState.UNKNOWN) : window.statesIn(from, to);
            unit += to - from;
        }
        return states;
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
        assert (Window.bit(state) & ZEROS) != 0 : state;
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
        while (true) {
            Window seen = window(index);
            if (seen != null && seen.statesIn(from, to) == Window.bit(state)) {
                return;
            }
            // A full tree forgets; that too makes a new object, so a scan under way is refused.
            Window next = full ? Window.unknown() : marked(seen, from, to, state);
            if (replace(index, seen, next)) {
                return;
            }
        }
    }

    private static Window marked(@Nullable Window seen, int from, int to, BlockState state) {
        Window.Draft draft = new Window.Draft(seen == null ? Window.unknown() : seen);
        draft.set(from, to, state, ExtentVisitor.NOWHERE);
        return draft.window();
    }

    /// Visits all that is known of a range, window by window and clipped to the image; the first
    /// and the last extent may reach beyond the range.
    public void visit(long offset, long length, ExtentVisitor visitor) {
        for (long i = windowAt(offset); i <= windowAt(offset + length - 1); i++) {
            Window window = window(i);
            (window == null ? Window.unknown() : window)
                    .visit(
                            windowStart(i),
                            (at, bytes, state, physical) -> {
                                if (at < sizeBytes) {
                                    visitor.extent(
                                            at, Math.min(bytes, sizeBytes - at), state, physical);
                                }
                            });
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
        if (present != null) {
            return present;
        }
        AtomicReferenceArray<@Nullable Window> fresh = new AtomicReferenceArray<>(CHUNK_WINDOWS);
        AtomicReferenceArray<@Nullable Window> witness =
                chunks.compareAndExchange(index, null, fresh);
        return witness == null ? fresh : witness;
    }
}
