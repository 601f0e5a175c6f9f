package io.lunkeeper.tests.rig;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A program of others, run to its end or to its time limit. Its output goes through a file, so
/// that no pipe can fill up or be held open by a grandchild.
public final class Tool {
    private final List<String> command;
    private Duration limit = Duration.ofSeconds(60);

    private Tool(List<String> command) {
        this.command = command;
    }

    public static Tool of(String... command) {
        return new Tool(List.of(command));
    }

    public Tool within(Duration limit) {
        this.limit = limit;
        return this;
    }

    /// How a program ended.
    ///
    /// @param exit its exit status; 124 when it was killed at the time limit
    /// @param output both streams, in the order of writing
    public record Outcome(int exit, String output) {
        public boolean isTimeout() {
            return exit == TIMEOUT;
        }
    }

    private static final int TIMEOUT = 124;

    /// Runs the program and returns how it ended, whatever that was.
    public Outcome run() {
        try {
            Files.createDirectories(Checkout.scratch());
            Path output = Files.createTempFile(Checkout.scratch(), "tool-", ".out");
            try {
                int exit = runInto(output);
                return new Outcome(exit, new String(Files.readAllBytes(output), UTF_8));
            } finally {
                Files.delete(output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Runs the program, which must succeed.
    ///
    /// @return its output
    /// @throws AssertionError with the output, when it fails or takes too long
    public String succeed() {
        Outcome outcome = run();
        if (outcome.exit() != 0) {
            throw new AssertionError(
                    "exit "
                            + outcome.exit()
                            + (outcome.isTimeout() ? " (time limit " + limit + ")" : "")
                            + " of "
                            + String.join(" ", command)
                            + "\n"
                            + outcome.output());
        }
        return outcome.output();
    }

    private int runInto(Path output) throws IOException {
        Process process =
                new ProcessBuilder(command)
                        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        try {
            if (process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                return process.exitValue();
            }
            return TIMEOUT;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }
}
