package io.lunkeeper.tests.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.InitiatorSession;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ServerProcess.Listener;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// One initiator port, by name and ISID, that comes through two portal groups: two target ports,
/// two I_T nexuses (RFC 7143 4.4.2 SCSI Architecture Model).
@ExtendWith(ShowServerLog.class)
class PortalGroupReservationTest {
    private static final Listener FIRST = Listener.at("127.0.0.1", 1);
    private static final Listener SECOND = Listener.at("127.0.0.1", 7);

    private static final int REGISTER = 0;
    private static final int RESERVE = 1;
    private static final int CLEAR = 3;
    private static final int WRITE_EXCLUSIVE = 1;
    private static final int CONFLICT = 0x18;
    private static final int APTPL = 0x01;
    private static final int ALL_TG_PT = 0x04;

    @AutoClose private static ServerProcess server;

    @BeforeAll
    static void start() {
        server = ServerProcess.start(List.of(FIRST, SECOND), "", "", Lun.sized(0, "16MiB"));
    }

    private static RawInitiator through(Listener portal) throws IOException {
        RawInitiator path =
                RawInitiator.connect(
                        new InetSocketAddress(portal.host(), portal.port()),
                        new InitiatorSession("iqn.2026-11.io.lunkeeper:node", 0x80_0000_0001L),
                        0);
        assertEquals(0, path.login(ServerProcess.IQN).statusClass());
        path.clearUnitAttentions(0);
        return path;
    }

    private static int out(RawInitiator path, int action, long key, long newKey, int flags)
            throws IOException {
        byte[] cdb =
                ByteBuffer.allocate(10)
                        .put((byte) 0x5f)
                        .put((byte) action)
                        .put((byte) WRITE_EXCLUSIVE)
                        .put(8, (byte) 24)
                        .array();
        byte[] list = ByteBuffer.allocate(24).putLong(key).putLong(newKey).array();
        list[20] = (byte) flags;
        return path.write(0, cdb, list).status();
    }

    /// READ FULL STATUS: key, whether it holds the reservation, and target port of each nexus.
    private static String registrations(RawInitiator path) throws IOException {
        byte[] cdb = {0x5e, 3, 0, 0, 0, 0, 0, 2, 0, 0};
        ByteBuffer data = ByteBuffer.wrap(path.read(0, cdb, 512).data());
        StringBuilder all = new StringBuilder();
        int at = 8;
        while (at < 8 + data.getInt(4)) {
            all.append(data.getLong(at)).append(data.get(at + 12) == 1 ? "*" : "");
            all.append(" at ").append(data.getShort(at + 18)).append("; ");
            at += 24 + data.getInt(at + 20);
        }
        return all.toString();
    }

    private static int write(RawInitiator path) throws IOException {
        return path.write(0, Cdb.write10(0, 8), new byte[4096]).status();
    }

    @Test
    void eachNexusRegistersForItselfAndThatOutlivesTheServer() throws Exception {
        try (RawInitiator first = through(FIRST);
                RawInitiator second = through(SECOND)) {
            assertEquals(ScsiResult.GOOD, out(first, REGISTER, 0, 1, APTPL));
            assertEquals(CONFLICT, out(second, RESERVE, 1, 0, 0));
            assertEquals(ScsiResult.GOOD, out(second, REGISTER, 0, 2, APTPL));
            assertEquals(ScsiResult.GOOD, out(second, RESERVE, 2, 0, 0));
            assertEquals(CONFLICT, write(first));
            server.kill9();
        }
        server.restart();
        try (RawInitiator first = through(FIRST);
                RawInitiator second = through(SECOND)) {
            assertEquals("1 at 1; 2* at 7; ", registrations(first));
            assertEquals(CONFLICT, write(first));
            assertEquals(ScsiResult.GOOD, write(second));
            assertEquals(ScsiResult.GOOD, out(first, CLEAR, 1, 0, 0));
            assertEquals(List.of(0x062a03), second.clearUnitAttentions(0));
        }
    }

    @Test
    void oneCommandRegistersBoth() throws IOException {
        try (RawInitiator first = through(FIRST);
                RawInitiator second = through(SECOND)) {
            assertEquals(ScsiResult.GOOD, out(second, REGISTER, 0, 5, ALL_TG_PT));
            assertEquals("5 at 7; 5 at 1; ", registrations(first));
            assertEquals(ScsiResult.GOOD, out(first, CLEAR, 5, 0, 0));
            second.clearUnitAttentions(0);
        }
    }

    @Test
    void eachPathTellsWhichPortItIs() throws IOException {
        try (RawInitiator first = through(FIRST);
                RawInitiator second = through(SECOND)) {
            assertTrue(identification(first).contains(ServerProcess.IQN + ",t,0x0001"));
            assertTrue(identification(second).contains(ServerProcess.IQN + ",t,0x0007"));
            byte[] groups = second.read(0, Cdb.reportTargetPortGroups(64), 64).data();
            assertEquals(
                    "00000010" + "000f0001" + "00000002" + "00000001" + "00000007",
                    HexFormat.of().formatHex(groups));
            byte[] ports = Cdb.vitalProductData(0x88, 255);
            assertArrayEquals(first.read(0, ports, 255).data(), second.read(0, ports, 255).data());
        }
    }

    private static String identification(RawInitiator path) throws IOException {
        byte[] page = path.read(0, Cdb.vitalProductData(0x83, 1024), 1024).data();
        return new String(page, StandardCharsets.ISO_8859_1);
    }
}
