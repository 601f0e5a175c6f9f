package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PersistentReservationTest {
    private static final int REGISTER = 0;
    private static final int RESERVE = 1;
    private static final int RELEASE = 2;
    private static final int CLEAR = 3;
    private static final int PREEMPT = 4;
    private static final int PREEMPT_AND_ABORT = 5;
    private static final int REGISTER_AND_IGNORE = 6;
    private static final int REGISTER_AND_MOVE = 7;

    private static final int WRITE_EXCLUSIVE = 1;
    private static final int EXCLUSIVE_ACCESS = 3;
    private static final int WRITE_EXCLUSIVE_REGISTRANTS_ONLY = 5;
    private static final int EXCLUSIVE_ACCESS_ALL_REGISTRANTS = 8;

    private static final int CONFLICT = 0x18;
    private static final int SPEC_I_PT = 0x08;
    private static final int APTPL = 0x01;
    private static final String TEST_UNIT_READY = "00 00 00 00 00 00";
    private static final String READ = "28 00 00 00 00 00 00 00 01 00";
    private static final String WRITE = "2a 00 00 00 00 00 00 00 01 00";

    @TempDir Path directory;
    @AutoClose private ServedUnit unit;
    private Nexus a;
    private Nexus b;
    private Nexus c;

    @BeforeEach
    void serve() throws IOException {
        unit = ServedUnit.open(directory, 1 << 20);
        a = unit.attach(port("a"));
        b = unit.attach(port("b"));
        c = unit.attach(port("c"));
    }

    private void serveAgain() throws IOException {
        unit.close();
        serve();
    }

    private static String port(String name) {
        return Nexus.portName("iqn.2026-11.io.lunkeeper:" + name, 0x80_0000_0001L);
    }

    private static byte[] list(long key, long newKey, int flags) {
        return ByteBuffer.allocate(24)
                .putLong(key)
                .putLong(newKey)
                .putInt(0)
                .put((byte) flags)
                .array();
    }

    private static byte[] joined(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    private static byte[] number(int value) {
        return ByteBuffer.allocate(4).putInt(value).array();
    }

    private ServedUnit.Reply out(Nexus from, int action, int type, byte[] parameters) {
        String length = HexFormat.ofDelimiter(" ").formatHex(number(parameters.length));
        return unit.run(
                from, "5f %02x %02x 00 00 %s 00".formatted(action, type, length), parameters);
    }

    private ServedUnit.Reply out(Nexus from, int action, int type, long key, long newKey) {
        return out(from, action, type, list(key, newKey, 0));
    }

    private void register(Nexus from, long key) {
        assertTrue(out(from, REGISTER, 0, 0, key).good());
    }

    private void reserve(Nexus from, int type, long key) {
        assertTrue(out(from, RESERVE, type, key, 0).good());
    }

    private ServedUnit.Reply in(int query) {
        return unit.run(a, "5e %02x 00 00 00 00 00 ff ff 00".formatted(query));
    }

    private List<Long> keys() {
        ByteBuffer data = ByteBuffer.wrap(in(0).data()).position(8);
        List<Long> keys = new ArrayList<>();
        while (data.hasRemaining()) {
            keys.add(data.getLong());
        }
        return keys;
    }

    private int generation() {
        return ByteBuffer.wrap(in(0).data()).getInt();
    }

    /// The type and the key of the reservation, or nothing.
    private String reservation() {
        ByteBuffer data = ByteBuffer.wrap(in(1).data());
        return data.getInt(4) == 0 ? "" : data.get(21) + " of " + data.getLong(8);
    }

    private String attention(Nexus of) {
        return unit.run(of, TEST_UNIT_READY).code();
    }

    // ---- registering

    @Test
    void registersChangesAndUnregisters() {
        assertEquals(CONFLICT, out(a, REGISTER, 0, 5, 7).status());
        register(a, 7);
        register(b, 8);
        assertEquals(List.of(7L, 8L), keys());
        assertEquals(2, generation());
        assertEquals(CONFLICT, out(a, REGISTER, 0, 0, 9).status());
        assertTrue(out(a, REGISTER, 0, 7, 9).good());
        assertEquals(Set.of(9L, 8L), Set.copyOf(keys()));
        assertTrue(out(a, REGISTER, 0, 9, 0).good());
        assertEquals(List.of(8L), keys());
        assertEquals(4, generation());
        assertTrue(out(a, REGISTER, 0, 0, 0).good());
        assertEquals(4, generation());
    }

    @Test
    void ignoresTheExistingKeyWhenAsked() {
        assertTrue(out(a, REGISTER_AND_IGNORE, 0, 99, 1).good());
        assertTrue(out(a, REGISTER_AND_IGNORE, 0, 99, 2).good());
        assertEquals(List.of(2L), keys());
        assertTrue(out(a, REGISTER_AND_IGNORE, 0, 99, 0).good());
        assertEquals(List.of(), keys());
    }

    @Test
    void allTargetPortsAreThisOneWhereThereIsNoOther() {
        assertTrue(out(a, REGISTER, 0, list(0, 1, 0x04)).good());
        assertEquals(List.of(1L), keys());
    }

    @Test
    void onlyWhoIsRegisteredMayGoOn() {
        for (int action : new int[] {RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT}) {
            assertEquals(CONFLICT, out(a, action, WRITE_EXCLUSIVE, 0, 1).status());
        }
        register(a, 1);
        for (int action : new int[] {RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT}) {
            assertEquals(CONFLICT, out(a, action, WRITE_EXCLUSIVE, 2, 1).status());
        }
    }

    @Test
    void registersOthersByTheirNames() {
        byte[] ids = joined(TransportId.ofPort(port("b")), TransportId.ofPort(port("x")));
        byte[] all = joined(list(0, 3, SPEC_I_PT), number(ids.length), ids);
        assertTrue(out(a, REGISTER, 0, all).good());
        assertEquals(List.of(3L, 3L, 3L), keys());
        reserve(b, WRITE_EXCLUSIVE, 3);
        assertEquals(
                "5/26/00",
                out(a, REGISTER, 0, joined(list(3, 3, SPEC_I_PT), number(ids.length), ids)).code());
    }

    @Test
    void aDeviceNameStandsForAllItsPorts() {
        unit.attach(Nexus.portName("iqn.2026-11.io.lunkeeper:b", 2));
        byte[] name = "iqn.2026-11.io.lunkeeper:b\0\0".getBytes(StandardCharsets.UTF_8);
        byte[] id = joined(new byte[] {5, 0, 0, (byte) name.length}, name);
        assertTrue(
                out(a, REGISTER, 0, joined(list(0, 3, SPEC_I_PT), number(id.length), id)).good());
        assertEquals(List.of(3L, 3L, 3L), keys());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "45 00 00",
                "45 00 00 04 61 00 00 00",
                "46 00 00 14 61 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
                "45 00 00 14 61 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
                "45 00 00 14 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61",
                "45 00 ff fc 61 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
            })
    void refusesMalformedTransportIds(String id) {
        byte[] bytes = ServedUnit.hex(id);
        byte[] all = joined(list(0, 3, SPEC_I_PT), number(bytes.length), bytes);
        if (bytes.length > 0) {
            assertEquals("5/26/00", out(a, REGISTER, 0, all).code());
        }
        assertFalse(TransportId.parse(Unpooled.wrappedBuffer(bytes)).isPresent());
        assertEquals(
                "5/1a/00",
                out(a, REGISTER, 0, joined(list(0, 3, SPEC_I_PT), number(4), bytes)).code());
        if (bytes.length > 0) {
            assertEquals(List.of(), keys());
        }
    }

    @Test
    void checksTheLengthAndTheFlags() {
        assertEquals("5/1a/00", out(a, REGISTER, 0, new byte[23]).code());
        assertEquals("5/1a/00", out(a, REGISTER, 0, new byte[25]).code());
        assertEquals("5/26/00", out(a, REGISTER, 0, list(0, 1, 0x80)).code());
        register(a, 1);
        for (int action : new int[] {RESERVE, RELEASE, CLEAR, PREEMPT, REGISTER_AND_IGNORE}) {
            assertEquals("5/26/00", out(a, action, 1, list(1, 1, SPEC_I_PT)).code());
        }
        assertEquals("5/24/00", unit.run(a, "5f 09 00 00 00 00 00 00 18 00", new byte[24]).code());
        assertEquals("5/24/00", unit.run(a, "5e 04 00 00 00 00 00 ff ff 00").code());
    }

    @Test
    void registrationsAreBounded() {
        for (int i = 0; i < ReservationRules.MAX_REGISTRATIONS; i += 64) {
            ByteArrayOutputStream ids = new ByteArrayOutputStream();
            for (int j = i + 1; j < i + 64; j++) {
                ids.writeBytes(TransportId.ofPort(port("n" + j)));
            }
            Nexus from = unit.attach(port("n" + i));
            byte[] all = joined(list(0, 1, SPEC_I_PT), number(ids.size()), ids.toByteArray());
            assertTrue(out(from, REGISTER, 0, all).good());
        }
        assertEquals("5/55/04", out(a, REGISTER, 0, 0, 1).code());
    }

    // ---- reserving

    @Test
    void oneHoldsAndOthersAreKeptOut() {
        register(a, 1);
        register(b, 2);
        reserve(a, WRITE_EXCLUSIVE, 1);
        reserve(a, WRITE_EXCLUSIVE, 1);
        assertEquals("1 of 1", reservation());
        assertEquals(CONFLICT, out(a, RESERVE, EXCLUSIVE_ACCESS, 1, 0).status());
        assertEquals(CONFLICT, out(b, RESERVE, WRITE_EXCLUSIVE, 2, 0).status());
        assertEquals(CONFLICT, unit.run(b, WRITE, new byte[512]).status());
        assertTrue(unit.run(b, READ).good());
        assertTrue(unit.run(a, WRITE, new byte[512]).good());
        assertTrue(out(b, RELEASE, WRITE_EXCLUSIVE, 2, 0).good(), "nothing to release");
        assertEquals("5/26/04", out(a, RELEASE, EXCLUSIVE_ACCESS, 1, 0).code());
        assertTrue(out(a, RELEASE, WRITE_EXCLUSIVE, 1, 0).good());
        assertEquals("", reservation());
        assertTrue(unit.run(b, WRITE, new byte[512]).good());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2, 4, 9, 15, 0x11, 0x21})
    void refusesTypesAndScopesThatAreNotDefined(int type) {
        register(a, 1);
        assertEquals("5/24/00", out(a, RESERVE, type, 1, 0).code());
    }

    @Test
    void releasingTellsThoseWhoHadPart() {
        register(a, 1);
        register(b, 2);
        reserve(a, WRITE_EXCLUSIVE_REGISTRANTS_ONLY, 1);
        assertTrue(out(a, RELEASE, WRITE_EXCLUSIVE_REGISTRANTS_ONLY, 1, 0).good());
        assertEquals("6/2a/04", attention(b));
        assertTrue(unit.run(a, TEST_UNIT_READY).good());
        assertTrue(unit.run(c, TEST_UNIT_READY).good());
        reserve(a, WRITE_EXCLUSIVE, 1);
        assertTrue(out(a, RELEASE, WRITE_EXCLUSIVE, 1, 0).good());
        assertTrue(unit.run(b, TEST_UNIT_READY).good());
    }

    @Test
    void unregisteringReleases() {
        register(a, 1);
        register(b, 2);
        reserve(a, WRITE_EXCLUSIVE_REGISTRANTS_ONLY, 1);
        assertTrue(out(a, REGISTER, 0, 1, 0).good());
        assertEquals("", reservation());
        assertEquals("6/2a/04", attention(b));
    }

    @Test
    void whatAllHoldStaysUntilTheLastHasGone() {
        register(a, 1);
        register(b, 2);
        reserve(a, EXCLUSIVE_ACCESS_ALL_REGISTRANTS, 1);
        reserve(b, EXCLUSIVE_ACCESS_ALL_REGISTRANTS, 2);
        assertEquals("8 of 0", reservation());
        assertTrue(out(a, REGISTER, 0, 1, 0).good());
        assertEquals("8 of 0", reservation());
        assertEquals(CONFLICT, unit.run(a, READ).status());
        assertTrue(unit.run(b, READ).good());
        assertTrue(out(b, REGISTER, 0, 2, 0).good());
        assertEquals("", reservation());
    }

    @Test
    void clearingEndsAll() {
        register(a, 1);
        register(b, 2);
        reserve(b, WRITE_EXCLUSIVE, 2);
        assertTrue(out(a, CLEAR, 0, 1, 0).good());
        assertEquals(List.of(), keys());
        assertEquals("", reservation());
        assertEquals("6/2a/03", attention(b));
        assertTrue(unit.run(c, TEST_UNIT_READY).good());
    }

    // ---- preempting

    @Test
    void preemptingTakesOver() {
        register(a, 1);
        register(b, 2);
        register(c, 3);
        reserve(b, WRITE_EXCLUSIVE, 2);
        int before = generation();
        assertTrue(out(a, PREEMPT, EXCLUSIVE_ACCESS, 1, 2).good());
        assertEquals("3 of 1", reservation());
        assertEquals(List.of(1L, 3L), keys());
        assertEquals(before + 1, generation());
        assertEquals("6/2a/05", attention(b));
        assertEquals("6/2a/04", attention(c));
        assertEquals(CONFLICT, unit.run(b, READ).status());
    }

    @Test
    void preemptingWhoHoldsNothingOnlyUnregisters() {
        register(a, 1);
        register(b, 2);
        register(c, 2);
        reserve(a, WRITE_EXCLUSIVE, 1);
        assertTrue(out(a, PREEMPT, EXCLUSIVE_ACCESS, 1, 2).good());
        assertEquals("1 of 1", reservation());
        assertEquals(List.of(1L), keys());
        assertEquals("6/2a/05", attention(b));
        assertEquals("6/2a/05", attention(c));
        assertEquals(CONFLICT, out(a, PREEMPT, EXCLUSIVE_ACCESS, 1, 2).status());
        assertEquals("5/26/00", out(a, PREEMPT, EXCLUSIVE_ACCESS, 1, 0).code());
    }

    @Test
    void preemptingWithKeyZeroTakesWhatAllHold() {
        register(a, 1);
        register(b, 2);
        reserve(b, EXCLUSIVE_ACCESS_ALL_REGISTRANTS, 2);
        assertEquals("5/24/00", out(a, PREEMPT, 2, 1, 0).code());
        assertTrue(out(a, PREEMPT, WRITE_EXCLUSIVE, 1, 0).good());
        assertEquals("1 of 1", reservation());
        assertEquals(List.of(1L), keys());
        assertEquals("6/2a/05", attention(b));
    }

    @Test
    void preemptingCanAbortTheTasksOfThoseItRemoves() {
        Set<String> aborted = new TreeSet<>();
        unit.server()
                .abortsTasksBy((units, nexuses, _, whenEnded) -> {
                    assertTrue(units.test(ServedUnit.LUN_FIELD));
                    assertFalse(units.test(ServedUnit.LUN_FIELD + (1L << 48)));
                    for (Nexus each : List.of(a, b, c)) {
                        if (nexuses.test(each)) {
                            aborted.add(each.name().initiatorPort());
                        }
                    }
                    whenEnded.run();
                });
        register(a, 1);
        register(b, 2);
        register(c, 1);
        assertTrue(out(a, PREEMPT, WRITE_EXCLUSIVE, 1, 1).good());
        assertEquals(Set.of(), aborted);
        assertTrue(out(a, PREEMPT_AND_ABORT, WRITE_EXCLUSIVE, 1, 2).good());
        assertEquals(Set.of(port("b")), aborted);
    }

    // ---- moving

    private byte[] moving(long key, long newKey, int flags, int relativePort, byte[] id) {
        ByteBuffer list = ByteBuffer.allocate(24).putLong(key).putLong(newKey).put((byte) 0);
        list.put((byte) flags).putShort((short) relativePort).putInt(id.length);
        return joined(list.array(), id);
    }

    @Test
    void movesTheReservation() {
        byte[] b1 = TransportId.ofPort(port("b"));
        register(a, 1);
        assertEquals(CONFLICT, out(a, REGISTER_AND_MOVE, 0, moving(1, 9, 0, 1, b1)).status());
        reserve(a, WRITE_EXCLUSIVE, 1);
        assertEquals("5/26/00", out(a, REGISTER_AND_MOVE, 0, moving(1, 0, 0, 1, b1)).code());
        assertEquals("5/26/00", out(a, REGISTER_AND_MOVE, 0, moving(1, 9, 0, 2, b1)).code());
        assertEquals("5/26/00", out(a, REGISTER_AND_MOVE, 0, moving(1, 9, 4, 1, b1)).code());
        byte[] self = TransportId.ofPort(port("a"));
        assertEquals("5/26/00", out(a, REGISTER_AND_MOVE, 0, moving(1, 9, 0, 1, self)).code());
        assertTrue(out(a, REGISTER_AND_MOVE, 0, moving(1, 9, 2, 1, b1)).good());
        assertEquals("1 of 9", reservation());
        assertEquals(List.of(9L), keys());
        assertTrue(unit.run(b, WRITE, new byte[512]).good());
        assertEquals(CONFLICT, unit.run(a, WRITE, new byte[512]).status());
    }

    // ---- reports

    @Test
    void reportsCapabilities() {
        assertArrayEquals(ServedUnit.hex("00 08 9d 80 ea 01 00 00"), in(2).data());
        assertTrue(out(a, REGISTER, 0, list(0, 1, APTPL)).good());
        assertArrayEquals(ServedUnit.hex("00 08 9d 81 ea 01 00 00"), in(2).data());
    }

    @Test
    void reportsFullStatus() {
        register(a, 1);
        register(b, 2);
        reserve(b, WRITE_EXCLUSIVE_REGISTRANTS_ONLY, 2);
        ByteBuffer data = ByteBuffer.wrap(in(3).data());
        assertEquals(data.capacity() - 8, data.getInt(4));
        byte[] id = TransportId.ofPort(port("a"));
        assertEquals(0, id.length % 4);
        assertEquals(1, data.getLong(8));
        assertEquals(0, data.getShort(20));
        assertEquals(1, data.getShort(26));
        assertEquals(id.length, data.getInt(28));
        byte[] reported = new byte[id.length];
        data.get(32, reported);
        assertArrayEquals(id, reported);
        int second = 32 + id.length;
        assertEquals(2, data.getLong(second));
        assertEquals(0x0105, data.getShort(second + 12));
    }

    @Test
    void namesSurviveTheWire() {
        TransportId parsed =
                TransportId.parse(Unpooled.wrappedBuffer(TransportId.ofPort(port("a"))))
                        .orElseThrow();
        assertEquals(port("a"), parsed.name());
        assertTrue(parsed.names(port("a")));
        assertFalse(parsed.names(port("b")));
    }

    // ---- RESERVE and RELEASE beside it

    @Test
    void reserveYieldsToRegistrations() {
        register(a, 1);
        assertEquals(CONFLICT, unit.run(b, "16 00 00 00 00 00").status());
        assertEquals(CONFLICT, unit.run(a, "16 00 00 00 00 00").status());
        reserve(a, WRITE_EXCLUSIVE, 1);
        assertTrue(unit.run(a, "16 00 00 00 00 00").good());
        assertTrue(unit.run(a, "17 00 00 00 00 00").good());
        assertEquals("1 of 1", reservation());
        assertEquals(CONFLICT, unit.run(b, "17 00 00 00 00 00").status());
    }

    @Test
    void registrationsYieldToReserve() {
        assertTrue(unit.run(a, "16 00 00 00 00 00").good());
        assertEquals(CONFLICT, out(a, REGISTER, 0, 0, 1).status());
        assertEquals(CONFLICT, out(b, REGISTER, 0, 0, 1).status());
        assertEquals(CONFLICT, unit.run(b, "5e 00 00 00 00 00 00 ff ff 00").status());
    }

    // ---- resets and restarts

    @Test
    void aResetChangesNothing() {
        register(a, 1);
        reserve(a, WRITE_EXCLUSIVE, 1);
        unit.server().resetUnit(ServedUnit.LUN_FIELD);
        assertEquals("6/29/03", attention(a));
        assertEquals("1 of 1", reservation());
        unit.server().detach(a);
        a = unit.attach(port("a"));
        assertTrue(unit.run(a, WRITE, new byte[512]).good());
    }

    @Test
    void whatIsToPersistIsThereAfterARestart() throws IOException {
        assertTrue(out(a, REGISTER, 0, list(0, 1, APTPL)).good());
        assertTrue(out(b, REGISTER, 0, list(0, 0x8000_0000_0000_0002L, APTPL)).good());
        reserve(b, WRITE_EXCLUSIVE, 0x8000_0000_0000_0002L);
        serveAgain();
        assertEquals(List.of(1L, 0x8000_0000_0000_0002L), keys());
        assertEquals("1 of " + 0x8000_0000_0000_0002L, reservation());
        assertEquals(0, generation());
        assertEquals(CONFLICT, unit.run(a, WRITE, new byte[512]).status());
        assertTrue(unit.run(b, WRITE, new byte[512]).good());
        assertTrue(out(b, RELEASE, WRITE_EXCLUSIVE, 0x8000_0000_0000_0002L, 0).good());
        serveAgain();
        assertEquals("", reservation());
        assertEquals(2, keys().size());
        assertTrue(out(a, CLEAR, 0, 1, 0).good());
        serveAgain();
        assertEquals(List.of(), keys());
        assertEquals(0x81, in(2).data()[3] & 0xff, "PTPL_A");
    }

    /// As a restart does, without one.
    @Test
    void aPowerOnEndsWhatIsNotToPersist() throws IOException {
        assertTrue(out(a, REGISTER, 0, list(0, 1, APTPL)).good());
        assertTrue(out(b, REGISTER, 0, list(0, 2, APTPL)).good());
        reserve(a, WRITE_EXCLUSIVE, 1);
        unit.server().powerOn();
        assertEquals(List.of(1L, 2L), keys());
        assertEquals("1 of 1", reservation());
        assertEquals(0, generation());
        assertEquals(CONFLICT, unit.run(b, WRITE, new byte[512]).status());
        register(c, 3);
        unit.server().powerOn();
        assertEquals(List.of(), keys());
        assertEquals("", reservation());
        assertTrue(unit.run(b, WRITE, new byte[512]).good());
        serveAgain();
        assertEquals(List.of(), keys());
    }

    @Test
    void theLatestRegistrationSaysWhetherItPersists() throws IOException {
        assertTrue(out(a, REGISTER, 0, list(0, 1, APTPL)).good());
        register(b, 2);
        assertFalse(Files.exists(unit.backend().placeBeside()));
        serveAgain();
        assertEquals(List.of(), keys());
    }

    @Test
    void whatIsOfAnotherUnitIsNotTakenUp() throws IOException {
        assertTrue(out(a, REGISTER, 0, list(0, 1, APTPL)).good());
        SortedMap<String, String> kept = unit.backend().keptBeside("reservations");
        kept.put("unit", "another");
        unit.backend().keepBeside("reservations", kept);
        serveAgain();
        assertEquals(List.of(), keys());
    }

    @Test
    void whatCannotBeKeptIsRefused() throws IOException {
        Files.createDirectory(Path.of(unit.backend().placeBeside() + ".new"));
        assertEquals("4/44/00", out(a, REGISTER, 0, list(0, 1, APTPL)).code());
        assertEquals(List.of(), keys());
    }
}
