package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// A configuration that is read again while the server runs.
@ExtendWith(ShowServerLog.class)
final class ReloadTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    /// CAPACITY DATA HAS CHANGED, sense key, additional sense code and qualifier.
    private static final int CAPACITY_DATA_HAS_CHANGED = 0x62a09;

    private static RawInitiator login(ServerProcess server) throws IOException {
        RawInitiator initiator = RawInitiator.connect(server.address());
        assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
        initiator.clearUnitAttentions(0);
        return initiator;
    }

    private static long blocks(RawInitiator initiator) throws IOException {
        ScsiResult capacity = initiator.read(0, Cdb.readCapacity10(), 8);
        assertEquals(ScsiResult.GOOD, capacity.status());
        return ByteBuffer.wrap(capacity.data()).getInt(0) + 1L;
    }

    /// Changes the file, has it read, and waits until the log says what came of it.
    private static void reload(ServerProcess server, String from, String to, String outcome)
            throws Exception {
        server.reload(from, to);
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!server.log().contains(outcome)) {
            assertTrue(System.nanoTime() < deadline, () -> "never logged: " + outcome);
            Thread.sleep(20);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sparse", "reserve", "full"})
    void lunGrowsAndEveryInitiatorIsTold(String allocation) throws Exception {
        Lun lun = Lun.sized(0, "8MiB").with("allocate", allocation);
        try (ServerProcess server = ServerProcess.start(lun)) {
            byte[] data = new byte[4096];
            Arrays.fill(data, (byte) 0x5a);
            int last = (24 << 11) - 8;
            try (RawInitiator one = login(server);
                    RawInitiator other = login(server)) {
                assertEquals(8 << 11, blocks(one));
                assertEquals(ScsiResult.GOOD, one.write(0, Cdb.write10(0, 8), data).status());
                reload(server, "8MiB", "24MiB", "lunkeeper.yaml: reloaded");
                for (RawInitiator each : List.of(one, other)) {
                    assertEquals(List.of(CAPACITY_DATA_HAS_CHANGED), each.clearUnitAttentions(0));
                    assertEquals(24 << 11, blocks(each));
                }
                assertArrayEquals(data, one.read(0, Cdb.read10(0, 8), 4096).data());
                assertArrayEquals(new byte[4096], one.read(0, Cdb.read10(last, 8), 4096).data());
                assertEquals(ScsiResult.GOOD, one.write(0, Cdb.write10(last, 8), data).status());
                assertArrayEquals(data, other.read(0, Cdb.read10(last, 8), 4096).data());
            }
            server.kill9();
            server.restart();
            try (RawInitiator again = login(server)) {
                assertEquals(24 << 11, blocks(again));
                assertArrayEquals(data, again.read(0, Cdb.read10(last, 8), 4096).data());
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "8MiB    | 4MiB     | targets[0].luns[0].image: ",
                "lun: 0  | lun: 1   | targets[0].luns[0]: it cannot change while the server runs",
                "8MiB    | 8XiB     | targets[0].luns[0].size: ",
                "8MiB    | 4000TiB  | targets[0].luns[0].size: image"
            })
    void anyOtherChangeIsRefusedAndAllGoesOn(String from, String to, String outcome)
            throws Exception {
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"));
                RawInitiator initiator = login(server)) {
            reload(server, from, to, outcome);
            assertEquals(List.of(), initiator.clearUnitAttentions(0));
            assertEquals(8 << 11, blocks(initiator));
            reload(server, to, from, "lunkeeper.yaml: reloaded");
        }
    }

    @Test
    void hangUpsWithoutAChangeDoNothing() throws Exception {
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"));
                RawInitiator initiator = login(server)) {
            reload(server, "8MiB", "8MiB", "lunkeeper.yaml: reloaded");
            assertEquals(List.of(), initiator.clearUnitAttentions(0));
            assertEquals(8 << 11, blocks(initiator));
        }
    }
}
