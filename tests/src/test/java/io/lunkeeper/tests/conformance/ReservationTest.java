package io.lunkeeper.tests.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

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
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Persistent reservations (SPC-4 5.13) between sessions of several initiators.
@ExtendWith(ShowServerLog.class)
class ReservationTest {
    private static final int REGISTER = 0;
    private static final int RESERVE = 1;
    private static final int CLEAR = 3;
    private static final int PREEMPT_AND_ABORT = 5;
    private static final int WRITE_EXCLUSIVE = 1;
    private static final int CONFLICT = 0x18;
    private static final int REGISTRATIONS_PREEMPTED = 0x062a05;

    @AutoClose private static ServerProcess server;

    @BeforeAll
    static void start() {
        server = ServerProcess.start(Lun.sized(0, "16MiB"), Lun.sized(1, "16MiB"));
    }

    /// A node of a cluster: always the same initiator port.
    private static RawInitiator node(int number) throws IOException {
        RawInitiator node =
                RawInitiator.connect(
                        server.address(),
                        new InitiatorSession(
                                "iqn.2026-11.io.lunkeeper:node" + number, 0x80_0000_0000L + number),
                        0);
        assertEquals(0, node.login(ServerProcess.IQN, "InitialR2T=Yes").statusClass());
        node.clearUnitAttentions(0);
        node.clearUnitAttentions(1);
        return node;
    }

    private static int reserveOut(
            RawInitiator node, int lun, int action, long key, long newKey, boolean persistent)
            throws IOException {
        byte[] list = list(key, newKey);
        list[20] = (byte) (persistent ? 1 : 0);
        return node.write(lun, reserveOut(action), list).status();
    }

    private static byte[] reserveOut(int action) {
        ByteBuffer cdb = ByteBuffer.allocate(16).put((byte) 0x5f).put((byte) action);
        return cdb.put((byte) WRITE_EXCLUSIVE).put(8, (byte) 24).array();
    }

    private static byte[] list(long key, long newKey) {
        return ByteBuffer.allocate(24).putLong(key).putLong(newKey).array();
    }

    /// In one task set anything else would wait for an ORDERED command of whom it is to end.
    private static int preemptAtHeadOfQueue(RawInitiator node, int lun, long key, long newKey)
            throws IOException {
        Request request = Request.scsiCommand(lun, reserveOut(PREEMPT_AND_ABORT)).flags(0xa3);
        byte[] list = list(key, newKey);
        return node.execute(request.writes(list.length), list).status();
    }

    /// The key of the reservation, 0 without.
    private static long holder(RawInitiator node, int lun) throws IOException {
        byte[] cdb = {0x5e, 1, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0};
        ByteBuffer data = ByteBuffer.wrap(node.read(lun, cdb, 24).data());
        return data.getInt(4) == 0 ? 0 : data.getLong(8);
    }

    private static int write(RawInitiator node, int lun) throws IOException {
        return node.write(lun, Cdb.write10(0, 8), new byte[4096]).status();
    }

    @Test
    void aReservationThatPersistsOutlivesTheServer() throws Exception {
        try (RawInitiator holder = node(1)) {
            assertEquals(0, reserveOut(holder, 0, REGISTER, 0, 11, true));
            assertEquals(0, reserveOut(holder, 0, RESERVE, 11, 0, false));
            server.kill9();
        }
        server.restart();
        try (RawInitiator holder = node(1);
                RawInitiator foreign = node(2)) {
            assertEquals(11, holder(foreign, 0));
            assertEquals(CONFLICT, write(foreign, 0));
            assertEquals(ScsiResult.GOOD, write(holder, 0));
            assertEquals(ScsiResult.GOOD, write(foreign, 1));
            assertEquals(0, reserveOut(holder, 0, CLEAR, 11, 0, false));
            assertEquals(ScsiResult.GOOD, write(foreign, 0));
        }
        server.kill9();
        server.restart();
        try (RawInitiator foreign = node(2)) {
            assertEquals(0, holder(foreign, 0));
        }
    }

    /// What the other had begun before is aborted on the reserved unit, and goes on elsewhere.
    @Test
    void preemptingEndsTheTasksOfWhoIsPreempted() throws Exception {
        try (RawInitiator survivor = node(3);
                RawInitiator victim = node(4)) {
            assertEquals(0, reserveOut(survivor, 1, REGISTER, 0, 3, false));
            assertEquals(0, reserveOut(victim, 1, REGISTER, 0, 4, false));
            assertEquals(0, reserveOut(victim, 1, RESERVE, 4, 0, false));
            Pdu begun = beginWrite(victim, 1);
            Pdu elsewhere = beginWrite(victim, 0);
            assertEquals(0, reserveOut(survivor, 1, PREEMPT_AND_ABORT, 3, 4, false));
            assertEquals(3, holder(survivor, 1));
            victim.receiveWindow();
            victim.answer(begun, new byte[4096]);
            victim.answer(elsewhere, new byte[4096]);
            Pdu ended = victim.receive();
            assertEquals(elsewhere.initiatorTaskTag(), ended.initiatorTaskTag());
            assertEquals(0, ended.status());
            assertEquals(
                    REGISTRATIONS_PREEMPTED, victim.read(1, Cdb.testUnitReady(), 0).senseCode());
            assertEquals(CONFLICT, write(victim, 1));
            assertEquals(ScsiResult.GOOD, write(survivor, 1));
            assertEquals(0, reserveOut(survivor, 1, CLEAR, 3, 0, false));
        }
    }

    /// SAM-5 5.6 Aborting commands: with TAS each of them has a status, whichever task set it is
    /// in.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void orTellsThemByTheirStatus(boolean shared) throws Exception {
        try (RawInitiator survivor = node(3);
                RawInitiator victim = node(4);
                RawInitiator bystander = node(5)) {
            new ControlMode(shared, 0, true).select(1, survivor, victim, bystander);
            assertEquals(0, reserveOut(survivor, 1, REGISTER, 0, 3, false));
            assertEquals(0, reserveOut(victim, 1, REGISTER, 0, 4, false));
            Pdu running = beginWrite(victim, 1);
            Pdu foreign = beginWrite(bystander, 1);
            Request ordered = Request.scsiCommand(1, Cdb.testUnitReady()).flags(0x82);
            int dormant = victim.send(ordered);
            assertEquals(Pdu.NOP_IN, victim.exchange(Request.nopOut()).opcode());
            assertEquals(0, preemptAtHeadOfQueue(survivor, 1, 3, 4));
            for (int tag : new int[] {running.initiatorTaskTag(), dormant}) {
                Pdu aborted = victim.receive();
                assertEquals(tag, aborted.initiatorTaskTag());
                assertEquals(ScsiResult.TASK_ABORTED, aborted.status());
            }
            victim.answer(running, new byte[4096]);
            assertEquals(
                    REGISTRATIONS_PREEMPTED, victim.read(1, Cdb.testUnitReady(), 0).senseCode());
            bystander.answer(foreign, new byte[4096]);
            assertEquals(ScsiResult.GOOD, bystander.receive().status());
            assertEquals(0, reserveOut(survivor, 1, CLEAR, 3, 0, false));
            ControlMode.reset(1, survivor);
        }
    }

    private static Pdu beginWrite(RawInitiator initiator, int lun) throws IOException {
        initiator.send(Request.scsiCommand(lun, Cdb.write10(0, 8)).writes(4096));
        Pdu r2t = initiator.receive();
        assertEquals(Pdu.READY_TO_TRANSFER, r2t.opcode());
        return r2t;
    }
}
