package io.lunkeeper.target.session;

import static io.lunkeeper.target.session.Initiator.LENGTH;
import static io.lunkeeper.target.session.Initiator.SIMPLE;
import static io.lunkeeper.target.session.Initiator.SYNCHRONIZE_CACHE;
import static io.lunkeeper.target.session.Initiator.WRITE;
import static io.lunkeeper.target.session.Reply.CLEARED;
import static io.lunkeeper.target.session.Reply.GOOD;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.login.OneTarget;
import io.lunkeeper.target.login.SessionParameters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// How connections join a session and leave it (RFC 7143 6.3.1 Login Phase Start, 6.3.4 Connection
/// Reinstatement, 7.14 Connection Failures, 11.14 Logout Request).
class FurtherConnectionTest {
    private static final int INITIATOR_ERROR = 0x0200;
    private static final int NOT_AUTHORIZED = 0x0202;
    private static final int TOO_MANY_CONNECTIONS = 0x0206;
    private static final int MISSING_PARAMETER = 0x0207;
    private static final int CANNOT_INCLUDE = 0x0208;
    private static final int NO_SUCH_SESSION = 0x020a;

    @TempDir Path directory;
    private SessionRig rig;
    private Initiator first;

    @BeforeEach
    void serve() throws Exception {
        rig = new SessionRig(directory);
        first = rig.loginForSeveral();
    }

    @AfterEach
    void end() throws IOException {
        first.disconnect();
        rig.closeEmpty();
    }

    private static String keys(String initiatorName) {
        return "InitiatorName=" + initiatorName + "\0TargetName=" + SessionRig.TARGET + "\0";
    }

    @Test
    void takesAsManyAsWereAgreedOn() throws Exception {
        for (int cid = 2; cid <= 8; cid++) {
            Initiator next = first.join(cid);
            assertEquals(0, next.loginStatus(), "CID " + cid);
            next.assertServes();
        }
        Initiator ninth = first.join(9);
        assertEquals(TOO_MANY_CONNECTIONS, ninth.loginStatus());
        assertTrue(ninth.closed());
        ninth.disconnect();
        first.assertServes();
    }

    @Test
    void takesOneWhereNothingElseWasAgreedOn() throws Exception {
        Initiator alone = rig.login();
        assertEquals(TOO_MANY_CONNECTIONS, alone.join(2).loginStatus());
        alone.assertServes();
        alone.disconnect();
    }

    @Test
    void tellsTheSameSessionAndNothingOfItAnew() throws Exception {
        Initiator second = first.joined(2);
        assertFalse(second.answeredKeys().contains("MaxConnections=8"), second.answeredKeys());
        assertTrue(
                second.answeredKeys().contains("FirstBurstLength=Irrelevant"),
                second.answeredKeys());
    }

    /// RFC 7143 11.13.3 TSIH: of a session that is there in every response of the login, of a new
    /// one in the last alone.
    @Test
    void namesTheSessionInEveryResponse() throws Exception {
        String own = keys(first.name());
        Initiator second = first.joinSlowly(2, Initiator.ISID, first.tsih(), own);
        assertEquals(0, second.loginStatus());
        assertEquals(first.tsih(), second.answeredTsih());
        second.goOnWithLogin(Initiator.ISID, first.tsih());
        assertEquals(0, second.loginStatus());
        assertEquals(first.tsih(), second.answeredTsih());
        Initiator nameless = first.joinSlowly(3, Initiator.ISID, first.tsih(), "X=1\0");
        assertEquals(MISSING_PARAMETER, nameless.loginStatus());
        assertEquals(first.tsih(), nameless.answeredTsih());
        Initiator anew = first.joinSlowly(4, Initiator.ISID + 1, 0, own);
        assertEquals(0, anew.loginStatus());
        assertEquals(0, anew.answeredTsih());
        first.assertServes();
    }

    @Test
    void refusesWhoIsNotOfTheSession() throws Exception {
        OneTarget here = new OneTarget(SessionRig.TARGET);
        long isid = Initiator.ISID;
        int tsih = first.tsih();
        String own = keys(first.name());
        assertEquals(NO_SUCH_SESSION, first.join(2, here, isid, tsih + 9, own).loginStatus());
        assertEquals(NO_SUCH_SESSION, first.join(2, here, isid + 1, tsih, own).loginStatus());
        assertEquals(
                NO_SUCH_SESSION,
                first.join(2, here, isid, tsih, keys("iqn.2026-11.a:else")).loginStatus());
        String elsewhere = own.replace(SessionRig.TARGET, "iqn.2026-11.a:other");
        assertEquals(
                NO_SUCH_SESSION,
                first.join(2, new OneTarget("iqn.2026-11.a:other"), isid, tsih, elsewhere)
                        .loginStatus());
        String discovery = "InitiatorName=" + first.name() + "\0SessionType=Discovery\0";
        assertEquals(NO_SUCH_SESSION, first.join(2, here, isid, tsih, discovery).loginStatus());
        first.assertServes();
    }

