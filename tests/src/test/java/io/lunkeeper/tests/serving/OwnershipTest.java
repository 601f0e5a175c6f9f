package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Checkout;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// What other programs can do to an image that is being served, and what comes of it.
@ExtendWith(ShowServerLog.class)
final class OwnershipTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int HARDWARE_ERROR = 4;

    @BeforeEach
    void linuxOnly() {
        assumeTrue(Files.isDirectory(Path.of("/proc/self/fd")), "needs Linux");
    }

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < deadline, () -> "never: " + what);
            Thread.sleep(20);
        }
    }

    static void assumeGuard() throws IOException {
        String capabilities =
                Files.readAllLines(Path.of("/proc/self/status")).stream()
                        .filter(line -> line.startsWith("CapEff:"))
                        .findFirst()
                        .orElse("CapEff: 0");
        long effective = Long.parseUnsignedLong(capabilities.substring(7).strip(), 16);
        assumeTrue((effective & 1L << 21) != 0, "needs CAP_SYS_ADMIN");
    }

    private static Tool.Outcome run(String... command) {
        return Tool.of(command).within(LIMIT).run();
    }

    private static void signal(String signal, long pid) {
        Tool.of("kill", "-" + signal, Long.toString(pid)).within(LIMIT).succeed();
    }

    @Test
    void guardThatDeniesRefusesEveryOpenerAndNamesIt() throws Exception {
        assumeGuard();
        Path image;
        try (ServerProcess server =
                ServerProcess.start(Lun.sized(0, "8MiB").with("guard", "deny"))) {
            image = server.image(0);
            Path beside = Files.writeString(server.folder().resolve("beside"), "other");
            for (String[] opener :
                    new String[][] {
                        {"cat", image + ""},
                        {"cp", "--reflink=auto", image + "", server.folder().resolve("c") + ""},
                        {"dd", "of=" + image, "if=/dev/zero", "conv=notrunc", "count=1"}
                    }) {
                Tool.Outcome refused = run(opener);
                assertNotEquals(0, refused.exit(), refused.output());
                assertTrue(refused.output().contains("Operation not permitted"), refused.output());
            }
            assertEquals("other", run("cat", beside + "").output());
            await("the log names cat", () -> server.log().contains("refused to cat (pid "));
            try (RawInitiator initiator = RawInitiator.connect(server.address())) {
                assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
                initiator.clearUnitAttentions(0);
                assertEquals(0, initiator.read(0, Cdb.readCapacity10(), 8).status());
            }
            server.stop();
            assertEquals(0, run("cat", image + "").exit());
        }
    }

    @Test
    void guardThatWarnsLetsThemInAndNamesThem() throws Exception {
        assumeGuard();
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"))) {
            Process reader = new ProcessBuilder("tail", "-f", server.image(0) + "").start();
            try {
                await(
                        "the log names tail",
                        () -> server.log().contains("tail (pid " + reader.pid() + ") opened it"));
            } finally {
                reader.destroyForcibly();
            }
        }
    }

    /// A server that hangs keeps only those waiting who open its image, and they can be killed.
    @Test
    void serverThatHangsHoldsUpNobodyElse() throws Exception {
        assumeGuard();
        try (ServerProcess server =
                ServerProcess.start(Lun.sized(0, "8MiB").with("guard", "deny"))) {
            Path beside = Files.writeString(server.folder().resolve("beside"), "other");
            signal("STOP", server.pid());
            Process waiting = new ProcessBuilder("cat", server.image(0) + "").start();
            try {
                assertFalse(waiting.waitFor(1, TimeUnit.SECONDS), "the server cannot answer");
                assertEquals("other", run("cat", beside + "").output());
                waiting.destroyForcibly();
                assertTrue(waiting.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS), "not killed");
            } finally {
                waiting.destroyForcibly();
                signal("CONT", server.pid());
            }
            assertNotEquals(0, run("cat", server.image(0) + "").exit());
        }
    }

    @Test
    void serverThatDiesLetsGoWhoeverWaitsForItsAnswer() throws Exception {
        assumeGuard();
        try (ServerProcess server =
                ServerProcess.start(Lun.sized(0, "8MiB").with("guard", "deny"))) {
            signal("STOP", server.pid());
            Process waiting =
                    new ProcessBuilder("cat", server.image(0) + "")
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start();
            assertFalse(waiting.waitFor(1, TimeUnit.SECONDS), "the server cannot answer");
            server.kill9();
            assertTrue(waiting.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS), "still waits");
            assertEquals(0, waiting.exitValue());
        }
    }

    @Test
    @Tag("qemu")
    void qemuMayLookAndReadButNotWrite() throws Exception {
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"))) {
            String image = server.image(0).toString();
            assertEquals(0, run("qemu-img", "info", image).exit());
            assertEquals(
                    0, run("qemu-io", "-r", "-U", "-f", "raw", "-c", "read 0 4k", image).exit());
            Tool.Outcome write = run("qemu-io", "-f", "raw", "-c", "write 0 4k", image);
            assertNotEquals(0, write.exit(), write.output());
            assertTrue(write.output().contains("lock"), write.output());
        }
    }

    private static void assertFails(ServerProcess server, String reason) throws Exception {
        await(reason, () -> server.log().contains(reason));
        try (RawInitiator initiator = RawInitiator.connect(server.address())) {
            assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
            initiator.clearUnitAttentions(0);
            ScsiResult read = initiator.read(0, Cdb.read10(0, 8), 4096);
            assertEquals(ScsiResult.CHECK_CONDITION, read.status());
            assertEquals(HARDWARE_ERROR, read.sense()[2] & 0x0f);
        }
        server.kill9();
    }

    @Test
    void imageThatIsCutFailsItsUnit() throws Exception {
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"))) {
            run("truncate", "-s", "4M", server.image(0) + "");
            assertFails(server, "has 4194304 bytes and had 8388608: another program cut it");
        }
    }

    @Test
    void imageThatIsReplacedFailsItsUnit() throws Exception {
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"))) {
            Path other = Files.write(server.folder().resolve("other"), new byte[8 << 20]);
            Files.move(other, server.image(0), StandardCopyOption.REPLACE_EXISTING);
            assertFails(server, "was replaced: another file has its name now");
        }
    }

    @Test
    void imageThatIsMovedAwayIsServedOnAndTheLogSaysSo() throws Exception {
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"))) {
            Path away = server.folder().resolve("away.img");
            Files.move(server.image(0), away);
            await("a word in the log", () -> server.log().contains("was moved or deleted"));
            try (RawInitiator initiator = RawInitiator.connect(server.address())) {
                assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
                initiator.clearUnitAttentions(0);
                assertEquals(0, initiator.read(0, Cdb.read10(0, 8), 4096).status());
            }
            Files.move(away, server.image(0));
        }
    }

    @Test
    void fileSystemThatBecomesReadOnlyFailsTheUnit() throws Exception {
        Path folder = Files.createTempDirectory("lunkeeper-ro");
        Path device = Files.createTempFile("lunkeeper-ro", ".ext4");
        run("truncate", "-s", "64M", device + "");
        boolean mounted =
                run("mkfs.ext4", "-q", device + "").exit() == 0
                        && run("mount", "-o", "loop,errors=remount-ro", device + "", folder + "")
                                        .exit()
                                == 0;
        try {
            assumeTrue(mounted, "needs mkfs.ext4 and the privilege to mount");
            Path image = Files.write(folder.resolve("vm.img"), new byte[8 << 20]);
            try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB").over(image))) {
                // As after an error in its metadata. Some kernels tell at once, some with a write.
                run("mount", "-o", "remount,abort", folder + "");
                try (RawInitiator initiator = RawInitiator.connect(server.address())) {
                    assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
                    initiator.clearUnitAttentions(0);
                    ScsiResult write = initiator.write(0, Cdb.write10(0, 8), new byte[4096]);
                    assertEquals(ScsiResult.CHECK_CONDITION, write.status());
                }
                assertFails(server, "vm.img has failed: ");
            }
        } finally {
            run("umount", "-l", folder + "");
            Files.deleteIfExists(folder);
            Files.deleteIfExists(device);
        }
    }

    @Test
    void oneFileUnderTwoNamesIsRefused() throws Exception {
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"))) {
            Path folder = server.folder();
            Path hard = Files.createLink(folder.resolve("hard.img"), server.image(0));
            Path soft = Files.createSymbolicLink(folder.resolve("soft.img"), server.image(0));
            for (Path other : new Path[] {hard, soft}) {
                Path file =
                        Files.writeString(
                                folder.resolve("twice.yaml"),
                                """
                                portals: [{listen: "127.0.0.1:0"}]
                                targets:
                                  - iqn: iqn.2026-11.io.lunkeeper:twice
                                    luns: [{lun: 0, image: "%s"}, {lun: 1, image: "%s"}]
                                """
                                        .formatted(folder.resolve("hard.img"), other));
                Tool.Outcome refused = serve(file);
                assertNotEquals(0, refused.exit(), refused.output());
            }
        }
    }

    @Test
    void oneFileThroughABindMountIsRefused() throws Exception {
        Path folder = Files.createTempDirectory("lunkeeper-bind");
        Path real = Files.createDirectory(folder.resolve("real"));
        Path bound = Files.createDirectory(folder.resolve("bound"));
        Files.write(real.resolve("vm.img"), new byte[1 << 20]);
        assumeTrue(
                run("mount", "--bind", real + "", bound + "").exit() == 0,
                "needs the privilege to mount");
        try {
            Path file =
                    Files.writeString(
                            folder.resolve("twice.yaml"),
                            """
                            portals: [{listen: "127.0.0.1:0"}]
                            targets:
                              - iqn: iqn.2026-11.io.lunkeeper:twice
                                luns: [{lun: 0, image: "real/vm.img"}, {lun: 1, image: "bound/vm.img"}]
                            """);
            Tool.Outcome refused = serve(file);
            assertNotEquals(0, refused.exit(), refused.output());
            assertTrue(refused.output().contains("has this image"), refused.output());
        } finally {
            run("umount", bound + "");
            run("rm", "-r", folder + "");
        }
    }

    private static Tool.Outcome serve(Path configuration) {
        return run(Checkout.launcher().toString(), "serve", "--config", configuration + "");
    }
}
