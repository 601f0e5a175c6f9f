package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.Allocation;
import io.lunkeeper.lun.CacheMode;
import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.lun.LunSpec;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TransferBuffersTest {
    private static final String READ = "3c %02x %02x %06x %06x 00";
    private static final String WRITE = "3b %02x %02x %06x %06x 00";
    private static final int DATA = 0x02;
    private static final int DESCRIPTOR = 0x03;
    private static final int ECHO = 0x0a;
    private static final int ECHO_DESCRIPTOR = 0x0b;

    @TempDir Path directory;
    @AutoClose private ServedUnit unit;

    @BeforeEach
    void serve() throws IOException {
        unit = ServedUnit.open(directory, 1 << 20);
    }

    private ServedUnit.Reply read(int mode, int id, int offset, int length) {
        return unit.run(READ.formatted(mode, id, offset, length));
    }

    private ServedUnit.Reply write(int mode, int id, int offset, byte[] bytes) {
        return unit.run(WRITE.formatted(mode, id, offset, bytes.length), bytes);
    }

    private static String hex(ServedUnit.Reply reply) {
        assertTrue(reply.good(), reply::code);
        return HexFormat.of().formatHex(reply.data());
    }

    private static byte[] pattern(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (i * 7 + 1);
        }
        return bytes;
    }

    @Test
    void describesWhatThereIs() {
        assertEquals("00010000", hex(read(DESCRIPTOR, 0, 0, 4)));
        assertEquals("00000000", hex(read(DESCRIPTOR, 1, 0, 4)));
        assertEquals("000100", hex(read(DESCRIPTOR, 0, 0, 3)));
        assertEquals("01001000", hex(read(ECHO_DESCRIPTOR, 0, 0, 252)));
    }

    @Test
    void givesDataBack() {
        assertEquals("00000000", hex(read(DATA, 0, 0, 4)));
        byte[] all = pattern(TransferBuffers.DATA_BYTES);
        assertTrue(write(DATA, 0, 0, all).good());
        assertArrayEquals(all, read(DATA, 0, 0, all.length).data());
        assertTrue(write(DATA, 0, 1, new byte[] {9, 8}).good());
        assertEquals("01090816", hex(read(DATA, 0, 0, 4)));
    }

    @Test
    void cutsAtTheEndOfTheBuffer() {
        assertEquals(1, read(DATA, 0, 0xffff, 0xffffff).data().length);
        assertEquals(0, read(DATA, 0, 0x10000, 4).data().length);
        assertEquals("c00003", read(DATA, 0, 0x10001, 4).pointer());
        assertTrue(write(DATA, 0, 0xffff, new byte[1]).good());
        assertEquals("c00006", write(DATA, 0, 0xffff, new byte[2]).pointer());
        assertEquals("c00003", write(DATA, 0, 0xffffff, new byte[0]).pointer());
        assertEquals("c00006", unit.run("3b 02 00 000000 ffffff 00").pointer());
    }

    @Test
    void hasOneBufferForData() {
        assertEquals("c00002", read(DATA, 1, 0, 4).pointer());
        assertEquals("c00002", write(DATA, 1, 0, new byte[4]).pointer());
    }

    @Test
    void echoesAsManyBytesAsWereWritten() {
        assertEquals("5/2c/00", read(ECHO, 0, 0, 4).code());
        assertTrue(write(ECHO, 0xff, 0xffffff, new byte[] {1, 2, 3}).good());
        assertEquals("010203", hex(read(ECHO, 0, 0, 252)));
        assertEquals("0102", hex(read(ECHO, 0xff, 0xffffff, 2)));
        byte[] largest = pattern(TransferBuffers.ECHO_BYTES);
        assertTrue(write(ECHO, 0, 0, largest).good());
        assertArrayEquals(largest, read(ECHO, 0, 0, 0xffffff).data());
        assertEquals("c00006", write(ECHO, 0, 0, new byte[largest.length + 1]).pointer());
        assertArrayEquals(largest, read(ECHO, 0, 0, 0xffffff).data());
    }

    @Test
    void keepsOnlyWhatCame() {
        assertTrue(unit.run("3b 0a 00 000000 000008 00", new byte[] {5}).good());
        assertEquals("05", hex(read(ECHO, 0, 0, 8)));
        assertTrue(unit.run("3b 02 00 000000 000008 00", new byte[] {5}).good());
        assertEquals("0500", hex(read(DATA, 0, 0, 2)));
    }

    @Test
    void everyNexusHasItsOwn() {
        Nexus other = unit.attach("other,i,0x000000000001");
        assertTrue(write(ECHO, 0, 0, new byte[] {1}).good());
        assertTrue(write(DATA, 0, 0, new byte[] {1}).good());
        assertEquals("5/2c/00", unit.run(other, READ.formatted(ECHO, 0, 0, 4)).code());
        assertEquals("00", hex(unit.run(other, READ.formatted(DATA, 0, 0, 1))));
        assertTrue(unit.run(other, WRITE.formatted(ECHO, 0, 0, 1), new byte[] {2}).good());
        assertEquals("01", hex(read(ECHO, 0, 0, 4)));
    }

    /// Whoever uses the buffers through another unit starts anew, and is told of a lost echo.
    @Test
    void belongToTheUnitTheyWereWrittenThrough() throws IOException {
        try (LunBackend one = backend("one");
                LunBackend two = backend("two")) {
            DeviceServer server =
                    new DeviceServer(ServedUnit.TARGET, List.of(spec(0, one), spec(1, two)));
            Nexus nexus = server.attach("a,i,0x000000000001", 1);
            for (int lun = 0; lun < 2; lun++) {
                server.execute(nexus, LunField.of(lun), ServedUnit.cdb("00 00 00 00 00 00"));
            }
            writeThrough(server, nexus, 0, ECHO);
            writeThrough(server, nexus, 0, DATA);
            assertEquals("b/3f/0f", readThrough(server, nexus, 1, ECHO));
            assertEquals("00", readThrough(server, nexus, 1, DATA));
            writeThrough(server, nexus, 1, ECHO);
            writeThrough(server, nexus, 1, DATA);
            assertEquals("b/3f/0f", readThrough(server, nexus, 0, ECHO));
            assertEquals("00", readThrough(server, nexus, 0, DATA));
            assertEquals("07", readThrough(server, nexus, 1, ECHO));
            assertEquals("07", readThrough(server, nexus, 1, DATA));
        }
    }

    private LunBackend backend(String name) throws IOException {
        return LunBackend.open(
                new LunSpec(
                        directory.resolve(name),
                        OptionalLong.of(1 << 20),
                        Allocation.SPARSE,
                        CacheMode.WRITE_BACK,
                        512,
                        false));
    }

    private static DeviceServer.LogicalUnitSpec spec(int lun, LunBackend backend) {
        return new DeviceServer.LogicalUnitSpec(lun, backend, 512, 4096, Optional.empty());
    }

    private static void writeThrough(DeviceServer server, Nexus nexus, int lun, int mode) {
        Outcome outcome =
                server.execute(
                        nexus, LunField.of(lun), ServedUnit.cdb(WRITE.formatted(mode, 0, 0, 1)));
        Outcome.ReceiveParameters wanted =
                assertInstanceOf(Outcome.ReceiveParameters.class, outcome);
        wanted.next().received(Unpooled.wrappedBuffer(new byte[] {7}), 1);
    }

    private static String readThrough(DeviceServer server, Nexus nexus, int lun, int mode) {
        Outcome outcome =
                server.execute(
                        nexus, LunField.of(lun), ServedUnit.cdb(READ.formatted(mode, 0, 0, 1)));
        return switch (outcome) {
            case Outcome.ParameterData(ByteBuf data) -> ByteBufUtil.hexDump(data);
            case Outcome.Status(int status, ByteBuf sense) ->
                    new ServedUnit.Reply(status, ByteBufUtil.getBytes(sense), new byte[0]).code();
            default -> throw new AssertionError(outcome);
        };
    }

    @ParameterizedTest
    @ValueSource(ints = {0x00, 0x01, 0x04, 0x05, 0x06, 0x07, 0x0d, 0x0e, 0x0f, 0x1a, 0x1c, 0x1f})
    void knowsNoOtherMode(int mode) {
        assertEquals("cc0001", read(mode, 0, 0, 4).pointer());
        assertEquals("cc0001", write(mode, 0, 0, new byte[4]).pointer());
    }

    @ParameterizedTest
    @ValueSource(ints = {DESCRIPTOR, ECHO_DESCRIPTOR})
    void descriptorsAreOnlyRead(int mode) {
        assertEquals("cc0001", write(mode, 0, 0, new byte[4]).pointer());
    }
}
