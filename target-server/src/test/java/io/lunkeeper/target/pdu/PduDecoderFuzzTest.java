package io.lunkeeper.target.pdu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.fuzz.Choices;
import io.lunkeeper.target.fuzz.Corpus;
import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.LoginRequest;
import io.lunkeeper.target.pdu.RequestPdu.NopOut;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

/// Any bytes as a stream of PDUs (`tests/fuzz decoder`). They are decoded in one piece and without
/// digests; and again with digests put in, in pieces of any size. Both ways must come to the same
/// PDUs and refusals, at the same places.
public final class PduDecoderFuzzTest {
    private static final int LOGIN_REQUEST = 0x03;
    private static final int TEXT_REQUEST = 0x04;
    private static final int[] LIMITS = {512, 8192, 65_536, 0xffffff};
    private static final int HEADER_DIGEST = 1;
    private static final int DATA_DIGEST = 2;
    private static final int DAMAGE = 4;

    /// All of a PDU but its data.
    private static final int MAX_FRAME_BYTES = 48 + 256 + 4 + 3 + 4;

    /// What the fuzzer calls.
    public static void fuzzerTestOneInput(byte[] input) {
        Choices choices = new Choices(input);
        int options = choices.octet();
        boolean headerDigest = (options & HEADER_DIGEST) != 0;
        boolean dataDigest = (options & DATA_DIGEST) != 0;
        int limit = LIMITS[choices.of(LIMITS.length)];
        int seed = choices.word();
        byte[] plain = choices.rest();

        PduDecoder whole = new PduDecoder();
        whole.negotiated(false, false, limit);
        ByteBuf plainStream = Unpooled.wrappedBuffer(plain);
        List<String> expected = new ArrayList<>();
        takeAll(whole, plainStream, expected);
        assertEquals(1, plainStream.refCnt());

        ByteBuf stream = withDigests(plain, headerDigest, dataDigest, limit);
        boolean damaged = (options & DAMAGE) != 0 && stream.isReadable();
        if (damaged) {
            int at = seed % stream.readableBytes();
            stream.setByte(at, stream.getByte(at) ^ 1 << (seed >> 13));
        }
        PduDecoder sliced = new PduDecoder();
        sliced.negotiated(headerDigest, dataDigest, limit);
        List<String> seen = inSlices(sliced, stream, limit, seed);
        assertEquals(1, stream.refCnt());
        if (!damaged) {
            assertEquals(expected, seen);
        }
    }

    /// Takes what is there.
    ///
    /// @return false when the framing is lost
    private static boolean takeAll(PduDecoder decoder, ByteBuf in, List<String> into) {
        while (true) {
            int before = in.readerIndex();
            try {
                RequestPdu pdu = decoder.next(in);
                if (pdu == null) {
                    assertEquals(before, in.readerIndex());
                    assertTrue(decoder.missingBytes() >= 1);
                    return true;
                }
                into.add(describe(pdu));
            } catch (MalformedPduException e) {
                into.add(e.rejectReason() + " " + e.getMessage());
                assertEquals(48, e.header().length);
                if (e.framingLost()) {
                    assertEquals(before, in.readerIndex());
                    return false;
                }
            }
            assertTrue(in.readerIndex() >= before + 48);
        }
    }

    private static List<String> inSlices(PduDecoder decoder, ByteBuf stream, int limit, int seed) {
        RandomGenerator random = RandomGeneratorFactory.of("L32X64MixRandom").create(seed);
        int mean = 1 + random.nextInt(random.nextBoolean() ? 8 : 400);
        List<String> seen = new ArrayList<>();
        int total = stream.writerIndex();
        ByteBuf in = stream.duplicate().writerIndex(0);
        int missing = decoder.missingBytes();
        boolean framed = true;
        while (framed && in.writerIndex() < total) {
            int bytes = Math.min(total - in.writerIndex(), 1 + random.nextInt(2 * mean));
            in.writerIndex(in.writerIndex() + bytes);
            int before = in.readerIndex();
            framed = takeAll(decoder, in, seen);
            boolean waiting = framed && in.readerIndex() == before;
            assertTrue(bytes >= missing || waiting || !framed, "less than was missing is enough");
            missing = decoder.missingBytes();
            assertTrue(missing <= Math.max(limit, 8192) + MAX_FRAME_BYTES, "no bound: " + missing);
        }
        return seen;
    }

    /// The same stream as it is when digests are on. What cannot be framed stays as it is.
    private static ByteBuf withDigests(
            byte[] plain, boolean headerDigest, boolean dataDigest, int limit) {
        Digest digest = new Digest();
        ByteBuf in = Unpooled.wrappedBuffer(plain);
        ByteBuf out = Unpooled.buffer(plain.length + 64);
        boolean framed = true;
        while (framed && in.readableBytes() >= 48) {
            int lengths = in.getInt(in.readerIndex() + 4);
            int headerBytes = 48 + (lengths >>> 24) * 4;
            int dataBytes = lengths & 0xffffff;
            int paddedBytes = (dataBytes + 3) & -4;
            boolean headerFits = headerBytes <= 48 + 256;
            int opcode = in.getByte(in.readerIndex()) & 0x3f;
            boolean text = opcode == LOGIN_REQUEST || opcode == TEXT_REQUEST;
            boolean dataFits = dataBytes <= (text ? Math.max(limit, 8192) : limit);
            if (headerDigest && headerFits && !dataFits) {
                int at = out.writerIndex();
                int there = Math.min(headerBytes, in.readableBytes());
                out.writeBytes(in, there).writeZero(headerBytes - there);
                return out.writeIntLE(digest.of(out, at, headerBytes));
            }
            framed = headerFits && dataFits && in.readableBytes() >= headerBytes + paddedBytes;
            if (framed) {
                int at = out.writerIndex();
                out.writeBytes(in, headerBytes);
                if (headerDigest) {
                    out.writeIntLE(digest.of(out, at, headerBytes));
                }
                at = out.writerIndex();
                out.writeBytes(in, paddedBytes);
                if (dataDigest && dataBytes > 0) {
                    out.writeIntLE(digest.of(out, at, paddedBytes));
                }
            }
        }
        // The rest is no PDU, or not a whole one: with a digest its header could be refused.
        return headerDigest
                ? out.writeBytes(in, Math.min(48, in.readableBytes()))
                : out.writeBytes(in);
    }

    private static String describe(RequestPdu pdu) {
        String kind = pdu.getClass().getSimpleName() + ' ' + pdu.initiatorTaskTag();
        return switch (pdu) {
            case ScsiCommand command -> kind + hex(command.cdb()) + hex(command.data());
            case DataOut dataOut -> kind + hex(dataOut.data());
            case TextRequest text -> kind + hex(text.data());
            case LoginRequest login -> kind + hex(login.data());
            case NopOut nop -> kind + hex(nop.data());
            default -> pdu.toString();
        };
    }

    private static String hex(ByteBuf bytes) {
        return ' ' + ByteBufUtil.hexDump(bytes);
    }

    @Test
    void comesToTheSameInAnySlicesWithAndWithoutDigests() {
        Corpus.replay("decoder", PduDecoderFuzzTest::fuzzerTestOneInput);
    }
}
