package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.login.ChapAccount;
import io.lunkeeper.target.login.ChapSecret;
import io.lunkeeper.target.login.Demand;
import io.lunkeeper.target.login.NegotiationLimits;
import io.lunkeeper.target.login.OneTarget;
import io.lunkeeper.target.pdu.PduEncoder;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.scsi.AccessState;
import io.lunkeeper.target.scsi.DeviceServer;
import io.lunkeeper.target.scsi.TargetDevice;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Logins that are told late what came of them.
class SlowLoginTest {
    private static final String TARGET = "iqn.2026-11.io.lunkeeper:test";
    private static final String SECRET = "alice's secret";
    private static final int SECURITY = 0;
    private static final int FULL_FEATURE = 3;

    private final Guarded directory = new Guarded();
    private final FailedLogins failedLogins = new FailedLogins();
    private final TargetNode node =
            new TargetNode(
                    new DeviceServer(
                            new TargetDevice(TARGET, List.of(1)), AccessState.ACTIVE_OPTIMIZED));

    /// One target, for Alice.
    private static final class Guarded extends OneTarget {
        private @Nullable Demand changed;

        Guarded() {
            super(TARGET);
        }

        @Override
        public @Nullable Demand demand(String initiatorName, String targetName) {
            return changed != null
                    ? changed
                    : Demand.anyOf(
                            List.of(
                                    new ChapAccount(
                                            "alice",
                                            new ChapSecret(
                                                    SECRET.getBytes(StandardCharsets.US_ASCII)),
                                            Optional.empty())));
        }
    }

    /// An initiator and its connection.
    private final class Peer implements Transport {
        private final PduEncoder encoder = new PduEncoder();
        private final List<ByteBuf> sent = new ArrayList<>();
        private final IscsiConnection connection;
        private @Nullable String closeReason;

        Peer() {
            connection =
                    new IscsiConnection(
                            this,
                            new IscsiConnection.Site(
                                    new SessionRegistry(),
                                    Map.of(TARGET, node)::get,
                                    directory,
                                    NegotiationLimits.DEFAULT,
                                    failedLogins.from(InetAddress.getLoopbackAddress())),
                            0);
        }

        /// Goes as far as to the answer to the challenge.
        void answer(String secret, long at) throws Exception {
            send("InitiatorName=iqn.2026-11.a:b;TargetName=" + TARGET + ";AuthMethod=CHAP", at);
            send("CHAP_A=5", at);
            String text = sent.getLast().toString(StandardCharsets.US_ASCII);
            MessageDigest md5 = MessageDigest.getInstance("MD5");
            md5.update((byte) Integer.parseInt(text.replaceFirst("(?s).*CHAP_I=([0-9]+).*", "$1")));
            md5.update(secret.getBytes(StandardCharsets.US_ASCII));
            md5.update(
                    HexFormat.of()
                            .parseHex(text.replaceFirst("(?s).*CHAP_C=0x([0-9a-f]+).*", "$1")));
            send("CHAP_N=alice;CHAP_R=0x" + HexFormat.of().formatHex(md5.digest()), at);
        }

        void send(String text, long at) throws Exception {
            connection.receive(
                    new RequestPdu.LoginRequest(
                            true,
                            false,
                            SECURITY,
                            FULL_FEATURE,
                            0,
                            0,
                            0x800000000001L,
                            0,
                            7,
                            1,
                            100,
                            0,
                            Unpooled.copiedBuffer(
                                    text.replace(';', '\0') + '\0', StandardCharsets.US_ASCII)),
                    TimeUnit.SECONDS.toNanos(at));
        }

        void tick(long at) {
            connection.tick(TimeUnit.SECONDS.toNanos(at));
        }

        /// Status-Class and Status-Detail of the last response.
        int status() {
            return sent.getLast().getUnsignedShort(36);
        }

        /// Whether the last response lets it in.
        boolean isIn() {
            return (sent.getLast().getByte(1) & 0x83) == 0x83;
        }

        @Override
        public PduEncoder encoder() {
            return encoder;
        }

        @Override
        public ByteBufAllocator allocator() {
            return UnpooledByteBufAllocator.DEFAULT;
        }

