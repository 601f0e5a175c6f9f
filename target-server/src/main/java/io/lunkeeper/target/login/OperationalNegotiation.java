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
import java.util.EnumMap;
import java.util.Map;
import java.util.OptionalInt;
import org.jscsi.target.settings.TextKeyword;

/// The values that the operational keys have come to: the defaults of RFC 7143 section 13 until the
/// initiator offers or declares something else. A key whose offer is answered with Reject or
/// Irrelevant keeps its default.
final class OperationalNegotiation {

    /// 13.15 DefaultTime2Wait: the default, and long enough for a connection's tasks to be gone.
    private static final int TIME_2_WAIT_SECONDS = 2;

    /// 13.16 DefaultTime2Retain: the default, and long enough for a network to find another way.
    private static final int TIME_2_RETAIN_SECONDS = 20;

    /// 13.24 iSCSIProtocolLevel: RFC 7143 and RFC 7144.
    private static final int PROTOCOL_LEVEL = 2;

    private final NegotiationLimits limits;
    private final Map<TextKey, String> values = new EnumMap<>(TextKey.class);
    private boolean discovery;
    private boolean further;

    OperationalNegotiation(NegotiationLimits limits) {
        this.limits = limits;
    }

    /// The session is one for discovery: keys that make no sense there become Irrelevant.
    void beginDiscovery() {
        discovery = true;
    }

    /// The connection is to join a session: what holds for all of that was settled by the leading
    /// login and is not negotiated again (RFC 7143 section 13, use LO: Leading Only).
    void beginFurtherConnection() {
        further = true;
    }

    /// What to answer to the offer of a key whose value both sides have a say in.
    String answer(TextKey key, String offer) {
        boolean senseless = discovery && key.scope() == TextKey.Scope.NORMAL_SESSION;
        boolean settled = further && key.scope() != TextKey.Scope.CONNECTION;
        if (senseless || settled) {
            return TextKeyword.IRRELEVANT;
        }
        if (key == TextKey.FIRST_BURST_LENGTH
                && isYes(TextKey.INITIAL_R2T)
                && !isYes(TextKey.IMMEDIATE_DATA)) {
            // 13.14 FirstBurstLength: there is no unsolicited data that it could bound.
            return TextKeyword.IRRELEVANT;
        }
        String result =
                switch (key.rule()) {
                    case Choice _ when key == TextKey.TASK_REPORTING -> chooseReporting(offer);
                    case Choice choice -> choice.choose(offer);
                    case Or or -> or.combine(offer);
                    case And and -> and.combine(offer);
                    case Minimum minimum -> minimum.combine(offer, ours(key));
                    case Maximum maximum -> maximum.combine(offer, ours(key));
                    case Obsolete obsolete -> obsolete.answer();
                    case Declaration _, Name _, Proof _, Announcement _, Inquiry _ ->
                            throw new AssertionError(key + " is not negotiated");
                };
        if (!result.equals(TextKeyword.REJECT)) {
            values.put(key, result);
        }
        return result;
    }

    /// 13.23 TaskReporting. What is more than RFC3720 takes a Response Fence (4.2.2.3.3), which is
    /// there by itself with one connection. So a session has that or several connections: whichever
    /// was agreed on first.
    private String chooseReporting(String offer) {
        return number(TextKey.MAX_CONNECTIONS) > 1
                ? TextKey.UNFENCED.choose(offer)
                : ((Choice) TextKey.TASK_REPORTING.rule()).choose(offer);
    }

    /// Takes what the initiator declares its MaxRecvDataSegmentLength to be.
    ///
    /// @return false when the value is none
    boolean declareMaxRecvDataSegmentLength(Declaration rule, String value) {
        OptionalInt number = rule.range().parse(value);
        if (number.isEmpty()) {
            return false;
        }
        values.put(TextKey.MAX_RECV_DATA_SEGMENT_LENGTH, Integer.toString(number.getAsInt()));
        return true;
    }

    private int ours(TextKey key) {
        return switch (key) {
            case MAX_CONNECTIONS ->
                    value(TextKey.TASK_REPORTING).equals(TextKey.RFC_3720)
                            ? limits.maxConnections()
                            : 1;
            case MAX_BURST_LENGTH -> limits.maxBurstLength();
            case FIRST_BURST_LENGTH ->
                    Math.min(limits.firstBurstLength(), number(TextKey.MAX_BURST_LENGTH));
            case DEFAULT_TIME_2_WAIT -> TIME_2_WAIT_SECONDS;
            // Nothing is kept of a discovery session.
            case DEFAULT_TIME_2_RETAIN -> discovery ? 0 : TIME_2_RETAIN_SECONDS;
            case MAX_OUTSTANDING_R2T -> recovers() ? 1 : limits.maxOutstandingR2t();
            // A discovery session has one connection and nothing to recover.
            case ERROR_RECOVERY_LEVEL ->
                    discovery || number(TextKey.MAX_OUTSTANDING_R2T) > 1
                            ? 0
                            : limits.errorRecoveryLevel();
            case ISCSI_PROTOCOL_LEVEL -> PROTOCOL_LEVEL;
            default -> throw new AssertionError(key + " has no number of ours");
        };
    }

    /// 13.19 DataSequenceInOrder, which is Yes here: a target may send the last R2T alone again, so
    /// MaxOutstandingR2T must be 1 where anything is recovered. A session has recovery or several
    /// requests at a time: whichever was agreed on in an earlier text, recovery in the same.
    private boolean recovers() {
        return number(TextKey.ERROR_RECOVERY_LEVEL) > 0;
    }

    boolean isYes(TextKey key) {
        return value(key).equals(TextKeyword.YES);
    }

    boolean isDigest(TextKey key) {
        return !value(key).equals(TextKeyword.NONE);
    }

    boolean isFastAbort() {
        return value(TextKey.TASK_REPORTING).equals(TextKey.FAST_ABORT);
    }

    int number(TextKey key) {
        return Integer.parseInt(value(key));
    }

    /// 13.14 FirstBurstLength never exceeds MaxBurstLength, not even as a default.
    int firstBurstLength() {
        return Math.min(number(TextKey.FIRST_BURST_LENGTH), number(TextKey.MAX_BURST_LENGTH));
    }

    private String value(TextKey key) {
        return values.getOrDefault(key, key.defaultValue());
    }
}
