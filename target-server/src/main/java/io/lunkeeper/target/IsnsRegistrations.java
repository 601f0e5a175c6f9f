package io.lunkeeper.target;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.isns.IsnsClient;
import io.lunkeeper.target.isns.IsnsStatus;
import io.lunkeeper.target.isns.NetworkEntity;
import io.lunkeeper.target.isns.NetworkEntity.Portal;
import io.lunkeeper.target.isns.NetworkEntity.StorageNode;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// The targets of the moment as servers of names hear of them (RFC 4171): all whose configuration
/// does not keep them back, at every address that others can reach. Who finds a target there may
/// not log in for that. Safe from any thread.
final class IsnsRegistrations implements AutoCloseable {
    private static final Logger LOG = LogManager.getLogger(IsnsRegistrations.class);

    /// All of them are in one message, of which servers in use take 8 KiB.
    private static final int MAX_PORTALS = 64;

    private final ServedTargets targets;
    private final List<PortalDirectory.Advertised> portals;
    private final List<IsnsClient> clients = new ArrayList<>();
    private @Nullable String identifier;

    /// Nothing is registered anywhere yet.
    ///
    /// @param portals all of the server
    IsnsRegistrations(ServedTargets targets, List<PortalDirectory.Advertised> portals) {
        this.targets = targets;
        this.portals = portals;
    }

    /// Begins to register.
    ///
    /// @throws IOException when the process is out of descriptors
    void start(Configuration.Isns wanted) throws IOException {
        for (InetSocketAddress each : wanted.servers()) {
            clients.add(
                    IsnsClient.start(
                            each,
                            PortalAddress.text(each),
                            local -> entity(identifier(wanted), local)));
        }
    }

    /// The same to the end of the server, whatever becomes of the machine's name.
    private synchronized String identifier(Configuration.Isns wanted) {
        String known = identifier;
        if (known == null) {
            known = wanted.entity().orElseGet(this::usualIdentifier);
            identifier = known;
        }
        return known;
    }

    /// One that another Lunkeeper beside this one has not. Takes as long as a resolver does.
    private String usualIdentifier() {
        String host;
        try {
            host = InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException nameless) {
            LOG.debug("this machine's name has no address", nameless);
            host = "localhost";
        }
        return host + ":" + portals.getFirst().address().getPort();
    }

    /// What is to be registered at a server that is reached from `local`.
    NetworkEntity entity(String identifier, InetAddress local) {
        return new NetworkEntity(
                identifier,
                portals(portals, local, interfaceAddresses()),
                targets.targets().stream()
                        .map(ServedTargets.Served::spec)
                        .filter(Configuration.Target::isns)
                        .map(each -> new StorageNode(each.iqn(), each.alias().orElse("")))
                        .toList());
    }

    /// Where others find the portals. A portal that listens on every address is found at those of
    /// this machine, as they are now; one on loopback by nobody but a server that is reached
    /// through loopback too. A link-local address means nothing without the link that it is of, for
    /// which RFC 4171 has no field.
    ///
    /// @param machine all addresses of this machine
    static List<Portal> portals(
            List<PortalDirectory.Advertised> portals,
            InetAddress local,
            List<InetAddress> machine) {
        return portals.stream()
                .flatMap(each -> {
                    InetAddress listens = each.address().getAddress();
                    Stream<InetAddress> addresses =
                            listens.isAnyLocalAddress()
                                    ? machine.stream()
                                            .filter(a -> !a.isLoopbackAddress())
                                            .filter(a -> isOfFamily(a, listens))
                                    : Stream.of(listens);
                    return addresses
                            .filter(a -> !a.isLinkLocalAddress())
                            .filter(a -> !a.isLoopbackAddress() || local.isLoopbackAddress())
                            .map(a ->
                                    new Portal(
                                            new InetSocketAddress(a, each.address().getPort()),
                                            each.group()));
                })
                .distinct()
                .sorted(Comparator.comparing(each -> each.address().toString()))
                .limit(MAX_PORTALS)
                .toList();
    }

    /// `[::]` listens for IPv4 too.
    private static boolean isOfFamily(InetAddress address, InetAddress wildcard) {
        return address instanceof Inet4Address || !(wildcard instanceof Inet4Address);
    }

    private static List<InetAddress> interfaceAddresses() {
        try {
            return NetworkInterface.networkInterfaces()
                    .filter(IsnsRegistrations::isUp)
                    .flatMap(NetworkInterface::inetAddresses)
                    .toList();
        } catch (SocketException unknown) {
            LOG.warn("addresses of this machine are not known: {}", unknown.getMessage());
            return List.of();
        }
    }

    private static boolean isUp(NetworkInterface each) {
        try {
            return each.isUp();
        } catch (SocketException gone) {
            LOG.debug("interface {} is gone", each.getName(), gone);
            return false;
        }
    }

    /// Targets have come, gone or changed.
    void change() {
        clients.forEach(IsnsClient::change);
    }

    /// Begins to take back what is registered.
    void stop() {
        clients.forEach(IsnsClient::stop);
    }

    /// How it stands with each server, at once.
    List<IsnsStatus> status() {
        return clients.stream().map(IsnsClient::status).toList();
    }

    /// Takes back what is registered, as far as servers answer.
    @Override
    public void close() {
        stop();
        clients.forEach(IsnsClient::close);
    }
}
