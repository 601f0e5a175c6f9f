package io.lunkeeper.target.login;

import static org.jscsi.target.settings.TextKeyword.NO;
import static org.jscsi.target.settings.TextKeyword.NONE;
import static org.jscsi.target.settings.TextKeyword.REJECT;
import static org.jscsi.target.settings.TextKeyword.YES;

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
import io.lunkeeper.target.login.KeyRule.Range;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jscsi.target.settings.TextKeyword;
import org.jspecify.annotations.Nullable;

/// The keys of RFC 7143 section 13 Login/Text Operational Text Keys, and AuthMethod and those of
/// CHAP of section 12, one row each. Offers of one text are judged in this order: FirstBurstLength
/// depends on three keys above it, MaxOutstandingR2T on ErrorRecoveryLevel.
enum TextKey {
    AUTH_METHOD(TextKeyword.AUTH_METHOD, Scope.CONNECTION, Use.SECURITY, new Proof(), NONE),
    CHAP_A("CHAP_A", Scope.CONNECTION, Use.SECURITY, new Proof(), ""),
    CHAP_I("CHAP_I", Scope.CONNECTION, Use.SECURITY, new Proof(), ""),
    CHAP_C("CHAP_C", Scope.CONNECTION, Use.SECURITY, new Proof(), ""),
    CHAP_N("CHAP_N", Scope.CONNECTION, Use.SECURITY, new Proof(), ""),
    CHAP_R("CHAP_R", Scope.CONNECTION, Use.SECURITY, new Proof(), ""),
    HEADER_DIGEST(
            TextKeyword.HEADER_DIGEST, Scope.CONNECTION, Use.OPERATIONAL, Digests.CHOICE, NONE),
    DATA_DIGEST(TextKeyword.DATA_DIGEST, Scope.CONNECTION, Use.OPERATIONAL, Digests.CHOICE, NONE),
    MAX_CONNECTIONS(
            TextKeyword.MAX_CONNECTIONS,
            Scope.NORMAL_SESSION,
            Use.OPERATIONAL,
            new Minimum(new Range(1, 65535)),
            "1"),
    SEND_TARGETS(TextKeyword.SEND_TARGETS, Scope.SESSION, Use.FULL_FEATURE, new Inquiry(), ""),
    TARGET_NAME(TextKeyword.TARGET_NAME, Scope.SESSION, Use.LOGIN, new Name(), ""),
    INITIATOR_NAME(TextKeyword.INITIATOR_NAME, Scope.SESSION, Use.LOGIN, new Name(), ""),
    TARGET_ALIAS(TextKeyword.TARGET_ALIAS, Scope.SESSION, Use.TARGET, new Announcement(), ""),
    INITIATOR_ALIAS(TextKeyword.INITIATOR_ALIAS, Scope.SESSION, Use.ALL, new Name(), ""),
    TARGET_ADDRESS(TextKeyword.TARGET_ADDRESS, Scope.SESSION, Use.TARGET, new Announcement(), ""),
    TARGET_PORTAL_GROUP_TAG(
            TextKeyword.TARGET_PORTAL_GROUP_TAG, Scope.SESSION, Use.TARGET, new Announcement(), ""),
    INITIAL_R2T(TextKeyword.INITIAL_R_2_T, Scope.NORMAL_SESSION, Use.OPERATIONAL, new Or(NO), YES),
    IMMEDIATE_DATA(
            TextKeyword.IMMEDIATE_DATA, Scope.NORMAL_SESSION, Use.OPERATIONAL, new And(), YES),
    MAX_RECV_DATA_SEGMENT_LENGTH(
            TextKeyword.MAX_RECV_DATA_SEGMENT_LENGTH,
            Scope.CONNECTION,
            Use.OPERATIONAL_AND_FULL_FEATURE,
            new Declaration(Lengths.RANGE),
            "8192"),
    MAX_BURST_LENGTH(
            TextKeyword.MAX_BURST_LENGTH,
            Scope.NORMAL_SESSION,
            Use.OPERATIONAL,
            new Minimum(Lengths.RANGE),
            "262144"),
    FIRST_BURST_LENGTH(
            TextKeyword.FIRST_BURST_LENGTH,
            Scope.NORMAL_SESSION,
            Use.OPERATIONAL,
            new Minimum(Lengths.RANGE),
            "65536"),
    DEFAULT_TIME_2_WAIT(
            TextKeyword.DEFAULT_TIME_2_WAIT,
            Scope.SESSION,
            Use.OPERATIONAL,
            new Maximum(new Range(0, 3600)),
            "2"),
    DEFAULT_TIME_2_RETAIN(
            TextKeyword.DEFAULT_TIME_2_RETAIN,
            Scope.SESSION,
            Use.OPERATIONAL,
            new Minimum(new Range(0, 3600)),
            "20"),
    DATA_PDU_IN_ORDER(
            TextKeyword.DATA_PDU_IN_ORDER, Scope.NORMAL_SESSION, Use.OPERATIONAL, new Or(YES), YES),
    DATA_SEQUENCE_IN_ORDER(
            TextKeyword.DATA_SEQUENCE_IN_ORDER,
            Scope.NORMAL_SESSION,
            Use.OPERATIONAL,
            new Or(YES),
            YES),
    ERROR_RECOVERY_LEVEL(
            TextKeyword.ERROR_RECOVERY_LEVEL,
            Scope.SESSION,
            Use.OPERATIONAL,
            new Minimum(new Range(0, 2)),
            "0"),
    MAX_OUTSTANDING_R2T(
            TextKeyword.MAX_OUTSTANDING_R_2_T,
            Scope.NORMAL_SESSION,
            Use.OPERATIONAL,
            new Minimum(new Range(1, 65535)),
            "1"),
    SESSION_TYPE(
            TextKeyword.SESSION_TYPE, Scope.SESSION, Use.LOGIN, new Name(), TextKeyword.NORMAL),
    TASK_REPORTING(
            "TaskReporting",
            Scope.NORMAL_SESSION,
            Use.OPERATIONAL,
            new Choice(List.of(TextKey.RFC_3720, "ResponseFence", TextKey.FAST_ABORT)),
            TextKey.RFC_3720),
    /// 1 stands for RFC 7143 itself, 2 for RFC 7144 with it.
    ISCSI_PROTOCOL_LEVEL(
            "iSCSIProtocolLevel",
            Scope.NORMAL_SESSION,
            Use.OPERATIONAL,
            new Minimum(new Range(0, 31)),
            "1"),
    /// 13.25 Obsoleted Keys allows Reject and No for the switches; initiators of RFC 3720 take the
    /// latter.
    IF_MARKER(TextKeyword.IF_MARKER, Scope.CONNECTION, Use.OPERATIONAL, new Obsolete(NO), NO),
    OF_MARKER(TextKeyword.OF_MARKER, Scope.CONNECTION, Use.OPERATIONAL, new Obsolete(NO), NO),
    IF_MARK_INT(
            TextKeyword.IF_MARK_INT, Scope.CONNECTION, Use.OPERATIONAL, new Obsolete(REJECT), ""),
    OF_MARK_INT(
            TextKeyword.OF_MARK_INT, Scope.CONNECTION, Use.OPERATIONAL, new Obsolete(REJECT), ""),
    NODE_ARCHITECTURE("X#NodeArchitecture", Scope.SESSION, Use.LOGIN, new Name(), "");

