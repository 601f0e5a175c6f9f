package io.lunkeeper.target.scsi;

import static io.lunkeeper.target.scsi.CopyLists.cscd;
import static io.lunkeeper.target.scsi.CopyLists.longList;
import static io.lunkeeper.target.scsi.CopyLists.segment;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.scsi.ServedUnit.Reply;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Copies that go on after their status (IMMED), and COPY OPERATION ABORT.
class BackgroundCopyTest {
    private static final int MIB = 1 << 20;
    private static final int MIB_BLOCKS = MIB / 512;
    private static final int IDENTIFIER = 7;
    private static final int FLAGS_BYTE = 1;
    private static final int IMMED_BYTE = 15;
    private static final String STATUS = "84 05 %08x 00000000 000000ff 0000".formatted(IDENTIFIER);
    private static final String INFORMATION =
            "84 07 %08x 00000000 00000400 0000".formatted(IDENTIFIER);
    private static final String ABORT = "83 1c %08x 000000000000 00000000".formatted(IDENTIFIER);
    private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(60);

    // COPY OPERATION STATUS
    private static final int COMPLETED = 0x01;
    private static final int FAILED = 0x02;
    private static final int IN_FOREGROUND = 0x11;
    private static final int IN_BACKGROUND = 0x12;
    private static final int TERMINATED = 0x60;

    @TempDir Path directory;
    @AutoClose private ServedTarget target;

    @BeforeEach
    void serve() throws IOException {
        target = new ServedTarget(directory, "iqn.2026-11.io.lunkeeper:one");
    }

    /// Three segments of a MiB each, from LUN 0 to LUN 1.
    private byte[] list(int immediate) {
        byte[] list =
                longList(
                        IDENTIFIER,
                        List.of(cscd(target.identity(0), 512), cscd(target.identity(1), 512)),
                        List.of(
                                segment(0, 0, 1, MIB_BLOCKS, 0, 0),
                                segment(0, 0, 1, MIB_BLOCKS, MIB_BLOCKS, MIB_BLOCKS),
                                segment(0, 0, 1, MIB_BLOCKS, 2 * MIB_BLOCKS, 2 * MIB_BLOCKS)));
        list[IMMED_BYTE] = (byte) immediate;
        return list;
    }

    private Reply copy(Nexus from, byte[] list) {
        return target.run(from, 0, CopyLists.cdb(1, list.length), list);
    }

    private Reply copy(byte[] list) {
        return copy(target.nexus(), list);
    }

    /// Keeps pieces to LUN 1 from being moved.
    private Erased.Hold hold() {
        return new Erased.Hold(target.backend(1));
    }

    private ByteBuffer status() {
        return ByteBuffer.wrap(target.run(0, STATUS).data());
    }

    private ByteBuffer awaitEnd(int lun, String cdb) {
        long began = System.nanoTime();
        ByteBuffer status = ByteBuffer.wrap(target.run(lun, cdb).data());
        while (status.get(5) == IN_BACKGROUND) {
            assertTrue(System.nanoTime() - began < LIMIT_NANOS, "it never ends");
            Thread.onSpinWait();
            status = ByteBuffer.wrap(target.run(lun, cdb).data());
        }
        return status;
    }

    /// Begins a step of a command that waits for the end of another.
    private static CompletableFuture<Outcome> begin(Outcome outcome) {
        CompletableFuture<Outcome> next = new CompletableFuture<>();
        Outcome.AwaitedStep step =
                switch (outcome) {
                    case Outcome.Watching watching -> watching.step();
                    case Outcome other ->
                            assertInstanceOf(Outcome.Awaiting.class, other, other::toString).step();
                };
        step.begin(next::complete);
        return next;
    }

    private CompletableFuture<Outcome> abort() {
        return begin(target.execute(target.nexus(), 0, ABORT));
    }

    // ---- from beginning to end

