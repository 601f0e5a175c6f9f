package io.lunkeeper.tests.bench;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import java.io.EOFException;
import java.io.IOException;
import java.math.BigInteger;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;

/// One session of one connection that keeps commands in flight. Data read is dropped unseen; what
/// is written is the same for each place but for its number. One thread.
final class LoadSession {
    /// More than any command window.
    private static final int RING = 4096;

    private static final int WRITE_10 = 0x2a;
    private static final int READ_10 = 0x28;
    private static final int SYNCHRONIZE_CACHE_10 = 0x35;
    private static final int TEST_UNIT_READY = 0x00;

    /// From READ (10) and WRITE (10) to those of 16 bytes.
    private static final int TO_16 = 0x60;

    private static final long MOST_OF_10 = 1L << 32;
    private static final int R2T = 0x31;

    private final SocketChannel channel;
    private final int lun;
    private final Workload workload;
    private final int blockBytes;
    private final Places places;
    private final long step;
    private final int segmentBytes;
    private final int immediateBytes;
    private final boolean headerDigest;
    private final boolean dataDigest;
    private final ByteBuffer in;
    private final ByteBuffer out;
    private final ByteBuffer payload;
    private final CRC32C crc = new CRC32C();
    private final SplittableRandom random;
    private final BitSet written = new BitSet();

    private int cmdSn;
    private int maxCmdSn;
    private int expStatSn;
    private int toSkip;
    private final byte[] begun = new byte[Pdu.HEADER_BYTES];
    private int begunBytes;
    private int inFlight;
    private long issued;
    private long completed;

    /// TEST UNIT READY in place of the workload.
    private boolean idling;

    private final int[] placeOf = new int[RING];
    private final long[] startedAt = new long[RING];
    private long[] times = new long[1 << 16];
    private int timed;

    /// The buffers of one thread; empty between two calls of a session, so that all its sessions
    /// share them.
    record Buffers(ByteBuffer in, ByteBuffer out) {
        private static final int BYTES = 4 << 20;

        Buffers() {
            this(ByteBuffer.allocateDirect(BYTES), ByteBuffer.allocateDirect(BYTES));
        }
    }

    /// Goes on where a login ended.
    ///
    /// @param lun the first
    /// @param seed of the places
    LoadSession(RawInitiator initiator, int lun, LoadSpec spec, Buffers buffers, long seed)
            throws IOException {
        this.channel = initiator.channel();
        this.lun = lun;
        this.workload = spec.workload();
        this.random = new SplittableRandom(seed);
        this.payload = payload(workload);
        this.in = buffers.in;
        this.out = buffers.out;
        for (int each = lun; each < lun + spec.luns(); each++) {
            initiator.clearUnitAttentions(each);
        }
        ScsiResult capacity = capacity(initiator);
        ByteBuffer answer = ByteBuffer.wrap(capacity.data());
        long blocks = 1 + (answer.limit() > 8 ? answer.getLong() : answer.getInt() & 0xffff_ffffL);
        blockBytes = answer.getInt();
        places =
                Places.of(
                        lun,
                        spec.luns(),
                        spec.places(),
                        blocks,
                        workload.commandBytes() / blockBytes);
        step = stepOver(places.total());
        Map<String, String> keys = initiator.negotiated();
        segmentBytes = Integer.parseInt(keys.getOrDefault("MaxRecvDataSegmentLength", "8192"));
        int burst = Integer.parseInt(keys.getOrDefault("FirstBurstLength", "65536"));
        boolean immediate = "Yes".equals(keys.get("ImmediateData"));
        immediateBytes = immediate ? Math.min(segmentBytes, burst) : 0;
        headerDigest = "CRC32C".equals(keys.get("HeaderDigest"));
        dataDigest = "CRC32C".equals(keys.get("DataDigest"));
        cmdSn = initiator.session().nextCmdSn();
        maxCmdSn = capacity.last().maxCmdSn();
        expStatSn = initiator.expStatSn();
    }

    /// READ CAPACITY (10), or (16) for a LUN that is too large for it.
    private ScsiResult capacity(RawInitiator initiator) throws IOException {
        ScsiResult small = initiator.read(lun, Cdb.readCapacity10(), 8);
        boolean large =
                small.status() == ScsiResult.GOOD && ByteBuffer.wrap(small.data()).getInt() == -1;
        ScsiResult capacity = large ? initiator.read(lun, Cdb.readCapacity16(32), 32) : small;
        if (capacity.status() != ScsiResult.GOOD) {
            throw new ProtocolException("READ CAPACITY: " + capacity);
        }
        return capacity;
    }

