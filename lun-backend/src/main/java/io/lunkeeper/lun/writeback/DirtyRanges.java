package io.lunkeeper.lun.writeback;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/// Which pages of an image were written and have not been handed to the disk since: one bit for
/// each page of 4 KiB.
///
/// Bits live in segments of 4 MiB, which exist only while they hold some: memory follows what is
/// dirty, 160 bytes for a segment, and not the size of the image. Marking takes no lock.
///
/// Taking removes segments while writers may be about to mark in them. It first takes the segment
/// out and then fills its words with ones: a writer whose bit came too late finds it set already,
/// counts nothing, sees that the segment has gone, and marks again in the new one. So no mark is
/// lost, and none is counted that nobody will take.
public final class DirtyRanges {
    static final int PAGE_SHIFT = 12;

    /// Bytes that one word of bits stands for.
    private static final int WORD_SHIFT = PAGE_SHIFT + 6;

    private static final int SEGMENT_SHIFT = 22;
    private static final int SEGMENT_WORDS = 1 << (SEGMENT_SHIFT - WORD_SHIFT);

    private static final int LEAF_SHIFT = 32;
    private static final int LEAF_SEGMENTS = 1 << (LEAF_SHIFT - SEGMENT_SHIFT);

    /// Enough for images of 1 PiB: 4 GiB for each leaf, 512 by 512 of them.
    private static final int FAN_OUT = 512;

    /// What one run covers at most: less than is handed to the disk at once.
    static final long MAX_RUN_BYTES = 4L << 20;

    private static final long ALL = -1L;

    private final AtomicReferenceArray<@Nullable AtomicReferenceArray<@Nullable Leaf>> branches =
            new AtomicReferenceArray<>(FAN_OUT);
    private final AtomicLong pages = new AtomicLong();

    /// A stretch of the image from its first to its last dirty page.
    ///
    /// @param offset a multiple of 4 KiB
    /// @param length a multiple of 4 KiB; may reach beyond the end of an image of odd size
    /// @param dirtyBytes how much of it is dirty
    public record Run(long offset, long length, long dirtyBytes) {}

    /// 4 GiB of the image.
    private static final class Leaf {
        final AtomicReferenceArray<@Nullable AtomicLongArray> segments =
                new AtomicReferenceArray<>(LEAF_SEGMENTS);

        /// A bit for each segment that may exist, set after it was made.
        final AtomicLongArray present = new AtomicLongArray(LEAF_SEGMENTS / Long.SIZE);
    }

    /// Marks the pages that a range touches. To be called after they were written: a mark that came
    /// before could be taken, and the page handed over, before there was anything to hand over.
    ///
    /// @return the dirty bytes of the whole image
    public long mark(long offset, long length) {
        assert offset >= 0 && length > 0 : offset + "+" + length;
        long first = offset >>> PAGE_SHIFT;
        long last = (offset + length - 1) >>> PAGE_SHIFT;
        for (long word = first >>> 6; word <= last >>> 6; word++) {
            int from = word == first >>> 6 ? (int) first & 63 : 0;
            int to = word == last >>> 6 ? (int) last & 63 : 63;
            markWord(word, (ALL << from) & (ALL >>> (63 - to)));
        }
        return bytes();
    }

    private void markWord(long word, long mask) {
        int index = (int) (word & (SEGMENT_WORDS - 1));
        long offset = word << WORD_SHIFT;
        Leaf leaf = leaf(offset);
        int number = (int) (offset >>> SEGMENT_SHIFT) & (LEAF_SEGMENTS - 1);
        while (true) {
            AtomicLongArray segment = segment(leaf, number);
            long before = segment.get(index);
            if ((before & mask) != mask) {
                before = segment.getAndAccumulate(index, mask, (a, b) -> a | b);
                int added = Long.bitCount(mask & ~before);
                if (added != 0) {
                    pages.addAndGet(added);
                }
            }
            if (holds(leaf, number, segment)) {
                return;
            }
        }
    }

    // Whether it is the very object is the question.
    @SuppressWarnings("ReferenceEquality")
    private static boolean holds(Leaf leaf, int number, AtomicLongArray segment) {
        return leaf.segments.get(number) == segment;
    }

