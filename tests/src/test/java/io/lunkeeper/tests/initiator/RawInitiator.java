package io.lunkeeper.tests.initiator;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.zip.CRC32C;

/// One connection of an initiator that does what it is told, right or wrong.
///
/// Three levels, each usable alone: [#sendBytes] puts anything on the wire; [#send] and [#receive]
/// move PDUs and keep the serial numbers; [#login] and [#execute] are a well-behaved initiator. All
/// calls block, none longer than the time limit. One thread at a time, except [#close].
public final class RawInitiator implements Closeable {
    /// How long a receive waits unless told otherwise: far beyond any healthy answer.
    public static final Duration DEFAULT_PATIENCE = Duration.ofSeconds(20);

    /// The largest data segment that a target may claim; more means that framing was lost.
    private static final int MAX_DATA_BYTES = 16 << 20;

    /// RFC 7143 13.12 MaxRecvDataSegmentLength: what counts until a login says otherwise.
    private static final int DEFAULT_DATA_SEGMENT_BYTES = 8192;

    /// More unit attentions in a row than there are kinds of them.
    private static final int MAX_UNIT_ATTENTIONS = 32;

    private final SocketChannel channel;
    private final InputStream in;
    private final InitiatorSession session;
    private final Queue<Pdu> unsolicited = new ArrayDeque<>();
    private final int connectionId;
    private int expStatSn;
    private boolean headerDigest;
    private boolean dataDigest;
    private Map<String, String> negotiated = Map.of();
    private Duration patience = DEFAULT_PATIENCE;

    private RawInitiator(SocketChannel channel, InitiatorSession session, int connectionId)
            throws IOException {
        this.channel = channel;
        this.in = channel.socket().getInputStream();
        this.session = session;
        this.connectionId = connectionId;
    }

    /// Connects, with a session of its own to log in to.
    public static RawInitiator connect(InetSocketAddress address) throws IOException {
        return connect(address, new InitiatorSession(InitiatorSession.DEFAULT_NAME), 0);
    }

