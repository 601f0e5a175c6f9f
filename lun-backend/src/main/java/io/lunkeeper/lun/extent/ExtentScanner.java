package io.lunkeeper.lun.extent;

import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ExtentVisitor;
import io.lunkeeper.lun.image.ImageFile;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// Fills an [ExtentTree] from the file system, one window at a time on first use. Asks for extents
/// (FIEMAP), else for data and holes (SEEK_DATA), else leaves all unknown; it never fails.
///
/// What the file system says counts only because this process owns the image and had all dirty
/// pages of earlier owners written out before the first scan: behind UNWRITTEN and HOLE only pages
/// can hide that were written here, and these are marked.
public final class ExtentScanner {
    /// A window that is being written is asked about again this often, then left for later.
    private static final int ATTEMPTS = 3;

    /// Windows that one call of [#refreshNext] looks at, known or not.
    private static final int MAX_LOOKED = 1 << 16;

    private final ImageFile image;
    private final ExtentTree tree;
    private volatile Source source = Source.FIEMAP;

    /// Where [#refreshNext] goes on. Guarded by this.
    private long next;

    private final LongAdder moved = new LongAdder();
    private final LongAdder shared = new LongAdder();
    private final LongAdder foreign = new LongAdder();

    private enum Source {
        FIEMAP,
        SEEK,
        NONE
    }

    /// A scanner that fills a tree from its image.
    public ExtentScanner(ImageFile image, ExtentTree tree) {
        this.image = image;
        this.tree = tree;
    }

    /// Learns what the file system knows of the windows that a range touches, where nobody asked
    /// before. May read the file system's metadata from disk.
    public void learn(long offset, long length) {
        long last = ExtentTree.windowAt(offset + length - 1);
        for (long i = ExtentTree.windowAt(offset); i <= last; i++) {
            learnWindow(i);
        }
    }

