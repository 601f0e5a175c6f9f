package io.lunkeeper.target;

import static java.util.Objects.requireNonNull;

import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.ConfigurationException;
import io.lunkeeper.target.config.Problem;
import io.lunkeeper.target.config.Reload;
import io.lunkeeper.target.config.UnservableException;
import io.lunkeeper.target.login.NegotiationLimits;
import io.lunkeeper.target.net.EventLoop;
import io.lunkeeper.target.net.Portal;
import io.lunkeeper.target.scsi.DeviceServer;
import io.lunkeeper.target.session.IscsiConnection;
import io.lunkeeper.target.session.Session;
import io.lunkeeper.target.session.SessionRegistry;
import io.lunkeeper.target.session.TargetNode;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/// A running server: opens what the configuration names, wires the rooms, and takes it all down
/// again in the order that loses nothing. Safe from any thread.
public final class TargetServer implements AutoCloseable {
    private static final Logger LOG = LogManager.getLogger(TargetServer.class);

    /// How long sessions may take to bring their last I/O to rest when the server ends. A disk that
    /// does not answer for longer will not do so while we wait.
    private static final long STOP_SECONDS = 30;

    private final List<EventLoop> loops = new ArrayList<>();
    private final List<Portal> portals = new ArrayList<>();
    private final List<PortalDirectory.Advertised> advertised = new ArrayList<>();
    private final List<LunBackend> backends = new ArrayList<>();
    private final Map<String, TargetNode> targets = new HashMap<>();
    private final SessionRegistry registry = new SessionRegistry();
    private final Map<String, LunBackend> opened = new HashMap<>();
    private final Configuration configuration;
    private final BooleanSupplier stopping;

    private TargetServer(Configuration configuration, BooleanSupplier stopping) {
        this.configuration = configuration;
        this.stopping = stopping;
    }

    /// Takes the ports, then the images, then serves. Ports first: an image must not be created for
    /// a server that cannot start.
    ///
    /// @param stopping whether the end is wanted already; ends work that takes long
    /// @throws UnservableException naming the place in the file whose port or image cannot be had;
    ///   what was taken until then is given back
    /// @throws IOException when the machine refuses something that no key asks for
    public static TargetServer open(Configuration configuration, BooleanSupplier stopping)
            throws IOException {
        TargetServer server = new TargetServer(configuration, stopping);
        try {
            server.start();
            return server;
        } catch (IOException | RuntimeException refused) {
            server.abandon(refused);
            throw refused;
        }
    }

    private void start() throws IOException {
        int processors = Runtime.getRuntime().availableProcessors();
        for (int i = 0; i < processors; i++) {
            // Polling on the only processor would keep everybody else from it.
            loops.add(new EventLoop("loop-" + i, processors > 1));
        }
        bind();
        openUnits();
        loops.forEach(EventLoop::start);
        portals.forEach(Portal::start);
    }

    private void bind() throws IOException {
        PortalDirectory directory = PortalDirectory.of(configuration.targets());
        int index = 0;
        for (Configuration.Portal each : configuration.portals()) {
            String key = "portals[" + index++ + "].listen";
            Portal.SiteFor site =
                    local ->
                            new IscsiConnection.Site(
                                    registry,
                                    targets,
                                    directory.through(
                                            advertised, (InetSocketAddress) local, each.group()),
                                    NegotiationLimits.DEFAULT);
            try {
                Portal portal = Portal.bind(each.listen(), loops, site);
                portals.add(portal);
                advertised.add(new PortalDirectory.Advertised(portal.address(), each.group()));
            } catch (IOException taken) {
                throw unservable(
                        each.line(),
                        key,
                        "cannot listen on "
                                + PortalAddress.text(each.listen())
                                + ": "
                                + taken.getMessage(),
                        taken);
            }
        }
    }

    /// A LUN of a configuration, and where it stands there.
    private record Place(String key, String target, Configuration.Lun spec) {
        static List<Place> of(Configuration configuration) {
            List<Place> places = new ArrayList<>();
            List<Configuration.Target> targets = configuration.targets();
            for (int t = 0; t < targets.size(); t++) {
                List<Configuration.Lun> luns = targets.get(t).luns();
                for (int l = 0; l < luns.size(); l++) {
                    places.add(
                            new Place(
                                    "targets[" + t + "].luns[" + l + "]",
                                    targets.get(t).iqn(),
                                    luns.get(l)));
                }
            }
            return places;
        }
    }

