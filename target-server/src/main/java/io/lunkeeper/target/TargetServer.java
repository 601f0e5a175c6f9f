package io.lunkeeper.target;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.ConfigurationException;
import io.lunkeeper.target.config.Problem;
import io.lunkeeper.target.config.UnservableException;
import io.lunkeeper.target.isns.IsnsStatus;
import io.lunkeeper.target.login.NegotiationLimits;
import io.lunkeeper.target.metrics.MetricsServer;
import io.lunkeeper.target.metrics.ServerStatus;
import io.lunkeeper.target.net.Admission;
import io.lunkeeper.target.net.EventLoop;
import io.lunkeeper.target.net.Portal;
import io.lunkeeper.target.session.FailedLogins;
import io.lunkeeper.target.session.IscsiConnection;
import io.lunkeeper.target.session.Session;
import io.lunkeeper.target.session.SessionRegistry;
import io.lunkeeper.target.session.TargetNode;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

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
    private final ServedTargets targets;
    private final IsnsRegistrations isns;
    private final SessionRegistry registry = new SessionRegistry();
    private final FailedLogins failedLogins = new FailedLogins();
    private final Admission admission;
    private final Configuration configuration;
    private final long startedAtNanos = System.nanoTime();

    private volatile ServerStatus.Phase phase = ServerStatus.Phase.STARTING;
    private @Nullable MetricsServer metrics;

    private TargetServer(Configuration configuration, BooleanSupplier stopping) {
        this.configuration = configuration;
        this.targets = new ServedTargets(configuration, stopping);
        this.isns = new IsnsRegistrations(targets, advertised);
        this.admission = new Admission(limits(configuration));
        registry.keepalive(configuration.keepalive());
    }

    private static Admission.Limits limits(Configuration of) {
        Configuration.Limits limits = of.limits();
        return new Admission.Limits(
                limits.connections(),
                limits.connectionsPerSource(),
                limits.logins(),
                limits.loginsPerSource());
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
        serveMetrics();
        targets.open();
        loops.forEach(EventLoop::start);
        portals.forEach(Portal::start);
        if (configuration.isns().isPresent()) {
            isns.start(configuration.isns().get());
        }
        phase = ServerStatus.Phase.SERVING;
        compareWithDescriptors(configuration.limits().connections());
    }

    /// Once all images are open.
    private void compareWithDescriptors(int connections) {
        Descriptors.now()
                .flatMap(each -> each.shortage(connections, admission.counts().connections()))
                .ifPresent(LOG::warn);
    }

    private void bind() throws IOException {
        int index = 0;
        for (Configuration.Portal each : configuration.portals()) {
            String key = "portals[" + index++ + "].listen";
            Portal.SiteFor site =
                    (local, remote) ->
                            new IscsiConnection.Site(
                                    registry,
                                    this::target,
                                    new PortalDirectory(
                                            targets,
                                            advertised,
                                            (InetSocketAddress) local,
                                            ((InetSocketAddress) remote).getAddress(),
                                            each.group()),
                                    NegotiationLimits.DEFAULT,
                                    failedLogins.from(((InetSocketAddress) remote).getAddress()));
            try {
                Portal portal = Portal.bind(each.listen(), loops, site, admission);
                portals.add(portal);
                advertised.add(new PortalDirectory.Advertised(portal.address(), each.group()));
            } catch (IOException taken) {
                throw unservable(each.line(), key, each.listen(), taken);
            }
        }
    }

    private @Nullable TargetNode target(String name) {
        ServedTargets.Served served = targets.target(name);
        return served == null ? null : served.node();
    }

    /// Before the images, since whoever waits for these wants to know how far they are.
    private void serveMetrics() throws IOException {
        if (configuration.metrics().isEmpty()) {
            return;
        }
        Configuration.Metrics wanted = configuration.metrics().get();
        MetricsServer served;
        try {
            served = MetricsServer.open(wanted.listen(), this::status);
        } catch (IOException taken) {
            throw unservable(wanted.line(), "metrics", wanted.listen(), taken);
        }
        metrics = served;
        LOG.info("metrics and status at http://{}/", PortalAddress.text(served.address()));
    }

    /// How the server is. From any thread, at once, whatever the disks do.
    private ServerStatus status() {
        return new ServerStatus(
                Version.text(),
                phase,
                Duration.ofNanos(System.nanoTime() - startedAtNanos),
                addresses().stream().map(PortalAddress::text).toList(),
                registry.sessions().stream()
                        .map(each ->
                                new ServerStatus.Session(
                                        each.initiatorName(), each.targetName(), each.peer()))
                        .toList(),
                failedLogins.total(),
                connections(),
                isns.status().stream().map(TargetServer::status).toList(),
                targets.targets().stream().map(TargetServer::status).toList(),
                targets.luns().stream().map(ServedLun::status).toList());
    }

    private ServerStatus.Connections connections() {
        Admission.Counts counts = admission.counts();
        Map<String, Long> refused = new LinkedHashMap<>();
        for (Admission.Refusal each : Admission.Refusal.values()) {
            refused.put(each.key(), counts.refused().getOrDefault(each, 0L));
        }
        return new ServerStatus.Connections(
                counts.connections(),
                counts.logins(),
                refused,
                counts.pauses(),
                Map.of("malformed", counts.malformedPdus(), "rejected", counts.rejectedPdus()),
                PooledByteBufAllocator.DEFAULT.metric().usedDirectMemory());
    }

    private static ServerStatus.NameServer status(IsnsStatus of) {
        return new ServerStatus.NameServer(
                of.server(), of.targets(), of.trouble(), of.refreshes(), of.failures());
    }

    private static ServerStatus.Target status(ServedTargets.Served target) {
        ServerStatus.AccessState state =
                switch (target.node().device().accessState()) {
                    case ACTIVE_OPTIMIZED -> ServerStatus.AccessState.ACTIVE_OPTIMIZED;
                    case ACTIVE_NON_OPTIMIZED -> ServerStatus.AccessState.ACTIVE_NON_OPTIMIZED;
                    case STANDBY -> ServerStatus.AccessState.STANDBY;
                    case UNAVAILABLE -> ServerStatus.AccessState.UNAVAILABLE;
                };
        return new ServerStatus.Target(target.spec().iqn(), state);
    }

    /// Takes over what a configuration says that was read again: its targets, LUNs and limits.
    /// Sessions go on, and whoever is logged in is told what has changed.
    ///
    /// @param unavailable told of everything that cannot be had now; the rest is served
    /// @throws ConfigurationException when it changes anything else; nothing is done then
    public synchronized void reload(Configuration wanted, Consumer<Problem> unavailable)
            throws ConfigurationException {
        targets.change(wanted, unavailable);
        isns.change();
        admission.limits(limits(wanted));
        registry.keepalive(wanted.keepalive());
        compareWithDescriptors(wanted.limits().connections());
    }

    private static UnservableException unservable(
            int line, String key, InetSocketAddress address, IOException cause) {
        String message =
                "cannot listen on " + PortalAddress.text(address) + ": " + cause.getMessage();
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

    /// Takes back what servers of names were told, stops accepting, has initiators log out, ends
    /// every session once its I/O has come to rest, flushes and releases every image.
    ///
    /// @throws IOException when an image could not be flushed: acknowledged data may be lost
    @Override
    public synchronized void close() throws IOException {
        phase = ServerStatus.Phase.STOPPING;
        isns.stop();
        for (Portal portal : portals) {
            portal.close();
        }
        endSessions();
        isns.close();
        loops.forEach(EventLoop::close);
        try {
            targets.close();
        } finally {
            // Last, since the flush of much data takes long, and somebody may want to watch.
            if (metrics != null) {
                metrics.close();
            }
        }
    }

    /// Initiators are asked to log out, and those that do not are told that they are dropped.
    private void endSessions() {
        List<Session> sessions = registry.close();
        Farewell farewell = new Farewell(sessions, "server stopped");
        if (!farewell.awaitLogouts()) {
            sessions.forEach(each -> each.terminate("server stopped", () -> {}));
        }
        long left = farewell.awaitEnds(STOP_SECONDS);
        if (left > 0) {
            LOG.error("{} sessions did not come to rest", left);
        }
    }
}
