package io.lunkeeper.target;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.Configuration.Access;
import io.lunkeeper.target.login.ChapAccount;
import io.lunkeeper.target.login.ChapSecret;
import io.lunkeeper.target.login.Demand;
import io.lunkeeper.target.login.SessionParameters;
import io.lunkeeper.target.login.TargetDirectory;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The targets of the moment as one connection sees them: who may log in, and which addresses
/// SendTargets gives. Safe from any thread.
///
/// An initiator tries every address that it is told, so it is told those only that it may reach
/// from where it is. A portal that listens on every address is one under the address that the
/// connection came to: of no other is it known that it can be reached.
final class PortalDirectory implements TargetDirectory {
    private final ServedTargets targets;
    private final List<Advertised> portals;
    private final InetSocketAddress local;
    private final InetAddress remote;
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
    /// @param remote the address that it came from
    PortalDirectory(
            ServedTargets targets,
            List<Advertised> portals,
            InetSocketAddress local,
            InetAddress remote,
            int portalGroupTag) {
        this.targets = targets;
        this.portals = portals;
        this.local = local;
        this.remote = remote;
        this.portalGroupTag = portalGroupTag;
    }

    /// Where anything here needs proof, what there is not is asked for in vain in the same way.
    @Override
    public @Nullable Demand demand(String initiatorName, String targetName) {
        ServedTargets.Served target = targets.target(targetName);
        List<Access> fitting = target == null ? List.of() : access(target, initiatorName);
        if (!fitting.isEmpty()) {
            List<ChapAccount> accounts = accounts(fitting.stream());
            return isOpen(fitting) ? Demand.optionally(accounts) : Demand.anyOf(accounts);
        }
        return isSecretive()
                ? Demand.impossible(
                        target == null ? "unknown target" : "the target does not admit it")
                : null;
    }

    /// Who need not prove anything may, and finds more.
    @Override
    public Demand discoveryDemand(String initiatorName) {
        List<ChapAccount> ofDiscovery = chapAccounts(targets.discoveryAuth().stream());
        if (!ofDiscovery.isEmpty()) {
            return Demand.anyOf(ofDiscovery);
        }
        List<ChapAccount> ofTargets =
                accounts(
                        targets.targets().stream()
                                .flatMap(target -> access(target, initiatorName).stream()));
        return ofTargets.isEmpty() && isSecretive()
                ? Demand.inVain("no target asks it to")
                : Demand.optionally(ofTargets);
    }

    /// Whether anything here is for those only who prove who they are.
    private boolean isSecretive() {
        return !targets.discoveryAuth().isEmpty()
                || targets.targets().stream()
                        .flatMap(target -> target.spec().access().stream())
                        .anyMatch(each -> !each.auth().isEmpty());
    }

    /// Whether one of them lets in without proof.
    private static boolean isOpen(List<Access> fitting) {
        return fitting.stream().anyMatch(each -> each.auth().isEmpty());
    }

    /// Those of the first that the initiator fits and has met.
    @Override
    public @Nullable Map<Integer, Integer> luns(SessionParameters agreed) {
        ServedTargets.Served target = targets.target(agreed.targetName());
        if (agreed.discovery() || target == null) {
            return TargetDirectory.super.luns(agreed);
        }
        return moved(agreed.targetName()) != null
                ? null
                : access(target, agreed.initiatorName()).stream()
                        .filter(each -> isMetBy(agreed.proven(), each))
                        .findFirst()
                        .map(Access::luns)
                        .orElse(null);
    }

    private static boolean isMetBy(List<ChapAccount> proven, Access access) {
        return access.auth().isEmpty()
                || !Collections.disjoint(proven, chapAccounts(access.auth().stream()));
    }

    /// Who has come to the new address already is there: it may be another portal of this server.
    @Override
    public @Nullable Moved moved(String targetName) {
        ServedTargets.Served target = targets.target(targetName);
        Configuration.Moved moved = target == null ? null : target.spec().moved().orElse(null);
        return moved == null || moved.to().equals(local)
                ? null
                : new Moved(PortalAddress.text(moved.to()), moved.permanent());
    }

    @Override
    public String alias(String targetName) {
        ServedTargets.Served target = targets.target(targetName);
        return target == null ? "" : target.spec().alias().orElse("");
    }

    @Override
    public String portal() {
        return local.toString();
    }

    @Override
    public int portalGroupTag() {
        return portalGroupTag;
    }

    @Override
    public Iterator<Listing> listings(String initiatorName, List<ChapAccount> proven) {
        List<String> addresses = addresses(portals, local.getAddress());
        boolean all = !Collections.disjoint(proven, chapAccounts(targets.discoveryAuth().stream()));
        return targets.targets().stream()
                .filter(target ->
                        access(target, initiatorName).stream()
                                .anyMatch(each -> all || isMetBy(proven, each)))
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

    private List<Access> access(ServedTargets.Served target, String initiatorName) {
        return target.spec().access(initiatorName, remote);
    }

    private static List<ChapAccount> accounts(Stream<Access> access) {
        return chapAccounts(access.flatMap(each -> each.auth().stream()));
    }

    private static List<ChapAccount> chapAccounts(Stream<Configuration.Auth> auth) {
        return auth.map(each ->
                        new ChapAccount(
                                each.user(),
                                new ChapSecret(each.secret().bytes()),
                                each.mutual()
                                        .map(mutual ->
                                                new ChapAccount.Mutual(
                                                        mutual.user(),
                                                        new ChapSecret(mutual.secret().bytes())))))
                .toList();
    }
}
