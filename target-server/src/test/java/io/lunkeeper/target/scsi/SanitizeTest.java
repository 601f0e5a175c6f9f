package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.BeingErasedException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SanitizeTest {
    /// Two steps of an operation and a bit.
    private static final int SIZE = (32 << 20) + 4096;

    private static final int SAMPLE = 1 << 20;
    private static final String READY = "00 00 00 00 00 00";

    /// START STOP UNIT with LOEJ and a power condition, which no LUN has.
    private static final String EJECT = "1b 01 00 00 12 00";

    private static final String BLOCK_ERASE = "48 02 00 00 00 00 00 00 00 00";
    private static final String BLOCK_ERASE_IMMEDIATE = "48 82 00 00 00 00 00 00 00 00";
    private static final String BLOCK_ERASE_UNRESTRICTED = "48 22 00 00 00 00 00 00 00 00";
    private static final String EXIT_FAILURE_MODE = "48 1f 00 00 00 00 00 00 00 00";

    @TempDir Path directory;
    @AutoClose private ServedUnit unit;

    @BeforeEach
    void serve() throws IOException {
        unit = ServedUnit.open(directory, SIZE);
        byte[] data = Erased.filled(SAMPLE, 0x5a);
        assertTrue(unit.run("8a 00 0000000000000000 00000800 00 00", data).good());
    }

    private void serveAgain() throws IOException {
        unit.close();
        unit = ServedUnit.open(directory, SIZE);
    }

    private static String overwrite(int length) {
        return "48 01 00 00 00 00 00 %04x 00".formatted(length);
    }

    private static byte[] list(int flags, String pattern) {
        byte[] bytes = ServedUnit.hex(pattern);
        return ByteBuffer.allocate(4 + bytes.length)
                .put((byte) flags)
                .put((byte) 0)
                .putShort((short) bytes.length)
                .put(bytes)
                .array();
    }

    /// Leaves beside the image what an operation leaves there that was interrupted or failed.
    private void keep(EraseJob job, String state) throws IOException {
        Map<String, String> text = new HashMap<>(job.text());
        text.put("state", state);
        unit.backend().keepBeside("erasing", text);
    }

    private void assertErased() throws IOException {
        assertArrayEquals(new byte[SIZE], Erased.read(unit, SIZE));
        assertEquals("01", Erased.provisioning(unit));
        assertFalse(Files.exists(unit.backend().placeBeside()));
    }

    @Test
    void blockEraseGivesEveryBlockBack() throws IOException {
        assertTrue(unit.run(BLOCK_ERASE).good());
        assertErased();
    }

    @ParameterizedTest
    @CsvSource({"01, 0102030405", "82, ff", "83, 00ff", "01, 00"})
    void overwriteLeavesThePatternInEveryBlock(String flags, String pattern) throws IOException {
        byte[] list = list(Integer.parseInt(flags, 16), pattern);
        assertTrue(unit.run(overwrite(list.length), list).good());
        byte[] once = ServedUnit.hex(pattern);
        byte[] expected = new byte[SIZE];
        for (int i = 0; i < SIZE; i++) {
            expected[i] = once[i % 512 % once.length];
        }
        assertArrayEquals(expected, Erased.read(unit, SIZE));
        assertEquals("00", Erased.provisioning(unit));
        serveAgain();
        assertTrue(unit.run(READY).good());
        assertArrayEquals(expected, Erased.read(unit, SIZE));
    }

    @ParameterizedTest
    @CsvSource({
        "0000, '', 5/24/00 c00007",
        "0004, 01000000, 5/24/00 c00007",
        "0205, 01000200, 5/24/00 c00007",
        "ffff, 01000200, 5/24/00 c00007",
        "0008, 0100, 5/1a/00 000000",
        "0008, 0000000400000000, 5/26/00 800000",
        "0008, 2100000400000000, 5/26/00 800000",
        "0008, 4100000400000000, 5/26/00 800000",
        "0008, 0101000400000000, 5/26/00 800001",
        "0008, 0100000000000000, 5/26/00 800002",
        "0008, 0100020100000000, 5/26/00 800002",
        "0008, 0100ffff00000000, 5/26/00 800002",
        "0008, 0100000500000000, 5/1a/00 000000",
        "0008, 01000004000000, 5/1a/00 000000"
    })
    void looksAtTheParameterList(String length, String list, String expected) {
        ServedUnit.Reply reply =
                unit.run("48 01 00 00 00 00 00 %s 00".formatted(length), ServedUnit.hex(list));
        assertEquals(expected, reply.code() + " " + reply.pointer());
        assertTrue(unit.run(READY).good());
    }

    @Test
    void othersAreToldHowFarItIs() throws IOException {
        try (Erased.Hold hold = new Erased.Hold(unit)) {
            assertTrue(unit.run(BLOCK_ERASE_IMMEDIATE).good());
            assertTrue(Files.exists(unit.backend().placeBeside()));
            for (String refused : new String[] {READY, BLOCK_ERASE, EXIT_FAILURE_MODE, EJECT}) {
                assertEquals("2/04/1b", unit.run(refused).code());
                assertEquals("800000", unit.run(refused).pointer());
            }
            byte[] descriptor = unit.run("03 01 00 00 ff 00").data();
            assertEquals("7202041b00000008" + "0206000080000000", ByteBufUtil.hexDump(descriptor));
            hold.release();
        }
        Erased.awaitReady(unit);
        assertErased();
    }

    /// Whether other files share blocks is asked before anything is begun, in steps: one that is
    /// aborted between them leaves nothing behind.
    @Test
    void looksForSharedBlocksInSteps() throws IOException {
        int windows = 3;
        unit.close();
        unit = ServedUnit.open(directory, windows * (64L << 20) - 4096);
        byte[] list = list(1, "5a");
        Outcome.ReceiveParameters receive =
                assertInstanceOf(
                        Outcome.ReceiveParameters.class, unit.execute(overwrite(list.length)));
        Outcome next = receive.next().received(Unpooled.wrappedBuffer(list), list.length);
        for (int window = 0; window < windows; window++) {
            next = assertInstanceOf(Outcome.Blocking.class, next).work().run();
            assertTrue(unit.run(READY).good(), "nothing has begun");
        }
        next = assertInstanceOf(Outcome.Blocking.class, next).work().run();
        assertInstanceOf(Outcome.Watching.class, next);
        assertTrue(ServedUnit.drive(unit.server(), ServedUnit.LUN_FIELD, next, list).good());
    }

    /// A write whose data is still on the way when the medium is erased does not come after it.
    @Test
    void noWriteComesAfterIt() throws IOException {
        Outcome begun = unit.execute("2a 00 00000000 00 0008 00");
        Outcome.DataSink sink = assertInstanceOf(Outcome.WriteMedium.class, begun).sink();
        ByteBuf block = PooledByteBufAllocator.DEFAULT.directBuffer(4096).writeZero(4096);
        try (Erased.Hold hold = new Erased.Hold(unit)) {
            assertTrue(unit.run(BLOCK_ERASE_IMMEDIATE).good());
            assertFalse(sink.tryWrite(0, block));
            IOException refused =
                    assertThrows(BeingErasedException.class, () -> sink.write(0, block));
            Outcome.Status status = unit.server().failed(ServedUnit.LUN_FIELD, refused);
            assertEquals("04", "%02x".formatted(status.sense().getByte(12)));
            assertEquals("07", "%02x".formatted(status.sense().getByte(13)));
            hold.release();
        } finally {
            block.release();
        }
        Erased.awaitReady(unit);
    }

    @Test
    void whatCannotBeKeptIsNotBegun() throws IOException {
        Files.createDirectory(Path.of(unit.backend().placeBeside() + ".new"));
        assertEquals("4/44/00", unit.run(BLOCK_ERASE).code());
        assertTrue(unit.run(READY).good());
        assertArrayEquals(Erased.filled(SAMPLE, 0x5a), Erased.read(unit, SAMPLE));
        assertTrue(unit.run("2a 00 00000000 00 0001 00", new byte[512]).good());
        serveAgain();
        assertTrue(unit.run(READY).good());
    }

    @Test
    void goesOnAfterARestart() throws IOException {
        keep(EraseJob.overwrite(false, 3, true, new byte[] {1, 2}), "running");
        serveAgain();
        Erased.awaitReady(unit);
        byte[] sample = Erased.read(unit, SAMPLE);
        assertEquals(1, sample[0]);
        assertEquals(2, sample[SAMPLE - 1]);
        assertFalse(Files.exists(unit.backend().placeBeside()));
    }

    @Test
    void aFailureMayBeLeftWhenThatWasAllowed() throws IOException {
        keep(EraseJob.blockErase(true), "failed");
        serveAgain();
        assertEquals("3/31/03", unit.run(READY).code());
        assertEquals("3/31/03", unit.run("28 00 00000000 00 0001 00").code());
        assertEquals("3/31/03", unit.run("04 00 00 00 00 00").code());
        byte[] sense = unit.run("03 00 00 00 ff 00").data();
        assertEquals("3103", ByteBufUtil.hexDump(sense, 12, 2));
        assertTrue(unit.run(EXIT_FAILURE_MODE).good());
        assertTrue(unit.run(READY).good());
        assertTrue(unit.run("2a 00 00000000 00 0001 00", new byte[512]).good());
        serveAgain();
        assertTrue(unit.run(READY).good());
    }

    @Test
    void anotherFailureIsOnlyLeftByASuccess() throws IOException {
        keep(EraseJob.blockErase(false), "failed");
        serveAgain();
        assertEquals("5/24/00", unit.run(EXIT_FAILURE_MODE).code());
        assertEquals("cd0001", unit.run(BLOCK_ERASE_UNRESTRICTED).pointer());
        assertEquals("3/31/03", unit.run(READY).code());
        assertTrue(unit.run(BLOCK_ERASE).good());
        assertErased();
    }

    @Test
    void aFailedFormatIsNotLeftByExitFailureMode() throws IOException {
        keep(EraseJob.format(), "failed");
        serveAgain();
        assertEquals("3/31/00", unit.run(READY).code());
        assertEquals("5/24/00", unit.run(EXIT_FAILURE_MODE).code());
        assertTrue(unit.run("04 00 00 00 00 00").good());
        assertErased();
    }

    @Test
    void withoutAFailureThereIsNothingToLeave() {
        assertTrue(unit.run(EXIT_FAILURE_MODE).good());
    }

    @Test
    void whatCannotGoOnHasFailed() throws IOException {
        keep(EraseJob.blockErase(true), "running");
        unit.close();
        unit = ServedUnit.openReadOnly(directory);
        assertEquals("3/31/03", unit.run(READY).code());
        assertEquals("7/27/00", unit.run(EXIT_FAILURE_MODE).code());
    }

    @ParameterizedTest
    @ValueSource(strings = {"method", "passes", "pattern", "invert", "unrestricted"})
    void whatCannotBeUnderstoodIsNotServed(String key) throws IOException {
        Map<String, String> text = new HashMap<>(EraseJob.blockErase(true).text());
        text.put(key, "x");
        unit.backend().keepBeside("erasing", text);
        unit.close();
        IOException refused =
                assertThrows(IOException.class, () -> ServedUnit.open(directory, SIZE));
        assertTrue(refused.toString().contains(unit.backend().placeBeside().toString()));
    }

    @Test
    void doesNotTouchWhatIsProtected() throws IOException {
        unit.close();
        unit = ServedUnit.openReadOnly(directory, SIZE);
        assertEquals("7/27/00", unit.run(BLOCK_ERASE).code());
        assertEquals("7/27/00", unit.run(overwrite(5), list(1, "00")).code());
    }

    @Test
    void respectsReservations() {
        Nexus other = unit.attach("other,i,0x000000000001");
        assertTrue(unit.run(other, "16 00 00 00 00 00").good());
        assertEquals(0x18, unit.run(BLOCK_ERASE).status());
        assertEquals(0x18, unit.run(overwrite(5), list(1, "00")).status());
        assertEquals(0x18, unit.run("04 00 00 00 00 00").status());
    }
}
