package io.lunkeeper.target.pdu;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.HexFormat;

/// Bytes as the tables of these tests spell them: pairs of hexadecimal digits, blanks anywhere.
final class Bytes {
    private Bytes() {}

    static ByteBuf of(String hex) {
        return Unpooled.wrappedBuffer(HexFormat.of().parseHex(hex.replaceAll("\\s", "")));
    }

    /// The readable bytes, four to a group.
    static String hex(ByteBuf bytes) {
        return ByteBufUtil.hexDump(bytes).replaceAll("(.{8})(?=.)", "$1 ");
    }

    /// The spelling that [#hex] gives.
    static String grouped(String hex) {
        return hex(of(hex));
    }
}
