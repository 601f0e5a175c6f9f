package io.lunkeeper.tests.rig;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The server under test as a real process, started by its launcher as an administrator would.
///
/// Its folder holds the configuration, the images and both logs; [#close] removes it unless the
/// process ended badly. Not for several threads, except [#kill9] and [#log].
public final class ServerProcess implements AutoCloseable {
    /// The one target that every configuration has.
    public static final String IQN = "iqn.2026-11.io.lunkeeper:test";

    /// A cold start takes about a second; a build by the launcher would take minutes and means that
    /// the tests run against a stale jar.
    private static final Duration START_LIMIT = Duration.ofSeconds(60);

    private static final Duration STOP_LIMIT = Duration.ofSeconds(30);

    private static final int LOG_TAIL_BYTES = 8192;

    /// Every buffer is watched, so that one that is not given back is reported in the log.
    private static final String WATCH_BUFFERS =
            "-Dio.netty.leakDetection.level=simple -Dio.netty.leakDetection.samplingInterval=1";

    /// How such a report begins.
    private static final String LEAK = "LEAK: ";

    private static final Set<ServerProcess> ALIVE = ConcurrentHashMap.newKeySet();

    private final Path folder;
    private final List<Lun> luns;
    private final List<Listener> listeners;
    private volatile Process process;

