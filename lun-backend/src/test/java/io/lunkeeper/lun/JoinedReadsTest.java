package io.lunkeeper.lun;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class JoinedReadsTest {
    private static final int BLOCK = 4096;

    private final Queue<Runnable> started = new ArrayDeque<>();
    private final List<String> reads = new ArrayList<>();
    private final List<Answer> answers = new ArrayList<>();

    /// What came back for one request.
    private record Answer(long offset, int length, ByteBuf data, @Nullable IOException failure) {
        boolean right() {
            for (int i = 0; i < length; i++) {
                if (data.getByte(i) != byteAt(offset + i)) {
                    return false;
                }
            }
            return failure == null && data.readableBytes() == length;
        }
    }

    private static byte byteAt(long offset) {
        return (byte) (offset >>> 9 ^ offset);
    }

    private void readMedium(long offset, ByteBuf destination, int length) {
        reads.add(offset / BLOCK + "+" + length / BLOCK);
        for (int i = 0; i < length; i++) {
            destination.writeByte(byteAt(offset + i));
        }
    }

    private JoinedReads queue() {
        return new JoinedReads(started::add, this::readMedium);
    }

    private void read(JoinedReads queue, int block, int blocks) {
        int length = blocks * BLOCK;
        long offset = (long) block * BLOCK;
        ByteBuf data = Unpooled.buffer(length);
        queue.read(
                new ReadRequest(
                        offset,
                        data,
                        length,
                        failure -> answers.add(new Answer(offset, length, data, failure))));
    }

    private void work() {
        for (Runnable task = started.poll(); task != null; task = started.poll()) {
            task.run();
        }
    }

    @Test
    void neighboursThatWaitAreOneReadAndEachIsAnswered() {
        JoinedReads queue = queue();
        read(queue, 8, 2);
        read(queue, 20, 1);
        read(queue, 10, 2);
        read(queue, 6, 2);
        read(queue, 5, 1);
        read(queue, 13, 1);
        work();
        assertEquals(List.of("5+7", "20+1", "13+1"), reads);
        assertEquals(6, answers.size());
        assertTrue(answers.stream().allMatch(Answer::right));
    }

    @Test
    void whatDoesNotWaitAnyMoreIsNotJoined() {
        JoinedReads queue = queue();
        read(queue, 0, 1);
        work();
        read(queue, 1, 1);
        work();
        assertEquals(List.of("0+1", "1+1"), reads);
    }

    @Test
    void oneReadCoversAMegabyteAtMost() {
        JoinedReads queue = queue();
        int blocks = JoinedReads.MAX_JOINED_BYTES / BLOCK / 4;
        for (int i = 0; i < 6; i++) {
            read(queue, i * blocks, blocks);
        }
        work();
        assertEquals(List.of("0+" + 4 * blocks, 4 * blocks + "+" + 2 * blocks), reads);
    }

    @Test
    void anErrorIsForThoseItHits() {
        IOException bad = new IOException("bad block");
        JoinedReads queue =
                new JoinedReads(
                        started::add,
                        (offset, destination, length) -> {
                            if (offset <= 2 * BLOCK && offset + length > 2 * BLOCK) {
                                throw bad;
                            }
                            if (offset + length > 8 * BLOCK) {
                                throw new IllegalStateException("a fault");
                            }
                            readMedium(offset, destination, length);
                        });
        read(queue, 1, 1);
        read(queue, 2, 1);
        read(queue, 3, 1);
        read(queue, 8, 1);
        work();
        assertTrue(answers.get(0).right());
        assertSame(bad, answers.get(1).failure());
        assertTrue(answers.get(2).right());
        assertTrue(String.valueOf(answers.get(3).failure()).endsWith("internal error"));
    }

    @Test
    void refusesWhenTheThreadsAreGoneAndForgetsTheRequest() {
        boolean[] closed = {true};
        JoinedReads queue =
                new JoinedReads(
                        task -> {
                            if (closed[0]) {
                                throw new RejectedExecutionException();
                            }
                            started.add(task);
                        },
                        this::readMedium);
        assertThrows(RejectedExecutionException.class, () -> read(queue, 0, 1));
        closed[0] = false;
        read(queue, 1, 1);
        work();
        assertEquals(List.of("1+1"), reads);
        assertEquals(1, answers.size());
    }

    @Test
    void everyRequestIsAnsweredOnceWithItsOwnBytes() {
        long seed = Long.getLong("lunkeeper.seed", 17L);
        SplittableRandom random = new SplittableRandom(seed);
        JoinedReads queue = queue();
        int asked = 0;
        for (int round = 0; round < 200; round++) {
            for (int i = random.nextInt(20); i >= 0; i--) {
                read(queue, random.nextInt(32), 1 + random.nextInt(4));
                asked++;
            }
            for (int i = random.nextInt(20); i >= 0 && !started.isEmpty(); i--) {
                started.remove().run();
            }
        }
        work();
        assertEquals(asked, answers.size(), "seed=" + seed);
        assertTrue(answers.stream().allMatch(Answer::right), "seed=" + seed);
        assertTrue(reads.size() < asked, "seed=" + seed);
    }
}
