package io.lunkeeper.target.isns;

import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/// Attributes one after the other (RFC 4171 5.1.2 iSNS Attribute Format): tag, length, value, each
/// a multiple of four bytes.
final class AttributeWriter {
    private static final int ADDRESS_BYTES = 16;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /// Text, with the zero byte that ends it and those that fill it up.
    AttributeWriter text(int tag, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int padded = (bytes.length + 4) & ~3;
        head(tag, padded);
        out.writeBytes(bytes);
        out.writeBytes(new byte[padded - bytes.length]);
        return this;
    }

    /// A number of 32 bits.
    AttributeWriter number(int tag, int number) {
        head(tag, Integer.BYTES);
        word(number);
        return this;
    }

    /// RFC 4171 6.3.1 Portal IP Address: IPv4 as the IPv6 address that stands for it.
    AttributeWriter address(int tag, InetAddress address) {
        byte[] bytes = address.getAddress();
        head(tag, ADDRESS_BYTES);
        if (bytes.length < ADDRESS_BYTES) {
            out.writeBytes(new byte[10]);
            out.writeBytes(new byte[] {-1, -1});
        }
        out.writeBytes(bytes);
        return this;
    }

    /// The address and the TCP port of a portal.
    AttributeWriter portal(int addressTag, int portTag, InetSocketAddress portal) {
        return address(addressTag, portal.getAddress()).number(portTag, portal.getPort());
    }

    /// A tag without a value: asks for it.
    AttributeWriter wanted(int tag) {
        head(tag, 0);
        return this;
    }

    /// What stands between the message key and the operating attributes.
    AttributeWriter delimiter() {
        return wanted(Tag.DELIMITER);
    }

    AttributeWriter add(AttributeWriter others) {
        out.writeBytes(others.out.toByteArray());
        return this;
    }

    int sizeBytes() {
        return out.size();
    }

    ByteBuffer bytes() {
        return ByteBuffer.wrap(out.toByteArray()).asReadOnlyBuffer();
    }

    private void head(int tag, int lengthBytes) {
        word(tag);
        word(lengthBytes);
    }

    private void word(int value) {
        out.write(value >>> 24);
        out.write(value >>> 16);
        out.write(value >>> 8);
        out.write(value);
    }
}
