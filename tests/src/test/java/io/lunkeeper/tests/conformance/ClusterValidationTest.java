package io.lunkeeper.tests.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.InitiatorSession;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What a failover cluster asks of a shared disk before it trusts it, and does with it later: the
/// persistent reservations (SPC-4 5.13) of several nodes, of which each is an initiator port of its
/// own, while nodes come and go and the target starts anew.
@ExtendWith(ShowServerLog.class)
class ClusterValidationTest {
    private static final int LUN = 0;
    private static final int CONFLICT = 0x18;
    private static final int LIMIT_SECONDS = 60;

    // SERVICE ACTION of PERSISTENT RESERVE OUT.
    private static final int REGISTER = 0;
    private static final int RESERVE = 1;
    private static final int RELEASE = 2;
    private static final int CLEAR = 3;
    private static final int PREEMPT = 4;
    private static final int PREEMPT_AND_ABORT = 5;
    private static final int REGISTER_AND_IGNORE_EXISTING_KEY = 6;

    // SERVICE ACTION of PERSISTENT RESERVE IN.
    private static final int READ_KEYS = 0;
    private static final int READ_RESERVATION = 1;
    private static final int REPORT_CAPABILITIES = 2;
    private static final int READ_FULL_STATUS = 3;

    // TYPE.
    private static final int WRITE_EXCLUSIVE_REGISTRANTS_ONLY = 5;
    private static final int WRITE_EXCLUSIVE_ALL_REGISTRANTS = 7;
    private static final int EXCLUSIVE_ACCESS_ALL_REGISTRANTS = 8;

    private static final int LOGICAL_UNIT_RESET = 5;

    private static final int RESERVATIONS_PREEMPTED = 0x062a03;
    private static final int RESERVATIONS_RELEASED = 0x062a04;
    private static final int REGISTRATIONS_PREEMPTED = 0x062a05;
    private static final int RESET_OCCURRED = 0x062903;

    private ServerProcess server;
    private final List<Node> nodes = new ArrayList<>();

    @BeforeEach
    void start() {
        server = ServerProcess.start(Lun.sized(LUN, "16MiB"));
    }

    @AfterEach
    void stop() throws IOException {
        for (Node each : nodes) {
            each.initiator.close();
        }
        server.close();
    }

    private Node node(int number) throws IOException {
        Node node = new Node(number, server);
        nodes.add(node);
        return node;
    }

    /// A node of the cluster: always the same initiator port, with a key of its own.
    private static final class Node {
        final int number;
        final long key;
        final ServerProcess server;
        RawInitiator initiator;

        Node(int number, ServerProcess server) throws IOException {
            this.number = number;
            this.key = 0xc1_0000L + number;
            this.server = server;
            this.initiator = loggedIn();
        }

        private RawInitiator loggedIn() throws IOException {
            RawInitiator connected =
                    RawInitiator.connect(
                            server.address(),
                            new InitiatorSession(
                                    "iqn.2026-11.io.lunkeeper:node" + number,
                                    0x80_0000_0000L + number),
                            0);
            assertEquals(0, connected.login(ServerProcess.IQN).statusClass());
            connected.clearUnitAttentions(LUN);
            return connected;
        }

        void loginAgain() throws IOException {
            initiator.close();
            initiator = loggedIn();
        }

        int reserveOut(int action, int type, long key, long serviceActionKey, boolean persistent)
                throws IOException {
            ByteBuffer cdb = ByteBuffer.allocate(16).put((byte) 0x5f).put((byte) action);
            cdb.put((byte) type).put(8, (byte) 24);
            ByteBuffer list = ByteBuffer.allocate(24).putLong(key).putLong(serviceActionKey);
            list.put(20, (byte) (persistent ? 1 : 0));
            return initiator.write(LUN, cdb.array(), list.array()).status();
        }

        int register(boolean persistent) throws IOException {
            return reserveOut(REGISTER_AND_IGNORE_EXISTING_KEY, 0, 0, key, persistent);
        }

        int unregister() throws IOException {
            return reserveOut(REGISTER, 0, key, 0, false);
        }

        int reserve(int type) throws IOException {
            return reserveOut(RESERVE, type, key, 0, false);
        }

        int release(int type) throws IOException {
            return reserveOut(RELEASE, type, key, 0, false);
        }

