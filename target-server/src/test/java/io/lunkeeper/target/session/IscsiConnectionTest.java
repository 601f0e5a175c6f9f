package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.login.NegotiationLimits;
import io.lunkeeper.target.login.OneTarget;
import io.lunkeeper.target.login.TargetDirectory;
import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.PduDecoder;
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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jscsi.parser.reject.RejectParser.ReasonCode;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// What time does to a connection; time here is a number.
class IscsiConnectionTest {
    private static final String TARGET = "iqn.2026-11.io.lunkeeper:test";
    private static final String KEYS =
            "InitiatorName=iqn.2026-11.a:b\0TargetName=" + TARGET + "\0DefaultTime2Retain=0\0";
    private static final int NOP_IN = 0x20;
    private static final int LOGIN_RESPONSE = 0x23;
    private static final int LOGOUT_RESPONSE = 0x26;
    private static final int ASYNCHRONOUS_MESSAGE = 0x32;
    private static final int REJECT = 0x3f;

    /// Status-Class and Status-Detail (RFC 7143 11.13.5).
    private static final int TARGET_REMOVED = 0x0204;

    private static final int INVALID_DURING_LOGIN = 0x020b;

    /// 11.17.1 Reason.
    private static final int PROTOCOL_ERROR = 4;

    private final RecordingTransport transport = new RecordingTransport();
    private final SessionRegistry registry = new SessionRegistry();
    private final TargetNode node;
    private final IscsiConnection connection;

    IscsiConnectionTest() {
        node =
                new TargetNode(
                        new DeviceServer(
                                new TargetDevice(TARGET, List.of(1)),
                                AccessState.ACTIVE_OPTIMIZED));
        connection = connect(transport);
    }

    private IscsiConnection connect(Transport below) {
        return connect(below, new OneTarget(TARGET));
    }

    private IscsiConnection connect(Transport below, TargetDirectory directory) {
        return new IscsiConnection(
                below,
                new IscsiConnection.Site(
                        registry,
                        Map.of(TARGET, node)::get,
                        directory,
                        NegotiationLimits.DEFAULT,
                        new FailedLogins().from(InetAddress.getLoopbackAddress())),
                0);
    }

    private static long seconds(long count) {
        return TimeUnit.SECONDS.toNanos(count);
    }

    private void login(long at) throws Exception {
        login(connection, at, KEYS);
        assertEquals(LOGIN_RESPONSE, transport.lastOpcode());
    }

    private static void login(IscsiConnection connection, long at, String keys) throws Exception {
        connection.receive(
                new RequestPdu.LoginRequest(
                        true,
                        false,
                        1,
                        3,
                        0,
                        0,
                        0x800000000001L,
                        0,
                        7,
                        1,
                        100,
                        0,
                        Unpooled.copiedBuffer(keys, StandardCharsets.US_ASCII)),
                at);
    }

    private void answer(int transferTag, long at) throws Exception {
        connection.receive(
                new RequestPdu.NopOut(
                        true,
                        0,
                        RequestPdu.RESERVED_TAG,
                        transferTag,
                        100,
                        1,
                        Unpooled.EMPTY_BUFFER),
                at);
    }

    @Test
    void closesAPeerThatDoesNotLogInInTime() {
        connection.tick(seconds(15));
        assertNull(transport.closeReason);
        connection.tick(seconds(16));
        assertEquals("login took longer than 15 s", transport.closeReason);
    }

    @Test
    void asksASilentInitiatorForASignOfLife() throws Exception {
        login(0);
        int sent = transport.sent.size();
        connection.tick(seconds(30));
        assertEquals(sent, transport.sent.size());
        connection.tick(seconds(31));
        assertEquals(NOP_IN, transport.lastOpcode());
        ByteBuf ping = transport.sent.getLast();
        assertEquals(0, ping.getLong(8), "LUN");
        assertEquals(RequestPdu.RESERVED_TAG, ping.getInt(16));
        assertTrue(ping.getInt(20) != RequestPdu.RESERVED_TAG);
        answer(ping.getInt(20), seconds(32));
        connection.tick(seconds(61));
        assertEquals(sent + 1, transport.sent.size());
        assertNull(transport.closeReason);
    }

    @Test
    void closesASessionThatDoesNotAnswer() throws Exception {
        login(0);
        connection.tick(seconds(31));
        connection.tick(seconds(61));
        assertNull(transport.closeReason);
        connection.tick(seconds(62));
        assertEquals("no answer to a NOP-In for 30 s", transport.closeReason);
    }

