package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.lunkeeper.lun.Allocation;
import io.lunkeeper.lun.CacheMode;
import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.lun.LunSpec;
import io.lunkeeper.target.login.NegotiationLimits;
import io.lunkeeper.target.login.OneTarget;
import io.lunkeeper.target.login.TargetDirectory;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.scsi.DeviceServer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// A target with two units on real images, and initiators that talk to it by PDUs without a socket.
/// The loop of all sessions is the test's thread: work for it is done when the test says so, so the
/// test decides what meets what.
final class SessionRig implements AutoCloseable {
    static final String TARGET = "iqn.2026-11.io.lunkeeper:test";
    static final String KEEPING = "InitialR2T=No\0ImmediateData=Yes\0";
    private static final String EAGER = KEEPING + "DefaultTime2Retain=0\0";
    static final String PATIENT = "InitialR2T=Yes\0ImmediateData=No\0DefaultTime2Retain=0\0";
    private static final int SECONDS = 20;

    private final LinkedBlockingQueue<Runnable> loop = new LinkedBlockingQueue<>();
    private final ArrayDeque<Runnable> nextTick = new ArrayDeque<>();
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
    private final List<LunBackend> backends = new ArrayList<>();
    private final SessionRegistry registry = new SessionRegistry();
    private final DeviceServer device;
    private final TargetNode target;
    private int names;

    SessionRig(Path directory) throws IOException {
        this(directory, CacheMode.WRITE_BACK);
    }

    SessionRig(Path directory, CacheMode cacheMode) throws IOException {
        List<DeviceServer.LogicalUnitSpec> units = new ArrayList<>();
        for (int lun = 0; lun < 2; lun++) {
            LunSpec spec =
                    new LunSpec(
                            directory.resolve("image" + lun),
                            OptionalLong.of(16 << 20),
                            Allocation.SPARSE,
                            cacheMode,
                            512,
                            false);
            LunBackend backend = LunBackend.open(spec);
            backends.add(backend);
            units.add(new DeviceServer.LogicalUnitSpec(lun, backend, 512, 4096, Optional.empty()));
        }
        device = new DeviceServer(TARGET, units);
        target = new TargetNode(device);
    }

    DeviceServer device() {
        return device;
    }

    /// A connection to it that was accepted just now.
    IscsiConnection connect(Transport below) {
        return connect(below, new OneTarget(TARGET));
    }

    private IscsiConnection connect(Transport below, TargetDirectory directory) {
        return new IscsiConnection(
                below,
                new IscsiConnection.Site(
                        registry,
                        Map.of(TARGET, target)::get,
                        directory,
                        NegotiationLimits.DEFAULT,
                        new FailedLogins().from(InetAddress.getLoopbackAddress())),
                0);
    }

    /// What sends and receives uses.
    ByteBufAllocator allocator() {
        return allocator;
    }

    /// Gives the loop something to do.
    void execute(Runnable work) {
        loop.add(work);
    }

    /// Gives the loop something to do when a second has passed.
    void atNextTick(Runnable work) {
        nextTick.add(work);
    }

    /// How many sessions are alive.
    int sessions() {
        return registry.sessions().size();
    }

    TargetNode target() {
        return target;
    }

    /// The sessions that are alive.
    List<SessionRegistry.Entry> entries() {
        return registry.sessions();
    }

    /// Does what the loop has to do, until there is nothing more at once.
    void turn() {
        for (Runnable work = loop.poll(); work != null; work = loop.poll()) {
            work.run();
        }
    }

    /// A second passes, for sessions that wait for their connections.
    void second() {
        for (int left = nextTick.size(); left > 0; left--) {
            nextTick.remove().run();
        }
        turn();
    }

    /// Lets the loop do its work, one thing at a time, until something is so.
    void turnUntil(BooleanSupplier so) throws InterruptedException {
        while (!so.getAsBoolean()) {
            Runnable work = loop.poll(SECONDS, TimeUnit.SECONDS);
            assertNotNull(work, "nothing comes any more");
            work.run();
        }
    }

    /// Off-heap bytes that tasks hold.
    long heldBytes() {
        return allocator.metric().usedDirectMemory();
    }

    @Override
    public void close() throws IOException {
        for (LunBackend backend : backends) {
            backend.close();
        }
    }

    /// Logs in one that sends data unasked, up to 256 KiB of it, and hears out unit attentions.
    Initiator login() throws Exception {
        return login(EAGER);
    }

    /// Logs in one that may have up to eight connections.
    Initiator loginForSeveral() throws Exception {
        return login(EAGER + "MaxConnections=8\0");
    }

    /// Logs in one that waits until it is asked for data.
    Initiator loginPatient() throws Exception {
        return login(PATIENT);
    }

