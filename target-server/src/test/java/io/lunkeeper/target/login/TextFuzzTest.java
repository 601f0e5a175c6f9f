package io.lunkeeper.target.login;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.login.TextNegotiation.TextReply;
import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.LoginRequest;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

/// Texts from a seed against both negotiations. A failure names its seed.
final class TextFuzzTest {
    private static final int ROUNDS = 3_000;
    private static final String[] VALUES = {
        "",
        "Yes",
        "No",
        "None",
        "CRC32C",
        "CRC32C,None",
        "Reject",
        "Irrelevant",
        "NotUnderstood",
        "0",
        "1",
        "512",
        "8192",
        "16777215",
        "16777216",
        "0x200",
        "0x",
        "-1",
        "All",
        "Normal",
        "Discovery",
        "CHAP",
        "CHAP,None",
        Logins.VM1,
        Logins.VM2,
        Logins.ALICE,
        "[",
        ",",
        "1~2"
    };

    @Test
    void answersEveryLoginWithAResponseThatCanBeSent() {
        int completed = 0;
        for (long seed = 0; seed < ROUNDS; seed++) {
            RandomGenerator random = generator(seed);
            LoginNegotiation login = Logins.negotiation();
            boolean over = false;
            int stage = random.nextInt(2);
            String start = random.nextInt(8) == 0 ? "" : Logins.INTRODUCTION + ";";
            while (!over) {
                LoginRequest request = loginRequest(random, stage, start);
                LoginReply reply = login.receive(request);
                checkReply(request, reply, seed);
                if (reply.transit()) {
                    stage = reply.nextStage();
                }
                SessionParameters parameters = login.parameters();
                assertEquals(stage == 3 && reply.transit(), parameters != null, "seed=" + seed);
                if (parameters != null) {
                    checkParameters(parameters, seed);
                    completed++;
                }
                over = reply.statusClass() != 0 || parameters != null || random.nextInt(40) == 0;
                start = "";
            }
        }
        assertTrue(completed > ROUNDS / 50, "logins that came through: " + completed);
    }

    private static LoginRequest loginRequest(RandomGenerator random, int stage, String start) {
        boolean continues = random.nextInt(10) == 0;
        int next = continues || random.nextInt(3) == 0 ? stage : stage + 1 + random.nextInt(2);
        if (next == 2 && random.nextInt(4) != 0) {
            next = 3;
        }
        return Logins.request(stage, next, continues, noisyText(random, start));
    }

    private static void checkReply(LoginRequest request, LoginReply reply, long seed) {
        byte[] text = reply.text().getBytes(StandardCharsets.UTF_8);
        assertTrue(text.length <= 8192, "seed=" + seed);
        assertNotNull(TextKeys.parse(text), "seed=" + seed);
        assertEquals(false, reply.continueBit(), "seed=" + seed);
        int stage = reply.refused() ? 0 : request.currentStage();
        assertEquals(stage, reply.currentStage(), "seed=" + seed);
        if (reply.statusClass() == 0) {
            assertEquals(request.transit(), reply.transit(), "seed=" + seed);
        } else {
            assertEquals(2, reply.statusClass(), "seed=" + seed);
            assertEquals("", reply.text(), "seed=" + seed);
        }
    }

    private static void checkParameters(SessionParameters parameters, long seed) {
        String name = parameters.initiatorName();
        assertEquals(IscsiName.normalize(name), name, "seed=" + seed);
        assertTrue(parameters.firstBurstLength() <= parameters.maxBurstLength(), "seed=" + seed);
        assertTrue(parameters.maxBurstLength() >= 512, "seed=" + seed);
        assertTrue(parameters.maxBurstLength() <= 1 << 20, "seed=" + seed);
        assertTrue(parameters.initiatorMaxRecvDataSegmentLength() >= 512, "seed=" + seed);
        assertTrue(parameters.maxOutstandingR2t() <= 8, "seed=" + seed);
        assertTrue(parameters.errorRecoveryLevel() <= 2, "seed=" + seed);
        assertTrue(
                parameters.errorRecoveryLevel() == 0 || parameters.maxOutstandingR2t() == 1,
                "seed=" + seed);
    }

    @Test
    void answersEveryTextRequestOrRejectsIt() {
        for (long seed = 0; seed < ROUNDS; seed++) {
            RandomGenerator random = generator(seed);
            boolean discovery = random.nextBoolean();
            SessionParameters parameters =
                    new SessionParameters(
                            Logins.ALICE,
                            "",
                            discovery ? "" : Logins.VM1,
                            List.of(),
                            discovery,
                            false,
                            false,
                            1,
                            true,
                            true,
                            512,
                            512,
                            262144,
                            65536,
                            2,
                            0,
                            1,
                            0,
                            1,
                            false);
            TextNegotiation text = new TextNegotiation(Logins.DIRECTORY, parameters, 512);
            int tag = RequestPdu.RESERVED_TAG;
            for (int count = random.nextInt(30); count > 0; count--) {
                tag = random.nextInt(20) == 0 ? random.nextInt() : tag;
                tag = exchange(text, random, tag, seed);
            }
        }
    }

    /// @return the tag that the next request should have
    private static int exchange(TextNegotiation text, RandomGenerator random, int tag, long seed) {
        boolean last = random.nextInt(3) != 0;
        ByteBuf data = random.nextInt(3) == 0 ? Unpooled.EMPTY_BUFFER : noisyText(random, "");
        TextRequest request =
                new TextRequest(false, last, random.nextInt(6) == 0, 0, 1, tag, 1, 1, data);
        int most = text.maxDataSegmentBytes();
        try {
            TextReply reply = text.receive(request);
            byte[] bytes = reply.text().getBytes(StandardCharsets.UTF_8);
            assertTrue(bytes.length <= most, "seed=" + seed);
            assertTrue(reply.finalBit() || text.maxDataSegmentBytes() == most, "seed=" + seed);
            assertTrue(last || !reply.finalBit(), "seed=" + seed);
            assertTrue(!reply.finalBit() || !reply.continueBit(), "seed=" + seed);
            assertEquals(
                    reply.finalBit(),
                    reply.targetTransferTag() == RequestPdu.RESERVED_TAG,
                    "seed=" + seed);
            return reply.targetTransferTag();
        } catch (MalformedPduException e) {
            assertEquals(false, e.framingLost(), "seed=" + seed);
            assertEquals(most, text.maxDataSegmentBytes(), "seed=" + seed);
            return RequestPdu.RESERVED_TAG;
        }
    }

    /// A few pairs of known and unknown keys, now and then with bytes damaged.
    private static ByteBuf noisyText(RandomGenerator random, String start) {
        TextKey[] keys = TextKey.values();
        StringBuilder text = new StringBuilder(start);
        for (int count = random.nextInt(5); count > 0; count--) {
            String key =
                    random.nextInt(6) == 0
                            ? "X-" + random.nextInt(50)
                            : keys[random.nextInt(keys.length)].text();
            text.append(key).append('=').append(VALUES[random.nextInt(VALUES.length)]).append(';');
        }
        byte[] bytes = text.toString().replace(';', '\0').getBytes(StandardCharsets.UTF_8);
        if (bytes.length > 0 && random.nextInt(10) == 0) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        }
        return Unpooled.wrappedBuffer(bytes);
    }

    private static RandomGenerator generator(long seed) {
        return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    }
}
