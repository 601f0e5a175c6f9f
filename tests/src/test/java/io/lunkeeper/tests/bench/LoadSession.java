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
import java.util.Map;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;

/// One session of one connection that keeps commands in flight. Data read is dropped unseen; what
/// is written is the same for each place but for its number. One thread.
final class LoadSession {
    private static final int BUFFER_BYTES = 4 << 20;

    /// More than any command window.
    private static final int RING = 4096;

    private static final int WRITE_10 = 0x2a;
    private static final int READ_10 = 0x28;
    private static final int SYNCHRONIZE_CACHE_10 = 0x35;
    private static final int TEST_UNIT_READY = 0x00;
    private static final int R2T = 0x31;

    private final SocketChannel channel;
    private final int lun;
    private final Workload workload;
    private final int blockBytes;
    private final int places;
    private final long step;
    private final int segmentBytes;
    private final int immediateBytes;
    private final boolean headerDigest;
    private final boolean dataDigest;
    private final ByteBuffer in = ByteBuffer.allocateDirect(BUFFER_BYTES);
    private final ByteBuffer out = ByteBuffer.allocateDirect(BUFFER_BYTES);
    private final ByteBuffer payload;
    private final CRC32C crc = new CRC32C();
    private final SplittableRandom random;
    private final BitSet written = new BitSet();

    private int cmdSn;
    private int maxCmdSn;
    private int expStatSn;
    private int toSkip;
    private int inFlight;
    private long issued;
    private long completed;

    /// TEST UNIT READY in place of the workload.
    private boolean idling;

    private final int[] placeOf = new int[RING];
    private final long[] startedAt = new long[RING];
    private long[] times = new long[1 << 16];
    private int timed;

    /// Goes on where a login ended.
    ///
    /// @param seed of the places
    LoadSession(RawInitiator initiator, int lun, Workload workload, long seed) throws IOException {
        this.channel = initiator.channel();
        this.lun = lun;
        this.workload = workload;
        this.random = new SplittableRandom(seed);
        this.payload = payload(workload);
        initiator.clearUnitAttentions(lun);
        ScsiResult capacity = initiator.read(lun, Cdb.readCapacity10(), 8);
        if (capacity.status() != ScsiResult.GOOD) {
            throw new ProtocolException("READ CAPACITY: " + capacity);
        }
        ByteBuffer answer = ByteBuffer.wrap(capacity.data());
        long blocks = (answer.getInt() & 0xffffffffL) + 1;
        blockBytes = answer.getInt();
        places = (int) (blocks * blockBytes / workload.commandBytes());
        step = stepOver(places);
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

    int inFlight() {
        return inFlight;
    }

    long issued() {
        return issued;
    }

    long completed() {
        return completed;
    }

    int blockBytes() {
        return blockBytes;
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
            case RANDOM -> random.nextInt(places);
            case SEQUENTIAL -> (int) (issued % places);
            case SCATTERED -> (int) (issued * step % places);
        };
    }

    private void command(int opcode, int flags, int place) {
        boolean second = workload == Workload.COMMIT && opcode == SYNCHRONIZE_CACHE_10;
        int slot = cmdSn & (RING - 1);
        startedAt[slot] = second ? startedAt[(cmdSn - 1) & (RING - 1)] : System.nanoTime();
        placeOf[slot] = place;
        boolean write = opcode == WRITE_10;
        boolean moves = write || opcode == READ_10;
        int bytes = moves ? workload.commandBytes() : 0;
        int blocks = bytes / blockBytes;
        int immediate = write ? Math.min(bytes, immediateBytes) : 0;
        int start = out.position();
        out.put((byte) Pdu.SCSI_COMMAND)
                .put((byte) (write ? 0xa1 : moves ? 0xc1 : 0x81))
                .putShort((short) 0)
                .putInt(immediate)
                .putLong((long) lun << 48)
                .putInt(cmdSn)
                .putInt(bytes)
                .putInt(cmdSn)
                .putInt(expStatSn)
                .put((byte) opcode)
                .put((byte) flags)
                .putInt(place * blocks)
                .put((byte) 0)
                .putShort((short) blocks)
                .put((byte) 0);
        out.position(start + Pdu.HEADER_BYTES);
        finish(start, place, 0, immediate);
        cmdSn++;
        inFlight++;
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
                    .putLong((long) lun << 48)
                    .putInt(tag)
                    .putInt(transferTag)
                    .putInt(0)
                    .putInt(expStatSn)
                    .putInt(0)
                    .putInt(dataSn)
                    .putInt(offset)
                    .putInt(0);
            finish(start, placeOf[tag & (RING - 1)], offset, length);
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
        if (channel.read(in) < 0) {
            throw new EOFException("the target closed the connection");
        }
        in.flip();
        take();
        in.compact();
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
                case Pdu.SCSI_RESPONSE -> ended(at);
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

    /// Counts a command and remembers how long it took.
    private void ended(int at) throws ProtocolException {
        if (in.get(at + 2) != 0 || in.get(at + 3) != ScsiResult.GOOD) {
            throw new ProtocolException("a command failed, status " + in.get(at + 3));
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
