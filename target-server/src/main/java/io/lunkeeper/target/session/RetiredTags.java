package io.lunkeeper.target.session;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/// The Initiator Task Tags of tasks that ended while their initiator was still sending data: what
/// comes late for them is dropped instead of being taken for an error. Bounded: the oldest is
/// forgotten first.
///
/// Of each it is known which of its Target Transfer Tags the initiator has still to answer, for
/// functions whose response waits for that (RFC 7143 4.2.3.3 Standard Multi-Task Abort Semantics).
/// They do not wait for long: Linux answers none after its reset of a logical unit, unless it is
/// configured to (its own FastAbort, which it does not negotiate).
final class RetiredTags {
    /// Twice the default command window: more tasks cannot have ended in the time that their data
    /// takes to arrive on one connection.
    static final int MAX_TAGS = 256;

    /// Ticks, of a second each, after which data is not waited for any more.
    static final int PATIENCE_TICKS = 3;

    /// By Initiator Task Tag, the Target Transfer Tags that are not answered.
    private final Map<Integer, Set<Integer>> tags = new LinkedHashMap<>();

    private final List<Wait> waits = new ArrayList<>();

    /// Somebody who waits until the initiator has answered for all of some tasks.
    private static final class Wait {
        final Set<Integer> left;
        final Runnable then;
        int ticks;

        Wait(Set<Integer> left, Runnable then) {
            this.left = left;
            this.then = then;
        }
    }

    /// Takes note of a task that has ended.
    ///
    /// @param transferTags what it has asked for and not received
    void add(int tag, Set<Integer> transferTags) {
        if (tags.size() == MAX_TAGS) {
            Iterator<Integer> oldest = tags.keySet().iterator();
            int forgotten = oldest.next();
            oldest.remove();
            answered(forgotten);
        }
        tags.put(tag, new HashSet<>(transferTags));
    }

    boolean contains(int tag) {
        return tags.containsKey(tag);
    }

    /// The initiator has begun a new task under the tag.
    void reused(int tag) {
        if (!tags.isEmpty() && tags.remove(tag) != null) {
            answered(tag);
        }
    }

    /// Data has come for a retired tag.
    ///
    /// @param last whether it is the end of what was asked for
    void received(int tag, int transferTag, boolean last) {
        Set<Integer> open = tags.get(tag);
        if (last && open != null && open.remove(transferTag) && open.isEmpty()) {
            answered(tag);
        }
    }

    /// Goes on once the initiator has answered all that these tasks had asked for, or will not; at
    /// once when there is nothing of that kind.
    void whenAnswered(Set<Integer> taskTags, Runnable then) {
        Set<Integer> left = new HashSet<>(taskTags);
        left.removeIf(tag -> !tags.containsKey(tag) || tags.get(tag).isEmpty());
        if (left.isEmpty()) {
            then.run();
        } else {
            waits.add(new Wait(left, then));
        }
    }

    /// Another second has passed.
    void tick() {
        if (!waits.isEmpty()) {
            goOn(wait -> ++wait.ticks >= PATIENCE_TICKS);
        }
    }

    private void answered(int tag) {
        goOn(wait -> wait.left.remove(tag) && wait.left.isEmpty());
    }

    private void goOn(Predicate<Wait> over) {
        List<Wait> ready = new ArrayList<>();
        waits.removeIf(wait -> over.test(wait) && ready.add(wait));
        ready.forEach(wait -> wait.then.run());
    }
}
