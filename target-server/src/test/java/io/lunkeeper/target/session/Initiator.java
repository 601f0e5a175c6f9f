package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lunkeeper.target.login.OneTarget;
import io.lunkeeper.target.login.TargetDirectory;
import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.PduDecoder;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// An initiator: one connection of its session, to a [SessionRig]. What it sends and what becomes
/// of it is for the test's thread.
final class Initiator {
    static final long ISID = 0x800000000001L;

    // Task attributes.
    static final int SIMPLE = 1;
    static final int ORDERED = 2;
    static final int HEAD_OF_QUEUE = 3;
    static final int ACA = 4;

    // Task management functions.
    static final int ABORT_TASK = 1;
    static final int ABORT_TASK_SET = 2;
    static final int CLEAR_ACA = 3;
    static final int CLEAR_TASK_SET = 4;
    static final int LOGICAL_UNIT_RESET = 5;
    static final int TARGET_WARM_RESET = 6;
    static final int TASK_REASSIGN = 8;

    /// A function that concerns no single task: its Referenced Task Tag.
    static final int NO_TASK = 0xffffffff;

    static final String TEST_UNIT_READY = "00 00 00 00 00 00";
    static final String RESERVE = "16 00 00 00 00 00";

    /// Runs on another thread.
    static final String SYNCHRONIZE_CACHE = "35 00 00 00 00 00 00 00 00 00";

    /// WRITE (10) and READ (10) of [#LENGTH] bytes in the same place.
    static final String WRITE = "2a 00 00 00 00 08 00 00 08 00";

    static final String READ = "28 00 00 00 00 08 00 00 08 00";
    static final int LENGTH = 4096;

    /// What the connections of one session share.
    static final class Numbers {
        final String name;
        int tsih;
        int cmdSn = 100;
        int nextTag = 1;

        /// The LUN fields of commands, by tag.
        final Map<Integer, Long> luns = new HashMap<>();

        Numbers(String name) {
            this.name = name;
        }
    }

    private final SessionRig rig;
    private final LoopTransport below;
    private final IscsiConnection connection;
    private final List<ByteBuf> sent;
    final Numbers numbers;
    private final int cid;
    private int looked;
    private boolean immediately;

    /// The first connection of a session to be.
    Initiator(SessionRig rig, String name) {
        this(rig, new Numbers(name), 1);
    }

    private Initiator(SessionRig rig, Numbers numbers, int cid) {
        this(rig, numbers, cid, new OneTarget(SessionRig.TARGET));
    }

    private Initiator(SessionRig rig, Numbers numbers, int cid, TargetDirectory directory) {
        this.rig = rig;
        this.numbers = numbers;
        this.cid = cid;
        below = rig.transport(numbers.name);
        sent = below.sent();
        connection = rig.connect(below, directory);
    }

    /// Logs in with these keys and those that all have.
    void login(String more) throws Exception {
        String keys =
                "InitiatorName=%s\0TargetName=%s\0FirstBurstLength=262144\0%s"
                        .formatted(numbers.name, SessionRig.TARGET, more);
        sendLogin(ISID, numbers.tsih, keys);
        if (!sent.isEmpty() && loginStatus() == 0) {
            numbers.tsih = answeredTsih();
        }
    }

    private void sendLogin(long isid, int tsih, String keys) throws Exception {
        sendLogin(isid, tsih, keys, true);
    }

    private void sendLogin(long isid, int tsih, String keys, boolean transit) throws Exception {
        connection.receive(
                new RequestPdu.LoginRequest(
                        transit,
                        false,
                        1,
                        transit ? 3 : 0,
                        0,
                        0,
                        isid,
                        tsih,
                        7,
                        cid,
                        numbers.cmdSn,
                        0,
                        Unpooled.copiedBuffer(keys, StandardCharsets.US_ASCII)),
                0);
    }

    /// Status-Class and Status-Detail of the last PDU, a login response.
    int loginStatus() {
        ByteBuf response = sent.getLast();
        assertEquals(0x23, response.getByte(0) & 0x3f);
        return response.getUnsignedShort(36);
    }

    /// Logs in another connection of this session.
    Initiator join(int connectionId) throws Exception {
        Initiator other = new Initiator(rig, numbers, connectionId);
        other.login("");
        return other;
    }

    /// The same, and finds that it is let in.
    Initiator joined(int connectionId) throws Exception {
        Initiator joined = join(connectionId);
        assertEquals(0, joined.loginStatus());
        return joined;
    }

    /// Logs in anew, under the same name and ISID.
    Initiator reinstate(String keys) throws Exception {
        Initiator anew = new Initiator(rig, numbers.name);
        anew.login(keys);
        return anew;
    }

