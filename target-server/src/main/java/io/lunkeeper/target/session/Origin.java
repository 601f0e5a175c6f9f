package io.lunkeeper.target.session;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;

/// Where a connection comes from, as far as it is not for everybody to choose: an IPv4 address, or
/// the first 64 bits of an IPv6 address.
///
/// @param prefix of the address
public record Origin(boolean six, long prefix) {

    /// Where `address` is.
    public static Origin of(InetAddress address) {
        ByteBuffer bytes = ByteBuffer.wrap(address.getAddress());
        return address instanceof Inet6Address
                ? new Origin(true, bytes.getLong())
                : new Origin(false, bytes.getInt());
    }

    /// As people write it: `192.0.2.1`, `2001:db8:0:0:0:0:0:0/64`.
    @Override
    public String toString() {
        ByteBuffer bytes = ByteBuffer.allocate(six ? 16 : 4);
        if (six) {
            bytes.putLong(prefix);
        } else {
            bytes.putInt((int) prefix);
        }
        try {
            return InetAddress.getByAddress(bytes.array()).getHostAddress() + (six ? "/64" : "");
        } catch (UnknownHostException neither4Nor16Bytes) {
            throw new AssertionError(neither4Nor16Bytes);
        }
    }
}
