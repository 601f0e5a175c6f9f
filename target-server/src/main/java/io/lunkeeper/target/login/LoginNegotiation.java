package io.lunkeeper.target.login;

import io.lunkeeper.target.login.KeyRule.And;
import io.lunkeeper.target.login.KeyRule.Announcement;
import io.lunkeeper.target.login.KeyRule.Choice;
import io.lunkeeper.target.login.KeyRule.Declaration;
import io.lunkeeper.target.login.KeyRule.Inquiry;
import io.lunkeeper.target.login.KeyRule.Maximum;
import io.lunkeeper.target.login.KeyRule.Minimum;
import io.lunkeeper.target.login.KeyRule.Name;
import io.lunkeeper.target.login.KeyRule.Obsolete;
import io.lunkeeper.target.login.KeyRule.Or;
import io.lunkeeper.target.login.KeyRule.Proof;
import io.lunkeeper.target.login.TextKey.Phase;
import io.lunkeeper.target.pdu.PduDecoder;
import io.lunkeeper.target.pdu.RequestPdu.LoginRequest;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jscsi.parser.login.LoginStage;
import org.jscsi.parser.login.LoginStatus;
import org.jscsi.target.settings.TextKeyword;
import org.jspecify.annotations.Nullable;

/// The login phase of one connection as a state machine (RFC 7143 6.3 Login Phase). Confined to the
/// connection's thread.
///
/// It judges stages, flags and text. Sequence numbers, TSIH and reinstatement belong to the caller,
/// which sends every [LoginReply] as one Login Response.
///
/// The initiator decides the stages: it begins with security or with operational negotiation, and
/// every request of its names the stage at hand (CSG) and, with the T bit, the one that it wants
/// next (NSG). All it can offer is settled in the reply, so the target goes along, unless the
/// initiator has not proven yet what it must: then the answer is to stay. A text that runs on (C
/// bit) is judged when its last piece has come, and every piece before is answered with nothing.
public final class LoginNegotiation {

    /// RFC 7143 11.12.4.1 Version-max, 11.12.4.2 Version-min: the one version there is.
    private static final int VERSION = 0;

    private static final int SECURITY = LoginStage.SECURITY_NEGOTIATION.value();
    private static final int OPERATIONAL = LoginStage.LOGIN_OPERATIONAL_NEGOTIATION.value();
    private static final int FULL_FEATURE = LoginStage.FULL_FEATURE_PHASE.value();

    // 11.13.5 Status-Class and Status-Detail.
    private static final int REDIRECTION = 1;
    private static final int MOVED_TEMPORARILY = 1;
    private static final int MOVED_PERMANENTLY = 2;

    /// Before the first request.
    private static final int NO_STAGE = -1;

    /// Challenges come of it, and nobody may foresee one.
    private static final RandomGenerator RANDOM = new SecureRandom();

    private final TargetDirectory directory;
    private final NegotiationLimits limits;
    private final LoginIdentity identity;
    private final Authentication authentication;
    private final OperationalNegotiation operational;
    private final KeysSeen seen = new KeysSeen();
    private final TextGathering gathering = new TextGathering(TextKeys.MAX_LOGIN_TEXT_BYTES);

    private int stage = NO_STAGE;
    private boolean introduced;
    private boolean groupTagDeclared;
    private boolean segmentLengthDeclared;
    private @Nullable SessionParameters parameters;

    /// @param directory what can be logged in to through this portal
    /// @param limits what this target offers
    public LoginNegotiation(TargetDirectory directory, NegotiationLimits limits) {
        this(directory, limits, RANDOM);
    }

    /// @param random where challenges come from
    LoginNegotiation(TargetDirectory directory, NegotiationLimits limits, RandomGenerator random) {
        this.directory = directory;
        this.limits = limits;
        identity = new LoginIdentity(directory);
        authentication = new Authentication(random);
        operational = new OperationalNegotiation(limits);
    }

    /// Answers one Login Request. After a reply with a non-zero status class, or once [#parameters]
    /// is not null, no further call is legal.
    public LoginReply receive(LoginRequest request) {
        assert parameters == null : "login is over";
        LoginStatus failure = checkHeader(request);
        if (failure != null) {
            return LoginReply.reject(failure);
        }
        if (stage == NO_STAGE && request.tsih() != 0) {
            operational.beginFurtherConnection();
        }
        stage = request.currentStage();
        if (!gathering.append(request.data())) {
            return LoginReply.reject(LoginStatus.INITIATOR_ERROR);
        }
        if (request.continueBit()) {
            return new LoginReply(false, false, stage, 0, 0, 0, "");
        }
        List<TextKeys.Pair> pairs = TextKeys.parse(gathering.take());
        if (pairs == null) {
            return LoginReply.reject(LoginStatus.INITIATOR_ERROR);
        }
        StringBuilder text = new StringBuilder();
        failure = negotiate(pairs, text);
        if (failure == null && leavesUnproven(request)) {
            failure = authentication.fail("no authentication", LoginStatus.AUTHENTICATION_FAILURE);
        }
        if (failure != null) {
            return LoginReply.reject(failure);
        }
        TargetDirectory.Moved moved = moved(request);
        return moved == null ? accept(request, text) : redirect(request, moved);
    }

