package io.lunkeeper.tests.initiators;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ServerProcess.Listener;
import io.lunkeeper.tests.rig.ShowServerLog;
import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// Targets that have moved, and initiators that follow (RFC 7143 11.13.5 Status-Class and
/// Status-Detail). libiscsi follows when it is temporary only.
@Tag("libiscsi")
@ExtendWith(ShowServerLog.class)
final class MovingTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int MOVED_TEMPORARILY = 0x0101;
    private static final int MOVED_PERMANENTLY = 0x0102;
    private static final int LOGOUT_REQUESTED = 1;
    private static final byte[] DATA = new byte[4096];

    static {
        Arrays.fill(DATA, (byte) 0x5a);
    }

    private static String moved(Listener to, boolean permanent) {
        return "moved: { to: \"%s\", permanent: %b }".formatted(to.portal(), permanent);
    }

    private static void assertSentOn(int status, Listener to, ServerProcess from)
            throws IOException {
        try (RawInitiator initiator = RawInitiator.connect(from.address())) {
            Pdu response = initiator.login(ServerProcess.IQN);
            assertEquals(status, response.u16(36));
            assertEquals(to.portal(), response.keys().get("TargetAddress"));
            assertTrue(initiator.isClosedWithin(LIMIT));
        }
    }

    private static RawInitiator login(ServerProcess server) throws IOException {
        RawInitiator initiator = RawInitiator.connect(server.address());
        assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
        initiator.clearUnitAttentions(0);
        return initiator;
    }

    /// A portal that is to be left goes on by sending everybody to the other one; nobody gets the
    /// disk there.
    @Test
    @Tag("qemu")
    void libiscsiIsSentToAnotherPortal() throws Exception {
        Listener here = Listener.at("127.0.0.1", 1);
        Listener there = Listener.at("127.0.0.1", 2);
        try (ServerProcess server =
                ServerProcess.start(
                        List.of(here, there), "", moved(there, false), Lun.sized(0, "16MiB"))) {
            assertSentOn(MOVED_TEMPORARILY, there, server);
            String capacity =
                    Tool.of("iscsi-readcapacity16", server.url(0, 0)).within(LIMIT).succeed();
            assertTrue(capacity.contains("Total size:16777216"), capacity);
            Tool.of("iscsi-readcapacity16", server.url(1, 0)).within(LIMIT).succeed();
            String info =
                    Tool.of("qemu-img", "info", "-f", "raw", server.url(0, 0))
                            .within(LIMIT)
                            .succeed();
            assertTrue(info.contains("16 MiB"), info);
            assertFalse(server.log().contains("failed: status"), server.log());
        }
    }

    /// The whole way of a disk from one server to another.
    @Test
    void targetMovesToAnotherServerWithItsDisk() throws Exception {
        Listener there = Listener.at("127.0.0.1", 1);
        try (ServerProcess from = ServerProcess.start(Lun.sized(0, "16MiB"));
                RawInitiator initiator = login(from)) {
            assertEquals(ScsiResult.GOOD, initiator.write(0, Cdb.write10(8, 8), DATA).status());
            String text = Files.readString(from.folder().resolve("lunkeeper.yaml"));
            String luns = text.substring(text.indexOf("luns:"));
            Thread reload =
                    Thread.ofPlatform()
                            .start(() ->
                                    from.reload(luns, moved(there, true) + "\n", ": reloaded"));
            Pdu asked = initiator.receive();
            assertEquals(LOGOUT_REQUESTED, asked.asyncEvent());
            assertEquals(ScsiResult.GOOD, initiator.write(0, Cdb.write10(16, 8), DATA).status());
            initiator.logout();
            assertTrue(reload.join(LIMIT));
            assertSentOn(MOVED_PERMANENTLY, there, from);
            Lun same = Lun.sized(0, "16MiB").over(from.image(0));
            try (ServerProcess to = ServerProcess.start(List.of(there), "", "", same);
                    RawInitiator again = login(to)) {
                assertArrayEquals(DATA, again.read(0, Cdb.read10(8, 8), DATA.length).data());
                assertArrayEquals(DATA, again.read(0, Cdb.read10(16, 8), DATA.length).data());
            }
            from.reload(moved(there, true) + "\n", luns, ": reloaded");
            login(from).logout();
        }
    }

    @Test
    void whoDoesNotLogOutIsDroppedAndSentOn() throws Exception {
        Listener here = Listener.at("127.0.0.1", 1);
        Listener there = Listener.at("127.0.0.1", 1);
        try (ServerProcess server =
                        ServerProcess.start(List.of(here, there), "", "", Lun.sized(0, "16MiB"));
                RawInitiator initiator = login(server)) {
            server.reload("    luns:", "    " + moved(there, false) + "\n    luns:", ": reloaded");
            assertEquals(LOGOUT_REQUESTED, initiator.receive().asyncEvent());
            assertTrue(initiator.isClosedWithin(LIMIT));
            assertSentOn(MOVED_TEMPORARILY, there, server);
        }
    }
}
