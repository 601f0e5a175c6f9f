package io.lunkeeper.target;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Comparator;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/// How an address is written for people and tools: `HOST:PORT`, IPv6 in brackets.
final class PortalAddress {
    private static final Pattern ZERO_GROUPS = Pattern.compile("(?:^|:)0(?::0)+(?::|$)");

    private PortalAddress() {}

    static String text(InetSocketAddress address) {
        String host = address.isUnresolved() ? address.getHostString() : host(address.getAddress());
        return host + ":" + address.getPort();
    }

    /// RFC 7143 13.8 TargetAddress: without the zone of a link-local address, which means something
    /// on this machine only (RFC 4007 11.2 Textual Representation).
    static String advertised(InetSocketAddress address, int group) {
        return text(address).replaceFirst("%[^\\]]*]", "]") + "," + group;
    }

    private static String host(InetAddress address) {
        if (!(address instanceof Inet6Address)) {
            return address.getHostAddress();
        }
        String[] parts = address.getHostAddress().split("%", 2);
        String scope = parts.length == 2 ? "%" + parts[1] : "";
        return "[" + compressed(parts[0]) + scope + "]";
    }

    /// RFC 5952 4.2.3 Choice in Placement of "::": the longest run of zeros, the first of equals.
    private static String compressed(String groups) {
        return ZERO_GROUPS
                .matcher(groups)
                .results()
                .max(Comparator.comparingInt(r -> r.group().replace(":", "").length()))
                .map(run -> without(groups, run))
                .orElse(groups);
    }

    private static String without(String groups, MatchResult run) {
        return groups.substring(0, run.start()) + "::" + groups.substring(run.end());
    }

    /// The address that reaches a listener from this machine: a wildcard listens on loopback too.
    static InetSocketAddress reachable(InetSocketAddress address) {
        if (!address.getAddress().isAnyLocalAddress()) {
            return address;
        }
        boolean six = address.getAddress() instanceof Inet6Address;
        return new InetSocketAddress(six ? "::1" : "127.0.0.1", address.getPort());
    }
}
