package io.lunkeeper.tests.rig;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/// A server of names, Open-iSNS, as a process on this machine's loopback, and its client. Its
/// discovery domains are those of a first start: everybody sees everybody.
public final class IsnsServer implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private static final Pattern VALUE =
            Pattern.compile("(?m)^ *[0-9a-f]{4} +[a-z0-9]+ *: ([A-Za-z/ ]+?) = \"?(.*?)\"?$");

    private final Path folder;
    private final int port;
    private Process process;

    private IsnsServer(Path folder, int port) throws IOException {
        this.folder = folder;
        this.port = port;
        this.process = launch();
    }

    /// Whether this machine has it.
    public static boolean isThere() {
        return Tool.of("sh", "-c", "PATH=$PATH:/usr/sbin:/sbin; command -v isnsd isnsadm")
                        .run()
                        .exit()
                == 0;
    }

    /// Starts one that knows nothing.
    ///
    /// @param period for which it keeps what is registered
    /// @param folder of its own, empty
    public static IsnsServer start(Path folder, Duration period) {
        try {
            int port = FreePort.find();
            String common =
                    "ServerAddress = 127.0.0.1:%d\nControlSocket = %s\nSecurity = 0\n"
                            .formatted(port, folder.resolve("control"));
            Files.writeString(
                    folder.resolve("isnsd.conf"),
                    common
                            + "SourceName = iqn.2026-11.io.lunkeeper.tests:isnsd\n"
                            + "BindAddress = 127.0.0.1:%d\n".formatted(port)
                            + "Database = %s\n".formatted(folder.resolve("database"))
                            + "PIDFile = %s\n".formatted(folder.resolve("pid"))
                            + "RegistrationPeriod = %d\n".formatted(period.toSeconds())
                            + "DefaultDiscoveryDomain = 1\n");
            Files.writeString(
                    folder.resolve("isnsadm.conf"),
                    common + "SourceName = iqn.2026-11.io.lunkeeper.tests:client\n");
            return new IsnsServer(folder, port);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Process launch() throws IOException {
        Files.deleteIfExists(folder.resolve("pid"));
        ProcessBuilder builder =
                new ProcessBuilder(
                        program("isnsd"), "-f", "-c", folder.resolve("isnsd.conf").toString());
        builder.redirectInput(Path.of("/dev/null").toFile());
        builder.redirectErrorStream(true);
        builder.redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()));
        return builder.start();
    }

    private static String program(String name) {
        return Tool.of("sh", "-c", "PATH=$PATH:/usr/sbin:/sbin; command -v " + name)
                .succeed()
                .strip();
    }

    /// `127.0.0.1:PORT`.
    public String address() {
        return "127.0.0.1:" + port;
    }

    /// Ends it, however it likes; what it knows is on its disk.
    public void stop() {
        process.destroy();
        try {
            if (!process.waitFor(LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("isnsd is still running " + LIMIT + " after SIGTERM");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /// Starts it again where it was.
    public void restart() {
        try {
            process = launch();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Has it forget everything, while it is not running.
    public void forget() {
        Tool.of("rm", "-rf", folder.resolve("database").toString()).succeed();
    }

    /// What its administrator is shown.
    ///
    /// @param what `entities`, `nodes` or `portals`
    /// @param attribute as the tool calls it
    public List<String> list(String what, String attribute) {
        return values(attribute, ask("--local", "--list", what).output());
    }

    /// What a client finds that comes by the network and has the name of an initiator; the first
    /// time it makes itself known.
    ///
    /// @param query such as `iscsi-name=NAME`
    /// @param attribute as the tool calls it
    public List<String> find(String query, String attribute) {
        ask("--register", "initiator=iqn.2026-11.io.lunkeeper.tests:client");
        return values(attribute, ask("--query", query).output());
    }

    private Tool.Outcome ask(String... request) {
        String[] command = new String[3 + request.length];
        command[0] = program("isnsadm");
        command[1] = "-c";
        command[2] = folder.resolve("isnsadm.conf").toString();
        System.arraycopy(request, 0, command, 3, request.length);
        return Tool.of(command).within(LIMIT).run();
    }

    private static List<String> values(String attribute, String output) {
        return VALUE.matcher(output)
                .results()
                .filter(each -> each.group(1).equals(attribute))
                .map((MatchResult each) -> each.group(2))
                .toList();
    }

    /// Waits until a list is as wanted.
    public List<String> await(String what, String attribute, Predicate<List<String>> wanted) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        List<String> now = list(what, attribute);
        while (!wanted.test(now)) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(what + " stay " + now);
            }
            now = list(what, attribute);
        }
        return now;
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
