package io.lunkeeper.target.login;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.fuzz.Choices;
import io.lunkeeper.target.fuzz.Corpus;
import io.lunkeeper.target.login.TextNegotiation.TextReply;
import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Any bytes as texts of key=value pairs, in the full-feature phase (`tests/fuzz text`): every
/// request is answered within the initiator's bound, or refused, and the next one is taken again.
/// Lines of the corpus end where a pair does: a line feed stands for NUL.
public final class TextKeysFuzzTest {
    private static final int DISCOVERY = 1;
    private static final int FINAL = 1;
    private static final int CONTINUE = 2;
    private static final int STRANGE_TAG = 4;

    /// Each takes at most so many bytes of the input.
    private static final int MAX_REQUEST_BYTES = 0x3ff;

    /// What the fuzzer calls.
    public static void fuzzerTestOneInput(byte[] input) {
        Choices choices = new Choices(input);
        SessionParameters parameters = parameters((choices.octet() & DISCOVERY) != 0);
        TextNegotiation text = new TextNegotiation(Logins.DIRECTORY, parameters, 512);
        int tag = RequestPdu.RESERVED_TAG;
        while (choices.more()) {
            int flags = choices.octet();
            byte[] bytes = choices.bytes(choices.word() & MAX_REQUEST_BYTES);
            lineFeedsToNuls(bytes);
            checkParsing(bytes);
            tag =
                    exchange(
                            text,
                            flags,
                            (flags & STRANGE_TAG) != 0 ? choices.number() : tag,
                            Unpooled.wrappedBuffer(bytes));
        }
    }

    static void lineFeedsToNuls(byte[] bytes) {
        for (int index = 0; index < bytes.length; index++) {
            if (bytes[index] == '\n') {
                bytes[index] = 0;
            }
        }
    }

    private static SessionParameters parameters(boolean discovery) {
        LoginNegotiation login = Logins.negotiation();
        login.receive(Logins.request(1, 3, discovery ? Logins.DISCOVERY : Logins.INTRODUCTION));
        SessionParameters parameters = login.parameters();
        assertNotNull(parameters);
        return parameters;
    }

    /// What is read is what would be sent for the same pairs.
    private static void checkParsing(byte[] bytes) {
        List<TextKeys.Pair> pairs = TextKeys.parse(bytes);
        if (pairs == null) {
            return;
        }
        StringBuilder again = new StringBuilder();
        for (TextKeys.Pair pair : pairs) {
            assertTrue(!pair.key().isEmpty() && pair.key().length() <= TextKeys.MAX_KEY_BYTES);
            again.append(TextKeys.format(pair.key(), pair.value()));
        }
        assertTrue(pairs.size() <= TextKeys.MAX_PAIRS);
        assertEquals(pairs, TextKeys.parse(again.toString().getBytes(StandardCharsets.UTF_8)));
    }

    /// @return the tag that the next request should have
    private static int exchange(TextNegotiation text, int flags, int tag, ByteBuf data) {
        boolean last = (flags & FINAL) != 0;
        boolean continues = (flags & CONTINUE) != 0;
        TextRequest request = new TextRequest(false, last, continues, 0, 1, tag, 1, 1, data);
        try {
            TextReply reply = text.receive(request);
            byte[] bytes = reply.text().getBytes(StandardCharsets.UTF_8);
            assertTrue(bytes.length <= text.maxDataSegmentBytes());
            assertTrue(text.maxDataSegmentBytes() >= 512);
            assertTrue(last || !reply.finalBit());
            assertTrue(!reply.finalBit() || !reply.continueBit());
            assertTrue(!continues || bytes.length == 0, "answered in the middle of a text");
            boolean over = reply.targetTransferTag() == RequestPdu.RESERVED_TAG;
            assertEquals(reply.finalBit(), over);
            assertEquals(1, data.refCnt());
            return reply.targetTransferTag();
        } catch (MalformedPduException e) {
            assertEquals(false, e.framingLost());
            assertEquals(48, e.header().length);
            return RequestPdu.RESERVED_TAG;
        }
    }

    @Test
    void answersEveryTextOrRefusesIt() {
        Corpus.replay("text", TextKeysFuzzTest::fuzzerTestOneInput);
    }
}