    /// Connects from an address of this machine, with a session of its own to log in to.
    public static RawInitiator connectFrom(InetAddress source, InetSocketAddress address)
            throws IOException {
        SocketChannel channel = SocketChannel.open();
        try {
            channel.bind(new InetSocketAddress(source, 0));
            channel.socket().connect(address, (int) DEFAULT_PATIENCE.toMillis());
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            InitiatorSession session = new InitiatorSession(InitiatorSession.DEFAULT_NAME);
            return new RawInitiator(channel, session, 0);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /// Connects; the login will join `session` as connection `connectionId`.
    public static RawInitiator connect(
            InetSocketAddress address, InitiatorSession session, int connectionId)
            throws IOException {
        SocketChannel channel = SocketChannel.open();
        try {
            channel.socket().connect(address, (int) DEFAULT_PATIENCE.toMillis());
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            return new RawInitiator(channel, session, connectionId);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /// How long each receive waits before it throws [java.net.SocketTimeoutException].
    public RawInitiator patience(Duration limit) {
        patience = limit;
        return this;
    }

    public InitiatorSession session() {
        return session;
    }

    /// What the last [#login] settled, by key: what the target answered, else what was offered.
    /// MaxRecvDataSegmentLength is the target's own, absent when it declared none.
    public Map<String, String> negotiated() {
        return negotiated;
    }

    /// The socket, for a load client that goes on by itself after the login. Nothing read is held
    /// back here.
    public SocketChannel channel() {
        return channel;
    }

    /// ExpStatSN as the next PDU will carry it.
    public int expStatSn() {
        return expStatSn;
    }

    // ---- bytes and PDUs

    /// Puts bytes on the wire as they are.
    public void sendBytes(byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    /// Completes what the request leaves open and sends it.
    ///
    /// @return its initiator task tag
    public int send(Request request) throws IOException {
        sendBytes(complete(request));
        return request.initiatorTaskTag();
    }

    /// Completes a request as [#send] does, but returns its bytes instead of sending them.
    public byte[] complete(Request request) {
        if (request.needsTag()) {
            request.tag(session.takeTag());
        }
        if (request.needsCmdSn()) {
            request.cmdSn(session.nextCmdSn());
            if (!request.isImmediate()) {
                session.nextCmdSn(session.nextCmdSn() + 1);
            }
        }
        if (request.needsExpStatSn()) {
            request.expStatSn(expStatSn);
        }
        return request.encode(headerDigest, dataDigest);
    }

    /// The next PDU, whatever it is.
    ///
    /// @throws EOFException when the target has closed the connection
    /// @throws java.net.SocketTimeoutException when nothing came in time
    public Pdu receive() throws IOException {
        return receive(patience);
    }

    /// The next PDU, waiting at most this long for each part of it.
    public Pdu receive(Duration limit) throws IOException {
        channel.socket().setSoTimeout((int) Math.max(1, limit.toMillis()));
        byte[] header = readFully(Pdu.HEADER_BYTES);
        byte[] additional = readFully((header[4] & 0xff) * 4);
        if (headerDigest) {
            checkDigest("header", header, additional);
        }
        int length = ByteBuffer.wrap(header).getInt(4) & 0xffffff;
        if (length > MAX_DATA_BYTES) {
            throw new ProtocolException("data segment of " + length + " bytes");
        }
        byte[] padded = readFully((length + 3) / 4 * 4);
        if (dataDigest && length > 0) {
            checkDigest("data", padded);
        }
        Pdu pdu = new Pdu(header, additional, Arrays.copyOf(padded, length));
        acknowledge(pdu);
        if (pdu.opcode() == Pdu.REJECT) {
            useAgain(pdu.data());
        }
        return pdu;
    }

    /// A command that was rejected has not come: the next one plugs the gap with its CmdSN (RFC
    /// 7143 7.3 Usage of Reject PDU in Recovery).
    private void useAgain(byte[] rejected) {
        int opcode = rejected[0] & 0x7f; // With the I bit.
        int cmdSn = ByteBuffer.wrap(rejected).getInt(24);
        boolean numbered = opcode < 0x40 && opcode != Pdu.DATA_OUT && opcode != Pdu.SNACK_REQUEST;
        if (numbered && cmdSn == session.nextCmdSn() - 1) {
            session.nextCmdSn(cmdSn);
        }
    }

    /// The next PDU, a NOP-In for no other purpose than to show the window (RFC 7143 11.4.11
    /// MaxCmdSN).
    public void receiveWindow() throws IOException {
        Pdu pdu = receive();
        if (pdu.opcode() != Pdu.NOP_IN
                || pdu.initiatorTaskTag() != Pdu.NO_TAG
                || pdu.targetTransferTag() != Pdu.NO_TAG) {
            throw new ProtocolException("instead of the window came " + pdu);
        }
    }

    /// Sends a request and returns the next PDU.
    public Pdu exchange(Request request) throws IOException {
        send(request);
        return receive();
    }

    /// Whether the target ends this connection, by FIN or RST, before anything else arrives in
    /// `limit`; PDUs that come first are dropped.
    public boolean isClosedWithin(Duration limit) throws IOException {
        long deadline = System.nanoTime() + limit.toNanos();
        try {
            while (true) {
                long left = deadline - System.nanoTime();
                receive(Duration.ofNanos(Math.max(left, 1_000_000)));
                if (left < 0) {
                    return false;
                }
            }
        } catch (EOFException | SocketException _) {
            return true;
        } catch (java.net.SocketTimeoutException _) {
            return false;
        }
    }

    private byte[] readFully(int length) throws IOException {
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("the target closed the connection");
        }
        return bytes;
    }

    private void checkDigest(String what, byte[]... parts) throws IOException {
        CRC32C crc = new CRC32C();
        for (byte[] part : parts) {
            crc.update(part);
        }
        int sent = Integer.reverseBytes(ByteBuffer.wrap(readFully(4)).getInt());
        if (sent != (int) crc.getValue()) {
            throw new ProtocolException("wrong " + what + " digest from the target");
        }
    }

    /// RFC 7143 4.2.2.2 Response/Status Numbering and Acknowledging: which PDUs carry a StatSN.
    private void acknowledge(Pdu pdu) {
        boolean numbered =
                switch (pdu.opcode()) {
                    case Pdu.DATA_IN -> pdu.carriesStatus();
                    case Pdu.NOP_IN -> pdu.initiatorTaskTag() != Pdu.NO_TAG;
                    case Pdu.READY_TO_TRANSFER -> false;
                    default -> true;
                };
        if (numbered) {
            expStatSn = pdu.statSn() + 1;
        }
    }

    // ---- a well-behaved initiator

    /// Logs in to a target without authentication, straight to the full feature phase. `keys` are
    /// offered after the names and may repeat a default below to replace it.
    ///
    /// @return the last login response; look at [Pdu#statusClass]
    public Pdu login(String targetName, String... keys) throws IOException {
        Map<String, String> offer = defaultKeys();
        offer.put("TargetName", targetName);
        return login(offer, keys);
    }

    /// Logs in for discovery (RFC 7143 4.3 iSCSI Session Types).
    public Pdu loginForDiscovery(String... keys) throws IOException {
        Map<String, String> offer = defaultKeys();
        offer.put("SessionType", "Discovery");
        return login(offer, keys);
    }

    private Map<String, String> defaultKeys() {
        Map<String, String> offer = new LinkedHashMap<>();
        offer.put("InitiatorName", session.initiatorName());
        offer.put("SessionType", "Normal");
        offer.put("AuthMethod", "None");
        offer.put("HeaderDigest", "None");
        offer.put("DataDigest", "None");
        offer.put("InitialR2T", "No");
        offer.put("ImmediateData", "Yes");
        offer.put("MaxRecvDataSegmentLength", "262144");
        offer.put("MaxBurstLength", "1048576");
        offer.put("FirstBurstLength", "262144");
        offer.put("MaxOutstandingR2T", "8");
        offer.put("DefaultTime2Retain", "0");
        return offer;
    }

    /// Security stage with the names and AuthMethod, then the operational stage with the rest,
    /// until the target transits or refuses.
    private Pdu login(Map<String, String> offer, String... keys) throws IOException {
        for (String pair : keys) {
            int equals = pair.indexOf('=');
            offer.put(pair.substring(0, equals), pair.substring(equals + 1));
        }
        List<String> security = new ArrayList<>();
        List<String> operational = new ArrayList<>();
        offer.forEach((key, value) ->
                (isSecurityKey(key) ? security : operational).add(key + "=" + value));
        boolean leading = session.tsih() == 0;
        if (!leading) {
            operational.removeIf(pair -> !isConnectionKey(pair.substring(0, pair.indexOf('='))));
        }
        Map<String, String> settled = new LinkedHashMap<>(offer);
        settled.putAll(session.negotiated());
        settled.remove("MaxRecvDataSegmentLength");
        Pdu response = stage(0, 1, security, settled);
        if (response.statusClass() != 0) {
            return response;
        }
        response = stage(1, 3, operational, settled);
        if (response.statusClass() == 0) {
            session.tsih(response.tsih());
            headerDigest = "CRC32C".equals(settled.get("HeaderDigest"));
            dataDigest = "CRC32C".equals(settled.get("DataDigest"));
            negotiated = Map.copyOf(settled);
            if (leading) {
                Map<String, String> ofSession = new LinkedHashMap<>(settled);
                ofSession.keySet().removeIf(RawInitiator::isConnectionKey);
                session.negotiated(ofSession);
            }
        }
        return response;
    }

    /// What each connection of a session negotiates for itself.
    private static boolean isConnectionKey(String key) {
        return switch (key) {
            case "HeaderDigest", "DataDigest", "MaxRecvDataSegmentLength" -> true;
            default -> false;
        };
    }

    private static boolean isSecurityKey(String key) {
        return switch (key) {
            case "InitiatorName", "TargetName", "SessionType", "AuthMethod" -> true;
            default -> false;
        };
    }

    private Pdu stage(int csg, int nsg, List<String> keys, Map<String, String> settled)
            throws IOException {
        String[] pairs = keys.toArray(String[]::new);
        while (true) {
            Pdu response = exchange(loginRequest(csg, nsg, true).keys(pairs));
            if (response.opcode() != Pdu.LOGIN_RESPONSE) {
                throw new ProtocolException("no login response but " + response);
            }
            settled.putAll(response.keys());
            if (response.statusClass() != 0 || response.isFinal()) {
                return response;
            }
            pairs = new String[0];
        }
    }

    /// A login request of this session and connection, for tests that negotiate by hand.
    public Request loginRequest(int csg, int nsg, boolean transit) {
        return Request.login(csg, nsg, transit)
                .u16(8, (int) (session.isid() >>> 32))
                .u32(10, (int) session.isid())
                .u16(14, session.tsih())
                .u16(20, connectionId);
    }

    /// Runs a command that returns at most `expectedBytes`.
    public ScsiResult read(int lun, byte[] cdb, int expectedBytes) throws IOException {
        Request request = Request.scsiCommand(lun, cdb);
        return execute(expectedBytes == 0 ? request : request.reads(expectedBytes), new byte[0]);
    }

    /// Runs a command that takes `data`.
    public ScsiResult write(int lun, byte[] cdb, byte[] data) throws IOException {
        return execute(Request.scsiCommand(lun, cdb).writes(data.length), data);
    }

    /// Hears out what a LUN has to tell a new nexus (SAM-5 5.14 Unit attention condition), so that
    /// the next command meets none.
    ///
    /// @return the sense codes of the unit attentions, oldest first
    public List<Integer> clearUnitAttentions(int lun) throws IOException {
        List<Integer> heard = new ArrayList<>();
        while (heard.size() < MAX_UNIT_ATTENTIONS) {
            int sense = read(lun, Cdb.testUnitReady(), 0).senseCode();
            if (sense >>> 16 != 0x06) {
                return heard;
            }
            heard.add(sense);
        }
        throw new ProtocolException("unit attentions without end: " + heard);
    }

    /// Runs one command with nothing else outstanding: sends data as negotiated, answers R2Ts and
    /// NOP-Ins, and collects Data-In. Asynchronous messages wait in [#takeUnsolicited].
    public ScsiResult execute(Request command, byte[] dataOut) throws IOException {
        int tag = sendCommand(command, dataOut);
        byte[] dataIn = new byte[0];
        while (true) {
            Pdu pdu = receive();
            if (absorb(pdu)) {
                continue;
            }
            if (pdu.initiatorTaskTag() != tag) {
                throw new ProtocolException("not an answer to task " + tag + ": " + pdu);
            }
            if (pdu.hasLun() && pdu.lunField() != command.lunField()) {
                throw new ProtocolException("another LUN than the command's: " + pdu);
            }
            switch (pdu.opcode()) {
                case Pdu.READY_TO_TRANSFER -> answer(pdu, dataOut);
                case Pdu.DATA_IN -> dataIn = place(pdu, dataIn);
                case Pdu.SCSI_RESPONSE -> {}
                default -> throw new ProtocolException("unexpected " + pdu);
            }
            if (pdu.opcode() == Pdu.SCSI_RESPONSE
                    || (pdu.opcode() == Pdu.DATA_IN && pdu.carriesStatus())) {
                return new ScsiResult(pdu, dataIn);
            }
        }
    }

    /// Sends a command with as much unsolicited data as was negotiated, and leaves the rest to
    /// R2Ts, which [#answer] serves.
    ///
    /// @return its initiator task tag
    public int sendCommand(Request command, byte[] dataOut) throws IOException {
        int unsolicited = Math.min(dataOut.length, number("FirstBurstLength", 65536));
        int immediate = 0;
        if (!"No".equals(negotiated.get("ImmediateData"))) {
            immediate = Math.min(unsolicited, targetDataSegmentBytes());
            command.data(dataOut, 0, immediate);
        }
        boolean more = "No".equals(negotiated.get("InitialR2T")) && immediate < unsolicited;
        if (more) {
            command.clearFinal();
        }
        int tag = send(command);
        if (more) {
            sendData(0, tag, Pdu.NO_TAG, dataOut, immediate, unsolicited);
        }
        return tag;
    }

    /// Sends the data that an R2T asks for.
    public void answer(Pdu r2t, byte[] dataOut) throws IOException {
        int from = r2t.bufferOffset();
        int to = from + r2t.desiredLength();
        if (from < 0 || to < from || to > dataOut.length) {
            throw new ProtocolException("R2T outside of the command's data: " + r2t);
        }
        int lun = r2t.u32(8);
        sendData(lun, r2t.initiatorTaskTag(), r2t.targetTransferTag(), dataOut, from, to);
    }

    /// @param lun the first half of the LUN field; the other is 0
    private void sendData(int lun, int tag, int transferTag, byte[] data, int from, int to)
            throws IOException {
        int dataSn = 0;
        int offset = from;
        while (offset < to) {
            int length = Math.min(to - offset, targetDataSegmentBytes());
            Request pdu =
                    Request.dataOut(tag, transferTag, dataSn++, offset)
                            .u32(8, lun)
                            .data(data, offset, length);
            offset += length;
            send(offset == to ? pdu.flags(0x80) : pdu);
        }
    }

    /// RFC 7143 13.12 MaxRecvDataSegmentLength: each side declares what it takes.
    private int targetDataSegmentBytes() {
        return number("MaxRecvDataSegmentLength", DEFAULT_DATA_SEGMENT_BYTES);
    }

    /// The value of a numerical key as settled, or `otherwise` before any login.
    public int number(String key, int otherwise) {
        String value = negotiated.get(key);
        // A key that another one makes meaningless is answered so, and keeps its default.
        return value == null || value.equals("Irrelevant") ? otherwise : Integer.decode(value);
    }

    private static byte[] place(Pdu dataIn, byte[] sofar) throws ProtocolException {
        int from = dataIn.bufferOffset();
        int end = from + dataIn.dataSegmentLength();
        if (from < 0 || end < from || end > MAX_DATA_BYTES) {
            throw new ProtocolException("Data-In out of bounds: " + dataIn);
        }
        byte[] all = end <= sofar.length ? sofar : Arrays.copyOf(sofar, end);
        dataIn.copyDataTo(all, from);
        return all;
    }

    /// Takes what a target may send at any time: answers its NOP-In, keeps the rest.
    ///
    /// @return whether the PDU was of that kind
    public boolean absorb(Pdu pdu) throws IOException {
        if (pdu.opcode() == Pdu.NOP_IN && pdu.initiatorTaskTag() == Pdu.NO_TAG) {
            if (pdu.targetTransferTag() != Pdu.NO_TAG) {
                send(Request.answerTo(pdu));
            }
            return true;
        }
        if (pdu.opcode() == Pdu.ASYNCHRONOUS_MESSAGE) {
            unsolicited.add(pdu);
            return true;
        }
        return false;
    }

    /// The asynchronous messages that came meanwhile, oldest first; taken once.
    public List<Pdu> takeUnsolicited() {
        List<Pdu> taken = List.copyOf(unsolicited);
        unsolicited.clear();
        return taken;
    }

    /// Logs out of the session and closes the connection.
    public Pdu logout() throws IOException {
        Pdu response = exchange(Request.logout(0));
        while (absorb(response)) {
            response = receive();
        }
        close();
        return response;
    }

    /// Closes the connection without a logout.
    @Override
    public void close() throws IOException {
        channel.close();
    }

    /// Closes the connection with RST, as a crashed host would.
    public void abort() throws IOException {
        channel.setOption(StandardSocketOptions.SO_LINGER, 0);
        channel.close();
    }
}
