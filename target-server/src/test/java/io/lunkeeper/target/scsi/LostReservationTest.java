package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What was kept of the reservations is damaged (SPC-4 5.13.5.3 Loss of persistent reservation
/// information), and somebody replaces it (5.13.11.3 Replacing lost reservations).
class LostReservationTest {
    private static final int REGISTER = 0;
    private static final int RESERVE = 1;
    private static final int WRITE_EXCLUSIVE = 1;
    private static final int APTPL = 0x01;
    private static final int ALL_TG_PT = 0x04;
    private static final int CONFLICT = 0x18;

    private static final String LOST = "7/44/01";
    private static final String INVALID_RELEASE = "5/26/04";
    private static final String TEST_UNIT_READY = "00 00 00 00 00 00";
    private static final String READ = "28 00 00 00 00 00 00 00 01 00";
    private static final String BLOCK_ERASE = "48 02 00 00 00 00 00 00 00 00";
    private static final String WRITE = "2a 00 00 00 00 00 00 00 01 00";

    /// Of SPC-4 5.13.5.2 those that we have, and what ends it.
    private static final Set<String> STILL_RUN =
            Set.of(
                    "INQUIRY",
                    "LOG_SENSE",
                    "READ_BUFFER",
                    "REPORT_LUNS",
                    "REPORT_TARGET_PORT_GROUPS",
                    "REQUEST_SENSE",
                    "WRITE_BUFFER",
                    "PERSISTENT_RESERVE_OUT_REPLACE_LOST_RESERVATION");

    @TempDir Path directory;
    @AutoClose private ServedUnit unit;
    private Nexus a;
    private Nexus b;

    @BeforeEach
    void serve() throws IOException {
        unit = ServedUnit.open(directory, 1 << 20);
        a = unit.server().attach(port("a"), 1);
        b = unit.server().attach(port("b"), 1);
        for (Nexus each : List.of(a, b)) {
            assertEquals("6/29/00", unit.run(each, TEST_UNIT_READY).code());
        }
    }

    private void serveAgain() throws IOException {
        unit.close();
        serve();
    }

    private static String port(String name) {
        return Nexus.portName("iqn.2026-11.io.lunkeeper:" + name, 0x80_0000_0001L);
    }

    private static byte[] list(long key, long newKey, int flags) {
        return ByteBuffer.allocate(24).putLong(key).putLong(newKey).put(20, (byte) flags).array();
    }

    private ServedUnit.Reply out(Nexus from, int action, int type, byte[] list) {
        return unit.run(
                from,
                "5f %02x %02x 00 00 00 00 00 %02x".formatted(action, type, list.length),
                list);
    }

    private ServedUnit.Reply replace(Nexus from, int type, long key, long newKey, int flags) {
        return out(from, 8, type, list(key, newKey, flags));
    }

    private List<Long> keys() {
        ByteBuffer data = ByteBuffer.wrap(unit.run(a, "5e 00 00 00 00 00 00 ff ff").data());
        return data.position(8).hasRemaining() ? List.of(data.getLong()) : List.of();
    }

    private int generation() {
        return ByteBuffer.wrap(unit.run(a, "5e 00 00 00 00 00 00 ff ff").data()).getInt();
    }

    /// The type and the key of the reservation, or nothing.
    private String reservation() {
        ByteBuffer data = ByteBuffer.wrap(unit.run(a, "5e 01 00 00 00 00 00 ff ff").data());
        return data.getInt(4) == 0 ? "" : data.get(21) + " of " + data.getLong(8);
    }

    private Path kept() {
        return unit.backend().placeBeside();
    }

    private void change(String from, String to) throws IOException {
        String text = Files.readString(kept());
        assertTrue(text.contains(from), text);
        Files.writeString(kept(), text.replace(from, to));
    }

    private void reserveByA() {
        assertTrue(out(a, REGISTER, 0, list(0, 0x11, APTPL)).good());
        assertTrue(out(a, RESERVE, WRITE_EXCLUSIVE, list(0x11, 0, 0)).good());
    }

    /// Another key than was registered, which the server could not tell without a checksum.
    private void lose() throws IOException {
        reserveByA();
        change("reservations.key.1=11", "reservations.key.1=13");
        serveAgain();
        assertTrue(unit.server().reservationsLost(ServedUnit.LUN));
    }

    private List<Path> setAside() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.toString().contains(".damaged-")).sorted().toList();
        }
    }

    /// Nobody has access, whoever had it before.
    private void assertLost() {
        for (Nexus each : List.of(a, b)) {
            assertEquals(LOST, unit.run(each, READ).code());
            assertEquals(LOST, unit.run(each, WRITE, new byte[512]).code());
            assertEquals(LOST, unit.run(each, TEST_UNIT_READY).code());
        }
    }

    // ---- while they are lost

    private static String cdb(OperationCode operation) {
        int serviceAction = Math.max(0, operation.serviceAction());
        return "%02x %02x".formatted(operation.operationCode(), serviceAction) + " 00".repeat(14);
    }

    @Test
    void onlyWhatTheStandardListsRuns() throws IOException {
        lose();
        for (Nexus each : List.of(a, b)) {
            Set<String> ran = new TreeSet<>();
            for (OperationCode operation : OperationCode.values()) {
                if (!unit.run(each, cdb(operation)).code().equals(LOST)) {
                    ran.add(operation.name());
                }
            }
            assertEquals(STILL_RUN, ran);
        }
        assertLost();
    }

    @Test
    void theUnitMayBeStartedAndNotStopped() throws IOException {
        lose();
        assertTrue(unit.run(a, "1b 00 00 00 01 00").good());
        assertEquals(LOST, unit.run(a, "1b 00 00 00 00 00").code());
        assertEquals(LOST, unit.run(a, "1b 01 00 00 04 00").code());
        assertTrue(replace(a, WRITE_EXCLUSIVE, 0, 7, APTPL).good());
        assertTrue(unit.run(a, TEST_UNIT_READY).good());
        assertTrue(unit.run(a, "1b 00 00 00 00 00").good());
    }

    /// Copies look at the units that they read and write as a command of their own would.
    @Test
    void aCopyFromElsewhereIsKeptOutToo() throws IOException {
        lose();
        LogicalUnit copied = unit.server().logicalUnits().getFirst();
        assertNotNull(unit.server().refusalNow(a, copied, OperationCode.READ_16));
        assertTrue(replace(a, WRITE_EXCLUSIVE, 0, 7, APTPL).good());
        assertNull(unit.server().refusalNow(a, copied, OperationCode.READ_16));
    }

    @Test
    void neitherResetNorLossOfNexusNorRestartEndsIt() throws IOException {
        lose();
        unit.server().resetUnit(ServedUnit.LUN_FIELD);
        for (Nexus each : List.of(a, b)) {
            assertEquals("6/29/03", unit.run(each, TEST_UNIT_READY).code());
        }
        assertLost();
        unit.server().detach(a);
        a = unit.server().attach(port("a"), 1);
        assertEquals("6/29/00", unit.run(a, TEST_UNIT_READY).code());
        assertLost();
        serveAgain();
        assertLost();
        assertEquals(1, setAside().size());
    }

    // ---- replacing them

    @Test
    void whoReplacesThemIsTheOnlyOne() throws IOException {
        lose();
        byte[] damaged = Files.readAllBytes(kept());
        assertTrue(replace(b, WRITE_EXCLUSIVE, 0, 7, APTPL).good());
        assertFalse(unit.server().reservationsLost(ServedUnit.LUN));
        assertTrue(unit.run(a, TEST_UNIT_READY).good(), "nobody is told");
        assertEquals("1 of 7", reservation());
        assertEquals(List.of(7L), keys());
        assertEquals(0, generation());
        assertEquals(CONFLICT, unit.run(a, WRITE, new byte[512]).status());
        assertTrue(unit.run(a, READ).good());
        assertTrue(unit.run(b, WRITE, new byte[512]).good());
        assertEquals(CONFLICT, out(a, RESERVE, WRITE_EXCLUSIVE, list(0x11, 0, 0)).status());
        serveAgain();
        assertEquals("1 of 7", reservation());
        assertEquals(CONFLICT, unit.run(a, WRITE, new byte[512]).status());
        assertTrue(unit.run(b, WRITE, new byte[512]).good());
        assertArrayEquals(damaged, Files.readAllBytes(setAside().getFirst()));
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1 of 7",
        "3, 3 of 7",
        "5, 5 of 7",
        "6, 6 of 7",
        "7, 7 of 0",
        "8, 8 of 0",
    })
    void byAReservationOfAnyType(int type, String reservation) throws IOException {
        lose();
        assertTrue(replace(a, type, 0, 7, APTPL | ALL_TG_PT).good());
        assertEquals(reservation, reservation());
        assertTrue(unit.run(a, WRITE, new byte[512]).good());
        assertEquals(CONFLICT, unit.run(b, WRITE, new byte[512]).status());
        assertTrue(out(b, REGISTER, 0, list(0, 8, APTPL)).good());
        assertEquals(1, generation());
    }

    @ParameterizedTest
    @CsvSource({
        "0x01, 1, 7, 0x01, 5/26/00, 800000",
        "0x01, 0, 0, 0x01, 5/26/00, 800008",
        "0x01, 0, 7, 0x09, 5/26/00, 800014",
        "0x01, 0, 7, 0x81, 5/26/00, 800014",
        "0x00, 0, 7, 0x01, 5/24/00, c00002",
        "0x02, 0, 7, 0x01, 5/24/00, c00002",
        "0x09, 0, 7, 0x01, 5/24/00, c00002",
        "0x11, 0, 7, 0x01, 5/24/00, c00002"
    })
    void onlyWhatCanBeObeyedReplacesThem(
            int type, long key, long newKey, int flags, String code, String pointer)
            throws IOException {
        lose();
        ServedUnit.Reply refused = replace(a, type, key, newKey, flags);
        assertEquals(code, refused.code());
        assertEquals(pointer, refused.pointer());
        assertEquals("5/1a/00", out(a, 8, type, new byte[23]).code());
        assertEquals("5/1a/00", out(a, 8, type, new byte[25]).code());
        assertLost();
    }

    @Test
    void onlyWhatIsLostIsReplaced() throws IOException {
        assertEquals(INVALID_RELEASE, replace(a, WRITE_EXCLUSIVE, 0, 7, APTPL).code());
        reserveByA();
        for (Nexus each : List.of(a, b)) {
            assertEquals(INVALID_RELEASE, replace(each, WRITE_EXCLUSIVE, 0, 7, APTPL).code());
            assertEquals(INVALID_RELEASE, replace(each, WRITE_EXCLUSIVE, 0x11, 0, 0).code());
        }
        assertEquals("1 of 17", reservation());
        assertEquals(1, generation());
    }

    @Test
    void theSecondComesTooLate() throws IOException {
        lose();
        assertTrue(replace(a, WRITE_EXCLUSIVE, 0, 7, APTPL).good());
        for (Nexus each : List.of(a, b)) {
            assertEquals(INVALID_RELEASE, replace(each, WRITE_EXCLUSIVE, 0, 8, APTPL).code());
        }
        assertEquals("1 of 7", reservation());
    }

    @Test
    void withoutAptplNothingIsLeftAfterARestart() throws IOException {
        lose();
        assertTrue(replace(a, WRITE_EXCLUSIVE, 0, 7, 0).good());
        assertEquals("1 of 7", reservation());
        assertFalse(Files.exists(kept()));
        assertEquals(1, setAside().size());
        serveAgain();
        assertEquals("", reservation());
        assertEquals(List.of(), keys());
        assertTrue(unit.run(b, WRITE, new byte[512]).good());
    }

    @Test
    void whatCannotBeKeptReplacesNothing() throws IOException {
        lose();
        byte[] damaged = Files.readAllBytes(kept());
        Path fresh = Path.of(kept() + ".new");
        Files.createDirectory(fresh);
        assertEquals("4/44/00", replace(a, WRITE_EXCLUSIVE, 0, 7, APTPL).code());
        assertLost();
        assertArrayEquals(damaged, Files.readAllBytes(kept()));
        Files.delete(fresh);
        assertTrue(replace(b, WRITE_EXCLUSIVE, 0, 8, APTPL).good());
        assertEquals("1 of 8", reservation());
    }

    @Test
    void whatCannotBeCopiedIsNotServed() throws IOException {
        reserveByA();
        change("reservations.key.1=11", "reservations.key.1=13");
        byte[] damaged = Files.readAllBytes(kept());
        Files.createDirectory(Path.of(kept() + ".new"));
        unit.close();
        IOException refused = assertThrows(IOException.class, this::serve);
        assertTrue(refused.toString().contains("cannot be copied"), refused::toString);
        assertArrayEquals(damaged, Files.readAllBytes(kept()));
    }

    // ---- what counts as lost

    private void assertLostBy(Map<String, String> section) throws IOException {
        SortedMap<String, String> named = new TreeMap<>(section);
        named.put("unit", ServedUnit.TARGET + " " + ServedUnit.LUN);
        unit.backend().keepBeside("reservations", named);
        serveAgain();
        assertLost();
    }

    /// Of another version, perhaps.
    @Test
    void whatMakesNoSenseIsLost() throws IOException {
        assertLostBy(Map.of("port.1", "x", "key.1", "z"));
        assertLostBy(Map.of("port.1", "x"));
        assertLostBy(Map.of("type", "NONE"));
        assertLostBy(Map.of("type", "WRITE_EXCLUSIVE", "holder", "x"));
        assertTrue(replace(a, WRITE_EXCLUSIVE, 0, 7, APTPL).good());
        serveAgain();
        assertEquals("1 of 7", reservation());
        assertEquals(4, setAside().size());
    }

    @Test
    void soIsWhatIsGoneFromTheFile() throws IOException {
        reserveByA();
        change("reservations.", "observations.");
        serveAgain();
        assertLost();
    }

    /// What an earlier version wrote has no checksums, so nobody knows what else was there.
    @Test
    void withoutChecksumsTheUnitIsNotServed() throws IOException {
        String unitName = ServedUnit.TARGET.replace(":", "\\:") + " " + ServedUnit.LUN;
        String text = "format=2\nreservations.unit=" + unitName + "\nreservations.port.1=x\n";
        unit.close();
        Files.writeString(kept(), text + "reservations.key.1=z\n");
        IOException refused = assertThrows(IOException.class, this::serve);
        assertTrue(refused.toString().contains(kept().toString()), refused::toString);
        Files.writeString(kept(), text + "reservations.key.1=1f\n");
        serve();
        assertEquals(List.of(0x1fL), keys());
    }

    @Test
    void norIsItWhenTheFileIsDamagedAsAWhole() throws IOException {
        reserveByA();
        String text = Files.readString(kept());
        for (String bad :
                List.of(
                        text.replace("format=3", "format=2"),
                        text.replace("sections=", "sectionz="),
                        text.replace("checksum=", "checksum=0"))) {
            Files.writeString(kept(), bad);
            unit.close();
            IOException refused = assertThrows(IOException.class, this::serve, bad);
            assertTrue(refused.toString().contains(kept().toString()), refused::toString);
        }
        assertEquals(List.of(), setAside());
    }

    private void eraseAndFail() throws IOException {
        SortedMap<String, String> job = new TreeMap<>(EraseJob.blockErase(true).text());
        job.put("state", "failed");
        unit.backend().keepBeside("erasing", job);
    }

    @Test
    void norWhenItIsUnknownWhetherTheImageWasErased() throws IOException {
        reserveByA();
        eraseAndFail();
        change("erasing.state=failed", "erasing.state=filled");
        unit.close();
        IOException refused = assertThrows(IOException.class, this::serve);
        assertTrue(refused.toString().contains("erasing is damaged"), refused::toString);
    }

    /// Each is told in turn, and neither is in the way of what ends the other.
    @Test
    void anErasureThatFailedIsStillKnown() throws IOException {
        reserveByA();
        eraseAndFail();
        change("reservations.key.1=11", "reservations.key.1=13");
        serveAgain();
        assertLost();
        assertEquals(LOST, unit.run(a, BLOCK_ERASE).code());
        assertTrue(replace(a, WRITE_EXCLUSIVE, 0, 7, APTPL).good());
        assertEquals("3/31/03", unit.run(a, READ).code());
        serveAgain();
        assertEquals("3/31/03", unit.run(a, READ).code());
        assertEquals(CONFLICT, unit.run(b, BLOCK_ERASE).status());
        assertTrue(unit.run(a, BLOCK_ERASE).good());
        assertTrue(unit.run(a, READ).good());
        assertEquals("1 of 7", reservation());
    }
}
