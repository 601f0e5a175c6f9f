package io.lunkeeper.target.session;

import java.net.Inet6Address;
import java.net.InetAddress;
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
}
