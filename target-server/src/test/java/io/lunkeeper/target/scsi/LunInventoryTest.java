package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.Allocation;
import io.lunkeeper.lun.CacheMode;
import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.lun.LunSpec;
import io.netty.buffer.ByteBufUtil;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Logical units that come and go while nexuses are there.
class LunInventoryTest {
    private static final String TEST_UNIT_READY = "00 00 00 00 00 00";
    private static final String REQUEST_SENSE = "03 00 00 00 ff 00";
    private static final String INQUIRY = "12 00 00 00 60 00";
    private static final String READ_ONE_BLOCK = "28 00 00 00 00 00 00 00 01 00";
    private static final String REPORT_LUNS = "a0 00 00 00 00 00 00 00 10 00 00 00";
    private static final String MODE_SELECT_WRITE_PROTECT = "55 10 00 00 00 00 00 00 14 00";

    private static final String POWER_ON = "6/29/00";
    private static final String INVENTORY_CHANGED = "6/3f/0e";
    private static final String NO_SUCH_UNIT = "5/25/00";

    private static final int ADDED = 2;
    private static final long FIELD = 0x0002_0000_0000_0000L;

    @TempDir Path directory;
    private ServedUnit unit;
    private DeviceServer server;
    private final List<LunBackend> backends = new ArrayList<>();

    @BeforeEach
    void open() throws IOException {
        unit = ServedUnit.open(directory, 1 << 20);
        server = unit.server();
    }

    @AfterEach
    void close() throws IOException {
        for (LunBackend each : backends) {
            each.close();
        }
        unit.close();
    }

    private LunBackend image(String name) throws IOException {
        LunBackend opened =
                LunBackend.open(
                        new LunSpec(
                                directory.resolve(name),
                                OptionalLong.of(1 << 20),
                                Allocation.SPARSE,
                                CacheMode.WRITE_BACK,
                                512,
                                false));
        backends.add(opened);
        return opened;
    }

    private void add(int lun, LunBackend backend) throws IOException {
        server.add(new DeviceServer.LogicalUnitSpec(lun, backend, 512, 4096, Optional.empty()));
    }

    /// Takes a unit out as its owner does: the backend is closed when nothing runs any more.
    private void remove(int lun, LunBackend backend) throws IOException {
        AtomicBoolean atRest = new AtomicBoolean();
        server.remove(lun, () -> atRest.set(true));
        assertTrue(atRest.get());
        backend.close();
        server.forget(lun);
    }

    private String luns(Nexus nexus) {
        byte[] list = unit.run(nexus, REPORT_LUNS).data();
        return HexFormat.of().formatHex(list, 8, list.length);
    }

    @Test
    void everyNexusHearsOfANewUnitAndFindsIt() throws IOException {
        Nexus other = unit.attach();
        assertEquals(NO_SUCH_UNIT, unit.run(FIELD, TEST_UNIT_READY).code());
        add(ADDED, image("b"));
        for (Nexus each : List.of(unit.nexus(), other)) {
            assertEquals(INVENTORY_CHANGED, unit.run(each, TEST_UNIT_READY).code());
            assertTrue(unit.run(each, TEST_UNIT_READY).good());
            assertEquals("00020000000000000005000000000000", luns(each));
            assertEquals(POWER_ON, unit.run(each, FIELD, TEST_UNIT_READY).code());
            assertTrue(unit.run(each, FIELD, TEST_UNIT_READY).good());
            assertTrue(unit.run(each, FIELD, READ_ONE_BLOCK).good());
        }
        Nexus late = server.attach("late", 1);
        assertEquals(POWER_ON, unit.run(late, TEST_UNIT_READY).code());
        assertTrue(unit.run(late, TEST_UNIT_READY).good());
        assertEquals(POWER_ON, unit.run(late, FIELD, TEST_UNIT_READY).code());
        assertTrue(unit.run(late, FIELD, TEST_UNIT_READY).good());
    }

