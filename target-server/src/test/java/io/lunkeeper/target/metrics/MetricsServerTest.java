package io.lunkeeper.target.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class MetricsServerTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    static {
        // Shorter, for the test of slow peers; whatever is set already is left alone.
        System.setProperty("sun.net.httpserver.maxReqTime", "1");
    }

    private final HttpClient client = HttpClient.newHttpClient();
    private final MetricsServer server;
    private Supplier<ServerStatus> status = Statuses::everything;

    MetricsServerTest() throws IOException {
        server =
                MetricsServer.open(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                        () -> status.get());
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    private HttpResponse<String> request(String method, String path) throws Exception {
        return request(method, path, "*/*");
    }

    private HttpResponse<String> request(String method, String path, String accepted)
            throws Exception {
        HttpRequest request =
                HttpRequest.newBuilder(
                                URI.create("http://127.0.0.1:" + server.address().getPort() + path))
                        .method(method, HttpRequest.BodyPublishers.noBody())
                        .header("Accept", accepted)
                        .timeout(LIMIT)
                        .build();
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/status", "/status?any"})
    void answersPeople(String path) throws Exception {
        HttpResponse<String> page = request("GET", path);
        assertEquals(200, page.statusCode());
        assertEquals(StatusPage.text(Statuses.everything()), page.body());
        assertEquals(
                "text/plain; charset=utf-8", page.headers().firstValue("Content-Type").orElse(""));
        assertEquals("", request("HEAD", path).body());
    }

    @Test
    void answersPrometheus() throws Exception {
        HttpResponse<String> metrics = request("GET", "/metrics");
        assertEquals(200, metrics.statusCode());
        String type = metrics.headers().firstValue("Content-Type").orElse("");
        assertTrue(type.startsWith("text/plain; version=0.0.4"), type);
        assertTrue(metrics.body().contains("\n# TYPE lunkeeper_lun_syncs_total counter\n"));
        assertEquals(200, request("HEAD", "/metrics").statusCode());
    }

    /// What a scraper likes best may be a format that is not there.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "application/openmetrics-text; version=1.0.0 | application/openmetrics-text",
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily;"
                        + " encoding=delimited;q=0.6, text/plain;q=0.4 | text/plain"
            })
    void answersScrapersInAFormatThatTheyTake(String accepted, String type) throws Exception {
        HttpResponse<String> metrics = request("GET", "/metrics", accepted);
        assertEquals(200, metrics.statusCode());
        String answered = metrics.headers().firstValue("Content-Type").orElse("");
        assertTrue(answered.startsWith(type + ";"), answered);
        assertTrue(metrics.body().contains("\nlunkeeper_up 1.0\n"), metrics.body());
    }

    @Test
    void refusesEverythingElse() throws Exception {
        assertEquals(404, request("GET", "/favicon.ico").statusCode());
        for (String path : List.of("/", "/metrics")) {
            HttpResponse<String> refused = request("POST", path);
            assertEquals(405, refused.statusCode());
            assertEquals("GET, HEAD", refused.headers().firstValue("Allow").orElse(""));
        }
    }

    @Test
    void faultIsOneAnswerAndNotTheEnd() throws Exception {
        status =
                () -> {
                    throw new IllegalStateException("no status");
                };
        assertEquals(500, request("GET", "/status").statusCode());
        assertEquals(500, request("GET", "/metrics").statusCode());
        status = Statuses::everything;
        assertEquals(200, request("GET", "/status").statusCode());
        assertEquals(200, request("GET", "/metrics").statusCode());
    }

    @Test
    void addressThatIsTakenIsRefused() {
        assertThrows(IOException.class, () -> MetricsServer.open(server.address(), status).close());
    }

    /// More than there are threads: they are hung up on in the end, and others have their turn.
    @Test
    void peersThatNeverFinishTheirRequestAreHungUpOn() throws Exception {
        List<Socket> slow = new ArrayList<>();
        try {
            for (int i = 0; i < 10; i++) {
                Socket peer = new Socket(server.address().getAddress(), server.address().getPort());
                slow.add(peer);
                peer.getOutputStream().write("GET /status HT".getBytes(StandardCharsets.US_ASCII));
            }
            assertEquals(200, request("GET", "/status").statusCode());
        } finally {
            for (Socket peer : slow) {
                peer.close();
            }
        }
    }
}
