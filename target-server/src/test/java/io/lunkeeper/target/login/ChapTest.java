package io.lunkeeper.target.login;

import static io.lunkeeper.target.login.ChapInitiator.challenged;
import static io.lunkeeper.target.login.Logins.ALICE;
import static io.lunkeeper.target.login.Logins.BOB;
import static io.lunkeeper.target.login.Logins.DISCOVERY;
import static io.lunkeeper.target.login.Logins.INTRODUCTION;
import static io.lunkeeper.target.login.Logins.VM1;
import static io.lunkeeper.target.login.Logins.VM2;
import static io.lunkeeper.target.login.Logins.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// RFC 7143 12.1.3 Challenge Handshake Authentication Protocol (CHAP), and 9.2.1 CHAP
/// Considerations.
final class ChapTest {
    private static final int SECURITY = 0;
    private static final int OPERATIONAL = 1;
    private static final int FULL_FEATURE = 3;
    private static final String SECRET = "alice's secret";
    private static final String TARGET_SECRET = "the target's secret";

    private static final ChapAccount ALICES =
            new ChapAccount(
                    "alice",
                    secret(SECRET),
                    Optional.of(new ChapAccount.Mutual("keeper", secret(TARGET_SECRET))));
    private static final ChapAccount BOBS =
            new ChapAccount("bob", secret("bob's secret"), Optional.empty());

    /// VM1 is for Alice and Bob, who must prove it; there is nothing else, and nobody is told so.
    private static final class Guarded implements TargetDirectory {
        private final Demand discovery;

        Guarded(Demand discovery) {
            this.discovery = discovery;
        }

        @Override
        public @Nullable Demand demand(String initiatorName, String targetName) {
            return targetName.equals(VM1) && initiatorName.equals(ALICE)
                    ? Demand.anyOf(List.of(ALICES, BOBS))
                    : Demand.impossible("unknown target");
        }

        @Override
        public Demand discoveryDemand(String initiatorName) {
            return discovery;
        }

        @Override
        public int portalGroupTag() {
            return 7;
        }

        @Override
        public String alias(String targetName) {
            return "";
        }

        @Override
        public Iterator<Listing> listings(String initiatorName, List<ChapAccount> proven) {
            return Collections.emptyIterator();
        }
    }

    private final LoginNegotiation login = negotiation(1);

    private static ChapSecret secret(String text) {
        return new ChapSecret(text.getBytes(StandardCharsets.UTF_8));
    }

    private static LoginNegotiation negotiation(long seed) {
        return negotiation(seed, Demand.optionally(List.of(ALICES, BOBS)));
    }

    private static LoginNegotiation negotiation(long seed, Demand discovery) {
        return new LoginNegotiation(
                new Guarded(discovery),
                NegotiationLimits.DEFAULT,
                RandomGeneratorFactory.of("L64X128MixRandom").create(seed));
    }

    // ---- all is well

    @ParameterizedTest
    @CsvSource({"5, 16", "6, 20", "7, 32", "8, 32"})
    void letsInWhoKnowsTheSecret(String algorithm, int challengeBytes) {
        ChapInitiator alice = challenged(login, INTRODUCTION, algorithm);
        assertEquals(algorithm, alice.algorithm());
        assertEquals(2 + 2 * challengeBytes, alice.challenge().length());
        LoginReply in = alice.send(alice.response("alice", SECRET));
        assertEquals(new LoginReply(true, false, SECURITY, OPERATIONAL, 0, 0, ""), in);
        login.receive(request(OPERATIONAL, FULL_FEATURE, ""));
        SessionParameters parameters = login.parameters();
        assertNotNull(parameters);
        assertEquals(List.of(ALICES), parameters.proven());
        assertTrue(login.answeredChallenge());
    }