    @Test
    void everyNexusHearsOfAUnitThatHasGoneAndDoesNotFindIt() throws IOException {
        LunBackend gone = image("b");
        add(ADDED, gone);
        Nexus other = unit.attach("other");
        assertEquals(INVENTORY_CHANGED, unit.run(TEST_UNIT_READY).code());
        remove(ADDED, gone);
        for (Nexus each : List.of(unit.nexus(), other)) {
            assertEquals(INVENTORY_CHANGED, unit.run(each, TEST_UNIT_READY).code());
            assertTrue(unit.run(each, TEST_UNIT_READY).good());
            for (String command : List.of(TEST_UNIT_READY, READ_ONE_BLOCK, "ff 00")) {
                assertEquals(NO_SUCH_UNIT, unit.run(each, FIELD, command).code());
            }
            assertEquals(0x7f, unit.run(each, FIELD, INQUIRY).data()[0] & 0xff);
            assertEquals(0x25, unit.run(each, FIELD, REQUEST_SENSE).data()[12]);
            assertEquals("0005000000000000", luns(each));
        }
        assertFalse(server.hasUnit(FIELD));
        server.resetUnit(FIELD);
        server.tasksCleared(FIELD, other);
        assertTrue(unit.run(other, TEST_UNIT_READY).good());
    }

    @ParameterizedTest
    @ValueSource(strings = {REPORT_LUNS, TEST_UNIT_READY, REQUEST_SENSE})
    void theChangeIsHeardOnceByEachNexusWhereverItAsks(String first) throws IOException {
        add(ADDED, image("b"));
        assertEquals(POWER_ON, unit.run(FIELD, TEST_UNIT_READY).code());
        Nexus other = unit.attach("other");
        add(3, image("c"));
        assertEquals(POWER_ON, unit.run(other, FIELD, TEST_UNIT_READY).code());
        unit.run(FIELD, first);
        assertTrue(unit.run(FIELD, TEST_UNIT_READY).good());
        assertTrue(unit.run(TEST_UNIT_READY).good());
        assertEquals(INVENTORY_CHANGED, unit.run(other, TEST_UNIT_READY).code());
        assertTrue(unit.run(other, FIELD, TEST_UNIT_READY).good());
    }

    @Test
    void askingForWhatIsNotAListOfUnitsTellsNothing() throws IOException {
        add(ADDED, image("b"));
        assertFalse(unit.run("a0 00 03 00 00 00 00 00 10 00 00 00").good());
        assertFalse(unit.run("a0 00 00 00 00 00 00 00 00 0f 00 00").good());
        assertEquals(INVENTORY_CHANGED, unit.run(TEST_UNIT_READY).code());
    }

    /// What was pending for the one before is nothing to the one that has its place now.
    @Test
    void aUnitThatComesBackBeginsAnew() throws IOException {
        LunBackend before = image("b");
        add(ADDED, before);
        unit.run(FIELD, TEST_UNIT_READY);
        server.resetUnit(FIELD);
        assertTrue(unit.run(FIELD, MODE_SELECT_WRITE_PROTECT, swp()).code().startsWith("6/29"));
        assertTrue(unit.run(FIELD, MODE_SELECT_WRITE_PROTECT, swp()).good());
        assertEquals("7/27/00", unit.run(FIELD, "2a 00 00 00 00 00 00 00 01 00").code());
        server.resetUnit(FIELD);
        remove(ADDED, before);
        add(ADDED, image("b"));
        assertEquals(POWER_ON, unit.run(FIELD, TEST_UNIT_READY).code());
        assertTrue(unit.run(FIELD, TEST_UNIT_READY).good());
        assertTrue(unit.run(FIELD, "2a 00 00 00 00 00 00 00 01 00", new byte[512]).good());
    }

    /// Header, and the Control mode page with SWP.
    private static byte[] swp() {
        return ServedUnit.hex("0000000000000000 0a0a001008000000 ffff0000");
    }

