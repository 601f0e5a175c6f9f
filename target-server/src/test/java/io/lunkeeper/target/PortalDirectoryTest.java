package io.lunkeeper.target;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lunkeeper.target.PortalDirectory.Advertised;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Which addresses an initiator is told, by the one that it came to.
final class PortalDirectoryTest {
    private static InetAddress address(String text) throws UnknownHostException {
        return InetAddress.getByName(text);
    }

    private static Advertised portal(String host, int port, int group) throws UnknownHostException {
        return new Advertised(new InetSocketAddress(address(host), port), group);
    }

    /// fe80::1 as it is on the link with this number.
    private static InetAddress linkLocal(int scope) throws UnknownHostException {
        byte[] bytes = address("fe80::1").getAddress();
        return Inet6Address.getByAddress(null, bytes, scope);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "192.0.2.1 | 192.0.2.1:3260,1 192.0.2.1:3261,2 192.0.2.1:3262,3 [2001:db8::1]:1,4",
                "2001:db8::1 | 192.0.2.1:3260,1 [2001:db8::1]:3262,3 [2001:db8::1]:1,4",
                "::1 | 192.0.2.1:3260,1 [::1]:3262,3 [2001:db8::1]:1,4 127.0.0.1:2,5",
                "127.0.0.9 | 192.0.2.1:3260,1 127.0.0.9:3261,2 127.0.0.9:3262,3"
                        + " [2001:db8::1]:1,4 127.0.0.1:2,5",
            })
    void tellsWhatCanBeReachedFromThere(String local, String told) throws Exception {
        List<Advertised> portals =
                List.of(
                        portal("192.0.2.1", 3260, 1),
                        portal("0.0.0.0", 3261, 2),
                        portal("::", 3262, 3),
                        portal("2001:db8::1", 1, 4),
                        portal("127.0.0.1", 2, 5));
        assertEquals(told, String.join(" ", PortalDirectory.addresses(portals, address(local))));
    }

    /// On another link it is another machine's, or nobody's; the zone is no part of TargetAddress.
    @Test
    void tellsOfLinkLocalAddressesOnTheirOwnLinkOnly() throws Exception {
        List<Advertised> portals =
                List.of(
                        new Advertised(new InetSocketAddress(linkLocal(7), 3260), 1),
                        portal("::", 3261, 2));
        assertEquals(
                List.of("[fe80::1]:3260,1", "[fe80::1]:3261,2"),
                PortalDirectory.addresses(portals, linkLocal(7)));
        assertEquals(List.of("[fe80::1]:3261,2"), PortalDirectory.addresses(portals, linkLocal(8)));
        assertEquals(
                List.of("[2001:db8::2]:3261,2"),
                PortalDirectory.addresses(portals, address("2001:db8::2")));
    }
}