    /// RFC 7143 11.13.5 Status-Class and Status-Detail: an initiator should follow a redirection
    /// before it is authenticated, and must afterwards. Who has nothing to prove is sent on by the
    /// first answer. Where there is something, nobody else is told where the target went, and the
    /// initiator has the target's own proof first.
    private TargetDirectory.@Nullable Moved moved(LoginRequest request) {
        boolean goesOn = request.transit() && request.nextStage() == FULL_FEATURE;
        boolean proofIsDue = stage == SECURITY && authentication.answered() && !goesOn;
        return identity.discovery() || !authentication.passed() || proofIsDue
                ? null
                : directory.moved(identity.targetName());
    }

    /// Not null from the reply on that transits to the full-feature phase.
    public @Nullable SessionParameters parameters() {
        return parameters;
    }

    /// Whether a response to a challenge was judged, right or wrong: what the reply to it tells is
    /// what somebody who guesses secrets wants to know.
    public boolean answeredChallenge() {
        return authentication.answered();
    }

    /// Why authentication failed, for the log; empty unless it has.
    public String authenticationFault() {
        return authentication.fault();
    }

    /// The name that the initiator goes by, normalized; empty until it has given one.
    public String initiatorName() {
        return identity.initiatorName();
    }

    /// Whether the initiator goes past the security stage, or has begun behind it, without what it
    /// must prove. While a method is under way it may only seem so: the answer holds it there.
    private boolean leavesUnproven(LoginRequest request) {
        return !authentication.passed()
                && (stage == OPERATIONAL || (request.transit() && !authentication.underWay()));
    }

    /// RFC 7143 11.12 Login Request: what the flags may say at this point.
    private @Nullable LoginStatus checkHeader(LoginRequest request) {
        if (request.versionMin() > VERSION) {
            return LoginStatus.UNSUPPORTED_VERSION;
        }
        int current = request.currentStage();
        boolean stageLegal =
                stage == NO_STAGE
                        ? current == SECURITY || current == OPERATIONAL
                        : current == stage;
        if (!stageLegal) {
            return LoginStatus.INITIATOR_ERROR;
        }
        if (request.transit()) {
            int next = request.nextStage();
            boolean nextLegal = next > current && (next == OPERATIONAL || next == FULL_FEATURE);
            if (!nextLegal || request.continueBit()) {
                return LoginStatus.INITIATOR_ERROR;
            }
        }
        return null;
    }

    /// Judges a complete text.
    ///
    /// @param reply where the answers go, in the order of the offers
    /// @return null when all is well
    private @Nullable LoginStatus negotiate(List<TextKeys.Pair> pairs, StringBuilder reply) {
        Phase phase = stage == SECURITY ? Phase.SECURITY : Phase.OPERATIONAL;
        if (!seen.add(pairs)) {
            return LoginStatus.INITIATOR_ERROR;
        }
        Map<TextKey, String> offers = new EnumMap<>(TextKey.class);
        for (TextKeys.Pair pair : pairs) {
            TextKey key = TextKey.of(pair.key());
            if (key == null || isReplyToDeclaration(key, pair.value())) {
                continue;
            }
            // RFC 7143 6.3 Login Phase: each stage has its keys, and no others may be used in it.
            if (!key.mayCome(phase) || TextKeys.isReply(pair.value())) {
                return LoginStatus.INITIATOR_ERROR;
            }
            offers.put(key, pair.value());
        }
        LoginStatus failure = introduced ? null : introduce(offers);
        Map<TextKey, String> answers = new EnumMap<>(TextKey.class);
        if (failure == null && phase == Phase.SECURITY) {
            failure = authentication.receive(offers, answers);
        }
        for (Map.Entry<TextKey, String> offer : offers.entrySet()) {
            if (failure == null) {
                failure = judge(offer.getKey(), offer.getValue(), answers);
            }
        }
        for (TextKeys.Pair pair : pairs) {
            TextKey key = TextKey.of(pair.key());
            if (key != null && answers.containsKey(key)) {
                reply.append(TextKeys.format(pair.key(), answers.getOrDefault(key, "")));
            } else if (key == null && !TextKeys.isReply(pair.value())) {
                reply.append(TextKeys.format(pair.key(), TextKeyword.NOT_UNDERSTOOD));
            }
        }
        answers.forEach((key, value) -> {
            if (!offers.containsKey(key)) {
                reply.append(TextKeys.format(key.text(), value));
            }
        });
        return failure;
    }

