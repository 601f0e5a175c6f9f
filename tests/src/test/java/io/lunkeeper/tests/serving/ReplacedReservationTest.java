package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.InitiatorSession;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// Who has reserved a LUN was damaged on the disk while the server was down (SPC-4 5.13.5.3 Loss of
/// persistent reservation information): nobody has access until somebody replaces it.
@ExtendWith(ShowServerLog.class)
class ReplacedReservationTest {
    private static final int LUN = 0;
    private static final int UNHARMED = 1;
    private static final int REGISTER = 0;
    private static final int RESERVE = 1;
    private static final int REPLACE_LOST_RESERVATION = 8;
    private static final int WRITE_EXCLUSIVE = 1;
    private static final int CONFLICT = 0x18;
    private static final int INFORMATION_LOST = 0x074401;
    private static final int INVALID_RELEASE = 0x052604;
    private static final String METRICS = "metrics: \"127.0.0.1:0\"";
    private static final Pattern ADDRESS = Pattern.compile("metrics and status at (http://\\S+)/");
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @AutoClose private ServerProcess server;

    @BeforeEach
    void start() {
        server =
                ServerProcess.start(
                        METRICS, "", Lun.sized(LUN, "16MiB"), Lun.sized(UNHARMED, "16MiB"));
    }

    /// A node of a cluster: always the same initiator port.
    private RawInitiator node(int number) throws IOException {
        RawInitiator node =
                RawInitiator.connect(
                        server.address(),
                        new InitiatorSession(
                                "iqn.2026-11.io.lunkeeper:node" + number, 0x80_0000_0000L + number),
                        0);
        assertEquals(0, node.login(ServerProcess.IQN).statusClass());
        for (int lun : new int[] {LUN, UNHARMED}) {
            assertEquals(0x062900, node.read(lun, Cdb.testUnitReady(), 0).senseCode());
        }
        return node;
    }

    /// As `sg_persist --out … --param-rk=KEY --param-sark=NEWKEY --prout-type=1 --param-aptpl`.
    private static ScsiResult out(RawInitiator node, int lun, int action, long key, long newKey)
            throws IOException {
        byte[] cdb = new byte[16];
        cdb[0] = 0x5f;
        cdb[1] = (byte) action;
        cdb[2] = WRITE_EXCLUSIVE;
        cdb[8] = 24;
        byte[] list =
                ByteBuffer.allocate(24).putLong(key).putLong(newKey).put(20, (byte) 1).array();
        return node.write(lun, cdb, list);
    }

    private static ScsiResult write(RawInitiator node, int lun) throws IOException {
        return node.write(lun, Cdb.write10(0, 8), new byte[4096]);
    }

    private static ScsiResult read(RawInitiator node, int lun) throws IOException {
        return node.read(lun, Cdb.read16(0, 8), 4096);
    }

    private static long holder(RawInitiator node, int lun) throws IOException {
        byte[] cdb = {0x5e, 1, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0};
        return ByteBuffer.wrap(node.read(lun, cdb, 24).data()).getLong(8);
    }

    private Path kept() {
        return Path.of(server.image(LUN) + ".lunkeeper");
    }

    /// Inverts the bits of what the file says of reservations in the middle.
    private byte[] damage() throws IOException {
        byte[] bytes = Files.readAllBytes(kept());
        int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("reservations.port.1");
        assertTrue(at > 0);
        for (int i = at + 24; i < at + 32; i++) {
            bytes[i] ^= (byte) 0xff;
        }
        Files.write(kept(), bytes);
        return bytes;
    }

    private String get(String path) throws Exception {
        Matcher address = ADDRESS.matcher(server.log());
        String last = "";
        while (address.find()) {
            last = address.group(1);
        }
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request =
                    HttpRequest.newBuilder(URI.create(last + path)).timeout(LIMIT).build();
            return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
        }
    }

    private void reserveAndDie() throws IOException {
        try (RawInitiator holder = node(1)) {
            for (int lun : new int[] {LUN, UNHARMED}) {
                assertEquals(ScsiResult.GOOD, out(holder, lun, REGISTER, 0, 11).status());
                assertEquals(ScsiResult.GOOD, out(holder, lun, RESERVE, 11, 0).status());
            }
            server.kill9();
        }
    }

    @Test
    void nobodyHasAccessUntilSomebodyReplacesIt() throws Exception {
        reserveAndDie();
        byte[] damaged = damage();
        server.restart();
        try (RawInitiator holder = node(1);
                RawInitiator foreign = node(2)) {
            for (RawInitiator each : List.of(holder, foreign)) {
                assertEquals(INFORMATION_LOST, write(each, LUN).senseCode());
                assertEquals(INFORMATION_LOST, read(each, LUN).senseCode());
                assertEquals(INFORMATION_LOST, each.read(LUN, Cdb.testUnitReady(), 0).senseCode());
                assertEquals(INFORMATION_LOST, out(each, LUN, REGISTER, 0, 5).senseCode());
            }
            assertTrue(server.log().contains("sg_persist --out --replace-lost"), server.log());
            assertTrue(get("/status").contains("  state      locked: "), get("/status"));
            assertTrue(get("/metrics").contains("lunkeeper_lun_reservations_lost{lun=\"0\""));
            assertEquals(ScsiResult.GOOD, write(holder, UNHARMED).status());
            assertEquals(CONFLICT, write(foreign, UNHARMED).status());

            assertEquals(
                    ScsiResult.GOOD, out(holder, LUN, REPLACE_LOST_RESERVATION, 0, 12).status());
            server.kill9();
        }
        server.restart();
        try (RawInitiator holder = node(1);
                RawInitiator foreign = node(2)) {
            assertEquals(12, holder(foreign, LUN));
            assertEquals(CONFLICT, write(foreign, LUN).status());
            assertEquals(ScsiResult.GOOD, write(holder, LUN).status());
            assertEquals(
                    INVALID_RELEASE,
                    out(foreign, LUN, REPLACE_LOST_RESERVATION, 0, 13).senseCode());
            assertFalse(get("/status").contains("locked"), get("/status"));
        }
        try (Stream<Path> files = Files.list(server.folder())) {
            Path aside =
                    files.filter(file -> file.toString().contains(".lunkeeper.damaged-"))
                            .findFirst()
                            .orElseThrow();
            assertArrayEquals(damaged, Files.readAllBytes(aside));
        }
    }
}