    @Test
    void asksAsOftenAsIsSet() throws Exception {
        login(0);
        registry.keepalive(Duration.ofSeconds(3));
        connection.tick(seconds(3));
        assertTrue(transport.lastOpcode() != NOP_IN);
        connection.tick(seconds(4));
        assertEquals(NOP_IN, transport.lastOpcode());
        connection.tick(seconds(7));
        assertNull(transport.closeReason);
        connection.tick(seconds(8));
        assertEquals("no answer to a NOP-In for 3 s", transport.closeReason);
    }

    /// StatSN of a ping is shown, not taken: the next response has the same (RFC 7143 11.19).
    @Test
    void doesNotAdvanceStatSnForAPing() throws Exception {
        login(0);
        connection.tick(seconds(31));
        int shown = transport.sent.getLast().getInt(24);
        connection.tick(seconds(31));
        connection.receive(
                new RequestPdu.NopOut(
                        true, 0, 9, RequestPdu.RESERVED_TAG, 100, 1, Unpooled.EMPTY_BUFFER),
                seconds(32));
        assertEquals(shown, transport.sent.getLast().getInt(24));
    }

    @Test
    void givesItsPlaceBackWhenItIsGone() throws Exception {
        login(0);
        assertNotNull(registry.find(1));
        assertEquals(
                List.of(new SessionRegistry.Entry("iqn.2026-11.a:b", TARGET, "nobody")),
                registry.sessions());
        connection.disconnected();
        assertNull(registry.find(1));
        assertEquals(List.of(), registry.sessions());
    }

    @Test
    void takesNobodyOnceTheServerEnds() throws Exception {
        registry.close();
        login(0);
        assertEquals(0x03, transport.sent.getLast().getByte(36), "target error");
        assertNotNull(transport.closeReason);
    }

    @Test
    void takesNobodyToATargetThatIsNoMore() throws Exception {
        AtomicInteger ends = new AtomicInteger();
        node.end("taken out", ends::incrementAndGet);
        assertEquals(1, ends.get());
        login(0);
        assertEquals(TARGET_REMOVED, transport.sent.getLast().getShort(36));
        assertNotNull(transport.closeReason);
        connection.disconnected();
        assertEquals(List.of(), registry.sessions());
        assertEquals(1, registry.reserveTsih().orElseThrow());
    }

    @Test
    void targetThatEndsEndsItsSessions() throws Exception {
        login(0);
        AtomicInteger ends = new AtomicInteger();
        node.end("taken out", ends::incrementAndGet);
        assertEquals("taken out", transport.closeReason);
        assertEquals(1, ends.get());
        assertEquals(List.of(), registry.sessions());
    }

    private void assertAsync(int event, int parameter1, int parameter2, int parameter3) {
        ByteBuf message = transport.sent.getLast();
        assertEquals(ASYNCHRONOUS_MESSAGE, transport.lastOpcode());
        assertEquals(RequestPdu.RESERVED_TAG, message.getInt(16));
        assertEquals(event, message.getByte(36));
        assertEquals(parameter1, message.getShort(38));
        assertEquals(parameter2, message.getShort(40));
        assertEquals(parameter3, message.getShort(42));
    }

    private Session only() {
        return node.sessions().iterator().next();
    }

    private void logOut() throws Exception {
        connection.receive(new RequestPdu.LogoutRequest(true, 0, 9, 0, 100, 1), 0);
    }

    /// All goes on until the initiator does log out.
    @Test
    void asksForALogoutAndWaitsForIt() throws Exception {
        login(0);
        int loginStatSn = transport.sent.getLast().getInt(24);
        AtomicInteger ends = new AtomicInteger();
        only().requestLogout(5, "stopped", ends::incrementAndGet);
        assertAsync(1, 0, 0, 5);
        assertEquals(loginStatSn + 1, transport.sent.getLast().getInt(24));
        assertNull(transport.closeReason);
        logOut();
        assertEquals(LOGOUT_RESPONSE, transport.lastOpcode());
        assertEquals(loginStatSn + 2, transport.sent.getLast().getInt(24));
        assertEquals("logged out", transport.closeReason);
        assertEquals(1, ends.get());
        connection.disconnected();
        assertEquals(1, ends.get());
    }

    @Test
    void doesNotAskASessionThatEndsAlready() throws Exception {
        login(0);
        Session session = only();
        connection.disconnected();
        int sent = transport.sent.size();
        AtomicInteger ends = new AtomicInteger();
        session.requestLogout(5, "stopped", ends::incrementAndGet);
        assertEquals(1, ends.get());
        assertEquals(sent, transport.sent.size());
    }

