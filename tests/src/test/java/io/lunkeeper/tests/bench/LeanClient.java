package io.lunkeeper.tests.bench;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Locale;
import java.util.SplittableRandom;

/// Keeps a number of commands in flight on one connection, counts and times them. Data read is
/// dropped unseen. One thread: what one read of the socket brings is answered by one write.
public final class LeanClient {
    private static final int BUFFER_BYTES = 4 << 20;

    /// What commands do and where.
    private enum Workload {
        /// READ of 4 KiB at random places.
        READ(4096),
        /// WRITE of 4 KiB at random places.
        WRITE(4096),
        /// The same with FUA.
        FUA(4096),
        /// WRITE of 4 KiB, each place once in random order.
        TOUCH(4096),
        /// WRITE of 64 KiB one after the other, round and round.
        STREAM(65536),
        /// READ of 64 KiB one after the other, round and round.
        SCAN(65536),
        /// WRITE of 4 KiB at a random place, then SYNCHRONIZE CACHE; with depth 1.
        COMMIT(4096),
        /// SYNCHRONIZE CACHE only.
        SYNC(4096);

        final int commandBytes;

        Workload(int commandBytes) {
            this.commandBytes = commandBytes;
        }
    }

    private final SocketChannel channel;
    private final int lun;
    private final Workload workload;
    private final int blocksPerCommand;
    private final int places;
    private final ByteBuffer in = ByteBuffer.allocateDirect(BUFFER_BYTES);
    private final ByteBuffer out = ByteBuffer.allocateDirect(BUFFER_BYTES);
    private final ByteBuffer payload;
    private final SplittableRandom random = new SplittableRandom(1);

    private int cmdSn;
    private int maxCmdSn;
    private int expStatSn;
    private int toSkip;
    private int inFlight;
    private long completed;

    private LeanClient(RawInitiator initiator, int lun, Workload workload) throws IOException {
        this.channel = initiator.channel();
        this.lun = lun;
        this.workload = workload;
        this.payload = ByteBuffer.allocateDirect(workload.commandBytes);
        initiator.clearUnitAttentions(lun);
        ScsiResult capacity = initiator.read(lun, Cdb.readCapacity10(), 8);
        if (capacity.status() != ScsiResult.GOOD) {
            throw new ProtocolException("READ CAPACITY: " + capacity);
        }
        ByteBuffer answer = ByteBuffer.wrap(capacity.data());
        long blocks = (answer.getInt() & 0xffffffffL) + 1;
        blocksPerCommand = workload.commandBytes / answer.getInt();
        places = (int) (blocks / blocksPerCommand);
        cmdSn = initiator.session().nextCmdSn();
        maxCmdSn = capacity.last().maxCmdSn();
        expStatSn = initiator.expStatSn();
        while (payload.hasRemaining()) {
            payload.putLong(random.nextLong());
        }
    }

    /// `PORT IQN LUN read|write DEPTH SECONDS`: prints commands, seconds and commands per second.
    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 6) {
            System.err.println("usage: LeanClient PORT IQN LUN read|write DEPTH SECONDS");
            System.exit(2);
        }
        int port = Integer.parseInt(arguments[0]);
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        try (RawInitiator initiator = RawInitiator.connect(address)) {
            Pdu login = initiator.login(arguments[1]);
            if (login.statusClass() != 0) {
                throw new ProtocolException("login refused: " + login);
            }
            LeanClient client =
                    new LeanClient(
                            initiator,
                            Integer.parseInt(arguments[2]),
                            arguments[3].equals("write"));
            double seconds =
                    client.run(Integer.parseInt(arguments[4]), Integer.parseInt(arguments[5]));
            System.out.printf(
                    Locale.ROOT,
                    "%d %.3f %.0f%n",
                    client.completed,
                    seconds,
                    client.completed / seconds);
        }
    }

    private double run(int depth, int seconds) throws IOException {
        long start = System.nanoTime();
        long end = start + seconds * 1_000_000_000L;
        boolean open = true;
        while (open || inFlight > 0) {
            while (open && inFlight < depth && maxCmdSn - cmdSn >= 0) {
                issue();
            }
            out.flip();
            while (out.hasRemaining()) {
                channel.write(out);
            }
            out.clear();
            if (channel.read(in) < 0) {
                throw new EOFException("the target closed the connection");
            }
            in.flip();
            take();
            in.compact();
            open = System.nanoTime() < end;
        }
        return (System.nanoTime() - start) / 1e9;
    }

    /// Puts a READ (10) or WRITE (10), with its data as immediate data, behind what waits in `out`.
    private void issue() {
        int place = random.nextInt(places);
        int start = out.position();
        out.put((byte) Pdu.SCSI_COMMAND)
                .put((byte) (writes ? 0xa1 : 0xc1))
                .putShort((short) 0)
                .putInt(writes ? COMMAND_BYTES : 0)
                .putLong((long) lun << 48)
                .putInt(cmdSn)
                .putInt(COMMAND_BYTES)
                .putInt(cmdSn)
                .putInt(expStatSn)
                .put((byte) (writes ? 0x2a : 0x28))
                .put((byte) 0)
                .putInt(place * blocksPerCommand)
                .put((byte) 0)
                .putShort((short) blocksPerCommand)
                .put((byte) 0);
        out.position(start + Pdu.HEADER_BYTES);
        if (writes) {
            out.put(payload.rewind());
        }
        cmdSn++;
        inFlight++;
    }

    /// Works through the PDUs in `in` and leaves the beginning of one that is not whole.
    private void take() throws ProtocolException {
        while (true) {
            int skipped = Math.min(toSkip, in.remaining());
            in.position(in.position() + skipped);
            toSkip -= skipped;
            if (toSkip > 0 || in.remaining() < Pdu.HEADER_BYTES) {
                return;
            }
            int at = in.position();
            toSkip = (in.get(at + 4) & 0xff) * 4 + ((in.getInt(at + 4) & 0xffffff) + 3) / 4 * 4;
            int opcode = in.get(at) & 0x3f;
            boolean ends =
                    opcode == Pdu.SCSI_RESPONSE
                            || (opcode == Pdu.DATA_IN && (in.get(at + 1) & 0x01) != 0);
            if (ends) {
                if (in.get(at + 2) != 0 || in.get(at + 3) != ScsiResult.GOOD) {
                    throw new ProtocolException("a command failed, status " + in.get(at + 3));
                }
                expStatSn = in.getInt(at + 24) + 1;
                inFlight--;
                completed++;
            } else if (opcode != Pdu.DATA_IN) {
                throw new ProtocolException("unexpected opcode " + opcode);
            }
            maxCmdSn = in.getInt(at + 32);
            in.position(at + Pdu.HEADER_BYTES);
        }
    }
}