        @Override
        public void send(ByteBuf pdu) {
            sent.add(pdu);
        }

        @Override
        public long queuedBytes() {
            return 0;
        }

        @Override
        public void negotiated(
                boolean headerDigest, boolean dataDigest, int maxRecvDataSegmentBytes) {}

        @Override
        public void atNextTick(Runnable work) {
            throw new AssertionError("nothing is kept");
        }

        @Override
        public void keepPlace(Runnable giveWay) {
            throw new AssertionError("nothing is kept");
        }

        @Override
        public void leavePlace() {
            throw new AssertionError("nothing is kept");
        }

        @Override
        public void pauseReading(boolean paused) {}

        @Override
        public void close(String reason) {
            closeReason = reason;
        }

        @Override
        public void execute(Runnable task) {
            task.run();
        }

        @Override
        public void moveTo(Transport neighbour, Runnable arrived) {
            throw new AssertionError("there is no session to join");
        }

        @Override
        public String peer() {
            return "peer";
        }
    }

    @Test
    void theFirstWrongAnswerIsToldAtOnce() throws Exception {
        Peer mallory = new Peer();
        mallory.answer("a wrong secret", 0);
        assertEquals(0x0201, mallory.status());
        assertEquals("login refused, status 0x0201", mallory.closeReason);
        assertEquals(1, failedLogins.total());
    }

    @Test
    void theNextAnswerIsToldWhenItsTurnComesWhateverItIs() throws Exception {
        new Peer().answer("a wrong secret", 0);
        Peer wrong = new Peer();
        wrong.answer("another wrong one", 0);
        Peer right = new Peer();
        right.answer(SECRET, 0);
        for (Peer each : List.of(wrong, right)) {
            assertEquals(2, each.sent.size());
            assertNull(each.closeReason);
            each.tick(0);
            assertEquals(2, each.sent.size());
        }
        wrong.tick(1);
        right.tick(1);
        assertEquals(0x0201, wrong.status());
        assertEquals(2, right.sent.size());
        right.tick(3);
        assertTrue(right.isIn());
        assertNull(right.closeReason);
        Peer next = new Peer();
        next.answer(SECRET, 3);
        assertTrue(next.isIn(), "all is forgotten");
    }

    @Test
    void whatIsAskedForInTheEndCounts() throws Exception {
        new Peer().answer("a wrong secret", 0);
        Peer alice = new Peer();
        alice.answer(SECRET, 0);
        directory.changed = Demand.impossible("not any more");
        alice.tick(1);
        assertEquals(0x0202, alice.status());
        assertFalse(alice.isIn());
        assertEquals("login refused: AUTHORIZATION_FAILURE", alice.closeReason);
        directory.changed = Demand.NOTHING;
        Peer anybody = new Peer();
        anybody.send("InitiatorName=iqn.2026-11.a:b;TargetName=" + TARGET, 2);
        assertTrue(anybody.isIn());
    }

    @Test
    void whoWouldWaitTooLongIsSentAwayUnheard() throws Exception {
        for (int count = 0; count < 4; count++) {
            new Peer().answer("a wrong secret", 0);
        }
        Peer alice = new Peer();
        alice.answer(SECRET, 0);
        assertEquals(0x0301, alice.status());
        assertFalse(alice.isIn());
        assertEquals("login refused: SERVICE_UNAVAILABLE", alice.closeReason);
    }

    @Test
    void nothingMoreIsTakenWhileAnAnswerWaits() throws Exception {
        new Peer().answer("a wrong secret", 0);
        Peer hasty = new Peer();
        hasty.answer(SECRET, 0);
        hasty.send("", 0);
        assertEquals(
                "protocol error: a login request before the last was answered", hasty.closeReason);
    }

    @Test
    void whatNeedsNoSecretIsNotSlowed() throws Exception {
        new Peer().answer("a wrong secret", 0);
        Peer open = new Peer();
        open.send("InitiatorName=iqn.2026-11.a:b;TargetName=" + TARGET + ";AuthMethod=None", 0);
        assertEquals(0x0201, open.status());
        assertEquals(2, failedLogins.total());
    }
}
