package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ServerProcess.Listener;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// Several portals in several portal groups, of both families, two of them on every address.
@ExtendWith(ShowServerLog.class)
class PortalGroupTest {
    private static final Listener FOUR = Listener.at("127.0.0.1", 1);
    private static final Listener SIX = Listener.at("[::1]", 2);
    private static final Listener ANY_FOUR = Listener.at("0.0.0.0", 2);
    private static final Listener ANY = Listener.at("[::]", 65535);

    @AutoClose private static ServerProcess server;

    @BeforeAll
    static void start() {
        server =
                ServerProcess.start(
                        List.of(FOUR, SIX, ANY_FOUR, ANY),
                        "",
                        "alias: Disks of the mail",
                        Lun.sized(0, "16MiB"));
    }

    private static RawInitiator connect(String host, Listener to) throws IOException {
        return RawInitiator.connect(new InetSocketAddress(host, to.port()));
    }

    private static List<String> discover(String host, Listener to) throws IOException {
        try (RawInitiator initiator = connect(host, to)) {
            assertEquals(0, initiator.loginForDiscovery().statusClass());
            Pdu answer = initiator.exchange(Request.text().keys("SendTargets=All"));
            assertTrue(answer.isFinal());
            return Arrays.stream(new String(answer.data(), StandardCharsets.UTF_8).split("\0"))
                    .filter(pair -> pair.startsWith("TargetAddress="))
                    .map(pair -> pair.substring("TargetAddress=".length()))
                    .toList();
        }
    }

    @Test
    void tellsWhoCameByIpv4OfWhereItIsReachedSo() throws IOException {
        List<String> told =
                List.of(
                        FOUR.portal() + ",1",
                        SIX.portal() + ",2",
                        "127.0.0.2:" + ANY_FOUR.port() + ",2",
                        "127.0.0.2:" + ANY.port() + ",65535");
        assertEquals(told, discover("127.0.0.2", ANY_FOUR));
        assertEquals(told, discover("127.0.0.2", ANY));
    }

    @Test
    void tellsWhoCameByIpv6OfWhereItIsReachedSo() throws IOException {
        List<String> told =
                List.of(
                        FOUR.portal() + ",1",
                        SIX.portal() + ",2",
                        "[::1]:" + ANY.port() + ",65535");
        assertEquals(told, discover("::1", SIX));
        assertEquals(told, discover("::1", ANY));
    }

    @Test
    void declaresTheGroupOfThePortalAndTheAlias() throws IOException {
        for (Listener each : List.of(FOUR, ANY_FOUR, ANY)) {
            try (RawInitiator initiator = connect("127.0.0.1", each)) {
                assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
                assertEquals(
                        Integer.toString(each.group()),
                        initiator.negotiated().get("TargetPortalGroupTag"));
                assertEquals("Disks of the mail", initiator.negotiated().get("TargetAlias"));
            }
        }
    }

    /// Who wrote 0.0.0.0 wants no IPv6.
    @Test
    void doesNotListenOnIpv6WhereOnlyIpv4IsNamed() throws IOException {
        try (RawInitiator _ = connect("::1", ANY_FOUR)) {
            fail("connected");
        } catch (ConnectException expected) {
            assertTrue(server.isAlive());
        }
    }
}