    private void learnWindow(long index) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            Window known = tree.window(index);
            if (source == Source.NONE || tree.full() || (known != null && known.scanned())) {
                return;
            }
            Window seen = tree.plainWindow(index);
            Window survey = survey(index);
            if (survey == null) {
                return;
            }
            Window before = seen == null ? Window.unknown() : seen;
            if (tree.replace(index, seen, before.merged(survey, ExtentScanner::unknown))) {
                return;
            }
        }
    }

    private static boolean unknown(
            BlockState mine, long minePlace, BlockState theirs, long theirPlace, int units) {
        return mine == BlockState.UNKNOWN;
    }

    /// Asks where space lies that was just taken, so that what is written there goes to the disk in
    /// the order of places. Whatever else the file system says of the range is not taken over.
    ///
    /// @param offset a multiple of 4 KiB
    /// @param length a multiple of 4 KiB, or up to the end of the image
    public void locate(long offset, long length) {
        long end = offset + length;
        for (long at = offset; at < end && source == Source.FIEMAP && !tree.full(); ) {
            long index = ExtentTree.windowAt(at);
            long to = Math.min(end, ExtentTree.windowStart(index + 1));
            Survey survey = new Survey(ExtentTree.windowStart(index), at, to);
            Window seen = tree.plainWindow(index);
            if (seen != null && image.mapExtents(at, to - at, survey)) {
                // Changed meanwhile, the order is a little worse; nothing else depends on it.
                tree.replace(index, seen, seen.merged(survey.window(false), KEEP));
            }
            at = to;
        }
    }

    private static final Window.Judge KEEP = (_, _, _, _, _) -> false;

    /// Asks again about windows that are known, and takes over what has changed: another program
    /// moved blocks (defragmentation, balancing), or shares them now (reflink). May read the file
    /// system's metadata from disk.
    public void refresh(long offset, long length) {
        long last = ExtentTree.windowAt(offset + length - 1);
        for (long i = ExtentTree.windowAt(offset); i <= last; i++) {
            refreshWindow(i);
        }
    }

    /// Refreshes some windows, going on where the last call ended, round and round.
    ///
    /// @param windows how many at most
    public synchronized void refreshNext(int windows) {
        long count = ExtentTree.windowAt(tree.sizeBytes() - 1) + 1;
        int refreshed = 0;
        for (long looked = 0;
                looked < Math.min(count, MAX_LOOKED) && refreshed < windows;
                looked++) {
            next = next >= count ? 0 : next;
            refreshed += refreshWindow(next++) ? 1 : 0;
        }
    }

    private boolean refreshWindow(long index) {
        Window known = tree.window(index);
        if (source != Source.FIEMAP || tree.full() || known == null || !known.scanned()) {
            return false;
        }
        Window seen = tree.plainWindow(index);
        Window survey = survey(index);
        if (seen != null && survey != null) {
            Changes changes = new Changes();
            Window merged = seen.merged(survey, changes);
            if (tree.replace(index, seen, merged)) {
                moved.add(changes.moved);
                shared.add(changes.shared);
                foreign.add(changes.foreign);
            }
        }
        return true;
    }

    /// Bytes found to lie elsewhere than before.
    public long movedBytes() {
        return moved.sum() << Window.UNIT_SHIFT;
    }

    /// Bytes found to be shared with other files that were not before.
    public long sharedBytes() {
        return shared.sum() << Window.UNIT_SHIFT;
    }

    /// Bytes found to be written that this process did not write.
    public long foreignBytes() {
        return foreign.sum() << Window.UNIT_SHIFT;
    }

    /// What the file system says now against what was known.
    private static final class Changes implements Window.Judge {
        private long moved;
        private long shared;
        private long foreign;

        @Override
        public boolean other(
                BlockState mine, long minePlace, BlockState theirs, long theirPlace, int units) {
            if (theirs == BlockState.UNKNOWN) {
                return false;
            }
            boolean theirData = theirs == BlockState.MAPPED || theirs == BlockState.SHARED;
            switch (mine) {
                // Unwritten space may have become written zeros: file systems do that with small
                // extents rather than cut them up.
                case UNKNOWN, UNWRITTEN -> {}
                case HOLE -> foreign += theirData ? units : 0;
                case MAPPED, SHARED -> {
                    if (!theirData) {
                        // Dirty pages hide there; nobody else gave the space up.
                        return false;
                    }
                    boolean known = minePlace != 0 && theirPlace != 0;
                    moved += known && minePlace != theirPlace ? units : 0;
                    shared += mine == BlockState.MAPPED && theirs == BlockState.SHARED ? units : 0;
                }
            }
            return true;
        }
    }

    private @Nullable Window survey(long index) {
        long start = ExtentTree.windowStart(index);
        long length = tree.windowLength(index);
        if (source == Source.FIEMAP) {
            Survey survey = new Survey(start, start, start + length);
            if (image.mapExtents(start, length, survey)) {
                return survey.window(true);
            }
            source = Source.SEEK;
        }
        if (source == Source.SEEK) {
            Survey survey = new Survey(start, start, start + length);
            if (image.seekExtents(start, length, survey)) {
                return survey.window(true);
            }
            source = Source.NONE;
        }
        return null;
    }

    /// The extents of a part of a window as they come in; of the rest nothing is known. Units that
    /// an extent covers in part count as written: the file is asked about them, which is always
    /// right.
    private static final class Survey implements ExtentVisitor {
        private final long start;
        private final long from;
        private final long end;
        private final Window.Draft draft = new Window.Draft(16);

        /// The first unit of which nothing was said yet.
        private int next;

        /// @param start the offset of the window in the image
        /// @param from where the part begins, a multiple of units
        /// @param end where it ends, a multiple of units or the end of the image
        Survey(long start, long from, long end) {
            this.start = start;
            this.from = from;
            this.end = end;
            if (from > start) {
                draft.add(0, BlockState.UNKNOWN, NOWHERE);
                next = (int) ((from - start) >>> Window.UNIT_SHIFT);
            }
        }

        @Override
        public void extent(long offset, long length, BlockState state, long physical) {
            long first = Math.max(offset, from) - start;
            long last = Math.min(offset + length, end) - start;
            if (first >= last) {
                return;
            }
            int outerFrom = (int) (first >>> Window.UNIT_SHIFT);
            int outerTo = (int) ((last + Window.UNIT_BYTES - 1) >>> Window.UNIT_SHIFT);
            int innerFrom = (int) ((first + Window.UNIT_BYTES - 1) >>> Window.UNIT_SHIFT);
            int innerTo = end - start == last ? outerTo : (int) (last >>> Window.UNIT_SHIFT);
            add(outerFrom, Math.min(outerTo, innerFrom), BlockState.MAPPED, NOWHERE);
            if (innerFrom < innerTo) {
                long skipped = start + ((long) innerFrom << Window.UNIT_SHIFT) - offset;
                add(innerFrom, innerTo, state, physical == NOWHERE ? NOWHERE : physical + skipped);
            }
            add(Math.max(outerFrom, innerTo), outerTo, BlockState.MAPPED, NOWHERE);
        }

        /// Adds units behind the last; those that an extent before has in part are added already.
        private void add(int from, int to, BlockState state, long physical) {
            int first = Math.max(from, next);
            if (first >= to) {
                return;
            }
            if (next < first) {
                draft.add(next, BlockState.HOLE, NOWHERE);
            }
            long skipped = (long) (first - from) << Window.UNIT_SHIFT;
            draft.add(first, state, physical == NOWHERE ? NOWHERE : physical + skipped);
            next = to;
        }

        /// @param whole whether the part is all that the image has of the window
        Window window(boolean whole) {
            int rest =
                    whole
                            ? Window.UNITS
                            : (int) ((end - start + Window.UNIT_BYTES - 1) >>> Window.UNIT_SHIFT);
            if (next < rest) {
                draft.add(next, BlockState.HOLE, NOWHERE);
            }
            if (rest < Window.UNITS) {
                draft.add(rest, BlockState.UNKNOWN, NOWHERE);
            }
            return draft.window(whole);
        }
    }
}
