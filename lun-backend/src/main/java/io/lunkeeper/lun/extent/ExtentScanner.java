package io.lunkeeper.lun.extent;

import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ExtentVisitor;
import io.lunkeeper.lun.image.ImageFile;
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

    private final ImageFile image;
    private final ExtentTree tree;
    private volatile Source source = Source.FIEMAP;

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
            Window seen = tree.window(index);
            if (source == Source.NONE || tree.full() || (seen != null && seen.scanned())) {
                return;
            }
            Window.Draft survey = survey(index);
            if (survey == null) {
                return;
            }
            Window.Draft merged = new Window.Draft(seen == null ? Window.unknown() : seen);
            merged.fillUnknown(survey);
            if (tree.replace(index, seen, merged.window())) {
                return;
            }
        }
    }

    private Window.@Nullable Draft survey(long index) {
        long start = ExtentTree.windowStart(index);
        long length = tree.windowLength(index);
        if (source == Source.FIEMAP) {
            Survey survey = new Survey(start, length);
            if (image.mapExtents(start, length, survey)) {
                return survey.draft;
            }
            source = Source.SEEK;
        }
        if (source == Source.SEEK) {
            Survey survey = new Survey(start, length);
            if (image.seekExtents(start, length, survey)) {
                return survey.draft;
            }
            source = Source.NONE;
        }
        return null;
    }

    /// The extents of one window as they come in. Units that an extent covers in part count as
    /// written: the file is asked about them, which is always right.
    private static final class Survey implements ExtentVisitor {
        private final long start;
        private final long end;
        private final Window.Draft draft = new Window.Draft(Window.unknown());

        Survey(long start, long length) {
            this.start = start;
            this.end = start + length;
            draft.set(0, Window.UNITS, BlockState.HOLE, NOWHERE);
        }

        @Override
        public void extent(long offset, long length, BlockState state, long physical) {
            long from = Math.max(offset, start) - start;
            long to = Math.min(offset + length, end) - start;
            if (from >= to) {
                return;
            }
            int outerFrom = (int) (from >>> Window.UNIT_SHIFT);
            int outerTo = (int) ((to + Window.UNIT_BYTES - 1) >>> Window.UNIT_SHIFT);
            int innerFrom = (int) ((from + Window.UNIT_BYTES - 1) >>> Window.UNIT_SHIFT);
            int innerTo = end - start == to ? outerTo : (int) (to >>> Window.UNIT_SHIFT);
            draft.set(outerFrom, Math.min(outerTo, innerFrom), BlockState.MAPPED, NOWHERE);
            draft.set(Math.max(outerFrom, innerTo), outerTo, BlockState.MAPPED, NOWHERE);
            if (innerFrom < innerTo) {
                long skipped = start + ((long) innerFrom << Window.UNIT_SHIFT) - offset;
                draft.set(
                        innerFrom,
                        innerTo,
                        state,
                        physical == NOWHERE ? NOWHERE : physical + skipped);
            }
        }
    }
}