    /// Values of TaskReporting.
    static final String RFC_3720 = "RFC3720";

    static final String FAST_ABORT = "FastAbort";

    /// TaskReporting of sessions with several connections.
    static final Choice UNFENCED = new Choice(List.of(RFC_3720));

    /// Where a value holds.
    enum Scope {
        CONNECTION,
        SESSION,
        /// The session, unless it is one for discovery: the key is Irrelevant there.
        NORMAL_SESSION
    }

    /// Where negotiation stands.
    enum Phase {
        SECURITY,
        OPERATIONAL,
        FULL_FEATURE
    }

    /// Where an initiator may send a key.
    enum Use {
        SECURITY(List.of(Phase.SECURITY)),
        OPERATIONAL(List.of(Phase.OPERATIONAL)),
        LOGIN(List.of(Phase.SECURITY, Phase.OPERATIONAL)),
        OPERATIONAL_AND_FULL_FEATURE(List.of(Phase.OPERATIONAL, Phase.FULL_FEATURE)),
        FULL_FEATURE(List.of(Phase.FULL_FEATURE)),
        ALL(List.of(Phase.values())),
        /// Nowhere: targets send it.
        TARGET(List.of());

        private final List<Phase> phases;

        Use(List<Phase> phases) {
            this.phases = phases;
        }

        boolean allows(Phase phase) {
            return phases.contains(phase);
        }
    }

    /// 13.1 HeaderDigest and DataDigest.
    private static final class Digests {
        static final Choice CHOICE = new Choice(List.of("CRC32C", NONE));
    }

    /// Lengths of segments and bursts.
    private static final class Lengths {
        static final Range RANGE = new Range(512, (1 << 24) - 1);
    }

    private static final Map<String, TextKey> BY_NAME = new HashMap<>();

    static {
        for (TextKey key : values()) {
            BY_NAME.put(key.text, key);
        }
    }

    private final String text;
    private final Scope scope;
    private final Use use;
    private final KeyRule rule;
    private final String defaultValue;

    TextKey(String text, Scope scope, Use use, KeyRule rule, String defaultValue) {
        this.text = text;
        this.scope = scope;
        this.use = use;
        this.rule = rule;
        this.defaultValue = defaultValue;
    }

    /// The key of that name, exactly as spelt; null when there is none.
    static @Nullable TextKey of(String text) {
        return BY_NAME.get(text);
    }

    /// The name on the wire.
    String text() {
        return text;
    }

    Scope scope() {
        return scope;
    }

    boolean mayCome(Phase phase) {
        return use.allows(phase);
    }

    /// How long one value of the key may be, in bytes (6.1 Text Format; 12.1.3 for CHAP).
    int maxValueBytes() {
        return this == CHAP_C || this == CHAP_R
                ? BinaryValue.textBytes(Chap.MAX_BINARY_BYTES)
                : TextKeys.MAX_VALUE_BYTES;
    }

    KeyRule rule() {
        return rule;
    }

    /// What holds when nobody mentions the key; empty where there is no such value.
    String defaultValue() {
        return defaultValue;
    }
}