        int clear() throws IOException {
            return reserveOut(CLEAR, 0, key, 0, false);
        }

        int preempt(int action, int type, Node victim) throws IOException {
            return reserveOut(action, type, key, victim.key, false);
        }

        ByteBuffer reserveIn(int action) throws IOException {
            byte[] cdb = {0x5e, (byte) action, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0};
            ScsiResult result = initiator.read(LUN, cdb, 1024);
            assertEquals(ScsiResult.GOOD, result.status(), result::toString);
            return ByteBuffer.wrap(result.data());
        }

        List<Long> keys() throws IOException {
            ByteBuffer data = reserveIn(READ_KEYS);
            List<Long> keys = new ArrayList<>();
            for (int at = 8; at < 8 + data.getInt(4); at += 8) {
                keys.add(data.getLong(at));
            }
            return keys;
        }

        /// Type and key of the reservation, as `type:key`; empty without.
        String reservation() throws IOException {
            ByteBuffer data = reserveIn(READ_RESERVATION);
            return data.getInt(4) == 0
                    ? ""
                    : data.get(21) + ":" + Long.toHexString(data.getLong(8));
        }

        int write() throws IOException {
            return initiator.write(LUN, Cdb.write10(0, 8), new byte[4096]).status();
        }

        int read() throws IOException {
            return initiator.read(LUN, Cdb.read10(0, 8), 4096).status();
        }

        List<Integer> attentions() throws IOException {
            return initiator.clearUnitAttentions(LUN);
        }
    }

    private static String held(int type, Node by) {
        return type + ":" + Long.toHexString(by.key);
    }

    @Test
    void capabilitiesSayThatReservationsPersistAndWhichTypesThereAre() throws IOException {
        ByteBuffer data = node(1).reserveIn(REPORT_CAPABILITIES);
        assertEquals(8, data.getShort(0));
        assertEquals(0x01, data.get(2) & 0x01, "PTPL_C");
        assertEquals(0x80, data.get(3) & 0x80, "TMV");
        assertEquals(0, data.get(3) & 0x01, "PTPL_A, nothing is kept yet");
        assertEquals(0xea, data.get(4) & 0xff, "all types");
        assertEquals(0x01, data.get(5) & 0x01, "EX_AC_AR");
    }

    /// The order of the validation: every node registers, one reserves, the others find that it
    /// has, and what they may do follows from the type.
    @ParameterizedTest
    @CsvSource({
        // type, another registrant reads, writes, a stranger reads, writes
        "1, 0, 24, 0, 24",
        "3, 24, 24, 24, 24",
        "5, 0, 0, 0, 24",
        "6, 0, 0, 24, 24",
        "7, 0, 0, 0, 24",
        "8, 0, 0, 24, 24"
    })
    void oneNodeReservesAndTheTypeSaysWhatOthersMayDo(
            int type, int reads, int writes, int strangerReads, int strangerWrites)
            throws IOException {
        Node one = node(1);
        Node two = node(2);
        Node three = node(3);
        Node stranger = node(4);
        assertEquals(List.of(), one.keys());
        assertEquals("", one.reservation());
        assertEquals(CONFLICT, one.reserve(type), "not registered");
        for (Node each : List.of(one, two, three)) {
            assertEquals(0, each.register(false));
            assertEquals(0, each.register(false), "the same key again");
        }
        assertEquals(List.of(one.key, two.key, three.key), sorted(stranger.keys()));
        assertEquals(0, one.reserve(type));
        assertEquals(0, one.reserve(type), "again");
        boolean all = type >= WRITE_EXCLUSIVE_ALL_REGISTRANTS;
        String held = all ? type + ":0" : held(type, one);
        for (Node each : List.of(one, two, three, stranger)) {
            assertEquals(held, each.reservation());
        }
        assertEquals(all ? 0 : CONFLICT, two.reserve(type));
        assertEquals(CONFLICT, stranger.reserve(type));
        assertEquals(0, one.read());
        assertEquals(0, one.write());
        for (Node each : List.of(two, three)) {
            assertEquals(reads, each.read());
            assertEquals(writes, each.write());
            assertEquals(CONFLICT, each.reserve(type == 1 ? 3 : 1), "another type");
        }
        assertEquals(strangerReads, stranger.read());
        assertEquals(strangerWrites, stranger.write());
        assertEquals(0, one.release(type));
        boolean registrants = type >= WRITE_EXCLUSIVE_REGISTRANTS_ONLY;
        List<Integer> released = registrants ? List.of(RESERVATIONS_RELEASED) : List.of();
        assertEquals(released, two.attentions());
        assertEquals(released, three.attentions());
        assertEquals(List.of(), stranger.attentions());
        assertEquals(0, stranger.write());
        assertEquals(0, two.clear());
        assertEquals(List.of(RESERVATIONS_PREEMPTED), one.attentions());
        assertEquals(List.of(RESERVATIONS_PREEMPTED), three.attentions());
        assertEquals(List.of(), one.keys());
    }

