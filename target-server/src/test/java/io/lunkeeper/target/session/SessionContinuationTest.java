package io.lunkeeper.target.session;

import static io.lunkeeper.target.session.Initiator.LENGTH;
import static io.lunkeeper.target.session.Initiator.RESERVE;
import static io.lunkeeper.target.session.Initiator.SIMPLE;
import static io.lunkeeper.target.session.Initiator.WRITE;
import static io.lunkeeper.target.session.Reply.CLEARED;
import static io.lunkeeper.target.session.Reply.GOOD;
import static io.lunkeeper.target.session.Reply.RESERVATION_CONFLICT;
import static io.lunkeeper.target.session.SessionRig.filled;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What becomes of a session that has lost its connections (RFC 7143 6.3.5 Session Reinstatement,
/// Closure, and Timeout, 6.3.6 Session Continuation and Failure, 13.15 DefaultTime2Wait, 13.16
/// DefaultTime2Retain). A second passes when the test says so.
class SessionContinuationTest {
    private static final int NO_SUCH_SESSION = 0x020a;
    private static final Reply POWER_ON = new Reply(2, "6/29/00");

    /// Time2Wait of 2 s is ours.
    private static final int WAIT = 2;

    private static final int RETAIN = 3;
    private static final String KEYS =
            SessionRig.KEEPING + "MaxConnections=8\0DefaultTime2Retain=" + RETAIN + "\0";

    @TempDir Path directory;
    private SessionRig rig;
    private Initiator first;

    @BeforeEach
    void serve() throws Exception {
        rig = new SessionRig(directory);
        first = rig.login(KEYS);
    }

    @AfterEach
    void end() throws IOException {
        rig.endSessions();
        assertFalse(first.below().keepsPlace());
        rig.closeEmpty();
    }

    private void seconds(int count) {
        for (int second = 0; second < count; second++) {
            rig.second();
        }
    }

    // ---- it goes on

    /// In the place of the old connection or as another one: the nexus is the same, so nothing has
    /// happened to it, and its numbers go on.
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void goesOnWithTheConnectionThatComesBack(int cid) throws Exception {
        assertEquals(GOOD, first.await(first.send(SIMPLE, 0, RESERVE)));
        first.disconnect();
        assertTrue(first.below().keepsPlace());
        seconds(WAIT + RETAIN);
        assertEquals("lost: " + first.name(), rig.entries().getFirst().peer());
        Initiator again = first.joined(cid);
        assertEquals(List.of(0, 127), again.window());
        assertEquals(1, rig.entries().size());
        again.assertServes();
        Initiator other = rig.login();
        assertEquals(RESERVATION_CONFLICT, other.await(other.testUnit(0)));
        seconds(WAIT + RETAIN + 1);
        assertFalse(first.below().keepsPlace());
        again.assertServes();
        assertEquals(again.name(), rig.entries().getFirst().peer());
        other.disconnect();
    }

    /// Nothing of them is done any more when the next connection is in, and the initiator hears of
    /// them where they were.
    @Test
    void endsTheTasksOfALostConnection() throws Exception {
        int write = first.beginWrite();
        first.testUnit(1);
        first.disconnect();
        rig.turn();
        Initiator again = first.joined(1);
        assertNull(again.reply(write));
        assertEquals(CLEARED, again.await(again.testUnit(0)));
        assertEquals(GOOD, again.await(again.testUnit(1)));
        again.assertServes();
        int tag = again.send(SIMPLE, 0, WRITE, LENGTH, filled(5), true);
        assertEquals(GOOD, again.await(tag));
        again.assertReads(filled(5));
    }

    /// A flush is under way on another thread, and comes back when the loop is turned.
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void waitsForWhatStillRunsOfThem(int cid) throws Exception {
        first.send(SIMPLE, 0, "35 00 00 00 00 00 00 00 00 00");
        first.disconnect();
        Initiator again = first.join(cid);
        assertTrue(again.isUnanswered());
        rig.turnUntil(() -> !again.isUnanswered());
        assertEquals(0, again.loginStatus());
        assertEquals(CLEARED, again.await(again.testUnit(0)));
    }

    /// What was ahead of a gap when the connections were lost was never received.
    @Test
    void takesCommandsAgainThatWereNotDue() throws Exception {
        int gap = first.skipNumber();
        int early = first.nextNumber();
        first.send(SIMPLE, 0, WRITE, LENGTH, filled(1), true);
        first.disconnect();
        assertEquals(0, rig.heldBytes());
        Initiator again = first.joined(1);
        assertEquals(GOOD, again.await(again.sendSkipped(gap, 0)));
        assertEquals(GOOD, again.await(again.sendSkipped(early, 0)));
        assertEquals(List.of(0, 127), again.window());
    }

    /// RFC 7143 7.1.5 Error Recovery Hierarchy: at level 0 the loss of one is the loss of all.
    @Test
    void losesAllConnectionsWithOneAndGoesOnWithAny() throws Exception {
        Initiator second = first.joined(2);
        Initiator third = first.joined(3);
        int write = third.beginWrite();
        second.disconnect();
        for (Initiator each : List.of(first, third)) {
            assertEquals(List.of(3, 0, WAIT, RETAIN), each.below().lastAsync());
            assertTrue(each.closed());
            each.disconnect();
        }
        seconds(1);
        Initiator again = first.joined(3);
        assertNull(again.reply(write));
        assertEquals(CLEARED, again.await(again.testUnit(0)));
        again.joined(2).assertServes();
    }

    /// Each time by another CID: no more of them are kept than there may be connections.
    @Test
    void keepsNoMoreConnectionsThanItMayHave() throws Exception {
        List<Initiator> all = new ArrayList<>();
        Initiator current = first;
        for (int cid = 2; cid < 20; cid++) {
            current.beginWrite();
            current.disconnect();
            Initiator next = first.joined(cid);
            assertEquals(CLEARED, next.await(next.testUnit(0)));
            all.add(current);
            current = next;
        }
        assertEquals(List.of(0, 127), current.window());
        assertEquals(8, all.stream().filter(each -> each.below().keepsPlace()).count());
        assertFalse(first.below().keepsPlace());
    }

    @Test
    void isLostAgainWhenTheConnectionThatComesBackIsGoneBeforeItIsIn() throws Exception {
        first.send(SIMPLE, 0, "35 00 00 00 00 00 00 00 00 00");
        first.disconnect();
        Initiator again = first.join(1);
        again.disconnect();
        rig.turnUntil(() -> again.below().keepsPlace());
        seconds(WAIT + RETAIN + 1);
        assertEquals(List.of(), rig.entries());
    }

    // ---- it ends

    @Test
    void endsWhenTimeIsOver() throws Exception {
        assertEquals(GOOD, first.await(first.send(SIMPLE, 0, RESERVE)));
        Initiator other = rig.login();
        first.disconnect();
        seconds(WAIT + RETAIN);
        assertEquals(RESERVATION_CONFLICT, other.await(other.testUnit(0)));
        seconds(1);
        other.assertServes();
        assertEquals(1, rig.entries().size());
        assertEquals(NO_SUCH_SESSION, first.join(1).loginStatus());
        other.disconnect();
    }

    @Test
    void isNotKeptWhereNothingWasAgreedOn() throws Exception {
        Initiator other = rig.login();
        other.disconnect();
        assertEquals(NO_SUCH_SESSION, other.join(1).loginStatus());
        assertFalse(other.below().keepsPlace());
    }

    /// It is a new nexus then.
    @Test
    void isReinstated() throws Exception {
        assertEquals(GOOD, first.await(first.send(SIMPLE, 0, RESERVE)));
        first.disconnect();
        Initiator again = first.reinstate(KEYS);
        rig.turn();
        assertEquals(0, again.loginStatus());
        assertNotEquals(first.tsih(), again.tsih());
        assertEquals(1, rig.entries().size());
        assertFalse(first.below().keepsPlace());
        assertEquals(POWER_ON, again.await(again.testUnit(0)));
        Initiator other = rig.login();
        other.assertServes();
        other.disconnect();
    }

    @Test
    void endsAtOnceWhereItsTargetEndsOrItIsAskedToLogOut() throws Exception {
        first.disconnect();
        AtomicInteger ends = new AtomicInteger();
        rig.target()
                .sessions()
                .forEach(each -> each.requestLogout(5, "stopped", ends::incrementAndGet));
        rig.turn();
        assertEquals(1, ends.get());
        assertEquals(List.of(), rig.entries());
        seconds(1);
    }

    @Test
    void givesWayToWhoNeedsItsPlace() throws Exception {
        first.disconnect();
        first.below().giveWay();
        rig.turn();
        assertEquals(List.of(), rig.entries());
        assertEquals(NO_SUCH_SESSION, first.join(1).loginStatus());
    }

    // ---- logout

    /// Nothing is kept of what is logged out, so there is nothing to wait for.
    @Test
    void isOverWhenItIsLoggedOut() throws Exception {
        int tag = first.logout(0, 0);
        assertEquals(0, first.logoutResponse(tag));
        assertEquals(List.of(0, 0), first.below().logoutTimes(tag));
        first.disconnect();
        rig.turn();
        assertEquals(List.of(), rig.entries());
    }

    @Test
    void saysHowLongAConnectionThatIsNotRecoveredMayStillBeLoggedOut() throws Exception {
        int tag = first.logout(2, 1);
        assertEquals(2, first.logoutResponse(tag));
        assertEquals(List.of(WAIT, RETAIN), first.below().logoutTimes(tag));
    }

    /// The new one may clean up behind all that were lost.
    @Test
    void logsOutALostConnection() throws Exception {
        Initiator second = first.joined(2);
        second.disconnect();
        first.disconnect();
        Initiator again = first.joined(1);
        assertTrue(second.below().keepsPlace());
        int tag = again.logout(1, 2);
        assertEquals(0, again.logoutResponse(tag));
        assertFalse(second.below().keepsPlace());
        assertEquals(1, again.logoutResponse(again.logout(1, 2)), "CID not found");
        again.assertServes();
    }

    // ---- connections that the target ends itself

    @Test
    void tellsHowLongAConnectionThatItDropsIsWaitedFor() throws Exception {
        first.silence(31);
        first.silence(62);
        assertEquals(List.of(2, 1, WAIT, RETAIN), first.below().lastAsync());
        assertTrue(first.closed());
        assertTrue(first.below().keepsPlace());
        first.disconnect();
        first.joined(1).assertServes();
    }

    /// Nothing is kept: the server or the target ends.
    @Test
    void tellsThatASessionThatItEndsIsNotWaitedFor() throws Exception {
        rig.target().end("taken out", () -> {});
        rig.turn();
        assertEquals(List.of(3, 0, WAIT, 0), first.below().lastAsync());
        assertFalse(first.below().keepsPlace());
    }

    /// RFC 7143 7.7 Format Errors: all connections at once, and nothing is left to go on with.
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void endsWithAllConnectionsUponAFormatError(int level) throws Exception {
        Initiator one = rig.login(KEYS + "ErrorRecoveryLevel=" + level + "\0");
        Initiator two = one.joined(2);
        Initiator lost = one.joined(3);
        if (level > 0) {
            lost.disconnect();
        }
        int write = one.beginWrite();
        two.contradictItself();
        assertEquals(List.of(3, 0, WAIT, 0), one.below().lastAsync());
        assertEquals(List.of(3, 0, WAIT, 0), two.below().lastAsync());
        assertTrue(one.closed());
        assertTrue(two.closed());
        one.disconnect();
        two.disconnect();
        rig.turn();
        assertEquals(1, rig.entries().size(), "the session of another initiator");
        for (Initiator each : List.of(one, two, lost)) {
            assertFalse(each.below().keepsPlace());
        }
        assertEquals(NO_SUCH_SESSION, one.join(1).loginStatus());
        Initiator again = one.reinstate(KEYS);
        assertEquals(POWER_ON, again.await(again.testUnit(0)));
        assertNull(again.reply(write));
    }
}
