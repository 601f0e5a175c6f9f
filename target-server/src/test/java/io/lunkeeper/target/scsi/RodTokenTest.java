package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.RangeWatches;
import io.lunkeeper.target.scsi.ServedUnit.Reply;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// POPULATE TOKEN, WRITE USING TOKEN and RECEIVE ROD TOKEN INFORMATION.
class RodTokenTest {
    private static final int MIB = 1 << 20;
    private static final int MIB_BLOCKS = MIB / 512;
    private static final int TOKEN_AT = 38;
    private static final long NANOS = 1_000_000_000L;
    private static final String STATUS = "84 07 %08x 00000000 00000400 0000";

    @TempDir Path directory;
    @AutoClose private ServedTarget target;

    @BeforeEach
    void serve() throws IOException {
        target = new ServedTarget(directory, "iqn.2026-11.io.lunkeeper:one");
    }

    private static String cdb(int serviceAction, int listIdentifier, int length) {
        return "83 %02x 00000000 %08x %08x 0000".formatted(serviceAction, listIdentifier, length);
    }

    /// @param ranges pairs of an LBA and a number of blocks
    private static byte[] withRanges(ByteBuffer header, long... ranges) {
        ByteBuffer list = ByteBuffer.allocate(header.capacity() + 8 * ranges.length);
        list.put(header.clear());
        list.putShort(0, (short) (list.capacity() - 2));
        list.putShort(header.capacity() - 2, (short) (8 * ranges.length));
        for (int i = 0; i < ranges.length; i += 2) {
            list.putLong(ranges[i]).putInt((int) ranges[i + 1]).putInt(0);
        }
        return list.array();
    }

    private static byte[] populating(int timeoutSeconds, long... ranges) {
        return withRanges(ByteBuffer.allocate(16).putInt(4, timeoutSeconds), ranges);
    }

    private static byte[] writing(byte[] token, long offset, long... ranges) {
        return withRanges(ByteBuffer.allocate(536).putLong(8, offset).put(16, token), ranges);
    }

    private Reply populate(Nexus from, int lun, byte[] list) {
        return target.run(from, lun, cdb(0x10, 1, list.length), list);
    }

    private byte[] tokenOf(int lun, long... ranges) {
        return tokenOf(target.nexus(), lun, ranges);
    }

    private byte[] tokenOf(Nexus from, int lun, long... ranges) {
        Reply reply = populate(from, lun, populating(0, ranges));
        assertTrue(reply.good(), reply::code);
        byte[] data = target.run(from, lun, STATUS.formatted(1), new byte[0]).data();
        assertEquals(TOKEN_AT + 512, data.length);
        return Arrays.copyOfRange(data, TOKEN_AT, data.length);
    }

    private Reply write(Nexus from, int lun, byte[] list) {
        return target.run(from, lun, cdb(0x11, 2, list.length), list);
    }

    private Reply write(int lun, byte[] list) {
        return write(target.nexus(), lun, list);
    }

    // ---- what is copied

    @Test
    void writesWhatTheTokenStandsFor() throws IOException {
        byte[] first = target.fill(0, 0, 3 * MIB, 1);
        byte[] second = target.fill(0, 5 * MIB, MIB, 2);
        byte[] token = tokenOf(0, 0, 3 * MIB_BLOCKS, 5 * MIB_BLOCKS, MIB_BLOCKS);
        byte[] all = Arrays.copyOf(first, 4 * MIB);
        System.arraycopy(second, 0, all, 3 * MIB, MIB);
        byte[] list = writing(token, 5, 16, MIB_BLOCKS, 4 * MIB_BLOCKS, 3 * MIB_BLOCKS - 5);
        assertTrue(write(1, list).good());
        assertArrayEquals(
                Arrays.copyOfRange(all, 5 * 512, 5 * 512 + MIB), target.read(1, 16 * 512, MIB));
        assertArrayEquals(
                Arrays.copyOfRange(all, 5 * 512 + MIB, 4 * MIB),
                target.read(1, 4 * MIB, 3 * MIB - 5 * 512));
        byte[] status = target.run(1, STATUS.formatted(2)).data();
        assertEquals("00000020" + "11" + "01", HexFormat.of().formatHex(status, 0, 6));
        assertEquals((byte) 0xf1, status[15]);
        assertEquals(4 * MIB_BLOCKS - 5, ByteBuffer.wrap(status).getLong(16));
        assertEquals("00000000", HexFormat.of().formatHex(status, 32, 36));
        assertTrue(write(0, writing(token, 0, 4 * MIB_BLOCKS, 8)).good(), "again, within the unit");
    }

