package io.lunkeeper.target.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/// Networks and the addresses in them.
final class NetworkTest {
    private final Problems problems = new Problems();

    private Optional<Network> read(String text) {
        ScalarNode node = new ScalarNode(Tag.STR, text, ScalarStyle.PLAIN);
        return Network.read(new Entry("networks", 7, node, problems));
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.0/8, 10.0.0.0/8, 10.0.0.0 10.255.255.255, 9.255.255.255 11.0.0.0 ::a00:1",
        "192.0.2.128/25, 192.0.2.128/25, 192.0.2.128 192.0.2.255, 192.0.2.127 192.0.3.128",
        "192.0.2.7, 192.0.2.7/32, 192.0.2.7 ::ffff:192.0.2.7, 192.0.2.6",
        "0.0.0.0/0, 0.0.0.0/0, 0.0.0.0 255.255.255.255 ::ffff:1.2.3.4, ::1 ::",
        "fd00::/8, fd00:0:0:0:0:0:0:0/8, fd00:: fdff::1, fc00:: fe00:: 253.0.0.1",
        "2001:db8::8/125, 2001:db8:0:0:0:0:0:8/125, 2001:db8::8 2001:db8::f, 2001:db8::7",
        "2001:DB8::1, 2001:db8:0:0:0:0:0:1/128, 2001:db8::1, 2001:db8::2",
        "::/0, 0:0:0:0:0:0:0:0/0, :: ffff::1, 1.2.3.4 ::ffff:1.2.3.4",
        "::ffff:10.0.0.0/104, 10.0.0.0/8, 10.9.9.9 ::ffff:10.1.2.3, 11.0.0.0",
        "::ffff:0:0/96, 0.0.0.0/0, 1.2.3.4, ::1",
        "::ffff:192.0.2.1, 192.0.2.1/32, 192.0.2.1, 192.0.2.2",
    })
    void containsWhatBeginsWithItsBits(String text, String shown, String in, String out) {
        Network network = read(text).orElseThrow();
        assertEquals(shown, network.toString());
        for (String each : in.split(" ", -1)) {
            assertTrue(network.contains(InetAddress.ofLiteral(each)), each);
        }
        for (String each : out.split(" ", -1)) {
            assertFalse(network.contains(InetAddress.ofLiteral(each)), each);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "10.0.0.0/33 | has a prefix of more than the 32 bits there are",
                "fd00::/129 | has a prefix of more than the 128 bits there are",
                "::ffff:10.0.0.0/129 | has a prefix of more than the 128 bits there are",
                "10.0.0.1/8 | has bits set behind its prefix; the network is 10.0.0.0/8, the"
                        + " address alone 10.0.0.1",
                "10.0.0.1/31 | has bits set behind its prefix; the network is 10.0.0.0/31, the"
                        + " address alone 10.0.0.1",
                "1.2.3.4/0 | has bits set behind its prefix; the network is 0.0.0.0/0, the"
                        + " address alone 1.2.3.4",
                "fd00::1/64 | has bits set behind its prefix; the network is"
                        + " fd00:0:0:0:0:0:0:0/64, the address alone fd00:0:0:0:0:0:0:1",
                "::ffff:0:0/95 | has more in it than IPv4 addresses; write these as such:"
                        + " 10.0.0.0/8",
            })
    void saysWhatIsWrongWithAPrefix(String text, String fault) {
        assertEquals(Optional.empty(), read(text));
        assertEquals(
                List.of(new Problem(7, "networks", "\"" + text + "\" " + fault)),
                problems.sorted());
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0/8",
        "10/8",
        "10.0.0.0.0/8",
        "256.0.0.0/8",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "10.0.0.0/x",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/1000",
        "/8",
        "fe80::1%lo",
        "[fd00::]/8",
        "fd00:::/8",
        "fd00/8",
        "1:2:3:4:5:6:7:8:9",
        "localhost",
        "10.0.0.*",
    })
    void refusesWhatIsNoNetwork(String text) {
        assertEquals(Optional.empty(), read(text));
        assertEquals(
                List.of(
                        new Problem(
                                7,
                                "networks",
                                "\""
                                        + text
                                        + "\" is not a network; write \"192.0.2.0/24\","
                                        + " \"2001:db8::/32\", or one address alone")),
                problems.sorted());
    }
}
