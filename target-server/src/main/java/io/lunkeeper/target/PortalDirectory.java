package io.lunkeeper.target;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.login.TargetDirectory;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The configured targets as one connection sees them: who may log in, and which addresses
/// SendTargets gives. Immutable.
final class PortalDirectory implements TargetDirectory {
    private final Map<String, Configuration.Target> targets;
    private final List<String> addresses;
    private final int portalGroupTag;

    /// A portal's address as SendTargets gives it.
    record Advertised(InetSocketAddress address, int group) {}

    private PortalDirectory(
            Map<String, Configuration.Target> targets, List<String> addresses, int portalGroupTag) {
        this.targets = targets;
        this.addresses = addresses;
        this.portalGroupTag = portalGroupTag;
    }

    /// The targets without addresses: where a portal is reached is told by [#through].
    static PortalDirectory of(List<Configuration.Target> targets) {
        Map<String, Configuration.Target> byName = new LinkedHashMap<>();
        targets.forEach(target -> byName.put(target.iqn(), target));
        return new PortalDirectory(byName, List.of(), 1);
    }

    /// The same targets through a portal of `group`. A portal that listens on every address is
    /// advertised under the one that the connection came to: no other is known to be reachable.
    PortalDirectory through(List<Advertised> portals, InetSocketAddress local, int group) {
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
        return targets.containsKey(targetName);
    }

    @Override
    public boolean admits(String initiatorName, String targetName) {
        Configuration.Target target = targets.get(targetName);
        return target != null && target.admits(initiatorName);
    }

    @Override
    public int portalGroupTag() {
        return portalGroupTag;
    }

    @Override
    public List<Listing> listings(String initiatorName) {
        return targets.keySet().stream()
                .filter(name -> admits(initiatorName, name))
                .map(name -> new Listing(name, addresses))
                .toList();
    }
}
