package io.lunkeeper.lun;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LunOwnershipTest {
    @TempDir private Path directory;
    private Path image;

    @BeforeEach
    void createImage() throws IOException {
        image = directory.resolve("image");
        Files.write(image, new byte[65536]);
    }

    private LunSpec writable(Path path) {
        return LunFixture.sparse(path, 65536);
    }

    private static String refusal(LunSpec spec) {
        LunOpenException e =
                assertThrows(LunOpenException.class, () -> LunBackend.open(spec).close());
        return String.valueOf(e.getMessage());
    }

    @Test
    void oneProcessServesAFileOnceByWhateverName() throws IOException {
        Path link = directory.resolve("link");
        Files.createLink(link, image);
        LunBackend lun = LunBackend.open(writable(image));
        String message = refusal(writable(link));
        assertEquals(
                "image "
                        + link
                        + " is served already by another LUN of this process, as "
                        + image
                        + "; give each LUN a file of its own",
                message);
        assertTrue(refusal(LunFixture.readOnly(image)).contains("served already"));
        lun.close();
        LunBackend.open(writable(link)).close();
    }

    @Test
    void readersShareAndKeepWritersOut() throws IOException {
        try (LunBackend first = LunBackend.open(LunFixture.readOnly(image))) {
            try (LunBackend second = LunBackend.open(LunFixture.readOnly(image))) {
                assertEquals(first.sizeBytes(), second.sizeBytes());
            }
            assertTrue(refusal(writable(image)).contains("served already"));
        }
        LunBackend.open(writable(image)).close();
    }

    private record Ended(int status, String output) {}

    private Ended qemuIo(String... arguments) throws IOException, InterruptedException {
        Process process = start(arguments);
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ended(process.waitFor(), output);
    }

    private Process start(String... arguments) throws IOException {
        assumeTrue(
                Files.isExecutable(Path.of("/usr/bin/qemu-io")),
                "qemu-io is not installed (package qemu-utils)");
        String[] command = new String[arguments.length + 4];
        command[0] = "/usr/bin/qemu-io";
        command[1] = "-f";
        command[2] = "raw";
        System.arraycopy(arguments, 0, command, 3, arguments.length);
        command[command.length - 1] = image.toString();
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    @Test
    void qemuRefusesAnImageServedHere() throws IOException, InterruptedException {
        try (LunBackend lun = LunBackend.open(writable(image))) {
            assertEquals(65536, lun.sizeBytes());
            Ended write = qemuIo("-c", "write -P 1 0 4k");
            assertNotEquals(0, write.status());
            assertTrue(write.output().contains("lock"), write.output());
            Ended read = qemuIo("-r", "-U", "-c", "read 0 4k");
            assertEquals(0, read.status(), () -> "not as with a writer of QEMU: " + read.output());
        }
        Ended after = qemuIo("-c", "write -P 1 0 4k");
        assertEquals(0, after.status(), after.output());
    }

    @Test
    void qemuMayReadAnImageServedReadOnly() throws IOException, InterruptedException {
        try (LunBackend lun = LunBackend.open(LunFixture.readOnly(image))) {
            assertTrue(lun.readOnly());
            Ended read = qemuIo("-r", "-c", "read -P 0 0 4k");
            assertEquals(0, read.status(), read.output());
            Ended write = qemuIo("-c", "write -P 1 0 4k");
            assertNotEquals(0, write.status());
            assertTrue(write.output().contains("lock"), write.output());
        }
    }

    @Test
    void refusesAnImageThatQemuWritesAndNamesIt() throws IOException, InterruptedException {
        Process qemu = start();
        try (Writer commands = qemu.outputWriter(StandardCharsets.UTF_8);
                BufferedReader output = qemu.inputReader(StandardCharsets.UTF_8)) {
            commands.write("write -P 1 0 4k\n");
            commands.flush();
            String line = output.readLine();
            assertTrue(line != null && line.contains("wrote 4096"), String.valueOf(line));
            String expected = "is in use by qemu-io (pid " + qemu.pid() + "); stop that first";
            assertEquals("image " + image + " " + expected, refusal(writable(image)));
            assertEquals("image " + image + " " + expected, refusal(LunFixture.readOnly(image)));
            commands.write("quit\n");
        }
        assertEquals(0, qemu.waitFor());
        LunBackend.open(writable(image)).close();
    }
}
