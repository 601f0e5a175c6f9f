package io.lunkeeper.target.login;

import java.util.Map;
import org.jscsi.parser.login.LoginStatus;
import org.jscsi.target.settings.TextKeyword;
import org.jspecify.annotations.Nullable;

/// Who logs in to what: what the first request of a login must say (RFC 7143 6.3.1 Login Phase
/// Start).
final class LoginIdentity {
    private final TargetDirectory directory;
    private String initiatorName = "";
    private String initiatorAlias = "";
    private String targetName = "";
    private boolean namesTarget;
    private boolean discovery;
    private Demand demand = Demand.NOTHING;

    LoginIdentity(TargetDirectory directory) {
        this.directory = directory;
    }

    /// Judges the declarations of the first text.
    ///
    /// @return null when the initiator may go on
    @Nullable LoginStatus establish(Map<TextKey, String> offers) {
        String initiator = offers.get(TextKey.INITIATOR_NAME);
        if (initiator == null) {
            return LoginStatus.MISSING_PARAMETER;
        }
        String normalized = IscsiName.normalize(initiator);
        if (normalized == null) {
            return LoginStatus.INITIATOR_ERROR;
        }
        initiatorName = normalized;
        namesTarget = offers.containsKey(TextKey.TARGET_NAME);
        String type = offers.getOrDefault(TextKey.SESSION_TYPE, TextKeyword.NORMAL);
        return switch (type) {
            case TextKeyword.DISCOVERY -> {
                // A TargetName may come along, of a target that there is or not; all that it does
                // is
                // to ask for the portal group, and to tell the session from others.
                discovery = true;
                String named = IscsiName.normalize(offers.getOrDefault(TextKey.TARGET_NAME, ""));
                targetName = named == null ? "" : named;
                demand = directory.discoveryDemand(initiatorName);
                yield null;
            }
            case TextKeyword.NORMAL -> choose(offers.get(TextKey.TARGET_NAME));
            default -> LoginStatus.SESSION_TYPE_NOT_SUPPORTED;
        };
    }

    private @Nullable LoginStatus choose(@Nullable String name) {
        if (name == null) {
            return LoginStatus.MISSING_PARAMETER;
        }
        String normalized = IscsiName.normalize(name);
        targetName = normalized == null ? name : normalized;
        Demand wanted = directory.demand(initiatorName, targetName);
        if (wanted == null) {
            return LoginStatus.NOT_FOUND;
        }
        demand = wanted;
        return null;
    }

    /// Takes a name of any text. Who it is and what for was settled by the first.
    ///
    /// @return null when it agrees with that
    @Nullable LoginStatus declare(TextKey key, String value) {
        if (key == TextKey.INITIATOR_ALIAS) {
            initiatorAlias = value;
        }
        boolean turned =
                key == TextKey.SESSION_TYPE && discovery != value.equals(TextKeyword.DISCOVERY);
        return turned ? LoginStatus.INITIATOR_ERROR : null;
    }

    /// What the initiator must prove for what it wants.
    Demand demand() {
        return demand;
    }

    String initiatorName() {
        return initiatorName;
    }

    String initiatorAlias() {
        return initiatorAlias;
    }

    String targetName() {
        return targetName;
    }

    /// Whether the first text had a TargetName.
    boolean namesTarget() {
        return namesTarget;
    }

    boolean discovery() {
        return discovery;
    }
}
