package io.lunkeeper.target.login;

import static io.lunkeeper.target.login.Logins.ALICE;
import static io.lunkeeper.target.login.Logins.BOB;
import static io.lunkeeper.target.login.Logins.DIRECTORY;
import static io.lunkeeper.target.login.Logins.VM1;
import static io.lunkeeper.target.login.Logins.VM2;
import static io.lunkeeper.target.login.Logins.pairs;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.login.TextNegotiation.TextReply;
import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class TextNegotiationTest {
    private static final int RESERVED = RequestPdu.RESERVED_TAG;
    private static final String ADDRESSES =
            ";TargetAddress=10.0.0.1:3260,7;TargetAddress=[::1]:3260,7";
    private static final String LISTING_1 = "TargetName=" + VM1 + ADDRESSES;
    private static final String LISTING_2 = "TargetName=" + VM2 + ADDRESSES;

    private final TextNegotiation discovery = text(ALICE, true, 8192);
    private final TextNegotiation normal = text(ALICE, false, 8192);

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "SendTargets=All|" + LISTING_1 + ";" + LISTING_2,
                "SendTargets=" + VM2 + "|" + LISTING_2,
                "SendTargets=IQN.2026-11.io.LunKeeper:VM1|" + LISTING_1,
                "SendTargets=iqn.2026-11.io.lunkeeper:none|''",
                "SendTargets=nonsense|''",
                "SendTargets=|SendTargets=Reject",
                "SendTargets=all|''",
            })
    void listsTargetsInDiscovery(String request, String reply) throws MalformedPduException {
        assertEnd(reply, discovery.receive(request(RESERVED, true, false, request)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "SendTargets=All|SendTargets=Reject",
                "SendTargets=|" + LISTING_1,
                "SendTargets=" + VM1 + "|" + LISTING_1,
                "SendTargets=" + VM2 + "|''",
            })
    void tellsANormalSessionOfItsOwnTargetOnly(String request, String reply)
            throws MalformedPduException {
        assertEnd(reply, normal.receive(request(RESERVED, true, false, request)));
    }

    @Test
    void hidesTargetsFromWhoMayNotLogIn() throws MalformedPduException {
        TextNegotiation bob = text(BOB, true, 8192);
        assertEnd(LISTING_1, bob.receive(request(RESERVED, true, false, "SendTargets=All")));
        assertEnd("", bob.receive(request(RESERVED, true, false, "SendTargets=" + VM2)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''|''",
                "X-a=1;Foo=2|X-a=NotUnderstood;Foo=NotUnderstood",
                "X-a=NotUnderstood|''",
                "MaxBurstLength=512|MaxBurstLength=Reject",
                "InitiatorName=x|InitiatorName=Reject",
                "TargetAddress=x|TargetAddress=Reject",
                "AuthMethod=CHAP|AuthMethod=Reject",
                "InitiatorAlias=x|''",
                "MaxRecvDataSegmentLength=1024|''",
                "SendTargets=;IFMarker=No|IFMarker=Reject;" + LISTING_1,
            })
    void answersOtherKeysByWhatTheyAre(String request, String reply) throws MalformedPduException {
        assertEnd(reply, normal.receive(request(RESERVED, true, false, request)));
    }

    @ParameterizedTest
    @CsvSource({"511", "16777216", "x", "''"})
    void rejectsADeclarationOfNoLength(String value) {
        TextRequest request = request(RESERVED, true, false, "MaxRecvDataSegmentLength=" + value);
        assertBroken(MalformedPduException.PROTOCOL_ERROR, normal, request);
        assertEquals(8192, normal.maxDataSegmentBytes());
    }

    @Test
    void cutsALongReplyAndGoesOnUnderATag() throws MalformedPduException {
        String whole = LISTING_1 + ";" + LISTING_2 + ";";
        TextNegotiation small = text(ALICE, true, 50);
        StringBuilder gathered = new StringBuilder();
        TextReply reply = small.receive(request(RESERVED, true, false, "SendTargets=All"));
        int pieces = 1;
        while (!reply.finalBit()) {
            assertTrue(reply.continueBit());
            assertNotEquals(RESERVED, reply.targetTransferTag());
            assertEquals(50, reply.text().length());
            gathered.append(reply.text());
            reply = small.receive(request(reply.targetTransferTag(), true, false, ""));
            pieces++;
        }
        gathered.append(reply.text());
        assertEquals(RESERVED, reply.targetTransferTag());
        assertEquals(whole, gathered.toString().replace('\0', ';'));
        assertEquals((whole.length() + 49) / 50, pieces);
    }

    /// Of which no more exist at a time than a reply has room for.
    @Test
    void listsThousandsOfTargets() throws MalformedPduException {
        AtomicInteger made = new AtomicInteger();
        TextNegotiation many =
                new TextNegotiation(thousands(2000, made), session(ALICE, true), 8192);
        StringBuilder gathered = new StringBuilder();
        TextReply reply = many.receive(request(RESERVED, true, false, "SendTargets=All"));
        int pieces = 1;
        assertTrue(made.get() < 200, () -> made + " listings for the first piece");
        while (!reply.finalBit()) {
            assertTrue(reply.continueBit());
            assertEquals(8192, reply.text().length());
            gathered.append(reply.text());
            reply = many.receive(request(reply.targetTransferTag(), true, false, ""));
            pieces++;
        }
        gathered.append(reply.text());
        StringBuilder whole = new StringBuilder();
        thousands(2000, new AtomicInteger())
                .listings(ALICE, List.of())
                .forEachRemaining(
                        each -> whole.append("TargetName=" + each.targetName() + ADDRESSES + ";"));
        assertEquals(whole.toString(), gathered.toString().replace('\0', ';'));
        assertEquals((whole.length() + 8191) / 8192, pieces);
    }

    /// However much the initiator would take.
    @Test
    void boundsOneReply() throws MalformedPduException {
        TextNegotiation many =
                new TextNegotiation(
                        thousands(5000, new AtomicInteger()), session(ALICE, true), 1 << 23);
        TextReply reply = many.receive(request(RESERVED, true, false, "SendTargets=All"));
        assertEquals(256 << 10, reply.text().length());
        assertTrue(reply.continueBit());
    }

    private static TargetDirectory thousands(int count, AtomicInteger made) {
        return new TargetDirectory() {
            @Override
            public @Nullable Demand demand(String initiatorName, String targetName) {
                return null;
            }

            @Override
            public Demand discoveryDemand(String initiatorName) {
                return Demand.NOTHING;
            }

            @Override
            public String alias(String targetName) {
                return "";
            }

            @Override
            public int portalGroupTag() {
                return 7;
            }

            @Override
            public Iterator<Listing> listings(String initiatorName, List<ChapAccount> proven) {
                return IntStream.range(0, count)
                        .mapToObj(number -> {
                            made.incrementAndGet();
                            return new Listing(
                                    VM1 + number, List.of("10.0.0.1:3260,7", "[::1]:3260,7"));
                        })
                        .iterator();
            }
        };
    }

    @Test
    void neverCutsACharacter() throws MalformedPduException {
        String name = "iqn.2026-11.io.lunkeeper:" + "\u00e4\u6f22".repeat(19);
        TargetDirectory directory = new OneTarget(name, List.of());
        for (int bytes = 4; bytes < 40; bytes++) {
            TextNegotiation small = new TextNegotiation(directory, session(ALICE, true), bytes);
            StringBuilder gathered = new StringBuilder();
            TextReply reply = small.receive(request(RESERVED, true, false, "SendTargets=All"));
            while (!reply.finalBit()) {
                assertTrue(reply.text().getBytes(StandardCharsets.UTF_8).length <= bytes);
                gathered.append(reply.text());
                reply = small.receive(request(reply.targetTransferTag(), true, false, ""));
            }
            gathered.append(reply.text());
            assertEquals("TargetName=" + name, pairs(gathered.toString()));
        }
    }

    @Test
    void cutsByTheLengthDeclaredLast() throws MalformedPduException {
        List<String> addresses = Collections.nCopies(40, "10.0.0.1:3260,7");
        TargetDirectory directory = new OneTarget(VM1, addresses);
        TextNegotiation text = new TextNegotiation(directory, session(ALICE, true), 8192);
        assertTrue(text.receive(request(RESERVED, true, false, "SendTargets=All")).finalBit());
        String declaring = "MaxRecvDataSegmentLength=512;SendTargets=All";
        assertTrue(text.receive(request(RESERVED, true, false, declaring)).finalBit());
        assertEquals(512, text.maxDataSegmentBytes());
        TextReply reply = text.receive(request(RESERVED, true, false, "SendTargets=All"));
        assertTrue(reply.continueBit());
        assertEquals(512, reply.text().length());
    }

    /// RFC 7143 6.4: what several requests declare counts when the last reply to them goes out.
    @Test
    void aDeclarationCountsWhenTheExchangeIsComplete() throws MalformedPduException {
        TextReply open =
                normal.receive(request(RESERVED, false, false, "MaxRecvDataSegmentLength=512"));
        assertEquals(8192, normal.maxDataSegmentBytes());
        open = normal.receive(request(open.targetTransferTag(), false, false, "SendTargets="));
        assertEquals(8192, normal.maxDataSegmentBytes());
        assertEnd("", normal.receive(request(open.targetTransferTag(), true, false, "")));
        assertEquals(512, normal.maxDataSegmentBytes());
    }

    /// RFC 7143 7.12 b): after a failure what was agreed on before counts.
    @ParameterizedTest
    @CsvSource({
        "MaxRecvDataSegmentLength=1024",
        "MaxRecvDataSegmentLength=x",
        "A=1;A=1",
        "A",
    })
    void aDeclarationIsGoneWithAnExchangeThatFails(String next) throws MalformedPduException {
        TextReply open =
                normal.receive(request(RESERVED, false, false, "MaxRecvDataSegmentLength=512"));
        assertBroken(
                MalformedPduException.PROTOCOL_ERROR,
                normal,
                request(open.targetTransferTag(), true, false, next));
        assertEnd("", normal.receive(request(RESERVED, true, false, "")));
        assertEquals(8192, normal.maxDataSegmentBytes());
    }

    /// The same text in one request, and one that is dropped for another.
    @Test
    void aDeclarationIsGoneWithAnExchangeThatIsDropped() throws MalformedPduException {
        assertBroken(
                MalformedPduException.PROTOCOL_ERROR,
                normal,
                request(RESERVED, true, false, "MaxRecvDataSegmentLength=512;A=1;A=1"));
        normal.receive(request(RESERVED, false, false, "MaxRecvDataSegmentLength=512"));
        assertEnd("", normal.receive(request(RESERVED, true, false, "")));
        assertEquals(8192, normal.maxDataSegmentBytes());
    }

    /// RFC 7143 4.3 iSCSI Session Types, 13.21 SessionType.
    @ParameterizedTest
    @CsvSource({"''", "MaxRecvDataSegmentLength=512", "X-a=1", "SendTargets=Reject"})
    void takesNoTextWithoutSendTargetsInDiscovery(String text) throws MalformedPduException {
        assertBroken(
                MalformedPduException.PROTOCOL_ERROR,
                discovery,
                request(RESERVED, true, false, text));
        assertEquals(8192, discovery.maxDataSegmentBytes());
        assertEnd(
                LISTING_2, discovery.receive(request(RESERVED, true, false, "SendTargets=" + VM2)));
    }

    @Test
    void gathersARequestThatRunsOn() throws MalformedPduException {
        TextReply more = discovery.receive(piece(RESERVED, false, true, "SendTar"));
        assertEquals(new TextReply(false, false, more.targetTransferTag(), ""), more);
        assertNotEquals(RESERVED, more.targetTransferTag());
        TextReply again = discovery.receive(piece(more.targetTransferTag(), false, true, "gets="));
        assertEquals(more, again);
        TextReply end = discovery.receive(piece(more.targetTransferTag(), true, false, VM1 + "\0"));
        assertEnd(LISTING_1, end);
    }

    @Test
    void doesNotEndBeforeTheInitiatorDoes() throws MalformedPduException {
        TextReply first = discovery.receive(request(RESERVED, false, false, "SendTargets=" + VM1));
        assertEquals(LISTING_1, pairs(first.text()));
        assertEquals(false, first.finalBit());
        assertEquals(false, first.continueBit());
        TextReply end = discovery.receive(request(first.targetTransferTag(), true, false, "X-a=1"));
        assertEnd("X-a=NotUnderstood", end);
    }

    @Test
    void refusesTagsOfNoExchange() throws MalformedPduException {
        assertBroken(
                MalformedPduException.INVALID_PDU_FIELD,
                discovery,
                request(1, true, false, "SendTargets=All"));
        TextReply open = discovery.receive(piece(RESERVED, false, true, "Send"));
        assertBroken(
                MalformedPduException.INVALID_PDU_FIELD,
                discovery,
                request(open.targetTransferTag() + 1, true, false, ""));
        assertBroken(
                MalformedPduException.INVALID_PDU_FIELD,
                discovery,
                request(open.targetTransferTag(), true, false, ""));
    }

    @Test
    void beginsAnewWithTheReservedTag() throws MalformedPduException {
        discovery.receive(piece(RESERVED, false, true, "SendTargets="));
        TextReply reply = discovery.receive(request(RESERVED, true, false, "SendTargets=" + VM2));
        assertEnd(LISTING_2, reply);
    }

    @Test
    void rejectsWhatBreaksTheExchange() throws MalformedPduException {
        assertBroken(
                MalformedPduException.INVALID_PDU_FIELD,
                discovery,
                request(RESERVED, true, true, "A=1"));
        assertBroken(
                MalformedPduException.PROTOCOL_ERROR, discovery, piece(RESERVED, true, false, "A"));
        assertBroken(
                MalformedPduException.PROTOCOL_ERROR,
                discovery,
                request(RESERVED, true, false, "A=1;A=1"));
        TextNegotiation small = text(ALICE, true, 50);
        TextReply unfinished = small.receive(request(RESERVED, true, false, "SendTargets=All"));
        assertBroken(
                MalformedPduException.PROTOCOL_ERROR,
                small,
                request(unfinished.targetTransferTag(), true, false, "A=1"));
    }

    @Test
    void boundsTheTextOfOneExchange() throws MalformedPduException {
        ByteBuf piece = Unpooled.wrappedBuffer(new byte[8192]);
        int tag = RESERVED;
        for (int count = 0; count < 8; count++) {
            tag = discovery.receive(request(tag, false, true, piece.slice())).targetTransferTag();
        }
        assertBroken(
                MalformedPduException.PROTOCOL_ERROR,
                discovery,
                request(tag, false, true, piece.slice(0, 1)));
        assertEnd(
                LISTING_2, discovery.receive(request(RESERVED, true, false, "SendTargets=" + VM2)));
    }

    @Test
    void givesTheHeaderOfWhatItRejects() {
        TextRequest request =
                new TextRequest(
                        true,
                        true,
                        false,
                        0x0102030405060708L,
                        0xa1a2a3a4,
                        0xd1d2d3d4,
                        0xb1b2b3b4,
                        0xc1c2c3c4,
                        Logins.text("AB=1"));
        MalformedPduException e =
                assertThrows(MalformedPduException.class, () -> normal.receive(request));
        assertEquals(
                "44800000000000050102030405060708a1a2a3a4d1d2d3d4b1b2b3b4c1c2c3c4"
                        + "00".repeat(16),
                HexFormat.of().formatHex(e.header()));
    }

    private static void assertBroken(int reason, TextNegotiation negotiation, TextRequest request) {
        MalformedPduException e =
                assertThrows(MalformedPduException.class, () -> negotiation.receive(request));
        assertEquals(reason, e.rejectReason());
        assertEquals(false, e.framingLost());
    }

    private static void assertEnd(String text, TextReply reply) {
        assertEquals(text, pairs(reply.text()));
        assertEquals(new TextReply(true, false, RESERVED, reply.text()), reply);
    }

    private static TextRequest request(int tag, boolean last, boolean continues, String pairs) {
        return request(tag, last, continues, Logins.text(pairs));
    }

    /// Text that is taken as it stands.
    private static TextRequest piece(int tag, boolean last, boolean continues, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return request(tag, last, continues, Unpooled.wrappedBuffer(bytes));
    }

    private static TextRequest request(int tag, boolean last, boolean continues, ByteBuf data) {
        return new TextRequest(false, last, continues, 0, 1, tag, 1, 1, data);
    }

    private static TextNegotiation text(String initiator, boolean discovery, int maxBytes) {
        return new TextNegotiation(DIRECTORY, session(initiator, discovery), maxBytes);
    }

    private static SessionParameters session(String initiator, boolean discovery) {
        return new SessionParameters(
                initiator,
                "",
                discovery ? "" : VM1,
                List.of(),
                discovery,
                false,
                false,
                1,
                true,
                true,
                8192,
                8192,
                262144,
                65536,
                2,
                0,
                1,
                0,
                1,
                false);
    }
}
