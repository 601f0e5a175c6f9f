package io.lunkeeper.tests.conf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The launcher, installed in a directory of its own with Javas that only say how they were called.
final class LauncherTest {
    /// Generous: only a hang reaches it.
    private static final int PATIENCE_SECONDS = 60;

    private static final Path SCRIPT = Path.of("..", "target-server", "bin", "lunkeeper");

    @TempDir Path directory;

    private record Outcome(int code, String out, String err) {}

    @BeforeEach
    void install() throws IOException {
        String script = Files.readString(SCRIPT);
        String here = "jvm_directory=/usr/lib/jvm";
        assertTrue(script.contains(here));
        executable(
                installation().resolve("bin/lunkeeper"),
                script.replace(here, "jvm_directory=\"" + jvms() + "\""));
        Files.createDirectories(jvms());
        Files.createDirectories(installation().resolve("lib"));
    }

    private Path installation() {
        return directory.resolve("opt dir/lunkeeper");
    }

    private Path jvms() {
        return directory.resolve("jvm");
    }

    private static void executable(Path file, String text) throws IOException {
        Files.createDirectories(file.resolveSibling(""));
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /// A Java whose program prints its home and its arguments, one a line.
    private Path java(Path home, String version) throws IOException {
        executable(home.resolve("bin/java"), "#!/bin/sh\nprintf '%s\\n' '" + home + "' \"$@\"\n");
        Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
        return home;
    }

    private Outcome run(Map<String, String> environment, Path program, String... args)
            throws Exception {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(List.of(args));
        Path err = directory.resolve("stderr");
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .directory(directory.toFile())
                        .redirectError(err.toFile());
        builder.environment().keySet().removeAll(List.of("JAVA_HOME", "LUNKEEPER_JAVA_OPTS"));
        builder.environment().put("PATH", "/usr/bin:/bin");
        builder.environment().putAll(environment);
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("still running");
        }
        return new Outcome(process.exitValue(), out, Files.readString(err));
    }

    private Path launcher() {
        return installation().resolve("bin/lunkeeper");
    }

    /// A PATH whose `java` is of an old version.
    private String oldPath() throws IOException {
        return java(directory.resolve("old"), "17.0.15").resolve("bin") + ":/usr/bin:/bin";
    }

    @Test
    void saysWhereItLookedWhenNoJavaIsNewEnough() throws Exception {
        java(jvms().resolve("java-21"), "21.0.1");
        Path old = java(directory.resolve("home"), "24.0.2");
        String path = oldPath();
        Outcome outcome =
                run(Map.of("PATH", path, "JAVA_HOME", old.toString()), launcher(), "version");
        assertEquals(
                new Outcome(
                        1,
                        "",
                        "lunkeeper: needs a JDK 25 or later; looked at JAVA_HOME ("
                                + old
                                + "), PATH ("
                                + directory.resolve("old/bin/java")
                                + "), "
                                + jvms()
                                + ": install e.g. temurin-25-jdk\n"),
                outcome);
    }

    @Test
    void takesTheNewestThatIsInstalledWhenPathHasAnOldOne() throws Exception {
        java(jvms().resolve("a"), "25.0.10");
        Path newest = java(jvms().resolve("b b"), "26");
        java(jvms().resolve("c"), "25.0.9");
        java(jvms().resolve("d"), "9.0.4");
        Outcome outcome = run(Map.of("PATH", oldPath()), launcher(), "version");
        assertEquals(newest.toString(), outcome.out().lines().findFirst().orElse(""));
    }

    @Test
    void prefersJavaHomeThenPath() throws Exception {
        java(jvms().resolve("a"), "30");
        Path home = java(directory.resolve("home"), "25.0.3");
        Path onPath = java(directory.resolve("onpath"), "25");
        String path = onPath.resolve("bin") + ":/usr/bin:/bin";
        Outcome both = run(Map.of("PATH", path, "JAVA_HOME", home.toString()), launcher());
        assertEquals(home.toString(), both.out().lines().findFirst().orElse(""));
        Outcome pathOnly = run(Map.of("PATH", path), launcher());
        assertEquals(onPath.toString(), pathOnly.out().lines().findFirst().orElse(""));
    }

    /// As by nohup: but SIGHUP is the order to read the configuration again.
    @Test
    void signalsThatWereIgnoredMeanSomethingAgain() throws Exception {
        Path home = java(jvms().resolve("a"), "25.0.3");
        executable(
                home.resolve("bin/java"),
                "#!/bin/sh\nsed -n 's/^SigIgn:.*\\(.\\)$/\\1/p' /proc/$$/status\n");
        Path ignoring = directory.resolve("ignoring");
        executable(ignoring, "#!/bin/sh\ntrap '' HUP\nexec \"$@\"\n");
        Outcome bare = run(Map.of(), ignoring, home.resolve("bin/java").toString());
        assertEquals(1, Integer.parseInt(bare.out().strip(), 16) & 1);
        Outcome outcome = run(Map.of(), ignoring, launcher().toString(), "serve");
        assertEquals(0, Integer.parseInt(outcome.out().strip(), 16) & 1, outcome.err());
    }

    @Test
    void passesOptionsAndArgumentsThroughASymbolicLink() throws Exception {
        java(jvms().resolve("a"), "25.0.3");
        Files.createFile(installation().resolve("lib/a.jar"));
        Files.createFile(installation().resolve("lib/B.jar"));
        Path link = Files.createSymbolicLink(directory.resolve("lk"), launcher().toAbsolutePath());
        Outcome outcome =
                run(
                        Map.of("LUNKEEPER_JAVA_OPTS", "-Xmx1g  -Da=b\n-Dc=*"),
                        link,
                        "check",
                        "--config",
                        "a file.yaml");
        List<String> lines = outcome.out().lines().toList();
        assertEquals(
                List.of(
                        "-Xmx1g",
                        "-Da=b",
                        "-Dc=*",
                        "-cp",
                        installation() + "/lib/B.jar:" + installation() + "/lib/a.jar",
                        "io.lunkeeper.target.Main",
                        "check",
                        "--config",
                        "a file.yaml"),
                lines.subList(lines.size() - 9, lines.size()));
        assertTrue(
                lines.contains("-Dlog4j2.configurationFile=" + installation() + "/conf/log4j2.xml"),
                outcome.out());
    }
}
