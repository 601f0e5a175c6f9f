package io.lunkeeper.target.metrics;

import io.prometheus.metrics.config.PrometheusProperties;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// Everything that Prometheus is told. Each metric reads a status of its own when it is collected.
final class ServerMetrics {
    /// The defaults, whatever a file or a variable of the environment might say: what the server
    /// does is in its configuration alone.
    static final PrometheusProperties PROPERTIES = PrometheusProperties.builder().build();

    private ServerMetrics() {}

    static PrometheusRegistry of(Supplier<ServerStatus> status) {
        PrometheusRegistry registry = new PrometheusRegistry();
        registry.register(
                GaugeWithCallback.builder(PROPERTIES)
                        .name("lunkeeper_up")
                        .help(
                                "Whether initiators are served (1); not while images are opened at"
                                        + " the start, and not at the end.")
                        .callback(each -> each.call(serving(status.get()) ? 1 : 0))
                        .build());
        Info build =
                Info.builder(PROPERTIES)
                        .name("lunkeeper_build_info")
                        .help("The version of the server, and of the Java that runs it.")
                        .labelNames("version", "java_version")
                        .build();
        build.setLabelValues(status.get().version(), Runtime.version().toString());
        registry.register(build);
        registry.register(
                GaugeWithCallback.builder(PROPERTIES)
                        .name("lunkeeper_sessions")
                        .help("Sessions of initiators, without those for discovery.")
                        .labelNames("target")
                        .callback(each -> sessions(status.get()).forEach((t, n) -> each.call(n, t)))
                        .build());
        registry.register(
                CounterWithCallback.builder(PROPERTIES)
                        .name("lunkeeper_failed_logins_total")
                        .help("Logins of initiators that were refused.")
                        .callback(each -> each.call((double) status.get().failedLogins()))
                        .build());
        connections(registry, () -> status.get().connections());
        nameServers(registry, () -> status.get().nameServers());
        registry.register(
                GaugeWithCallback.builder(PROPERTIES)
                        .name("lunkeeper_target_access_state")
                        .help(
                                "Whether the target is in this access state (1); it is in one of"
                                        + " them.")
                        .labelNames("target", "state")
                        .callback(each -> accessStates(status.get().targets(), each))
                        .build());
        for (LunMetric each : LunMetric.values()) {
            registry.register(each.collector(PROPERTIES, () -> status.get().luns()));
        }
        return registry;
    }

    private static void connections(
            PrometheusRegistry registry, Supplier<ServerStatus.Connections> connections) {
        registry.register(
                GaugeWithCallback.builder(PROPERTIES)
                        .name("lunkeeper_connections")
                        .help("Connections to the portals, by whether they have logged in.")
                        .labelNames("phase")
                        .callback(each -> phases(connections.get(), each))
                        .build());
        registry.register(
                CounterWithCallback.builder(PROPERTIES)
                        .name("lunkeeper_refused_connections_total")
                        .help(
                                "Connections that were closed at once, by the limit that was reached.")
                        .labelNames("limit")
                        .callback(each ->
                                connections
                                        .get()
                                        .refused()
                                        .forEach(
                                                (limit, count) -> each.call((double) count, limit)))
                        .build());
        registry.register(
                CounterWithCallback.builder(PROPERTIES)
                        .name("lunkeeper_accept_pauses_total")
                        .help(
                                "How often no connection could be accepted for want of descriptors"
                                        + " or memory, and was tried again later.")
                        .callback(each -> each.call((double) connections.get().acceptPauses()))
                        .build());
        registry.register(
                CounterWithCallback.builder(PROPERTIES)
                        .name("lunkeeper_faulty_pdus_total")
                        .help(
                                "PDUs that were none (malformed, wrong digests among them), and that"
                                        + " were refused (rejected).")
                        .labelNames("fault")
                        .callback(each ->
                                connections
                                        .get()
                                        .faultyPdus()
                                        .forEach(
                                                (fault, count) -> each.call((double) count, fault)))
                        .build());
        registry.register(
                GaugeWithCallback.builder(PROPERTIES)
                        .name("lunkeeper_buffers_bytes")
                        .help("Memory for the buffers of connections, in use or for the next.")
                        .callback(each -> each.call((double) connections.get().bufferBytes()))
                        .build());
    }

    private static void nameServers(
            PrometheusRegistry registry, Supplier<List<ServerStatus.NameServer>> servers) {
        registry.register(
                GaugeWithCallback.builder(PROPERTIES)
                        .name("lunkeeper_isns_targets")
                        .help("Targets that are registered at a server of names (iSNS).")
                        .labelNames("server")
                        .callback(each ->
                                servers.get().forEach(of -> each.call(of.targets(), of.address())))
                        .build());
        registry.register(
                GaugeWithCallback.builder(PROPERTIES)
                        .name("lunkeeper_isns_up")
                        .help(
                                "Whether a server of names (iSNS) has taken what it was told last (1).")
                        .labelNames("server")
                        .callback(each ->
                                servers.get()
                                        .forEach(of ->
                                                each.call(
                                                        of.trouble().isEmpty() ? 1 : 0,
                                                        of.address())))
                        .build());
        registry.register(
                CounterWithCallback.builder(PROPERTIES)
                        .name("lunkeeper_isns_refreshes_total")
                        .help("How often a registration was found to be there still.")
                        .labelNames("server")
                        .callback(each ->
                                servers.get()
                                        .forEach(of ->
                                                each.call((double) of.refreshes(), of.address())))
                        .build());
        registry.register(
                CounterWithCallback.builder(PROPERTIES)
                        .name("lunkeeper_isns_failures_total")
                        .help(
                                "How often a server of names could not be reached, or refused, or did"
                                        + " not answer.")
                        .labelNames("server")
                        .callback(each ->
                                servers.get()
                                        .forEach(of ->
                                                each.call((double) of.failures(), of.address())))
                        .build());
    }

    private static void phases(ServerStatus.Connections now, GaugeWithCallback.Callback reading) {
        reading.call(now.loggingIn(), "login");
        reading.call(now.open() - now.loggingIn(), "full-feature");
    }

    private static boolean serving(ServerStatus status) {
        return status.phase() == ServerStatus.Phase.SERVING;
    }

    private static void accessStates(
            List<ServerStatus.Target> targets, GaugeWithCallback.Callback reading) {
        for (ServerStatus.Target target : targets) {
            for (ServerStatus.AccessState state : ServerStatus.AccessState.values()) {
                int now = target.accessState() == state ? 1 : 0;
                reading.call(now, target.name(), state.word());
            }
        }
    }

    /// How many there are by target; a target without any has none, which is news too.
    private static Map<String, Integer> sessions(ServerStatus status) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        status.luns().forEach(lun -> counts.put(lun.target(), 0));
        status.sessions()
                .forEach(session -> counts.computeIfPresent(session.target(), (_, n) -> n + 1));
        return counts;
    }
}