    @Test
    void goesOnAfterItsStatusAndTellsHowFarItIs() throws IOException {
        byte[] bytes = target.fill(0, 0, 3 * MIB, 1);
        try (Erased.Hold hold = hold()) {
            assertTrue(copy(list(1)).good());
            ByteBuffer running = status();
            assertEquals(IN_BACKGROUND, running.get(5));
            int delay = running.getInt(8);
            assertTrue(delay >= 10 && delay <= 1000, () -> "" + delay);
            assertEquals(0, running.getLong(16));
            assertEquals(1, running.getShort(24), "the one that is being processed counts");
            assertEquals("5/00/16", copy(list(1)).code());
            target.assertUntouched(1);
            hold.release();
        }
        ByteBuffer ended = awaitEnd(0, STATUS);
        assertEquals(COMPLETED, ended.get(5));
        assertEquals(3, ended.getShort(6), "pieces");
        assertEquals(0xffff_fffe, ended.getInt(8));
        assertEquals(3 * MIB, ended.getLong(16));
        assertEquals(3, ended.getShort(24));
        assertArrayEquals(bytes, target.read(1, 0, 3 * MIB));
        assertTrue(copy(list(1)).good(), "the identifier is free again");
        awaitEnd(0, STATUS);
    }

    /// No error is told of but to whoever asks.
    @Test
    void whatItFailsWithIsKept() throws IOException {
        target.fill(0, 0, 3 * MIB, 1);
        Nexus other = target.attach("other,i,0x1");
        assertTrue(target.run(other, 1, "16 00 00 00 00 00", new byte[0]).good());
        assertTrue(copy(list(1)).good());
        ByteBuffer failed = awaitEnd(0, STATUS);
        assertEquals(FAILED, failed.get(5));
        assertEquals(2, failed.get(12), "CHECK CONDITION");
        assertEquals(20, failed.get(13), "a multiple of four");
        assertEquals(18, failed.get(14));
        assertEquals(0x0a, failed.get(32 + 2));
        assertEquals(0x0d01, failed.getShort(32 + 12));
        target.assertUntouched(1);
        assertTrue(target.run(0, "00 00").good());
    }

    @Test
    void aSegmentThatCannotBeginFailsItToo() {
        byte[] list = list(1);
        ByteBuffer.wrap(list).putShort(48 + 64 + 6, (short) 9);
        assertTrue(copy(list).good());
        assertEquals(FAILED, awaitEnd(0, STATUS).get(5));
    }

    @Test
    void nobodyCouldAskForOneWithoutAnIdentifier() {
        byte[] list = list(1);
        list[FLAGS_BYTE] = 0x18;
        ByteBuffer.wrap(list).putInt(20, 0);
        assertEquals("800001", copy(list).pointer());
        list[IMMED_BYTE] = 0;
        assertTrue(copy(list).good());
    }

    @Test
    void thereAreOnlySoManyAtATime() throws IOException {
        target.fill(0, 0, 3 * MIB, 1);
        try (Erased.Hold hold = hold()) {
            for (int i = 0; i < CopyLimits.MAX_CONCURRENT_COPIES; i++) {
                byte[] list = list(1);
                ByteBuffer.wrap(list).putInt(20, 100 + i);
                assertTrue(copy(list).good());
            }
            assertEquals(8, copy(list(1)).status());
            hold.release();
        }
        CompletableFuture<String> ended = new CompletableFuture<>();
        target.server().endCopies(target.nexus(), () -> ended.complete("all"));
        assertEquals("all", ended.join());
        assertTrue(copy(list(1)).good());
        awaitEnd(0, STATUS);
    }

    @ParameterizedTest
    @CsvSource({"0, 10", "9, 10", "11, 11", "999, 999", "1001, 1000", "86400000, 1000"})
    void askingAgainIsAdvisedAfterAsLongAsItTakesAlready(long ageMillis, int delayMillis) {
        long age = TimeUnit.MILLISECONDS.toNanos(ageMillis);
        assertEquals(delayMillis, CopyResults.delayMillis(age));
    }

