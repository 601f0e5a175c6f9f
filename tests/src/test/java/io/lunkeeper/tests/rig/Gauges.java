package io.lunkeeper.tests.rig;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.DoublePredicate;
import java.util.stream.Stream;

/// What a running server says of itself at `/metrics`, and what the kernel says of its process.
public final class Gauges implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final HttpClient client = HttpClient.newHttpClient();
    private final int port;

    /// @param port of `metrics` on 127.0.0.1
    public Gauges(int port) {
        this.port = port;
    }

    /// One value.
    ///
    /// @param name with its labels
    public double metric(String name) throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + port + "/metrics");
        HttpRequest request = HttpRequest.newBuilder(uri).timeout(LIMIT).build();
        String text = client.send(request, HttpResponse.BodyHandlers.ofString()).body();
        return text.lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError(name + " is not in " + text));
    }

    /// Waits until a value is as wanted.
    public void await(String name, DoublePredicate wanted)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        double value = metric(name);
        while (!wanted.test(value)) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(name + " stays " + value);
            }
            Thread.sleep(20);
            value = metric(name);
        }
    }

    /// Memory of the process that is in use (RSS), and what of it is taken for buffers.
    public String memory(ServerProcess server) throws IOException, InterruptedException {
        long buffers = (long) metric("lunkeeper_buffers_bytes") >> 20;
        return "%d MiB, buffers %d MiB".formatted(residentKibibytes(server) >> 10, buffers);
    }

    private static long residentKibibytes(ServerProcess server) throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc", server.pid() + "", "status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst()
                    .orElseThrow();
        }
    }

    @Override
    public void close() {
        client.close();
    }
}
