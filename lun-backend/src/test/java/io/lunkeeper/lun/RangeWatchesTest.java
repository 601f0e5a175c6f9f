package io.lunkeeper.lun;

import static io.lunkeeper.lun.LunFixture.buffer;
import static io.lunkeeper.lun.LunFixture.filled;
import static io.lunkeeper.lun.LunFixture.tryWrite;
import static io.lunkeeper.lun.LunFixture.write;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Whoever watches a range hears of whatever changes it.
class RangeWatchesTest {
    private static final int MIB = 1 << 20;
    private static final int PAGE = 4096;

    @TempDir private Path directory;

    private LunBackend open(String name) throws IOException {
        return LunBackend.open(LunFixture.sparse(directory.resolve(name), 4 * MIB));
    }

    /// Everything that changes bytes of an image.
    enum Change {
        INLINE_WRITE,
        WRITE,
        ZERO,
        UNMAP,
        EXCHANGE,
        OR,
        COPY,
        OVERLAPPING_COPY
    }

    private static void make(Change change, LunBackend lun, LunBackend other, long at)
            throws IOException {
        switch (change) {
            case INLINE_WRITE -> assertTrue(tryWrite(lun, at, filled(PAGE, 7)));
            case WRITE -> write(lun, at, filled(PAGE, 7));
            case ZERO -> lun.zero(at, PAGE);
            case UNMAP -> LunFixture.unmap(lun, at, PAGE);
            case EXCHANGE -> exchange(lun, at);
            case OR -> or(lun, at);
            case COPY -> lun.copy(other, 0, at, PAGE);
            case OVERLAPPING_COPY -> lun.copy(lun, at - 512, at, PAGE);
        }
    }

    private static void exchange(LunBackend lun, long at) throws IOException {
        ByteBuf old = buffer(filled(PAGE, 1));
        ByteBuf replacement = buffer(filled(PAGE, 7));
        try {
            assertEquals(LunBackend.SAME, lun.compareAndWrite(at, old, replacement));
        } finally {
            old.release();
            replacement.release();
        }
    }

    private static void or(LunBackend lun, long at) throws IOException {
        ByteBuf bits = buffer(filled(PAGE, 7));
        try {
            lun.or(at, bits);
        } finally {
            bits.release();
        }
    }

    @ParameterizedTest
    @EnumSource
    void hearsOfEveryKindOfChange(Change change) throws IOException {
        try (LunBackend lun = open("a");
                LunBackend other = open("b")) {
            write(lun, 0, filled(2 * MIB, 1));
            write(other, 0, filled(PAGE, 9));
            List<RangeWatches.Range> ranges =
                    List.of(new RangeWatches.Range(0, PAGE), new RangeWatches.Range(MIB, PAGE));
            RangeWatches.Watch watch = lun.watches().watch(ranges);
            make(change, lun, other, PAGE);
            make(change, lun, other, MIB + PAGE);
            make(change, lun, other, MIB - PAGE);
            make(Change.WRITE, other, lun, 0);
            assertTrue(watch.unchanged(), "all around is not the range");
            make(change, lun, other, MIB);
            assertFalse(watch.unchanged());
            RangeWatches.Watch another = lun.watches().watch(ranges);
            assertTrue(another.unchanged());
            another.close();
            assertFalse(another.unchanged());
            watch.close();
        }
    }

    /// A write that has passed the point where it tells of itself must end before a watch begins.
    @Test
    void aWatchBeginsWhenNobodyWritesThere() throws Exception {
        RangeLocks locks = new RangeLocks();
        long stripes = RangeLocks.stripes(0, PAGE);
        locks.lockShared(stripes);
        CompletableFuture<RangeWatches.Watch> begun = new CompletableFuture<>();
        Thread watcher =
                Thread.ofPlatform()
                        .daemon()
                        .start(() ->
                                begun.complete(
                                        locks.watches()
                                                .watch(List.of(new RangeWatches.Range(0, PAGE)))));
        while (watcher.getState() != Thread.State.WAITING) {
            assertFalse(begun.isDone(), "a write is under way");
            Thread.onSpinWait();
        }
        locks.watches().changing(0, PAGE);
        locks.releaseShared(stripes);
        assertTrue(begun.get().unchanged());
    }
}
