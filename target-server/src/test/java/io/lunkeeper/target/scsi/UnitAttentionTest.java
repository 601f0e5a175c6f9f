package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// SAM-5 5.14 Unit attention conditions: told once, to each nexus that it concerns and to no other,
/// the most urgent first, whoever establishes them meanwhile.
class UnitAttentionTest {
    private static final String READY = "00 00 00 00 00 00";
    private static final String INQUIRY = "12 00 00 00 60 00";
    private static final String REPORT_LUNS = "a0 00 00 00 00 00 00 00 00 40 00 00";
    private static final String REQUEST_SENSE = "03 00 00 00 12 00";
    private static final int MAX_CONDITIONS = 32;

    @TempDir Path directory;
    @AutoClose private ServedUnit unit;
    private Nexus first;
    private Nexus second;

    @BeforeEach
    void serve() throws IOException {
        unit = ServedUnit.open(directory, 1 << 20);
        first = unit.attach();
        second = unit.attach();
    }

    private List<String> heard(Nexus nexus) {
        List<String> codes = new ArrayList<>();
        for (int i = 0; i < MAX_CONDITIONS; i++) {
            ServedUnit.Reply reply = unit.run(nexus, READY);
            if (reply.good()) {
                return codes;
            }
            codes.add(reply.code());
        }
        throw new AssertionError("without end: " + codes);
    }

    @Test
    void resetsComeBeforeEverythingElse() {
        heard(first);
        unit.server().capacityChanged(ServedUnit.LUN);
        unit.server().tasksCleared(ServedUnit.LUN_FIELD, first);
        unit.server().resetUnit(ServedUnit.LUN_FIELD);
        assertEquals(List.of("6/29/03", "6/2a/09", "6/2f/00"), heard(first));
    }

    @Test
    void areNotMetByCommandsThatTellOfTheUnit() {
        heard(first);
        unit.server().capacityChanged(ServedUnit.LUN);
        assertTrue(unit.run(first, INQUIRY).good());
        assertTrue(unit.run(first, REPORT_LUNS).good());
        byte[] sense = unit.run(first, REQUEST_SENSE).data();
        assertEquals(0x062a09, (sense[2] & 0xf) << 16 | (sense[12] & 0xff) << 8 | sense[13]);
        assertEquals(List.of(), heard(first));
    }

    /// In each round one condition is established for both nexuses and one for the first alone,
    /// while both ask.
    @Test
    void areNeitherLostNorDoubledNorToldToAnother() throws Exception {
        heard(first);
        heard(second);
        int rounds = 3000;
        CyclicBarrier barrier = new CyclicBarrier(3);
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            Future<?> posting =
                    threads.submit(() -> {
                        for (int i = 0; i < rounds; i++) {
                            barrier.await(60, TimeUnit.SECONDS);
                            unit.server().capacityChanged(ServedUnit.LUN);
                            unit.server().tasksCleared(ServedUnit.LUN_FIELD, first);
                            barrier.await(60, TimeUnit.SECONDS);
                        }
                        return null;
                    });
            Future<?> other =
                    threads.submit(() -> {
                        ask(second, rounds, barrier, "6/2a/09");
                        return null;
                    });
            ask(first, rounds, barrier, "6/2a/09", "6/2f/00");
            posting.get(60, TimeUnit.SECONDS);
            other.get(60, TimeUnit.SECONDS);
        }
    }

    private void ask(Nexus nexus, int rounds, CyclicBarrier barrier, String... expected)
            throws Exception {
        for (int i = 0; i < rounds; i++) {
            barrier.await(60, TimeUnit.SECONDS);
            List<String> codes = new ArrayList<>(heard(nexus));
            barrier.await(60, TimeUnit.SECONDS);
            codes.addAll(heard(nexus));
            codes.sort(null);
            assertEquals(List.of(expected), codes, "round " + i);
        }
    }
}