    private static List<Long> sorted(List<Long> keys) {
        return keys.stream().sorted().toList();
    }

    /// A node is gone, another takes its disks: the reservation changes hands in one step, and the
    /// first can do no more harm when it comes back.
    @ParameterizedTest
    @ValueSource(ints = {PREEMPT, PREEMPT_AND_ABORT})
    void failoverTakesTheReservationFromWhoIsGone(int action) throws IOException {
        int type = WRITE_EXCLUSIVE_REGISTRANTS_ONLY;
        Node one = node(1);
        Node two = node(2);
        Node three = node(3);
        for (Node each : List.of(one, two, three)) {
            assertEquals(0, each.register(true));
        }
        assertEquals(0, one.reserve(type));
        assertEquals(0, one.write());
        one.initiator.abort();
        assertEquals(0, two.preempt(action, type, one));
        assertEquals(held(type, two), three.reservation());
        assertEquals(List.of(two.key, three.key), sorted(three.keys()));
        assertEquals(0, two.write());
        assertEquals(0, three.write());
        one.loginAgain();
        assertEquals(CONFLICT, one.write());
        assertEquals(CONFLICT, one.preempt(action, type, two), "not registered any more");
        assertEquals(0, one.register(true));
        assertEquals(0, one.write());
        assertEquals(held(type, two), one.reservation());
        assertEquals(CONFLICT, one.reserve(type));
        // And back, while the other is there.
        assertEquals(0, one.preempt(action, type, two));
        assertEquals(List.of(REGISTRATIONS_PREEMPTED), two.attentions());
        assertEquals(List.of(), three.attentions());
        assertEquals(CONFLICT, two.write());
        assertEquals(0, one.clear());
    }

    /// All nodes that come up at once want the disk; one has it.
    @ParameterizedTest
    @ValueSource(ints = {RESERVE, PREEMPT})
    void ofNodesThatArbitrateAtOnceOneWins(int action) throws Exception {
        int type = WRITE_EXCLUSIVE_REGISTRANTS_ONLY;
        Node gone = node(9);
        List<Node> all = List.of(node(1), node(2), node(3), node(4));
        for (int round = 0; round < 20; round++) {
            for (Node each : all) {
                assertEquals(0, each.register(false));
            }
            if (action == PREEMPT) {
                assertEquals(0, gone.register(false));
                assertEquals(0, gone.reserve(type));
            }
            CountDownLatch ready = new CountDownLatch(all.size());
            List<FutureTask<Integer>> attempts = new ArrayList<>();
            for (Node each : all) {
                FutureTask<Integer> attempt =
                        new FutureTask<>(() -> {
                            ready.countDown();
                            ready.await();
                            return action == RESERVE
                                    ? each.reserve(type)
                                    : each.preempt(action, type, gone);
                        });
                attempts.add(attempt);
                Thread.ofPlatform().daemon().start(attempt);
            }
            List<Node> winners = new ArrayList<>();
            for (int i = 0; i < all.size(); i++) {
                int status = attempts.get(i).get(LIMIT_SECONDS, TimeUnit.SECONDS);
                if (status == 0) {
                    winners.add(all.get(i));
                } else {
                    assertEquals(CONFLICT, status);
                }
            }
            assertEquals(1, winners.size(), "round " + round);
            Node winner = winners.getFirst();
            assertEquals(held(type, winner), all.getFirst().reservation());
            assertEquals(0, winner.clear());
            for (Node each : all) {
                each.attentions();
            }
            gone.attentions();
        }
    }

