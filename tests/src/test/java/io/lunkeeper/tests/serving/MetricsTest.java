package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.InitiatorSession;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Checkout;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.DoublePredicate;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/// What a server tells of itself over HTTP.
@ExtendWith(ShowServerLog.class)
final class MetricsTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String METRICS = "metrics: \"127.0.0.1:0\"";
    private static final Pattern ADDRESS = Pattern.compile("metrics and status at (http://\\S+)/");
    private static final int MEBIBYTE = 1 << 20;

    private final HttpClient client = HttpClient.newHttpClient();

    @TempDir private Path folder;

    @AfterEach
    void close() {
        client.close();
    }

    private String get(ServerProcess server, String path) throws Exception {
        Matcher address = ADDRESS.matcher(server.log());
        assertTrue(address.find(), server.log());
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(address.group(1) + path)).timeout(LIMIT).build();
        HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        assertEquals(200, answer.statusCode());
        return answer.body();
    }

    /// A metric of LUN 0.
    private double lunMetric(ServerProcess server, String name) throws Exception {
        return metric(
                server,
                "lunkeeper_lun_" + name + "{lun=\"0\",target=\"" + ServerProcess.IQN + "\"}");
    }

    private double metric(ServerProcess server, String name) throws Exception {
        String text = get(server, "/metrics");
        return text.lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError(name + " is not in " + text));
    }

    private void awaitLunMetric(ServerProcess server, String name, DoublePredicate wanted)
            throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        double value = lunMetric(server, name);
        while (!wanted.test(value)) {
            assertTrue(System.nanoTime() < deadline, name + " stays " + value);
            Thread.sleep(20);
            value = lunMetric(server, name);
        }
    }

    private void awaitStatus(ServerProcess server, Predicate<String> wanted) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        String page = get(server, "/status");
        while (!wanted.test(page)) {
            assertTrue(System.nanoTime() < deadline, page);
            Thread.sleep(20);
            page = get(server, "/status");
        }
    }

    @Test
    void tellsWhatInitiatorsDid() throws Exception {
        Lun lun = Lun.sized(0, "64MiB").with("dirty-expire", "1h");
        try (ServerProcess server = ServerProcess.start(METRICS, "", lun);
                RawInitiator initiator = RawInitiator.connect(server.address())) {
            assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
            initiator.clearUnitAttentions(0);
            assertEquals(64 * MEBIBYTE, lunMetric(server, "size_bytes"));
            assertEquals(0, lunMetric(server, "failed"));
            assertEquals(1, lunMetric(server, "prepared_ratio"));
            assertEquals(1, metric(server, "lunkeeper_up"));
            for (int written = 0; written < 2 * MEBIBYTE; written += 65536) {
                ScsiResult write =
                        initiator.write(0, Cdb.write10(written / 512, 128), new byte[65536]);
                assertEquals(ScsiResult.GOOD, write.status());
            }
            assertEquals(ScsiResult.GOOD, initiator.read(0, Cdb.read10(0, 8), 4096).status());
            assertEquals(32, lunMetric(server, "write_commands_total"));
            assertEquals(2 * MEBIBYTE, lunMetric(server, "written_bytes_total"));
            assertEquals(1, lunMetric(server, "read_commands_total"));
            assertEquals(4096, lunMetric(server, "read_bytes_total"));
            assertEquals(2 * MEBIBYTE, lunMetric(server, "unwritten_bytes"));
            double flushes = lunMetric(server, "flush_requests_total");
            double syncs = lunMetric(server, "syncs_total");
            assertEquals(
                    ScsiResult.GOOD, initiator.read(0, Cdb.synchronizeCache10(0, 0), 0).status());
            assertEquals(0, lunMetric(server, "unwritten_bytes"));
            assertEquals(flushes + 1, lunMetric(server, "flush_requests_total"));
            assertEquals(syncs + 1, lunMetric(server, "syncs_total"));
            awaitLunMetric(server, "allocated_bytes", bytes -> bytes >= 2 * MEBIBYTE);
            assertTrue(lunMetric(server, "available_bytes") > 0);
            tellsWhoIsLoggedIn(server);
        }
    }

    private void tellsWhoIsLoggedIn(ServerProcess server) throws Exception {
        String sessions = "lunkeeper_sessions{target=\"" + ServerProcess.IQN + "\"}";
        assertEquals(1, metric(server, sessions));
        String page = get(server, "/status");
        for (String part :
                new String[] {
                    "\n  state      serving\n",
                    "\n  portals    " + server.portal() + "\n",
                    "\n" + ServerProcess.IQN + ", LUN 0\n",
                    "\n  image      " + server.image(0) + "\n  state      served\n",
                    "\n  size       64.0 MiB\n",
                    "\n  unwritten  0 bytes\n  read       4.0 KiB by 1 command\n",
                    "\n1 session, 0 failed logins\n  "
                            + InitiatorSession.DEFAULT_NAME
                            + " from 127.0.0.1:",
                    " on " + ServerProcess.IQN + "\n"
                }) {
            assertTrue(page.contains(part), part + " in " + page);
        }
        assertEquals(page.lines().skip(3).toList(), get(server, "/").lines().skip(3).toList());
    }

    private void expectAccessState(ServerProcess server, String wanted) throws Exception {
        String page = get(server, "/status");
        String line = "\n1 target\n  " + ServerProcess.IQN + ": " + wanted + "\n";
        assertTrue(page.contains(line), line + " in " + page);
        for (String state :
                new String[] {
                    "active-optimized", "active-non-optimized", "standby", "unavailable"
                }) {
            String labels = "{state=\"" + state + "\",target=\"" + ServerProcess.IQN + "\"}";
            assertEquals(
                    state.equals(wanted) ? 1 : 0,
                    metric(server, "lunkeeper_target_access_state" + labels),
                    state);
        }
    }

    @Test
    void accessStateIsShownWhoeverHasSetIt() throws Exception {
        Lun lun = Lun.sized(0, "8MiB");
        try (ServerProcess server =
                        ServerProcess.start(METRICS, "access-state: active-non-optimized", lun);
                RawInitiator initiator = RawInitiator.connect(server.address())) {
            expectAccessState(server, "active-non-optimized");
            assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
            initiator.clearUnitAttentions(0);
            byte[] standby = {0, 0, 0, 0, 2, 0, 0, 1};
            ScsiResult set = initiator.write(0, Cdb.setTargetPortGroups(8), standby);
            assertEquals(ScsiResult.GOOD, set.status());
            expectAccessState(server, "standby");
            server.reload("access-state: active-non-optimized", "access-state: active-optimized");
            awaitStatus(server, page -> page.contains(": active-optimized\n"));
            expectAccessState(server, "active-optimized");
        }
    }

    @Test
    void failedLunIsShownWithItsReason() throws Exception {
        try (ServerProcess server = ServerProcess.start(METRICS, "", Lun.sized(0, "8MiB"))) {
            Tool.of("truncate", "-s", "4M", server.image(0) + "").within(LIMIT).succeed();
            awaitLunMetric(server, "failed", failed -> failed == 1);
            awaitStatus(
                    server,
                    page ->
                            page.contains("\n  state      failed: image " + server.image(0))
                                    && page.contains("another program cut it\n"));
            assertEquals(1, metric(server, "lunkeeper_up"));
            server.kill9();
        }
    }

    @Test
    void lunsThatComeAndGoAreFollowed() throws Exception {
        String more =
                """
                      - { lun: 3, image: added.img, size: 4MiB }
                      - { lun: 4, image: absent.img, size: 4000TiB }
                """;
        try (ServerProcess server = ServerProcess.start(METRICS, "", Lun.sized(0, "8MiB"))) {
            server.reload("    luns:\n", "    luns:\n" + more);
            awaitStatus(
                    server,
                    page ->
                            page.contains("added.img\n  state      served\n")
                                    && page.contains(
                                            "absent.img\n  state      failed: not served"));
            String labels = ",target=\"" + ServerProcess.IQN + "\"}";
            assertEquals(
                    4 * MEBIBYTE, metric(server, "lunkeeper_lun_size_bytes{lun=\"3\"" + labels));
            assertEquals(0, metric(server, "lunkeeper_lun_failed{lun=\"3\"" + labels));
            assertEquals(1, metric(server, "lunkeeper_lun_failed{lun=\"4\"" + labels));
            server.reload(more, "");
            awaitStatus(server, page -> !page.contains("LUN 3") && !page.contains("LUN 4"));
            assertFalse(get(server, "/metrics").contains("lun=\"3\""));
            assertEquals(8 * MEBIBYTE, lunMetric(server, "size_bytes"));
        }
    }

    @Test
    void opensByOtherProgramsAreCounted() throws Exception {
        assumeTrue(Files.isDirectory(Path.of("/proc/self/fd")), "needs Linux");
        try (ServerProcess server = ServerProcess.start(METRICS, "", Lun.sized(0, "8MiB"))) {
            assertEquals(0, lunMetric(server, "opens_by_others_total"));
            Tool.of("cat", server.image(0) + "").within(LIMIT).succeed();
            awaitLunMetric(server, "opens_by_others_total", opens -> opens >= 1);
        }
    }

    @Test
    void portInUseIsNamedAndNoImageIsCreated() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Path file =
                    Files.writeString(
                            folder.resolve("refused.yaml"),
                            """
                            portals: [{listen: "127.0.0.1:0"}]
                            metrics: "127.0.0.1:%d"
                            targets:
                              - iqn: iqn.2026-11.io.lunkeeper:refused
                                luns: [{lun: 0, image: new.img, size: 8MiB}]
                            """
                                    .formatted(taken.getLocalPort()));
            Tool.Outcome refused =
                    Tool.of(Checkout.launcher() + "", "serve", "--config", file + "")
                            .within(LIMIT)
                            .run();
            assertEquals(1, refused.exit(), refused.output());
            assertEquals(
                    "lunkeeper: "
                            + file
                            + ":2: metrics: cannot listen on 127.0.0.1:"
                            + taken.getLocalPort()
                            + ": Address already in use",
                    refused.output().strip());
            assertFalse(Files.exists(folder.resolve("new.img")));
        }
    }
}
