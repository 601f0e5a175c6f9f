package io.lunkeeper.target.pdu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// RFC 7143 Appendix A.4 CRC Examples.
final class DigestTest {

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "zeros, 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000, aa36918a",
        "ones, ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff, 43aba862",
        "up, 00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f, 4e79dd46",
        "down, 1f1e1d1c 1b1a1918 17161514 13121110 0f0e0d0c 0b0a0908 07060504 03020100, 5cdb3f11",
        "READ(10), 01c00000 00000000 00000000 00000000 14000000 00000400 00000014 00000018"
                + " 28000000 00000000 02000000 00000000, 563a96d9"
    })
    void followsTheExamplesByteForByte(String name, String bytes, String expected) {
        ByteBuf direct = Unpooled.directBuffer();
        direct.writeByte(0x55).writeBytes(Bytes.of(bytes));
        int length = direct.readableBytes() - 1;
        Digest digest = new Digest();
        ByteBuf wire = Unpooled.buffer().writeIntLE(digest.of(direct, 1, length));
        assertEquals(expected, Bytes.hex(wire), name);

        direct.writeBytes(wire);
        assertTrue(digest.holds(direct, 1, length));
        for (int bit = 0; bit < 8 * (length + 4); bit++) {
            int index = 1 + bit / 8;
            direct.setByte(index, direct.getByte(index) ^ (1 << (bit % 8)));
            assertFalse(digest.holds(direct, 1, length), "bit " + bit + " of " + name);
            direct.setByte(index, direct.getByte(index) ^ (1 << (bit % 8)));
        }
        direct.release();
    }
}
