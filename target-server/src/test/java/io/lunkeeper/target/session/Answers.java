package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.LogoutRequest;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.pdu.RequestPdu.TaskManagementRequest;
import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What one connection has been sent, judged PDU by PDU by what RFC 7143 has every target keep to,
/// whatever its initiator does: framing, numbering, and that a task has one end.
final class Answers {
    private static final int NOP_IN = 0x20;
    private static final int SCSI_RESPONSE = 0x21;
    private static final int TASK_MANAGEMENT_RESPONSE = 0x22;
    private static final int LOGIN_RESPONSE = 0x23;
    private static final int TEXT_RESPONSE = 0x24;
    private static final int DATA_IN = 0x25;
    private static final int LOGOUT_RESPONSE = 0x26;
    private static final int READY_TO_TRANSFER = 0x31;
    private static final int ASYNCHRONOUS_MESSAGE = 0x32;
    private static final int REJECT = 0x3f;

    /// Those that always have a StatSN of their own.
    private static final Set<Integer> WITH_STATUS =
            Set.of(
                    SCSI_RESPONSE,
                    TASK_MANAGEMENT_RESPONSE,
                    LOGIN_RESPONSE,
                    TEXT_RESPONSE,
                    LOGOUT_RESPONSE,
                    ASYNCHRONOUS_MESSAGE,
                    REJECT);

    private static final int TASK_REASSIGN = 8;
    private static final int LONGEST_SEGMENT = 8192;

    /// Data that the initiator is asked to acknowledge.
    record Acknowledgeable(int lun, int transferTag, int nextDataSn) {}

    /// What the connections of one session have in common where commands go from one to another:
    /// how often each may still end.
    static final class Account {
        private final Map<Integer, Integer> endsLeft = new HashMap<>();

        /// Commands that are to be reassigned, by the tags of those requests.
        private final Map<Integer, List<Integer>> reassignments = new HashMap<>();

        private void mayEnd(int tag) {
            endsLeft.merge(tag, 1, Integer::sum);
        }

        private void ends(int tag) {
            assertTrue(endsLeft.merge(tag, -1, Integer::sum) >= 0, "task " + tag + " ends again");
        }
    }

    /// A Ready To Transfer.
    record Request(int lun, int tag, int transferTag, int offset, int length) {}

    /// What is known of the commands under one Initiator Task Tag.
    private static final class Commands {
        int alive;
        int dataSn;
        long offset;
        int r2tSn;
    }

    private final Map<Integer, Commands> commands = new HashMap<>();
    private final Deque<Request> requests = new ArrayDeque<>();
    private int count;
    private int statSn;
    private int expCmdSn;
    private int maxCmdSn;
    private int textTransferTag = RequestPdu.RESERVED_TAG;
    private final int cid;
    private final boolean recovers;
    private final Account account;

    /// The task tags of the statuses so far, by StatSN.
    private final Map<Integer, Integer> tags = new HashMap<>();

    private final Deque<Acknowledgeable> acknowledgeable = new ArrayDeque<>();
    private boolean dataDigest;
    private final Set<Integer> logoutsOfOthers = new HashSet<>();
    private int tsih;
    private boolean loggedOut;

    /// @param cid that of the connection
    /// @param level the ErrorRecoveryLevel: above 0 what was sent may come again, in any order
    Answers(int cid, int level, Account account) {
        this.cid = cid;
        this.recovers = level > 0;
        this.account = account;
    }

    /// Data segments have a digest from now on, or not.
    void negotiated(boolean withDigest) {
        dataDigest = withDigest;
    }

    /// The StatSN of the next status.
    int statSn() {
        return statSn;
    }

    /// What the initiator was asked to acknowledge, as far as nobody has polled it.
    Deque<Acknowledgeable> acknowledgeable() {
        return acknowledgeable;
    }

    /// The TSIH that the last login was given; 0: none.
    int tsih() {
        return tsih;
    }

    /// The number of the next command.
    int expCmdSn() {
        return expCmdSn;
    }

    /// How many there were.
    int count() {
        return count;
    }

    /// What was asked for and is not answered, as far as nobody has polled it.
    Deque<Request> requests() {
        return requests;
    }

    /// The Target Transfer Tag of the last Text Response.
    int textTransferTag() {
        return textTransferTag;
    }

    /// The target is about to take this.
    void requested(RequestPdu pdu) {
        if (pdu instanceof ScsiCommand command) {
            commands.computeIfAbsent(command.initiatorTaskTag(), _ -> new Commands()).alive++;
            account.mayEnd(command.initiatorTaskTag());
        }
        if (pdu instanceof TaskManagementRequest request && request.function() == TASK_REASSIGN) {
            account.reassignments
                    .computeIfAbsent(request.initiatorTaskTag(), _ -> new ArrayList<>())
                    .add(request.referencedTaskTag());
        }
        if (pdu instanceof LogoutRequest logout && logout.reason() != 0 && logout.cid() != cid) {
            logoutsOfOthers.add(logout.initiatorTaskTag());
        }
    }