    // ---- tokens

    /// @param flags IMMED
    private byte[] populating(int flags) {
        return ByteBuffer.allocate(32)
                .putShort((short) 30)
                .put(2, (byte) flags)
                .putShort(14, (short) 16)
                .putInt(24, 3 * MIB_BLOCKS)
                .array();
    }

    /// Writes all that a token stands for.
    ///
    /// @param made what RECEIVE ROD TOKEN INFORMATION has said
    private static byte[] using(byte[] made) {
        return ByteBuffer.allocate(552)
                .putShort((short) 550)
                .put(2, (byte) 1)
                .put(16, made, 38, 512)
                .putShort(534, (short) 16)
                .putInt(544, 3 * MIB_BLOCKS)
                .array();
    }

    private String token(int serviceAction, int length) {
        return "83 %02x 00000000 %08x %08x 0000".formatted(serviceAction, IDENTIFIER, length);
    }

    @Test
    void writesWhatATokenStandsForAfterItsStatus() throws IOException {
        byte[] bytes = target.fill(0, 0, 3 * MIB, 1);
        byte[] populating = populating(1);
        assertTrue(target.run(target.nexus(), 0, token(0x10, 32), populating).good());
        byte[] made = target.run(0, INFORMATION).data();
        assertEquals(COMPLETED, made[5], "a token is there at once");
        byte[] list = using(made);
        try (Erased.Hold hold = hold()) {
            assertTrue(target.run(target.nexus(), 1, token(0x11, 552), list).good());
            assertEquals(IN_BACKGROUND, target.run(1, INFORMATION).data()[5]);
            hold.release();
        }
        ByteBuffer ended = awaitEnd(1, INFORMATION);
        assertEquals(COMPLETED, ended.get(5));
        assertEquals(3 * MIB_BLOCKS, ended.getLong(16));
        assertEquals(0, ended.getShort(24), "there are no segments");
        assertArrayEquals(bytes, target.read(1, 0, 3 * MIB));
    }

    @Test
    void aWriteMeanwhileRevokesTheTokenAndIsTold() throws IOException {
        target.fill(0, 0, 3 * MIB, 1);
        assertTrue(target.run(target.nexus(), 0, token(0x10, 32), populating(0)).good());
        byte[] made = target.run(0, INFORMATION).data();
        byte[] list = using(made);
        try (Erased.Hold hold = hold()) {
            assertTrue(target.run(target.nexus(), 1, token(0x11, 552), list).good());
            target.fill(0, 0, 4096, 2);
            hold.release();
        }
        ByteBuffer failed = awaitEnd(1, INFORMATION);
        assertEquals(FAILED, failed.get(5));
        assertEquals(0x2306, failed.getShort(32 + 12), "TOKEN REVOKED");
        assertEquals(0, failed.getLong(16));
    }

    // ---- ends before its time

    @Test
    void theStatusOfAnAbortSaysThatItHasStopped() throws IOException {
        target.fill(0, 0, 3 * MIB, 1);
        try (Erased.Hold hold = hold()) {
            assertTrue(copy(list(1)).good());
            CompletableFuture<Outcome> aborted = abort();
            assertFalse(aborted.isDone(), "a piece is queued");
            assertEquals(IN_BACKGROUND, status().get(5));
            hold.release();
            assertEquals(Outcome.Status.GOOD, aborted.join());
        }
        ByteBuffer ended = status();
        assertEquals(TERMINATED, ended.get(5));
        assertEquals(0x40, ended.get(12), "TASK ABORTED");
        assertEquals(0, ended.getShort(13), "no sense data");
        target.assertUntouched(1);
        assertEquals("c00002", target.run(0, ABORT).pointer());
    }

