package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lunkeeper.lun.CacheMode;
import io.lunkeeper.target.scsi.ServedUnit.Reply;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// VERIFY, WRITE SAME and UNMAP against a real image, and all commands against a plain array.
class MediumCommandsTest {
    private static final int BLOCK = 512;
    private static final int BLOCKS = 4096;
    private static final int BYTES = BLOCKS * BLOCK;

    @TempDir Path directory;
    @AutoClose private ServedUnit unit;

    @BeforeEach
    void open() throws IOException {
        unit = ServedUnit.open(directory, BYTES);
    }

    private static byte[] random(RandomGenerator random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static String on(String operation, long lba, long blocks) {
        return "%s %016x %08x 0000".formatted(operation, lba, blocks);
    }

    private byte[] read(int lba, int blocks) {
        return unit.run(on("88 00", lba, blocks)).data();
    }

    private static byte[] descriptors(long... lbaAndBlocks) {
        int length = lbaAndBlocks.length / 2 * 16;
        ByteBuffer list = ByteBuffer.allocate(8 + length);
        list.putShort((short) (6 + length)).putShort((short) length).putInt(0);
        for (int i = 0; i < lbaAndBlocks.length; i += 2) {
            list.putLong(lbaAndBlocks[i]).putInt((int) lbaAndBlocks[i + 1]).putInt(0);
        }
        return list.array();
    }

    private Reply unmap(byte[] list) {
        return unit.run("42 00 00 00 00 00 00 %04x 00".formatted(list.length), list);
    }

    private String status(long lba, int allocationLength) {
        Reply reply = unit.run("9e 12 %016x %08x 0000".formatted(lba, allocationLength));
        ByteBuffer data = ByteBuffer.wrap(reply.data());
        StringBuilder runs = new StringBuilder("%d:".formatted(data.getInt()));
        data.position(8);
        while (data.remaining() >= 16) {
            long at = data.getLong();
            runs.append(" %d+%d=%d".formatted(at, data.getInt(), data.getInt() >> 24));
        }
        return runs.toString();
    }

    @Test
    void tellsWhichBlocksAreMappedDeallocatedOrAnchored() {
        assertEquals("20: 0+4096=1", status(0, 1024));
        assertTrue(unit.run(on("8a 00", 64, 16), new byte[16 * BLOCK]).good());
        assertTrue(unit.run("93 18 %016x %08x 0000".formatted(1024, 8), new byte[BLOCK]).good());
        assertTrue(unit.run("35 00 00000000 00 0000 00").good(), "chunks have their space then");
        assertEquals(
                "100: 0+64=2 64+16=0 80+432=2 512+512=1 1024+8=2 1032+3064=1", status(0, 1024));
        assertEquals("84: 70+10=0 80+432=2 512+512=1 1024+8=2 1032+3064=1", status(70, 1024));
        assertEquals("36: 0+64=2 64+16=0", status(0, 8 + 2 * 16));
        assertEquals("5/21/00", unit.run("9e 12 %016x 00000020 0000".formatted(BLOCKS)).code());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 128, 129, 1000})
    void verifiesAllDataAndNamesTheFirstByteThatDiffers(int blocks) {
        RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
        byte[] data = random(random, blocks * BLOCK);
        assertTrue(unit.run(on("8a 00", 3, blocks), data).good());
        assertTrue(unit.run(on("8f 02", 3, blocks), data).good());
        for (int offset : new int[] {0, data.length / 2, data.length - 1}) {
            byte[] other = data.clone();
            other[offset] ^= 1;
            other[data.length - 1] ^= (byte) (offset == data.length - 1 ? 0 : 2);
            Reply reply = unit.run(on("8f 02", 3, blocks), other);
            assertEquals("e/1d/00", reply.code());
            assertEquals(offset, reply.information());
            assertTrue(unit.run(on("8f 00", 3, blocks)).good(), "only reads");
        }
        assertArrayEquals(data, read(3, blocks));
    }

    @Test
    void verifiesOneBlockAgainstMany() {
        byte[] block = new byte[BLOCK];
        Arrays.fill(block, (byte) 0xa5);
        assertTrue(unit.run(on("93 00", 10, 1000), block).good());
        assertTrue(unit.run(on("8f 06", 10, 1000), block).good());
        block[17] = 0;
        assertTrue(unit.run(on("8a 00", 509, 1), block).good());
        block[17] = (byte) 0xa5;
        Reply reply = unit.run(on("8f 06", 10, 1000), block);
        assertEquals("e/1d/00", reply.code());
        assertEquals(499 * BLOCK + 17, reply.information());
        assertEquals("5/0e/03", unit.run(on("8f 06", 10, 10), new byte[BLOCK - 1]).code());
    }