    /// What is written to a place begins with its number and goes on like this.
    static ByteBuffer payload(Workload workload) {
        ByteBuffer payload = ByteBuffer.allocateDirect(workload.commandBytes());
        SplittableRandom bytes = new SplittableRandom(1);
        while (payload.hasRemaining()) {
            payload.putLong(bytes.nextLong());
        }
        return payload.clear();
    }

    /// A walk whose step has no divisor in common with the places comes to each once.
    private static long stepOver(int places) {
        long step = (long) (places * 0.6180339887) | 1;
        while (BigInteger.valueOf(step).gcd(BigInteger.valueOf(places)).intValue() != 1) {
            step += 2;
        }
        return step;
    }

    /// Sends TEST UNIT READY instead of the workload, or no longer; forgets what was counted.
    void idling(boolean instead) {
        idling = instead;
        issued = 0;
        completed = 0;
        timed = 0;
    }

    SocketChannel channel() {
        return channel;
    }

    int inFlight() {
        return inFlight;
    }

    long issued() {
        return issued;
    }

    long completed() {
        return completed;
    }

    Places places() {
        return places;
    }

    /// The places written to.
    BitSet written() {
        return written;
    }

    /// How long each command took, in nanoseconds.
    long[] times() {
        return Arrays.copyOf(times, timed);
    }

    /// Whether the target takes another command.
    boolean mayIssue() {
        return maxCmdSn - cmdSn >= 0 && out.remaining() > immediateBytes + 2 * Pdu.HEADER_BYTES;
    }

    // ---- towards the target

    /// Puts the next command behind what waits to be sent.
    void issue() {
        if (idling) {
            command(TEST_UNIT_READY, 0, 0);
        } else if (workload == Workload.PING) {
            ping();
        } else if (workload.flushes(issued)) {
            command(SYNCHRONIZE_CACHE_10, 0, 0);
        } else {
            int place = place();
            boolean reads =
                    workload.readPercent() == 100
                            || (workload.readPercent() > 0
                                    && random.nextInt(100) < workload.readPercent());
            if (reads) {
                command(READ_10, 0, place);
            } else {
                written.set(place);
                command(WRITE_10, workload.forceUnitAccess() ? 0x08 : 0, place);
            }
        }
        issued++;
    }

    private int place() {
        return switch (workload.order()) {
            case RANDOM -> random.nextInt(places.total());
            case SEQUENTIAL -> (int) (issued % places.total());
            case SCATTERED -> (int) (issued * step % places.total());
        };
    }

    /// RFC 7143 11.18 NOP-Out, numbered like a command.
    private void ping() {
        startedAt[cmdSn & (RING - 1)] = System.nanoTime();
        int start = out.position();
        out.put((byte) Pdu.NOP_OUT)
                .put((byte) 0x80)
                .putShort((short) 0)
                .putInt(0)
                .putLong(0)
                .putInt(cmdSn)
                .putInt(Pdu.NO_TAG)
                .putInt(cmdSn)
                .putInt(expStatSn)
                .putLong(0)
                .putLong(0);
        finish(start, 0, 0, 0);
        cmdSn++;
        inFlight++;
    }

    private void command(int opcode, int flags, int place) {
        boolean second = workload == Workload.COMMIT && opcode == SYNCHRONIZE_CACHE_10;
        int slot = cmdSn & (RING - 1);
        startedAt[slot] = second ? startedAt[(cmdSn - 1) & (RING - 1)] : System.nanoTime();
        placeOf[slot] = place;
        boolean write = opcode == WRITE_10;
        boolean moves = write || opcode == READ_10;
        int bytes = moves ? workload.commandBytes() : 0;
        int immediate = write ? Math.min(bytes, immediateBytes) : 0;
        int start = out.position();
        out.put((byte) Pdu.SCSI_COMMAND)
                .put((byte) (write ? 0xa1 : moves ? 0xc1 : 0x81))
                .putShort((short) 0)
                .putInt(immediate)
                .putLong(Places.lunField(moves ? places.lun(place) : lun))
                .putInt(cmdSn)
                .putInt(bytes)
                .putInt(cmdSn)
                .putInt(expStatSn);
        descriptor(opcode, flags, moves ? places.lba(place) : 0, bytes / blockBytes);
        finish(start, place, 0, immediate);
        cmdSn++;
        inFlight++;
    }

    /// Puts a CDB, of 10 bytes where these suffice.
    private void descriptor(int opcode, int flags, long lba, int blocks) {
        if (lba + blocks <= MOST_OF_10) {
            out.put((byte) opcode).put((byte) flags).putInt((int) lba);
            out.put((byte) 0).putShort((short) blocks).put((byte) 0);
            out.putInt(0).putShort((short) 0);
        } else {
            out.put((byte) (opcode + TO_16)).put((byte) flags).putLong(lba);
            out.putInt(blocks).putShort((short) 0);
        }
    }

