package io.lunkeeper.target.login;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jscsi.parser.login.LoginStatus;
import org.jscsi.target.settings.TextKeyword;
import org.jspecify.annotations.Nullable;

/// RFC 7143 12 iSCSI Security Text Keys and Authentication Methods: the method that one login comes
/// to, and what was proven by it. Nobody gets past it who must prove something and has not.
final class Authentication {
    private static final String CHAP = "CHAP";

    private final RandomGenerator random;
    private Demand demand = Demand.NOTHING;
    private @Nullable Chap chap;
    private String fault = "";

    /// @param random not to be foreseen
    Authentication(RandomGenerator random) {
        this.random = random;
    }

    /// Says what is to be proven, before anything is.
    void demand(Demand wanted) {
        demand = wanted;
    }

    /// Takes what one text of the security stage says of authentication: AuthMethod, or keys of
    /// CHAP once that has begun.
    ///
    /// @param answers where the answers go
    /// @return null when all is well
    @Nullable LoginStatus receive(Map<TextKey, String> offers, Map<TextKey, String> answers) {
        Map<TextKey, String> ofChap = new EnumMap<>(TextKey.class);
        offers.forEach((key, value) -> {
            if (key.rule() instanceof KeyRule.Proof && key != TextKey.AUTH_METHOD) {
                ofChap.put(key, value);
            }
        });
        String methods = offers.get(TextKey.AUTH_METHOD);
        if (methods != null) {
            return ofChap.isEmpty()
                    ? choose(methods, answers)
                    : fail("CHAP before its time", LoginStatus.INITIATOR_ERROR);
        }
        Chap begun = chap;
        if (begun == null) {
            return ofChap.isEmpty()
                    ? null
                    : fail("CHAP was not agreed on", LoginStatus.INITIATOR_ERROR);
        }
        if (ofChap.isEmpty() && passed()) {
            return null;
        }
        LoginStatus failure = begun.receive(ofChap, answers);
        return failure == null ? null : fail(begun.fault(), failure);
    }

    /// Whether the initiator may go on to the next stage.
    boolean passed() {
        return chap == null ? !demand.required() : !proven().isEmpty();
    }

    /// Whether the next text, if it is the right one, tells whether the initiator knows a secret.
    boolean underWay() {
        return chap != null && !passed();
    }

    /// Whether a response to a challenge was judged, right or wrong.
    boolean answered() {
        return chap != null && chap.answered();
    }

    /// The accounts that the initiator has proven.
    List<ChapAccount> proven() {
        return chap == null ? List.of() : chap.proven();
    }

    /// Why authentication failed, for the log; or empty.
    String fault() {
        return fault;
    }

    /// Notes why authentication has failed.
    ///
    /// @return what to tell the initiator
    LoginStatus fail(String why, LoginStatus status) {
        fault = demand.whyNone().isEmpty() ? why : demand.whyNone();
        return status;
    }

    /// What must be proven is never left out because the initiator would like to. Otherwise its
    /// order counts (RFC 7143 6.2.1 List Negotiations).
    private @Nullable LoginStatus choose(String offer, Map<TextKey, String> answers) {
        for (String method : offer.split(",", -1)) {
            if (method.equals(CHAP) && demand.concernsAnybody()) {
                chap = new Chap(demand.accounts(), random);
            } else if (!method.equals(TextKeyword.NONE) || demand.required()) {
                continue;
            }
            answers.put(TextKey.AUTH_METHOD, method);
            return null;
        }
        return fail("no authentication method in common", LoginStatus.AUTHENTICATION_FAILURE);
    }
}
