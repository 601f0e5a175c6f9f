package io.lunkeeper.target.isns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.isns.NetworkEntity.Portal;
import io.lunkeeper.target.isns.NetworkEntity.StorageNode;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// What servers are sent, byte by byte and as a whole.
final class RequestsTest {
    private static final String IPV4 = "00000000000000000000ffffc0000201";
    private static final String IPV6 = "20010db8000000000000000000000001";

    private static final NetworkEntity ENTITY =
            new NetworkEntity(
                    "storage:3260",
                    List.of(portal("192.0.2.1", 3260, 1), portal("2001:db8::1", 860, 7)),
                    List.of(new StorageNode("iqn.a", "Büro"), new StorageNode("iqn.b", "")));

    static Portal portal(String address, int port, int group) {
        return new Portal(new InetSocketAddress(InetAddress.ofLiteral(address), port), group);
    }

    private static List<SentMessage> sent(List<Request> requests) {
        return requests.stream().map(each -> SentMessage.of(each.encode(5))).toList();
    }

    @Test
    void registersEntityPortalsNodesAndGroupsOtherThanTheUsual() {
        List<SentMessage> sent = sent(Requests.register(ENTITY, false));
        assertEquals(1, sent.size());
        assertEquals(SentMessage.REGISTER, sent.getFirst().function());
        assertEquals(SentMessage.WHOLE, sent.getFirst().flags());
        assertEquals(5, sent.getFirst().transaction());
        assertEquals(
                List.of(
                        "32=iqn.a",
                        "1=storage:3260",
                        "0=",
                        "1=storage:3260",
                        "2=2",
                        "16=" + IPV4,
                        "17=3260",
                        "16=" + IPV6,
                        "17=860",
                        "32=iqn.a",
                        "33=1",
                        "34=Büro",
                        "48=iqn.a",
                        "49=" + IPV6,
                        "50=860",
                        "51=7",
                        "32=iqn.b",
                        "33=1",
                        "48=iqn.b",
                        "49=" + IPV6,
                        "50=860",
                        "51=7"),
                sent.getFirst().attributes());
    }

    /// RFC 4171 5.1 and 5.6.5.4: worked out by hand.
    @Test
    void deregistrationIsThatOfTheRfcByteByByte() {
        ByteBuffer message = Requests.deregister(ENTITY).encode(0x1234);
        byte[] bytes = new byte[message.remaining()];
        message.get(bytes);
        String header = "0001" + "0004" + "0030" + "8c00" + "1234" + "0000";
        String source = "00000020" + "00000008" + "69716e2e61000000";
        String delimiter = "00000000" + "00000000";
        String identifier = "00000001" + "00000010" + "73746f726167653a3332363000000000";
        assertEquals(header + source + delimiter + identifier, HexFormat.of().formatHex(bytes));
    }

    @Test
    void asksForTheEntityAndItsPeriodToRefresh() {
        SentMessage sent = SentMessage.of(Requests.refresh(ENTITY).encode(1));
        assertEquals(SentMessage.QUERY, sent.function());
        assertEquals(List.of("32=iqn.a", "1=storage:3260", "0=", "1=", "6="), sent.attributes());
    }

    @Test
    void deregistersWhatIsGoneInTheNameOfWhatStays() {
        NetworkEntity now =
                new NetworkEntity(
                        "storage:3260",
                        List.of(portal("192.0.2.1", 3260, 1)),
                        List.of(new StorageNode("iqn.c", "")));
        List<SentMessage> sent =
                sent(Requests.deregister(now.nodes().getFirst(), ENTITY.without(now)));
        assertEquals(
                List.of("32=iqn.c", "0=", "32=iqn.a", "32=iqn.b", "16=" + IPV6, "17=860"),
                sent.getFirst().attributes());
        assertEquals(1, sent.size());
        assertEquals(List.of(), Requests.deregister(now.nodes().getFirst(), now.without(now)));
    }

    /// Servers in use take messages of 8 KiB.
    @Test
    void thousandsOfTargetsGoIntoManySmallMessages() {
        List<StorageNode> nodes =
                IntStream.range(0, 3000)
                        .mapToObj(i -> new StorageNode("iqn.2026-11.io.x:" + i, "Number " + i))
                        .toList();
        List<Portal> portals = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            portals.add(portal("2001:db8::" + i, 3260, 1 + i % 3));
        }
        NetworkEntity large = new NetworkEntity("x".repeat(255), portals, nodes);
        List<SentMessage> sent = sent(Requests.register(large, true));
        for (SentMessage each : sent) {
            assertTrue(each.bytes() <= 4096, () -> "bytes: " + each.bytes());
            assertEquals(nodes.getFirst().name(), each.values(32).getFirst());
            assertEquals(large.identifier(), each.values(1).getLast());
        }
        assertEquals(
                List.of(sent.getFirst()),
                sent.stream().filter(each -> (each.flags() & SentMessage.REPLACE) != 0).toList());
        assertEquals(64, sent.getFirst().values(16).size());
        // Of 64 portals 22 are in group 1.
        assertEquals(
                nodes.stream().map(StorageNode::name).toList(),
                sent.stream().flatMap(m -> m.values(32).stream().skip(1)).toList());
        assertEquals(3000 * 42, sent.stream().mapToInt(m -> m.values(51).size()).sum());
        List<SentMessage> gone = sent(Requests.deregister(nodes.getFirst(), large));
        assertTrue(gone.stream().allMatch(each -> each.bytes() <= 4096));
        assertEquals(3000 + gone.size(), gone.stream().mapToInt(m -> m.values(32).size()).sum());
        assertEquals(64, gone.stream().mapToInt(m -> m.values(16).size()).sum());
    }
}
