package io.lunkeeper.lun;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

class LargeFoliosTest {
    private static final long REGION = 1L << LargeFolios.REGION_SHIFT;
    private static final int ENOUGH_SLOW = LargeFolios.ENOUGH / LargeFolios.SLOW;

    private final List<String> renewed = new ArrayList<>();
    private final List<IOException> failures = new ArrayList<>();
    private final LargeFolios folios =
            new LargeFolios(
                    Runnable::run,
                    (offset, length) -> renewed.add(offset / REGION + "+" + length / REGION),
                    failures::add);

    private void slow(LargeFolios seen, long region, int times) {
        for (int i = 0; i < times; i++) {
            seen.overwritten(region * REGION + i % 512 * 4096L, LargeFolios.SLOW_NANOS);
        }
    }

    @Test
    void renewsARegionAfterSomeSlowOverwrites() {
        slow(folios, 7, ENOUGH_SLOW - 1);
        assertEquals(List.of(), renewed);
        slow(folios, 8, 1);
        slow(folios, 7, 1);
        assertEquals(List.of("7+1"), renewed);
    }

    @Test
    void quickOverwritesAreNoEvidence() {
        for (int i = 0; i < 1000; i++) {
            folios.overwritten(0, LargeFolios.SLOW_NANOS - 1);
        }
        assertEquals(List.of(), renewed);
    }

    /// On a busy machine any write may be interrupted.
    @Test
    void slowOnesAmongQuickOnesAreNoEvidence() {
        for (int i = 0; i < 10_000; i++) {
            folios.overwritten(0, i % 4 == 0 ? 1_000_000 : 2_000);
        }
        assertEquals(List.of(), renewed);
    }

    @Test
    void aRegionOfWhichHalfIsSlowIsRenewed() {
        for (int i = 0; i < 100; i++) {
            folios.overwritten(0, i % 2 == 0 ? 20_000 : 2_000);
        }
        assertEquals(List.of("0+1"), renewed);
    }

    @Test
    void renewsAgainOnlyMuchLater() {
        slow(folios, 0, LargeFolios.AGAIN - 1);
        assertEquals(List.of("0+1"), renewed);
        slow(folios, 0, 2 * ENOUGH_SLOW);
        assertEquals(List.of("0+1", "0+1"), renewed);
    }

    @Test
    void regionsThatShareAPlaceDoNotShareEvidence() {
        for (int i = 0; i < 10; i++) {
            slow(folios, 3, 1);
            slow(folios, 3 + 1024, 1);
        }
        assertEquals(List.of(), renewed);
    }

    @Test
    void anErrorIsPassedOn() {
        IOException lost = new IOException("lost");
        LargeFolios failing =
                new LargeFolios(
                        Runnable::run,
                        (_, _) -> {
                            throw lost;
                        },
                        failures::add);
        slow(failing, 1, ENOUGH_SLOW);
        assertSame(lost, failures.getFirst());
    }

    @Test
    void aClosingLunIsLeftAlone() {
        LargeFolios closing =
                new LargeFolios(
                        _ -> {
                            throw new RejectedExecutionException();
                        },
                        (_, _) -> renewed.add("never"),
                        failures::add);
        slow(closing, 1, ENOUGH_SLOW);
        assertEquals(List.of(), renewed);
        assertEquals(List.of(), failures);
    }
}
