package io.lunkeeper.target;

import io.lunkeeper.target.login.TargetDirectory;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/// The targets of the moment as one connection sees them: who may log in, and which addresses
/// SendTargets gives. Safe from any thread.
///
/// An initiator tries every address that it is told, so it is told those only that it may reach
/// from where it is. A portal that listens on every address is one under the address that the
/// connection came to: of no other is it known that it can be reached.
final class PortalDirectory implements TargetDirectory {
    private final ServedTargets targets;
    private final List<Advertised> portals;
    private final InetAddress local;
    private final int portalGroupTag;

    /// A portal's address as the server listens on it.
    record Advertised(InetSocketAddress address, int group) {
        /// Where somebody finds this portal whose connection came to `local`; nothing when that is
        /// not known.
        Optional<InetSocketAddress> seenFrom(InetAddress local) {
            InetAddress here = address.getAddress();
            if (here.isAnyLocalAddress()) {
                return here instanceof Inet6Address || local instanceof Inet4Address
                        ? Optional.of(new InetSocketAddress(local, address.getPort()))
                        : Optional.empty();
            }
            boolean elsewhere =
                    (here.isLoopbackAddress() && !local.isLoopbackAddress())
                            || (here instanceof Inet6Address six
                                    && six.isLinkLocalAddress()
                                    && !sameLink(six, local));
            return elsewhere ? Optional.empty() : Optional.of(address);
        }

        private static boolean sameLink(Inet6Address here, InetAddress local) {
            return local instanceof Inet6Address there
                    && there.isLinkLocalAddress()
                    && there.getScopeId() == here.getScopeId();
        }
    }

    /// The targets through a portal of `portalGroupTag`.
    ///
    /// @param portals all of the server
    /// @param local the address that the connection came to
    PortalDirectory(
            ServedTargets targets,
            List<Advertised> portals,
            InetAddress local,
            int portalGroupTag) {
        this.targets = targets;
        this.portals = portals;
        this.local = local;
        this.portalGroupTag = portalGroupTag;
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
    public String alias(String targetName) {
        ServedTargets.Served target = targets.target(targetName);
        return target == null ? "" : target.spec().alias().orElse("");
    }

    @Override
    public int portalGroupTag() {
        return portalGroupTag;
    }

    @Override
    public Iterator<Listing> listings(String initiatorName) {
        List<String> addresses = addresses(portals, local);
        return targets.targets().stream()
                .filter(target -> target.spec().admits(initiatorName))
                .map(target -> new Listing(target.spec().iqn(), addresses))
                .iterator();
    }

    /// What a connection that came to `local` is told of the portals.
    static List<String> addresses(List<Advertised> portals, InetAddress local) {
        List<String> addresses = new ArrayList<>();
        for (Advertised each : portals) {
            each.seenFrom(local)
                    .map(seen -> PortalAddress.advertised(seen, each.group()))
                    .ifPresent(addresses::add);
        }
        return addresses;
    }
}
