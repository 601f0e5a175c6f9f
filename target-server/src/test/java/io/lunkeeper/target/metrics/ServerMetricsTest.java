package io.lunkeeper.target.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.MetricMetadata;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ServerMetricsTest {
    private static final Set<String> SERVER_COUNTERS =
            Set.of(
                    "lunkeeper_failed_logins",
                    "lunkeeper_refused_connections",
                    "lunkeeper_accept_pauses",
                    "lunkeeper_faulty_pdus",
                    "lunkeeper_isns_refreshes",
                    "lunkeeper_isns_failures");

    private static String text() throws IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        PrometheusTextFormatWriter.create()
                .write(text, ServerMetrics.of(Statuses::everything).scrape());
        return text.toString(StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "failed               | 0 | 0.0",
                "failed               | 4 | 1.0",
                "failed               | 5 | 0.0",
                "reservations_lost    | 0 | 0.0",
                "reservations_lost    | 5 | 1.0",
                "prepared_ratio       | 5 | 1.0",
                "prepared_ratio       | 0 | 1.0",
                "prepared_ratio       | 1 | 0.0",
                "prepared_ratio       | 2 | 0.379",
                "prepared_ratio       | 3 | 0.5",
                "prepared_ratio       | 4 | 1.0",
                "size_bytes           | 0 | 4.294967296E9",
                "allocated_bytes      | 0 | 1.610612736E9",
                "available_bytes      | 0 | 1.073741824E11",
                "unwritten_bytes      | 0 | 4096.0",
                "moved_bytes_total    | 0 | 1.0",
                "shared_bytes_total   | 0 | 2048.0",
                "foreign_bytes_total  | 0 | 3145728.0",
                "opens_by_others_total | 0 | 1.0",
                "flush_requests_total | 0 | 12.0",
                "syncs_total          | 3 | 10.0",
                "read_commands_total  | 0 | 7.0",
                "read_bytes_total     | 0 | 8192.0",
                "write_commands_total | 0 | 1.0",
                "written_bytes_total  | 0 | 512.0"
            })
    void lunHasItsValues(String metric, int lun, String value) throws IOException {
        String line =
                "lunkeeper_lun_"
                        + metric
                        + "{lun=\""
                        + lun
                        + "\",target=\""
                        + Statuses.VM1
                        + "\"} ";
        String text = text();
        assertTrue(text.contains("\n" + line + value + "\n"), text);
    }

    @Test
    void unknownValueIsLeftOut() throws IOException {
        assertTrue(!text().contains("lunkeeper_lun_size_bytes{lun=\"1\""), text());
    }

    @Test
    void serverHasItsValues() throws IOException {
        for (String line :
                List.of(
                        "lunkeeper_up 1.0",
                        "lunkeeper_build_info{java_version=\""
                                + Runtime.version()
                                + "\",version=\"1.2.3\"} 1",
                        "lunkeeper_failed_logins_total 17.0",
                        "lunkeeper_connections{phase=\"login\"} 3.0",
                        "lunkeeper_connections{phase=\"full-feature\"} 2.0",
                        "lunkeeper_refused_connections_total{limit=\"connections\"} 40.0",
                        "lunkeeper_refused_connections_total{limit=\"logins-per-source\"} 2.0",
                        "lunkeeper_accept_pauses_total 0.0",
                        "lunkeeper_faulty_pdus_total{fault=\"malformed\"} 6.0",
                        "lunkeeper_faulty_pdus_total{fault=\"rejected\"} 4.0",
                        "lunkeeper_buffers_bytes 8388608.0",
                        "lunkeeper_isns_targets{server=\"192.0.2.9:3205\"} 2.0",
                        "lunkeeper_isns_up{server=\"192.0.2.9:3205\"} 1.0",
                        "lunkeeper_isns_up{server=\"names.example:3205\"} 0.0",
                        "lunkeeper_isns_refreshes_total{server=\"192.0.2.9:3205\"} 6.0",
                        "lunkeeper_isns_failures_total{server=\"names.example:3205\"} 9.0",
                        "lunkeeper_sessions{target=\"" + Statuses.VM1 + "\"} 1.0",
                        "lunkeeper_sessions{target=\"" + Statuses.VM2 + "\"} 0.0",
                        accessState("active-optimized", Statuses.VM1, 0),
                        accessState("active-non-optimized", Statuses.VM1, 1),
                        accessState("standby", Statuses.VM1, 0),
                        accessState("unavailable", Statuses.VM1, 0),
                        accessState("standby", Statuses.VM2, 1))) {
            assertTrue(text().contains("\n" + line + "\n"), text());
        }
    }

    private static String accessState(String state, String target, int value) {
        return "lunkeeper_target_access_state{state=\"%s\",target=\"%s\"} %d.0"
                .formatted(state, target, value);
    }

    /// The rules of Prometheus: one prefix, base units, `_total` for counters and for nothing else.
    @Test
    void namesAndHelpFollowTheRules() {
        int metrics = 0;
        for (MetricSnapshot each : ServerMetrics.of(Statuses::everything).scrape()) {
            MetricMetadata metadata = each.getMetadata();
            String name = metadata.getPrometheusName();
            assertTrue(name.matches("lunkeeper(_[a-z]+)+"), name);
            assertTrue(!name.matches(".*_(kib|mib|seconds|percent|count)(_.*)?"), name);
            assertTrue(String.valueOf(metadata.getHelp()).matches("[A-Z].*\\."), name);
            if (metadata.getUnit() != null) {
                assertTrue(name.endsWith("_" + metadata.getUnit()), name);
            }
            boolean counter = each instanceof CounterSnapshot;
            assertEquals(
                    counter,
                    SERVER_COUNTERS.contains(name)
                            || List.of(LunMetric.values()).stream()
                                    .anyMatch(row -> row.metric().equals(name + "_total")),
                    name);
            metrics++;
        }
        assertEquals(LunMetric.values().length + 14, metrics);
    }
}
