package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.scsi.ServedUnit.Reply;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceServerTest {
    private static final String TEST_UNIT_READY = "00 00 00 00 00 00";
    private static final String REQUEST_SENSE = "03 00 00 00 ff 00";
    private static final String INQUIRY = "12 00 00 00 60 00";
    private static final String RESERVE = "16 00 00 00 00 00";
    private static final String RELEASE = "17 00 00 00 00 00";
    private static final String MODE_SENSE = "1a 00 3f 00 ff 00";
    private static final String READ_ONE_BLOCK = "28 00 00 00 00 00 00 00 01 00";
    private static final String READ_CAPACITY = "25 00 00 00 00 00 00 00 00 00";
    private static final String REPORT_LUNS = "a0 00 00 00 00 00 00 00 10 00 00 00";
    private static final long NOWHERE = 0x0001_0000_0000_0000L;

    @TempDir Path directory;
    @AutoClose private ServedUnit unit;

    @BeforeEach
    void open() throws IOException {
        unit = ServedUnit.open(directory, 1 << 20);
    }

    @Test
    void tellsEachNexusOnceOfPowerOn() {
        for (int i = 0; i < 3; i++) {
            Nexus nexus = unit.server().attach("i", 1);
            assertEquals("6/29/00", unit.run(nexus, TEST_UNIT_READY).code());
            assertTrue(unit.run(nexus, TEST_UNIT_READY).good());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {INQUIRY, REPORT_LUNS, "a0 00 00 00 00 00 00 00 0f 00 00 00"})
    void keepsTheUnitAttentionWhenACommandPassesIt(String command) {
        Nexus nexus = unit.server().attach("i", 1);
        assertFalse(unit.run(nexus, command).code().startsWith("6/"));
        assertEquals("6/29/00", unit.run(nexus, TEST_UNIT_READY).code());
    }

    @Test
    void reportsAUnitAttentionBeforeLookingAtTheCommand() {
        Nexus nexus = unit.server().attach("i", 1);
        assertEquals("6/29/00", unit.run(nexus, "ff 00 00 00 00 00").code());
        assertEquals("5/20/00", unit.run(nexus, "ff 00 00 00 00 00").code());
    }

    @Test
    void takesTheUnitAttentionByRequestSense() {
        Nexus nexus = unit.server().attach("i", 1);
        unit.server().tasksCleared(ServedUnit.LUN_FIELD, nexus);
        String fixed = HexFormat.of().formatHex(unit.run(nexus, REQUEST_SENSE).data());
        assertEquals("700006000000000a00000000290000000000", fixed);
        String described = HexFormat.of().formatHex(unit.run(nexus, "03 01 00 00 ff 00").data());
        assertEquals("72062f0000000000", described);
        assertTrue(unit.run(nexus, TEST_UNIT_READY).good());
        byte[] none = unit.run(nexus, REQUEST_SENSE).data();
        assertArrayEquals(Sense.NO_SENSE.bytes(SenseFormat.FIXED), none);
        assertEquals(8, unit.run(nexus, "03 00 00 00 08 00").data().length);
    }

    @Test
    void tellsEveryNexusOfAReset() {
        Nexus other = unit.attach();
        unit.server().resetUnit(ServedUnit.LUN_FIELD);
        assertEquals("6/29/03", unit.run(TEST_UNIT_READY).code());
        assertTrue(unit.run(TEST_UNIT_READY).good());
        assertEquals("6/29/03", unit.run(other, TEST_UNIT_READY).code());
        assertTrue(unit.run(other, TEST_UNIT_READY).good());
    }

    @Test
    void reportsResetsBeforeClearedCommands() {
        unit.server().tasksCleared(ServedUnit.LUN_FIELD, unit.nexus());
        unit.server().resetUnit(ServedUnit.LUN_FIELD);
        assertEquals("6/29/03", unit.run(TEST_UNIT_READY).code());
        assertEquals("6/2f/00", unit.run(TEST_UNIT_READY).code());
        assertTrue(unit.run(TEST_UNIT_READY).good());
    }

    @Test
    void dropsTheChangedLunsAttentionOnceTheListWasRead() {
        unit.nexus().pending(0).post(PendingCondition.REPORTED_LUNS_DATA_HAS_CHANGED);
        assertTrue(unit.run(REPORT_LUNS).good());
        assertTrue(unit.run(TEST_UNIT_READY).good());
    }

    @Test
    void tellsNobodyAboutUnitsItDoesNotHave() {
        unit.server().resetUnit(NOWHERE);
        unit.server().tasksCleared(NOWHERE, unit.nexus());
        assertTrue(unit.run(TEST_UNIT_READY).good());
    }

    @Test
    void reservesForOneNexus() {
        Nexus other = unit.attach();
        assertTrue(unit.run(RESERVE).good());
        assertTrue(unit.run(RESERVE).good());
        assertEquals(0x18, unit.run(other, RESERVE).status());
        assertEquals(0, unit.run(other, RESERVE).sense().length);
        assertTrue(unit.run(other, RELEASE).good());
        assertTrue(unit.run(MODE_SENSE).good());
        for (String refused : List.of(MODE_SENSE, TEST_UNIT_READY, READ_ONE_BLOCK)) {
            assertEquals(0x18, unit.run(other, refused).status());
        }
        for (String passed : List.of(INQUIRY, REPORT_LUNS, REQUEST_SENSE, READ_CAPACITY)) {
            assertTrue(unit.run(other, passed).good());
        }
        assertTrue(unit.run(RELEASE).good());
        assertTrue(unit.run(other, "56 00 00 00 00 00 00 00 00 00").good());
        assertEquals(0x18, unit.run(TEST_UNIT_READY).status());
        assertTrue(unit.run(other, "57 00 00 00 00 00 00 00 00 00").good());
        assertTrue(unit.run(TEST_UNIT_READY).good());
    }

    @Test
    void tellsTheTime() {
        long before = System.currentTimeMillis();
        byte[] data = unit.run("a3 0f 00 00 00 00 00 00 00 40 00 00").data();
        long after = System.currentTimeMillis();
        assertEquals(12, data.length);
        assertArrayEquals(new byte[] {0, 10, 3, 0}, Arrays.copyOf(data, 4));
        long told = ByteBuffer.wrap(data).getLong(4) >>> 16;
        assertTrue(before <= told && told <= after, before + " " + told + " " + after);
    }

    @Test
    void testsItself() {
        assertTrue(unit.run("1d 04 00 00 00 00").good());
        assertTrue(unit.run("1d 10 00 00 00 00").good());
        assertEquals("5/24/00", unit.run("1d 20 00 00 00 00").code());
    }

    /// The unit fails since its image is cut; first that is told as a deferred error.
    @Test
    void failsTheTestOfItselfWhenItHasFailed() throws Exception {
        ServedUnit failing = unit;
        unit = ServedUnit.open(Files.createDirectory(directory.resolve("other")), 1 << 20);
        Files.write(directory.resolve("image"), new byte[4096]);
        String told = "";
        for (int i = 0; i < 200 && !told.equals("4/3e/01"); i++) {
            Thread.sleep(50);
            told = failing.run(TEST_UNIT_READY).code();
        }
        assertEquals("4/3e/03", failing.run("1d 04 00 00 00 00").code());
        assertTrue(failing.run("1d 10 00 00 00 00").good(), "asks for no test");
        assertThrows(IOException.class, failing::close);
    }

    @Test
    void refusesReservationsForOthersAndOfExtents() {
        assertEquals("5/24/00", unit.run("16 10 00 00 00 00").code());
        assertEquals("5/24/00", unit.run("16 01 00 00 00 00").code());
        assertEquals("5/24/00", unit.run("56 10 00 00 00 00 00 00 00 00").code());
    }

    @Test
    void endsAReservationWithItsNexus() {
        Nexus other = unit.attach();
        unit.run(other, RESERVE);
        assertEquals(0x18, unit.run(TEST_UNIT_READY).status());
        unit.server().detach(other);
        assertTrue(unit.run(TEST_UNIT_READY).good());
    }

    @Test
    void endsAReservationByReset() {
        Nexus other = unit.attach();
        unit.run(other, RESERVE);
        unit.server().resetUnit(ServedUnit.LUN_FIELD);
        assertEquals("6/29/03", unit.run(TEST_UNIT_READY).code());
        assertTrue(unit.run(TEST_UNIT_READY).good());
    }

    @ParameterizedTest
    @ValueSource(strings = {"1b 00 00 00 00 00", "1b 01 00 00 00 00", "1b 00 00 00 04 00"})
    void isNotReadyWhileStopped(String stop) {
        assertTrue(unit.run(stop).good());
        assertEquals("2/04/02", unit.run(TEST_UNIT_READY).code());
        assertEquals("2/04/02", unit.run(READ_ONE_BLOCK).code());
        assertEquals("2/04/02", unit.run("35 00 00 00 00 00 00 00 00 00").code());
        assertEquals(2, unit.run(REQUEST_SENSE).data()[2]);
        assertTrue(unit.run(INQUIRY).good());
        assertTrue(unit.run(MODE_SENSE).good());
        assertTrue(unit.run("1b 00 00 00 01 00").good());
        assertTrue(unit.run(TEST_UNIT_READY).good());
        assertTrue(unit.run(READ_ONE_BLOCK).good());
    }

    @Test
    void startsAgainByReset() {
        unit.run("1b 00 00 00 00 00");
        unit.server().resetUnit(ServedUnit.LUN_FIELD);
        assertEquals("6/29/03", unit.run(TEST_UNIT_READY).code());
        assertTrue(unit.run(TEST_UNIT_READY).good());
    }

    @Test
    void hasNoMediumToEjectAndNoPowerConditions() {
        assertEquals("5/24/00", unit.run("1b 00 00 00 02 00").code());
        assertEquals("c90004", unit.run("1b 00 00 00 02 00").pointer());
        assertEquals("5/24/00", unit.run("1b 00 00 00 10 00").code());
    }

    @Test
    void answersForALunThatIsNotThere() {
        assertFalse(unit.server().hasUnit(NOWHERE));
        assertTrue(unit.server().hasUnit(ServedUnit.LUN_FIELD));
        byte[] inquiry = unit.run(NOWHERE, INQUIRY).data();
        assertEquals(0x7f, inquiry[0]);
        assertEquals(96, inquiry.length);
        assertEquals("5/24/00", unit.run(NOWHERE, "12 01 00 00 60 00").code());
        assertEquals("5/24/00", unit.run(NOWHERE, "12 02 00 00 60 00").code());
        byte[] sense = unit.run(NOWHERE, REQUEST_SENSE).data();
        assertArrayEquals(Sense.LOGICAL_UNIT_NOT_SUPPORTED.bytes(SenseFormat.FIXED), sense);
        byte[] described = unit.run(NOWHERE, "03 01 00 00 ff 00").data();
        assertArrayEquals(
                Sense.LOGICAL_UNIT_NOT_SUPPORTED.bytes(SenseFormat.DESCRIPTOR), described);
        assertTrue(unit.run(NOWHERE, REPORT_LUNS).good());
        for (String command : List.of(TEST_UNIT_READY, READ_ONE_BLOCK, "ff 00", RESERVE)) {
            assertEquals("5/25/00", unit.run(NOWHERE, command).code());
        }
    }

    @Test
    void listsItsLunsInTheFormOfTheirSize() throws IOException {
        List<DeviceServer.LogicalUnitSpec> specs =
                Stream.of(16383, 256, 0, 255)
                        .map(lun ->
                                new DeviceServer.LogicalUnitSpec(
                                        lun, unit.backend(), 512, 512, Optional.empty()))
                        .toList();
        DeviceServer server = new DeviceServer(ServedUnit.TARGET, specs);
        Nexus nexus = server.attach("i", 1);
        assertEquals(
                "0000002000000000"
                        + "0000000000000000"
                        + "00ff000000000000"
                        + "4100000000000000"
                        + "7fff000000000000",
                reportLuns(server, nexus, "a0 00 02 00 00 00 00 00 10 00 00 00"));
        assertEquals(
                "0000000000000000",
                reportLuns(server, nexus, "a0 00 01 00 00 00 00 00 10 00 00 00"));
        assertEquals(
                "00000020000000000000000000000000",
                reportLuns(server, nexus, "a0 00 00 00 00 00 00 00 00 10 00 00"));
        for (DeviceServer.LogicalUnitSpec spec : specs) {
            assertTrue(server.hasUnit(LunField.of(spec.lun())));
        }
        assertFalse(server.hasUnit(LunField.of(1)));
        assertFalse(server.hasUnit(-1));
    }

    private static String reportLuns(DeviceServer server, Nexus nexus, String cdb) {
        Outcome outcome = server.execute(nexus, 0, ServedUnit.cdb(cdb));
        ByteBuf data = ((Outcome.ParameterData) outcome).data();
        return HexFormat.of().formatHex(ByteBufUtil.getBytes(data));
    }

    @Test
    void refusesReportLunsWithoutRoomOrOfAnUnknownKind() {
        assertEquals("c00006", unit.run("a0 00 00 00 00 00 00 00 00 0f 00 00").pointer());
        assertEquals("c00002", unit.run("a0 00 03 00 00 00 00 00 10 00 00 00").pointer());
    }

    @Test
    void refusesWritesOfAReadOnlyUnitAndSaysSoInItsModeData() throws IOException {
        unit.close();
        unit = ServedUnit.openReadOnly(directory, 1 << 20);
        for (String write :
                List.of(
                        "0a 00 00 00 01 00",
                        "2a 00 00 00 00 00 00 00 01 00",
                        "aa 00 00 00 00 00 00 00 00 01 00 00",
                        "8a 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00",
                        "41 00 00 00 00 00 00 00 01 00",
                        "93 08 00 00 00 00 00 00 00 00 00 00 00 01 00 00",
                        "42 00 00 00 00 00 00 00 18 00")) {
            assertEquals("7/27/00", unit.run(write, new byte[512]).code());
        }
        assertEquals((byte) 0x90, unit.run(MODE_SENSE).data()[2]);
        assertTrue(unit.run(READ_ONE_BLOCK).good());
        assertTrue(unit.run("35 00 00 00 00 00 00 00 00 00").good());
    }

    @Test
    void servesNexusesThatComeAndGoWhileTheUnitIsReset() throws Exception {
        int threads = 4;
        int rounds = 500;
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Future<?>> running =
                    IntStream.range(0, threads)
                            .<Future<?>>mapToObj(i -> pool.submit(() -> visits(rounds)))
                            .toList();
            for (int i = 0; i < rounds; i++) {
                unit.server().resetUnit(ServedUnit.LUN_FIELD);
            }
            for (Future<?> each : running) {
                each.get();
            }
        }
        assertEquals("6/29/03", unit.run(TEST_UNIT_READY).code());
        assertTrue(unit.run(RESERVE).good(), "no reservation outlives its nexus");
    }

    private void visits(int rounds) {
        for (int i = 0; i < rounds; i++) {
            Nexus nexus = unit.server().attach("i", 1);
            assertEquals("6/29/00", unit.run(nexus, TEST_UNIT_READY).code());
            Reply reserved = unit.run(nexus, RESERVE);
            assertTrue(
                    reserved.good()
                            || reserved.status() == 0x18
                            || reserved.code().equals("6/29/03"));
            unit.server().detach(nexus);
        }
    }
}