    /// Parameter2 is Time2Wait, Parameter3 Time2Retain: no task outlives the session.
    @Test
    void saysThatItDropsASession() throws Exception {
        login(0);
        AtomicInteger ends = new AtomicInteger();
        only().terminate("stopped", ends::incrementAndGet);
        assertAsync(3, 0, 2, 0);
        assertEquals("stopped", transport.closeReason);
        assertEquals(1, ends.get());
        int sent = transport.sent.size();
        node.end("again", () -> {});
        assertEquals(sent, transport.sent.size());
    }

    /// Parameter1 is the CID.
    @Test
    void saysThatItDropsAConnection() throws Exception {
        login(0);
        connection.tick(seconds(31));
        connection.tick(seconds(62));
        assertAsync(2, 1, 2, 0);
    }

    @Test
    void endsADiscoverySessionUnasked() throws Exception {
        login(connection, 0, "InitiatorName=iqn.2026-11.a:b\0SessionType=Discovery\0");
        int sent = transport.sent.size();
        AtomicInteger ends = new AtomicInteger();
        registry.close().getFirst().requestLogout(5, "stopped", ends::incrementAndGet);
        assertEquals(1, ends.get());
        assertEquals("stopped", transport.closeReason);
        assertEquals(sent, transport.sent.size());
    }

    /// A session that was to end before it began, while the one that it replaces was still alive,
    /// must not enter its target any more.
    @Test
    void doesNotBeginASessionThatWasEnded() throws Exception {
        login(0);
        transport.holding = true;
        RecordingTransport second = new RecordingTransport();
        IscsiConnection successor = connect(second);
        login(successor, 0, KEYS);
        assertEquals(List.of(), second.sent);
        registry.close().forEach(each -> each.requestLogout(5, "stopped", () -> {}));
        transport.release();
        connection.disconnected();
        assertEquals("stopped", second.closeReason);
        assertEquals(Set.of(), node.sessions());
    }

    /// The first request of a login that wants to stay in its stage.
    private void beginLogin() throws Exception {
        connection.receive(
                new RequestPdu.LoginRequest(
                        false,
                        false,
                        1,
                        0,
                        0,
                        0,
                        0x800000000001L,
                        0,
                        7,
                        1,
                        100,
                        0,
                        Unpooled.copiedBuffer(KEYS, StandardCharsets.US_ASCII)),
                0);
    }

    private static RequestPdu.NopOut ping(boolean immediate, int tag, int cmdSn) {
        return new RequestPdu.NopOut(
                immediate,
                0,
                tag,
                RequestPdu.RESERVED_TAG,
                cmdSn,
                1,
                Unpooled.copiedBuffer("ping", StandardCharsets.US_ASCII));
    }

    @Test
    void whatIsNoLoginRequestEndsALoginThatHasBegunWithAStatus() throws Exception {
        beginLogin();
        connection.receive(ping(true, 9, 100), 0);
        assertEquals(LOGIN_RESPONSE, transport.lastOpcode());
        assertEquals(INVALID_DURING_LOGIN, transport.sent.getLast().getShort(36));
        assertEquals(7, transport.sent.getLast().getInt(16));
        assertEquals(
                "protocol error: not a login request in the login phase", transport.closeReason);
    }

    @Test
    void soDoesWhatIsNoPdu() throws Exception {
        beginLogin();
        connection.reject(
                new RejectedPduException(ReasonCode.COMMAND_NOT_SUPPORTED, "none"), new byte[48]);
        assertEquals(INVALID_DURING_LOGIN, transport.sent.getLast().getShort(36));
        assertEquals("protocol error: malformed PDU in the login phase", transport.closeReason);
    }

    @Test
    void whatIsNoLoginRequestAtTheBeginningHasNoAnswer() throws Exception {
        connection.receive(ping(true, 9, 100), 0);
        assertEquals(List.of(), transport.sent);
        assertNotNull(transport.closeReason);
    }

    /// RFC 7143 7.7 Format Errors: here a task management function request with data.
    @Test
    void aHeaderThatContradictsItselfEndsTheSession() throws Exception {
        login(0);
        ByteBuf bytes = Unpooled.buffer(52).writeByte(0x42).writeByte(0x81).writeZero(5);
        bytes.writeByte(4).writeZero(44);
        connection.malformed(
                assertThrows(MalformedPduException.class, () -> new PduDecoder().next(bytes)));
        int opcode = transport.sent.get(transport.sent.size() - 2).getByte(0) & 0x3f;
        assertEquals(REJECT, opcode);
        assertAsync(3, 0, 2, 0);
        assertEquals("data segment where none belongs", transport.closeReason);
    }