    @Test
    void refusesTheReservedKindOfVerification() {
        Reply reply = unit.run(on("8f 04", 0, 1));
        assertEquals("5/24/00", reply.code());
        assertEquals("ca0001", reply.pointer());
        assertEquals("5/24/00", unit.run(on("8f 04", 0, 0)).code());
    }

    @ParameterizedTest
    @CsvSource({"93 00, 5a", "93 00, 00", "93 08, 5a", "93 08, 00", "93 18, 5a", "93 18, 00"})
    void writesTheSameBlock(String operation, String value) {
        byte[] before = new byte[1010 * BLOCK];
        Arrays.fill(before, (byte) 0x11);
        assertTrue(unit.run(on("8a 00", 0, 1010), before).good());
        byte[] block = new byte[BLOCK];
        Arrays.fill(block, (byte) Integer.parseInt(value, 16));
        assertTrue(unit.run(on(operation, 5, 1000), block).good());
        Arrays.fill(before, 5 * BLOCK, 1005 * BLOCK, block[0]);
        assertArrayEquals(before, read(0, 1010));
    }

    @ParameterizedTest
    @ValueSource(strings = {"93 01", "93 09", "93 19"})
    void writesZerosThatWereNotSent(String operation) {
        byte[] before = new byte[32 * BLOCK];
        Arrays.fill(before, (byte) 0x11);
        assertTrue(unit.run(on("8a 00", 0, 32), before).good());
        assertTrue(unit.run(on(operation, 1, 30)).good());
        Arrays.fill(before, BLOCK, 31 * BLOCK, (byte) 0);
        assertArrayEquals(before, read(0, 32));
    }

    @Test
    void refusesWriteSameThatItCannotDo() {
        byte[] block = new byte[BLOCK];
        assertEquals("cc0001", unit.run(on("93 10", 0, 1), block).pointer());
        assertEquals("cc0001", unit.run("41 10 00000000 00 0001 00", block).pointer());
        assertEquals("c0000a", unit.run(on("93 08", 0, 0), block).pointer());
        assertEquals("c00007", unit.run("41 08 00000000 00 0000 00", block).pointer());
        assertEquals("5/21/00", unit.run(on("93 08", BLOCKS, 1), block).code());
        assertEquals("5/0e/03", unit.run(on("93 08", 0, 1), new byte[BLOCK / 2]).code());
        assertEquals("5/0e/03", unit.run(on("93 08", 0, 1), new byte[BLOCK * 2]).code());
        assertEquals("5/0e/03", unit.run(on("93 00", 0, 1), new byte[0]).code());
    }

    @Test
    void unmapsWhatTheDescriptorsSay() {
        byte[] before = new byte[256 * BLOCK];
        Arrays.fill(before, (byte) 0x11);
        assertTrue(unit.run(on("8a 00", 0, 256), before).good());
        assertTrue(unmap(descriptors(1, 3, 100, 100, 2, 4, 255, 0, BLOCKS, 0)).good());
        Arrays.fill(before, BLOCK, 6 * BLOCK, (byte) 0);
        Arrays.fill(before, 100 * BLOCK, 200 * BLOCK, (byte) 0);
        assertArrayEquals(before, read(0, 256));
        byte[] anchored = descriptors(10, 20);
        assertTrue(unit.run("42 01 00 00 00 00 00 0018 00", anchored).good());
        Arrays.fill(before, 10 * BLOCK, 30 * BLOCK, (byte) 0);
        assertArrayEquals(before, read(0, 256));
    }

    /// Each descriptor alone is less than what the file system gives back.
    @Test
    void descriptorsThatFollowEachOtherGiveBackTheirSpaceTogether() {
        assertTrue(unit.run(on("8a 00", 0, 64), new byte[64 * BLOCK]).good());
        assumeTrue(unmap(descriptors(32, 8)).good() && status(32, 24).endsWith(" 32+8=1"));
        assertTrue(unmap(descriptors(8, 3, 11, 1, 12, 4, 16, 8, 48, 5, 54, 2)).good());
        String runs = status(0, 200);
        assertTrue(runs.contains(" 0+8=0 8+16=1 24+8=0 32+8=1 40+24=0"), runs);
    }

