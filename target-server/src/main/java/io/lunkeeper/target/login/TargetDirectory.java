package io.lunkeeper.target.login;

import java.util.Iterator;
import java.util.List;

/// The targets that an initiator can reach through one portal, as login and SendTargets see them.
/// Implementations are immutable or safe from any thread.
public interface TargetDirectory {

    /// Whether a target of this normalized name is served here at all.
    boolean serves(String targetName);

    /// Whether the initiator may log in to the target.
    boolean admits(String initiatorName, String targetName);

    /// RFC 7143 13.4 TargetAlias: what people call the target; empty when they call it nothing.
    String alias(String targetName);

    /// RFC 7143 13.9 TargetPortalGroupTag of the portal that the connection came to.
    int portalGroupTag();

    /// RFC 7143 Appendix C: what SendTargets tells this initiator, in the order of the
    /// configuration; only targets that it may log in to. Made as it is asked for: of thousands of
    /// targets there is no copy for each that wants to know.
    Iterator<Listing> listings(String initiatorName);

    /// One target as SendTargets lists it.
    ///
    /// @param targetName the iSCSI name
    /// @param addresses each `host:port,group` as TargetAddress wants it (13.8)
    record Listing(String targetName, List<String> addresses) {}
}
