package io.lunkeeper.target.isns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What servers send, right and wrong.
final class PduReaderTest {
    /// Registered: key and operating attributes with identifier "abc" and a period of 600 s.
    private static final String RIGHT =
            "0001 8001 0030 4c00 0007 0000 00000000"
                    + " 00000001 00000004 61626300"
                    + " 00000000 00000000"
                    + " 00000001 00000004 61626300"
                    + " 00000006 00000004 00000258";

    private final PduReader reader = new PduReader();

    private void receive(String hexadecimal) {
        reader.room().put(HexFormat.of().parseHex(hexadecimal.replace(" ", "")));
    }

    @Test
    void readsStatusIdentifierAndPeriod() throws Exception {
        receive(RIGHT);
        assertEquals(
                Optional.of(new Response(1, 7, 0, List.of("abc"), OptionalLong.of(600))),
                reader.next());
        assertEquals(Optional.empty(), reader.next());
    }

    @Test
    void readsFromWhateverPiecesArrive() throws Exception {
        byte[] twice = HexFormat.of().parseHex((RIGHT + RIGHT).replace(" ", ""));
        int responses = 0;
        for (byte each : twice) {
            reader.room().put(each);
            responses += reader.next().isPresent() ? 1 : 0;
        }
        assertEquals(2, responses);
        reader.room().put(twice);
        assertTrue(reader.next().isPresent());
        assertTrue(reader.next().isPresent());
        assertTrue(reader.next().isEmpty());
    }

    /// An error tells nothing else that counts, whatever follows.
    @Test
    void readsNothingBehindAnError() throws Exception {
        receive("0001 8001 000c 4c00 0007 0000 00000003 0000000100000001");
        Response response = reader.next().orElseThrow();
        assertEquals(3, response.status());
        assertEquals("status 3 (Invalid Registration)", response.statusText());
        receive("0001 8004 0004 4c00 ffff 0000 fffffffe");
        response = reader.next().orElseThrow();
        assertEquals(65535, response.transaction());
        assertEquals("status 4294967294 (unknown)", response.statusText());
    }

    @Test
    void passesOverRequestsAndAllPdusButTheFirst() throws Exception {
        receive("0001 000d 0000 4c00 0001 0000");
        receive("0001 8001 0004 4800 0007 0001 00000001");
        receive(RIGHT.replace("4c00", "4400"));
        assertEquals(7, reader.next().orElseThrow().transaction());
        assertEquals(Optional.empty(), reader.next());
    }

    @ParameterizedTest
    @CsvSource({
        "0002 8001 0004 4c00 0007 0000 00000000, version 2",
        "4854 5450 2f31 2e31 2034 3030, version 18516",
        "0001 8001 0006 4c00 0007 0000, a PDU of 6 bytes",
        "0001 8001 0000 4c00 0007 0000, a response without a status",
        "0001 8001 0008 4c00 0007 0000 00000000 00000001, an attribute that is cut off",
        "0001 8001 000c 4c00 0007 0000 00000000 00000001 00000004, attribute 1 of 4 bytes",
        "0001 8001 0010 4c00 0007 0000 00000000 00000001 00000003 61626300, attribute 1 of 3 bytes",
        "0001 8001 000c 4c00 0007 0000 00000000 00000001 fffffffc, attribute 1 of 4294967292 bytes",
        "0001 8001 000c 4c00 0007 0000 00000000 ffffffff 80000000, attribute 4294967295 of 2147483648 bytes"
    })
    void refusesWhatIsNoMessage(String bytes, String reason) {
        receive(bytes);
        MalformedMessageException e = assertThrows(MalformedMessageException.class, reader::next);
        assertEquals("sent what is no iSNS message: " + reason, e.getMessage());
    }

    @Test
    void holdsTheLargestPdu() throws Exception {
        ByteBuffer large = ByteBuffer.allocate(12 + 0xfffc);
        large.put(HexFormat.of().parseHex("00018001fffc4c000007000000000000"));
        large.putInt(16).putInt(0xfffc - 12);
        reader.room().put(large.rewind());
        assertEquals(
                Optional.of(new Response(1, 7, 0, List.of(), OptionalLong.empty())), reader.next());
        assertTrue(reader.room().hasRemaining());
    }

    /// Whatever comes, there is room for more or an end of it.
    @RepeatedTest(20)
    void noiseEndsInARefusalOrRoom() {
        long seed = RandomGenerator.getDefault().nextLong();
        RandomGenerator random = new java.util.Random(seed);
        byte[] right = HexFormat.of().parseHex(RIGHT.replace(" ", ""));
        for (int i = 0; i < 2000; i++) {
            byte[] bent = right.clone();
            bent[random.nextInt(bent.length)] = (byte) random.nextInt();
            bent[random.nextInt(bent.length)] ^= (byte) (1 << random.nextInt(8));
            PduReader fresh = new PduReader();
            fresh.room().put(bent);
            try {
                fresh.next();
            } catch (MalformedMessageException expected) {
                assertTrue(expected.toString().contains("no iSNS message"), () -> "seed=" + seed);
            }
            assertTrue(fresh.room().hasRemaining(), () -> "seed=" + seed);
        }
    }
}