    @Test
    void provesItselfToWhoAsks() {
        ChapInitiator alice = challenged(login, INTRODUCTION, "5,6,7,8");
        assertEquals("8", alice.algorithm());
        LoginReply in =
                alice.send(
                        alice.response("alice", SECRET)
                                + ";CHAP_I=200;CHAP_C=0x00112233445566778899aabbccddeeff");
        assertEquals(0, in.statusClass());
        assertTrue(in.transit());
        assertEquals(
                Map.of(
                        "CHAP_N",
                        "keeper",
                        "CHAP_R",
                        "0x"
                                + alice.digest(
                                        TARGET_SECRET,
                                        "200",
                                        "0x00112233445566778899aabbccddeeff")),
                ChapInitiator.pairs(in));
    }

    @Test
    void takesALongChallenge() {
        ChapInitiator alice = challenged(login, INTRODUCTION, "7");
        String longest = "0x" + "5a".repeat(1024);
        LoginReply in =
                alice.send(alice.response("alice", SECRET) + ";CHAP_I=0x0;CHAP_C=" + longest);
        assertEquals(
                "0x" + alice.digest(TARGET_SECRET, "0", longest),
                ChapInitiator.pairs(in).get("CHAP_R"));
    }

    @Test
    void takesBase64() {
        ChapInitiator bob = challenged(login, INTRODUCTION, "5");
        String hex = bob.response("bob", "bob's secret").replaceFirst(".*CHAP_R=0x", "");
        String base64 = Base64.getEncoder().encodeToString(HexFormat.of().parseHex(hex));
        assertTrue(bob.send("CHAP_N=bob;CHAP_R=0b" + base64).transit());
    }

    @Test
    void staysUntilTheInitiatorAsksForTheNextStage() {
        ChapInitiator alice = challenged(login, INTRODUCTION, "5");
        LoginReply proven =
                login.receive(request(SECURITY, SECURITY, alice.response("alice", SECRET)));
        assertEquals(new LoginReply(false, false, SECURITY, 0, 0, 0, ""), proven);
        assertTrue(login.receive(request(SECURITY, FULL_FEATURE, "")).transit());
        assertTrue(login.answeredChallenge());
    }

    @Test
    void declaresItsGroupWithTheFirstAnswer() {
        LoginReply first =
                login.receive(
                        request(SECURITY, OPERATIONAL, INTRODUCTION + ";AuthMethod=CHAP,None"));
        assertEquals(
                new LoginReply(
                        false,
                        false,
                        SECURITY,
                        0,
                        0,
                        0,
                        "TargetPortalGroupTag=7\0AuthMethod=CHAP\0"),
                first);
    }

    @Test
    void neverChallengesTwiceWithTheSame() {
        List<String> challenges = new ArrayList<>();
        for (int count = 0; count < 100; count++) {
            LoginNegotiation fresh =
                    new LoginNegotiation(new Guarded(Demand.NOTHING), NegotiationLimits.DEFAULT);
            challenges.add(challenged(fresh, INTRODUCTION, "5").challenge());
        }
        assertEquals(100, challenges.stream().distinct().count());
    }

    // ---- no way around it

    @ParameterizedTest
    @ValueSource(strings = {"None", "KRB5,None", "chap", "SRP", "", "None,none"})
    void whoMustProveHimselfFindsNoOtherMethod(String methods) {
        assertRefused(
                login.receive(
                        request(SECURITY, OPERATIONAL, INTRODUCTION + ";AuthMethod=" + methods)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"CHAP", "CHAP,None", "None,CHAP", "KRB5,None,CHAP"})
    void choosesChapWhereverItIsInTheList(String methods) {
        LoginReply reply =
                login.receive(
                        request(SECURITY, OPERATIONAL, INTRODUCTION + ";AuthMethod=" + methods));
        assertEquals("CHAP", ChapInitiator.pairs(reply).get("AuthMethod"));
        assertFalse(reply.transit());
    }

    @Test
    void refusesToBeginBehindTheSecurityStage() {
        assertRefused(login.receive(request(OPERATIONAL, FULL_FEATURE, INTRODUCTION)));
        assertRefused(negotiation(1).receive(request(OPERATIONAL, OPERATIONAL, INTRODUCTION)));
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "0, 3"})
    void refusesToGoOnWithoutAMethod(int stage, int next) {
        assertRefused(login.receive(request(stage, next, INTRODUCTION)));
    }

