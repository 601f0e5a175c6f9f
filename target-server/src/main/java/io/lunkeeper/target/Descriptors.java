package io.lunkeeper.target;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// The descriptors of this process: each connection takes one, each image a few.
///
/// @param limit how many it may have (RLIMIT_NOFILE); the JVM has raised the soft limit to the hard
///   one when it started
/// @param open how many it has
record Descriptors(long limit, long open) {
    /// For what comes and goes: a scrape of the metrics, a directory that is synchronized, an image
    /// that SIGHUP adds.
    private static final int SPARE = 64;

    private static final String LIMIT_LINE = "Max open files";

    /// Those of this moment.
    ///
    /// @return empty where the kernel does not say (it is not Linux)
    static Optional<Descriptors> now() {
        return of(Path.of("/proc/self"));
    }

    static Optional<Descriptors> of(Path process) {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            long open = 0;
            for (Path _ : descriptors) {
                open++;
            }
            return Optional.of(
                    new Descriptors(limit(Files.readAllLines(process.resolve("limits"))), open));
        } catch (IOException notTold) {
            return Optional.empty();
        }
    }

    /// The soft limit, of what the kernel writes (proc_pid_limits(5)).
    private static long limit(List<String> lines) throws IOException {
        for (String line : lines) {
            if (line.startsWith(LIMIT_LINE)) {
                String soft = line.substring(LIMIT_LINE.length()).strip().replaceFirst(" .*", "");
                return soft.equals("unlimited") ? Long.MAX_VALUE : Long.parseLong(soft);
            }
        }
        throw new IOException("no line " + LIMIT_LINE);
    }

    /// What to tell the administrator when so many connections would be too many.
    ///
    /// @param connections what the configuration says
    /// @param there those of them that are among the descriptors which are open
    Optional<String> shortage(int connections, int there) {
        long needed = open - there + connections + SPARE;
        if (needed <= limit) {
            return Optional.empty();
        }
        return Optional.of(
                "limits.connections is %d, but the process may have only %d descriptors, and %d are in"
                                .formatted(connections, limit, open - there)
                        + " use besides connections: nobody is let in when they run out; allow %d or"
                                .formatted(needed)
                        + " more (LimitNOFILE= in the systemd unit, ulimit -Hn), or lower"
                        + " limits.connections");
    }
}
