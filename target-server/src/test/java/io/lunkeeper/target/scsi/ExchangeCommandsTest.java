package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// COMPARE AND WRITE, ORWRITE, WRITE AND VERIFY, PRE-FETCH and READ DEFECT DATA.
class ExchangeCommandsTest {
    private static final int BLOCK = 512;
    private static final String READ_TWO = "28 00 00 00 00 03 00 00 02 00";

    @TempDir Path directory;
    @AutoClose private ServedUnit unit;

    @BeforeEach
    void serve() throws IOException {
        unit = ServedUnit.open(directory, 1 << 20);
    }

    private static byte[] blocks(int... values) {
        byte[] bytes = new byte[values.length * BLOCK];
        for (int i = 0; i < values.length; i++) {
            Arrays.fill(bytes, i * BLOCK, (i + 1) * BLOCK, (byte) values[i]);
        }
        return bytes;
    }

    private static String compareAndWrite(int lba, int blocks) {
        return "89 00 00 00 00 00 00 00 %02x %02x 00 00 00 %02x 00 00"
                .formatted(lba >> 8, lba & 0xff, blocks);
    }

    private byte[] read() {
        return unit.run(READ_TWO).data();
    }

    @Test
    void writesWhatIsAsExpected() {
        assertTrue(unit.run(compareAndWrite(3, 2), blocks(0, 0, 1, 2)).good());
        assertArrayEquals(blocks(1, 2), read());
        assertTrue(unit.run(compareAndWrite(3, 1), blocks(1, 7)).good());
        assertArrayEquals(blocks(7, 2), read());
    }

    @Test
    void leavesWhatIsNotAndSaysWhere() {
        byte[] wrong = blocks(0, 0, 1, 2);
        wrong[BLOCK + 9] = 1;
        ServedUnit.Reply reply = unit.run(compareAndWrite(3, 2), wrong);
        assertEquals("e/1d/00", reply.code());
        assertEquals(BLOCK + 9, reply.information());
        assertArrayEquals(blocks(0, 0), read());
    }

    @Test
    void comparesNothingWithoutBlocksAndNotTooMany() {
        assertTrue(unit.run(compareAndWrite(3, 0)).good());
        assertEquals("5/24/00", unit.run(compareAndWrite(3, 0), blocks(0, 0)).code());
        assertEquals("5/21/00", unit.run(compareAndWrite(0x0800, 1)).code());
        ServedUnit.Reply reply = unit.run(compareAndWrite(0, 65), new byte[130 * BLOCK]);
        assertEquals("5/24/00", reply.code());
        assertEquals("c0000d", reply.pointer());
        assertEquals(64, unit.run("12 01 b0 00 40 00").data()[5]);
        assertTrue(unit.run(compareAndWrite(0, 64), new byte[128 * BLOCK]).good());
        assertEquals("5/0e/03", unit.run(compareAndWrite(3, 2), blocks(0, 0, 1)).code());
        assertEquals("5/0e/03", unit.run(compareAndWrite(3, 1), blocks(0, 0, 1)).code());
    }

    /// Each of some threads counts up a block that all share: no step may get lost, and no reader
    /// may see one half of one and half of another.
    @Test
    void exchangesOneAfterTheOther() throws Exception {
        int threads = 4;
        int steps = 200;
        CountDownLatch counting = new CountDownLatch(threads);
        try (ExecutorService pool = Executors.newFixedThreadPool(threads + 1)) {
            Future<?> reader =
                    pool.submit(() -> {
                        while (counting.getCount() > 0) {
                            same(read());
                        }
                    });
            Future<?>[] counters = new Future<?>[threads];
            for (int i = 0; i < threads; i++) {
                counters[i] =
                        pool.submit(() -> {
                            try {
                                for (int step = 0; step < steps; step++) {
                                    count();
                                }
                            } finally {
                                counting.countDown();
                            }
                        });
            }
            for (Future<?> counter : counters) {
                counter.get();
            }
            reader.get();
        }
        assertEquals(threads * steps, same(read()));
    }

