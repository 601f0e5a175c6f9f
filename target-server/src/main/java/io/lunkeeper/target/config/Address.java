package io.lunkeeper.target.config;

import static io.lunkeeper.target.config.Problems.quoted;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Addresses: `host:port`, IPv6 in brackets. The name of a host to listen on is resolved when the
/// file is read and stands for its first address.
final class Address {
    private static final Pattern FORM =
            Pattern.compile(
                    "(?:\\[([0-9A-Fa-f:.]+(?:%[^\\]]+)?)\\]|([^:\\[\\]]+))(?::([0-9]{1,5}))?");
    private static final Pattern DIGITS_AND_DOTS = Pattern.compile("[0-9.]+");
    private static final Pattern OCTETS =
            Pattern.compile("(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\\.(?!$)|$)){4}");
    private static final int MAX_PORT = 65535;

    /// No port may be left out.
    private static final int NONE = -1;

    private Address() {}

    /// An address in digits, without a zone.
    static Optional<InetAddress> literal(String text) {
        if (!text.contains(":") && !OCTETS.matcher(text).matches()) {
            return Optional.empty();
        }
        try {
            return Optional.of(InetAddress.ofLiteral(text));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /// The address of 4 or 16 bytes.
    static InetAddress of(byte[] bytes) {
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    /// An address of this machine.
    static Optional<InetSocketAddress> read(Entry entry) {
        return hostAndPort(entry, 0, NONE)
                .flatMap(at -> {
                    String host = at.getHostString();
                    try {
                        return Optional.of(
                                new InetSocketAddress(InetAddress.getByName(host), at.getPort()));
                    } catch (UnknownHostException _) {
                        return entry.wrong(
                                quoted(host)
                                        + " is neither an address nor a host that is known here");
                    }
                });
    }

    /// An address of any machine. A host name stays as it is: others may find by it what is not
    /// known here.
    static Optional<InetSocketAddress> readElsewhere(Entry entry) {
        return readElsewhere(entry, NONE);
    }

    /// The same, where the port may be left out.
    static Optional<InetSocketAddress> readElsewhere(Entry entry, int usualPort) {
        return hostAndPort(entry, 1, usualPort)
                .flatMap(at -> {
                    String host = at.getHostString();
                    if (host.contains("%")) {
                        return entry.wrong(
                                quoted(host) + " has a zone, which means something here only");
                    }
                    return Optional.of(
                            literal(host)
                                    .map(address -> new InetSocketAddress(address, at.getPort()))
                                    .orElse(at));
                });
    }

    /// @param leastPort 0 where that asks for any
    /// @param usualPort the one that may be left out
    /// @return not resolved
    private static Optional<InetSocketAddress> hostAndPort(
            Entry entry, int leastPort, int usualPort) {
        Optional<String> text = entry.text();
        if (text.isEmpty()) {
            return Optional.empty();
        }
        Matcher form = FORM.matcher(text.get());
        if (!form.matches() || (form.group(3) == null && usualPort == NONE)) {
            return entry.wrong(
                    quoted(text.get())
                            + " is not an address; write \"127.0.0.1:3260\", or with IPv6"
                            + " \"[::1]:3260\"");
        }
        int port = form.group(3) == null ? usualPort : Integer.parseInt(form.group(3));
        if (port > MAX_PORT) {
            return entry.wrong("the port " + port + " is beyond " + MAX_PORT);
        }
        if (port < leastPort) {
            return entry.wrong("port " + port + " is none that can be connected to");
        }
        String host = form.group(1) == null ? form.group(2) : form.group(1);
        if (DIGITS_AND_DOTS.matcher(host).matches() && !OCTETS.matcher(host).matches()) {
            return entry.wrong(
                    quoted(host) + " is not an IPv4 address; it has four parts of 0 to 255");
        }
        return Optional.of(InetSocketAddress.createUnresolved(host, port));
    }
}