    /// All connections of a session come to one portal group.
    @Test
    void refusesAConnectionAtAnotherPortalGroup() throws Exception {
        Initiator second =
                first.join(2, new OtherGroup(), Initiator.ISID, first.tsih(), keys(first.name()));
        assertEquals(CANNOT_INCLUDE, second.loginStatus());
        assertTrue(second.closed());
    }

    /// What of a target is there for an initiator may have changed since its session began, or be
    /// another at another address of its own.
    @Test
    void refusesAConnectionThatMayNotSeeTheSame() throws Exception {
        for (Optional<Map<Integer, Integer>> luns :
                List.of(
                        Optional.<Map<Integer, Integer>>empty(),
                        Optional.of(Map.of(1, 1)),
                        Optional.of(Map.of(0, 1)))) {
            Initiator second =
                    first.join(
                            2,
                            new OtherAccess(luns),
                            Initiator.ISID,
                            first.tsih(),
                            keys(first.name()));
            assertEquals(NOT_AUTHORIZED, second.loginStatus());
            assertTrue(second.closed());
        }
        first.assertServes();
    }

    @Test
    void refusesALoginThatTurnsToAnotherSession() throws Exception {
        Initiator second = first.join(2, new OneTarget(SessionRig.TARGET), 5, first.tsih(), "X=");
        assertNotEquals(0, second.loginStatus());
        Initiator third = first.joinSlowly(3, Initiator.ISID, first.tsih(), keys(first.name()));
        third.goOnWithLogin(Initiator.ISID, first.tsih() + 1);
        assertEquals(INITIATOR_ERROR, third.loginStatus());
        Initiator fourth = first.joinSlowly(4, Initiator.ISID, 0, keys(first.name()));
        fourth.goOnWithLogin(Initiator.ISID, first.tsih());
        assertEquals(INITIATOR_ERROR, fourth.loginStatus());
        first.assertServes();
    }

    // ---- logout

    @Test
    void logsOutOneConnection() throws Exception {
        Initiator second = first.joined(2);
        int task = second.beginWrite();
        int other = first.beginWrite();
        int logout = second.logout(1, 2);
        rig.turn();
        assertEquals(0, second.logoutResponse(logout));
        assertTrue(second.closed());
        assertNull(second.reply(task));
        second.disconnect();
        assertFalse(first.closed());
        first.finishWrite(other);
        assertEquals(List.of(0, 127), first.window());
        Initiator next = first.joined(2);
        assertEquals(CLEARED, next.await(next.testUnit(0)));
        next.assertServes();
    }

    /// What had come of it and was not due counts as never received (RFC 7143 11.14 Logout
    /// Request).
    @Test
    void takesAgainWhatAConnectionThatIsLoggedOutHadSentTooEarly() throws Exception {
        Initiator second = first.joined(2);
        int gap = first.skipNumber();
        int early = first.nextNumber();
        second.send(SIMPLE, 0, WRITE, LENGTH, new byte[1024], false);
        int logout = first.logout(1, 2);
        assertEquals(0, first.logoutResponse(logout));
        assertEquals(0, rig.heldBytes());
        assertEquals(GOOD, first.await(first.sendSkipped(gap, 0)));
        int behind = first.testUnit(0);
        rig.turn();
        assertNull(first.reply(behind));
        assertEquals(GOOD, first.await(first.sendSkipped(early, 0)));
        assertEquals(GOOD, first.await(behind));
        assertEquals(List.of(0, 127), first.window());
    }

    @Test
    void logsOutAnotherConnection() throws Exception {
        Initiator second = first.joined(2);
        int logout = first.logout(1, 2);
        assertEquals(0, first.logoutResponse(logout));
        assertTrue(second.closed());
        second.disconnect();
        assertEquals(1, first.logoutResponse(first.logout(1, 2)), "CID not found");
        first.assertServes();
    }

    /// The first one has no more say than the others.
    @Test
    void leadingConnectionMayLeave() throws Exception {
        Initiator second = first.joined(2);
        first.logout(1, 1);
        assertTrue(first.closed());
        first.disconnect();
        second.assertServes();
        second.joined(3).assertServes();
        second.logout(0, 0);
        assertTrue(second.closed());
        second.disconnect();
        rig.turn();
        assertEquals(List.of(), rig.entries());
    }

    @Test
    void logsOutTheSessionFromAnyConnection() throws Exception {
        Initiator second = first.joined(2);
        int task = first.beginWrite();
        int logout = second.logout(0, 0);
        assertEquals(0, second.logoutResponse(logout));
        assertTrue(first.closed());
        assertTrue(second.closed());
        assertNull(first.reply(task));
        second.disconnect();
        first.disconnect();
        rig.turn();
        assertEquals(List.of(), rig.entries());
    }