    private Leaf leaf(long offset) {
        long number = offset >>> LEAF_SHIFT;
        int high = (int) (number / FAN_OUT);
        AtomicReferenceArray<@Nullable Leaf> branch = branches.get(high);
        if (branch == null) {
            AtomicReferenceArray<@Nullable Leaf> fresh = new AtomicReferenceArray<>(FAN_OUT);
            branch = branches.compareAndExchange(high, null, fresh);
            branch = branch == null ? fresh : branch;
        }
        int low = (int) (number % FAN_OUT);
        Leaf leaf = branch.get(low);
        if (leaf == null) {
            Leaf fresh = new Leaf();
            leaf = branch.compareAndExchange(low, null, fresh);
            leaf = leaf == null ? fresh : leaf;
        }
        return leaf;
    }

    private static AtomicLongArray segment(Leaf leaf, int number) {
        AtomicLongArray segment = leaf.segments.get(number);
        if (segment != null) {
            return segment;
        }
        AtomicLongArray fresh = new AtomicLongArray(SEGMENT_WORDS);
        AtomicLongArray other = leaf.segments.compareAndExchange(number, null, fresh);
        if (other != null) {
            return other;
        }
        leaf.present.getAndAccumulate(number >>> 6, 1L << number, (a, b) -> a | b);
        return fresh;
    }

    /// Bytes that are dirty now.
    public long bytes() {
        return pages.get() << PAGE_SHIFT;
    }

    /// Takes everything that is dirty, merged and in order of offset; it is clean afterwards,
    /// except for what is marked meanwhile. Dirty pages less than 256 KiB apart come in one run, of
    /// 4 MiB at most: the kernel finds them quicker than it takes calls.
    public List<Run> take() {
        List<Run> runs = new ArrayList<>();
        Collector collector = new Collector(runs);
        for (int high = 0; high < FAN_OUT; high++) {
            AtomicReferenceArray<@Nullable Leaf> branch = branches.get(high);
            for (int low = 0; branch != null && low < FAN_OUT; low++) {
                Leaf leaf = branch.get(low);
                if (leaf != null) {
                    takeLeaf(leaf, ((long) high * FAN_OUT + low) << LEAF_SHIFT, collector);
                }
            }
        }
        collector.handOn();
        return runs;
    }

    private void takeLeaf(Leaf leaf, long start, Collector collector) {
        for (int i = 0; i < leaf.present.length(); i++) {
            long present = leaf.present.get(i) == 0 ? 0 : leaf.present.getAndSet(i, 0);
            for (; present != 0; present &= present - 1) {
                int number = i * Long.SIZE + Long.numberOfTrailingZeros(present);
                AtomicLongArray segment = leaf.segments.getAndSet(number, null);
                if (segment != null) {
                    takeSegment(segment, start + ((long) number << SEGMENT_SHIFT), collector);
                }
            }
        }
    }

    private void takeSegment(AtomicLongArray segment, long start, Collector collector) {
        int taken = 0;
        for (int i = 0; i < SEGMENT_WORDS; i++) {
            long word = segment.getAndSet(i, ALL);
            if (word != 0) {
                taken += Long.bitCount(word);
                collector.add(start + ((long) i << WORD_SHIFT), word);
            }
        }
        pages.addAndGet(-taken);
    }

    /// Joins words to runs.
    private static final class Collector {
        private final List<Run> runs;
        private long start;
        private long end;
        private long dirtyPages;

        Collector(List<Run> runs) {
            this.runs = runs;
        }

        void add(long offset, long word) {
            long first = offset + ((long) Long.numberOfTrailingZeros(word) << PAGE_SHIFT);
            long last = offset + ((64L - Long.numberOfLeadingZeros(word)) << PAGE_SHIFT);
            if (dirtyPages == 0
                    || offset - end >= 1 << WORD_SHIFT
                    || last - start > MAX_RUN_BYTES) {
                handOn();
                start = first;
            }
            end = last;
            dirtyPages += Long.bitCount(word);
        }

        void handOn() {
            if (dirtyPages != 0) {
                runs.add(new Run(start, end - start, dirtyPages << PAGE_SHIFT));
                dirtyPages = 0;
            }
        }
    }
}