    @Test
    void persistentReservationsComeBackWithTheImageAndOthersDoNot() throws IOException {
        LunBackend before = image("b");
        add(ADDED, before);
        Nexus other = unit.attach("other");
        for (Nexus each : List.of(unit.nexus(), other)) {
            unit.run(each, FIELD, TEST_UNIT_READY);
        }
        assertTrue(unit.run(FIELD, "16 00 00 00 00 00").good());
        assertEquals("status 18", unit.run(other, FIELD, TEST_UNIT_READY).code());
        remove(ADDED, before);
        LunBackend again = image("b");
        add(ADDED, again);
        assertEquals(POWER_ON, unit.run(other, FIELD, TEST_UNIT_READY).code());
        assertTrue(unit.run(other, FIELD, TEST_UNIT_READY).good());
        String register = "5f 00 00 00 00 00 00 00 18 00";
        String reserve = "5f 01 01 00 00 00 00 00 18 00";
        byte[] key = ServedUnit.hex("0000000000000000 0000000000000007 00000000 01000000");
        byte[] with = ServedUnit.hex("0000000000000007 0000000000000000 00000000 00000000");
        unit.run(FIELD, TEST_UNIT_READY);
        assertTrue(unit.run(FIELD, register, key).good());
        assertTrue(unit.run(FIELD, reserve, with).good());
        remove(ADDED, again);
        add(ADDED, image("b"));
        assertEquals(POWER_ON, unit.run(other, FIELD, TEST_UNIT_READY).code());
        String write = "2a 00 00 00 00 00 00 00 01 00";
        assertEquals("status 18", unit.run(other, FIELD, write).code());
        assertEquals(POWER_ON, unit.run(FIELD, TEST_UNIT_READY).code());
        assertTrue(unit.run(FIELD, write, new byte[512]).good());
    }

    @Test
    void aUnitOfWhichNobodyKnowsWhoReservedItIsNotTakenIn() throws IOException {
        Files.writeString(directory.resolve("b.lunkeeper"), "format=7\n");
        LunBackend backend = image("b");
        assertThrows(IOException.class, () -> add(ADDED, backend));
        assertFalse(server.hasUnit(FIELD));
        assertTrue(unit.run(TEST_UNIT_READY).good());
        Files.delete(directory.resolve("b.lunkeeper"));
        add(ADDED, backend);
        assertEquals(POWER_ON, unit.run(FIELD, TEST_UNIT_READY).code());
    }

    /// Its tasks still need its threads and the form of its sense data; commands do not find it.
    @Test
    void tasksKnowTheirUnitUntilTheyHaveEnded() throws IOException {
        LunBackend backend = image("b");
        add(ADDED, backend);
        List<Runnable> ends = new ArrayList<>();
        List<String> answers = new ArrayList<>();
        server.abortsTasksBy((units, nexuses, answer, whenEnded) -> {
            assertTrue(units.test(FIELD));
            assertTrue(units.test(FIELD | 0x4000_0000_0000_0000L), "flat space addressing");
            assertFalse(units.test(ServedUnit.LUN_FIELD));
            assertTrue(nexuses.test(unit.nexus()));
            answers.add(answer == null ? "" : ByteBufUtil.hexDump(answer.sense()));
            ends.add(whenEnded);
        });
        AtomicBoolean atRest = new AtomicBoolean();
        server.remove(ADDED, () -> atRest.set(true));
        assertFalse(atRest.get());
        assertEquals(List.of("700005000000000a00000000250000000000"), answers);
        assertEquals(NO_SUCH_UNIT, unit.run(FIELD, READ_ONE_BLOCK).code());
        assertEquals(backend.ioThreads(), server.ioThreads(FIELD));
        assertTrue(server.sameUnit(FIELD, FIELD));
        assertFalse(server.hasUnit(FIELD));
        assertEquals(List.of(ServedUnit.LUN_FIELD), server.units(unit.nexus()));
        ends.forEach(Runnable::run);
        assertTrue(atRest.get());
        server.forget(ADDED);
        assertFalse(server.sameUnit(FIELD, FIELD));
    }

    /// While one is on its way out its place among the pending conditions is its own.
    @Test
    void unitsOnTheirWayOutLendNothingToNewOnes() throws IOException {
        LunBackend leaving = image("b");
        add(ADDED, leaving);
        server.remove(ADDED, () -> {});
        add(3, image("c"));
        server.forget(ADDED);
        add(4, image("d"));
        Nexus late = server.attach("late", 1);
        for (long field : new long[] {0x0003L << 48, 0x0004L << 48}) {
            for (Nexus each : List.of(unit.nexus(), late)) {
                unit.run(each, field, REPORT_LUNS);
                assertEquals(POWER_ON, unit.run(each, field, TEST_UNIT_READY).code());
                assertTrue(unit.run(each, field, TEST_UNIT_READY).good());
            }
        }
        server.resetUnit(0x0004L << 48);
        assertTrue(unit.run(0x0003L << 48, TEST_UNIT_READY).good());
        assertEquals("6/29/03", unit.run(0x0004L << 48, TEST_UNIT_READY).code());
    }
}
