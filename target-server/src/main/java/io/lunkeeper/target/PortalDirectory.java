package io.lunkeeper.target;

import io.lunkeeper.target.login.TargetDirectory;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/// The targets of the moment as one connection sees them: who may log in, and which addresses
/// SendTargets gives. Safe from any thread.
final class PortalDirectory implements TargetDirectory {
    private final ServedTargets targets;
    private final List<String> addresses;
    private final int portalGroupTag;

    /// A portal's address as SendTargets gives it.
    record Advertised(InetSocketAddress address, int group) {}

    private PortalDirectory(ServedTargets targets, List<String> addresses, int portalGroupTag) {
        this.targets = targets;
        this.addresses = addresses;
        this.portalGroupTag = portalGroupTag;
    }

    /// The targets through a portal of `group`. A portal that listens on every address is
    /// advertised under the one that the connection came to: no other is known to be reachable.
    static PortalDirectory through(
            ServedTargets targets, List<Advertised> portals, InetSocketAddress local, int group) {
        List<String> reachable = new ArrayList<>();
        for (Advertised portal : portals) {
            InetSocketAddress shown =
                    portal.address().getAddress().isAnyLocalAddress()
                            ? new InetSocketAddress(local.getAddress(), portal.address().getPort())
                            : portal.address();
            reachable.add(PortalAddress.text(shown) + "," + portal.group());
        }
        return new PortalDirectory(targets, reachable, group);
    }

    @Override
    public boolean serves(String targetName) {
        return targets.target(targetName) != null;
    }

    @Override
    public boolean admits(String initiatorName, String targetName) {
        ServedTargets.Served target = targets.target(targetName);
        return target != null && target.spec().admits(initiatorName);
    }

    @Override
    public int portalGroupTag() {
        return portalGroupTag;
    }

    @Override
    public List<Listing> listings(String initiatorName) {
        return targets.targets().stream()
                .filter(target -> target.spec().admits(initiatorName))
                .map(target -> new Listing(target.spec().iqn(), addresses))
                .toList();
    }
}
