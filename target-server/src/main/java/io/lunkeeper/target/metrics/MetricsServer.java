package io.lunkeeper.target.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.OpenMetricsTextFormatWriter;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/// Answers HTTP on an address of its own: `/metrics` in the text formats of Prometheus, `/` and
/// `/status` as a page for people. It only ever reads. A peer that is slow, silent or many costs a
/// few threads and connections for some seconds, and nothing else of the server.
public final class MetricsServer implements AutoCloseable {
    /// Who asks are a scraper or two and an administrator; some may be slow.
    private static final int THREADS = 4;

    private static final int MAX_CONNECTIONS = 64;

    /// How long a request may take to come in, and its answer to go out.
    private static final int MAX_SECONDS = 10;

    private static final int BACKLOG = 16;

    private static final ExpositionFormatWriter PROMETHEUS = PrometheusTextFormatWriter.create();
    private static final ExpositionFormatWriter OPEN_METRICS = OpenMetricsTextFormatWriter.create();

    private static final Logger LOG = LogManager.getLogger(MetricsServer.class);

    static {
        // The server of the JDK takes its limits from here alone, when it is first used.
        limit("jdk.httpserver.maxConnections", MAX_CONNECTIONS);
        limit("sun.net.httpserver.maxReqTime", MAX_SECONDS);
        limit("sun.net.httpserver.maxRspTime", MAX_SECONDS);
    }

    private final HttpServer http;
    private final ThreadPoolExecutor threads;
    private final Supplier<ServerStatus> status;
    private final PrometheusRegistry registry;

    /// What is there.
    private final Map<String, Page> pages =
            Map.of("/", this::status, "/status", this::status, "/metrics", this::metrics);

    private MetricsServer(HttpServer http, Supplier<ServerStatus> status) {
        this.http = http;
        this.status = status;
        this.registry = ServerMetrics.of(status);
        this.threads =
                new ThreadPoolExecutor(
                        THREADS,
                        THREADS,
                        MAX_SECONDS,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(MAX_CONNECTIONS),
                        task -> Thread.ofPlatform().daemon().name("metrics").unstarted(task));
        threads.allowCoreThreadTimeOut(true);
    }

    private static void limit(String property, int value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, Integer.toString(value));
        }
    }

    /// Takes the address and answers from now on.
    ///
    /// @param status tells how the server is, from any thread; must neither block nor throw
    /// @throws IOException when the address cannot be had
    public static MetricsServer open(InetSocketAddress address, Supplier<ServerStatus> status)
            throws IOException {
        MetricsServer server = new MetricsServer(HttpServer.create(address, BACKLOG), status);
        server.start();
        return server;
    }

    private void start() {
        http.setExecutor(threads);
        http.createContext("/", this::handle);
        http.start();
    }

    /// What there is at one path.
    private interface Page {
        Answer get(HttpExchange exchange) throws IOException;
    }

    private record Answer(int code, String type, String text) {
        static Answer plain(int code, String text) {
            return new Answer(code, "text/plain; charset=utf-8", text);
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            Answer answer = answer(exchange);
            exchange.getResponseHeaders().set("Content-Type", answer.type());
            exchange.getResponseHeaders().set("Cache-Control", "no-store");
            byte[] body = answer.text().getBytes(StandardCharsets.UTF_8);
            if (exchange.getRequestMethod().equals("HEAD")) {
                exchange.sendResponseHeaders(answer.code(), -1);
            } else {
                exchange.sendResponseHeaders(answer.code(), body.length);
                exchange.getResponseBody().write(body);
            }
        }
    }

    private Answer answer(HttpExchange exchange) throws IOException {
        String method = exchange.getRequestMethod();
        if (!method.equals("GET") && !method.equals("HEAD")) {
            exchange.getResponseHeaders().set("Allow", "GET, HEAD");
            return Answer.plain(405, "only GET and HEAD\n");
        }
        Page page = pages.get(exchange.getRequestURI().getPath());
        if (page == null) {
            return Answer.plain(404, "there are /metrics and /status\n");
        }
        try {
            return page.get(exchange);
        } catch (RuntimeException fault) {
            LOG.error("no answer to {}", exchange.getRequestURI(), fault);
            return Answer.plain(500, "no answer; the log says why\n");
        }
    }

    private Answer status(HttpExchange exchange) {
        return Answer.plain(200, StatusPage.text(status.get()));
    }

    private Answer metrics(HttpExchange exchange) throws IOException {
        String accepted = exchange.getRequestHeaders().getFirst("Accept");
        ExpositionFormatWriter format = OPEN_METRICS.accepts(accepted) ? OPEN_METRICS : PROMETHEUS;
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        format.write(text, registry.scrape());
        return new Answer(200, format.getContentType(), text.toString(StandardCharsets.UTF_8));
    }

    /// Where it listens, with the real port.
    public InetSocketAddress address() {
        return http.getAddress();
    }

    /// Hangs up on everybody, and gives the address back.
    @Override
    public void close() {
        http.stop(0);
        threads.shutdown();
    }
}