    @Test
    void aTokenDoesNotOutliveAPowerOn() throws IOException {
        target.fill(0, 0, 4096, 1);
        byte[] token = tokenOf(0, 0, 8);
        assertTrue(write(1, writing(token, 0, 0, 8)).good());
        target.server().powerOn();
        assertEquals("5/23/04", write(1, writing(token, 0, 0, 8)).code());
    }

    @Test
    void theTokenIsLaidOutAsTheStandardsSay() {
        byte[] token = tokenOf(0, 16, 2 * MIB_BLOCKS);
        String hex = HexFormat.of().formatHex(token);
        assertEquals("00800001" + "0000" + "01f8", hex.substring(0, 16));
        String naa = target.identity(0).names().getFirst().digits();
        assertEquals(
                "e4000000" + "01030008" + naa + "0".repeat(24) + "00000200", hex.substring(32, 96));
        assertEquals("0".repeat(16) + "%016x".formatted(2 * MIB), hex.substring(96, 128));
        assertEquals("00000200" + "00" + "03" + "c000", hex.substring(192, 208));
        byte[] name = "iqn.2026-11.io.lunkeeper:one".getBytes(StandardCharsets.UTF_8);
        assertEquals("53a8", hex.substring(256, 260));
        assertArrayEquals(name, Arrays.copyOfRange(token, 132, 132 + name.length));
        byte[] status = target.run(0, STATUS.formatted(1)).data();
        assertEquals("00000222" + "10" + "01", HexFormat.of().formatHex(status, 0, 6));
        assertEquals(2 * MIB_BLOCKS, ByteBuffer.wrap(status).getLong(16));
        assertEquals("00000202" + "0000", HexFormat.of().formatHex(status, 32, 38));
        assertEquals("c00002", target.run(0, STATUS.formatted(7)).pointer());
    }

    @Test
    void zerosAreWrittenFromATokenThatEverybodyHas() throws IOException {
        target.fill(1, 0, 2 * MIB, 1);
        byte[] zero =
                ByteBuffer.allocate(512).putInt(RodToken.ZERO).putShort(6, (short) 504).array();
        assertTrue(write(1, writing(zero, 0, 8, MIB_BLOCKS, 2 * MIB_BLOCKS, 1)).good());
        assertArrayEquals(new byte[MIB], target.read(1, 8 * 512, MIB));
        assertEquals(1, target.read(1, 0, 1)[0]);
        byte[] status = target.run(1, STATUS.formatted(2)).data();
        assertEquals(MIB_BLOCKS + 1, ByteBuffer.wrap(status).getLong(16));
        Nexus other = target.attach("other,i,0x1");
        assertTrue(target.run(other, 1, "16 00 00 00 00 00", new byte[0]).good());
        assertEquals(0x18, write(1, writing(zero, 0, 0, 8)).status());
        assertNotEquals(0, target.read(1, 0, 1)[0]);
    }

    // ---- whom it is kept from

    /// Every single bit counts.
    @Test
    void aTokenCannotBeForged() throws IOException {
        target.fill(0, 0, 4096, 1);
        byte[] token = tokenOf(0, 0, 8);
        for (int bit = 0; bit < 512 * 8; bit++) {
            byte[] forged = token.clone();
            forged[bit / 8] ^= (byte) (1 << bit % 8);
            String code = write(1, writing(forged, 0, 0, 8)).code();
            boolean reserved = bit / 8 == 4 || bit / 8 == 5;
            String expected =
                    bit < 32 ? "5/23/01" : bit / 8 >= 6 && bit / 8 < 8 ? "5/23/0a" : "5/23/04";
            assertEquals(reserved ? "5/23/04" : expected, code, "bit " + bit);
        }
        target.assertUntouched(1);
        assertTrue(write(1, writing(token, 0, 0, 8)).good());
    }