    /// The target has sent this.
    void sent(ByteBuf pdu) {
        assertFalse(loggedOut, "something after the logout");
        int opcode = pdu.getByte(0) & 0xff;
        int dataBytes = pdu.getInt(4);
        assertTrue(dataBytes >= 0 && dataBytes <= LONGEST_SEGMENT, "data of " + dataBytes);
        int digestBytes = dataDigest && dataBytes > 0 ? 4 : 0;
        assertEquals(48 + (dataBytes + 3 & -4) + digestBytes, pdu.readableBytes());
        boolean fresh = checkNumbers(pdu, opcode);
        switch (opcode) {
            case SCSI_RESPONSE -> scsiResponse(pdu, fresh);
            case DATA_IN -> dataIn(pdu, dataBytes, fresh);
            case READY_TO_TRANSFER -> readyToTransfer(pdu);
            case TEXT_RESPONSE -> textTransferTag = pdu.getInt(20);
            case REJECT -> assertEquals(48, dataBytes);
            case LOGOUT_RESPONSE ->
                    loggedOut = pdu.getByte(2) == 0 && !logoutsOfOthers.contains(pdu.getInt(16));
            case LOGIN_RESPONSE -> tsih = pdu.getUnsignedShort(14);
            case NOP_IN ->
                    assertNotEquals(
                            pdu.getInt(16) == RequestPdu.RESERVED_TAG,
                            pdu.getInt(20) == RequestPdu.RESERVED_TAG);
            case TASK_MANAGEMENT_RESPONSE -> {
                if (fresh && pdu.getByte(2) == 0) {
                    account.reassignments
                            .getOrDefault(pdu.getInt(16), List.of())
                            .forEach(account::mayEnd);
                }
            }
            case ASYNCHRONOUS_MESSAGE -> {}
            default -> throw new AssertionError("opcode " + opcode);
        }
        count++;
    }

    /// RFC 7143 4.2.2: StatSN without a gap, ExpCmdSN and MaxCmdSN that never go back.
    ///
    /// @return whether it is sent for the first time
    private boolean checkNumbers(ByteBuf pdu, int opcode) {
        boolean first = count == 0;
        boolean status =
                WITH_STATUS.contains(opcode)
                        || (opcode == DATA_IN && (pdu.getByte(1) & 1) != 0)
                        || (opcode == NOP_IN && pdu.getInt(16) != RequestPdu.RESERVED_TAG);
        if (first) {
            statSn = pdu.getInt(24);
        }
        boolean fresh = !recovers || pdu.getInt(24) == statSn;
        if (fresh ? status || opcode != DATA_IN : opcode != DATA_IN && !status) {
            assertEquals(statSn, pdu.getInt(24), "StatSN");
        }
        if (status && fresh) {
            tags.put(statSn, pdu.getInt(16));
            statSn++;
        } else if (status) {
            assertEquals(tags.get(pdu.getInt(24)), pdu.getInt(16), "task of a status sent again");
        }
        boolean refused = opcode == LOGIN_RESPONSE && pdu.getByte(36) != 0;
        if (!refused) {
            int expected = pdu.getInt(28);
            int maximum = pdu.getInt(32);
            assertTrue(first || expected - expCmdSn >= 0, "ExpCmdSN goes back");
            assertTrue(first || maximum - maxCmdSn >= 0, "MaxCmdSN goes back");
            assertTrue(maximum - expected >= -1, "MaxCmdSN before ExpCmdSN");
            assertTrue(maximum - expected < Session.COMMAND_WINDOW, "window too wide");
            expCmdSn = expected;
            maxCmdSn = maximum;
        }
        return fresh;
    }

    private Commands task(ByteBuf pdu) {
        Commands known = commands.computeIfAbsent(pdu.getInt(16), _ -> new Commands());
        assertTrue(recovers || known.alive > 0, "of no command");
        return known;
    }

    private void end(Commands task, int tag, boolean fresh) {
        if (fresh) {
            account.ends(tag);
        }
        task.alive--;
        task.dataSn = 0;
        task.offset = 0;
        task.r2tSn = 0;
    }

    private void scsiResponse(ByteBuf pdu, boolean fresh) {
        Commands task = task(pdu);
        assertEquals(0, pdu.getByte(2), "response");
        if (pdu.getByte(3) == 2) {
            int key = pdu.getByte(52) & 0x0f;
            assertTrue(key != 3 && key != 4, "sense key " + key);
        }
        end(task, pdu.getInt(16), fresh);
    }

    private void dataIn(ByteBuf pdu, int dataBytes, boolean fresh) {
        Commands task = task(pdu);
        if (task.alive == 1 && !recovers) {
            // Of several under one tag, one of which is rejected, it is not known which this is.
            assertEquals(task.dataSn++, pdu.getInt(36), "DataSN");
            assertEquals(task.offset, pdu.getUnsignedInt(40), "Buffer Offset");
            task.offset += dataBytes;
        }
        if ((pdu.getByte(1) & 0x40) != 0) {
            assertTrue(recovers, "A at ErrorRecoveryLevel 0");
            acknowledgeable.add(
                    new Acknowledgeable(pdu.getByte(9), pdu.getInt(20), pdu.getInt(36) + 1));
        }
        if ((pdu.getByte(1) & 1) != 0) {
            assertTrue((pdu.getByte(1) & 0x80) != 0, "S without F");
            assertEquals(0, pdu.getByte(3));
            end(task, pdu.getInt(16), fresh);
        }
    }

    private void readyToTransfer(ByteBuf pdu) {
        Commands task = task(pdu);
        if (task.alive == 1 && !recovers) {
            assertEquals(task.r2tSn++, pdu.getInt(36), "R2TSN");
        }
        int length = pdu.getInt(44);
        assertTrue(length > 0 && length <= 262_144, "Desired Data Transfer Length");
        assertNotEquals(RequestPdu.RESERVED_TAG, pdu.getInt(20));
        requests.add(
                new Request(
                        pdu.getByte(9), pdu.getInt(16), pdu.getInt(20), pdu.getInt(40), length));
    }
}
