package io.lunkeeper.target.login;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The targets that an initiator can reach through one portal, as login and SendTargets see them.
/// Implementations are immutable or safe from any thread.
public interface TargetDirectory {

    /// What the initiator must prove to log in to a target. Who must not know whether there is such
    /// a target is answered in the same way whether there is or not.
    ///
    /// @param targetName normalized, or what is no iSCSI name at all
    /// @return null when there is no such target for this initiator, and it may know
    @Nullable Demand demand(String initiatorName, String targetName);

    /// What the initiator must, or may, prove in a discovery session.
    Demand discoveryDemand(String initiatorName);

    /// The LUNs that are there for an initiator in the session that is to begin, with what it has
    /// proven: their numbers by those that it sees them under; none: all of the target as they are.
    ///
    /// @return null when it may not begin it: what is asked for may have changed since its login
    ///   began
    default @Nullable Map<Integer, Integer> luns(SessionParameters agreed) {
        Demand now =
                agreed.discovery()
                        ? discoveryDemand(agreed.initiatorName())
                        : demand(agreed.initiatorName(), agreed.targetName());
        return now != null && now.isMetBy(agreed.proven()) ? Map.of() : null;
    }

    /// Where the target is to be found instead of here; null when it is here. Only for who may log
    /// in to it.
    default @Nullable Moved moved(String targetName) {
        return null;
    }

    /// RFC 7143 13.6 TargetAlias: what people call the target; empty when they call it nothing.
    String alias(String targetName);

    /// The address that the connection came to, in whatever form tells it from others.
    default String portal() {
        return "";
    }

    /// RFC 7143 13.9 TargetPortalGroupTag of the portal that the connection came to.
    int portalGroupTag();

    /// RFC 7143 Appendix C: what SendTargets tells this initiator, in the order of the
    /// configuration; only targets that it may log in to with what it has proven. Made as it is
    /// asked for: of thousands of targets there is no copy for each that wants to know.
    Iterator<Listing> listings(String initiatorName, List<ChapAccount> proven);

    /// Where a target has gone.
    ///
    /// @param address `host:port`: in a redirection there is no portal group tag (13.8)
    /// @param permanent whether an initiator may forget the old address
    record Moved(String address, boolean permanent) {}

    /// One target as SendTargets lists it.
    ///
    /// @param targetName the iSCSI name
    /// @param addresses each `host:port,group` as TargetAddress wants it (13.8)
    record Listing(String targetName, List<String> addresses) {}
}
