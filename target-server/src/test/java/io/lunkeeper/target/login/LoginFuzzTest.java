package io.lunkeeper.target.login;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.fuzz.Choices;
import io.lunkeeper.target.fuzz.Corpus;
import io.lunkeeper.target.pdu.RequestPdu.LoginRequest;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Any bytes as a row of Login Requests (`tests/fuzz login`). A model of the stages that RFC 7143
/// 6.3 Login Phase allows runs beside the negotiation: it never comes to the full-feature phase by
/// another way, nor without the secret where one is demanded, and no reply is larger than the
/// initiator must take. `CHAP_R=?` in the input stands for the right response.
public final class LoginFuzzTest {
    private static final int SECURITY = 0;
    private static final int OPERATIONAL = 1;
    private static final int FULL_FEATURE = 3;
    private static final int BEFORE_THE_FIRST = -1;

    private static final int TRANSIT = 0x80;
    private static final int CONTINUE = 0x40;
    private static final int OTHER_VERSION = 0x20;

    /// What the first byte chooses.
    private static final int GUARDED = 1;

    private static final ChapAccount ACCOUNT =
            new ChapAccount(
                    "alice",
                    new ChapSecret("what no fuzzer guesses".getBytes(StandardCharsets.UTF_8)),
                    Optional.empty());

    /// The same targets, for nobody who cannot prove to be Alice.
    private static final TargetDirectory ALICES =
            new TargetDirectory() {
                @Override
                public @Nullable Demand demand(String initiatorName, String targetName) {
                    return Logins.DIRECTORY.demand(initiatorName, targetName) == null
                            ? Demand.impossible("no such target")
                            : Demand.anyOf(List.of(ACCOUNT));
                }

                @Override
                public Demand discoveryDemand(String initiatorName) {
                    return Demand.anyOf(List.of(ACCOUNT));
                }

                @Override
                public String alias(String targetName) {
                    return "";
                }

                @Override
                public int portalGroupTag() {
                    return 1;
                }

                @Override
                public Iterator<Listing> listings(String initiatorName, List<ChapAccount> proven) {
                    return Logins.DIRECTORY.listings(initiatorName, proven);
                }
            };

    private static final int MAX_REPLY_BYTES = 8192;
    private static final int MAX_TEXT_BYTES = 16_384;

    /// What the fuzzer calls.
    public static void fuzzerTestOneInput(byte[] input) {
        new Login(input).run();
    }

    /// One login, from its first request on.
    private static final class Login {
        private final Choices choices;
        private final boolean guarded;
        private final LoginNegotiation login;
        private Map<String, String> challenge = Map.of();
        private boolean proven;

        Login(byte[] input) {
            choices = new Choices(input);
            guarded = (choices.octet() & GUARDED) != 0;
            login =
                    new LoginNegotiation(
                            guarded ? ALICES : Logins.DIRECTORY,
                            NegotiationLimits.DEFAULT,
                            RandomGeneratorFactory.of("L32X64MixRandom").create(1));
        }

        void run() {
            int stage = BEFORE_THE_FIRST;
            long bytes = 0;
            while (choices.more()) {
                LoginRequest request = request();
                bytes += request.data().readableBytes();
                LoginReply reply = login.receive(request);
                checkReply(request, reply);
                if (reply.statusClass() != 0) {
                    assertNull(login.parameters());
                    return;
                }
                checkStage(stage, request, reply);
                assertTrue(bytes <= MAX_TEXT_BYTES, "text without end");
                stage = reply.transit() ? reply.nextStage() : reply.currentStage();
                SessionParameters parameters = login.parameters();
                assertEquals(stage == FULL_FEATURE, parameters != null);
                if (parameters != null) {
                    assertTrue(proven || !guarded, "let in without the secret");
                    checkParameters(parameters);
                    return;
                }
            }
        }

        private LoginRequest request() {
            int flags = choices.octet();
            byte[] text = withResponse(choices.bytes(choices.word() & 0x1fff));
            TextKeysFuzzTest.lineFeedsToNuls(text);
            int version = (flags & OTHER_VERSION) != 0 ? choices.octet() : 0;
            return new LoginRequest(
                    (flags & TRANSIT) != 0,
                    (flags & CONTINUE) != 0,
                    (flags >> 2) & 3,
                    flags & 3,
                    version,
                    version,
                    0x00023d000001L,
                    0,
                    1,
                    0,
                    1,
                    0,
                    Unpooled.wrappedBuffer(text));
        }

