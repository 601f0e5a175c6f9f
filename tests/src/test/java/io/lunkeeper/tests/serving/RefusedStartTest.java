package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.rig.Checkout;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(ShowServerLog.class)
class RefusedStartTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int FAILED = 1;
    private static final int USAGE = 2;

    @TempDir private Path folder;

    private Path configuration(int port, String... luns) throws IOException {
        StringBuilder yaml = new StringBuilder();
        yaml.append("portals:\n  - listen: \"127.0.0.1:").append(port).append("\"\n");
        yaml.append("targets:\n  - iqn: iqn.2026-11.io.lunkeeper:refused\n    luns:\n");
        for (String lun : luns) {
            yaml.append("      - { ").append(lun).append(" }\n");
        }
        return Files.writeString(folder.resolve("refused.yaml"), yaml);
    }

    private static Tool.Outcome serve(Path configuration) {
        return Tool.of(Checkout.launcher().toString(), "serve", "--config", configuration + "")
                .within(LIMIT)
                .run();
    }

    private static void assertRefused(Tool.Outcome outcome, int exit, String... parts) {
        String said = outcome.output().strip();
        assertEquals(exit, outcome.exit(), said);
        assertEquals(1, said.lines().count(), said);
        for (String part : parts) {
            assertTrue(said.contains(part), said);
        }
    }

    @Test
    void portInUseIsNamedAndNoImageIsCreated() throws IOException {
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"))) {
            Path file = configuration(server.port(), "lun: 0, image: new.img, size: 8MiB");
            assertRefused(
                    serve(file), FAILED, file + ":2: portals[0].listen: ", "127.0.0.1:", "in use");
            assertFalse(Files.exists(folder.resolve("new.img")));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"deny", "warn", "off"})
    void imageOfAnotherServerIsRefusedAndNoOtherIsCreated(String guard) throws IOException {
        try (ServerProcess server =
                ServerProcess.start(Lun.sized(0, "8MiB").with("guard", guard))) {
            Path taken = server.image(0);
            Path file =
                    configuration(
                            0,
                            "lun: 0, image: new.img, size: 8MiB",
                            "lun: 1, image: \"" + taken + "\"");
            assertRefused(
                    serve(file),
                    FAILED,
                    file + ":7: targets[0].luns[1].image: ",
                    taken + " is in use by ",
                    "(pid " + server.pid() + ")",
                    "stop that first");
            assertFalse(Files.exists(folder.resolve("new.img")));
        }
    }

    @Test
    @Tag("qemu")
    void imageThatQemuHasOpenIsRefused() throws IOException {
        Path image = Files.write(folder.resolve("vm.img"), new byte[1 << 20]);
        Path file = configuration(0, "lun: 0, image: vm.img");
        Process qemu = new ProcessBuilder("qemu-io", "-f", "raw", image.toString()).start();
        try {
            // Its answer to a first command says that it has the image.
            qemu.getOutputStream()
                    .write("length\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            qemu.getOutputStream().flush();
            assertTrue(qemu.getInputStream().read() >= 0);
            assertRefused(serve(file), FAILED, file + ":6: targets[0].luns[0].image: ", "qemu-io");
        } finally {
            qemu.destroy();
        }
    }

    @Test
    void everyMistakeOfAConfigurationIsNamedWithItsLine() throws IOException {
        Path directory = Files.createDirectory(folder.resolve("directory"));
        Path file =
                configuration(
                        0,
                        "lun: 0, image: missing.img",
                        "lun: 0, image: directory",
                        "lun: 2, image: new.img, size: 8MiB, cache: writeback");
        Tool.Outcome outcome = serve(file);
        assertEquals(USAGE, outcome.exit(), outcome.output());
        for (String part :
                List.of(
                        file + ":6: targets[0].luns[0].image: ",
                        file + ":7: targets[0].luns[1].lun: ",
                        directory + " is a directory",
                        file + ":8: targets[0].luns[2].cache: ",
                        "write-back")) {
            assertTrue(outcome.output().contains(part), part + " in " + outcome.output());
        }
        assertFalse(Files.exists(folder.resolve("new.img")));
    }
}
