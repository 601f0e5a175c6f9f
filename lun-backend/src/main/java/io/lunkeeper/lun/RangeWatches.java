package io.lunkeeper.lun;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Tells whether ranges of a LUN still hold what they held at one moment. Without anybody who wants
/// to know, a write pays one look at a field.
///
/// A change is noted before it is made, by a caller who has the range locked; a watch is begun when
/// all others are kept away from its ranges. So whoever reads and then finds nothing changed has
/// read what was there when the watch began. Safe from any number of threads.
public final class RangeWatches {
    private static final Watch[] NONE = {};

    private final RangeLocks locks;

    /// Copied for each change of it; written under this object's lock.
    private volatile Watch[] watches = NONE;

    RangeWatches(RangeLocks locks) {
        this.locks = locks;
    }

    /// A stretch of a LUN in bytes.
    public record Range(long offset, long length) {
        private boolean overlaps(long at, long bytes) {
            return at < offset + length && offset < at + bytes;
        }
    }

    /// Whether ranges are as they were.
    public final class Watch implements AutoCloseable {
        private final List<Range> ranges;
        private volatile boolean changed;

        private Watch(List<Range> ranges) {
            this.ranges = List.copyOf(ranges);
        }

        /// Whether the ranges hold what they held when the watch began. To be asked after they were
        /// read.
        public boolean unchanged() {
            return !changed;
        }

        private boolean overlaps(long offset, long length) {
            for (Range range : ranges) {
                if (range.overlaps(offset, length)) {
                    return true;
                }
            }
            return false;
        }

        /// Ends the watch; what it says then counts no more.
        @Override
        public void close() {
            changed = true;
            remove(this);
        }
    }

    /// Begins to watch. Blocks while somebody writes there.
    ///
    /// @param ranges at least one, none empty, all on the LUN
    public Watch watch(List<Range> ranges) {
        Watch watch = new Watch(ranges);
        long stripes = 0;
        for (Range range : ranges) {
            stripes |= RangeLocks.stripes(range.offset, range.length);
        }
        locks.lockExclusive(stripes);
        try {
            add(watch);
        } finally {
            locks.releaseExclusive(stripes);
        }
        return watch;
    }

    /// A range is about to change. The caller has it locked.
    void changing(long offset, long length) {
        Watch[] now = watches;
        if (now.length > 0) {
            changing(now, offset, length);
        }
    }

    private void changing(Watch[] now, long offset, long length) {
        for (Watch watch : now) {
            if (!watch.changed && watch.overlaps(offset, length)) {
                watch.changed = true;
                remove(watch);
            }
        }
    }

    private synchronized void add(Watch watch) {
        Watch[] more = Arrays.copyOf(watches, watches.length + 1);
        more[watches.length] = watch;
        watches = more;
    }

    private synchronized void remove(Watch watch) {
        List<Watch> fewer = new ArrayList<>(Arrays.asList(watches));
        if (fewer.remove(watch)) {
            watches = fewer.isEmpty() ? NONE : fewer.toArray(Watch[]::new);
        }
    }
}