        /// Fills in the response to the last challenge where the input wants it.
        private byte[] withResponse(byte[] text) {
            String spelled = new String(text, StandardCharsets.ISO_8859_1);
            ChapAlgorithm algorithm =
                    ChapAlgorithm.strongest(
                            ChapAlgorithm.numbers(
                                    challenge.getOrDefault(TextKey.CHAP_A.text(), "")));
            byte[] bytes = BinaryValue.decode(challenge.getOrDefault(TextKey.CHAP_C.text(), ""));
            if (!spelled.contains("CHAP_R=?") || algorithm == null || bytes == null) {
                return text;
            }
            proven = true;
            int identifier = Integer.parseInt(challenge.getOrDefault(TextKey.CHAP_I.text(), "0"));
            byte[] response = ACCOUNT.secret().response(algorithm, identifier, bytes);
            return spelled.replace("CHAP_R=?", "CHAP_R=" + BinaryValue.encode(response))
                    .getBytes(StandardCharsets.ISO_8859_1);
        }

        private void checkReply(LoginRequest request, LoginReply reply) {
            byte[] text = reply.text().getBytes(StandardCharsets.UTF_8);
            assertTrue(text.length <= MAX_REPLY_BYTES);
            List<TextKeys.Pair> pairs = TextKeys.parse(text);
            assertNotNull(pairs);
            Map<String, String> keys =
                    pairs.stream()
                            .collect(Collectors.toMap(TextKeys.Pair::key, TextKeys.Pair::value));
            if (keys.containsKey(TextKey.CHAP_C.text())) {
                challenge = keys;
            }
            assertEquals(reply.refused() ? 0 : request.currentStage(), reply.currentStage());
            assertEquals(1, request.data().refCnt());
            if (reply.statusClass() != 0) {
                assertEquals("", reply.text());
                assertFalse(reply.transit());
                assertFalse(reply.continueBit());
            }
        }
    }

    /// The initiator began with one of the two stages, has named the stage at hand ever since, and
    /// nothing was passed over but by leaving security negotiation for the full-feature phase.
    private static void checkStage(int stage, LoginRequest request, LoginReply reply) {
        int current = request.currentStage();
        assertTrue(current == SECURITY || current == OPERATIONAL, "stage " + current);
        assertTrue(stage == BEFORE_THE_FIRST || current == stage, "from " + stage);
        assertEquals(0, request.versionMin());
        if (request.continueBit()) {
            assertEquals("", reply.text());
            assertFalse(reply.transit() || request.transit());
        }
        if (reply.transit()) {
            assertTrue(request.transit());
            assertEquals(request.nextStage(), reply.nextStage());
            int next = reply.nextStage();
            assertTrue(next == FULL_FEATURE || (next == OPERATIONAL && current == SECURITY));
        }
    }

    private static void checkParameters(SessionParameters parameters) {
        String name = parameters.initiatorName();
        assertEquals(IscsiName.normalize(name), name);
        assertTrue(
                parameters.discovery()
                        || Logins.DIRECTORY.demand(name, parameters.targetName()) != null);
        NegotiationLimits limits = NegotiationLimits.DEFAULT;
        assertTrue(parameters.firstBurstLength() >= 512);
        assertTrue(parameters.firstBurstLength() <= parameters.maxBurstLength());
        assertTrue(parameters.maxBurstLength() <= limits.maxBurstLength());
        assertTrue(parameters.initiatorMaxRecvDataSegmentLength() >= 512);
        assertTrue(parameters.initiatorMaxRecvDataSegmentLength() <= 0xffffff);
        assertTrue(parameters.maxOutstandingR2t() >= 1);
        assertTrue(parameters.maxOutstandingR2t() <= limits.maxOutstandingR2t());
        assertTrue(parameters.errorRecoveryLevel() <= limits.errorRecoveryLevel());
        assertTrue(parameters.errorRecoveryLevel() == 0 || parameters.maxOutstandingR2t() == 1);
        assertTrue(parameters.defaultTime2Wait() <= 3600);
        assertTrue(parameters.defaultTime2Retain() <= 3600);
    }

    @Test
    void comesToTheFullFeaturePhaseByNoOtherWay() {
        Corpus.replay("login", LoginFuzzTest::fuzzerTestOneInput);
    }
}
