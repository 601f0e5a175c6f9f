package io.lunkeeper.target.config;

import static io.lunkeeper.target.config.Problems.quoted;

import java.net.InetAddress;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The addresses that begin with the same bits (RFC 4632 3.1 Basic Concept and Prefix Notation, RFC
/// 4291 2.3 Text Representation of Address Prefixes). IPv4 addresses are themselves also where they
/// are written as IPv6 ones (`::ffff:0:0/96`), which is how [InetAddress] has them.
///
/// @param first the lowest address
/// @param prefixBits how many bits all have in common, from 0 to those of an address
public record Network(InetAddress first, int prefixBits) {
    private static final Pattern FORM = Pattern.compile("([0-9A-Fa-f:.]+)(?:/([0-9]{1,3}))?");

    private static final int IPV4_BITS = 32;
    private static final int IPV6_BITS = 128;

    /// An address and the length of the prefix, or an address alone.
    static Optional<Network> read(Entry entry) {
        Optional<String> text = entry.text();
        if (text.isEmpty()) {
            return Optional.empty();
        }
        String shown = quoted(text.get());
        Matcher form = FORM.matcher(text.get());
        Optional<InetAddress> literal =
                form.matches() ? Address.literal(form.group(1)) : Optional.empty();
        if (literal.isEmpty()) {
            return entry.wrong(
                    shown
                            + " is not a network; write \"192.0.2.0/24\", \"2001:db8::/32\", or one"
                            + " address alone");
        }
        InetAddress address = literal.get();
        int writtenBits = form.group(1).contains(":") ? IPV6_BITS : IPV4_BITS;
        int prefix = form.group(2) == null ? writtenBits : Integer.parseInt(form.group(2));
        if (prefix > writtenBits) {
            return entry.wrong(
                    shown + " has a prefix of more than the " + writtenBits + " bits there are");
        }
        int prefixBits = prefix - writtenBits + Byte.SIZE * address.getAddress().length;
        if (prefixBits < 0) {
            return entry.wrong(
                    shown + " has more in it than IPv4 addresses; write these as such: 10.0.0.0/8");
        }
        Network network = new Network(masked(address, prefixBits), prefixBits);
        return network.first.equals(address)
                ? Optional.of(network)
                : entry.wrong(
                        shown
                                + " has bits set behind its prefix; the network is "
                                + network
                                + ", the address alone "
                                + address.getHostAddress());
    }

    /// Whether the address is one of these.
    public boolean contains(InetAddress address) {
        return address.getClass() == first.getClass() && masked(address, prefixBits).equals(first);
    }

    /// As it is written in a file.
    @Override
    public String toString() {
        return first.getHostAddress() + "/" + prefixBits;
    }

    private static InetAddress masked(InetAddress address, int prefixBits) {
        byte[] bytes = address.getAddress();
        int whole = prefixBits / Byte.SIZE;
        if (whole < bytes.length) {
            bytes[whole] &= (byte) (0xff00 >> prefixBits % Byte.SIZE);
            Arrays.fill(bytes, whole + 1, bytes.length, (byte) 0);
        }
        return Address.of(bytes);
    }
}
