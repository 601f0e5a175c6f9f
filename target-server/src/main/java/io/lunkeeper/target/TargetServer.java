package io.lunkeeper.target;

import static java.util.Objects.requireNonNull;

import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.Problem;
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

    private TargetServer() {}

    /// Takes the ports, then the images, then serves. Ports first: an image must not be created for
    /// a server that cannot start.
    ///
    /// @throws UnservableException naming the place in the file whose port or image cannot be had;
    ///   what was taken until then is given back
    /// @throws IOException when the machine refuses something that no key asks for
    public static TargetServer open(Configuration configuration) throws IOException {
        TargetServer server = new TargetServer();
        try {
            server.start(configuration);
            return server;
        } catch (IOException | RuntimeException refused) {
            server.abandon(refused);
            throw refused;
        }
    }

    private void start(Configuration configuration) throws IOException {
        int processors = Runtime.getRuntime().availableProcessors();
        for (int i = 0; i < processors; i++) {
            // Polling on the only processor would keep everybody else from it.
            loops.add(new EventLoop("loop-" + i, processors > 1));
        }
        bind(configuration);
        openUnits(configuration);
        loops.forEach(EventLoop::start);
        portals.forEach(Portal::start);
    }

    private void bind(Configuration configuration) throws IOException {
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

    /// A LUN of the configuration on its way to a backend.
    private record Place(String key, Configuration.Lun spec) {
        static Place of(List<Configuration.Target> targets, int target, int lun) {
            return new Place(
                    "targets[" + target + "].luns[" + lun + "].image",
                    targets.get(target).luns().get(lun));
        }
    }

    /// Opens the images that are there before any is created, so that a server that cannot start
    /// for one of them leaves no new file behind.
    private void openUnits(Configuration configuration) throws IOException {
        List<Place> places = new ArrayList<>();
        List<Configuration.Target> configured = configuration.targets();
        for (int t = 0; t < configured.size(); t++) {
            for (int l = 0; l < configured.get(t).luns().size(); l++) {
                places.add(Place.of(configured, t, l));
            }
        }
        places.sort(Comparator.comparing(each -> Files.notExists(each.spec().image().image())));
        Map<String, LunBackend> opened = new HashMap<>();
        for (Place each : places) {
            opened.put(each.key(), open(each));
        }
        for (int t = 0; t < configured.size(); t++) {
            List<DeviceServer.LogicalUnitSpec> units = new ArrayList<>();
            for (int l = 0; l < configured.get(t).luns().size(); l++) {
                Place place = Place.of(configured, t, l);
                units.add(unit(place.spec(), requireNonNull(opened.get(place.key()))));
            }
            String name = configured.get(t).iqn();
            targets.put(name, new TargetNode(new DeviceServer(name, units)));
        }
    }

    private LunBackend open(Place each) throws IOException {
        try {
            LunBackend backend = LunBackend.open(each.spec().image());
            backends.add(backend);
            return backend;
        } catch (IOException refused) {
            String message = String.valueOf(refused.getMessage());
            throw unservable(each.spec().line(), each.key(), message, refused);
        }
    }

    private static DeviceServer.LogicalUnitSpec unit(Configuration.Lun lun, LunBackend backend) {
        return new DeviceServer.LogicalUnitSpec(
                lun.lun(),
                backend,
                lun.image().blockSizeBytes(),
                lun.physicalBlockSizeBytes(),
                lun.serial());
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
    public void close() throws IOException {
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