    /// An initiator of another age may not know what we declared, and must then say so.
    private boolean isReplyToDeclaration(TextKey key, String value) {
        boolean declared =
                (key == TextKey.TARGET_PORTAL_GROUP_TAG && groupTagDeclared)
                        || (key == TextKey.MAX_RECV_DATA_SEGMENT_LENGTH && segmentLengthDeclared);
        return declared && TextKeys.isReply(value);
    }

    private @Nullable LoginStatus introduce(Map<TextKey, String> offers) {
        introduced = true;
        LoginStatus failure = identity.establish(offers);
        authentication.demand(identity.demand());
        if (failure == null && identity.discovery()) {
            operational.beginDiscovery();
        }
        return failure;
    }

    private @Nullable LoginStatus judge(TextKey key, String offer, Map<TextKey, String> answers) {
        return switch (key.rule()) {
            // Taken already, all those of one text together.
            case Proof _ -> null;
            case Choice _, Or _, And _, Minimum _, Maximum _, Obsolete _ -> {
                answers.put(key, operational.answer(key, offer));
                yield null;
            }
            case Declaration declaration ->
                    operational.declareMaxRecvDataSegmentLength(declaration, offer)
                            ? null
                            : LoginStatus.INITIATOR_ERROR;
            case Name _ -> identity.declare(key, offer);
            case Announcement _, Inquiry _ ->
                    throw new AssertionError(key + " belongs to no stage of login");
        };
    }

    private LoginReply accept(LoginRequest request, StringBuilder answers) {
        StringBuilder text = new StringBuilder();
        if (!groupTagDeclared && identity.namesTarget()) {
            // 6.3.1 Login Phase Start: in the first response, whatever the type of the session,
            // when a target was named.
            groupTagDeclared = true;
            text.append(
                    TextKeys.format(
                            TextKeyword.TARGET_PORTAL_GROUP_TAG,
                            Integer.toString(directory.portalGroupTag())));
        }
        text.append(answers);
        if (!segmentLengthDeclared && stage == OPERATIONAL) {
            // No key of security negotiation: who leaves that for the full-feature phase at once
            // goes on with the default.
            segmentLengthDeclared = true;
            text.append(
                    TextKeys.format(
                            TextKeyword.MAX_RECV_DATA_SEGMENT_LENGTH,
                            Integer.toString(limits.maxRecvDataSegmentLength())));
        }
        int current = stage;
        int next = 0;
        boolean transit = request.transit() && authentication.passed();
        if (transit) {
            next = request.nextStage();
            stage = next;
        }
        if (stage == FULL_FEATURE) {
            parameters = agreed();
            text.append(targetAlias());
        }
        assert text.toString().getBytes(StandardCharsets.UTF_8).length
                <= PduDecoder.DEFAULT_MAX_DATA_SEGMENT_BYTES;
        return new LoginReply(transit, false, current, next, 0, 0, text.toString());
    }

    /// 13.6 TargetAlias: at the end, when it is known who asks.
    private String targetAlias() {
        String alias = identity.discovery() ? "" : directory.alias(identity.targetName());
        return alias.isEmpty() ? "" : TextKeys.format(TextKeyword.TARGET_ALIAS, alias);
    }

    private static LoginReply redirect(LoginRequest request, TargetDirectory.Moved moved) {
        return new LoginReply(
                false,
                false,
                request.currentStage(),
                0,
                REDIRECTION,
                moved.permanent() ? MOVED_PERMANENTLY : MOVED_TEMPORARILY,
                TextKeys.format(TextKeyword.TARGET_ADDRESS, moved.address()));
    }

    private SessionParameters agreed() {
        return new SessionParameters(
                identity.initiatorName(),
                identity.initiatorAlias(),
                identity.targetName(),
                authentication.proven(),
                identity.discovery(),
                operational.isDigest(TextKey.HEADER_DIGEST),
                operational.isDigest(TextKey.DATA_DIGEST),
                operational.number(TextKey.MAX_CONNECTIONS),
                operational.isYes(TextKey.INITIAL_R2T),
                operational.isYes(TextKey.IMMEDIATE_DATA),
                operational.number(TextKey.MAX_RECV_DATA_SEGMENT_LENGTH),
                segmentLengthDeclared
                        ? limits.maxRecvDataSegmentLength()
                        : PduDecoder.DEFAULT_MAX_DATA_SEGMENT_BYTES,
                operational.number(TextKey.MAX_BURST_LENGTH),
                operational.firstBurstLength(),
                operational.number(TextKey.DEFAULT_TIME_2_WAIT),
                operational.number(TextKey.DEFAULT_TIME_2_RETAIN),
                operational.number(TextKey.MAX_OUTSTANDING_R2T),
                operational.number(TextKey.ERROR_RECOVERY_LEVEL),
                operational.number(TextKey.ISCSI_PROTOCOL_LEVEL),
                operational.isFastAbort());
    }
}