    @Test
    void refusesToGoOnAfterWaitingWithoutAMethod() {
        assertFalse(login.receive(request(SECURITY, SECURITY, INTRODUCTION)).transit());
        assertRefused(login.receive(request(SECURITY, OPERATIONAL, "")));
    }

    /// What may come instead of CHAP_A: a key is missing, keys or values are not of the form that
    /// is due, or there is nothing in common.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''|0207",
                "InitiatorAlias=x|0207",
                "CHAP_N=alice;CHAP_R=0x00112233445566778899aabbccddeeff|0207",
                "CHAP_I=1;CHAP_C=0x00|0207",
                "CHAP_A=|0200",
                "CHAP_A=MD5|0200",
                "CHAP_A=05|0200",
                "CHAP_A=Reject|0200",
                "CHAP_A=5;CHAP_A=5|0200",
                "CHAP_A=5;CHAP_N=alice|0200",
                "CHAP_A=5;AuthMethod=CHAP|0200",
                "AuthMethod=None|0200",
                "AuthMethod=CHAP|0200",
                "CHAP_A=4|0201",
                "CHAP_A=4,MD5|0201",
            })
    void refusesWhatIsNoListOfAlgorithms(String text, String status) {
        ChapInitiator alice = new ChapInitiator(login);
        alice.send(INTRODUCTION + ";AuthMethod=CHAP");
        assertRefused(status, alice.send(text));
        assertFalse(login.answeredChallenge());
    }

    @Test
    void takesTheNumberOfAnAlgorithmInHexadecimal() {
        ChapInitiator alice = challenged(login, INTRODUCTION, "0x7");
        assertEquals("7", alice.algorithm());
        assertTrue(alice.send(alice.response("alice", SECRET)).transit());
    }

    /// Neither with the choice of the method, nor without it.
    @ParameterizedTest
    @ValueSource(strings = {"AuthMethod=CHAP;CHAP_A=5", "CHAP_A=5", "AuthMethod=None;CHAP_A=5"})
    void refusesAnAlgorithmBeforeItsTime(String text) {
        assertRefused(
                "0200", login.receive(request(SECURITY, OPERATIONAL, INTRODUCTION + ";" + text)));
    }

    /// What may come instead of a response; %R stands for the right one, %C for the challenge, %B
    /// for that in Base64. RFC 7143 9.2 In-Band Initiator-Target Authentication: a key is missing,
    /// keys or values are not of the form that is due, or only the cryptography is wrong.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''|0207",
                "CHAP_N=alice|0207",
                "CHAP_R=%R|0207",
                "CHAP_N=alice;CHAP_I=1;CHAP_C=%C|0207",
                "CHAP_N=alice;CHAP_R=%R;CHAP_I=1|0207",
                "CHAP_N=alice;CHAP_R=%R;CHAP_C=0x00112233445566778899aabbccddeeff|0207",
                "CHAP_N=alice;CHAP_R=|0200",
                "CHAP_N=alice;CHAP_R=0x|0200",
                "CHAP_N=alice;CHAP_R=0b|0200",
                "CHAP_N=alice;CHAP_R=%R0|0200",
                "CHAP_N=alice;CHAP_R=%R00|0200",
                "CHAP_N=alice;CHAP_R=0x00|0200",
                "CHAP_N=alice;CHAP_R=1|0200",
                "CHAP_N=alice;CHAP_R=0xgg112233445566778899aabbccddeeff|0200",
                "CHAP_N=alice;CHAP_R=0b!!!!|0200",
                "CHAP_N=alice;CHAP_N=alice;CHAP_R=%R|0200",
                "CHAP_N=alice;CHAP_R=%R;CHAP_R=%R|0200",
                "CHAP_A=5;CHAP_N=alice;CHAP_R=%R|0200",
                "CHAP_N=alice;CHAP_R=%R;CHAP_I=256;CHAP_C=0x00112233445566778899aabbccddeeff|0200",
                "CHAP_N=alice;CHAP_R=%R;CHAP_I=-1;CHAP_C=0x00112233445566778899aabbccddeeff|0200",
                "CHAP_N=alice;CHAP_R=%R;CHAP_I=;CHAP_C=0x00112233445566778899aabbccddeeff|0200",
                "CHAP_N=alice;CHAP_R=%R;CHAP_I=1;CHAP_C=|0200",
                "CHAP_N=alice;CHAP_R=%R;CHAP_I=1;CHAP_C=0x|0200",
                "CHAP_N=alice;CHAP_R=%R;AuthMethod=None|0200",
                "AuthMethod=None|0200",
                "CHAP_N=;CHAP_R=%R|0201",
                "CHAP_N=Alice;CHAP_R=%R|0201",
                "CHAP_N=bob;CHAP_R=%R|0201",
                "CHAP_N=mallory;CHAP_R=%R|0201",
                "CHAP_N=alice;CHAP_R=%C|0201",
                "CHAP_N=alice;CHAP_R=%R;CHAP_I=1;CHAP_C=%C|0201",
                "CHAP_N=alice;CHAP_R=%R;CHAP_I=1;CHAP_C=%B|0201",
            })
    void refusesWhatIsNoResponse(String text, String status) {
        ChapInitiator alice = challenged(login, INTRODUCTION, "5");
        String right = alice.response("alice", SECRET).replaceFirst(".*CHAP_R=", "");
        String base64 =
                "0b"
                        + Base64.getEncoder()
                                .encodeToString(
                                        HexFormat.of().parseHex(alice.challenge().substring(2)));
        assertRefused(
                status,
                alice.send(
                        text.replace("%R", right)
                                .replace("%C", alice.challenge())
                                .replace("%B", base64)));
        assertNull(login.parameters());
    }

    /// Whether a secret was guessed is not told by a form that is wrong: it is judged first.
    @ParameterizedTest
    @ValueSource(strings = {"CHAP_I=256;CHAP_C=0x00", "CHAP_I=1;CHAP_C=zz", "CHAP_I=1"})
    void judgesTheFormBeforeTheSecret(String mutual) {
        ChapInitiator alice = challenged(login, INTRODUCTION, "5");
        ChapInitiator mallory = challenged(negotiation(1), INTRODUCTION, "5");
        assertEquals(
                alice.send(alice.response("alice", SECRET) + ";" + mutual),
                mallory.send(mallory.response("alice", "a wrong secret") + ";" + mutual));
    }

    /// Of every text that answers a challenge somebody may wait for the result, so that all of them
    /// count as guesses.
    @ParameterizedTest
    @ValueSource(strings = {"CHAP_N=alice", "CHAP_N=alice;CHAP_R=0x00", "CHAP_R=zz"})
    void aResponseOfNoFormIsAnAnswerToo(String text) {
        ChapInitiator alice = challenged(login, INTRODUCTION, "5");
        assertTrue(alice.send(text).refused());
        assertTrue(login.answeredChallenge());
        assertNotEquals("", login.authenticationFault());
    }

    /// RFC 7143 6.1 Text Format: the first of an odd number of hexadecimal digits is a byte.
    @Test
    void takesAnOddNumberOfDigits() {
        ChapInitiator alice = challenged(login, INTRODUCTION, "5");
        LoginReply in = alice.send(alice.response("alice", SECRET) + ";CHAP_I=1;CHAP_C=0x123");
        assertEquals(
                "0x" + alice.digest(TARGET_SECRET, "1", "0x0123"),
                ChapInitiator.pairs(in).get("CHAP_R"));
    }

    @Test
    void refusesAChallengeThatIsTooLong() {
        ChapInitiator alice = challenged(login, INTRODUCTION, "5");
        LoginReply reply =
                alice.send(
                        alice.response("alice", SECRET)
                                + ";CHAP_I=1;CHAP_C=0b"
                                + Base64.getEncoder().encodeToString(new byte[1025]));
        assertRefused("0200", reply);
    }

    @Test
    void aResponseToAnotherChallengeIsNone() {
        ChapInitiator overheard = challenged(negotiation(2), INTRODUCTION, "5");
        String replayed = overheard.response("alice", SECRET);
        assertRefused(challenged(login, INTRODUCTION, "5").send(replayed));
    }

    @Test
    void doesNotProveItselfToWhoHasNotProvenAnything() {
        ChapInitiator mallory = challenged(login, INTRODUCTION, "5");
        LoginReply reply =
                mallory.send(
                        mallory.response("alice", "a wrong secret")
                                + ";CHAP_I=1;CHAP_C=0x00112233445566778899aabbccddeeff");
        assertRefused(reply);
    }

    @Test
    void whoAsksForProofOfATargetThatHasNoneIsRefused() {
        ChapInitiator bob = challenged(login, INTRODUCTION, "5");
        assertRefused(
                bob.send(
                        bob.response("bob", "bob's secret")
                                + ";CHAP_I=1;CHAP_C=0x00112233445566778899aabbccddeeff"));
    }

    @Test
    void nothingOfChapComesAfterItsEnd() {
        ChapInitiator alice = challenged(login, INTRODUCTION, "5");
        login.receive(request(SECURITY, SECURITY, alice.response("alice", SECRET)));
        LoginReply again =
                login.receive(
                        request(
                                SECURITY,
                                OPERATIONAL,
                                "CHAP_I=1;CHAP_C=0x00112233445566778899aabbccddeeff"));
        assertRefused("0200", again);
    }

    // ---- what cannot be told apart

    /// The same random numbers on our side make the same answers, whatever is wrong.
    @ParameterizedTest
    @CsvSource({
        "alice, iqn.2026-11.io.lunkeeper:none",
        "alice, iqn.2026-11.io.lunkeeper:vm2",
        "alice, not a name",
        "mallory, iqn.2026-11.io.lunkeeper:vm1",
        "mallory, iqn.2026-11.io.lunkeeper:none",
    })
    void whatIsNotThereLooksLikeAWrongSecret(String user, String target) {
        String wrong = ";CHAP_R=0x" + "5a".repeat(32);
        List<LoginReply> wrongSecret = transcript(ALICE, VM1, "CHAP_N=alice" + wrong);
        assertEquals(wrongSecret, transcript(ALICE, target, "CHAP_N=" + user + wrong));
        assertEquals(wrongSecret, transcript(BOB, VM1, "CHAP_N=" + user + wrong));
        assertEquals(3, wrongSecret.size());
        assertRefused(wrongSecret.getLast());
    }

    /// And to what is no response.
    @ParameterizedTest
    @CsvSource({"CHAP_N=alice, 0207", "CHAP_N=alice;CHAP_R=0x5a, 0200", "CHAP_R=0x5a, 0207"})
    void whatIsNotThereIsAnsweredTheSame(String response, String status) {
        List<LoginReply> there = transcript(ALICE, VM1, response);
        assertEquals(there, transcript(ALICE, "iqn.2026-11.io.lunkeeper:none", response));
        assertEquals(there, transcript(BOB, VM1, response));
        assertRefused(status, there.getLast());
    }

    private static List<LoginReply> transcript(String initiator, String target, String response) {
        ChapInitiator mallory = new ChapInitiator(negotiation(7));
        List<LoginReply> replies = new ArrayList<>();
        String names = "InitiatorName=" + initiator + ";TargetName=" + target;
        replies.add(mallory.send(names + ";AuthMethod=None,CHAP"));
        replies.add(mallory.send("CHAP_A=5,7"));
        replies.add(mallory.send(response));
        return replies;
    }

    @Test
    void whatIsNotThereCannotBeHadWithoutAuthenticationEither() {
        String names = "InitiatorName=" + ALICE + ";TargetName=" + VM2;
        assertRefused(login.receive(request(SECURITY, OPERATIONAL, names + ";AuthMethod=None")));
        assertRefused(negotiation(1).receive(request(OPERATIONAL, FULL_FEATURE, names)));
        assertRefused(negotiation(1).receive(request(SECURITY, OPERATIONAL, names)));
    }

    // ---- discovery

    @Test
    void discoveryMayBeForThoseOnlyWhoProveThemselves() {
        Demand bobOnly = Demand.anyOf(List.of(BOBS));
        assertRefused(
                negotiation(1, bobOnly)
                        .receive(request(SECURITY, OPERATIONAL, DISCOVERY + ";AuthMethod=None")));
        assertRefused(
                negotiation(1, bobOnly).receive(request(OPERATIONAL, FULL_FEATURE, DISCOVERY)));
        LoginNegotiation guarded = negotiation(1, bobOnly);
        ChapInitiator alice = challenged(guarded, DISCOVERY, "5,6,7,8");
        assertRefused(alice.send(alice.response("alice", SECRET)));
        LoginNegotiation open = negotiation(1, bobOnly);
        ChapInitiator bob = challenged(open, DISCOVERY, "5,6,7,8");
        assertTrue(bob.send(bob.response("bob", "bob's secret")).transit());
    }

    @Test
    void whoMayProveHimselfInDiscoveryNeedNot() {
        assertTrue(
                login.receive(request(SECURITY, OPERATIONAL, DISCOVERY + ";AuthMethod=None,CHAP"))
                        .transit());
        LoginNegotiation straight = negotiation(1);
        straight.receive(request(OPERATIONAL, FULL_FEATURE, DISCOVERY));
        SessionParameters parameters = straight.parameters();
        assertNotNull(parameters);
        assertEquals(List.of(), parameters.proven());
    }

    @Test
    void whoHasNothingToProveInDiscoveryFailsLikeAWrongSecret() {
        LoginNegotiation nothing = negotiation(1, Demand.inVain("nothing is for it"));
        ChapInitiator alice = challenged(nothing, DISCOVERY, "5");
        ChapInitiator same = challenged(negotiation(1), DISCOVERY, "5");
        assertEquals(same.challenge(), alice.challenge());
        assertRefused(alice.send(alice.response("alice", SECRET)));
        assertEquals("nothing is for it", nothing.authenticationFault());
        assertTrue(
                negotiation(1, Demand.inVain("nothing is for it"))
                        .receive(request(SECURITY, OPERATIONAL, DISCOVERY + ";AuthMethod=None"))
                        .transit());
    }

    @Test
    void whoBeginsToProveHimselfInDiscoveryMustSucceed() {
        ChapInitiator mallory = challenged(login, DISCOVERY, "5");
        assertRefused(mallory.send(mallory.response("alice", "a wrong secret")));
        LoginNegotiation another = negotiation(1);
        ChapInitiator alice = challenged(another, DISCOVERY, "5");
        assertTrue(alice.send(alice.response("alice", SECRET)).transit());
        another.receive(request(OPERATIONAL, FULL_FEATURE, ""));
        SessionParameters parameters = another.parameters();
        assertNotNull(parameters);
        assertEquals(List.of(ALICES), parameters.proven());
    }

    private static void assertRefused(LoginReply reply) {
        assertRefused("0201", reply);
    }

    private static void assertRefused(String status, LoginReply reply) {
        assertEquals(status, "%02x%02x".formatted(reply.statusClass(), reply.statusDetail()));
        assertEquals(
                new LoginReply(false, false, 0, 0, reply.statusClass(), reply.statusDetail(), ""),
                reply);
    }
}
