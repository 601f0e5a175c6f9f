package io.lunkeeper.lun;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/// A file system of its own in a file, mounted for a test. Tests that need one are skipped, with
/// the reason, where it cannot be had.
final class LoopMount implements AutoCloseable {
    private static final long LIMIT_SECONDS = 60;

    private final Path device;
    private final Path folder;

    private LoopMount(Path device, Path folder) {
        this.device = device;
        this.folder = folder;
    }

    /// @param type what comes behind `mkfs.`
    static LoopMount of(String type, long sizeMebibytes) throws IOException {
        Path device = Files.createTempFile("lunkeeper", "." + type);
        Path folder = Files.createTempDirectory("lunkeeper-" + type);
        LoopMount mount = new LoopMount(device, folder);
        run("truncate", "-s", sizeMebibytes + "M", device + "");
        boolean made = run("mkfs." + type, "-q", device + "") == 0;
        boolean mounted = made && run("mount", "-o", "loop", device + "", folder + "") == 0;
        if (!mounted) {
            mount.close();
        }
        assumeTrue(mounted, "needs mkfs." + type + " and the privilege to mount");
        return mount;
    }

    Path folder() {
        return folder;
    }

    /// Runs a program to its end.
    ///
    /// @return its exit status, or 127 when there is no such program
    static int run(String... command) throws IOException {
        Process process;
        try {
            process =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start();
        } catch (IOException _) {
            return 127;
        }
        try {
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException(String.join(" ", command) + " took too long");
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return process.exitValue();
    }

    @Override
    public void close() throws IOException {
        run("umount", "-l", folder + "");
        Files.deleteIfExists(folder);
        Files.deleteIfExists(device);
    }
}