    /// Logs in one with these keys.
    Initiator login(String keys) throws Exception {
        Initiator initiator = new Initiator(new Numbers("iqn.2026-11.a:i" + names++), 1);
        initiator.login(keys);
        for (int lun = 0; lun < 2; lun++) {
            assertEquals(2, initiator.await(initiator.send(1, lun, TEST_UNIT_READY)).status());
        }
        return initiator;
    }

    static final long ISID = 0x800000000001L;
    static final String TEST_UNIT_READY = "00 00 00 00 00 00";

    /// What came back for one command: its last PDU.
    record Reply(int status, String sense) {}

    /// What the connections of one session share.
    static final class Numbers {
        final String name;
        int tsih;
        int cmdSn = 100;
        int nextTag = 1;

        Numbers(String name) {
            this.name = name;
        }
    }

    /// An initiator: one connection of its session.
    final class Initiator {
        private final LoopTransport below;
        private final IscsiConnection connection;
        private final List<ByteBuf> sent;
        final Numbers numbers;
        private final int cid;
        private int looked;
        private boolean immediately;

        private Initiator(Numbers numbers, int cid) {
            this(numbers, cid, new OneTarget(TARGET));
        }

        private Initiator(Numbers numbers, int cid, TargetDirectory directory) {
            this.numbers = numbers;
            this.cid = cid;
            below = new LoopTransport(allocator, loop::add, nextTick, numbers.name);
            sent = below.sent();
            connection = connect(below, directory);
        }

        private void login(String more) throws Exception {
            String keys =
                    "InitiatorName=%s\0TargetName=%s\0FirstBurstLength=262144\0%s"
                            .formatted(numbers.name, TARGET, more);
            sendLogin(ISID, numbers.tsih, keys);
            if (!sent.isEmpty() && loginStatus() == 0) {
                numbers.tsih = sent.getLast().getUnsignedShort(14);
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
            Initiator other = new Initiator(numbers, connectionId);
            other.login("");
            return other;
        }

        /// Logs in anew, under the same name and ISID.
        Initiator reinstate(String keys) throws Exception {
            Initiator anew = new Initiator(new Numbers(numbers.name), 1);
            anew.login(keys);
            return anew;
        }

        /// The same as [#join], with a login that says what the test wants.
        ///
        /// @param directory what the connection finds at its portal
        Initiator join(
                int connectionId, TargetDirectory directory, long isid, int tsih, String keys)
                throws Exception {
            Initiator other = new Initiator(numbers, connectionId, directory);
            other.sendLogin(isid, tsih, keys);
            return other;
        }

        /// Begins the login of another connection and leaves its last request to [#goOnWithLogin].
        Initiator joinSlowly(int connectionId, long isid, int tsih, String keys) throws Exception {
            Initiator other = new Initiator(numbers, connectionId);
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
            int tag = numbers.nextTag++;
            connection.receive(
                    new RequestPdu.LogoutRequest(true, reason, tag, connectionId, numbers.cmdSn, 1),
                    0);
            turn();
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
            int tag = send(1, lun, cdb, length, immediate, last);
            numbers.cmdSn = next;
            return tag;
        }

        /// Sends a command without data and returns its tag.
        int send(int attribute, int lun, String cdb) throws Exception {
            return send(attribute, lun, cdb, 0, new byte[0], true);
        }

        /// Sends a command that writes.
        ///
        /// @param last whether no unsolicited Data-Out follows
        int send(int attribute, int lun, String cdb, int length, byte[] immediate, boolean last)
                throws Exception {
            int tag = numbers.nextTag++;
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
                            immediately ? numbers.cmdSn : numbers.cmdSn++,
                            1,
                            fields,
                            data),
                    0);
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
            ByteBuf data = Unpooled.wrappedBuffer(bytes.clone());
            connection.receive(new DataOut(last, 0, tag, transferTag, 1, dataSn, offset, data), 0);
            useAgain(data);
        }

        /// Asks for all Ready To Transfers or data of a task again.
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

        /// Sends ABORT TASK for a task that may not have come yet, and returns its own tag.
        int abort(int lun, int referenced, int refCmdSn) throws Exception {
            return manage(1, lun, referenced, refCmdSn);
        }

        /// Sends a task management function request and waits for its response, but never sends the
        /// data that aborted tasks had asked for.
        Reply manageSilently(int function, int lun) throws Exception {
            int tag = manage(function, lun, -1);
            for (int second = 0; second < RetiredTags.PATIENCE_TICKS; second++) {
                turn();
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
            turn();
            return below.asyncMessages();
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
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
            turn();
            for (Reply reply = reply(tag); ; reply = reply(tag)) {
                if (reply != null) {
                    return reply;
                }
                assertFalse(System.nanoTime() > deadline, "no reply to task " + tag);
                Runnable work = loop.poll(100, TimeUnit.MILLISECONDS);
                if (work != null) {
                    work.run();
                }
            }
        }

        /// The tags of the replies since the last look, in their order.
        List<Integer> replies() {
            turn();
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
}
