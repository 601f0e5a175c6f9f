package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.InitiatorSession;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.SecretFile;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ServerProcess.Listener;
import io.lunkeeper.tests.rig.ShowServerLog;
import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// Who may log in to a target, and how that changes while others are logged in.
@ExtendWith(ShowServerLog.class)
final class AccessTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final String RELOADED = "lunkeeper.yaml: reloaded\n";
    private static final int NOT_FOUND = 3;
    private static final int AUTHENTICATION_FAILURE = 1;
    private static final String ALICE = "iqn.2026-11.io.h:alice";
    private static final String BOB = "iqn.2026-11.io.h:bob";

    private static RawInitiator connect(String host, int port, String name) throws IOException {
        return RawInitiator.connect(
                new InetSocketAddress(host, port), new InitiatorSession(name), 0);
    }

    /// Status-Detail of an attempt to log in.
    private static int detail(String host, ServerProcess server) throws IOException {
        try (RawInitiator initiator = connect(host, server.port(), ALICE)) {
            return initiator.login(ServerProcess.IQN).statusDetail();
        }
    }

    private static boolean discovers(String host, ServerProcess server) throws IOException {
        try (RawInitiator initiator = connect(host, server.port(), ALICE)) {
            assertEquals(0, initiator.loginForDiscovery().statusClass());
            byte[] answer = initiator.exchange(Request.text().keys("SendTargets=All")).data();
            return new String(answer, StandardCharsets.UTF_8).contains(ServerProcess.IQN);
        }
    }

    /// Who comes by IPv4 to a portal of every address is still in his network.
    @Test
    void networksAreThoseThatInitiatorsComeFrom() throws Exception {
        Listener any = Listener.at("[::]", 1);
        try (ServerProcess server =
                ServerProcess.start(
                        List.of(any),
                        "",
                        "networks: [127.0.0.0/8, \"2001:db8::/32\"]",
                        Lun.sized(0, "8MiB"))) {
            assertEquals(0, detail("127.0.0.1", server));
            assertTrue(discovers("127.0.0.1", server));
            assertEquals(NOT_FOUND, detail("::1", server));
            assertTrue(!discovers("::1", server));
            server.reload("127.0.0.0/8", "\"::1\"", RELOADED);
            assertEquals(NOT_FOUND, detail("127.0.0.1", server));
            assertEquals(0, detail("::1", server));
        }
    }

    @Test
    void changesCountForNewLoginsAndSessionsGoOn() throws Exception {
        try (ServerProcess server =
                        ServerProcess.start(
                                "", "initiators: [\"" + ALICE + "\"]", Lun.sized(0, "8MiB"));
                RawInitiator alice = connect("127.0.0.1", server.port(), ALICE)) {
            assertEquals(0, alice.login(ServerProcess.IQN).statusClass());
            alice.clearUnitAttentions(0);
            server.reload(ALICE, BOB, RELOADED);
            assertTrue(
                    server.log().contains("who may log in has changed; sessions that are there"),
                    server.log());
            assertEquals(NOT_FOUND, detail("127.0.0.1", server));
            assertEquals(ScsiResult.GOOD, alice.read(0, Cdb.read10(0, 8), 4096).status());
            server.reload(
                    "initiators: [\"" + BOB + "\"]",
                    "auth: { user: a, secret-file: " + SecretFile.of("a-secret-of-alice") + " }",
                    RELOADED);
            assertEquals(AUTHENTICATION_FAILURE, detail("127.0.0.1", server));
            assertEquals(ScsiResult.GOOD, alice.read(0, Cdb.read10(0, 8), 4096).status());
        }
    }

    /// Each initiator by its own secret, as libiscsi proves it.
    @Test
    @Tag("libiscsi")
    void eachNameHasCredentialsOfItsOwn() {
        String entry = "  - { initiators: [\"%s\"], auth: { user: %s, secret-file: %s } }\n";
        try (ServerProcess server =
                ServerProcess.start(
                        "",
                        "access:\n"
                                + entry.formatted(ALICE, "a", SecretFile.of("a-secret-of-alice"))
                                + entry.formatted(BOB, "b", SecretFile.of("a-secret-of-bob")),
                        Lun.sized(0, "8MiB"))) {
            assertEquals(0, inquire(server, ALICE, "a%a-secret-of-alice"));
            assertEquals(0, inquire(server, BOB, "b%a-secret-of-bob"));
            assertNotEquals(0, inquire(server, BOB, "a%a-secret-of-alice"));
            assertNotEquals(0, inquire(server, ALICE, "b%a-secret-of-bob"));
            assertNotEquals(0, inquire(server, "iqn.2026-11.io.h:carol", "a%a-secret-of-alice"));
        }
    }

    private static int inquire(ServerProcess server, String initiator, String credentials) {
        String url = server.url(0).replace("iscsi://", "iscsi://" + credentials + "@");
        return Tool.of("iscsi-inq", "-i", initiator, url).within(LIMIT).run().exit();
    }
}