    private void count() {
        byte[] data = new byte[4 * BLOCK];
        while (true) {
            byte[] now = read();
            int next = same(now) + 1;
            System.arraycopy(now, 0, data, 0, now.length);
            for (int at = now.length; at < data.length; at += Integer.BYTES) {
                ByteBuffer.wrap(data).putInt(at, next);
            }
            if (unit.run(compareAndWrite(3, 2), data).good()) {
                return;
            }
        }
    }

    /// The number that a range is full of.
    private static int same(byte[] data) {
        ByteBuffer numbers = ByteBuffer.wrap(data);
        int first = numbers.getInt();
        while (numbers.hasRemaining()) {
            assertEquals(first, numbers.getInt());
        }
        return first;
    }

    @Test
    void setsBits() {
        String orWrite = "8b 00 00 00 00 00 00 00 00 03 00 00 00 02 00 00";
        assertTrue(unit.run(orWrite, blocks(1, 2)).good());
        assertTrue(unit.run(orWrite, blocks(4, 3)).good());
        assertArrayEquals(blocks(5, 3), read());
        assertEquals("5/21/00", unit.run("8b 00 00 00 00 00 00 00 08 00 00 00 00 01 00 00").code());
        assertTrue(unit.run("8b 00 00 00 00 00 00 00 00 03 00 00 00 00 00 00").good());
    }

    @Test
    void writesAndVerifies() throws IOException {
        for (String cdb :
                new String[] {
                    "2e 00 00 00 00 03 00 00 02 00",
                    "2e 02 00 00 00 03 00 00 02 00",
                    "ae 00 00 00 00 03 00 00 00 02 00 00",
                    "ae 02 00 00 00 03 00 00 00 02 00 00",
                    "8e 00 00 00 00 00 00 00 00 03 00 00 00 02 00 00",
                    "8e 02 00 00 00 00 00 00 00 03 00 00 00 02 00 00"
                }) {
            byte[] data = blocks(cdb.hashCode(), cdb.hashCode() >> 8);
            long syncs = unit.backend().statistics().syncs();
            assertTrue(unit.run(cdb, data).good());
            assertArrayEquals(data, read());
            assertEquals(syncs + 1, unit.backend().statistics().syncs(), "on stable storage");
        }
        assertEquals("5/24/00", unit.run("2e 04 00 00 00 03 00 00 02 00", blocks(1, 1)).code());
        assertEquals("5/21/00", unit.run("2e 00 00 00 08 00 00 00 01 00").code());
        assertTrue(unit.run("2e 00 00 00 00 03 00 00 00 00").good());
    }

    @Test
    void fetches() throws IOException {
        ByteBuf written = Unpooled.directBuffer().writeBytes(blocks(9, 9));
        unit.backend().write(3 * BLOCK, written);
        written.release();
        assertTrue(unit.run("34 00 00 00 00 03 00 00 02 00").good());
        assertTrue(unit.run("34 02 00 00 00 03 00 00 00 00").good());
        assertTrue(unit.run("90 00 00 00 00 00 00 00 00 03 00 00 00 02 00 00").good());
        assertEquals("5/21/00", unit.run("34 00 00 00 08 00 00 00 01 00").code());
        assertEquals("5/21/00", unit.run("34 00 00 00 07 ff 00 00 02 00").code());
        assertArrayEquals(blocks(9, 9), read());
    }

    @Test
    void hasNoDefects() {
        assertArrayEquals(
                ServedUnit.hex("00 1d 00 00"), unit.run("37 00 1d 00 00 00 00 ff ff 00").data());
        assertArrayEquals(
                ServedUnit.hex("00 18 00 00 00 00 00 00"),
                unit.run("b7 18 00 00 00 00 00 00 00 40 00 00").data());
    }
}
