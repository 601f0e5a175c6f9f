package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class RetiredTagsTest {

    @Test
    void forgetsTheOldestFirst() {
        RetiredTags tags = new RetiredTags();
        for (int i = 0; i <= RetiredTags.MAX_TAGS; i++) {
            tags.add(i);
        }
        assertFalse(tags.contains(0));
        assertTrue(tags.contains(1));
        assertTrue(tags.contains(RetiredTags.MAX_TAGS));
    }

    @Test
    void forgetsATagThatIsInUseAgain() {
        RetiredTags tags = new RetiredTags();
        tags.add(5);
        tags.reused(5);
        assertFalse(tags.contains(5));
    }
}