    @Test
    void unmapsNothingUnlessEveryDescriptorIsRight() {
        byte[] before = new byte[8 * BLOCK];
        Arrays.fill(before, (byte) 0x11);
        assertTrue(unit.run(on("8a 00", 0, 8), before).good());
        Reply beyond = unmap(descriptors(0, 8, BLOCKS - 1, 2));
        assertEquals("5/21/00", beyond.code());
        assertEquals(BLOCKS, beyond.information());
        assertEquals("5/21/00", unmap(descriptors(0, 8, -1L, 1)).code());
        assertEquals("5/21/00", unmap(descriptors(0, 8, Long.MAX_VALUE, 0xffff_ffffL)).code());
        assertEquals("5/21/00", unmap(descriptors(0, 8, BLOCKS + 1, 0)).code());
        assertArrayEquals(before, read(0, 8));
    }

    @Test
    void boundsAnUnmap() {
        assertTrue(unmap(descriptors(new long[2 * 256])).good());
        Reply many = unmap(descriptors(new long[2 * 257]));
        assertEquals("5/26/00", many.code());
        assertEquals("800002", many.pointer());
        long[] whole = new long[2 * 256];
        for (int i = 0; i < whole.length; i += 2) {
            whole[i + 1] = BLOCKS;
        }
        assertTrue(unmap(descriptors(whole)).good(), "256 * 4096 blocks are the limit");
    }

    @Test
    void refusesMoreBlocksThanTheLimitInAllDescriptorsTogether() throws IOException {
        unit.close();
        unit = ServedUnit.open(Files.createDirectory(directory.resolve("big")), 1L << 30);
        Reply reply = unmap(descriptors(0, 1 << 20, 0, 1));
        assertEquals("5/26/00", reply.code());
        assertEquals("800020", reply.pointer());
        assertTrue(unmap(descriptors(0, 1 << 20)).good());
    }

    @Test
    void wantsAWholeParameterList() {
        assertTrue(unit.run("42 00 00 00 00 00 00 0000 00").good());
        assertEquals("5/1a/00", unit.run("42 00 00 00 00 00 00 0007 00", new byte[7]).code());
        assertTrue(unmap(new byte[] {0, 6, 0, 0, 0, 0, 0, 0}).good());
        assertTrue(unmap(new byte[8]).good());
        byte[] list = descriptors(0, 1, 1, 1);
        for (int sent = 0; sent < list.length; sent++) {
            byte[] cut = Arrays.copyOf(list, sent);
            assertEquals("5/1a/00", unit.run("42 00 00 00 00 00 00 0028 00", cut).code());
        }
        byte[] incomplete = descriptors(BLOCKS, 1);
        incomplete[1] = 21;
        incomplete[3] = 15;
        assertTrue(unmap(incomplete).good(), "an incomplete descriptor is ignored");
    }

    @ParameterizedTest
    @CsvSource({"512, WRITE_BACK", "4096, WRITE_BACK", "512, WRITE_THROUGH"})
    void agreesWithAPlainArray(int blockSize, CacheMode mode) throws IOException {
        unit.close();
        unit = ServedUnit.open(directory, BYTES, blockSize, mode);
        long seed = System.nanoTime();
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        byte[] model = unit.run(on("88 00", 0, BYTES / blockSize)).data();
        for (int step = 0; step < 400; step++) {
            String context = "seed=" + seed + " step=" + step;
            int capacity = model.length / blockSize;
            int lba = random.nextInt(capacity);
            int blocks = 1 + random.nextInt(Math.min(300, capacity - lba));
            int from = lba * blockSize;
            int to = from + blocks * blockSize;
            byte[] block = new byte[blockSize];
            Arrays.fill(block, (byte) random.nextInt(2));
            switch (random.nextInt(6)) {
                case 0 -> {
                    byte[] data = random(random, to - from);
                    assertTrue(unit.run(on("8a 08", lba, blocks), data).good(), context);
                    System.arraycopy(data, 0, model, from, data.length);
                }
                case 1 -> {
                    assertTrue(unit.run(on("93 08", lba, blocks), block).good(), context);
                    Arrays.fill(model, from, to, block[0]);
                }
                case 2 -> {
                    assertTrue(unit.run(on("93 00", lba, blocks), block).good(), context);
                    Arrays.fill(model, from, to, block[0]);
                }
                case 3 -> {
                    assertTrue(unmap(descriptors(lba, blocks)).good(), context);
                    Arrays.fill(model, from, to, (byte) 0);
                }
                case 4 -> {
                    byte[] expected = Arrays.copyOfRange(model, from, to);
                    assertTrue(unit.run(on("8f 02", lba, blocks), expected).good(), context);
                }
                default -> assertTrue(unit.run(on("91 00", lba, blocks)).good(), context);
            }
            byte[] expected = Arrays.copyOfRange(model, from, to);
            assertArrayEquals(expected, unit.run(on("88 00", lba, blocks)).data(), context);
        }
        assertArrayEquals(model, unit.run(on("88 00", 0, model.length / blockSize)).data());
    }
}