    /// The same as [#join], with a login that says what the test wants.
    ///
    /// @param directory what the connection finds at its portal
    Initiator join(int connectionId, TargetDirectory directory, long isid, int tsih, String keys)
            throws Exception {
        Initiator other = new Initiator(rig, numbers, connectionId, directory);
        other.sendLogin(isid, tsih, keys);
        return other;
    }

    /// Begins the login of another connection and leaves its last request to [#goOnWithLogin].
    Initiator joinSlowly(int connectionId, long isid, int tsih, String keys) throws Exception {
        Initiator other = new Initiator(rig, numbers, connectionId);
        other.sendLogin(isid, tsih, keys, false);
        return other;
    }

    void goOnWithLogin(long isid, int tsih) throws Exception {
        sendLogin(isid, tsih, "", true);
    }

    /// Whether nothing has come yet.
    boolean isUnanswered() {
        return sent.isEmpty();
    }

    int tsih() {
        return numbers.tsih;
    }

    /// The TSIH in the last PDU, a login response.
    int answeredTsih() {
        return sent.getLast().getUnsignedShort(14);
    }

    String name() {
        return numbers.name;
    }

    /// Keys of the login response, the last PDU.
    String answeredKeys() {
        ByteBuf response = sent.getLast();
        int length = response.getInt(4) & 0xffffff;
        return response.toString(48, length, StandardCharsets.US_ASCII).replace('\0', ';');
    }

    /// Sends a logout request and returns its tag.
    int logout(int reason, int connectionId) throws Exception {
        int tag = beginLogout(reason, connectionId);
        rig.turn();
        return tag;
    }

    /// The same, and does nothing that has to be waited for.
    int beginLogout(int reason, int connectionId) throws Exception {
        int tag = numbers.nextTag++;
        connection.receive(
                new RequestPdu.LogoutRequest(true, reason, tag, connectionId, numbers.cmdSn, 1), 0);
        return tag;
    }

    /// Sends a text request that begins an exchange and does not end it, and returns its tag.
    int beginText() throws Exception {
        int tag = numbers.nextTag++;
        connection.receive(
                new RequestPdu.TextRequest(
                        true,
                        false,
                        false,
                        0,
                        tag,
                        RequestPdu.RESERVED_TAG,
                        numbers.cmdSn,
                        1,
                        Unpooled.EMPTY_BUFFER),
                0);
        return tag;
    }

    /// The response code of a logout, or -1 as long as there is none.
    int logoutResponse(int tag) {
        return below.logoutResponse(tag);
    }

    /// Answers pings: the initiator has everything.
    void acknowledge() throws Exception {
        for (ByteBuf pdu : List.copyOf(sent)) {
            if ((pdu.getByte(0) & 0x3f) == 0x20) {
                connection.receive(
                        new RequestPdu.NopOut(
                                true,
                                0,
                                RequestPdu.RESERVED_TAG,
                                pdu.getInt(20),
                                numbers.cmdSn,
                                pdu.getInt(24),
                                Unpooled.EMPTY_BUFFER),
                        0);
            }
        }
    }

    /// How many pings have come.
    long pings() {
        return sent.stream().filter(pdu -> (pdu.getByte(0) & 0x3f) == 0x20).count();
    }

    /// ExpCmdSN and MaxCmdSN of the last PDU, counted from the next CmdSN of this session.
    List<Integer> window() {
        ByteBuf last = sent.getLast();
        return List.of(last.getInt(28) - numbers.cmdSn, last.getInt(32) - numbers.cmdSn);
    }

    /// StatSN of everything that carries status, in order.
    List<Integer> statSns() {
        return sent.stream()
                .filter(pdu -> (pdu.getByte(0) & 0x3f) == 0x21)
                .map(pdu -> pdu.getInt(24))
                .toList();
    }

    /// Sends a command that writes, with a CmdSN that was skipped.
    int sendSkipped(int number, int lun, String cdb, int length, byte[] immediate, boolean last)
            throws Exception {
        int next = numbers.cmdSn;
        numbers.cmdSn = number;
        int tag = send(SIMPLE, lun, cdb, length, immediate, last);
        numbers.cmdSn = next;
        return tag;
    }

    /// Sends a command without data and returns its tag.
    int send(int attribute, int lun, String cdb) throws Exception {
        return send(attribute, lun, cdb, 0, new byte[0], true);
    }

    /// Sends TEST UNIT READY.
    int testUnit(int lun) throws Exception {
        return send(SIMPLE, lun, TEST_UNIT_READY);
    }

    /// Finds that commands are carried out, and that no unit attention is pending.
    void assertServes() throws Exception {
        assertEquals(Reply.GOOD, await(testUnit(0)));
    }

