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
    private static final long IMAGE_BYTES = 1L << 40;
    private static final int ENOUGH_SLOW = LargeFolios.ENOUGH / LargeFolios.SLOW;

    private final List<String> renewed = new ArrayList<>();
    private final List<IOException> failures = new ArrayList<>();
    private final LargeFolios folios =
            new LargeFolios(
                    IMAGE_BYTES,
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
            folios.overwritten(0, LargeFolios.QUICK_NANOS - 1);
        }
        assertEquals(List.of(), renewed);
    }

    private void overwrite(long nanos, int times) {
        for (int i = 0; i < times; i++) {
            folios.overwritten(0, nanos);
        }
    }

    private void rewrite(long region, long nanos) {
        for (int i = 0; i < 100; i++) {
            folios.overwritten(region * REGION, nanos);
        }
    }

    /// Folios of 128 KiB: what is slow shows only beside what is usual in small ones.
    @Test
    void whatIsUsualIsLearnedFromTrials() {
        rewrite(0, 4_600);
        rewrite(1, 4_600);
        rewrite(2, 4_600);
        assertEquals(List.of("0+1", "1+1"), renewed);
        overwrite(2_900, LargeFolios.LESSONS);
        rewrite(2, 4_600);
        rewrite(3, 3_500);
        assertEquals(List.of("0+1", "1+1", "2+1"), renewed);
    }

    /// A slow machine, or a file system that does not mind large folios.
    @Test
    void whereTrialsDoNotHelpThereAreNoOthers() {
        rewrite(0, 14_000);
        rewrite(1, 14_000);
        overwrite(11_500, LargeFolios.LESSONS);
        for (int region = 2; region < 100; region++) {
            rewrite(region, 14_000);
        }
        assertEquals(List.of("0+1", "1+1"), renewed);
    }

    /// How it is afterwards is not known yet. And one at a time is enough for a disk.
    @Test
    void whatIsBeingRenewedTeachesNothingAndOthersWait() {
        List<Runnable> later = new ArrayList<>();
        LargeFolios slowly =
                new LargeFolios(
                        IMAGE_BYTES,
                        later::add,
                        (offset, length) -> renewed.add(offset / REGION + "+" + length / REGION),
                        failures::add);
        slow(slowly, 0, ENOUGH_SLOW);
        for (int i = 0; i < LargeFolios.LESSONS; i++) {
            slowly.overwritten(0, 2_000);
        }
        slow(slowly, 1, 2 * ENOUGH_SLOW);
        assertEquals(1, later.size());
        later.getFirst().run();
        slow(slowly, 1, 1);
        assertEquals(2, later.size());
        later.getLast().run();
        slow(slowly, 2, ENOUGH_SLOW);
        later.getLast().run();
        assertEquals(List.of("0+1", "1+1", "2+1"), renewed);
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
        slow(folios, 0, ENOUGH_SLOW);
        overwrite(2_000, LargeFolios.LESSONS);
        slow(folios, 0, LargeFolios.AGAIN - 2 * LargeFolios.ENOUGH);
        assertEquals(List.of("0+1"), renewed);
        slow(folios, 0, 2 * LargeFolios.ENOUGH);
        assertEquals(List.of("0+1", "0+1"), renewed);
    }

    @Test
    void regionsThatShareAPlaceDoNotShareEvidence() {
        for (int i = 0; i < 10; i++) {
            slow(folios, 3, 1);
            slow(folios, 3 + 4096, 1);
        }
        assertEquals(List.of(), renewed);
    }

    @Test
    void anErrorIsPassedOn() {
        IOException lost = new IOException("lost");
        LargeFolios failing =
                new LargeFolios(
                        IMAGE_BYTES,
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
                        IMAGE_BYTES,
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
