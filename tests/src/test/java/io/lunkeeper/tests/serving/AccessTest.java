package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
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
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
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
    private static final int LUN_RESET = 5;
    private static final int TARGET_WARM_RESET = 6;
    private static final int TARGET_COLD_RESET = 7;
    private static final int NO_SUCH_LUN = 2;
    private static final int NOT_AUTHORIZED = 6;
    private static final int LOGICAL_UNIT_NOT_SUPPORTED = 0x52500;
    private static final int LOGICAL_UNIT_RESET_OCCURRED = 0x62903;
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
                    server.log().contains("who may log in, or what he sees, has changed"),
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

    private static RawInitiator login(ServerProcess server, String name) throws IOException {
        RawInitiator initiator = connect("127.0.0.1", server.port(), name);
        assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
        return initiator;
    }

    private static ServerProcess masking() {
        return masking("luns: [1]");
    }

    private static ServerProcess masking(String seen) {
        return ServerProcess.start(
                "",
                "access:\n  - { initiators: [\""
                        + ALICE
                        + "\"], "
                        + seen
                        + " }\n"
                        + "  - { initiators: [\"*\"] }",
                Lun.sized(0, "8MiB"),
                Lun.sized(1, "8MiB"),
                Lun.sized(2, "8MiB"));
    }

    /// The numbers that REPORT LUNS lists.
    private static List<Integer> luns(RawInitiator initiator, int lun) throws IOException {
        ByteBuffer list = ByteBuffer.wrap(initiator.read(lun, Cdb.reportLuns(256), 256).data());
        List<Integer> numbers = new ArrayList<>();
        for (int at = 8; at < 8 + list.getInt(0); at += 8) {
            numbers.add(list.getShort(at) & 0x3fff);
        }
        return numbers;
    }

    @Test
    void whatIsNotForAnInitiatorIsNotThere() throws Exception {
        try (ServerProcess server = masking();
                RawInitiator alice = login(server, ALICE);
                RawInitiator bob = login(server, BOB)) {
            for (int lun = 0; lun < 3; lun++) {
                assertEquals(List.of(1), luns(alice, lun));
                assertEquals(List.of(0, 1, 2), luns(bob, lun));
            }
            alice.clearUnitAttentions(1);
            assertEquals(ScsiResult.GOOD, alice.read(1, Cdb.read10(0, 8), 4096).status());
            byte[] data = new byte[4096];
            for (int hidden : new int[] {0, 2, 16000}) {
                assertEquals(0x7f, alice.read(hidden, Cdb.inquiry(96), 96).data()[0] & 0xff);
                assertEquals(
                        LOGICAL_UNIT_NOT_SUPPORTED,
                        alice.read(hidden, Cdb.read10(0, 8), 4096).senseCode());
                assertEquals(
                        LOGICAL_UNIT_NOT_SUPPORTED,
                        alice.write(hidden, Cdb.write10(0, 8), data).senseCode());
            }
        }
    }

    /// What an initiator resets is what it sees; it cannot end the sessions of those who see more.
    @Test
    void resetsReachWhatIsSeenAlone() throws Exception {
        try (ServerProcess server = masking();
                RawInitiator alice = login(server, ALICE);
                RawInitiator bob = login(server, BOB)) {
            for (int lun = 0; lun < 3; lun++) {
                bob.clearUnitAttentions(lun);
            }
            assertEquals(NO_SUCH_LUN, manage(alice, Request.taskManagement(LUN_RESET).lun(0)));
            assertEquals(NOT_AUTHORIZED, manage(alice, Request.taskManagement(TARGET_COLD_RESET)));
            assertEquals(0, manage(alice, Request.taskManagement(TARGET_WARM_RESET)));
            assertEquals(List.of(), bob.clearUnitAttentions(0));
            assertEquals(List.of(), bob.clearUnitAttentions(2));
            assertEquals(List.of(LOGICAL_UNIT_RESET_OCCURRED), bob.clearUnitAttentions(1));
        }
    }

    private static int manage(RawInitiator initiator, Request request) throws IOException {
        return initiator.exchange(request).response();
    }

    /// Every host may have its disk as LUN 0: all that is said of a LUN, either way, says the
    /// number that the initiator knows.
    @Test
    void everyInitiatorHasNumbersOfItsOwn() throws Exception {
        String seen = "luns: [{ lun: 2, as: 0 }, { lun: 0, as: 300 }]";
        try (ServerProcess server = masking(seen);
                RawInitiator alice = login(server, ALICE);
                RawInitiator bob = login(server, BOB)) {
            assertEquals(List.of(0, 300), luns(alice, 0));
            for (int lun = 0; lun < 3; lun++) {
                bob.clearUnitAttentions(lun);
            }
            alice.clearUnitAttentions(0);
            alice.clearUnitAttentions(300);
            // More than comes unasked: the rest is asked for.
            byte[] data = new byte[1 << 20];
            new Random(1).nextBytes(data);
            assertEquals(ScsiResult.GOOD, alice.write(0, Cdb.write10(0, 2048), data).status());
            assertArrayEquals(data, bob.read(2, Cdb.read10(0, 2048), data.length).data());
            assertArrayEquals(data, alice.read(0, Cdb.read10(0, 2048), data.length).data());
            assertEquals(ScsiResult.GOOD, bob.write(0, Cdb.write10(0, 2048), data).status());
            assertArrayEquals(data, alice.read(300, Cdb.read10(0, 2048), data.length).data());
            assertEquals(
                    LOGICAL_UNIT_NOT_SUPPORTED,
                    alice.write(2, Cdb.write10(0, 2048), data).senseCode());
            assertEquals(NO_SUCH_LUN, manage(alice, Request.taskManagement(LUN_RESET).lun(2)));
            assertEquals(0, manage(alice, Request.taskManagement(LUN_RESET).lun(0)));
            assertEquals(List.of(), bob.clearUnitAttentions(0));
            assertEquals(List.of(LOGICAL_UNIT_RESET_OCCURRED), bob.clearUnitAttentions(2));
            server.reload(
                    "lun: 2, as: 0",
                    "lun: 1, as: 0",
                    "LUN 2 is seen as 0; another disk must not take its place unnoticed");
            assertEquals(List.of(LOGICAL_UNIT_RESET_OCCURRED), alice.clearUnitAttentions(0));
            assertArrayEquals(data, alice.read(0, Cdb.read10(0, 2048), data.length).data());
        }
    }

    @Test
    void whatIsSeenChangesWithTheNextSession() throws Exception {
        try (ServerProcess server = masking();
                RawInitiator alice = login(server, ALICE)) {
            server.reload("luns: [1]", "luns: [2, 0]", RELOADED);
            assertEquals(List.of(1), luns(alice, 1));
            assertEquals(
                    LOGICAL_UNIT_NOT_SUPPORTED, alice.read(0, Cdb.testUnitReady(), 0).senseCode());
            try (RawInitiator another = login(server, ALICE)) {
                assertEquals(List.of(0, 2), luns(another, 1));
                another.clearUnitAttentions(0);
                assertEquals(ScsiResult.GOOD, another.read(0, Cdb.read10(0, 8), 4096).status());
            }
        }
    }

    private static int inquire(ServerProcess server, String initiator, String credentials) {
        String url = server.url(0).replace("iscsi://", "iscsi://" + credentials + "@");
        return Tool.of("iscsi-inq", "-i", initiator, url).within(LIMIT).run().exit();
    }
}