    private void rejects(RequestPdu request) {
        RejectedPduException refused =
                assertThrows(RejectedPduException.class, () -> connection.receive(request, 0));
        assertEquals(PROTOCOL_ERROR, refused.reason());
    }

    /// None of them counts as received: the number is still free for one that is.
    @Test
    void aDiscoverySessionTakesTextAndItsLogoutAlone() throws Exception {
        login(connection, 0, "InitiatorName=iqn.2026-11.a:b\0SessionType=Discovery\0");
        int cmdSn = 100;
        for (int round = 0; round < Session.COMMAND_WINDOW; round++) {
            rejects(ping(true, 9, cmdSn));
            rejects(ping(false, 9, cmdSn));
            rejects(new RequestPdu.LogoutRequest(false, 2, 9, 1, cmdSn, 1));
            rejects(
                    new RequestPdu.TaskManagementRequest(
                            false, 5, 0, 9, RequestPdu.RESERVED_TAG, cmdSn, 1, 0, 0));
            rejects(
                    new RequestPdu.ScsiCommand(
                            false,
                            true,
                            false,
                            false,
                            1,
                            0,
                            9,
                            0,
                            cmdSn,
                            1,
                            Unpooled.wrappedBuffer(new byte[16]),
                            Unpooled.EMPTY_BUFFER));
        }
        int sent = transport.sent.size();
        connection.receive(ping(true, RequestPdu.RESERVED_TAG, cmdSn), 0);
        assertEquals(sent, transport.sent.size());
        connection.receive(new RequestPdu.LogoutRequest(false, 1, 9, 1, cmdSn, 1), 0);
        assertEquals(LOGOUT_RESPONSE, transport.lastOpcode());
        assertEquals("logged out", transport.closeReason);
    }

    /// RFC 7143 7.4.2 Reinstatement Semantics for Discovery Sessions. One that names no target has
    /// the portal as part of its identity.
    @Test
    void aDiscoverySessionTakesThePlaceOfItsLike() throws Exception {
        login(0);
        String unnamed = "InitiatorName=iqn.2026-11.a:b\0SessionType=Discovery\0";
        RecordingTransport here = discover("portal 1", unnamed);
        RecordingTransport there = discover("portal 2", unnamed);
        RecordingTransport named = discover("portal 1", KEYS + "SessionType=Discovery\0");
        assertEquals(4, registry.sessions().size());
        discover("portal 1", unnamed);
        assertEquals("session reinstated", here.closeReason);
        assertNull(there.closeReason);
        assertNull(named.closeReason);
        discover("portal 2", KEYS + "SessionType=Discovery\0");
        assertEquals("session reinstated", named.closeReason);
        assertNull(there.closeReason);
        assertNull(transport.closeReason, "the session that has the disks");
    }

    private RecordingTransport discover(String portal, String keys) throws Exception {
        RecordingTransport below = new RecordingTransport();
        TargetDirectory directory =
                new OneTarget(TARGET) {
                    @Override
                    public String portal() {
                        return portal;
                    }
                };
        login(connect(below, directory), 0, keys);
        assertEquals(LOGIN_RESPONSE, below.lastOpcode());
        return below;
    }

    /// Keeps what is sent; work for the loop is done at once, or when it is released.
    private static final class RecordingTransport implements Transport {
        private final PduEncoder encoder = new PduEncoder();
        private final List<ByteBuf> sent = new ArrayList<>();
        private final List<Runnable> held = new ArrayList<>();
        private boolean holding;
        private @Nullable String closeReason;

        void release() {
            holding = false;
            held.forEach(Runnable::run);
        }

        int lastOpcode() {
            return sent.getLast().getByte(0) & 0x3f;
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
        public void negotiated(boolean headerDigest, boolean dataDigest, int maxSegmentBytes) {
            encoder.negotiated(headerDigest, dataDigest);
        }

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
        public void pauseReading(boolean paused) {
            throw new AssertionError("nothing here waits for a disk");
        }

        @Override
        public void close(String reason) {
            if (closeReason == null) {
                closeReason = reason;
            }
        }

        @Override
        public void moveTo(Transport neighbour, Runnable arrived) {
            arrived.run();
        }

        @Override
        public String peer() {
            return "nobody";
        }

        @Override
        public void execute(Runnable task) {
            if (holding) {
                held.add(task);
            } else {
                task.run();
            }
        }
    }
}
