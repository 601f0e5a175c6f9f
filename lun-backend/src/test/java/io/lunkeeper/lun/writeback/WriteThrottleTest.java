package io.lunkeeper.lun.writeback;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class WriteThrottleTest {
    private final List<String> done = new ArrayList<>();
    private boolean over;

    /// Looked at once more after somebody got in line; lets a test change its mind in between.
    private Runnable meanwhile = () -> {};

    private final WriteThrottle throttle =
            new WriteThrottle(
                    Runnable::run,
                    () -> {
                        boolean now = over;
                        Runnable next = meanwhile;
                        meanwhile = () -> {};
                        next.run();
                        return now;
                    });

    private void write(String name) {
        throttle.execute(() -> done.add(name));
    }

    @Test
    void holdsNobodyWhileThereIsRoom() {
        write("a");
        assertEquals(List.of("a"), done);
    }

    @Test
    void holdsWritesInOrderUntilThereIsRoom() {
        over = true;
        write("a");
        write("b");
        throttle.release();
        assertEquals(List.of(), done);
        over = false;
        throttle.release();
        assertEquals(List.of("a", "b"), done);
        write("c");
        assertEquals(List.of("a", "b", "c"), done);
    }

    @Test
    void nobodyOvertakesThoseWhoWait() {
        over = true;
        write("a");
        over = false;
        write("b");
        assertEquals(List.of("a", "b"), done);
    }

    @Test
    void roomThatComesWhileSomebodyGetsInLineIsNotMissed() {
        over = true;
        meanwhile = () -> over = false;
        write("a");
        assertEquals(List.of("a"), done);
    }

    @Test
    void holdsNobodyOnceLifted() {
        over = true;
        write("a");
        throttle.lift();
        write("b");
        assertEquals(List.of("a", "b"), done);
    }
}
