package io.lunkeeper.target;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.Allocation;
import io.lunkeeper.lun.CacheMode;
import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.lun.LunOpenException;
import io.lunkeeper.lun.LunSpec;
import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.metrics.LunStatus;
import io.lunkeeper.target.metrics.LunStatus.State;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What is told of a LUN while it is opened, filled, served and grown.
final class ServedLunTest {
    private static final int SIZE = 1 << 20;

    @TempDir Path directory;

    private BooleanSupplier stopping = () -> false;

    private ServedLun lun(Allocation allocation) {
        LunSpec image =
                new LunSpec(
                        directory.resolve("a.img"),
                        OptionalLong.of(SIZE),
                        allocation,
                        CacheMode.WRITE_BACK,
                        512,
                        false);
        Configuration.Lun spec =
                new Configuration.Lun(7, image, 4096, Optional.empty(), List.of(), 1);
        return new ServedLun(
                new Place("key", "iqn.2026-11.io.x:a", spec), () -> stopping.getAsBoolean());
    }

    private static State preparing(double ratio) {
        return new State.Preparing(OptionalDouble.of(ratio));
    }

    @Test
    void tellsHowFarItsImageIsFilledAndThenThatItIsServed() throws IOException {
        ServedLun lun = lun(Allocation.SPARSE);
        List<State> states = new ArrayList<>();
        states.add(lun.status().state());
        List<LunBackend> taken = new ArrayList<>();
        try (lun) {
            lun.open(
                    (spec, preparation) -> {
                        states.add(lun.status().state());
                        for (long done : new long[] {0, 37, 100}) {
                            preparation.filled(done, 100);
                            states.add(lun.status().state());
                        }
                        return LunBackend.open(spec, preparation);
                    },
                    opened -> {
                        taken.add(opened);
                        return () -> false;
                    });
            assertEquals(List.of(lun.backend()), taken);
            assertTrue(lun.served());
            states.add(lun.status().state());
            assertEquals(
                    List.of(
                            new State.Preparing(OptionalDouble.empty()),
                            new State.Preparing(OptionalDouble.empty()),
                            preparing(0),
                            preparing(0.37),
                            preparing(1),
                            new State.Served()),
                    states);
            LunStatus status = lun.status();
            assertEquals("iqn.2026-11.io.x:a", status.target());
            assertEquals(7, status.lun());
            assertEquals(directory.resolve("a.img") + "", status.image());
            assertEquals(SIZE, status.figures().orElseThrow().sizeBytes());
        }
    }

    /// The question whether the end is wanted comes while the new part is filled.
    @Test
    void tellsThatItGrowsWhileItDoes() throws IOException {
        List<State> states = new ArrayList<>();
        ServedLun lun = lun(Allocation.FULL);
        try (lun) {
            lun.open(LunBackend::open, _ -> () -> false);
            stopping = () -> !states.add(lun.status().state());
            lun.grow(2 * SIZE);
            assertEquals(List.of(new State.Growing(OptionalDouble.of(0))), states);
            assertEquals(new State.Served(), lun.status().state());
            assertEquals(2 * SIZE, lun.status().figures().orElseThrow().sizeBytes());
            stopping = () -> true;
            assertThrows(IOException.class, () -> lun.grow(3 * SIZE));
            assertEquals(new State.Served(), lun.status().state());
        }
    }

    @Test
    void refusedOpeningLeavesItUnopened() {
        ServedLun lun = lun(Allocation.SPARSE);
        assertThrows(
                IOException.class,
                () ->
                        lun.open(
                                (_, _) -> {
                                    throw new LunOpenException("no");
                                },
                                _ -> () -> false));
        assertTrue(lun.status().figures().isEmpty());
        assertEquals(new State.Failed("not served: no"), lun.status().state());
        assertFalse(lun.served());
    }

    @Test
    void imageThatIsNotTakenIsClosedAgain() throws IOException {
        ServedLun lun = lun(Allocation.SPARSE);
        assertThrows(
                IOException.class,
                () ->
                        lun.open(
                                LunBackend::open,
                                _ -> {
                                    throw new IOException("nobody knows who reserved it");
                                }));
        assertEquals(
                new State.Failed("not served: nobody knows who reserved it"), lun.status().state());
        try (lun) {
            lun.open(LunBackend::open, _ -> () -> false);
            assertEquals(new State.Served(), lun.status().state());
        }
    }

    @Test
    void tellsThatItIsLostWhoHasReservedIt() throws IOException {
        AtomicBoolean lost = new AtomicBoolean(true);
        try (ServedLun lun = lun(Allocation.SPARSE)) {
            lun.open(LunBackend::open, _ -> lost::get);
            assertTrue(lun.served());
            assertEquals(new State.ReservationsLost(), lun.status().state());
            lost.set(false);
            assertEquals(new State.Served(), lun.status().state());
        }
    }

    @Test
    void goesWhenItsLastCommandHasComeToRest() throws IOException {
        ServedLun lun = lun(Allocation.SPARSE);
        lun.open(LunBackend::open, _ -> () -> false);
        AtomicInteger gone = new AtomicInteger();
        lun.leave(gone::incrementAndGet);
        assertFalse(lun.served());
        assertEquals(new State.Leaving(), lun.status().state());
        assertFalse(lun.closedWithin(0));
        assertTrue(lun.trouble().orElseThrow().startsWith("LUN 7 of iqn.2026-11.io.x:a is taken"));
        lun.atRest();
        assertTrue(lun.closedWithin(60_000));
        assertEquals(1, gone.get());
        assertEquals(Optional.empty(), lun.trouble());
        try (ServedLun next = lun(Allocation.SPARSE)) {
            next.open(LunBackend::open, _ -> () -> false);
            assertTrue(next.served());
        }
        lun.close();
    }
}
