package io.lunkeeper.target.net;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.login.NegotiationLimits;
import io.lunkeeper.target.login.OneTarget;
import io.lunkeeper.target.session.FailedLogins;
import io.lunkeeper.target.session.IscsiConnection;
import io.lunkeeper.target.session.SessionRegistry;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;

/// How much memory somebody can take who has not logged in, on the heap and in buffers, counted
/// over hundreds of him.
class StrangerMemoryTest {
    private static final String TARGET = "iqn.2026-11.io.lunkeeper:test";
    private static final int STRANGERS = 512;

    /// The median of some counts is at most, and one at least, what is expected: what other tests
    /// have left may go at any time.
    private static final int MEASUREMENTS = 5;

    /// What README promises.
    private static final long MOST_BYTES = 64 << 10;

    private static final int DATA_SEGMENT_BYTES = 8192;
    private static final int TRANSIT_TO_FULL_FEATURE = 0x87;
    private static final int OPERATIONAL = 0x04;
    private static final int CONTINUE = 0x40;

    /// Not more than a login may have, with the two names.
    private static final int LONGEST_KEYS = 97;

    private final EventLoop loop = new EventLoop("turns", false, new ScriptedSocket.Keys());
    private final IscsiConnection.Site site =
            new IscsiConnection.Site(
                    new SessionRegistry(),
                    Map.<String, io.lunkeeper.target.session.TargetNode>of()::get,
                    new OneTarget(TARGET),
                    NegotiationLimits.DEFAULT,
                    new FailedLogins().from(InetAddress.getLoopbackAddress()));
    private final Admission admission =
            new Admission(new Admission.Limits(STRANGERS, STRANGERS, STRANGERS, STRANGERS));
    private final List<ScriptedSocket> sockets = new ArrayList<>();
    private final List<Connection> connections = new ArrayList<>();

    @Test
    void whoSaysNothingHoldsNoBuffer() throws Exception {
        assertHolds(0, 12 << 10, _ -> true);
    }

    @Test
    void whoBeginsAPduAndGoesNoFurther() throws Exception {
        assertHolds(10 << 10, MOST_BYTES, _ -> true, begunPdu());
    }

    /// An answer as long as can be that is not read, to keys that are remembered.
    @Test
    void whoDoesNotReadWhatHeIsAnswered() throws Exception {
        assertHolds(
                30 << 10,
                MOST_BYTES,
                _ -> false,
                login(OPERATIONAL, names() + unknownKeys(LONGEST_KEYS)),
                begunPdu());
    }

    /// All the text that one login may send, in a key that never ends.
    @Test
    void whoSendsTextWithoutEnd() throws Exception {
        String keys = names() + unknownKeys(LONGEST_KEYS);
        int left = 16_384 - keys.length();
        assertHolds(
                34 << 10,
                MOST_BYTES,
                write -> write < 2,
                login(OPERATIONAL, keys),
                login(OPERATIONAL | CONTINUE, "x=" + "y".repeat(DATA_SEGMENT_BYTES - 2)),
                login(OPERATIONAL | CONTINUE, "y".repeat(left - DATA_SEGMENT_BYTES)),
                begunPdu());
    }

    /// Requests without end that want nothing are answered one by one, or not at all.
    @Test
    void whoAsksOnWithoutReading() throws Exception {
        ByteBuf[] requests = new ByteBuf[300];
        requests[0] = login(OPERATIONAL, names());
        for (int i = 1; i < requests.length; i++) {
            requests[i] = login(OPERATIONAL, "");
        }
        assertHolds(0, MOST_BYTES, _ -> false, requests);
    }

    private void assertHolds(long least, long most, IntPredicate takes, ByteBuf... sent)
            throws Exception {
        List<Long> held = new ArrayList<>();
        for (int i = 0; i < MEASUREMENTS; i++) {
            held.add(held(takes, sent));
        }
        Collections.sort(held);
        System.out.println("bytes that a stranger holds: " + held);
        long median = held.get(MEASUREMENTS / 2);
        assertTrue(held.getLast() >= least && median <= most, held.toString());
        loop.close();
    }

    /// What one of them holds.
    private long held(IntPredicate takes, ByteBuf... sent) throws Exception {
        connect(takes).disconnect("classes are loaded now");
        long before = heapBytes() + bufferBytes();
        for (int i = 0; i < STRANGERS; i++) {
            Connection connection = connect(takes);
            ScriptedSocket socket = sockets.getLast();
            for (ByteBuf each : sent) {
                socket.put(each.duplicate());
                connection.ready(requireNonNull(socket.keyFor(loop.selector())));
                loop.flush();
            }
            socket.forget();
        }
        long held = heapBytes() + bufferBytes() - before;
        assertEquals(STRANGERS, admission.counts().logins());
        connections.forEach(each -> each.disconnect("end of the test"));
        connections.clear();
        sockets.clear();
        assertEquals(0, admission.counts().connections());
        return held / STRANGERS;
    }

    private Connection connect(IntPredicate takes) throws Exception {
        ScriptedSocket socket = new ScriptedSocket(takes);
        socket.configureBlocking(false);
        Admission.Pass pass = admission.admit(InetAddress.getLoopbackAddress());
        Connection connection =
                new Connection(loop, socket, "nobody", (_, _) -> site, requireNonNull(pass));
        sockets.add(socket);
        connections.add(connection);
        return connection;
    }

    private static long heapBytes() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private static long bufferBytes() {
        return PooledByteBufAllocator.DEFAULT.pinnedDirectMemory();
    }

    private static String names() {
        return "InitiatorName=iqn.2026-11.a:b\0TargetName=" + TARGET + "\0";
    }

    private static String unknownKeys(int count) {
        StringBuilder keys = new StringBuilder();
        for (int i = 0; i < count; i++) {
            keys.append("X#%061d=\0".formatted(i));
        }
        return keys.toString();
    }

    /// RFC 7143 11.12 Login Request.
    private static ByteBuf login(int flags, String text) {
        byte[] data = text.getBytes(StandardCharsets.US_ASCII);
        ByteBuf pdu = Unpooled.buffer();
        pdu.writeByte(0x43).writeByte(flags).writeZero(2);
        pdu.writeInt(data.length);
        pdu.writeLong(0x8000_0000_0001_0000L);
        pdu.writeInt(7).writeZero(4);
        pdu.writeInt(1).writeInt(0).writeZero(16);
        return pdu.writeBytes(data).writeZero(-data.length & 3);
    }

    /// The longest that a login may have, but for its last byte.
    private static ByteBuf begunPdu() {
        ByteBuf pdu = login(TRANSIT_TO_FULL_FEATURE, "z".repeat(DATA_SEGMENT_BYTES));
        return pdu.writerIndex(pdu.writerIndex() - 1);
    }
}
