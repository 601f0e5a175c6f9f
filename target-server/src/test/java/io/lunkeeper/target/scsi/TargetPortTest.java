package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.Allocation;
import io.lunkeeper.lun.CacheMode;
import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.lun.LunSpec;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A target of two portal groups: two target ports, and for each initiator port two nexuses (RFC
/// 7143 4.4.2 SCSI Architecture Model).
class TargetPortTest {
    private static final String TARGET = "iqn.2026-11.io.lunkeeper:test";
    private static final int ONE = 1;
    private static final int OTHER = 0xff02;

    private static final int REGISTER = 0;
    private static final int RESERVE = 1;
    private static final int RELEASE = 2;
    private static final int PREEMPT = 4;
    private static final int PREEMPT_AND_ABORT = 5;
    private static final int REGISTER_AND_IGNORE = 6;
    private static final int REGISTER_AND_MOVE = 7;

    private static final int WRITE_EXCLUSIVE = 1;
    private static final int WRITE_EXCLUSIVE_REGISTRANTS_ONLY = 5;
    private static final int WRITE_EXCLUSIVE_ALL_REGISTRANTS = 7;

    private static final int APTPL = 0x01;
    private static final int ALL_TG_PT = 0x04;
    private static final int SPEC_I_PT = 0x08;
    private static final int CONFLICT = 0x18;
    private static final String WRITE = "2a 00 00 00 00 00 00 00 01 00";
    private static final String TEST_UNIT_READY = "00 00 00 00 00 00";

    @TempDir Path directory;
    @AutoClose private LunBackend backend;
    private DeviceServer server;
    private Nexus a1;
    private Nexus a2;
    private Nexus b1;
    private Nexus b2;

    @BeforeEach
    void serve() throws IOException {
        serve(List.of(OTHER, ONE));
        a1 = attach("a", ONE);
        a2 = attach("a", OTHER);
        b1 = attach("b", ONE);
        b2 = attach("b", OTHER);
    }

    private void serve(List<Integer> ports) throws IOException {
        backend =
                LunBackend.open(
                        new LunSpec(
                                directory.resolve("image"),
                                OptionalLong.of(1 << 20),
                                Allocation.SPARSE,
                                CacheMode.WRITE_BACK,
                                512,
                                false));
        server = new DeviceServer(new TargetDevice(TARGET, ports), AccessState.ACTIVE_OPTIMIZED);
        server.add(new DeviceServer.LogicalUnitSpec(0, backend, 512, 4096, Optional.empty()));
    }

    private void serveAgain(List<Integer> ports) throws IOException {
        backend.close();
        serve(ports);
    }

    private static String port(String name) {
        return Nexus.portName("iqn.2026-11.io.lunkeeper:" + name, 0x80_0000_0001L);
    }

    private Nexus attach(String name, int targetPort) {
        Nexus nexus = server.attach(port(name), targetPort);
        assertEquals("6/29/00", run(nexus, TEST_UNIT_READY).code());
        return nexus;
    }

    private ServedUnit.Reply run(Nexus from, String cdb, byte... dataOut) {
        return ServedUnit.drive(
                server, 0, server.execute(from, 0, ServedUnit.cdb(cdb)), dataOut.clone());
    }

    private int write(Nexus from) {
        return run(from, WRITE, new byte[512]).status();
    }

    private static byte[] list(long key, long newKey, int flags, String... initiatorPorts) {
        ByteArrayOutputStream ids = new ByteArrayOutputStream();
        for (String each : initiatorPorts) {
            ids.writeBytes(TransportId.ofPort(each));
        }
        boolean named = (flags & SPEC_I_PT) != 0;
        ByteBuffer list = ByteBuffer.allocate(24 + (named ? 4 + ids.size() : 0));
        list.putLong(key).putLong(newKey).putInt(0).put((byte) flags).position(24);
        if (named) {
            list.putInt(ids.size()).put(ids.toByteArray());
        }
        return list.array();
    }

    private static byte[] moving(long key, long newKey, int flags, int targetPort, String to) {
        byte[] id = TransportId.ofPort(to);
        return ByteBuffer.allocate(24 + id.length)
                .putLong(key)
                .putLong(newKey)
                .put((byte) 0)
                .put((byte) flags)
                .putShort((short) targetPort)
                .putInt(id.length)
                .put(id)
                .array();
    }

    private ServedUnit.Reply out(Nexus from, int action, int type, byte[] parameters) {
        return run(
                from,
                "5f %02x %02x 00 00 00 00 %04x 00".formatted(action, type, parameters.length),
                parameters);
    }

    private ServedUnit.Reply out(Nexus from, int action, int type, long key, long newKey) {
        return out(from, action, type, list(key, newKey, 0));
    }

    private void register(Nexus from, long key) {
        assertTrue(out(from, REGISTER, 0, 0, key).good());
    }

    /// READ FULL STATUS: each registration as `key initiator,t,port`, the holder's with an
    /// asterisk.
    private Set<String> registrations() {
        ByteBuffer data = ByteBuffer.wrap(run(a1, "5e 03 00 00 00 00 00 ff ff 00").data());
        assertEquals(data.capacity() - 8, data.getInt(4));
        data.position(8);
        Set<String> all = new TreeSet<>();
        while (data.hasRemaining()) {
            int start = data.position();
            byte[] id = new byte[data.getInt(start + 20)];
            data.get(start + 24, id);
            data.position(start + 24 + id.length);
            String name = new String(id, 4, id.length - 4, StandardCharsets.UTF_8);
            String node = name.substring(name.indexOf(':') + 1, name.indexOf(",i,"));
            int flags = data.get(start + 12);
            assertEquals(0, flags & ~1, "ALL_TG_PT");
            all.add(
                    "%d %s%x%s"
                            .formatted(
                                    data.getLong(start),
                                    node,
                                    data.getShort(start + 18) & 0xffff,
                                    flags == 1 ? "*" : ""));
        }
        return all;
    }

    private String attention(Nexus of) {
        return run(of, TEST_UNIT_READY).code();
    }

    // ---- what is reported

    private static String name(int port) {
        String name = "%s,t,0x%04x".formatted(TARGET, port);
        byte[] padded = new byte[(name.length() / 4 + 1) * 4];
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(bytes, 0, padded, 0, bytes.length);
        return "539800%02x".formatted(padded.length) + HexFormat.of().formatHex(padded);
    }

    @Test
    void identificationNamesThePortThatIsAsked() {
        String one = HexFormat.of().formatHex(run(a1, "12 01 83 ff ff 00").data());
        String other = HexFormat.of().formatHex(run(a2, "12 01 83 ff ff 00").data());
        String group = "51950004" + "00000001";
        assertTrue(one.contains("51940004" + "00000001" + group + name(ONE)), one);
        assertTrue(other.contains("51940004" + "0000ff02" + group + name(OTHER)), other);
        assertEquals(-1, one.indexOf(name(OTHER)));
        assertEquals(
                one.substring(0, one.indexOf("51940004")),
                other.substring(0, other.indexOf("51940004")),
                "the names of the unit");
    }

    @Test
    void scsiPortsAreAllThereAreWhicheverIsAsked() {
        String all = "";
        for (int port : new int[] {ONE, OTHER}) {
            String designator = name(port);
            all +=
                    "0000%04x".formatted(port)
                            + "000000000000"
                            + "%04x".formatted(designator.length() / 2)
                            + designator;
        }
        String page = "0088%04x".formatted(all.length() / 2) + all;
        for (Nexus each : List.of(a1, a2)) {
            assertEquals(page, HexFormat.of().formatHex(run(each, "12 01 88 ff ff 00").data()));
        }
    }

    @Test
    void theGroupHasAllPorts() {
        String group = "000f0001" + "00000002" + "00000001" + "0000ff02";
        for (Nexus each : List.of(a1, a2)) {
            assertArrayEquals(
                    ServedUnit.hex("00000010" + group),
                    run(each, "a3 0a 00 00 00 00 00 00 00 40 00 00").data());
            assertArrayEquals(
                    ServedUnit.hex("00000014" + "10000000" + group),
                    run(each, "a3 2a 00 00 00 00 00 00 00 40 00 00").data());
        }
    }

    @Test
    void asManyPortsAsCanBeCountedAreReported() throws IOException {
        serveAgain(IntStream.rangeClosed(1, TargetDevice.MAX_PORTS).boxed().toList());
        Nexus last = attach("a", TargetDevice.MAX_PORTS);
        byte[] groups = run(last, "a3 0a 00 00 00 00 00 00 ff ff 00 00").data();
        assertEquals(12 + 4 * TargetDevice.MAX_PORTS, groups.length);
        assertEquals((byte) 255, groups[11]);
        ByteBuffer ports = ByteBuffer.wrap(run(last, "12 01 88 ff ff 00").data());
        assertEquals(ports.capacity() - 4, ports.getShort(2) & 0xffff);
    }

    // ---- registrations

    @Test
    void aRegistrationIsOfOneNexus() {
        register(a1, 1);
        assertEquals(Set.of("1 a1"), registrations());
        assertEquals(CONFLICT, out(a2, RESERVE, WRITE_EXCLUSIVE, 1, 0).status());
        assertEquals(CONFLICT, out(a2, REGISTER, 0, 1, 3).status());
        register(a2, 2);
        assertEquals(Set.of("1 a1", "2 aff02"), registrations());
        assertTrue(out(a2, REGISTER, 0, 2, 0).good());
        assertEquals(Set.of("1 a1"), registrations());
    }

    @Test
    void aReservationIsOfOneNexus() {
        register(a1, 1);
        register(a2, 1);
        assertTrue(out(a1, RESERVE, WRITE_EXCLUSIVE, 1, 0).good());
        assertEquals(Set.of("1 a1*", "1 aff02"), registrations());
        assertEquals(0, write(a1));
        assertEquals(CONFLICT, write(a2));
        assertEquals(CONFLICT, out(a2, RESERVE, WRITE_EXCLUSIVE, 1, 0).status());
        assertTrue(out(a2, RELEASE, WRITE_EXCLUSIVE, 1, 0).good(), "nothing of it to release");
        assertEquals(CONFLICT, write(a2));
        assertTrue(out(a1, RELEASE, WRITE_EXCLUSIVE, 1, 0).good());
        assertEquals(0, write(a2));
    }

    @Test
    void registrantsGetInOnlyWhereTheyAreRegistered() {
        register(a1, 1);
        register(b2, 2);
        assertTrue(out(a1, RESERVE, WRITE_EXCLUSIVE_REGISTRANTS_ONLY, 1, 0).good());
        assertEquals(0, write(b2));
        assertEquals(CONFLICT, write(b1));
        assertEquals(CONFLICT, write(a2));
        assertTrue(out(a1, RELEASE, WRITE_EXCLUSIVE_REGISTRANTS_ONLY, 1, 0).good());
        assertEquals("6/2a/04", attention(b2));
        assertTrue(run(b1, TEST_UNIT_READY).good());
        assertTrue(run(a2, TEST_UNIT_READY).good());
    }

    @Test
    void reserveIsOfOneNexusToo() {
        assertTrue(run(a1, "16 00 00 00 00 00").good());
        assertEquals(CONFLICT, write(a2));
        assertTrue(run(a2, "17 00 00 00 00 00").good());
        assertEquals(CONFLICT, write(a2));
    }

    // ---- preempting

    @Test
    void preemptingRemovesTheOtherNexusOfTheSameInitiator() {
        register(a1, 1);
        register(a2, 1);
        register(b1, 2);
        register(b2, 2);
        assertTrue(out(a1, RESERVE, WRITE_EXCLUSIVE, 1, 0).good());
        assertTrue(out(b2, PREEMPT, WRITE_EXCLUSIVE, 2, 1).good());
        assertEquals("6/2a/05", attention(a1));
        assertEquals("6/2a/05", attention(a2));
        assertEquals(Set.of("2 b1", "2 bff02*"), registrations());
        assertTrue(run(b1, TEST_UNIT_READY).good());
        assertEquals(CONFLICT, write(b1));
        assertTrue(out(b1, PREEMPT, WRITE_EXCLUSIVE, 2, 2).good());
        assertEquals(Set.of("2 b1*"), registrations());
        assertEquals("6/2a/05", attention(b2));
    }

    @Test
    void onlyTheTasksOfThePreemptedNexusAreAborted() {
        List<NexusName> aborted = new ArrayList<>();
        server.abortsTasksBy((_, nexuses, _, whenEnded) -> {
            for (Nexus each : List.of(a1, a2, b1, b2)) {
                if (nexuses.test(each)) {
                    aborted.add(each.name());
                }
            }
            whenEnded.run();
        });
        register(a1, 1);
        register(b1, 2);
        register(b2, 3);
        assertTrue(out(a1, PREEMPT_AND_ABORT, WRITE_EXCLUSIVE, 1, 3).good());
        assertEquals(List.of(b2.name()), aborted);
    }

    // ---- ALL_TG_PT and SPEC_I_PT

    @Test
    void registersThroughAllPortsAtOnce() {
        assertTrue(out(a2, REGISTER, 0, list(0, 5, ALL_TG_PT)).good());
        assertEquals(Set.of("5 a1", "5 aff02"), registrations());
        assertEquals(CONFLICT, out(a1, REGISTER, 0, list(0, 6, ALL_TG_PT)).status());
        assertTrue(out(a1, REGISTER, 0, list(5, 6, ALL_TG_PT)).good());
        assertEquals(Set.of("6 a1", "6 aff02"), registrations());
        assertTrue(out(a1, REGISTER_AND_IGNORE, 0, list(0, 7, 0)).good());
        assertEquals(Set.of("7 a1", "6 aff02"), registrations());
        assertEquals(CONFLICT, out(a1, REGISTER, 0, list(7, 8, ALL_TG_PT)).status());
        assertEquals(Set.of("7 a1", "6 aff02"), registrations(), "nothing is changed");
        assertTrue(out(a1, REGISTER_AND_IGNORE, 0, list(0, 9, ALL_TG_PT)).good());
        assertEquals(Set.of("9 a1", "9 aff02"), registrations());
    }

    @Test
    void aPortWithoutARegistrationIsNoConflict() {
        register(a1, 1);
        assertTrue(out(a1, REGISTER, 0, list(1, 2, ALL_TG_PT)).good());
        assertEquals(Set.of("2 a1", "2 aff02"), registrations());
        assertTrue(out(a2, REGISTER, 0, 2, 0).good());
        assertTrue(out(a1, REGISTER, 0, list(2, 0, ALL_TG_PT)).good());
        assertEquals(Set.of(), registrations());
        register(a1, 1);
        assertEquals(CONFLICT, out(a2, REGISTER, 0, list(0, 2, ALL_TG_PT)).status());
        assertEquals(CONFLICT, out(a2, REGISTER, 0, list(1, 2, ALL_TG_PT)).status());
    }

    @Test
    void unregisteringThroughAllPortsReleasesWhatOneHeld() {
        register(b1, 2);
        assertTrue(out(a1, REGISTER, 0, list(0, 1, ALL_TG_PT)).good());
        assertTrue(out(a1, RESERVE, WRITE_EXCLUSIVE_REGISTRANTS_ONLY, 1, 0).good());
        assertTrue(out(a2, REGISTER, 0, list(1, 0, ALL_TG_PT)).good());
        assertEquals(Set.of("2 b1"), registrations());
        assertEquals("6/2a/04", attention(b1));
        assertTrue(run(a1, TEST_UNIT_READY).good());
        assertEquals(0, write(b2));
    }

    @Test
    void whatAllHoldEndsWithTheLastNexus() {
        assertTrue(out(a1, REGISTER, 0, list(0, 1, ALL_TG_PT)).good());
        assertTrue(out(a1, RESERVE, WRITE_EXCLUSIVE_ALL_REGISTRANTS, 1, 0).good());
        assertEquals(Set.of("1 a1*", "1 aff02*"), registrations());
        assertTrue(out(a1, REGISTER, 0, 1, 0).good());
        assertEquals(CONFLICT, write(a1));
        assertEquals(0, write(a2));
        assertTrue(out(a2, REGISTER, 0, 1, 0).good());
        assertEquals(0, write(a1));
    }

    @Test
    void othersAreRegisteredThroughThePortThatIsAskedOrThroughAll() {
        assertTrue(out(a2, REGISTER, 0, list(0, 3, SPEC_I_PT, port("b"))).good());
        assertEquals(Set.of("3 aff02", "3 bff02"), registrations());
        assertTrue(out(a2, REGISTER, 0, 3, 0).good());
        assertTrue(out(b2, REGISTER, 0, 3, 0).good());
        assertTrue(out(a1, REGISTER, 0, list(0, 4, SPEC_I_PT | ALL_TG_PT, port("b"))).good());
        assertEquals(Set.of("4 a1", "4 aff02", "4 b1", "4 bff02"), registrations());
    }

    @Test
    void moreNexusesThanCanBeRegisteredAreRefused() {
        String[] others =
                IntStream.rangeClosed(0, ReservationRules.MAX_REGISTRATIONS / 2)
                        .mapToObj(number -> port("n" + number))
                        .toArray(String[]::new);
        byte[] all = list(0, 3, SPEC_I_PT | ALL_TG_PT, others);
        assertEquals("5/55/04", out(a1, REGISTER, 0, all).code());
        assertEquals(Set.of(), registrations());
    }

    /// Its port is known from two nexuses, and is registered once.
    @Test
    void aDeviceNameStandsForEachOfItsPortsOnce() {
        byte[] name = "iqn.2026-11.io.lunkeeper:b\0\0".getBytes(StandardCharsets.UTF_8);
        ByteBuffer all = ByteBuffer.allocate(32 + name.length);
        all.put(list(0, 3, SPEC_I_PT), 0, 24).putInt(4 + name.length);
        all.putInt(0x0500_0000 | name.length).put(name);
        assertTrue(out(a1, REGISTER, 0, all.array()).good());
        assertEquals(Set.of("3 a1", "3 b1"), registrations());
    }

    // ---- moving

    @ParameterizedTest
    @ValueSource(ints = {0, 2, 3, 0xffff})
    void nothingMovesToAPortThatIsNotThere(int targetPort) {
        register(a1, 1);
        assertTrue(out(a1, RESERVE, WRITE_EXCLUSIVE, 1, 0).good());
        ServedUnit.Reply refused =
                out(a1, REGISTER_AND_MOVE, 0, moving(1, 9, 0, targetPort, port("b")));
        assertEquals("5/26/00", refused.code());
        assertEquals("800012", refused.pointer());
        assertEquals(Set.of("1 a1*"), registrations());
    }

    @Test
    void aReservationMovesToTheNexusThatIsNamed() {
        register(a1, 1);
        assertTrue(out(a1, RESERVE, WRITE_EXCLUSIVE, 1, 0).good());
        byte[] toItself = moving(1, 9, 0, ONE, port("a"));
        assertEquals("5/26/00", out(a1, REGISTER_AND_MOVE, 0, toItself).code());
        byte[] toItsOtherPath = moving(1, 9, 0, OTHER, port("a"));
        assertTrue(out(a1, REGISTER_AND_MOVE, 0, toItsOtherPath).good());
        assertEquals(Set.of("1 a1", "9 aff02*"), registrations());
        assertEquals(CONFLICT, write(a1));
        byte[] away = moving(9, 4, 2, ONE, port("b"));
        assertTrue(out(a2, REGISTER_AND_MOVE, 0, away).good());
        assertEquals(Set.of("1 a1", "4 b1*"), registrations());
        assertEquals(0, write(b1));
        assertEquals(CONFLICT, write(b2));
    }

    // ---- what is kept

    @Test
    void theTargetPortIsKept() throws IOException {
        assertTrue(out(a1, REGISTER, 0, list(0, 1, APTPL)).good());
        assertTrue(out(a2, REGISTER, 0, list(0, 2, APTPL)).good());
        assertTrue(out(a2, RESERVE, WRITE_EXCLUSIVE, 2, 0).good());
        serveAgain(List.of(ONE, OTHER));
        a1 = attach("a", ONE);
        assertEquals(Set.of("1 a1", "2 aff02*"), registrations());
        assertEquals(CONFLICT, write(a1));
        assertEquals(0, write(attach("a", OTHER)));
    }

    /// What a version wrote that knew one target port.
    @Test
    void withoutATargetPortItIsTheFirst() throws IOException {
        assertTrue(out(a1, REGISTER, 0, list(0, 1, APTPL)).good());
        assertTrue(out(a1, RESERVE, WRITE_EXCLUSIVE, 1, 0).good());
        SortedMap<String, String> kept = backend.keptBeside("reservations");
        Set<String> added =
                kept.keySet().stream()
                        .filter(key -> key.contains("target-port"))
                        .collect(Collectors.toSet());
        assertEquals(Set.of("target-port.1", "holder-target-port"), added);
        kept.keySet().removeAll(added);
        backend.keepBeside("reservations", kept);
        serveAgain(List.of(ONE, OTHER));
        a1 = attach("a", ONE);
        assertEquals(Set.of("1 a1*"), registrations());
        assertEquals(0, write(a1));
        assertEquals(CONFLICT, write(attach("a", OTHER)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "65536", "-1", "one", "", "99999999999"})
    void aTargetPortThatMakesNoSenseIsALoss(String targetPort) throws IOException {
        assertTrue(out(a1, REGISTER, 0, list(0, 1, APTPL)).good());
        SortedMap<String, String> kept = backend.keptBeside("reservations");
        assertNotEquals(null, kept.put("target-port.1", targetPort));
        backend.keepBeside("reservations", kept);
        serveAgain(List.of(ONE));
        assertTrue(server.reservationsLost(0));
    }

    @Test
    void whoIsRegisteredThroughAPortThatHasGoneStillKeepsOthersOut() throws IOException {
        assertTrue(out(a2, REGISTER, 0, list(0, 2, APTPL)).good());
        assertTrue(out(a2, RESERVE, WRITE_EXCLUSIVE, 2, 0).good());
        serveAgain(List.of(ONE));
        a1 = attach("a", ONE);
        assertEquals(Set.of("2 aff02*"), registrations());
        assertEquals(CONFLICT, write(a1));
        assertEquals("5/26/00", movedTo(OTHER));
        register(a1, 1);
        assertTrue(out(a1, PREEMPT, WRITE_EXCLUSIVE, 1, 2).good());
        assertEquals(Set.of("1 a1*"), registrations());
        assertEquals(0, write(a1));
    }

    private String movedTo(int targetPort) {
        byte[] list = moving(1, 9, 0, targetPort, port("b"));
        return out(a1, REGISTER_AND_MOVE, 0, list).code();
    }
}
