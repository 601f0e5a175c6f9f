package io.lunkeeper.target.config;

import io.lunkeeper.lun.Guard;
import io.lunkeeper.lun.LunTuning;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The keys of a LUN that tune it without changing what is promised.
final class TuningKeys {
    private static final Map<String, Guard> GUARDS =
            Words.inOrder(
                    List.of("deny", "warn", "off"), List.of(Guard.DENY, Guard.WARN, Guard.OFF));

    /// More threads than this only queue inside the kernel.
    private static final int MAX_THREADS = 64;

    private static final int MIN_CHUNK_BYTES = 4 << 10;
    private static final int MAX_CHUNK_BYTES = 4 << 20;

    /// Below this, writeback is no batch any more.
    private static final long MIN_DIRTY_BYTES = 1 << 20;

    private static final long MAX_DIRTY_BYTES = 1L << 40;
    private static final long MAX_LOW_SPACE_BYTES = 1L << 50;

    /// Younger data is not worth looking for; older than an hour is forgotten.
    private static final Duration MIN_EXPIRE = Duration.ofMillis(100);

    private static final Duration MAX_EXPIRE = Duration.ofHours(1);

    private TuningKeys() {}

    /// Reads them; what is absent or wrong is the default, and what is wrong is reported.
    static LunTuning read(Section keys) {
        LunTuning usual = LunTuning.DEFAULT;
        Optional<Entry> limit = keys.optional("dirty-bytes");
        long background =
                keys.optional("dirty-background-bytes")
                        .flatMap(e -> ByteCount.read(e, MIN_DIRTY_BYTES, MAX_DIRTY_BYTES))
                        .orElse(usual.dirtyBackgroundBytes());
        long dirtyBytes =
                limit.flatMap(e -> ByteCount.read(e, MIN_DIRTY_BYTES, MAX_DIRTY_BYTES))
                        .orElse(Math.max(background, usual.dirtyBytes()));
        if (dirtyBytes < background) {
            limit.orElseThrow()
                    .wrong(
                            "must be at least dirty-background-bytes, "
                                    + background
                                    + " bytes, not "
                                    + dirtyBytes);
        }
        return new LunTuning(
                keys.optional("guard").flatMap(e -> e.choice(GUARDS)).orElse(usual.guard()),
                keys.optional("allocation-chunk")
                        .flatMap(TuningKeys::chunkBytes)
                        .orElse(usual.allocationChunkBytes()),
                keys.optional("dirty-expire")
                        .flatMap(e -> TimeSpan.read(e, MIN_EXPIRE, MAX_EXPIRE))
                        .orElse(usual.dirtyExpire()),
                background,
                dirtyBytes,
                keys.optional("low-space")
                        .flatMap(e -> ByteCount.read(e, 0, MAX_LOW_SPACE_BYTES))
                        .orElse(usual.lowSpaceBytes()),
                keys.optional("threads")
                        .flatMap(e -> e.integer(1, MAX_THREADS))
                        .orElse(usual.ioThreads()));
    }

    private static Optional<Integer> chunkBytes(Entry entry) {
        Optional<Long> bytes = ByteCount.read(entry, MIN_CHUNK_BYTES, MAX_CHUNK_BYTES);
        return bytes.isEmpty() || Long.bitCount(bytes.get()) == 1
                ? bytes.map(Long::intValue)
                : entry.wrong(entry.scalar() + " must be a power of two, such as 256KiB");
    }
}
