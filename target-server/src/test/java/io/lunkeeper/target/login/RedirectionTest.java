package io.lunkeeper.target.login;

import static io.lunkeeper.target.login.ChapInitiator.challenged;
import static io.lunkeeper.target.login.Logins.DISCOVERY;
import static io.lunkeeper.target.login.Logins.INTRODUCTION;
import static io.lunkeeper.target.login.Logins.VM1;
import static io.lunkeeper.target.login.Logins.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// RFC 7143 11.13.5 Status-Class and Status-Detail: a target that has moved.
final class RedirectionTest {
    private static final int SECURITY = 0;
    private static final int OPERATIONAL = 1;
    private static final int FULL_FEATURE = 3;
    private static final String SECRET = "alice's secret";
    private static final String ADDRESS = "192.0.2.20:3260";

    private static final ChapAccount ALICES =
            new ChapAccount(
                    "alice",
                    secret(SECRET),
                    Optional.of(new ChapAccount.Mutual("keeper", secret("the target's secret"))));

    /// VM1, which has moved.
    private record Directory(Demand demand, boolean permanent) implements TargetDirectory {
        @Override
        public Demand demand(String initiatorName, String targetName) {
            return demand;
        }

        @Override
        public Demand discoveryDemand(String initiatorName) {
            return Demand.NOTHING;
        }

        @Override
        public @Nullable Moved moved(String targetName) {
            return targetName.equals(VM1) ? new Moved(ADDRESS, permanent) : null;
        }

        @Override
        public String alias(String targetName) {
            return "";
        }

        @Override
        public int portalGroupTag() {
            return 7;
        }

        @Override
        public Iterator<Listing> listings(String initiatorName, List<ChapAccount> proven) {
            return Collections.emptyIterator();
        }
    }

    private static ChapSecret secret(String text) {
        return new ChapSecret(text.getBytes(StandardCharsets.UTF_8));
    }

    private static LoginNegotiation open(boolean permanent) {
        return new LoginNegotiation(
                new Directory(Demand.NOTHING, permanent), NegotiationLimits.DEFAULT);
    }

    private static LoginNegotiation guarded() {
        return new LoginNegotiation(
                new Directory(Demand.anyOf(List.of(ALICES)), true), NegotiationLimits.DEFAULT);
    }

    private static void assertRedirected(int detail, LoginReply reply) {
        assertEquals(1, reply.statusClass());
        assertEquals(detail, reply.statusDetail());
        assertFalse(reply.transit());
        assertFalse(reply.refused());
        assertEquals("TargetAddress=" + ADDRESS + "\0", reply.text());
    }

    @ParameterizedTest
    @CsvSource({
        "0, 1, false, 1",
        "0, 3, true, 2",
        "1, 3, false, 1",
        "1, 1, true, 2",
    })
    void whoHasNothingToProveIsSentOnAtOnce(int stage, int next, boolean permanent, int detail) {
        LoginNegotiation login = open(permanent);
        assertRedirected(detail, login.receive(request(stage, next, INTRODUCTION)));
        assertNull(login.parameters());
    }

    @Test
    void textIsHeardToItsEndFirst() {
        LoginNegotiation login = open(false);
        LoginReply reply =
                login.receive(request(OPERATIONAL, OPERATIONAL, true, Logins.text(INTRODUCTION)));
        assertEquals(0, reply.statusClass());
        assertRedirected(1, login.receive(request(OPERATIONAL, FULL_FEATURE, "")));
    }

    @Test
    void wrongTextIsStillWrong() {
        LoginReply reply =
                open(false).receive(request(OPERATIONAL, FULL_FEATURE, INTRODUCTION + ";X=1;X=2"));
        assertEquals(2, reply.statusClass());
    }

    @Test
    void discoveryStaysWhereItIs() {
        LoginReply reply = open(false).receive(request(OPERATIONAL, FULL_FEATURE, DISCOVERY));
        assertEquals(0, reply.statusClass());
    }

    /// The answer that has the target's proof is given before.
    @Test
    void whoHasToProveSomethingIsSentOnAfterwards() {
        LoginNegotiation login = guarded();
        ChapInitiator alice = challenged(login, INTRODUCTION, "7");
        LoginReply proven =
                alice.send(alice.response("alice", SECRET) + ";CHAP_I=1;CHAP_C=0x0011223344556677");
        assertEquals(0, proven.statusClass());
        assertEquals("keeper", ChapInitiator.pairs(proven).get("CHAP_N"));
        assertRedirected(2, login.receive(request(OPERATIONAL, FULL_FEATURE, "")));
        assertNull(login.parameters());
    }

    @Test
    void whoLeavesSecurityForTheFullFeaturePhaseIsSentOnInstead() {
        LoginNegotiation login = guarded();
        ChapInitiator alice = challenged(login, INTRODUCTION, "7");
        String response = alice.response("alice", SECRET);
        assertRedirected(2, login.receive(request(SECURITY, FULL_FEATURE, response)));
        assertNull(login.parameters());
    }

    @Test
    void whoProvesNothingIsNotTold() {
        LoginNegotiation login = guarded();
        ChapInitiator mallory = challenged(login, INTRODUCTION, "7");
        LoginReply reply = mallory.send(mallory.response("alice", "a guess at it"));
        assertEquals(2, reply.statusClass());
        assertEquals("", reply.text());
    }
}
