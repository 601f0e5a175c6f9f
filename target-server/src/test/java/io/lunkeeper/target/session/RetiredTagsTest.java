package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class RetiredTagsTest {
    private final RetiredTags tags = new RetiredTags();
    private final AtomicInteger answered = new AtomicInteger();

    private void await(Integer... taskTags) {
        tags.whenAnswered(Set.of(taskTags), answered::incrementAndGet);
    }

    @Test
    void forgetsTheOldestFirst() {
        for (int i = 0; i <= RetiredTags.MAX_TAGS; i++) {
            tags.add(i, Set.of());
        }
        assertFalse(tags.contains(0));
        assertTrue(tags.contains(1));
        assertTrue(tags.contains(RetiredTags.MAX_TAGS));
    }

    @Test
    void forgetsATagThatIsInUseAgain() {
        tags.add(5, Set.of());
        tags.reused(5);
        assertFalse(tags.contains(5));
    }

    @Test
    void waitsForNothingWhereNothingWasAskedFor() {
        tags.add(5, Set.of());
        await();
        await(4, 5);
        assertEquals(2, answered.get());
    }

    @Test
    void waitsForTheEndOfEveryTransfer() {
        tags.add(5, Set.of(50, 51));
        tags.add(6, Set.of(60));
        await(4, 5, 6);
        tags.received(6, 60, false);
        tags.received(6, 61, true);
        tags.received(7, 60, true);
        tags.received(6, 60, true);
        tags.received(5, 51, true);
        tags.received(5, 51, true);
        assertEquals(0, answered.get());
        tags.received(5, 50, true);
        assertEquals(1, answered.get());
        tags.received(5, 50, true);
        assertEquals(1, answered.get());
    }

    /// Who begins a new task under the tag has given the old one up.
    @Test
    void doesNotWaitForATagThatIsForgotten() {
        tags.add(5, Set.of(50));
        await(5);
        tags.reused(5);
        assertEquals(1, answered.get());
        tags.add(6, Set.of(60));
        await(6);
        for (int i = 0; i < RetiredTags.MAX_TAGS; i++) {
            tags.add(100 + i, Set.of());
        }
        assertEquals(2, answered.get());
    }

    @Test
    void doesNotWaitForLong() {
        tags.add(5, Set.of(50));
        await(5);
        for (int i = 1; i < RetiredTags.PATIENCE_TICKS; i++) {
            tags.tick();
        }
        assertEquals(0, answered.get());
        tags.tick();
        assertEquals(1, answered.get());
        tags.tick();
        tags.received(5, 50, true);
        assertEquals(1, answered.get());
    }
}
