package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.LunBackend;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// What the tests of FORMAT UNIT and SANITIZE say often.
final class Erased {
    /// As many as a LUN may have.
    private static final int MAX_IO_THREADS = 64;

    private static final int PIECE_BYTES = 1 << 20;
    private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(60);

    private Erased() {}

    /// Keeps an operation that has begun from its first step, by taking every I/O thread.
    static final class Hold implements AutoCloseable {
        private final CountDownLatch released = new CountDownLatch(1);

        Hold(ServedUnit unit) {
            this(unit.backend());
        }

        Hold(LunBackend backend) {
            for (int i = 0; i < MAX_IO_THREADS; i++) {
                backend.ioThreads().execute(this::await);
            }
        }

        private void await() {
            try {
                released.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        void release() {
            released.countDown();
        }

        @Override
        public void close() {
            release();
        }
    }

    static void awaitReady(ServedUnit unit) {
        awaitCode(unit, "status 0");
    }

    /// Asks until TEST UNIT READY is answered as expected.
    static void awaitCode(ServedUnit unit, String expected) {
        long began = System.nanoTime();
        String code = unit.run("00 00 00 00 00 00").code();
        while (!code.equals(expected)) {
            assertTrue(System.nanoTime() - began < LIMIT_NANOS, code);
            Thread.onSpinWait();
            code = unit.run("00 00 00 00 00 00").code();
        }
    }

    static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    /// What the medium holds from its first block on.
    static byte[] read(ServedUnit unit, int lengthBytes) {
        ByteBuffer all = ByteBuffer.allocate(lengthBytes);
        while (all.hasRemaining()) {
            int blocks = Math.min(all.remaining(), PIECE_BYTES) / 512;
            String cdb = "88 00 %016x %08x 00 00".formatted(all.position() / 512, blocks);
            ServedUnit.Reply reply = unit.run(cdb);
            assertTrue(reply.good(), reply::code);
            all.put(reply.data());
        }
        return all.array();
    }

    /// The PROVISIONING STATUS of all blocks, which is the same.
    static String provisioning(ServedUnit unit) {
        byte[] data = unit.run("9e 12 0000000000000000 00000100 00 00").data();
        assertEquals(8 + 16, data.length, "one state");
        return HexFormat.of().toHexDigits(data[8 + 12]);
    }
}
