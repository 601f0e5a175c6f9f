package io.lunkeeper.target;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.logging.log4j.LogManager;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A process of its own, ended by signals.
final class MainTest {
    /// Generous: a busy machine starts a JVM slowly, and only a hang reaches it.
    private static final int PATIENCE_SECONDS = 60;

    @TempDir Path directory;

    /// The program with a server that is nothing but its end. Logs at the end for the first time,
    /// when a logging system that registers its own shutdown hook could no longer start.
    static final class Program {
        private Program() {}

        public static void main(String[] args) {
            boolean fails = Boolean.getBoolean("fails");
            ServeCommand.Serving serving =
                    new ServeCommand.Serving(
                            List.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), 1)),
                            (_, _) -> {},
                            () -> {
                                LogManager.getLogger(Program.class).error("the end is logged");
                                if (fails) {
                                    throw new IOException("flush failed");
                                }
                            });
            System.exit(new Main((_, _) -> serving).run(args));
        }
    }

    private Process start(String option, String... args) throws IOException {
        List<String> command =
                new java.util.ArrayList<>(
                        List.of(
                                // Whoever starts the tests may have it ignored, and a child
                                // inherits that.
                                "env",
                                "--default-signal=INT",
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                option,
                                "-Dlog4j2.configurationFile=" + Path.of("..", "conf", "log4j2.xml"),
                                "-cp",
                                System.getProperty("java.class.path"),
                                Program.class.getName()));
        command.addAll(List.of(args));
        return new ProcessBuilder(command)
                .redirectError(directory.resolve("stderr").toFile())
                .start();
    }

    private int exitCode(Process process) throws InterruptedException {
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("still running");
        }
        return process.exitValue();
    }

    private String stderr() throws IOException {
        return Files.readString(directory.resolve("stderr"));
    }

    @ParameterizedTest
    @CsvSource({"false, TERM, 0", "false, INT, 0", "true, TERM, 1"})
    void signalEndsTheServerAndItsEndDecidesTheExitCode(boolean fails, String signal, int code)
            throws Exception {
        Path file = directory.resolve("x.yaml");
        Files.writeString(
                file,
                "portals: [{listen: \"127.0.0.1:0\"}]\n"
                        + "targets: [{iqn: \"iqn.2026-11.io.x:a\","
                        + " luns: [{lun: 0, image: a.img, size: 1MiB}]}]");
        Process process = start("-Dfails=" + fails, "serve", "--config", file.toString());
        try (BufferedReader out = process.inputReader()) {
            assertEquals("lunkeeper ready: 127.0.0.1:1", out.readLine(), this::errors);
            new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                    .start()
                    .waitFor();
            assertEquals(code, exitCode(process), this::errors);
        }
        assertTrue(stderr().contains("the end is logged"), stderr());
        assertEquals(fails, stderr().contains("acknowledged data may be lost"), stderr());
    }

    private String errors() {
        try {
            return stderr();
        } catch (IOException e) {
            return e.toString();
        }
    }

    @Test
    void codeOfACommandIsTheCodeOfTheProcess() throws Exception {
        Process process = start("-Dfails=false", "frobnicate");
        assertEquals(CommandLine.USAGE, exitCode(process));
        assertEquals("lunkeeper: there is no command frobnicate; see: lunkeeper help\n", stderr());
    }
}
