package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.session.CommandWindow.Arrival;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommandWindowTest {

    private static SerialNumber sn(int value) {
        return new SerialNumber(value);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff})
    void takesCommandsInOrderAcrossTheWrap(int first) {
        CommandWindow<String> window = new CommandWindow<>(sn(first), 4);
        for (int i = 0; i < 10; i++) {
            assertEquals(first + i, window.expCmdSn());
            assertEquals(first + i + 3, window.maxCmdSn());
            assertEquals(Arrival.DUE, window.arrive(sn(first + i)));
            window.ended();
        }
    }

    @Test
    void ignoresCommandBeyondMaxCmdSn() {
        CommandWindow<String> window = new CommandWindow<>(sn(10), 4);
        assertEquals(Arrival.IGNORED, window.arrive(sn(14)));
        assertEquals(Arrival.EARLY, window.arrive(sn(13)));
        window.hold(sn(13), "last");
        assertEquals(10, window.expCmdSn());
    }

    @Test
    void ignoresCommandBeforeExpCmdSnAndDuplicates() {
        CommandWindow<String> window = new CommandWindow<>(sn(10), 4);
        assertEquals(Arrival.IGNORED, window.arrive(sn(9)));
        assertEquals(Arrival.EARLY, window.arrive(sn(12)));
        window.hold(sn(12), "early");
        assertEquals(Arrival.IGNORED, window.arrive(sn(12)));
    }

    @Test
    void ignoresTheDueCommandWhenTheWindowIsClosed() {
        CommandWindow<String> window = new CommandWindow<>(sn(5), 2);
        assertEquals(Arrival.DUE, window.arrive(sn(5)));
        assertEquals(Arrival.DUE, window.arrive(sn(6)));
        assertEquals(Arrival.IGNORED, window.arrive(sn(7)));
        assertEquals(7, window.expCmdSn());
        window.ended();
        assertEquals(Arrival.DUE, window.arrive(sn(7)));
    }

    @Test
    void givesHeldCommandsOutInOrderOnceTheGapCloses() {
        CommandWindow<String> window = new CommandWindow<>(sn(0xfffffffe), 8);
        assertEquals(Arrival.EARLY, window.arrive(sn(0)));
        window.hold(sn(0), "third");
        assertEquals(Arrival.EARLY, window.arrive(sn(0xffffffff)));
        window.hold(sn(0xffffffff), "second");
        assertNull(window.takeDue(_ -> true));
        assertEquals(Arrival.DUE, window.arrive(sn(0xfffffffe)));
        assertEquals("second", window.takeDue(_ -> true));
        assertEquals("third", window.takeDue(_ -> true));
        assertNull(window.takeDue(_ -> true));
        assertEquals(1, window.expCmdSn());
    }

    @Test
    void forgetsACommandThatWillNotCome() {
        CommandWindow<String> window = new CommandWindow<>(sn(1), 4);
        assertTrue(window.mayArrive(sn(1)));
        window.forget(sn(1));
        assertFalse(window.mayArrive(sn(1)));
        assertEquals(Arrival.DUE, window.arrive(sn(2)));
    }

    @Test
    void goesOnPastANumberThatWasForgottenAhead() {
        CommandWindow<String> window = new CommandWindow<>(sn(1), 4);
        assertEquals(Arrival.EARLY, window.arrive(sn(2)));
        window.hold(sn(2), "aborted");
        window.forget(sn(2));
        window.forget(sn(3));
        assertEquals(Arrival.IGNORED, window.arrive(sn(3)));
        assertEquals(Arrival.EARLY, window.arrive(sn(4)));
        window.hold(sn(4), "fourth");
        assertEquals(Arrival.DUE, window.arrive(sn(1)));
        assertEquals("fourth", window.takeDue(_ -> true));
        assertEquals(5, window.expCmdSn());
    }

    /// Until it is ready it counts as not received, and so does what comes after it.
    @Test
    void waitsForAHeldCommandThatIsNotReady() {
        CommandWindow<String> window = new CommandWindow<>(sn(1), 4);
        window.hold(sn(2), "slow");
        window.hold(sn(3), "next");
        assertEquals(Arrival.DUE, window.arrive(sn(1)));
        assertNull(window.takeDue(command -> !command.equals("slow")));
        assertEquals(2, window.expCmdSn());
        assertEquals(Arrival.IGNORED, window.arrive(sn(2)));
        assertEquals("slow", window.takeDue(_ -> true));
        assertEquals("next", window.takeDue(_ -> true));
    }

    @Test
    void commandThatIsForgottenTwiceOpensTheWindowOnce() {
        CommandWindow<String> window = new CommandWindow<>(sn(1), 4);
        window.hold(sn(3), "held");
        assertEquals("held", window.forget(sn(3)));
        assertNull(window.forget(sn(3)));
        assertEquals(4, window.maxCmdSn());
        assertEquals(Arrival.DUE, window.arrive(sn(1)));
        assertEquals(Arrival.DUE, window.arrive(sn(2)));
        assertNull(window.takeDue(_ -> true));
        assertEquals(5, window.maxCmdSn());
    }

    @Test
    void takesAgainWhatWasHeldAndDiscarded() {
        CommandWindow<String> window = new CommandWindow<>(sn(1), 8);
        window.hold(sn(2), "of one");
        window.hold(sn(3), "of other");
        window.hold(sn(4), "of one");
        window.forget(sn(5));
        assertEquals(
                List.of("of one", "of one"), window.discardHeld(held -> held.equals("of one")));
        assertEquals(Arrival.DUE, window.arrive(sn(1)));
        assertNull(window.takeDue(_ -> true));
        assertEquals(2, window.expCmdSn());
        assertEquals(Arrival.EARLY, window.arrive(sn(4)));
        assertEquals(Arrival.DUE, window.arrive(sn(2)));
        assertEquals("of other", window.takeDue(_ -> true));
        assertEquals(Arrival.DUE, window.arrive(sn(4)));
        assertNull(window.takeDue(_ -> true));
        assertEquals(6, window.expCmdSn());
        assertEquals(9, window.maxCmdSn());
    }

    /// One that has been alive for more than 2^31 others is older, not later.
    @Test
    void tellsWhichCommandsWereSentLater() {
        CommandWindow<String> window = new CommandWindow<>(sn(-4), 8);
        assertTrue(window.isFrom(sn(-1), sn(-1)));
        assertTrue(window.isFrom(sn(0), sn(-1)));
        assertFalse(window.isFrom(sn(-2), sn(-1)));
        assertTrue(window.isFrom(sn(4), sn(-1)), "an immediate one when the window is closed");
        assertFalse(window.isFrom(sn(0x7000_0000), sn(-1)));
    }

    /// Commands of a window arrive in any order, twice and from outside; each is carried out once,
    /// in order.
    @Test
    void carriesOutEachCommandOnceInOrderWhateverTheArrival() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int first = random.nextInt();
        CommandWindow<Integer> window = new CommandWindow<>(sn(first), 16);
        List<Integer> done = new ArrayList<>();
        while (done.size() < 2000) {
            int number = window.expCmdSn() + random.nextInt(24) - 4;
            Arrival arrival = window.arrive(sn(number));
            if (arrival == Arrival.EARLY) {
                window.hold(sn(number), number);
            } else if (arrival == Arrival.DUE) {
                done.add(number);
                for (Integer due = window.takeDue(_ -> true);
                        due != null;
                        due = window.takeDue(_ -> true)) {
                    done.add(due);
                }
            }
            assertTrue(window.maxCmdSn() - window.expCmdSn() >= -1);
            while (window.maxCmdSn() - window.expCmdSn() < 8) {
                window.ended();
            }
        }
        for (int i = 0; i < done.size(); i++) {
            assertEquals(first + i, done.get(i), "seed=" + seed);
        }
    }
}
