package io.lunkeeper.target.training;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.function.Supplier;
import java.util.zip.CRC32C;

/// One session of one connection, of a single thread that waits: RFC 7143, as much of it as the
/// load needs. Believes the target's digests, judges its answers.
final class Initiator implements Closeable {
    /// A target on this machine that is silent for longer has hung.
    private static final int PATIENCE_MILLIS = 30_000;

    private static final int HEADER_BYTES = 48;
    private static final int DIGEST_BYTES = 4;

    /// The target's limit of a data segment, and of data that comes with a command.
    private static final int MAX_SEGMENT_BYTES = 256 << 10;

    private static final int LOGIN_REQUEST = 0x43;
    private static final int SCSI_COMMAND = 0x01;
    private static final int DATA_OUT = 0x05;
    private static final int LOGOUT_REQUEST = 0x46;
    private static final int NOP_IN = 0x20;
    private static final int SCSI_RESPONSE = 0x21;
    private static final int LOGIN_RESPONSE = 0x23;
    private static final int DATA_IN = 0x25;
    private static final int LOGOUT_RESPONSE = 0x26;
    private static final int READY_TO_TRANSFER = 0x31;

    private static final int FINAL = 0x80;
    private static final int READS = 0x40;
    private static final int WRITES = 0x20;
    private static final int SIMPLE = 0x01;
    private static final int HAS_STATUS = 0x01;

    /// From operational negotiation to the full feature phase, in one step.
    private static final int TO_FULL_FEATURE = 0x87;

    private static final int GOOD = 0;

    private static final Command TEST_UNIT_READY = Command.of("00", 0);

    /// No command has ended.
    private static final int NONE = -1;

    private final Socket socket = new Socket();
    private final boolean digests;
    private final byte[] data = new byte[MAX_SEGMENT_BYTES];
    private final ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
    private final ByteBuffer answer = ByteBuffer.allocate(HEADER_BYTES);
    private final ByteBuffer incoming = ByteBuffer.allocate(MAX_SEGMENT_BYTES).limit(0);
    private final ByteBuffer outgoing = ByteBuffer.allocate(2 * MAX_SEGMENT_BYTES);
    private final CRC32C crc = new CRC32C();
    private boolean fullFeature;
    private boolean judges;
    private int commandNumber = 1;
    private int statusNumber;

    private Initiator(boolean digests) {
        this.digests = digests;
    }

    /// Logs in.
    ///
    /// @param digests CRC32C of headers and data, both ways
    static Initiator login(InetSocketAddress portal, String target, boolean digests)
            throws IOException {
        Initiator initiator = new Initiator(digests);
        try {
            initiator.socket.setTcpNoDelay(true);
            initiator.socket.setSoTimeout(PATIENCE_MILLIS);
            initiator.socket.connect(portal, PATIENCE_MILLIS);
            initiator.login(target);
            return initiator;
        } catch (IOException | RuntimeException refused) {
            initiator.close();
            throw refused;
        }
    }

    private void login(String target) throws IOException {
        String digest = digests ? "CRC32C" : "None";
        byte[] keys =
                String.join(
                                "\0",
                                "InitiatorName=iqn.2026-11.io.lunkeeper:trainer",
                                "TargetName=" + target,
                                "SessionType=Normal",
                                "HeaderDigest=" + digest,
                                "DataDigest=" + digest,
                                "InitialR2T=No",
                                "ImmediateData=Yes",
                                "MaxRecvDataSegmentLength=" + MAX_SEGMENT_BYTES,
                                "FirstBurstLength=" + MAX_SEGMENT_BYTES,
                                "MaxBurstLength=1048576",
                                "")
                        .getBytes(StandardCharsets.US_ASCII);
        begin(LOGIN_REQUEST, TO_FULL_FEATURE, 0);
        header.put(8, (byte) 0x80); // an ISID of no organization
        enqueue(keys, keys.length);
        await(LOGIN_RESPONSE);
        if (answer.getShort(36) != 0 || answer.get(1) != (byte) TO_FULL_FEATURE) {
            throw new IOException("the login was answered with " + hex(answer.array()));
        }
        fullFeature = true;
        run(TEST_UNIT_READY); // answered with UNIT ATTENTION, as the first command of a session is
        judges = true;
        run(TEST_UNIT_READY);
    }

    /// Runs one command to its end.
    ///
    /// @throws IOException when it is not answered with GOOD
    void run(Command command) throws IOException {
        run(1, System.nanoTime(), () -> command);
    }

    /// Keeps commands in flight until a time, and waits for the last of them.
    ///
    /// @return how many there were
    /// @throws IOException when one is not answered with GOOD
    long run(int depth, long untilNanos, Supplier<Command> commands) throws IOException {
        Command[] inFlight = new Command[depth];
        for (int tag = 0; tag < depth; tag++) {
            inFlight[tag] = commands.get();
            send(tag, inFlight[tag]);
        }
        long ended = 0;
        int left = depth;
        while (left > 0) {
            int tag = receive(inFlight);
            if (tag == NONE) {
                continue;
            }
            ended++;
            if (System.nanoTime() < untilNanos) {
                inFlight[tag] = commands.get();
                send(tag, inFlight[tag]);
            } else {
                left--;
            }
        }
        return ended;
    }

