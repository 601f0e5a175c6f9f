package io.lunkeeper.lun.writeback;

import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicLong;

/// How much of the machine's memory written data may take. The kernel has a limit of its own, a
/// fifth of the memory by default, and makes whoever writes wait there: an event loop, with all of
/// its sessions. So the images of this process together stay well below it.
final class DirtyMemory {
    private static final int MOST_PART = 8;
    private static final int BURST_PART = 16;

    private static final long MEMORY_BYTES = memoryBytes();

    /// What is dirty of all images, as of the last look at each.
    private static final AtomicLong SEEN = new AtomicLong();

    private DirtyMemory() {}

    private static long memoryBytes() {
        return ManagementFactory.getOperatingSystemMXBean()
                        instanceof com.sun.management.OperatingSystemMXBean machine
                ? machine.getTotalMemorySize()
                : Runtime.getRuntime().maxMemory();
    }

    /// An image was looked at, which had `before` dirty bytes the last time.
    static void seen(long before, long now) {
        SEEN.addAndGet(now - before);
    }

    /// The most that one image may take.
    static long mostBytes() {
        return MEMORY_BYTES / MOST_PART;
    }

    /// What others leave for an image of what all may take while nobody waits for it.
    ///
    /// @param own what it had at its last look
    static long burstBytes(long own) {
        return MEMORY_BYTES / BURST_PART - (SEEN.get() - own);
    }
}
