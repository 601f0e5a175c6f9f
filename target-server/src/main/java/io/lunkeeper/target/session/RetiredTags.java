package io.lunkeeper.target.session;

import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;

/// The Initiator Task Tags of tasks that ended while their initiator was still sending data: what
/// comes late for them is dropped instead of being taken for an error. Bounded: the oldest is
/// forgotten first.
final class RetiredTags {
    /// Twice the default command window: more tasks cannot have ended in the time that their data
    /// takes to arrive on one connection.
    static final int MAX_TAGS = 256;

    private final Set<Integer> tags = new LinkedHashSet<>();

    void add(int tag) {
        if (tags.size() == MAX_TAGS) {
            Iterator<Integer> oldest = tags.iterator();
            oldest.next();
            oldest.remove();
        }
        tags.add(tag);
    }

    boolean contains(int tag) {
        return tags.contains(tag);
    }

    /// The initiator has begun a new task under the tag.
    void reused(int tag) {
        if (!tags.isEmpty()) {
            tags.remove(tag);
        }
    }
}