    /// Sends a write of [#LENGTH] bytes to unit 0 that waits until it is given its data.
    int beginWrite() throws Exception {
        return beginWrite(SIMPLE, 0);
    }

    /// The same with another attribute or to another unit.
    int beginWrite(int attribute, int lun) throws Exception {
        return send(attribute, lun, WRITE, LENGTH, new byte[0], true);
    }

    /// Sends the data that a write waits for, all zeros.
    void giveData(int tag) throws Exception {
        giveData(tag, new byte[LENGTH]);
    }

    /// Sends the data that a write waits for.
    void giveData(int tag, byte[] data) throws Exception {
        data(tag, transferTag(tag), 0, 0, data, true);
    }

    /// The same as [#giveData(int)], and waits for the end of the write.
    void finishWrite(int tag) throws Exception {
        giveData(tag);
        assertEquals(Reply.GOOD, await(tag));
    }

    /// Finds this data where [#WRITE] has written.
    void assertReads(byte[] expected) throws Exception {
        int tag = send(SIMPLE, 0, READ);
        assertEquals(Reply.GOOD, await(tag));
        assertArrayEquals(expected, dataIn(tag));
    }

    /// Sets the Control mode page of unit 0; the parameters are those of [SessionRig#control].
    void selectControl(int taskSetType, int onError, int abortedStatus) throws Exception {
        byte[] list =
                HexFormat.of()
                        .parseHex(
                                "000000000a0a%02x%02x00%02x0000ffff0000"
                                        .formatted(taskSetType, 0x10 | onError, abortedStatus));
        int tag = send(SIMPLE, 0, "15 10 00 00 10 00", list.length, list, true);
        assertEquals(Reply.GOOD, await(tag));
    }

    /// Sends a command that writes.
    ///
    /// @param last whether no unsolicited Data-Out follows
    int send(int attribute, int lun, String cdb, int length, byte[] immediate, boolean last)
            throws Exception {
        int tag = numbers.nextTag++;
        numbers.luns.put(tag, (long) lun << 48);
        byte[] bytes = HexFormat.ofDelimiter(" ").parseHex(cdb);
        ByteBuf fields = Unpooled.buffer(16).writeBytes(bytes).writeZero(16 - bytes.length);
        ByteBuf data = Unpooled.wrappedBuffer(immediate.clone());
        connection.receive(
                new ScsiCommand(
                        immediately,
                        last,
                        length == 0,
                        length > 0,
                        attribute,
                        (long) lun << 48,
                        tag,
                        length == 0 ? 65536 : length,
                        numbers.cmdSn,
                        1,
                        fields,
                        data),
                0);
        if (!immediately) {
            numbers.cmdSn++; // Not of one that was rejected: 7.3 Usage of Reject PDU in Recovery.
        }
        useAgain(fields);
        useAgain(data);
        return tag;
    }

    /// Whether the commands that it sends now are immediate.
    void immediately(boolean so) {
        immediately = so;
    }

    /// Sends data, solicited or not.
    void data(int tag, int transferTag, int dataSn, int offset, byte[] bytes, boolean last)
            throws Exception {
        long lun = transferTag == RequestPdu.RESERVED_TAG ? 0 : numbers.luns.getOrDefault(tag, 0L);
        data(lun, tag, transferTag, dataSn, offset, bytes, last);
    }

    /// The same with a LUN field of its own.
    void data(
            long lun, int tag, int transferTag, int dataSn, int offset, byte[] bytes, boolean last)
            throws Exception {
        ByteBuf data = Unpooled.wrappedBuffer(bytes.clone());
        connection.receive(new DataOut(last, lun, tag, transferTag, 1, dataSn, offset, data), 0);
        useAgain(data);
    }

    /// Sends a SNACK request for all Ready To Transfers or data of a task.
    void snack(int type, int tag, int transferTag) throws Exception {
        connection.receive(new RequestPdu.SnackRequest(type, 0, tag, transferTag, 1, 0, 0), 0);
    }

    /// What becomes of a receive buffer that nobody has retained.
    private static void useAgain(ByteBuf buffer) {
        if (buffer.refCnt() == 1) {
            buffer.setZero(0, buffer.capacity());
        }
    }

    /// Sends a task management function request and returns its tag.
    int manage(int function, int lun, int referenced) throws Exception {
        return manage(function, lun, referenced, 0);
    }

    /// The same for a task whose command had the CmdSN `refCmdSn`.
    int manage(int function, int lun, int referenced, int refCmdSn) throws Exception {
        return manage(function, lun, referenced, refCmdSn, 0);
    }