    @Test
    void onlyTheNexusThatBeganItCanAbortIt() throws IOException {
        target.fill(0, 0, 3 * MIB, 1);
        Nexus other = target.attach("other,i,0x1");
        try (Erased.Hold hold = hold()) {
            assertTrue(copy(list(1)).good());
            assertEquals("5/24/00", target.run(other, 0, ABORT, new byte[0]).code());
            assertEquals("5/24/00", target.run(1, ABORT).code());
            hold.release();
        }
        assertEquals(COMPLETED, awaitEnd(0, STATUS).get(5));
        assertEquals("5/24/00", target.run(0, ABORT).code(), "it has ended");
    }

    /// Between two pieces, and its command is told.
    @Test
    void aCopyWhoseCommandWaitsForItIsAbortedToo() throws IOException {
        target.fill(0, 0, 3 * MIB, 1);
        byte[] list = list(0);
        Outcome received =
                assertInstanceOf(
                                Outcome.ReceiveParameters.class,
                                target.execute(target.nexus(), 0, CopyLists.cdb(1, list.length)))
                        .next()
                        .received(Unpooled.wrappedBuffer(list), list.length);
        Outcome afterOne = begin(received).join();
        CompletableFuture<Outcome> aborted = abort();
        assertEquals(IN_FOREGROUND, status().get(5));
        Reply reply = ServedUnit.drive(target.server(), 0, afterOne, new byte[0]);
        assertEquals("a/2f/02", reply.code());
        assertEquals(Outcome.Status.GOOD, aborted.join());
        assertEquals(TERMINATED, status().get(5));
        assertArrayEquals(new byte[2 * MIB], target.read(1, MIB, 2 * MIB));
    }

    private void assertEndsUntouched(Erased.Hold hold) throws IOException {
        CompletableFuture<String> ended = new CompletableFuture<>();
        target.server().endCopies(target.nexus(), () -> ended.complete("all"));
        assertFalse(ended.isDone(), "a piece is queued");
        hold.release();
        assertEquals("all", ended.join());
        target.assertUntouched(1);
    }

    @Test
    void endsWithItsNexus() throws IOException {
        target.fill(0, 0, 3 * MIB, 1);
        try (Erased.Hold hold = hold()) {
            assertTrue(copy(list(1)).good());
            assertEndsUntouched(hold);
        }
    }

    /// A queued piece does not move any more once those that have begun have ended.
    @ParameterizedTest
    @ValueSource(strings = {"reset", "removal", "preempt"})
    void endsWithWhateverEndsTheTasksOfItsUnit(String event) throws IOException {
        target.fill(0, 0, 3 * MIB, 1);
        Nexus other = target.attach("other,i,0x1");
        byte[] register = ByteBuffer.allocate(24).putLong(8, 1).array();
        byte[] otherKey = ByteBuffer.allocate(24).putLong(8, 2).array();
        byte[] preempt = ByteBuffer.allocate(24).putLong(2).putLong(1).array();
        String registering = "5f 00 00 00 00 00 00 00 18 00";
        assertTrue(target.run(target.nexus(), 0, registering, register).good());
        assertTrue(target.run(other, 0, registering, otherKey).good());
        try (Erased.Hold hold = hold()) {
            assertTrue(copy(list(1)).good());
            switch (event) {
                case "reset" -> target.server().resetUnit(LunField.of(0));
                case "removal" -> target.server().remove(0, () -> {});
                default ->
                        assertTrue(
                                target.run(other, 0, "5f 05 00 00 00 00 00 00 18 00", preempt)
                                        .good());
            }
            CompletableFuture<String> rest = new CompletableFuture<>();
            target.server().whenCopiesRest(() -> rest.complete("now"));
            assertTrue(rest.isDone(), "no piece has begun");
            assertEndsUntouched(hold);
        }
        byte[] bytes = target.read(0, 0, 3 * MIB);
        assertFalse(Arrays.equals(new byte[3 * MIB], bytes));
    }
}