    @Test
    void lastConnectionToLeaveEndsTheSession() throws Exception {
        Initiator second = first.joined(2);
        second.logout(1, 2);
        second.disconnect();
        first.logout(1, 1);
        assertTrue(first.closed());
        first.disconnect();
        rig.turn();
        assertEquals(List.of(), rig.entries());
    }

    @Test
    void doesNotRecoverConnections() throws Exception {
        Initiator second = first.joined(2);
        assertEquals(2, first.logoutResponse(first.logout(2, 2)));
        second.assertServes();
    }

    // ---- the unexpected end

    /// RFC 7143 7.14 Connection Failures: without a logout there is only session recovery, as
    /// commands of the lost connection may be missing for good.
    @Test
    void losesTheSessionWithAConnection() throws Exception {
        Initiator second = first.joined(2);
        int task = first.beginWrite();
        second.disconnect();
        assertEquals(List.of("3 at 0"), first.asyncMessages());
        assertTrue(first.closed());
        assertNull(first.reply(task));
        assertEquals(List.of(), rig.entries());
        assertEquals(NO_SUCH_SESSION, first.join(2).loginStatus());
    }

    @Test
    void tellsAllConnectionsThatTheSessionEnds() throws Exception {
        Initiator second = first.joined(2);
        assertEquals(1, rig.entries().size());
        assertEquals(first.name() + ", " + first.name(), rig.entries().getFirst().peer());
        AtomicInteger ends = new AtomicInteger();
        rig.target().end("taken out", ends::incrementAndGet);
        rig.turn();
        assertEquals(List.of("3 at 0"), first.asyncMessages());
        assertEquals(List.of("3 at 0"), second.asyncMessages());
        assertTrue(first.closed());
        assertTrue(second.closed());
        assertEquals(1, ends.get());
    }

    @Test
    void asksAllConnectionsToLogOut() throws Exception {
        Initiator second = first.joined(2);
        rig.target().sessions().forEach(each -> each.requestLogout(5, "stopped", () -> {}));
        assertEquals(List.of("1 at 0"), first.asyncMessages());
        assertEquals(List.of("1 at 0"), second.asyncMessages());
        first.assertServes();
    }

    // ---- reinstatement

    /// Its tasks end without a status; those of the others go on.
    @Test
    void takesThePlaceOfAConnection() throws Exception {
        Initiator second = first.joined(2);
        int gone = second.beginWrite();
        int stays = first.beginWrite();
        Initiator again = first.join(2);
        rig.turn();
        assertEquals(0, again.loginStatus());
        assertTrue(second.closed());
        assertNull(second.reply(gone));
        second.disconnect();
        assertEquals(CLEARED, again.await(again.testUnit(0)));
        again.assertServes();
        first.finishWrite(stays);
        assertEquals(List.of(0, 127), first.window());
    }

    /// RFC 7143 6.3.4: whether or not the session may have several.
    @Test
    void takesThePlaceOfTheOnlyConnection() throws Exception {
        Initiator alone = rig.login();
        int gone = alone.beginWrite();
        Initiator again = alone.join(1);
        rig.turn();
        assertEquals(0, again.loginStatus());
        assertTrue(alone.closed());
        alone.disconnect();
        assertNull(again.reply(gone));
        assertEquals(CLEARED, again.await(again.testUnit(0)));
        again.assertServes();
        again.disconnect();
        rig.turn();
        assertEquals(1, rig.entries().size(), "that of the other initiator");
    }

    /// The tasks of the old connection are waited for, and the new one is gone before.
    @Test
    void endsWhenTheReplacementIsGoneBeforeItIsIn() throws Exception {
        Initiator alone = rig.login();
        int slow = alone.send(SIMPLE, 0, SYNCHRONIZE_CACHE);
        assertNull(alone.reply(slow), "runs on another thread, and comes back when it is turned");
        Initiator again = alone.join(1);
        assertTrue(again.isUnanswered());
        again.disconnect();
        alone.disconnect();
        assertEquals(2, rig.entries().size());
        rig.turnUntil(() -> rig.entries().size() == 1);
    }

    /// A portal of another group.
    private static final class OtherGroup extends OneTarget {
        OtherGroup() {
            super(SessionRig.TARGET);
        }

        @Override
        public int portalGroupTag() {
            return 2;
        }
    }

    /// A portal at which other LUNs are there; empty: the target is not.
    private static final class OtherAccess extends OneTarget {
        private final Optional<Map<Integer, Integer>> luns;

        OtherAccess(Optional<Map<Integer, Integer>> luns) {
            super(SessionRig.TARGET);
            this.luns = luns;
        }

        @Override
        public @Nullable Map<Integer, Integer> luns(SessionParameters agreed) {
            return luns.orElse(null);
        }
    }
}
