package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.rig.Checkout;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/// `lunkeeper check --image`: what is told of an image that lies idle, and of one that is served.
@ExtendWith(ShowServerLog.class)
class CheckImageTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int MIB = 1 << 20;

    @TempDir private Path folder;

    private static List<String> check(Path image, int exit) {
        Tool.Outcome outcome =
                Tool.of(Checkout.launcher().toString(), "check", "--image", image.toString())
                        .within(LIMIT)
                        .run();
        assertEquals(exit, outcome.exit(), outcome.output());
        return outcome.output().lines().map(String::strip).toList();
    }

    private static String line(List<String> report, String what) {
        return report.stream()
                .filter(line -> line.startsWith(what))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + what + " in " + report));
    }

    @Test
    void idleImageIsToldByItsExtents() throws IOException {
        Path image = folder.resolve("vm.img");
        try (FileChannel file =
                FileChannel.open(image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer data = ByteBuffer.allocate(MIB);
            data.array()[0] = 1;
            file.write(data, 2 * MIB);
            file.write(ByteBuffer.allocate(1), 8 * MIB - 1);
            file.force(true);
        }
        List<String> report = check(image, 0);
        assertEquals("image " + image + " can be served", report.getFirst());
        assertTrue(line(report, "size").endsWith("8388608 bytes (8.0 MiB)"), report::toString);
        assertTrue(line(report, "open in").endsWith("no other process"), report::toString);
        assertTrue(line(report, "mapped").contains("extent"), report::toString);
        assertTrue(line(report, "holes").contains(" MiB, "), report::toString);
        assertTrue(line(report, "pieces").contains("on the device"), report::toString);
        assertTrue(line(report, "writes").contains("% can be written at once"), report::toString);
    }

    @Test
    void servedImageIsToldToBeInUseAndByWhom() {
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"))) {
            List<String> report = check(server.image(0), 1);
            assertEquals(
                    "image " + server.image(0) + " cannot be served for writing",
                    report.getFirst());
            assertTrue(line(report, "locked").contains("in use"), report::toString);
            assertTrue(
                    line(report, "open in").contains("(pid " + server.pid() + ")"),
                    report::toString);
        }
    }
}