    /// A logical unit reset, a logout and a lost connection take nothing away.
    @Test
    void registrationsOutliveResetsAndSessions() throws IOException {
        int type = WRITE_EXCLUSIVE_REGISTRANTS_ONLY;
        Node one = node(1);
        Node two = node(2);
        Node stranger = node(3);
        assertEquals(0, one.register(false));
        assertEquals(0, two.register(false));
        assertEquals(0, one.reserve(type));
        Pdu reset = stranger.initiator.exchange(Request.taskManagement(LOGICAL_UNIT_RESET));
        assertEquals(Pdu.TASK_MANAGEMENT_RESPONSE, reset.opcode());
        assertEquals(0, reset.response());
        assertEquals(List.of(RESET_OCCURRED), one.attentions());
        assertEquals(List.of(RESET_OCCURRED), stranger.attentions());
        assertEquals(held(type, one), stranger.reservation());
        assertEquals(CONFLICT, stranger.write());
        one.initiator.logout();
        assertEquals(held(type, one), stranger.reservation());
        assertEquals(CONFLICT, stranger.write());
        one.loginAgain();
        assertEquals(0, one.write());
        assertEquals(0, one.reserve(type));
        two.initiator.abort();
        two.loginAgain();
        two.attentions();
        assertEquals(0, two.write());
        assertEquals(List.of(one.key, two.key), sorted(stranger.keys()));
        assertEquals(0, two.unregister());
        assertEquals(CONFLICT, two.write());
        assertEquals(0, one.unregister());
        assertEquals("", stranger.reservation(), "the holder has gone");
        assertEquals(0, stranger.write());
    }

    /// The target loses power. What was registered with APTPL is there again, the rest is not.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void restartOfTheTargetKeepsWhatWasToPersist(boolean persistent) throws IOException {
        int type = WRITE_EXCLUSIVE_REGISTRANTS_ONLY;
        Node one = node(1);
        Node two = node(2);
        Node stranger = node(3);
        assertEquals(0, one.register(persistent));
        assertEquals(0, two.register(persistent));
        assertEquals(0, one.reserve(type));
        assertEquals(persistent ? 1 : 0, one.reserveIn(REPORT_CAPABILITIES).get(3) & 1);
        for (int round = 0; round < 2; round++) {
            server.kill9();
            server.restart();
            for (Node each : List.of(one, two, stranger)) {
                each.loginAgain();
            }
            List<Long> keys = persistent ? List.of(one.key, two.key) : List.of();
            assertEquals(keys, sorted(stranger.keys()));
            assertEquals(persistent ? held(type, one) : "", stranger.reservation());
            assertEquals(persistent ? CONFLICT : 0, stranger.write());
            assertEquals(0, two.write());
        }
        if (persistent) {
            assertEquals(0, two.preempt(PREEMPT, type, one));
            server.kill9();
            server.restart();
            stranger.loginAgain();
            assertEquals(held(type, two), stranger.reservation());
            assertEquals(List.of(two.key), stranger.keys());
        }
    }

    /// As a cluster of virtual machines has it: whoever is registered holds the reservation.
    @ParameterizedTest
    @ValueSource(ints = {WRITE_EXCLUSIVE_ALL_REGISTRANTS, EXCLUSIVE_ACCESS_ALL_REGISTRANTS})
    void reservationOfAllRegistrantsStaysUntilTheLastOneGoes(int type) throws IOException {
        Node one = node(1);
        Node two = node(2);
        Node stranger = node(3);
        assertEquals(0, one.register(false));
        assertEquals(0, two.register(false));
        assertEquals(0, one.reserve(type));
        ByteBuffer full = stranger.reserveIn(READ_FULL_STATUS);
        int holders = 0;
        int at = 8;
        while (at < 8 + full.getInt(4)) {
            holders += full.get(at + 12) & 1;
            assertEquals(type, full.get(at + 13) & 0x0f);
            at += 24 + full.getInt(at + 20);
        }
        assertEquals(2, holders);
        assertEquals(0, one.unregister());
        assertEquals(type + ":0", stranger.reservation());
        assertEquals(CONFLICT, one.write());
        assertEquals(0, two.write());
        assertTrue(stranger.write() == CONFLICT, "still reserved");
        assertEquals(0, two.unregister());
        assertEquals("", stranger.reservation());
        assertEquals(0, stranger.write());
    }
}
