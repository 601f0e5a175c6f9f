package io.lunkeeper.target.session;

import static io.lunkeeper.target.session.Initiator.ABORT_TASK;
import static io.lunkeeper.target.session.Initiator.ABORT_TASK_SET;
import static io.lunkeeper.target.session.Initiator.LENGTH;
import static io.lunkeeper.target.session.Initiator.SIMPLE;
import static io.lunkeeper.target.session.Initiator.SYNCHRONIZE_CACHE;
import static io.lunkeeper.target.session.Initiator.TASK_REASSIGN;
import static io.lunkeeper.target.session.Reply.CLEARED;
import static io.lunkeeper.target.session.Reply.COMPLETE;
import static io.lunkeeper.target.session.Reply.DOES_NOT_EXIST;
import static io.lunkeeper.target.session.Reply.GOOD;
import static io.lunkeeper.target.session.Reply.REJECTED;
import static io.lunkeeper.target.session.SessionRig.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.login.OneTarget;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Commands that go on on another connection than they came on, at ErrorRecoveryLevel 2 (RFC 7143
/// 7.2.2 Allegiance Reassignment, 7.14 Connection Failures, 11.5.6 ExpDataSN).
class TaskReassignmentTest {
    private static final int DATA_OR_R2T = 0;
    private static final int R_DATA = 3;
    private static final int WAITING_FOR_LOGOUT = 0x0c;
    private static final Reply STILL_ALLEGIANT = new Reply(3, "");
    private static final Reply NOT_SUPPORTED = new Reply(4, "");
    private static final String WRITE_64K = "2a 00 00 00 00 00 00 00 80 00";
    private static final String READ_64K = "28 00 00 00 00 00 00 00 80 00";
    private static final int RETAIN = 3;
    private static final String KEYS =
            "InitialR2T=Yes\0ImmediateData=No\0MaxConnections=8\0DefaultTime2Retain="
                    + RETAIN
                    + "\0ErrorRecoveryLevel=";

    @TempDir Path directory;
    private SessionRig rig;
    private Initiator first;

    @BeforeEach
    void serve() throws Exception {
        rig = new SessionRig(directory);
        first = rig.login(KEYS + "2\0");
    }

    @AfterEach
    void end() throws IOException {
        rig.endSessions();
        rig.closeEmpty();
    }

    private static Reply reassign(Initiator to, int tag) throws Exception {
        return reassign(to, tag, 0);
    }

    private static Reply reassign(Initiator to, int tag, int expDataSn) throws Exception {
        return to.await(to.manage(TASK_REASSIGN, 0, tag, 0, expDataSn));
    }

    private void fill() throws Exception {
        int tag = first.send(SIMPLE, 0, WRITE_64K, 65536, new byte[0], true);
        first.giveData(tag, random(65536));
        assertEquals(GOOD, first.await(tag));
    }

    /// The numbers of the Data-In PDUs of a task.
    private static List<Integer> dataSns(Initiator of, int tag) {
        return of.below().dataIns(tag).stream().map(pdu -> pdu.getInt(36)).toList();
    }

    // ---- writes

    /// In its place: its commands are free by that. As another one: it logs it out first.
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aWriteIsAskedForAgain(int cid) throws Exception {
        int tag = first.beginWrite();
        int asked = first.transferTag(tag);
        first.disconnect();
        assertTrue(first.below().keepsPlace());
        Initiator second = first.joined(cid);
        if (cid != 1) {
            assertEquals(STILL_ALLEGIANT, reassign(second, tag));
            int logout = second.logout(2, 1);
            assertEquals(0, second.logoutResponse(logout));
            assertEquals(List.of(2, RETAIN), second.below().logoutTimes(logout));
        }
        assertEquals(COMPLETE, reassign(second, tag));
        assertEquals(asked, second.transferTag(tag));
        assertEquals(0, second.field(tag, 0x31, 36), "R2TSN");
        second.data(tag, asked, 0, 0, random(LENGTH), true);
        assertEquals(GOOD, second.await(tag));
        second.assertReads(random(LENGTH));
        assertEquals(List.of(0, 127), second.window());
    }

    @Test
    void onlyWhatIsMissingOfABurstIsAskedForAgain() throws Exception {
        int tag = first.beginWrite();
        byte[] data = random(LENGTH);
        first.data(tag, first.transferTag(tag), 0, 0, part(data, 0, 1024), false);
        first.disconnect();
        Initiator second = first.joined(1);
        assertEquals(COMPLETE, reassign(second, tag));
        assertEquals(1024, second.field(tag, 0x31, 40), "offset");
        assertEquals(LENGTH - 1024, second.field(tag, 0x31, 44), "length");
        second.data(tag, second.transferTag(tag), 0, 1024, part(data, 1024, LENGTH), true);
        assertEquals(GOOD, second.await(tag));
        second.assertReads(data);
    }

    private static byte[] part(byte[] data, int from, int end) {
        return Arrays.copyOfRange(data, from, end);
    }

    /// What waits to be sent again when the connection is lost is not left there.
    @Test
    void aRequestThatWaitedOnTheLostConnectionIsSent() throws Exception {
        int tag = first.beginWrite();
        int asked = first.transferTag(tag);
        first.below().block(true);
        first.snack(DATA_OR_R2T, tag, -1);
        first.disconnect();
        Initiator second = first.joined(1);
        assertEquals(COMPLETE, reassign(second, tag));
        assertEquals(asked, second.transferTag(tag));
        second.data(tag, asked, 0, 0, random(LENGTH), true);
        assertEquals(GOOD, second.await(tag));
    }

    @Test
    void nothingIsAskedForAfterTheEnd() throws Exception {
        int tag = first.beginWrite();
        int asked = first.transferTag(tag);
        first.below().block(true);
        first.snack(DATA_OR_R2T, tag, -1);
        int abort = first.manage(ABORT_TASK, 0, tag);
        first.data(tag, asked, 0, 0, random(LENGTH), true);
        assertEquals(COMPLETE, first.await(abort));
        first.below().block(false);
        first.tick();
        long requests = first.below().sent().stream().filter(pdu -> pdu.getByte(0) == 0x31).count();
        assertEquals(1, requests);
        first.disconnect();
    }

    // ---- reads and statuses

    /// From the first PDU that the initiator does not have; then the status, under a number of the
    /// new connection.
    @ParameterizedTest
    @ValueSource(ints = {0, 3, 7, 8})
    void theDataOfAReadComesAgain(int expDataSn) throws Exception {
        fill();
        int tag = first.send(SIMPLE, 0, READ_64K);
        assertEquals(GOOD, first.await(tag));
        assertEquals(List.of(0, 1, 2, 3, 4, 5, 6, 7), dataSns(first, tag));
        first.disconnect();
        Initiator second = first.joined(1);
        assertEquals(COMPLETE, reassign(second, tag, expDataSn));
        assertEquals(GOOD, second.await(tag));
        List<ByteBuf> again = second.below().dataIns(tag);
        assertEquals(8 - expDataSn, again.size());
        byte[] expected = random(65536);
        for (int i = 0; i < again.size(); i++) {
            ByteBuf pdu = again.get(i);
            assertEquals(expDataSn + i, pdu.getInt(36), "DataSN");
            int offset = pdu.getInt(40);
            assertEquals((expDataSn + i) * 8192, offset);
            assertEquals(0, pdu.getByte(1) & 1, "no status in it");
            assertArrayEquals(
                    part(expected, offset, offset + 8192), ByteBufUtil.getBytes(pdu, 48, 8192));
        }
        assertEquals(8, second.field(tag, 0x21, 36), "ExpDataSN");
        assertEquals(3, second.field(tag, 0x21, 24), "StatSN after login and function");
        assertEquals(DOES_NOT_EXIST, reassign(second, 999));
        assertEquals(STILL_ALLEGIANT, reassign(second, tag), "it is here already");
    }

    @Test
    void dataIsCutToWhatTheNewConnectionTakes() throws Exception {
        fill();
        int tag = first.send(SIMPLE, 0, READ_64K);
        assertEquals(GOOD, first.await(tag));
        first.disconnect();
        Initiator second =
                first.join(
                        1,
                        new OneTarget(SessionRig.TARGET),
                        Initiator.ISID,
                        first.tsih(),
                        "InitiatorName=%s\0TargetName=%s\0MaxRecvDataSegmentLength=4096\0"
                                .formatted(first.name(), SessionRig.TARGET));
        assertEquals(0, second.loginStatus());
        assertEquals(COMPLETE, reassign(second, tag));
        assertEquals(GOOD, second.await(tag));
        assertEquals(16, second.below().dataIns(tag).size());
        assertEquals(16, second.field(tag, 0x21, 36), "ExpDataSN");
    }

    @Test
    void aStatusComesAgain() throws Exception {
        int tag = first.testUnit(0);
        int refused = first.send(SIMPLE, 0, "ff 00 00 00 00 00");
        assertEquals(GOOD, first.await(tag));
        Reply invalid = first.await(refused);
        first.disconnect();
        Initiator second = first.joined(2);
        second.logout(2, 1);
        assertEquals(COMPLETE, reassign(second, refused));
        assertEquals(invalid, second.await(refused));
        assertEquals(COMPLETE, reassign(second, tag));
        assertEquals(GOOD, second.await(tag));
        assertEquals(GOOD, second.await(second.testUnit(0)));
    }

    /// What the initiator has acknowledged is over.
    @Test
    void whatIsAcknowledgedDoesNotExist() throws Exception {
        int tag = first.testUnit(0);
        assertEquals(GOOD, first.await(tag));
        for (int second = 0; second < Unacknowledged.PATIENCE_TICKS; second++) {
            first.tick();
        }
        first.acknowledge();
        first.disconnect();
        Initiator second = first.joined(1);
        assertEquals(DOES_NOT_EXIST, reassign(second, tag));
    }

    /// A command that ends without status has used the tag of one whose status is not acknowledged.
    @Test
    void aTagThatWasUsedAgainStandsForTheLaterCommand() throws Exception {
        fill();
        int tag = first.send(SIMPLE, 0, READ_64K);
        assertEquals(GOOD, first.await(tag));
        first.below().block(true);
        first.numbers.nextTag--;
        assertEquals(tag, first.send(SIMPLE, 0, READ_64K));
        assertEquals(COMPLETE, first.await(first.manage(ABORT_TASK, 0, tag)));
        first.disconnect();
        Initiator second = first.joined(1);
        assertEquals(DOES_NOT_EXIST, reassign(second, tag));
        assertEquals(GOOD, second.await(second.testUnit(0)));
    }

    // ---- what happens meanwhile

    /// The connection that a command has gone on on may be lost too.
    @Test
    void mayBeReassignedAgain() throws Exception {
        fill();
        int write = first.beginWrite();
        int read = first.send(SIMPLE, 0, READ_64K);
        assertEquals(GOOD, first.await(read));
        Initiator current = first;
        for (int round = 0; round < 10; round++) {
            current.disconnect();
            Initiator next = first.joined(1);
            assertEquals(COMPLETE, reassign(next, write));
            assertEquals(COMPLETE, reassign(next, read, Math.min(round, 8)));
            assertEquals(GOOD, next.await(read));
            current = next;
        }
        current.giveData(write, random(LENGTH));
        assertEquals(GOOD, current.await(write));
    }

    /// Other connections go on when one is lost, and take its commands over.
    @Test
    void isTakenOverByAConnectionThatIsThere() throws Exception {
        Initiator second = first.joined(2);
        int write = first.beginWrite();
        int other = second.beginWrite();
        first.disconnect();
        assertFalse(second.closed());
        assertEquals(STILL_ALLEGIANT, reassign(second, write));
        assertEquals(STILL_ALLEGIANT, reassign(second, other));
        second.logout(2, 1);
        assertEquals(COMPLETE, reassign(second, write));
        for (int tag : new int[] {other, write}) {
            second.giveData(tag, random(LENGTH));
            assertEquals(GOOD, second.await(tag));
        }
    }

    /// A connection that is alive may be removed for recovery.
    @Test
    void isTakenFromAConnectionThatIsRemoved() throws Exception {
        Initiator second = first.joined(2);
        int write = first.beginWrite();
        int logout = second.logout(2, 1);
        assertEquals(0, second.logoutResponse(logout));
        assertTrue(first.closed());
        first.disconnect();
        assertEquals(COMPLETE, reassign(second, write));
        second.giveData(write, random(LENGTH));
        assertEquals(GOOD, second.await(write));
    }

    @Test
    void mayBeAbortedMeanwhile() throws Exception {
        Initiator second = first.joined(2);
        int write = first.beginWrite();
        first.disconnect();
        assertEquals(COMPLETE, second.await(second.manage(ABORT_TASK, 0, write)));
        second.logout(2, 1);
        assertEquals(DOES_NOT_EXIST, reassign(second, write));
        assertEquals(GOOD, second.await(second.testUnit(0)));
    }

    @Test
    void endsWhenNobodyTakesItOverInTime() throws Exception {
        Initiator second = first.joined(2);
        int write = first.beginWrite();
        first.disconnect();
        second.logout(2, 1);
        for (int tick = 0; tick <= 2 + RETAIN; tick++) {
            assertTrue(first.below().keepsPlace());
            rig.second();
        }
        assertFalse(first.below().keepsPlace());
        assertEquals(DOES_NOT_EXIST, reassign(second, write));
        assertEquals(CLEARED, second.await(second.testUnit(0)));
        assertEquals(List.of(0, 127), second.window());
    }

    /// It took no CmdSN, so the initiator cannot tell whether it arrived.
    @Test
    void immediateCommandsEndWithTheirConnection() throws Exception {
        first.immediately(true);
        int write = first.beginWrite();
        first.immediately(false);
        first.disconnect();
        Initiator second = first.joined(1);
        assertEquals(DOES_NOT_EXIST, reassign(second, write));
        assertEquals(CLEARED, second.await(second.testUnit(0)));
    }

    @ParameterizedTest
    @ValueSource(ints = {9, -1})
    void anExpDataSnThatCannotBeIsIgnored(int expDataSn) throws Exception {
        fill();
        int tag = first.send(SIMPLE, 0, READ_64K);
        assertEquals(GOOD, first.await(tag));
        first.disconnect();
        Initiator second = first.joined(1);
        assertEquals(COMPLETE, reassign(second, tag, expDataSn));
        assertEquals(GOOD, second.await(tag));
        assertEquals(List.of(0, 1, 2, 3, 4, 5, 6, 7), dataSns(second, tag));
    }

    @Test
    void endsWithItsSession() throws Exception {
        first.beginWrite();
        first.disconnect();
        for (int tick = 0; tick <= 2 + RETAIN; tick++) {
            assertEquals(1, rig.entries().size());
            rig.second();
        }
        assertEquals(List.of(), rig.entries());
    }

    /// RFC 7143 6.3.4: a second connection may come to log the first one out. Until then it carries
    /// nothing whose response could overtake one on the first; what is rejected may come again.
    @Test
    void aSecondConnectionMayComeWhereThereIsToBeOne() throws Exception {
        Initiator alone =
                rig.login(KEYS.replace("MaxConnections=8", "TaskReporting=ResponseFence") + "2\0");
        int write = alone.beginWrite();
        Initiator second = alone.joined(2);
        int number = second.nextNumber();
        assertEquals(WAITING_FOR_LOGOUT, rejected(() -> second.testUnit(0)));
        assertEquals(WAITING_FOR_LOGOUT, rejected(() -> second.manage(ABORT_TASK_SET, 0, -1)));
        assertEquals(STILL_ALLEGIANT, reassign(second, write));
        assertEquals(0, second.logoutResponse(second.logout(2, 1)));
        assertEquals(GOOD, second.await(second.sendSkipped(number, 0)));
        assertEquals(COMPLETE, reassign(second, write));
        assertNull(second.reply(write));
        alone.disconnect();
    }

    private static int rejected(Executable request) {
        return assertThrows(RejectedPduException.class, request).reason();
    }

    // ---- other levels

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void isNotThereBelow(int level) throws Exception {
        Initiator other = rig.login(KEYS + level + "\0");
        int write = other.beginWrite();
        assertEquals(2, other.logoutResponse(other.logout(2, 1)));
        assertEquals(NOT_SUPPORTED, reassign(other, write));
    }

    /// At level 1 the others go on, but what was lost is not taken over.
    @Test
    void atLevelOneTheTasksOfALostConnectionEnd() throws Exception {
        Initiator other = rig.login(KEYS + "1\0");
        Initiator second = other.joined(2);
        int write = other.beginWrite();
        int stays = second.beginWrite();
        other.disconnect();
        assertFalse(second.closed());
        assertEquals(0, second.logoutResponse(second.logout(1, 1)));
        assertEquals(CLEARED, second.await(second.testUnit(0)));
        second.giveData(stays, random(LENGTH));
        assertEquals(GOOD, second.await(stays));
        assertNull(second.reply(write));
    }

    /// Where nothing is kept there is nothing to reassign.
    @Test
    void whereNothingIsKeptTasksEnd() throws Exception {
        Initiator other = rig.login(KEYS.replace("Time2Retain=" + RETAIN, "Time2Retain=0") + "2\0");
        Initiator second = other.joined(2);
        int write = other.beginWrite();
        int logout = second.logout(2, 1);
        assertEquals(0, second.logoutResponse(logout));
        assertEquals(List.of(0, 0), second.below().logoutTimes(logout));
        assertEquals(DOES_NOT_EXIST, reassign(second, write));
        other.disconnect();
        second.disconnect();
    }

    /// RFC 7143 11.5.1 Function: whether its connection is alive or lost.
    @Test
    void aFunctionIsNotReassigned() throws Exception {
        Initiator second = first.joined(2);
        first.beginWrite();
        int function = first.manage(ABORT_TASK_SET, 0, -1);
        assertEquals(REJECTED, reassign(second, function));
        first.disconnect();
        second.logout(2, 1);
        assertEquals(REJECTED, reassign(second, function));
    }

    /// RFC 7143 11.5.1 Function: nor is a text exchange, before and after its connection is lost.
    @Test
    void aTextExchangeIsNotReassigned() throws Exception {
        Initiator second = first.joined(2);
        int text = first.beginText();
        assertEquals(REJECTED, reassign(second, text));
        first.disconnect();
        second.logout(2, 1);
        assertEquals(REJECTED, reassign(second, text));
        assertEquals(DOES_NOT_EXIST, reassign(second, text + 77));
    }

    /// Nor a logout, which waits for a task of its connection to come to rest.
    @Test
    void aLogoutIsNotReassigned() throws Exception {
        first = rig.login(KEYS.replace("Retain=" + RETAIN, "Retain=0") + "2\0");
        Initiator second = first.joined(2);
        first.send(SIMPLE, 0, SYNCHRONIZE_CACHE);
        int logout = second.beginLogout(1, 1);
        int reassignment = second.manage(TASK_REASSIGN, 0, logout);
        assertEquals(REJECTED, second.reply(reassignment));
        while (second.logoutResponse(logout) != 0) {
            rig.turnOnce();
        }
        first.disconnect();
        assertEquals(DOES_NOT_EXIST, reassign(second, logout));
    }

    /// RFC 7143 11.16.3 Resegmentation, of a command whose status waits behind its data.
    @Test
    void theStatusComesBehindDataThatIsCutAnew() throws Exception {
        fill();
        int tag = first.send(SIMPLE, 0, READ_64K);
        assertEquals(GOOD, first.await(tag));
        first.disconnect();
        Initiator second = first.joined(1);
        second.below().block(true);
        assertEquals(COMPLETE, reassign(second, tag));
        assertNull(second.reply(tag));
        second.snack(R_DATA, tag, 77);
        second.below().block(false);
        assertEquals(GOOD, second.await(second.testUnit(0)));
        assertEquals(GOOD, second.await(tag));
        assertEquals(List.of(0, 1, 2, 3, 4, 5, 6, 7), dataSns(second, tag));
        assertEquals(77, second.field(tag, 0x21, 20), "SNACK Tag");
        assertEquals(
                List.of(0x25, 0x25, 0x25, 0x25, 0x25, 0x25, 0x25, 0x25, 0x21),
                second.below().opcodes(tag));
    }
}
