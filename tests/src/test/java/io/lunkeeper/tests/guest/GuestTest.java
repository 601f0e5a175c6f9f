package io.lunkeeper.tests.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.rig.FreePort;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.SecretFile;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/// A Linux guest with open-iscsi: discovery, the commands of sg3_utils, file systems, a disk that
/// grows, digests, CHAP, two sessions and four, resets; and under verified writes the server's
/// death and return, its end in order, a server that is frozen, a target that moves, and a network
/// that swallows what is sent until the server finds its peer dead, with and without a second path
/// (multipathd). The steps are in `tests/guest/steps` and `tests/guest/outages`.
@Tag("guest")
@ExtendWith(ShowServerLog.class)
class GuestTest {
    /// How long the server stays dead: long enough for the guest to try in vain.
    private static final int OUTAGE_MILLIS = 1500;

    /// How long it is frozen: longer than the initiator waits for a NOP-In and the one after it.
    private static final Duration FREEZE = Duration.ofSeconds(20);

    /// The last step of each scenario: a scenario that was left out shows.
    private static final List<String> LAST_STEPS =
            List.of(
                    "commands/logout",
                    "ext4/logout_again",
                    "xfs/logout_again",
                    "grow/logout",
                    "trim/logout",
                    "digests/logout",
                    "chap/logout",
                    "sessions/logout",
                    "reset/logout",
                    "restart/logout",
                    "four_sessions/none_served",
                    "freeze/logout",
                    "stop/logout",
                    "moved/logout_for-good",
                    "cut/none_served");

    private static final String TARGETS = "targets:\n";
    private static final String KEEPALIVE = "keepalive: 3s\n";
    private static final String LUNS = "    luns:\n";
    private static final String MUTUAL =
            "mutual: { user: keeper, secret-file: "
                    + SecretFile.of("a-secret-of-the-target")
                    + " }";
    private static final String AUTH =
            "    auth: { user: alice, secret-file: "
                    + SecretFile.of("a-secret-of-alice")
                    + ", "
                    + MUTUAL
                    + " }\n";
    private static final String DISCOVERY_AUTH =
            "discovery-auth: { user: scout, secret-file: "
                    + SecretFile.of("a-secret-of-scout")
                    + ", "
                    + MUTUAL
                    + " }\n";

    @TestFactory
    Stream<DynamicTest> openIscsi() throws IOException {
        int metrics = FreePort.find();
        try (ServerProcess server =
                ServerProcess.start(
                        ServerProcess.loopback(3),
                        "metrics: \"127.0.0.1:" + metrics + "\"",
                        "",
                        Lun.sized(0, "8MiB"),
                        Lun.sized(1, "512MiB"),
                        Lun.sized(2, "4GiB").with("allocate", "reserve"),
                        Lun.sized(3, "64MiB"))) {
            GuestMachine machine =
                    new GuestMachine(
                            Map.ofEntries(
                                    Map.entry("kill-and-restart", () -> killAndRestart(server)),
                                    Map.entry("stop-and-restart", () -> stopAndRestart(server)),
                                    Map.entry("freeze", () -> server.freeze(FREEZE)),
                                    Map.entry(
                                            "short-keepalive",
                                            () -> reload(server, TARGETS, KEEPALIVE + TARGETS)),
                                    Map.entry("usual-keepalive", () -> afterSilence(server)),
                                    Map.entry("grow", () -> server.reload("512MiB", "768MiB")),
                                    Map.entry(
                                            "ask-for-proof",
                                            () -> reload(server, LUNS, AUTH + LUNS)),
                                    Map.entry(
                                            "ask-for-proof-in-discovery",
                                            () ->
                                                    reload(
                                                            server,
                                                            TARGETS,
                                                            DISCOVERY_AUTH + TARGETS)),
                                    Map.entry("ask-for-nothing", () -> askForNothing(server)),
                                    Map.entry("move-for-a-while", () -> move(server, false)),
                                    Map.entry("move-for-good", () -> move(server, true)),
                                    Map.entry("return-for-a-while", () -> moveBack(server, false)),
                                    Map.entry("return-for-good", () -> moveBack(server, true))));
            List<GuestMachine.Step> steps = machine.run(parameters(server, metrics));
            String console = machine.console();
            Stream<DynamicTest> each = steps.stream().map(step -> report(step, console));
            Stream<DynamicTest> all =
                    LAST_STEPS.stream()
                            .map(last ->
                                    DynamicTest.dynamicTest(
                                            "reached " + last, () -> assertReached(last, steps)));
            return Stream.concat(each, all);
        }
    }

    private static void reload(ServerProcess server, String from, String to) {
        server.reload(from, to, "lunkeeper.yaml: reloaded\n");
    }

    private static void askForNothing(ServerProcess server) {
        reload(server, AUTH, "");
        reload(server, DISCOVERY_AUTH, "");
    }

    /// To another portal of the same server, which has the disks.
    private static String moved(ServerProcess server, boolean permanent) {
        return "    moved: { to: \"127.0.0.1:%d\", permanent: %b }\n"
                .formatted(server.port(1), permanent);
    }

    private static void move(ServerProcess server, boolean permanent) {
        reload(server, LUNS, moved(server, permanent) + LUNS);
    }

    private static void moveBack(ServerProcess server, boolean permanent) {
        reload(server, moved(server, permanent), "");
    }

    private static String parameters(ServerProcess server, int metrics) {
        return "IQN=%s\nPORT=%d\nPORT_2=%d\nPORT_3=%d\nMETRICS=%d\n"
                .formatted(
                        ServerProcess.IQN, server.port(0), server.port(1), server.port(2), metrics);
    }

    private static DynamicTest report(GuestMachine.Step step, String console) {
        return DynamicTest.dynamicTest(
                step.name(),
                () ->
                        assertTrue(
                                step.passed(),
                                () -> step.name() + "\n" + step.output() + "\n" + console));
    }

    private static void assertReached(String last, List<GuestMachine.Step> steps) {
        assertTrue(
                steps.stream().anyMatch(step -> step.name().equals(last)),
                () -> "the guest never came to " + last);
    }

    private static void killAndRestart(ServerProcess server) {
        server.kill9();
        try {
            Thread.sleep(OUTAGE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        server.restart();
    }

    /// Two sessions whose packets were dropped are gone.
    private static void afterSilence(ServerProcess server) {
        String dropped = "disconnected: no answer to a NOP-In for 3 s\n";
        assertEquals(3, server.log().split(dropped, -1).length, server::log);
        reload(server, KEEPALIVE, "");
    }

    /// The one session that is there has logged out because it was asked to.
    private static void stopAndRestart(ServerProcess server) {
        server.stop();
        Optional<String> last =
                server.log().lines().filter(line -> line.contains("connected")).reduce((_, b) -> b);
        assertTrue(last.orElse("").endsWith("disconnected: logged out"), server::log);
        server.restart();
    }
}
