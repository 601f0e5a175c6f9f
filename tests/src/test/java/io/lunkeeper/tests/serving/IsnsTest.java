package io.lunkeeper.tests.serving;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.rig.FreePort;
import io.lunkeeper.tests.rig.Gauges;
import io.lunkeeper.tests.rig.IsnsServer;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ServerProcess.Listener;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/// Targets are found at a server of names (RFC 4171): Open-iSNS.
@ExtendWith(ShowServerLog.class)
final class IsnsTest {
    /// Short, so that a test can wait for the end of it.
    private static final Duration PERIOD = Duration.ofSeconds(10);

    private static final String NAME = "iSCSI name";
    private static final String TWO = "iqn.2026-11.io.lunkeeper:second";
    private static final String SECRET = "iqn.2026-11.io.lunkeeper:secret";
    private static final String SECOND =
            """
              - iqn: iqn.2026-11.io.lunkeeper:second
                luns: [{ lun: 0, image: second.img, size: 1MiB }]
              - iqn: iqn.2026-11.io.lunkeeper:secret
                isns: false
                luns: [{ lun: 0, image: secret.img, size: 1MiB }]
            """;

    @TempDir private Path folder;
    private final List<Listener> listeners =
            List.of(Listener.at("127.0.0.1", 1), Listener.at("127.0.0.1", 7));

    private int metrics;
    private Gauges gauges = new Gauges(0);

    @BeforeEach
    void findPort() throws IOException {
        metrics = FreePort.find();
        gauges = new Gauges(metrics);
    }

    @AfterEach
    void closeGauges() {
        gauges.close();
    }

    private IsnsServer names() {
        assumeTrue(
                IsnsServer.isThere(),
                "needs isnsd and isnsadm: Debian's open-isns-server, open-isns-utils");
        return IsnsServer.start(folder, PERIOD);
    }

    private ServerProcess serve(String nameServer) {
        String keys =
                "metrics: \"127.0.0.1:%d\"\nisns: { servers: [\"%s\"], entity: keeper }"
                        .formatted(metrics, nameServer);
        return ServerProcess.start(listeners, keys, "alias: Mail", Lun.sized(0, "1MiB"));
    }

    private static String metric(String name, String nameServer) {
        return "lunkeeper_isns_" + name + "{server=\"" + nameServer + "\"}";
    }

    /// Whatever their order.
    private static void awaitNodes(IsnsServer names, String... expected) {
        names.await("nodes", NAME, nodes -> Set.copyOf(nodes).equals(Set.of(expected)));
    }

    private static void assertServes(ServerProcess server) throws IOException {
        try (RawInitiator initiator = RawInitiator.connect(server.address())) {
            assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
        }
    }

    @Test
    void clientsFindTargetsFromTheStartToTheEnd() {
        try (IsnsServer names = names();
                ServerProcess server = serve(names.address())) {
            awaitNodes(names, ServerProcess.IQN);
            assertEquals(List.of("keeper"), names.list("entities", "Entity identifier"));
            assertEquals(List.of("10"), names.list("entities", "Registration Period"));
            assertEquals(List.of("Mail"), names.list("nodes", "iSCSI alias"));
            assertEquals(List.of("Target"), names.list("nodes", "iSCSI node type"));
            assertEquals(
                    Set.of(server.port(0) + "/tcp", server.port(1) + "/tcp"),
                    Set.copyOf(names.list("portals", "Portal TCP/UDP port")));
            assertEquals(
                    List.of("127.0.0.1", "127.0.0.1"), names.list("portals", "Portal IP address"));
            String target = "iscsi-name=" + ServerProcess.IQN;
            assertTrue(names.find(target, NAME).contains(ServerProcess.IQN));
            server.stop();
            assertEquals(
                    List.of("iqn.2026-11.io.lunkeeper.tests:client"), names.list("nodes", NAME));
            assertEquals(List.of(), names.list("portals", "Portal IP address"));
            assertTrue(server.log().contains(": nothing is registered\n"), server.log());
        }
    }

    @Test
    void targetsComeAndGoWithTheConfiguration() {
        try (IsnsServer names = names();
                ServerProcess server = serve(names.address())) {
            awaitNodes(names, ServerProcess.IQN);
            server.reload("targets:\n", "targets:\n" + SECOND, ": reloaded");
            awaitNodes(names, ServerProcess.IQN, TWO);
            server.reload("    isns: false\n", "", ": reloaded");
            awaitNodes(names, ServerProcess.IQN, TWO, SECRET);
            server.reload(
                    "io.lunkeeper:secret\n",
                    "io.lunkeeper:secret\n    isns: false\n",
                    ": reloaded");
            awaitNodes(names, ServerProcess.IQN, TWO);
            server.reload(SECOND, SECOND.substring(SECOND.lastIndexOf("  - iqn:")), ": reloaded");
            awaitNodes(names, ServerProcess.IQN);
        }
    }

    /// Until a server dies: then it is forgotten, since nobody refreshes it.
    @Test
    void registrationOutlivesItsPeriod() throws Exception {
        try (IsnsServer names = names();
                ServerProcess server = serve(names.address())) {
            gauges.await(metric("refreshes_total", names.address()), count -> count >= 3);
            awaitNodes(names, ServerProcess.IQN);
            server.kill9();
            awaitNodes(names);
            server.restart();
            awaitNodes(names, ServerProcess.IQN);
        }
    }

    @Test
    void serverOfNamesMayGoAndComeBackWithoutKnowingAnything() throws Exception {
        try (IsnsServer names = names();
                ServerProcess server = serve(names.address())) {
            awaitNodes(names, ServerProcess.IQN);
            names.stop();
            gauges.await(metric("up", names.address()), up -> up == 0);
            assertServes(server);
            names.forget();
            names.restart();
            gauges.await(metric("up", names.address()), up -> up == 1);
            awaitNodes(names, ServerProcess.IQN);
        }
    }

    /// It accepts, and says nothing; it is not there. Nobody waits for it.
    @Test
    void serverIsServedAndEndedWithoutAServerOfNames() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 1)) {
            String address = "127.0.0.1:" + silent.getLocalPort();
            try (ServerProcess server = serve(address);
                    Socket client = silent.accept()) {
                assertEquals(12, client.getInputStream().readNBytes(12).length);
                assertServes(server);
                server.stop();
            }
        }
        try (ServerProcess server = serve("127.0.0.1:" + FreePort.find())) {
            assertServes(server);
        }
    }

    @Test
    void nonsenseIsToldOnceAndTriedAgain() throws Exception {
        try (ServerSocket odd = new ServerSocket(0, 1)) {
            String address = "127.0.0.1:" + odd.getLocalPort();
            try (ServerProcess server = serve(address)) {
                for (int i = 0; i < 2; i++) {
                    try (Socket client = odd.accept()) {
                        client.getOutputStream()
                                .write("HTTP/1.1 400 Bad Request\r\n".getBytes(US_ASCII));
                        client.getInputStream().readAllBytes();
                    }
                }
                gauges.await(metric("failures_total", address), count -> count >= 2);
                String said = "sent what is no iSNS message: version 18516\n";
                assertEquals(2, server.log().split(said, -1).length, server.log());
                assertServes(server);
            }
        }
    }
}