    @Test
    void tokensDiffer() {
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < 20; i++) {
            byte[] token = tokenOf(0, 0, 8);
            assertTrue(seen.add(HexFormat.of().formatHex(token, 448, 512)));
            assertTrue(seen.add(HexFormat.of().formatHex(token, 8, 16)));
        }
    }

    @Test
    void aTokenOfAnotherTargetIsUnknown() throws IOException {
        try (ServedTarget other = new ServedTarget(directory, "iqn.2026-11.io.lunkeeper:other")) {
            other.fill(0, 0, 4096, 1);
            byte[] token = tokenOf(0, 0, 8);
            byte[] list = writing(token, 0, 0, 8);
            Reply reply = other.run(other.nexus(), 1, cdb(0x11, 2, list.length), list);
            assertEquals("5/23/04", reply.code());
            other.assertUntouched(1);
        }
    }

    @Test
    void aTokenIsWorthNothingToWhoCannotAddressItsUnit() throws IOException {
        target.fill(0, 0, 4096, 1);
        byte[] token = tokenOf(0, 0, 8);
        Nexus gone = target.attach("gone,i,0x1");
        target.server().detach(gone);
        assertEquals("5/23/04", write(gone, 1, writing(token, 0, 0, 8)).code());
        Nexus other = target.attach("other,i,0x1");
        assertTrue(write(other, 1, writing(token, 0, 0, 8)).good());
        CompletableFuture<String> removed = new CompletableFuture<>();
        target.server().remove(0, () -> removed.complete("at rest"));
        assertEquals("at rest", removed.join());
        assertEquals("6/3f/0e", target.run(1, "00 00").code());
        assertEquals("5/23/04", write(1, writing(token, 0, 0, 8)).code());
        target.server().forget(0);
    }

    @Test
    void aTokenIsWorthNothingToWhoDoesNotSeeItsUnit() throws IOException {
        target.fill(0, 0, 4096, 1);
        byte[] token = tokenOf(0, 0, 8);
        Nexus masked = target.attach("masked,i,0x1", LunMap.of(Map.of(1, 1)));
        assertEquals("5/23/04", write(masked, 1, writing(token, 0, 0, 8)).code());
        target.assertUntouched(1);
        Nexus seeing = target.attach("seeing,i,0x1", LunMap.of(Map.of(0, 0, 1, 1)));
        assertTrue(write(seeing, 1, writing(token, 0, 0, 8)).good());
    }

    /// Reading through a token is a READ of the source, writing a WRITE of the destination.
    @ParameterizedTest
    @CsvSource({"0, 3, a/0d/01", "0, 1, good", "1, 3, status 18", "1, 1, status 18"})
    void reservationsOfOthersKeepItOut(int reserved, int type, String outcome) throws IOException {
        byte[] bytes = target.fill(0, 0, 4096, 1);
        byte[] token = tokenOf(0, 0, 8);
        Nexus other = target.attach("other,i,0x1");
        byte[] register = ByteBuffer.allocate(24).putLong(8, 1).array();
        byte[] reserve = ByteBuffer.allocate(24).putLong(1).array();
        String reserving = "5f 01 %02x 00 00 00 00 00 18 00".formatted(type);
        assertTrue(target.run(other, reserved, "5f 00 00 00 00 00 00 00 18 00", register).good());
        assertTrue(target.run(other, reserved, reserving, reserve).good());
        Reply reply = write(1, writing(token, 0, 0, 8));
        assertEquals(outcome, reply.good() ? "good" : reply.code());
        assertArrayEquals(reply.good() ? bytes : new byte[4096], target.read(1, 0, 4096));
    }

    // ---- the point in time

    @ParameterizedTest
    @CsvSource({
        "2a 00 00 00 00 0f 00 00 01 00, 512",
        "41 00 00 00 00 0f 00 00 01 00, 512",
        "93 09 00 00 00 00 00 00 00 0f 00 00 00 01 00 00, 0",
        "42 00 00 00 00 00 00 00 18 00, 24",
        "8b 00 00 00 00 00 00 00 00 0f 00 00 00 01 00 00, 512",
    })
    void aTokenOfBlocksThatWereWrittenIsRevoked(String change, int bytes) throws IOException {
        target.fill(0, 0, 8192, 1);
        byte[] token = tokenOf(0, 0, 8, 15, 1);
        byte[] data = new byte[bytes];
        Arrays.fill(data, (byte) 5);
        if (bytes == 24) {
            data =
                    ServedUnit.hex(
                            "00160010" + "00000000" + "000000000000000f" + "00000001" + "00000000");
        }
        byte[] beside = change.startsWith("2a") ? new byte[512] : null;
        if (beside != null) {
            assertTrue(
                    target.run(target.nexus(), 0, "2a 00 00 00 00 0e 00 00 01 00", beside).good());
            assertTrue(write(1, writing(token, 0, 0, 9)).good(), "beside it");
        }
        assertTrue(target.run(target.nexus(), 0, change, data).good());
        assertEquals("5/23/06", write(1, writing(token, 0, 64, 8)).code());
        assertArrayEquals(new byte[4096], target.read(1, 64 * 512, 4096));
    }

    /// What is written meanwhile is noticed before the status.
    @Test
    void aWriteWhileTheTokenIsUsedRevokesIt() throws IOException {
        target.fill(0, 0, 3 * MIB, 1);
        byte[] list = writing(tokenOf(0, 0, 3 * MIB_BLOCKS), 0, 0, 3 * MIB_BLOCKS);
        Outcome first = target.execute(target.nexus(), 1, cdb(0x11, 2, list.length));
        Outcome waiting =
                assertInstanceOf(Outcome.ReceiveParameters.class, first)
                        .next()
                        .received(Unpooled.wrappedBuffer(list), list.length);
        CompletableFuture<Outcome> next = new CompletableFuture<>();
        assertInstanceOf(Outcome.Awaiting.class, waiting).step().begin(next::complete);
        Outcome afterOne = next.join();
        String change = "2a 00 00 00 00 00 00 00 01 00";
        assertTrue(target.run(target.nexus(), 0, change, new byte[512]).good());
        Reply reply = ServedUnit.drive(target.server(), 0, afterOne, new byte[0]);
        assertEquals("5/23/06", reply.code());
        byte[] status = target.run(1, STATUS.formatted(2)).data();
        assertEquals(0x02, status[5]);
        assertEquals(MIB_BLOCKS, ByteBuffer.wrap(status).getLong(16), "one piece was right");
        assertArrayEquals(new byte[MIB], target.read(1, 2 * MIB, MIB));
    }

    // ---- how long it lives

    private RodToken.Content content() {
        LogicalUnit unit = target.server().addressableBy(target.nexus()).getFirst();
        return new RodToken.Content(
                unit,
                List.of(new BlockRange(0, 8)),
                unit.backend().watches().watch(List.of(new RangeWatches.Range(0, 4096))));
    }

    private static String redeem(RodTokens tokens, RodToken token) {
        List<LogicalUnit> among = List.of(token.content().source());
        return switch (tokens.redeem(token.bytes(), among)) {
            case RodTokens.Redeemed.Valid(RodToken valid) -> {
                tokens.release(valid, false);
                yield "valid";
            }
            case RodTokens.Redeemed.Refused(Sense sense) ->
                    "%04x".formatted(sense.additionalSense());
        };
    }

    @Test
    void aTokenExpiresWhenItIsNotUsed() {
        AtomicLong now = new AtomicLong(Long.MAX_VALUE - NANOS);
        RodTokens tokens = new RodTokens("iqn.x", now::get);
        RodToken token = tokens.create("p", content(), 60).orElseThrow();
        now.addAndGet(60 * NANOS);
        assertEquals("valid", redeem(tokens, token));
        now.addAndGet(60 * NANOS);
        assertEquals("valid", redeem(tokens, token), "use counts");
        now.addAndGet(60 * NANOS + 1);
        assertEquals("2307", redeem(tokens, token));
        assertEquals("2304", redeem(tokens, token), "replayed");
        assertEquals(false, token.unchanged(), "nobody watches for it any more");
    }

    @Test
    void aTokenInUseDoesNotExpireAndADeletedOneIsGone() {
        AtomicLong now = new AtomicLong();
        RodTokens tokens = new RodTokens("iqn.x", now::get);
        RodToken token = tokens.create("p", content(), 1).orElseThrow();
        List<LogicalUnit> among = List.of(token.content().source());
        tokens.redeem(token.bytes(), among);
        now.addAndGet(100 * NANOS);
        assertEquals("valid", redeem(tokens, token));
        tokens.release(token, true);
        assertEquals("2304", redeem(tokens, token));
        assertEquals(false, token.unchanged());
    }

    @Test
    void thereAreOnlySoManyTokens() {
        RodTokens tokens = new RodTokens("iqn.x", () -> 0);
        RodToken first = tokens.create("a", content(), 60).orElseThrow();
        RodToken second = tokens.create("a", content(), 60).orElseThrow();
        for (int i = 2; i <= RodTokens.MAX_OF_PORT; i++) {
            assertTrue(tokens.create("a", content(), 60).isPresent());
        }
        assertEquals("2304", redeem(tokens, first), "the eldest gives way");
        assertEquals("valid", redeem(tokens, second));
        IntStream.range(0, RodTokens.MAX_TOKENS - RodTokens.MAX_OF_PORT)
                .forEach(i -> assertTrue(tokens.create("p" + i, content(), 60).isPresent()));
        assertTrue(tokens.create("z", content(), 60).isEmpty());
        assertTrue(tokens.create("a", content(), 60).isPresent(), "in place of its own");
    }

    @Test
    void deletesATokenWhenItIsAskedTo() throws IOException {
        target.fill(0, 0, 4096, 1);
        byte[] list = writing(tokenOf(0, 0, 8), 0, 0, 8);
        list[2] = 2;
        assertTrue(write(1, list).good());
        assertEquals("5/23/04", write(1, list).code());
    }

    // ---- lists that are wrong

    @ParameterizedTest
    @CsvSource({
        // a byte of POPULATE TOKEN's list, its value, the sense, the field
        "0, 0x01, 5/1a/00, 000000",
        "1, 0x0d, 5/26/00, 800000",
        "5, 0x01, 5/26/00, 800004",
        "15, 0x20, 5/1a/00, 000000",
        "15, 0x0f, 5/26/00, 80000e",
        "16, 0x80, 5/21/00, 000000",
        "27, 0x00, 5/26/00, 80000e",
        "24, 0x01, 5/21/00, 000000",
    })
    void populateTokenRefusesWhatIsWrong(int at, String value, String code, String pointer) {
        byte[] list = populating(0, 8, 8);
        list[at] = Integer.decode(value).byteValue();
        Reply reply = populate(target.nexus(), 0, list);
        assertEquals(code, reply.code());
        assertEquals(pointer, reply.pointer());
    }

    @Test
    void populateTokenTakesOnlyItsOwnTypeAndRangesApart() {
        byte[] list = populating(0, 8, 8);
        list[2] = 2;
        assertEquals("800008", populate(target.nexus(), 0, list).pointer());
        ByteBuffer.wrap(list).putInt(8, RodToken.CHANGE_VULNERABLE);
        assertTrue(populate(target.nexus(), 0, list).good());
        byte[] overlapping = populating(0, 8, 8, 15, 8);
        assertEquals("800020", populate(target.nexus(), 0, overlapping).pointer());
        long[] most = new long[2 * CopyLimits.MAX_RANGES + 2];
        for (int i = 0; i < most.length; i += 2) {
            most[i] = i;
            most[i + 1] = 1;
        }
        assertEquals("5/26/08", populate(target.nexus(), 0, populating(0, most)).code());
        long[] allowed = Arrays.copyOf(most, most.length - 2);
        assertTrue(populate(target.nexus(), 0, populating(0, allowed)).good());
        assertTrue(populate(target.nexus(), 0, new byte[0]).good());
        assertEquals("5/1a/00", populate(target.nexus(), 0, new byte[15]).code());
    }

    @ParameterizedTest
    @CsvSource({
        // offset, lba, blocks, the sense
        "8, 0, 1, 5/26/00",
        "-1, 0, 1, 5/26/00",
        "0, 16383, 2, 5/21/00",
        "0, 0, 0, 5/26/00",
        "7, 0, 1, good",
        "0, 0, 8, good",
    })
    void writeUsingTokenStaysWithinTheTokenAndTheMedium(
            long offset, long lba, long blocks, String outcome) throws IOException {
        byte[] token = tokenOf(0, 0, 8);
        Reply reply = write(1, writing(token, offset, lba, blocks));
        assertEquals(outcome, reply.good() ? "good" : reply.code());
    }

    /// SBC-3, WRITE USING TOKEN parameter list: as many whole blocks as possible.
    @ParameterizedTest
    @CsvSource({"0, 9, 8", "1, 8, 7", "7, 100, 1"})
    void beyondTheEndOfTheTokenNothingIsWritten(int offset, int asked, int written)
            throws IOException {
        byte[] bytes = target.fill(0, 0, 4096, 1);
        byte[] token = tokenOf(0, 0, 8);
        assertTrue(write(1, writing(token, offset, 0, asked)).good());
        byte[] status = target.run(1, STATUS.formatted(2)).data();
        assertEquals(0x03, status[5], "partial ROD token usage");
        assertEquals(written, ByteBuffer.wrap(status).getLong(16));
        byte[] expected = Arrays.copyOfRange(bytes, offset * 512, 4096);
        assertArrayEquals(Arrays.copyOf(expected, 100 * 512), target.read(1, 0, 100 * 512));
    }

    @Test
    void writeUsingTokenRefusesOtherBlocksAndTheTokensOwn() {
        byte[] token = tokenOf(0, 0, 8);
        assertEquals("5/23/00", write(2, writing(token, 0, 0, 1)).code());
        assertEquals("5/23/00", write(0, writing(token, 0, 7, 8)).code());
        assertTrue(write(0, writing(token, 0, 8, 8)).good());
        assertEquals("5/1a/00", write(1, new byte[535]).code());
        assertEquals("800000", write(1, new byte[536]).pointer());
        assertTrue(write(1, new byte[0]).good());
    }
}