    /// Opens the images that are there before any is created, so that a server that cannot start
    /// for one of them leaves no new file behind.
    private void openUnits() throws IOException {
        List<Place> places = Place.of(configuration);
        places.sort(Comparator.comparing(each -> Files.notExists(each.spec().image().image())));
        for (Place each : places) {
            opened.put(each.key(), open(each));
        }
        Map<String, List<DeviceServer.LogicalUnitSpec>> units =
                Place.of(configuration).stream()
                        .collect(
                                Collectors.groupingBy(
                                        Place::target,
                                        Collectors.mapping(this::unit, Collectors.toList())));
        for (Configuration.Target each : configuration.targets()) {
            List<DeviceServer.LogicalUnitSpec> its = units.getOrDefault(each.iqn(), List.of());
            targets.put(each.iqn(), new TargetNode(new DeviceServer(each.iqn(), its)));
        }
    }

    private LunBackend open(Place each) throws IOException {
        try {
            LunBackend backend = LunBackend.open(each.spec().image(), stopping);
            backends.add(backend);
            return backend;
        } catch (IOException refused) {
            throw unservable(each, "image", refused);
        }
    }

    /// Takes over the sizes of a configuration that was read again: LUNs grow, and whoever is
    /// logged in is told. What grew before a refusal stays so.
    ///
    /// @throws ConfigurationException when it changes anything else; nothing is done then
    /// @throws UnservableException naming the LUN that cannot grow
    public synchronized void reload(Configuration wanted)
            throws ConfigurationException, IOException {
        Reload.check(configuration, wanted);
        for (Place each : Place.of(wanted)) {
            LunBackend backend = requireNonNull(opened.get(each.key()));
            long before = backend.sizeBytes();
            long sizeBytes = each.spec().image().sizeBytes().orElse(before);
            if (sizeBytes != before) {
                grow(each, backend, sizeBytes);
                LOG.info(
                        "image {}: grew from {} to {} bytes",
                        each.spec().image().image(),
                        before,
                        sizeBytes);
            }
        }
    }

    private void grow(Place place, LunBackend backend, long sizeBytes) throws IOException {
        try {
            backend.grow(sizeBytes, stopping);
        } catch (IOException refused) {
            throw unservable(place, "size", refused);
        }
        requireNonNull(targets.get(place.target())).capacityChanged(place.spec().lun());
    }

    private DeviceServer.LogicalUnitSpec unit(Place place) {
        Configuration.Lun lun = place.spec();
        return new DeviceServer.LogicalUnitSpec(
                lun.lun(),
                requireNonNull(opened.get(place.key())),
                lun.image().blockSizeBytes(),
                lun.physicalBlockSizeBytes(),
                lun.serial());
    }

    private static UnservableException unservable(Place place, String key, IOException cause) {
        return unservable(
                place.spec().line(),
                place.key() + "." + key,
                String.valueOf(cause.getMessage()),
                cause);
    }

    private static UnservableException unservable(
            int line, String key, String message, IOException cause) {
        return new UnservableException(new Problem(line, key, message), cause);
    }

    private void abandon(Exception cause) {
        try {
            close();
        } catch (IOException again) {
            cause.addSuppressed(again);
        }
    }

    /// Where the server listens, with the real ports, in the order of the configuration.
    public List<InetSocketAddress> addresses() {
        return advertised.stream().map(PortalDirectory.Advertised::address).toList();
    }

    /// Stops accepting, ends every session once its I/O has come to rest, flushes and releases
    /// every image.
    ///
    /// @throws IOException when an image could not be flushed: acknowledged data may be lost
    @Override
    public synchronized void close() throws IOException {
        IOException failure = null;
        for (Portal portal : portals) {
            portal.close();
        }
        endSessions();
        loops.forEach(EventLoop::close);
        for (LunBackend backend : backends) {
            try {
                backend.close();
            } catch (IOException lost) {
                LOG.error("an image did not close cleanly", lost);
                failure = lost;
            }
        }
        backends.clear();
        if (failure != null) {
            throw failure;
        }
    }

    private void endSessions() {
        List<Session> sessions = registry.close();
        CountDownLatch ended = new CountDownLatch(sessions.size());
        for (Session each : sessions) {
            each.terminate("server stopped", ended::countDown);
        }
        try {
            if (!ended.await(STOP_SECONDS, TimeUnit.SECONDS)) {
                LOG.error("{} sessions did not come to rest", ended.getCount());
            }
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
    }
}
