package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBufUtil;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeviceClockTest {
    private static final String TEST_UNIT_READY = "00 00 00 00 00 00";
    private static final String SET = "a4 0f 00 00 00 00 00 00 00 0c 00 00";

    @TempDir Path directory;
    @AutoClose private ServedUnit unit;
    private long wallMillis = 0x0000_0190_0000_0000L;
    private long nanos = Long.MAX_VALUE - 1_000_000;

    @BeforeEach
    void serve() throws IOException {
        unit = ServedUnit.open(directory, 1 << 20);
    }

    private static String report(DeviceClock clock) {
        return switch (clock.report(new Cdb.ReportTimestamp(12))) {
            case Outcome.ParameterData(var data) -> ByteBufUtil.hexDump(data);
            case Outcome other -> throw new AssertionError(other.toString());
        };
    }

    @Test
    void goesOnFromWhatItWasSetTo() {
        DeviceClock clock = new DeviceClock(() -> wallMillis, () -> nanos);
        assertEquals("000a0300" + "019000000000" + "0000", report(clock));
        clock.set(0xffff);
        assertEquals("000a0200" + "00000000ffff" + "0000", report(clock));
        wallMillis += 1000;
        nanos += 2_999_999;
        assertEquals("000a0200" + "000000010001" + "0000", report(clock));
    }

    @Test
    void aPowerOnEndsWhatWasSet() {
        DeviceClock clock = new DeviceClock(() -> wallMillis, () -> nanos);
        clock.set(0xffff);
        clock.powerOn();
        assertEquals("000a0300" + "019000000000" + "0000", report(clock));
    }

    /// SPC-4 5.2 Device clocks: it is the machine's again when the server starts, not before.
    @Test
    void othersAreToldAndAResetLeavesIt() {
        Nexus other = unit.attach();
        byte[] list = ServedUnit.hex("00000000 f00000000000 0000");
        assertTrue(unit.run(SET, list).good());
        assertEquals("6/2a/10", unit.run(other, TEST_UNIT_READY).code());
        assertTrue(unit.run(TEST_UNIT_READY).good());
        unit.server().resetUnit(ServedUnit.LUN_FIELD);
        assertEquals("6/29/03", unit.run(TEST_UNIT_READY).code());
        byte[] now = unit.run("a3 0f 00 00 00 00 00 00 00 0c 00 00").data();
        assertEquals(2, now[2]);
        assertEquals((byte) 0xf0, now[4]);
    }

    @ParameterizedTest
    @CsvSource({
        "a4 0f 00 00 00 00 00 00 00 0b 00 00, 5/1a/00, 000000",
        "a4 0f 00 00 00 00 ff ff ff ff 00 00, 5/1a/00, 000000",
        "a4 0f 00 00 00 00 00 00 00 0c 00 00, 5/26/00, 800004",
        "a4 0f 80 00 00 00 00 00 00 0c 00 00, 5/24/00, cf0002"
    })
    void refusesAnythingElse(String cdb, String code, String pointer) {
        ServedUnit.Reply reply = unit.run(cdb, ServedUnit.hex("00000000 f10000000000 0000"));
        assertEquals(code, reply.code());
        assertEquals(pointer, reply.pointer());
        assertEquals("5/0e/03", unit.run(SET, new byte[11]).code());
        assertTrue(unit.run("a4 0f 00 00 00 00 00 00 00 00 00 00").good());
        assertEquals(3, unit.run("a3 0f 00 00 00 00 00 00 00 0c 00 00").data()[2]);
    }
}