    /// Completes the PDU whose header begins at `start` with digests and data.
    private void finish(int start, int place, int offset, int length) {
        if (headerDigest) {
            digest(start, Pdu.HEADER_BYTES);
        }
        if (length > 0) {
            int at = out.position();
            payload.putLong(0, place);
            out.put(payload.slice(offset, length));
            if (dataDigest) {
                digest(at, length);
            }
        }
    }

    private void digest(int start, int length) {
        crc.reset();
        crc.update(out.slice(start, length));
        out.putInt(Integer.reverseBytes((int) crc.getValue()));
    }

    /// Sends the data that an R2T asks for.
    private void sendRequested(int at) throws IOException {
        int tag = in.getInt(at + 16);
        int transferTag = in.getInt(at + 20);
        int place = placeOf[tag & (RING - 1)];
        int offset = in.getInt(at + 40);
        int end = offset + in.getInt(at + 44);
        for (int dataSn = 0; offset < end; dataSn++) {
            int length = Math.min(segmentBytes, end - offset);
            if (out.remaining() < length + 2 * Pdu.HEADER_BYTES) {
                flush();
            }
            int start = out.position();
            out.put((byte) Pdu.DATA_OUT)
                    .put((byte) (offset + length == end ? 0x80 : 0))
                    .putShort((short) 0)
                    .putInt(length)
                    .putLong(Places.lunField(places.lun(place)))
                    .putInt(tag)
                    .putInt(transferTag)
                    .putInt(0)
                    .putInt(expStatSn)
                    .putInt(0)
                    .putInt(dataSn)
                    .putInt(offset)
                    .putInt(0);
            finish(start, place, offset, length);
            offset += length;
        }
    }

    /// Sends what waits.
    void flush() throws IOException {
        out.flip();
        while (out.hasRemaining()) {
            channel.write(out);
        }
        out.clear();
    }

    // ---- from the target

    /// Takes what has come; waits for it where the channel does.
    void receive() throws IOException {
        in.clear().put(begun, 0, begunBytes);
        if (channel.read(in) < 0) {
            throw new EOFException("the target closed the connection");
        }
        in.flip();
        take();
        begunBytes = in.remaining();
        in.get(begun, 0, begunBytes);
    }

    /// Works through the PDUs in `in` and leaves the beginning of one that is not whole.
    private void take() throws IOException {
        while (true) {
            int skipped = Math.min(toSkip, in.remaining());
            in.position(in.position() + skipped);
            toSkip -= skipped;
            if (toSkip > 0 || in.remaining() < Pdu.HEADER_BYTES) {
                return;
            }
            int at = in.position();
            int data = ((in.getInt(at + 4) & 0xffffff) + 3) / 4 * 4;
            toSkip = (in.get(at + 4) & 0xff) * 4 + data;
            toSkip += (headerDigest ? 4 : 0) + (dataDigest && data > 0 ? 4 : 0);
            maxCmdSn = in.getInt(at + 32);
            int opcode = in.get(at) & 0x3f;
            switch (opcode) {
                case Pdu.SCSI_RESPONSE, Pdu.NOP_IN -> ended(at);
                case Pdu.DATA_IN -> {
                    if ((in.get(at + 1) & 0x01) != 0) {
                        ended(at);
                    }
                }
                case R2T -> sendRequested(at);
                default -> throw new ProtocolException("unexpected opcode " + opcode);
            }
            in.position(at + Pdu.HEADER_BYTES);
        }
    }

    /// RFC 7143 11.4.7.2 Sense Data, as far as it has come.
    private String sense(int data) {
        byte[] sense = new byte[Math.clamp(in.limit() - data, 0, 20)];
        in.get(data, sense);
        return ", sense " + HexFormat.of().formatHex(sense);
    }

    /// Counts a command and remembers how long it took.
    private void ended(int at) throws ProtocolException {
        if (in.get(at + 2) != 0 || in.get(at + 3) != ScsiResult.GOOD) {
            throw new ProtocolException(
                    "a command failed, status " + in.get(at + 3) + sense(at + Pdu.HEADER_BYTES));
        }
        expStatSn = in.getInt(at + 24) + 1;
        completed++;
        inFlight--;
        if (workload == Workload.COMMIT && completed % 2 == 1) {
            // It counts when its SYNCHRONIZE CACHE has ended.
            return;
        }
        if (timed == times.length) {
            times = Arrays.copyOf(times, times.length * 2);
        }
        times[timed++] = System.nanoTime() - startedAt[in.getInt(at + 16) & (RING - 1)];
    }
}