    private void send(int tag, Command command) throws IOException {
        int direction = command.writes() ? WRITES : command.bytes() > 0 ? READS : 0;
        begin(SCSI_COMMAND, FINAL | direction | SIMPLE, tag);
        header.putInt(20, command.bytes());
        command.putInto(header, 32);
        commandNumber++;
        enqueue(data, command.writes() ? Math.min(command.bytes(), data.length) : 0);
    }

    /// Takes one PDU, and sends what it asks for.
    ///
    /// @return the tag of the command that it ends, or [#NONE]
    private int receive(Command[] inFlight) throws IOException {
        int opcode = next();
        int tag = answer.getInt(16);
        if (opcode == READY_TO_TRANSFER) {
            sendData(tag, answer.getInt(20), answer.getInt(40), answer.getInt(44));
            return NONE;
        }
        boolean ends =
                opcode == SCSI_RESPONSE || (opcode == DATA_IN && (answer.get(1) & HAS_STATUS) != 0);
        if (!ends) {
            expect(opcode == DATA_IN || opcode == NOP_IN);
            return NONE;
        }
        boolean good = answer.get(3) == GOOD && (opcode == DATA_IN || answer.get(2) == 0);
        if (judges && !good) {
            throw new IOException(
                    "command " + inFlight[tag] + " was answered with " + hex(answer.array()));
        }
        return tag;
    }

    private void sendData(int tag, int transferTag, int offset, int length) throws IOException {
        int end = offset + length;
        int number = 0;
        for (int at = offset; at < end; at += data.length) {
            int bytes = Math.min(end - at, data.length);
            begin(DATA_OUT, at + bytes == end ? FINAL : 0, tag);
            header.putInt(20, transferTag).putInt(24, 0).putInt(36, number++).putInt(40, at);
            enqueue(data, bytes);
        }
    }

    /// Ends the session as the target expects it.
    void logout() throws IOException {
        begin(LOGOUT_REQUEST, FINAL, 0);
        enqueue(data, 0);
        await(LOGOUT_RESPONSE);
        expect(answer.get(2) == 0);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    private void begin(int opcode, int flags, int tag) {
        Arrays.fill(header.array(), (byte) 0);
        header.put(0, (byte) opcode).put(1, (byte) flags).putInt(16, tag);
        header.putInt(24, commandNumber).putInt(28, statusNumber);
    }

    private void enqueue(byte[] segment, int length) throws IOException {
        header.putInt(4, length);
        if (outgoing.remaining() < HEADER_BYTES + length + 3 * DIGEST_BYTES) {
            flush();
        }
        outgoing.put(header.array());
        digest(header.array(), HEADER_BYTES);
        outgoing.put(segment, 0, length).put(new byte[-length & 3]);
        if (length > 0) {
            digest(segment, length);
        }
    }

    /// Only what needs no padding is digested: login requests are not.
    private void digest(byte[] bytes, int length) {
        if (digests && fullFeature) {
            crc.reset();
            crc.update(bytes, 0, length);
            outgoing.putInt(Integer.reverseBytes((int) crc.getValue()));
        }
    }

    private void await(int opcode) throws IOException {
        int received = next();
        while (received == NOP_IN) {
            received = next();
        }
        expect(received == opcode);
    }

    private void expect(boolean expected) throws IOException {
        if (!expected) {
            throw new IOException("unexpected answer " + hex(answer.array()));
        }
    }

    /// Takes one PDU but for its data.
    ///
    /// @return its opcode
    private int next() throws IOException {
        int digest = digests && fullFeature ? DIGEST_BYTES : 0;
        while (incoming.remaining() < HEADER_BYTES + digest) {
            fill();
        }
        incoming.get(answer.array()).position(incoming.position() + digest);
        int length = answer.getInt(4);
        skip(length == 0 ? 0 : length + (-length & 3) + digest);
        int opcode = answer.get(0) & 0x3f;
        if (opcode != READY_TO_TRANSFER
                && (opcode != DATA_IN || (answer.get(1) & HAS_STATUS) != 0)) {
            statusNumber = answer.getInt(24) + 1;
        }
        return opcode;
    }

    private void skip(int bytes) throws IOException {
        int left = bytes;
        while (left > incoming.remaining()) {
            left -= incoming.remaining();
            incoming.position(incoming.limit());
            fill();
        }
        incoming.position(incoming.position() + left);
    }

    /// Waits for more, and says first what there is to say.
    private void fill() throws IOException {
        flush();
        incoming.compact();
        int got =
                socket.getInputStream()
                        .read(incoming.array(), incoming.position(), incoming.remaining());
        if (got < 0) {
            throw new EOFException("the target has closed the connection");
        }
        incoming.position(incoming.position() + got).flip();
    }

    private void flush() throws IOException {
        socket.getOutputStream().write(outgoing.array(), 0, outgoing.position());
        outgoing.clear();
    }

    private static String hex(byte[] bytes) {
        return HexFormat.ofDelimiter(" ").formatHex(bytes);
    }
}