    /// One entry of `portals`.
    ///
    /// @param host as the server names it, IPv6 in brackets
    /// @param port one that is free
    public record Listener(String host, int port, int group) {
        /// At any port that is free.
        public static Listener at(String host, int group) {
            try {
                return new Listener(host, FreePort.find(), group);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /// `host:port`.
        public String portal() {
            return host + ":" + port;
        }
    }

    private ServerProcess(Path folder, List<Lun> luns, List<Listener> listeners)
            throws IOException {
        this.folder = folder;
        this.luns = luns;
        this.listeners = listeners;
        this.process = launch();
    }

    /// Starts a server with these LUNs and no authentication.
    public static ServerProcess start(Lun... luns) {
        return start("", "", luns);
    }

    /// Starts a server with more configuration.
    ///
    /// @param topKeys lines for the top level of the file, such as `metrics: "127.0.0.1:0"`
    /// @param targetKeys lines for the target, such as `auth: { user: a, secret-file: b }`
    public static ServerProcess start(String topKeys, String targetKeys, Lun... luns) {
        return start(loopback(1), topKeys, targetKeys, luns);
    }

    /// Starts a server that is reached through several portals.
    public static ServerProcess startWithPortals(int portals, Lun... luns) {
        return start(loopback(portals), "", "", luns);
    }

    /// So many portals of 127.0.0.1, all in one group.
    public static List<Listener> loopback(int portals) {
        Set<Listener> listeners = new LinkedHashSet<>();
        while (listeners.size() < portals) {
            listeners.add(Listener.at("127.0.0.1", 1));
        }
        return List.copyOf(listeners);
    }

    /// Starts a server with portals of one's own.
    public static ServerProcess start(
            List<Listener> listeners, String topKeys, String targetKeys, Lun... luns) {
        try {
            Path servers = Checkout.scratch().resolve("servers");
            Files.createDirectories(servers);
            Path folder = Files.createTempDirectory(servers, "server-");
            StringBuilder yaml = new StringBuilder("portals:\n");
            for (Listener each : listeners) {
                yaml.append("  - { listen: \"").append(each.portal()).append("\", group: ");
                yaml.append(each.group()).append(" }\n");
            }
            yaml.append(topKeys.isEmpty() ? "" : topKeys.stripTrailing() + "\n");
            yaml.append("targets:\n  - iqn: ").append(IQN).append('\n');
            targetKeys.lines().forEach(line -> yaml.append("    ").append(line).append('\n'));
            yaml.append("    luns:\n");
            for (Lun lun : luns) {
                Path image = image(folder, lun);
                if (lun.readOnly() && lun.existing() == null) {
                    lun.createImage(image);
                }
                yaml.append(lun.yaml(image));
            }
            Files.writeString(folder.resolve("lunkeeper.yaml"), yaml);
            return new ServerProcess(folder, List.of(luns), listeners);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path image(Path folder, Lun lun) {
        Path existing = lun.existing();
        return existing != null ? existing : folder.resolve("lun" + lun.number() + ".img");
    }

    // ---- where it is

    /// Of the first portal, as everything else here that names none.
    public int port() {
        return port(0);
    }

    /// Of another portal, counted from 0.
    public int port(int portal) {
        return listeners.get(portal).port();
    }

    public InetSocketAddress address() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port());
    }

    /// `host:port`.
    public String portal() {
        return portal(0);
    }

    private String portal(int index) {
        return listeners.get(index).portal();
    }

    /// The URL of a LUN as libiscsi and QEMU take it.
    public String url(int lun) {
        return url(0, lun);
    }

    /// The same through another portal, counted from 0.
    public String url(int portal, int lun) {
        return "iscsi://" + portal(portal) + "/" + IQN + "/" + lun;
    }

    /// The image file of a LUN.
    public Path image(int number) {
        return luns.stream()
                .filter(lun -> lun.number() == number)
                .findFirst()
                .map(lun -> image(folder, lun))
                .orElseThrow();
    }

    /// The folder of the configuration; relative paths in it start here.
    public Path folder() {
        return folder;
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /// How the server ended: 128 and the signal's number when a signal did it.
    public int exitStatus() {
        return process.exitValue();
    }

    /// What the server has logged, all of it: what it counts or denies must not slide out.
    public String log() {
        return end("stderr.log", Long.MAX_VALUE);
    }

    // ---- life and death

    private Process launch() throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(
                        Checkout.launcher().toString(),
                        "serve",
                        "--config",
                        folder.resolve("lunkeeper.yaml").toString());
        builder.directory(folder.toFile());
        builder.environment()
                .merge("LUNKEEPER_JAVA_OPTS", WATCH_BUFFERS, (own, more) -> own + " " + more);
        builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        builder.redirectError(
                ProcessBuilder.Redirect.appendTo(folder.resolve("stderr.log").toFile()));
        Files.deleteIfExists(folder.resolve("stdout.log"));
        builder.redirectOutput(folder.resolve("stdout.log").toFile());
        Process started = builder.start();
        try {
            awaitReady(started);
        } catch (RuntimeException | Error e) {
            started.destroyForcibly();
            throw e;
        }
        ALIVE.add(this);
        return started;
    }

    private void awaitReady(Process started) throws IOException {
        String expected =
                listeners.stream()
                        .map(Listener::portal)
                        .collect(Collectors.joining(",", "lunkeeper ready: ", ""));
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (true) {
            boolean ready =
                    Files.readAllLines(folder.resolve("stdout.log")).stream()
                            .anyMatch(expected::equals);
            if (ready) {
                return;
            }
            boolean ended = exitWithin(started, Duration.ofMillis(20));
            if (ended || System.nanoTime() > deadline) {
                String how = ended ? "exit " + started.exitValue() : "no exit in " + START_LIMIT;
                throw new AssertionError(
                        "the server did not say '%s' (%s)%nstdout: %s%nstderr: %s"
                                .formatted(expected, how, tail("stdout.log"), tail("stderr.log")));
            }
        }
    }

    private static boolean exitWithin(Process process, Duration limit) {
        try {
            return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /// Ends the server by SIGTERM, which must take it to exit status 0.
    public void stop() {
        process.destroy();
        if (!exitWithin(process, STOP_LIMIT)) {
            kill9();
            throw new AssertionError(
                    "still running " + STOP_LIMIT + " after SIGTERM\n" + tail("stderr.log"));
        }
        ALIVE.remove(this);
        if (process.exitValue() != 0) {
            throw new AssertionError(
                    "exit " + process.exitValue() + " after SIGTERM\n" + tail("stderr.log"));
        }
        checkBuffers();
    }

    private void checkBuffers() {
        try (Stream<String> lines = Files.lines(folder.resolve("stderr.log"))) {
            Optional<String> leak = lines.filter(line -> line.contains(LEAK)).findFirst();
            if (leak.isPresent()) {
                throw new AssertionError("a buffer was not given back: " + leak.get());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Ends the server by SIGKILL, and what it may have started, and waits until it is gone.
    public void kill9() {
        List<ProcessHandle> descendants = process.descendants().toList();
        process.destroyForcibly();
        descendants.forEach(ProcessHandle::destroyForcibly);
        if (!exitWithin(process, STOP_LIMIT)) {
            throw new AssertionError("still running " + STOP_LIMIT + " after SIGKILL");
        }
        ALIVE.remove(this);
    }

    /// Starts the server again on the same port with the same configuration.
    public void restart() {
        assert !process.isAlive();
        try {
            process = launch();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Takes every processor from the server (SIGSTOP) for so long: its sockets stay, nobody
    /// answers.
    public void freeze(Duration time) {
        signal("STOP");
        exitWithin(process, time);
        signal("CONT");
    }

    /// Stops the server if it runs, and removes its folder when it ended well.
    @Override
    public void close() {
        if (process.isAlive()) {
            stop();
        } else if (ALIVE.remove(this)) {
            throw new AssertionError(
                    "died by itself, exit " + process.exitValue() + "\n" + tail("stderr.log"));
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Changes the text of the configuration and has the server read it again (SIGHUP); what comes
    /// of it is in the log.
    public void reload(String from, String to) {
        Path file = folder.resolve("lunkeeper.yaml");
        try {
            String text = Files.readString(file);
            if (!text.contains(from)) {
                throw new IllegalArgumentException(from + " is not in " + text);
            }
            Files.writeString(file, text.replace(from, to));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        signal("HUP");
    }

    private void signal(String name) {
        Tool.of("kill", "-" + name, Long.toString(process.pid())).within(STOP_LIMIT).succeed();
    }

    /// The same, and waits until the log says once more what came of it.
    ///
    /// @param outcome a part of that line
    public void reload(String from, String to, String outcome) {
        int before = occurrences(outcome);
        reload(from, to);
        long deadline = System.nanoTime() + STOP_LIMIT.toNanos();
        while (occurrences(outcome) == before) {
            if (System.nanoTime() > deadline || exitWithin(process, Duration.ofMillis(20))) {
                throw new AssertionError("never logged: " + outcome + "\n" + tail("stderr.log"));
            }
        }
    }

    private int occurrences(String text) {
        return log().split(Pattern.quote(text), -1).length;
    }

    /// What the running servers have logged last, for the message of a failure.
    static Optional<String> logsOfRunning() {
        StringBuilder text = new StringBuilder();
        for (ServerProcess server : ALIVE) {
            String state = server.isAlive() ? "running" : "DEAD";
            text.append("server at ").append(server.portal()).append(' ').append(state);
            text.append(", end of its log:\n").append(server.tail("stderr.log"));
        }
        return text.isEmpty() ? Optional.empty() : Optional.of(text.toString());
    }

    private String tail(String name) {
        return end(name, LOG_TAIL_BYTES);
    }

    private String end(String name, long limitBytes) {
        try (RandomAccessFile file = new RandomAccessFile(folder.resolve(name).toFile(), "r")) {
            long from = Math.max(0, file.length() - limitBytes);
            byte[] bytes = new byte[(int) (file.length() - from)];
            file.seek(from);
            file.readFully(bytes);
            return new String(bytes, StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "(unreadable: " + e.getMessage() + ")";
        }
    }
}
