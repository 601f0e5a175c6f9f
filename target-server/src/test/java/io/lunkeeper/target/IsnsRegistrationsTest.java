package io.lunkeeper.target;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.ConfigurationFile;
import io.lunkeeper.target.isns.NetworkEntity;
import io.lunkeeper.target.isns.NetworkEntity.StorageNode;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Which targets and addresses servers of names are told.
final class IsnsRegistrationsTest {
    private static final List<InetAddress> MACHINE =
            List.of(
                    address("127.0.0.1"),
                    address("::1"),
                    address("192.0.2.1"),
                    address("198.51.100.1"),
                    address("2001:db8::1"),
                    address("fe80::1"));

    @TempDir Path directory;

    private static InetAddress address(String text) {
        return InetAddress.ofLiteral(text);
    }

    private static PortalDirectory.Advertised listening(String host, int port, int group) {
        return new PortalDirectory.Advertised(new InetSocketAddress(address(host), port), group);
    }

    private static String text(NetworkEntity.Portal portal) {
        return PortalAddress.advertised(portal.address(), portal.group());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "nothing",
            value = {
                "192.0.2.1   | 192.0.2.9 | 192.0.2.1:3260,7",
                "192.0.2.1   | 127.0.0.1 | 192.0.2.1:3260,7",
                "2001:db8::1 | 192.0.2.9 | [2001:db8::1]:3260,7",
                "127.0.0.1   | 127.0.0.1 | 127.0.0.1:3260,7",
                "127.0.0.1   | ::1       | 127.0.0.1:3260,7",
                "127.0.0.1   | 192.0.2.9 | nothing",
                "::1         | 192.0.2.9 | nothing",
                "fe80::1     | fe80::2   | nothing",
                "169.254.0.1 | 192.0.2.9 | nothing",
                "0.0.0.0     | 192.0.2.9 | 192.0.2.1:3260,7 198.51.100.1:3260,7",
                "0.0.0.0     | 127.0.0.1 | 192.0.2.1:3260,7 198.51.100.1:3260,7",
                "::          | 192.0.2.9"
                        + " | 192.0.2.1:3260,7 198.51.100.1:3260,7 [2001:db8::1]:3260,7"
            })
    void addressesAreThoseThatOthersCanReach(String listens, String local, String told) {
        List<NetworkEntity.Portal> portals =
                IsnsRegistrations.portals(
                        List.of(listening(listens, 3260, 7)), address(local), MACHINE);
        assertEquals(
                told == null ? Set.of() : Set.copyOf(Arrays.asList(told.split(" "))),
                portals.stream().map(IsnsRegistrationsTest::text).collect(Collectors.toSet()));
    }

    /// In whatever order the machine names them.
    @Test
    void theSameAddressesAreTheSame() {
        List<PortalDirectory.Advertised> wildcard = List.of(listening("::", 3260, 1));
        assertEquals(
                IsnsRegistrations.portals(wildcard, address("192.0.2.1"), MACHINE),
                IsnsRegistrations.portals(wildcard, address("192.0.2.1"), MACHINE.reversed()));
    }

    @Test
    void noMoreAddressesThanFitIntoAMessage() {
        List<PortalDirectory.Advertised> many =
                IntStream.range(1, 100).mapToObj(i -> listening("192.0.2." + i, 1, i)).toList();
        assertEquals(64, IsnsRegistrations.portals(many, address("192.0.2.200"), MACHINE).size());
    }

    @Test
    void targetIsToldWithItsAliasUnlessItIsKeptBack() throws Exception {
        String luns = "luns: [{ lun: 0, image: %s.img, size: 1MiB }]";
        String text =
                """
                portals: [{ listen: "127.0.0.1:3260" }]
                targets:
                  - { iqn: iqn.2026-11.io.x:a, alias: Mail, %s }
                  - { iqn: iqn.2026-11.io.x:b, isns: false, %s }
                  - { iqn: iqn.2026-11.io.x:c, isns: true, %s }
                """
                        .formatted(luns.formatted("a"), luns.formatted("b"), luns.formatted("c"));
        Configuration read =
                ConfigurationFile.read(
                        Files.writeString(directory.resolve("x.yaml"), text), Set.of());
        ServedTargets targets = new ServedTargets(read, () -> false);
        IsnsRegistrations registrations =
                new IsnsRegistrations(targets, List.of(listening("127.0.0.1", 3260, 1)));
        assertEquals(
                List.of(), registrations.entity("me", InetAddress.getLoopbackAddress()).nodes());
        targets.open();
        NetworkEntity entity = registrations.entity("me", InetAddress.getLoopbackAddress());
        assertEquals("me", entity.identifier());
        assertEquals(
                List.of(
                        new StorageNode("iqn.2026-11.io.x:a", "Mail"),
                        new StorageNode("iqn.2026-11.io.x:c", "")),
                entity.nodes());
        assertEquals(1, entity.portals().size());
        targets.close();
    }
}
