package io.lunkeeper.target.pdu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

/// Bytes from a seed against the decoder. A failure names its seed.
final class PduFuzzTest {
    private static final int ROUNDS = 3_000;

    /// Nothing but noise: the decoder refuses it in the one way it has, and never loops.
    @Test
    void survivesNoise() {
        for (long seed = 0; seed < ROUNDS; seed++) {
            RandomGenerator random = generator(seed);
            PduDecoder decoder = new PduDecoder();
            decoder.negotiated(random.nextBoolean(), random.nextBoolean(), 512);
            byte[] noise = new byte[random.nextInt(4096)];
            random.nextBytes(noise);
            ByteBuf in = Unpooled.wrappedBuffer(noise);
            while (takeOne(decoder, in, seed)) {
                if (random.nextInt(4) == 0 && in.readableBytes() > 8) {
                    // Short lengths, so that the noise behind them is reached as well.
                    in.setInt(in.readerIndex() + 4, random.nextInt(64));
                }
            }
        }
    }

    /// @return whether there may be more
    private static boolean takeOne(PduDecoder decoder, ByteBuf in, long seed) {
        int before = in.readerIndex();
        try {
            RequestPdu pdu = decoder.next(in);
            if (pdu == null) {
                assertEquals(before, in.readerIndex(), "seed=" + seed);
                assertTrue(decoder.missingBytes() >= 1, "seed=" + seed);
                assertTrue(decoder.missingBytes() <= 8192 + 48 + 256 + 8, "seed=" + seed);
                return false;
            }
        } catch (MalformedPduException e) {
            if (e.framingLost()) {
                assertEquals(before, in.readerIndex(), "seed=" + seed);
                return false;
            }
        }
        assertTrue(in.readerIndex() >= before + 48, "seed=" + seed);
        return true;
    }

    /// PDUs of sound length with any content, in one stream that arrives in pieces: each is taken
    /// or refused on its own, at its own end.
    @Test
    void keepsTheFramingWhateverThePdusHold() throws MalformedPduException {
        for (long seed = 0; seed < ROUNDS; seed++) {
            RandomGenerator random = generator(seed);
            boolean headerDigest = random.nextBoolean();
            boolean dataDigest = random.nextBoolean();
            PduDecoder decoder = new PduDecoder();
            decoder.negotiated(headerDigest, dataDigest, 512);
            ByteBuf stream = Unpooled.buffer();
            List<Integer> ends = new ArrayList<>();
            for (int count = random.nextInt(8); count > 0; count--) {
                writePdu(stream, random, headerDigest, dataDigest);
                ends.add(stream.writerIndex());
            }
            assertEquals(ends, endsSeen(decoder, stream, random, seed), "seed=" + seed);
        }
    }

    private static List<Integer> endsSeen(
            PduDecoder decoder, ByteBuf stream, RandomGenerator random, long seed)
            throws MalformedPduException {
        List<Integer> seen = new ArrayList<>();
        int total = stream.writerIndex();
        ByteBuf in = stream.duplicate().writerIndex(0);
        while (in.writerIndex() < total) {
            in.writerIndex(Math.min(total, in.writerIndex() + 1 + random.nextInt(200)));
            boolean more = true;
            while (more) {
                int before = in.readerIndex();
                try {
                    decoder.next(in);
                } catch (MalformedPduException e) {
                    assertEquals(false, e.framingLost(), "seed=" + seed);
                }
                more = in.readerIndex() != before;
                if (more) {
                    seen.add(in.readerIndex());
                } else {
                    int missing = decoder.missingBytes();
                    assertTrue(in.writerIndex() + missing <= total || before == total);
                }
            }
        }
        return seen;
    }

    private static void writePdu(
            ByteBuf out, RandomGenerator random, boolean headerDigest, boolean dataDigest) {
        Digest digest = new Digest();
        int ahsWords = random.nextInt(3) == 0 ? random.nextInt(5) : 0;
        int dataBytes = random.nextBoolean() ? random.nextInt(100) : 0;
        int start = out.writerIndex();
        byte[] header = new byte[48 + 4 * ahsWords];
        random.nextBytes(header);
        out.writeBytes(header).setInt(start + 4, (ahsWords << 24) | dataBytes);
        if (ahsWords == 2 && random.nextBoolean()) {
            out.setInt(start + 48, 0x00050100);
        }
        if (random.nextBoolean()) {
            out.setByte(start, random.nextInt(8));
        }
        if (headerDigest) {
            out.writeIntLE(digest.of(out, start, header.length));
        }
        byte[] data = new byte[(dataBytes + 3) & -4];
        random.nextBytes(data);
        int dataStart = out.writerIndex();
        out.writeBytes(data);
        if (dataDigest && dataBytes > 0) {
            int right = digest.of(out, dataStart, data.length);
            out.writeIntLE(random.nextInt(4) == 0 ? ~right : right);
        }
    }

    private static RandomGenerator generator(long seed) {
        return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    }
}
