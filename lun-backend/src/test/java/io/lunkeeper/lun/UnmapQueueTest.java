package io.lunkeeper.lun;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class UnmapQueueTest {
    private final Queue<Runnable> started = new ArrayDeque<>();
    private final List<String> unmapped = new ArrayList<>();
    private final List<@Nullable IOException> answers = new ArrayList<>();
    private final UnmapQueue queue =
            new UnmapQueue(started::add, (offset, length) -> unmapped.add(offset + "+" + length));

    private void unmap(long offset, long length) {
        queue.unmap(offset, length, answers::add);
    }

    private void work() {
        for (Runnable task = started.poll(); task != null; task = started.poll()) {
            task.run();
        }
    }

    @Test
    void rangesThatTouchOrOverlapAreOneAndEachIsAnswered() {
        unmap(40, 10);
        unmap(0, 10);
        unmap(10, 10);
        unmap(15, 2);
        unmap(60, 5);
        unmap(50, 9);
        work();
        assertEquals(List.of("0+20", "40+19", "60+5"), unmapped);
        assertEquals(6, answers.size());
        answers.forEach(answer -> assertSame(null, answer));
    }

    @Test
    void whatComesDuringABatchIsTheNext() {
        UnmapQueue[] again = new UnmapQueue[1];
        again[0] =
                new UnmapQueue(
                        started::add,
                        (offset, length) -> {
                            unmapped.add(offset + "+" + length);
                            if (unmapped.size() == 1) {
                                again[0].unmap(10, 10, answers::add);
                                again[0].unmap(20, 10, answers::add);
                            }
                        });
        again[0].unmap(0, 10, answers::add);
        assertEquals(1, started.size(), "one thread does it all");
        work();
        assertEquals(List.of("0+10", "10+20"), unmapped);
        assertEquals(3, answers.size());
        again[0].unmap(5, 1, answers::add);
        work();
        assertEquals(4, answers.size(), "it starts again");
    }

    @Test
    void failureIsTheAnswerOfThoseItHitAndOfNobodyElse() {
        IOException broken = new IOException("broken");
        UnmapQueue failing =
                new UnmapQueue(
                        started::add,
                        (offset, _) -> {
                            if (offset == 0) {
                                throw broken;
                            }
                            if (offset == 50) {
                                throw new IllegalStateException("a fault");
                            }
                        });
        for (long offset : new long[] {0, 10, 30, 50}) {
            failing.unmap(offset, 10, answers::add);
        }
        work();
        assertSame(broken, answers.get(0));
        assertSame(broken, answers.get(1));
        assertSame(null, answers.get(2));
        assertTrue(String.valueOf(answers.get(3)).endsWith("internal error"));
    }

    @Test
    void everyoneIsAnsweredWhenTheThreadsAreGone() {
        UnmapQueue closed =
                new UnmapQueue(
                        _ -> {
                            throw new RejectedExecutionException();
                        },
                        (_, _) -> {});
        closed.unmap(0, 10, answers::add);
        closed.unmap(0, 10, answers::add);
        assertEquals(2, answers.stream().filter(IOException.class::isInstance).count());
    }
}
