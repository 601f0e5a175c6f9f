package io.lunkeeper.target.scsi;

import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Supplier;

/// The order of one task set: which of its tasks wait for which (SAM-5 8.6 Task attributes). A HEAD
/// OF QUEUE task runs at once; an ORDERED one when everything older has ended; a SIMPLE one when
/// every older ORDERED one and every HEAD OF QUEUE one has. Safe from any thread.
///
/// Nearly all tasks are SIMPLE and there is nothing to wait for, so they do not come here at all: a
/// session keeps them where it keeps all its tasks, and asks [#plain], one volatile read of a line
/// that nobody writes, before it begins one. Only while an ORDERED or HEAD OF QUEUE task is alive
/// does each task have a [Place]. Why nothing is missed at the change:
///
/// - The first such task makes the order not plain, and only then are the members of the task set
///   (the sessions that share it) asked to [Member#join]: each enters on its own thread what it has
///   running, as older. Until it has answered, a place stands for it that counts as running, so an
///   ORDERED task waits for the answer.
/// - A member that sees the order not plain before it was asked joins by itself before it enters
///   the task that it is about to begin: what it has running is older, the new task is younger.
/// - A member that does not see it yet begins the task without a place, on the thread on which it
///   will join: then the task is among what it enters, and is waited for.
/// - A member that is not among those asked became one after the order was not plain any more,
///   since both are volatile writes, and so has nothing running that began before.
/// - Whatever has a place leaves it when it ends, plain or not, so nothing is counted twice.
public final class TaskOrder {
    private final Supplier<? extends Iterable<? extends Member>> members;
    private final Set<Place> dormant = new LinkedHashSet<>();
    private int headsRunning;
    private int othersRunning;
    private boolean orderedRunning;

    /// ORDERED and HEAD OF QUEUE tasks alive.
    private volatile int unordinary;

    /// @param members who may have tasks without a place
    TaskOrder(Supplier<? extends Iterable<? extends Member>> members) {
        this.members = members;
    }

    /// When a task may run.
    public enum Attribute {
        SIMPLE,
        ORDERED,
        HEAD_OF_QUEUE
    }

    /// Who has tasks in a task set.
    @FunctionalInterface
    public interface Member {
        /// Enters, on a thread of its own and later than this call, every task of this task set
        /// that runs without a place, and then says so.
        void join(TaskOrder order, Runnable joined);
    }

    /// Where one task is in the order, until it ends.
    public final class Place {
        private final Attribute attribute;
        private final boolean atOnce;
        private final Runnable whenDue;

        private Place(Attribute attribute, boolean atOnce, Runnable whenDue) {
            this.attribute = attribute;
            this.atOnce = atOnce;
            this.whenDue = whenDue;
        }

        /// Whether the task may run at once, and will not be told.
        public boolean atOnce() {
            return atOnce;
        }

        public Attribute attribute() {
            return attribute;
        }

        /// The task has ended or was aborted, running or not: to be called once.
        public void leave() {
            left(this);
        }
    }

    /// Whether every task alive is a SIMPLE one, so that another may begin without a place.
    public boolean plain() {
        return unordinary == 0;
    }

    /// Enters a task after all that are here.
    ///
    /// @param by whose task it is, who has entered all others of its own
    /// @param whenDue called once, from any thread, when the task may run, unless it may at once;
    ///   does not wait for anything and does not come back here
    public synchronized Place enter(Member by, Attribute attribute, Runnable whenDue) {
        if (attribute != Attribute.SIMPLE && ++unordinary == 1) {
            gather(by);
        }
        boolean due =
                attribute == Attribute.HEAD_OF_QUEUE || (dormant.isEmpty() && isDue(attribute));
        Place place = new Place(attribute, due, whenDue);
        if (due) {
            run(place);
        } else {
            dormant.add(place);
        }
        return place;
    }

    /// Enters a SIMPLE task that runs already.
    public synchronized Place enterRunning() {
        Place place = new Place(Attribute.SIMPLE, true, () -> {});
        run(place);
        return place;
    }

    private void gather(Member by) {
        for (Member member : members.get()) {
            if (!member.equals(by)) {
                Place unknown = enterRunning();
                member.join(this, unknown::leave);
            }
        }
    }

    private boolean isDue(Attribute attribute) {
        return headsRunning == 0
                && !orderedRunning
                && (attribute == Attribute.SIMPLE || othersRunning == 0);
    }

    private void run(Place place) {
        switch (place.attribute) {
            case HEAD_OF_QUEUE -> headsRunning++;
            case ORDERED -> {
                orderedRunning = true;
                othersRunning++;
            }
            case SIMPLE -> othersRunning++;
        }
    }

    private synchronized void left(Place place) {
        if (!dormant.remove(place)) {
            switch (place.attribute) {
                case HEAD_OF_QUEUE -> headsRunning--;
                case ORDERED -> {
                    orderedRunning = false;
                    othersRunning--;
                }
                case SIMPLE -> othersRunning--;
            }
            assert headsRunning >= 0 && othersRunning >= 0 : this;
        }
        if (place.attribute != Attribute.SIMPLE) {
            unordinary--;
        }
        runDue();
        assert unordinary > 0 || dormant.isEmpty() : "nothing to wait for";
    }

    /// In the order in which they came: none of those that wait may overtake another.
    private void runDue() {
        for (Iterator<Place> next = dormant.iterator(); next.hasNext(); ) {
            Place place = next.next();
            if (!isDue(place.attribute)) {
                return;
            }
            next.remove();
            run(place);
            place.whenDue.run();
        }
    }
}