    /// The same for TASK REASSIGN, by an initiator that has data up to a DataSN.
    int manage(int function, int lun, int referenced, int refCmdSn, int expDataSn)
            throws Exception {
        int tag = numbers.nextTag++;
        connection.receive(
                new RequestPdu.TaskManagementRequest(
                        true,
                        function,
                        (long) lun << 48,
                        tag,
                        referenced,
                        numbers.cmdSn,
                        1,
                        refCmdSn,
                        expDataSn),
                0);
        return tag;
    }

    /// Sends a task management function request that was to come before the command with this
    /// CmdSN.
    int manageBefore(int number, int function, int lun) throws Exception {
        int next = numbers.cmdSn;
        numbers.cmdSn = number;
        int tag = manage(function, lun, NO_TASK);
        numbers.cmdSn = next;
        return tag;
    }

    /// Sends a task management function request with this tag.
    void manageAs(int tag, int function, int lun) throws Exception {
        int next = numbers.nextTag;
        numbers.nextTag = tag;
        try {
            manage(function, lun, NO_TASK);
        } finally {
            numbers.nextTag = next;
        }
    }

    /// Sends ABORT TASK for a task that may not have come yet, and returns its own tag.
    int abort(int lun, int referenced, int refCmdSn) throws Exception {
        return manage(ABORT_TASK, lun, referenced, refCmdSn);
    }

    /// Sends a task management function request and waits for its response, but never sends the
    /// data that aborted tasks had asked for.
    Reply manageSilently(int function, int lun) throws Exception {
        int tag = manage(function, lun, -1);
        for (int second = 0; second < RetiredTags.PATIENCE_TICKS; second++) {
            rig.turn();
            tick();
        }
        return await(tag);
    }

    /// A second passes.
    void tick() {
        connection.tick(0);
    }

    /// The CmdSN of the next command.
    int nextNumber() {
        return numbers.cmdSn;
    }

    /// Takes a CmdSN whose command is sent later, or never.
    int skipNumber() {
        return numbers.cmdSn++;
    }

    /// Sends TEST UNIT READY with a CmdSN that was skipped.
    int sendSkipped(int number, int lun) throws Exception {
        return sendSkipped(number, lun, TEST_UNIT_READY, 0, new byte[0], true);
    }

    /// The asynchronous messages so far: event and LUN of each.
    List<String> asyncMessages() {
        rig.turn();
        return below.asyncMessages();
    }

    /// Sends a Task Management Function Request that announces data.
    void contradictItself() {
        ByteBuf bytes = Unpooled.buffer(52).writeByte(0x42).writeByte(0x81).writeZero(5);
        bytes.writeByte(4).writeZero(44);
        connection.malformed(
                assertThrows(MalformedPduException.class, () -> new PduDecoder().next(bytes)));
    }

    void disconnect() {
        connection.disconnected();
    }

    boolean closed() {
        return below.closed();
    }

    /// The initiator says nothing for so many seconds.
    void silence(long seconds) {
        connection.tick(TimeUnit.SECONDS.toNanos(seconds));
    }

    /// The tag of the transfer that a write waits for.
    int transferTag(int tag) {
        return below.find(tag, 0x31).getInt(20);
    }

    /// Four bytes of the first PDU of a task with this opcode.
    int field(int tag, int opcode, int at) {
        return below.find(tag, opcode).getInt(at);
    }

    /// The reply to a command or function, or null as long as there is none.
    @Nullable Reply reply(int tag) {
        return below.reply(tag);
    }

    /// What is below it.
    LoopTransport below() {
        return below;
    }

    /// Waits for the reply, letting the loop do its work.
    Reply await(int tag) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SessionRig.SECONDS);
        rig.turn();
        for (Reply reply = reply(tag); ; reply = reply(tag)) {
            if (reply != null) {
                return reply;
            }
            assertFalse(System.nanoTime() > deadline, "no reply to task " + tag);
            rig.turnOnce();
        }
    }

    /// The tags of the replies since the last look, in their order.
    List<Integer> replies() {
        rig.turn();
        List<Integer> tags = new ArrayList<>();
        for (ByteBuf pdu : sent.subList(looked, sent.size())) {
            int opcode = pdu.getByte(0) & 0x3f;
            if (opcode == 0x21 || opcode == 0x22 || opcode == 0x25) {
                tags.add(pdu.getInt(16));
            }
        }
        looked = sent.size();
        return tags;
    }

    /// How many PDUs with data of a read have come.
    long dataIns(int tag) {
        return below.dataIns(tag).size();
    }

    /// The additional response information of a task management function.
    int additionalResponse(int tag) {
        return below.find(tag, 0x22).getUnsignedMedium(8);
    }

    /// The data of a read that came in one PDU, or in its first.
    byte[] dataIn(int tag) {
        ByteBuf pdu = below.find(tag, 0x25);
        return ByteBufUtil.getBytes(pdu, 48, pdu.getInt(4) & 0xffffff);
    }
}
