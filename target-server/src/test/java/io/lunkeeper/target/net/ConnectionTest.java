package io.lunkeeper.target.net;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.Allocation;
import io.lunkeeper.lun.CacheMode;
import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.lun.LunSpec;
import io.lunkeeper.target.login.NegotiationLimits;
import io.lunkeeper.target.login.OneTarget;
import io.lunkeeper.target.scsi.DeviceServer;
import io.lunkeeper.target.session.FailedLogins;
import io.lunkeeper.target.session.IscsiConnection;
import io.lunkeeper.target.session.SessionRegistry;
import io.lunkeeper.target.session.TargetNode;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.channels.SelectionKey;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A connection and a socket that is at times full. No thread, no time: the test makes the turns.
class ConnectionTest {
    private static final String TARGET = "iqn.2026-11.io.lunkeeper:test";
    private static final int HEADER_BYTES = 48;
    private static final int DATA_IN = 0x25;
    private static final int PING_DATA_BYTES = 4 << 10;
    private static final int READ_BYTES = 16 << 20;

    /// More turns than any of the transfers here takes.
    private static final int MAX_TURNS = 10_000;

    @TempDir private Path directory;

    /// The socket is full for one write in `period`, so it fills and drains again within one turn:
    /// between the moment a command learns that there is room and the end of the flush.
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 7, 8, 9, 16, 17})
    void sendsEverythingThroughASocketThatIsFullAtTimes(int period) throws Exception {
        assertEquals(READ_BYTES, dataReceived(write -> period == 1 || write % period != 0));
    }

    /// The same the other way round: it takes one write in `period`.
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 5, 7, 8, 9, 16, 17})
    void sendsEverythingThroughASocketThatIsMostlyFull(int period) throws Exception {
        assertEquals(READ_BYTES, dataReceived(write -> write % period == 0));
    }

    @Test
    void sendsEverythingWhenTheSocketIsFullForLong() throws Exception {
        assertEquals(READ_BYTES, dataReceived(write -> write < 3 || write > 200));
    }

    /// RFC 7143 11.18 NOP-Out: pings have no window, so nothing else bounds what is asked.
    @Test
    void holdsFewAnswersForAPeerThatTakesNone() throws Exception {
        int pings = 4_000;
        int pingBytes = HEADER_BYTES + PING_DATA_BYTES;
        int[] open = {Integer.MAX_VALUE};
        try (Served served = new Served(write -> write == 0 || write >= open[0])) {
            served.loop.flush();
            served.socket.taken().clear();
            for (int i = 0; i < pings; i++) {
                served.socket.put(ping(i));
            }
            for (int turn = 0; turn < 200; turn++) {
                served.ready();
                served.loop.flush();
            }
            long held = served.connection.queuedBytes();
            assertTrue(held > Connection.MAX_QUEUED_BYTES, "held " + held);
            assertTrue(held <= Connection.MAX_QUEUED_BYTES + served.socket.room() + pingBytes);
            open[0] = 0;
            for (int turn = 0; turn < MAX_TURNS && pdus(served.socket.taken()) < pings; turn++) {
                served.ready();
                served.loop.flush();
            }
            assertEquals(pings * pingBytes, served.socket.taken().readableBytes());
        }
    }

    private static ByteBuf ping(int tag) {
        ByteBuf pdu = Unpooled.buffer();
        pdu.writeByte(0x40).writeByte(0x80).writeZero(2).writeInt(PING_DATA_BYTES).writeZero(8);
        pdu.writeInt(tag).writeInt(-1).writeInt(1).writeInt(0).writeZero(16);
        return pdu.writeZero(PING_DATA_BYTES);
    }

    /// A part of the next one would have to be copied from buffer to buffer.
    @Test
    void readsLargePdusOfOneSizeWithoutAPartOfTheNext() throws Exception {
        byte[] data = new byte[64 << 10];
        try (Served served = new Served(_ -> true)) {
            served.socket.put(command(1, "00 00 00 00 00 00"));
            served.ready();
            for (int cmdSn = 2; cmdSn < 5; cmdSn++) {
                served.socket.put(write(cmdSn, data));
                served.ready();
            }
            assertEquals(0, served.socket.room() % write(0, data).readableBytes());
            assertTrue(served.socket.room() > data.length);
            served.socket.put(command(5, "00 00 00 00 00 00"));
            served.ready();
            served.ready();
            assertEquals(Connection.RECEIVE_BUFFER_BYTES, served.socket.room());
        }
    }

    /// With nobody else to serve, the first answers leave while the others are made.
    @Test
    void writesTheFirstOfManyAnswersBeforeTheTurnEnds() throws Exception {
        assertEquals(List.of(24, 32), answersBeforeAndAfterFlush(0));
    }

    /// Where others have something to say too, all leave at once.
    @Test
    void writesAllAnswersTogetherWhenOthersAreServed() throws Exception {
        assertEquals(List.of(0, 32), answersBeforeAndAfterFlush(2));
    }

    /// Answers to 32 commands of one turn that have left before its end, and after.
    ///
    /// @param others connections that had something to say in the turn before
    private List<Integer> answersBeforeAndAfterFlush(int others) throws Exception {
        try (Served served = new Served(_ -> true)) {
            for (int i = 0; i < others; i++) {
                served.loop.flushLater(served.connection);
            }
            served.loop.flush();
            served.socket.taken().clear();
            for (int cmdSn = 1; cmdSn <= 32; cmdSn++) {
                served.socket.put(command(cmdSn, "00 00 00 00 00 00"));
            }
            served.ready();
            int before = pdus(served.socket.taken());
            served.loop.flush();
            int after = pdus(served.socket.taken());
            return List.of(before, after);
        }
    }

    /// While its answers are written a busy peer sends more, which is read at once. But others are
    /// asked for every few turns.
    @Test
    void readsOnWithoutAskingForAFewTurns() throws Exception {
        try (Served served = new Served(_ -> true)) {
            served.loop.flush();
            served.socket.taken().clear();
            served.keys.ready(Set.of(served.key));
            for (int cmdSn = 1; cmdSn <= 20; cmdSn++) {
                served.socket.put(command(cmdSn, "00 00 00 00 00 00"));
                served.loop.turn();
                assertEquals(cmdSn, pdus(served.socket.taken()));
            }
            assertEquals(3, served.keys.asked());
        }
    }

    @Test
    void asksWhenThereIsNoMore() throws Exception {
        try (Served served = new Served(_ -> true)) {
            served.keys.ready(Set.of(served.key));
            served.loop.turn();
            int asked = served.keys.asked();
            served.loop.turn();
            assertTrue(served.keys.asked() > asked);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void readsNothingUnaskedOfOneThatHasGoneOrIsNotAlone(boolean gone) throws Exception {
        try (Served served = new Served(_ -> true);
                ScriptedSocket other = new ScriptedSocket(_ -> true)) {
            other.configureBlocking(false);
            SelectionKey neighbour = other.register(served.keys, SelectionKey.OP_READ);
            served.keys.ready(gone ? Set.of(served.key) : Set.of(served.key, neighbour));
            served.loop.turn();
            served.keys.ready(Set.of());
            if (gone) {
                served.connection.disconnect("gone");
            }
            int reads = served.socket.reads();
            served.loop.turn();
            assertEquals(reads, served.socket.reads());
        }
    }

    private static int pdus(ByteBuf sent) {
        int pdus = 0;
        for (int at = sent.readerIndex(); at < sent.writerIndex(); pdus++) {
            int length = sent.getMedium(at + 5);
            at += HEADER_BYTES + length + (-length & 3);
        }
        return pdus;
    }

    private static ByteBuf write(int cmdSn, byte[] data) {
        ByteBuf pdu = command(cmdSn, "2a 00 00 00 00 00 00 00 80 00");
        pdu.setByte(1, 0xa1).setInt(4, data.length).setInt(20, data.length);
        return pdu.writeBytes(data);
    }

    private LunSpec image() {
        return new LunSpec(
                directory.resolve("image"),
                OptionalLong.of(READ_BYTES),
                Allocation.SPARSE,
                CacheMode.WRITE_BACK,
                512,
                false);
    }

    /// A connection that has logged in, on a loop that the test turns.
    private final class Served implements AutoCloseable {
        final LunBackend backend = LunBackend.open(image());
        final ScriptedSocket.Keys keys = new ScriptedSocket.Keys();
        final EventLoop loop = new EventLoop("turns", false, keys);
        final ScriptedSocket socket;
        final Connection connection;
        final SelectionKey key;

        Served(IntPredicate takes) throws IOException {
            socket = new ScriptedSocket(takes);
            socket.configureBlocking(false);
            IscsiConnection.Site site = site(backend);
            connection = new Connection(loop, socket, "nobody", (_, _) -> site, pass());
            key = socket.keyFor(loop.selector());
            socket.put(login());
            ready();
        }

        /// The socket has something to read.
        void ready() {
            connection.ready(key);
        }

        @Override
        public void close() throws IOException {
            connection.disconnect("end of the test");
            socket.close();
            loop.close();
            backend.close();
        }
    }

    /// Data-In bytes that have come once nothing moves any more.
    private int dataReceived(IntPredicate takes) throws Exception {
        try (Served served = new Served(takes)) {
            served.loop.flush();
            served.socket.put(command(1, "00 00 00 00 00 00"));
            served.socket.put(command(2, "28 00 00 00 00 00 00 80 00 00"));
            int turns = 0;
            int quiet = 0;
            while (quiet < 3) {
                assertTrue(++turns < MAX_TURNS, "comes to no end");
                int before = served.socket.writes();
                served.ready();
                served.loop.flush();
                quiet = served.socket.writes() == before ? quiet + 1 : 0;
            }
            return dataInBytes(served.socket.taken());
        }
    }

    private static Admission.Pass pass() {
        Admission admission = new Admission(new Admission.Limits(1, 1, 1, 1));
        return requireNonNull(admission.admit(InetAddress.getLoopbackAddress()));
    }

    private static IscsiConnection.Site site(LunBackend backend) throws IOException {
        DeviceServer device =
                new DeviceServer(
                        TARGET,
                        List.of(
                                new DeviceServer.LogicalUnitSpec(
                                        0, backend, 512, 4096, Optional.empty())));
        return new IscsiConnection.Site(
                new SessionRegistry(),
                Map.of(TARGET, new TargetNode(device))::get,
                new OneTarget(TARGET),
                NegotiationLimits.DEFAULT,
                new FailedLogins().from(InetAddress.getLoopbackAddress()));
    }

    /// RFC 7143 11.12 Login Request: straight to the full feature phase.
    private static ByteBuf login() {
        byte[] keys =
                ("InitiatorName=iqn.2026-11.a:b\0TargetName="
                                + TARGET
                                + "\0MaxRecvDataSegmentLength=262144\0")
                        .getBytes(StandardCharsets.US_ASCII);
        ByteBuf pdu = Unpooled.buffer();
        pdu.writeByte(0x43).writeByte(0x87).writeZero(2);
        pdu.writeInt(keys.length);
        pdu.writeLong(0x8000_0000_0001_0000L);
        pdu.writeInt(7).writeZero(4);
        pdu.writeInt(1).writeInt(0).writeZero(16);
        return pdu.writeBytes(keys).writeZero(-keys.length & 3);
    }

    /// RFC 7143 11.3 SCSI Command, for LUN 0.
    private static ByteBuf command(int cmdSn, String cdb) {
        byte[] bytes = HexFormat.of().parseHex(cdb.replace(" ", ""));
        ByteBuf pdu = Unpooled.buffer();
        pdu.writeByte(0x01).writeByte(0xc1).writeZero(14);
        pdu.writeInt(cmdSn).writeInt(READ_BYTES);
        pdu.writeInt(cmdSn).writeInt(0);
        return pdu.writeBytes(bytes).writeZero(16 - bytes.length);
    }

    private static int dataInBytes(ByteBuf sent) {
        int bytes = 0;
        while (sent.isReadable()) {
            int opcode = sent.getByte(sent.readerIndex()) & 0x3f;
            int length = sent.getMedium(sent.readerIndex() + 5);
            if (opcode == DATA_IN) {
                bytes += length;
            }
            sent.skipBytes(HEADER_BYTES + length + (-length & 3));
        }
        return bytes;
    }
}
