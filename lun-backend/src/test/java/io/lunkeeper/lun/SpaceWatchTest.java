package io.lunkeeper.lun;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class SpaceWatchTest {
    private static final long LOW = 8000;

    private long now;
    private int alarms;
    private final SpaceWatch watch = new SpaceWatch("test", LOW, () -> now, () -> alarms++);

    private int alarmsAfter(long availableBytes) {
        watch.look(availableBytes);
        return alarms;
    }

    @Test
    void saysOnceWhenSpaceRunsLowAndAgainAfterItCameBack() {
        assertEquals(0, alarmsAfter(LOW));
        assertEquals(1, alarmsAfter(LOW - 1));
        assertEquals(1, alarmsAfter(0));
        // Not enough to be over it.
        assertEquals(1, alarmsAfter(LOW + 999));
        assertEquals(1, alarmsAfter(LOW - 1));
        assertEquals(1, alarmsAfter(LOW + 1000));
        assertEquals(2, alarmsAfter(LOW - 1));
    }

    @Test
    void anotherLimitIsLookedAtAnew() {
        assertEquals(1, alarmsAfter(LOW - 1));
        watch.lowBytes(LOW / 2);
        assertEquals(1, alarmsAfter(LOW - 1));
        watch.lowBytes(2 * LOW);
        assertEquals(2, alarmsAfter(LOW - 1));
        assertEquals(2, alarmsAfter(LOW - 1));
        watch.lowBytes(0);
        assertEquals(2, alarmsAfter(0));
    }

    @Test
    void remindsWhileItStaysSo() {
        now = Long.MAX_VALUE - 5;
        assertEquals(1, alarmsAfter(0));
        now += TimeUnit.MINUTES.toNanos(5) - 1;
        assertEquals(1, alarmsAfter(0));
        now++;
        assertEquals(2, alarmsAfter(0));
        assertEquals(2, alarmsAfter(0));
    }
}
