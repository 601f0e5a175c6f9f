package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.scsi.TaskOrder.Attribute;
import io.lunkeeper.target.scsi.TaskOrder.Place;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TaskOrderTest {
    private static final TaskOrder.Member NOBODY = (_, _) -> {};

    /// One task set whose tasks are known by numbers.
    private static final class Numbered {
        private final TaskOrder order = new TaskOrder(List::of);
        private final Map<Integer, Place> places = new LinkedHashMap<>();
        private final TreeSet<Integer> running = new TreeSet<>();

        void enter(int number, Attribute attribute) {
            Place place = order.enter(NOBODY, attribute, () -> assertTrue(running.add(number)));
            places.put(number, place);
            if (place.atOnce()) {
                assertTrue(running.add(number));
            }
        }

        void leave(int number) {
            running.remove(number);
            Place place = places.remove(number);
            assertTrue(place != null, "task " + number);
            place.leave();
        }
    }

    private static Attribute attribute(char letter) {
        return switch (letter) {
            case 's' -> Attribute.SIMPLE;
            case 'o' -> Attribute.ORDERED;
            case 'h' -> Attribute.HEAD_OF_QUEUE;
            default -> throw new IllegalArgumentException(String.valueOf(letter));
        };
    }

    /// Tasks arrive as letters and are numbered from 1; `-2` is the end of task 2. The second
    /// column has the tasks that run after each step.
    @ParameterizedTest
    @CsvSource({
        "s s s,              1 12 123",
        "o,                  1",
        "h,                  1",
        "s o -1,             1 1 2",
        "s s o -1 -2,        1 12 12 2 3",
        "o s -1,             1 1 2",
        "o s s -1,           1 1 1 23",
        "o o o -1 -2,        1 1 1 2 3",
        "s o s -1 -2,        1 1 1 2 3",
        "s o s o s -1 -2 -3 -4, 1 1 1 1 1 2 3 4 5",
        "s h,                1 12",
        "s o h -3 -1,        1 1 13 1 2",
        "h s -1,             1 1 2",
        "h o -1,             1 1 2",
        "s h s -2,           1 12 12 13",
        "s h o -2 -1,        1 12 12 1 3",
        "o h -1 -2,          1 12 2 ''",
        "o s h -1 -3,        1 1 13 3 2",
        "h h s -1 -2,        1 12 12 2 3",
        "s o s -2,           1 1 1 13",
        "s o s s -2 -3,      1 1 1 1 134 14",
        "s o o s -2 -1,      1 1 1 1 1 3",
        "s o o s -3 -2,      1 1 1 1 1 14",
        "s o s -3 -1,        1 1 1 1 2"
    })
    void letsTasksRunInOrder(String steps, String expected) {
        Numbered tasks = new Numbered();
        List<String> seen = new ArrayList<>();
        int number = 0;
        for (String step : steps.split(" ", -1)) {
            if (step.startsWith("-")) {
                tasks.leave(Integer.parseInt(step.substring(1)));
            } else {
                tasks.enter(++number, attribute(step.charAt(0)));
            }
            StringBuilder running = new StringBuilder();
            tasks.running.forEach(running::append);
            seen.add(running.isEmpty() ? "''" : running.toString());
        }
        assertEquals(expected, String.join(" ", seen), steps);
    }

    @Test
    void isPlainWhileAllTasksAreSimple() {
        Numbered tasks = new Numbered();
        tasks.enter(1, Attribute.SIMPLE);
        assertTrue(tasks.order.plain());
        tasks.enter(2, Attribute.ORDERED);
        tasks.enter(3, Attribute.HEAD_OF_QUEUE);
        assertFalse(tasks.order.plain());
        tasks.leave(2);
        assertFalse(tasks.order.plain());
        tasks.leave(3);
        assertTrue(tasks.order.plain());
        tasks.leave(1);
        assertTrue(tasks.order.plain());
    }

    /// The rules as SAM-5 8.6 has them, looked at anew after every step.
    private static final class Reference {
        private final Map<Integer, Attribute> alive = new LinkedHashMap<>();
        private final TreeSet<Integer> running = new TreeSet<>();

        void enter(int number, Attribute attribute) {
            alive.put(number, attribute);
            settle();
        }

        void leave(int number) {
            alive.remove(number);
            running.remove(number);
            settle();
        }

        private void settle() {
            boolean head = alive.containsValue(Attribute.HEAD_OF_QUEUE);
            boolean olderOrdered = false;
            boolean older = false;
            for (Map.Entry<Integer, Attribute> task : alive.entrySet()) {
                boolean may =
                        switch (task.getValue()) {
                            case HEAD_OF_QUEUE -> true;
                            case ORDERED -> !head && !older;
                            case SIMPLE -> !head && !olderOrdered;
                        };
                if (may) {
                    running.add(task.getKey());
                }
                older = true;
                olderOrdered |= task.getValue() == Attribute.ORDERED;
            }
        }
    }

    private static final List<Attribute> MIX =
            List.of(
                    Attribute.SIMPLE,
                    Attribute.SIMPLE,
                    Attribute.SIMPLE,
                    Attribute.SIMPLE,
                    Attribute.ORDERED,
                    Attribute.HEAD_OF_QUEUE);

    @Test
    void agreesWithTheRulesWhateverComes() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            Numbered tasks = new Numbered();
            Reference reference = new Reference();
            List<Integer> alive = new ArrayList<>();
            StringBuilder steps = new StringBuilder("seed=" + seed + " round=" + round);
            for (int number = 1; number <= 60; number++) {
                if (!alive.isEmpty() && random.nextInt(100) < 48) {
                    int gone = alive.remove(/* index */ random.nextInt(alive.size()));
                    steps.append(" -").append(gone);
                    tasks.leave(gone);
                    reference.leave(gone);
                } else {
                    Attribute attribute = MIX.get(random.nextInt(MIX.size()));
                    steps.append(' ').append(attribute.name().charAt(0)).append(number);
                    alive.add(number);
                    tasks.enter(number, attribute);
                    reference.enter(number, attribute);
                }
                assertEquals(reference.running, tasks.running, steps::toString);
            }
        }
    }

    // ---- members on threads of their own

    /// A member asked to join; it answers when the test says so.
    private static final class Slow implements TaskOrder.Member {
        private @Nullable Runnable joined;
        private int asked;

        @Override
        public void join(TaskOrder order, Runnable answer) {
            asked++;
            joined = answer;
        }
    }

    @Test
    void anOrderedTaskWaitsForWhatOtherMembersHaveRunning() {
        Slow self = new Slow();
        Slow other = new Slow();
        TaskOrder order = new TaskOrder(() -> List.of(self, other));
        AtomicInteger due = new AtomicInteger();
        Place ordered = order.enter(self, Attribute.ORDERED, due::incrementAndGet);
        assertFalse(ordered.atOnce());
        assertEquals(0, self.asked);
        assertEquals(1, other.asked);
        Place running = order.enterRunning();
        Runnable answer = other.joined;
        assertTrue(answer != null);
        answer.run();
        assertEquals(0, due.get());
        Place second = order.enter(other, Attribute.ORDERED, due::incrementAndGet);
        assertEquals(1, other.asked, "once is enough");
        assertNull(self.joined);
        running.leave();
        assertEquals(1, due.get());
        ordered.leave();
        assertEquals(2, due.get());
        second.leave();
        assertTrue(order.plain());
        order.enter(self, Attribute.HEAD_OF_QUEUE, due::incrementAndGet);
        assertEquals(2, other.asked, "again, when there was nothing to order meanwhile");
    }

    /// A session as far as a task set sees it: a thread, and tasks that begin and end on it.
    private static final class Racer implements TaskOrder.Member {
        private final TaskOrder order;
        private final ExecutorService thread = Executors.newSingleThreadExecutor();
        private final Random random;
        private final Ledger ledger;
        private final List<Racing> alive = new ArrayList<>();
        private final CountDownLatch ended;

        Racer(TaskOrder order, Ledger ledger, long seed, int tasks) {
            this.order = order;
            this.ledger = ledger;
            this.random = new Random(seed);
            this.ended = new CountDownLatch(tasks);
        }

        private final class Racing {
            private final Attribute attribute;
            private @Nullable Place place;

            Racing(Attribute attribute) {
                this.attribute = attribute;
            }

            void begin() {
                ledger.begins(attribute);
                thread.execute(this::end);
            }

            void end() {
                ledger.ends(attribute);
                alive.remove(this);
                if (place != null) {
                    place.leave();
                }
                ended.countDown();
            }
        }

        void start() {
            Racing task = new Racing(random.nextInt(8) == 0 ? Attribute.ORDERED : Attribute.SIMPLE);
            if (task.attribute == Attribute.SIMPLE && order.plain()) {
                alive.add(task);
                task.begin();
                return;
            }
            enterAll();
            Place place = order.enter(this, task.attribute, () -> thread.execute(task::begin));
            task.place = place;
            alive.add(task);
            if (place.atOnce()) {
                task.begin();
            }
        }

        private void enterAll() {
            for (Racing task : alive) {
                if (task.place == null) {
                    task.place = order.enterRunning();
                }
            }
        }

        @Override
        public void join(TaskOrder into, Runnable joined) {
            thread.execute(() -> {
                enterAll();
                joined.run();
            });
        }
    }

    /// What runs; an ORDERED task must find itself alone.
    private static final class Ledger {
        private final AtomicInteger running = new AtomicInteger();
        private final AtomicInteger orderedRuns = new AtomicInteger();
        private final AtomicReference<@Nullable String> broken = new AtomicReference<>();

        void begins(Attribute attribute) {
            int before = running.getAndAdd(attribute == Attribute.ORDERED ? 1000 : 1);
            if (attribute == Attribute.ORDERED) {
                orderedRuns.incrementAndGet();
            }
            if (attribute == Attribute.ORDERED ? before != 0 : before >= 1000) {
                broken.compareAndSet(null, attribute + " began beside " + before);
            }
        }

        void ends(Attribute attribute) {
            running.addAndGet(attribute == Attribute.ORDERED ? -1000 : -1);
        }
    }

    @Test
    void nothingRunsBesideAnOrderedTaskOfAnyThread() throws Exception {
        long seed = new Random().nextLong();
        int tasks = 20_000;
        List<Racer> racers = new ArrayList<>();
        TaskOrder order = new TaskOrder(() -> racers);
        Ledger ledger = new Ledger();
        for (int i = 0; i < 4; i++) {
            racers.add(new Racer(order, ledger, seed + i, tasks));
        }
        try {
            for (int i = 0; i < tasks; i++) {
                racers.forEach(racer -> racer.thread.execute(racer::start));
            }
            for (Racer racer : racers) {
                assertTrue(racer.ended.await(60, TimeUnit.SECONDS), "seed=" + seed);
            }
        } finally {
            racers.forEach(racer -> racer.thread.shutdownNow());
        }
        assertNull(ledger.broken.get(), () -> "seed=" + seed);
        assertTrue(ledger.orderedRuns.get() > tasks / 4);
        assertEquals(0, ledger.running.get());
        assertTrue(order.plain());
    }
}
