package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class TargetPortGroupTest {
    private static final String TEST_UNIT_READY = "00 00 00 00 00 00";
    private static final String SET = "a4 0a 00 00 00 00 00 00 00 08 00 00";
    private static final String REPORT = "a3 0a 00 00 00 00 00 00 00 40 00 00";

    @TempDir Path directory;
    @AutoClose private ServedUnit unit;

    @BeforeEach
    void serve() throws IOException {
        unit = ServedUnit.open(directory, 1 << 20);
    }

    private ServedUnit.Reply set(AccessState state) {
        return unit.run(SET, ServedUnit.hex("00000000 %02x00 0001".formatted(state.code())));
    }

    private String report() {
        return HexFormat.of().formatHex(unit.run(REPORT).data());
    }

    @Test
    void aPowerOnBringsTheConfiguredStateBack() {
        assertTrue(set(AccessState.STANDBY).good());
        unit.server().powerOn();
        assertEquals("0000000c" + "000f0001" + "0000" + "0001" + "00000001", report());
    }

    @ParameterizedTest
    @EnumSource
    void anInitiatorSetsEachState(AccessState state) {
        String code = "%02x".formatted(state.code());
        String status = state == AccessState.ACTIVE_OPTIMIZED ? "00" : "01";
        assertTrue(set(state).good());
        assertEquals("0000000c" + code + "0f0001" + "00" + status + "0001" + "00000001", report());
        assertEquals(
                "00000010" + "10000000" + code + "0f0001" + "00" + status + "0001" + "00000001",
                HexFormat.of().formatHex(unit.run("a3 2a 00 00 00 00 00 00 00 40 00 00").data()));
        assertEquals("5/24/00", unit.run("a3 4a 00 00 00 00 00 00 00 40 00 00").code());
        assertTrue(set(AccessState.ACTIVE_OPTIMIZED).good());
        assertTrue(unit.run(TEST_UNIT_READY).good());
    }

    /// SPC-4 5.16.2.4.4 Standby state, 5.16.2.4.5 Unavailable state.
    @ParameterizedTest
    @CsvSource({
        "ACTIVE_NON_OPTIMIZED, status 0, status 0, status 0, status 0",
        "STANDBY, 2/04/0b, 2/04/0b, status 0, status 0",
        "UNAVAILABLE, 2/04/0c, 2/04/0c, 2/04/0c, status 0"
    })
    void whatRunsInAState(
            AccessState state, String ready, String read, String modeSense, String inquiry) {
        assertTrue(set(state).good());
        assertEquals(ready, code(TEST_UNIT_READY));
        assertEquals(read, code("28 00 00 00 00 00 00 00 01 00"));
        assertEquals(modeSense, code("1a 00 3f 00 ff 00"));
        assertEquals(inquiry, code("12 00 00 00 60 00"));
        assertEquals("5/20/00", code("ff 00 00 00 00 00"), "what there is not is not refused so");
        assertEquals("5/24/00", code("28 e0 00 00 00 00 00 00 01 00"));
    }

    private String code(String cdb) {
        ServedUnit.Reply reply = unit.run(cdb);
        return reply.good() ? "status 0" : reply.code();
    }

    @Test
    void nothingOnTheMediumRunsInStandby() {
        Set<OperationCode> run = runIn(AccessState.STANDBY);
        assertTrue(run.stream().noneMatch(OperationCode::writes));
        assertTrue(run.stream().noneMatch(OperationCode::needsReadyUnit));
        assertTrue(run.contains(OperationCode.PERSISTENT_RESERVE_OUT_PREEMPT_AND_ABORT));
        assertTrue(run.containsAll(runIn(AccessState.UNAVAILABLE)));
        assertEquals(
                List.of(
                        "REQUEST_SENSE",
                        "INQUIRY",
                        "WRITE_BUFFER",
                        "READ_BUFFER",
                        "REPORT_LUNS",
                        "REPORT_TARGET_PORT_GROUPS",
                        "SET_TARGET_PORT_GROUPS"),
                runIn(AccessState.UNAVAILABLE).stream().map(Enum::name).toList());
        assertEquals(EnumSet.allOf(OperationCode.class), runIn(AccessState.ACTIVE_NON_OPTIMIZED));
    }

    private static Set<OperationCode> runIn(AccessState state) {
        return Arrays.stream(OperationCode.values())
                .filter(each -> state.refusal(each) == null)
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(OperationCode.class)));
    }

    @Test
    void othersAreToldOfAChange() {
        Nexus other = unit.attach();
        assertTrue(set(AccessState.ACTIVE_NON_OPTIMIZED).good());
        assertEquals("6/2a/06", unit.run(other, TEST_UNIT_READY).code());
        assertTrue(unit.run(TEST_UNIT_READY).good(), "it did that itself");
        assertTrue(set(AccessState.ACTIVE_NON_OPTIMIZED).good());
        assertTrue(unit.run(other, TEST_UNIT_READY).good(), "nothing has changed");
    }

    @Test
    void allAreToldOfAChangeFromElsewhere() {
        unit.server().configure(AccessState.STANDBY);
        assertEquals("6/2a/06", unit.run(TEST_UNIT_READY).code());
        assertEquals("2/04/0b", unit.run(TEST_UNIT_READY).code());
        assertEquals("0000000c" + "020f0001" + "00020001" + "00000001", report());
        unit.server().configure(AccessState.STANDBY);
        assertEquals("2/04/0b", unit.run(TEST_UNIT_READY).code(), "nothing has changed");
    }

    @Test
    void whatIsConfiguredCountsWhenItChanges() {
        assertTrue(set(AccessState.UNAVAILABLE).good());
        unit.server().configure(AccessState.ACTIVE_OPTIMIZED);
        assertEquals("2/04/0c", unit.run(TEST_UNIT_READY).code(), "it says what it said before");
        unit.server().configure(AccessState.ACTIVE_NON_OPTIMIZED);
        assertEquals("6/2a/06", unit.run(TEST_UNIT_READY).code());
        assertTrue(unit.run(TEST_UNIT_READY).good());
        assertEquals("0000000c" + "010f0001" + "00020001" + "00000001", report());
    }

    @Test
    void aResetLeavesTheState() {
        assertTrue(set(AccessState.STANDBY).good());
        unit.server().resetUnit(ServedUnit.LUN_FIELD);
        assertEquals("6/29/03", unit.run(TEST_UNIT_READY).code());
        assertEquals("2/04/0b", unit.run(TEST_UNIT_READY).code());
    }

    /// The state is that of the port, and so of all units; of the others whoever set it is told.
    @Test
    void theOtherUnitsChangeToo() throws IOException {
        try (ServedTarget target = new ServedTarget(directory, "iqn.2026-11.io.lunkeeper:two")) {
            byte[] standby = ServedUnit.hex("00000000 0200 0001");
            assertTrue(target.run(target.nexus(), 0, SET, standby).good());
            assertEquals("2/04/0b", target.run(0, TEST_UNIT_READY).code());
            assertEquals("6/2a/06", target.run(1, TEST_UNIT_READY).code());
            assertEquals("2/04/0b", target.run(1, TEST_UNIT_READY).code());
        }
    }

    /// SPC-4 5.16.2.4.5 Unavailable state: PERIPHERAL QUALIFIER 001b.
    @Test
    void inquirySaysThatTheUnitIsNotConnected() {
        String page = "12 01 83 00 ff 00";
        assertEquals(0x00, unit.run("12 00 00 00 60 00").data()[0]);
        byte[] before = unit.run(page).data();
        assertTrue(set(AccessState.UNAVAILABLE).good());
        assertEquals(0x20, unit.run("12 00 00 00 60 00").data()[0]);
        byte[] meanwhile = unit.run(page).data();
        assertEquals(0x20, meanwhile[0]);
        assertArrayEquals(
                Arrays.copyOfRange(before, 1, before.length),
                Arrays.copyOfRange(meanwhile, 1, meanwhile.length));
        assertTrue(set(AccessState.STANDBY).good());
        assertArrayEquals(before, unit.run(page).data());
    }

    @Test
    void whatHasBegunGoesOn() {
        byte[] block = new byte[512];
        Arrays.fill(block, (byte) 0x5a);
        Outcome begun = unit.execute("2a 00 00 00 00 00 00 00 01 00");
        assertTrue(set(AccessState.UNAVAILABLE).good());
        assertTrue(ServedUnit.drive(unit.server(), ServedUnit.LUN_FIELD, begun, block).good());
        assertTrue(set(AccessState.ACTIVE_OPTIMIZED).good());
        assertArrayEquals(block, unit.run("28 00 00 00 00 00 00 00 01 00").data());
    }

    /// A copy is judged anew before each of its pieces.
    @Test
    void mayNotGoOnReadingForACopy() {
        LogicalUnit addressed = unit.server().logicalUnits().getFirst();
        OperationCode reading = OperationCode.READ_16;
        assertNull(unit.server().refusalNow(unit.nexus(), addressed, reading));
        assertTrue(set(AccessState.STANDBY).good());
        Outcome.Status refusal = unit.server().refusalNow(unit.nexus(), addressed, reading);
        assertNotNull(refusal);
        assertEquals(2, refusal.status());
    }

    @Test
    void whoeverMayNotWriteMayNotSetStates() {
        Nexus holder = unit.attach("holder,i,0x000000000001");
        assertTrue(unit.run(holder, "16 00 00 00 00 00").good());
        assertEquals("status 18", set(AccessState.STANDBY).code());
        assertEquals("status 18", unit.run(SET, new byte[8]).code());
        assertTrue(unit.run(holder, TEST_UNIT_READY).good());
        assertEquals("0000000c" + "000f0001" + "00000001" + "00000001", report());
    }

    @ParameterizedTest
    @CsvSource({
        "00000000 0400 0001, 800004",
        "00000000 0e00 0001, 800004",
        "00000000 0f00 0001, 800004",
        "00000000 8000 0001, 800004",
        "00000000 0200 0002, 800006",
        "00000000 0200 0000, 800006"
    })
    void refusesOtherParameters(String list, String pointer) {
        ServedUnit.Reply reply = unit.run(SET, ServedUnit.hex(list));
        assertEquals("5/26/00", reply.code());
        assertEquals(pointer, reply.pointer());
        assertTrue(unit.run(TEST_UNIT_READY).good());
    }

    @Test
    void refusesOtherLists() {
        String other = "a4 0a 00 00 00 00 %08x 00 00";
        for (int length : new int[] {4, 7, 9, 12, -1}) {
            ServedUnit.Reply reply = unit.run(other.formatted(length), new byte[8]);
            assertEquals("5/24/00", reply.code());
            assertEquals("c00006", reply.pointer());
        }
        assertTrue(unit.run(other.formatted(0)).good());
        assertEquals("5/0e/03", unit.run(SET, new byte[7]).code());
        assertEquals("0000000c" + "000f0001" + "00000001" + "00000001", report());
    }
}
