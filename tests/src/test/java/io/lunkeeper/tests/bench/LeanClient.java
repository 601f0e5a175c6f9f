package io.lunkeeper.tests.bench;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.InitiatorSession;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import java.io.EOFException;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/// Keeps a number of commands in flight on one connection, counts and times them. Data read is
/// dropped unseen. One thread: what one read of the socket brings is answered by one write.
public final class LeanClient {
    private static final int BUFFER_BYTES = 4 << 20;

    /// More than any command window.
    private static final int RING = 4096;

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
        /// WRITE of 4 KiB at a random place and SYNCHRONIZE CACHE by turns; with depth 1.
        COMMIT(4096),
        /// SYNCHRONIZE CACHE only.
        SYNC(4096);

        /// TEST UNIT READY, before what is measured: until this class is compiled it is the client
        /// that is measured.
        static final int WARM_UP_COMMANDS = 200_000;

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

    private long commands = Long.MAX_VALUE;
    private long nanos = Long.MAX_VALUE;
    private double bytesPerNano = Double.POSITIVE_INFINITY;
    private long issued;
    private boolean warmingUp;
    private final long[] startedAt = new long[RING];
    private long[] times = new long[1 << 16];
    private int timed;

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

    /// `PORT IQN LUN WORKLOAD DEPTH LIMIT [MIB_PER_SECOND]`, where LIMIT is a number of seconds, or
    /// of commands with an `x` behind it: prints commands, seconds, commands per second, and the
    /// 50th, 99th and 99.9th percentile and the maximum of the time a command took, in
    /// microseconds.
    public static void main(String[] arguments) throws IOException {
        if (arguments.length < 6 || arguments.length > 7) {
            System.err.println(
                    "usage: LeanClient PORT IQN LUN "
                            + Arrays.toString(Workload.values()).toLowerCase(Locale.ROOT)
                            + " DEPTH SECONDS|COMMANDSx [MIB_PER_SECOND]");
            System.exit(2);
        }
        int port = Integer.parseInt(arguments[0]);
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        // Several clients at once must not be taken for one that comes again.
        long isid = 0x80_000000_0000L | (ProcessHandle.current().pid() & 0xffff_ffffL);
        var session = new InitiatorSession(InitiatorSession.DEFAULT_NAME, isid);
        try (RawInitiator initiator = RawInitiator.connect(address, session, 0)) {
            Pdu login = initiator.login(arguments[1]);
            if (login.statusClass() != 0) {
                throw new ProtocolException("login refused: " + login);
            }
            LeanClient client =
                    new LeanClient(
                            initiator,
                            Integer.parseInt(arguments[2]),
                            Workload.valueOf(arguments[3].toUpperCase(Locale.ROOT)));
            client.warmUp();
            String limit = arguments[5];
            if (limit.endsWith("x")) {
                client.commands = Long.parseLong(limit.substring(0, limit.length() - 1));
            } else {
                client.nanos = Long.parseLong(limit) * 1_000_000_000L;
            }
            if (arguments.length == 7) {
                client.bytesPerNano = Double.parseDouble(arguments[6]) * (1 << 20) / 1e9;
            }
            client.report(client.run(Integer.parseInt(arguments[4])));
        }
    }

    private void report(double seconds) {
        long[] sorted = Arrays.copyOf(times, timed);
        Arrays.sort(sorted);
        System.out.printf(
                Locale.ROOT,
                "%d %.3f %.0f %d %d %d %d%n",
                completed,
                seconds,
                completed / seconds,
                percentile(sorted, 0.5),
                percentile(sorted, 0.99),
                percentile(sorted, 0.999),
                percentile(sorted, 1));
    }

    private static long percentile(long[] sorted, double part) {
        int index = (int) Math.ceil(part * sorted.length) - 1;
        return sorted.length == 0 ? 0 : sorted[Math.max(0, index)] / 1000;
    }

    private void warmUp() throws IOException {
        warmingUp = true;
        commands = Workload.WARM_UP_COMMANDS;
        run(32);
        warmingUp = false;
        commands = Long.MAX_VALUE;
        issued = 0;
        completed = 0;
        timed = 0;
    }

    private double run(int depth) throws IOException {
        long start = System.nanoTime();
        boolean open = true;
        while (open || inFlight > 0) {
            while (open && inFlight < depth && maxCmdSn - cmdSn >= 0 && due(start)) {
                issue();
                open = issued < commands;
            }
            out.flip();
            while (out.hasRemaining()) {
                channel.write(out);
            }
            out.clear();
            if (inFlight == 0) {
                LockSupport.parkNanos(50_000);
            } else if (channel.read(in) < 0) {
                throw new EOFException("the target closed the connection");
            }
            in.flip();
            take();
            in.compact();
            open = issued < commands && System.nanoTime() - start < nanos;
        }
        return (System.nanoTime() - start) / 1e9;
    }

    /// Whether the next command keeps to the rate.
    private boolean due(long start) {
        return issued * (double) workload.commandBytes
                <= (System.nanoTime() - start) * bytesPerNano;
    }

    private void issue() {
        boolean second = workload == Workload.COMMIT && issued % 2 == 1;
        startedAt[cmdSn & (RING - 1)] =
                second ? startedAt[(cmdSn - 1) & (RING - 1)] : System.nanoTime();
        if (warmingUp) {
            command(0x00, 0, 0);
            issued++;
            return;
        }
        switch (workload) {
            case READ -> command(0x28, 0, random.nextInt(places));
            case WRITE -> command(0x2a, 0, random.nextInt(places));
            case FUA -> command(0x2a, 0x08, random.nextInt(places));
            case TOUCH -> command(0x2a, 0, scattered(issued));
            case STREAM -> command(0x2a, 0, (int) (issued % places));
            case SCAN -> command(0x28, 0, (int) (issued % places));
            case COMMIT -> command(issued % 2 == 0 ? 0x2a : 0x35, 0, random.nextInt(places));
            case SYNC -> command(0x35, 0, 0);
        }
        issued++;
    }

    /// The same places in the same order for every target: a walk whose step has no divisor in
    /// common with their number comes to each once.
    private int scattered(long number) {
        long step = (long) (places * 0.6180339887) | 1;
        while (BigInteger.valueOf(step).gcd(BigInteger.valueOf(places)).intValue() != 1) {
            step += 2;
        }
        return (int) (number * step % places);
    }

    /// Puts a command of ten bytes, with its data as immediate data, behind what waits in `out`.
    private void command(int opcode, int flags, int place) {
        boolean write = opcode == 0x2a;
        boolean dataless = opcode == 0x35 || opcode == 0x00;
        int start = out.position();
        int bytes = dataless ? 0 : workload.commandBytes;
        int attributes = write ? 0xa1 : dataless ? 0x81 : 0xc1;
        out.put((byte) Pdu.SCSI_COMMAND)
                .put((byte) attributes)
                .putShort((short) 0)
                .putInt(write ? bytes : 0)
                .putLong((long) lun << 48)
                .putInt(cmdSn)
                .putInt(bytes)
                .putInt(cmdSn)
                .putInt(expStatSn)
                .put((byte) opcode)
                .put((byte) flags)
                .putInt(dataless ? 0 : place * blocksPerCommand)
                .put((byte) 0)
                .putShort((short) (dataless ? 0 : blocksPerCommand))
                .put((byte) 0);
        out.position(start + Pdu.HEADER_BYTES);
        if (write) {
            out.put(payload.rewind());
        }
        cmdSn++;
        inFlight++;
    }

    /// Remembers how long a command took.
    private void ended(int initiatorTaskTag) {
        completed++;
        inFlight--;
        if (workload == Workload.COMMIT && completed % 2 == 1) {
            // It counts when its SYNCHRONIZE CACHE has ended.
            return;
        }
        if (timed == times.length) {
            times = Arrays.copyOf(times, times.length * 2);
        }
        times[timed++] = System.nanoTime() - startedAt[initiatorTaskTag & (RING - 1)];
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
                ended(in.getInt(at + 16));
            } else if (opcode != Pdu.DATA_IN) {
                throw new ProtocolException("unexpected opcode " + opcode);
            }
            maxCmdSn = in.getInt(at + 32);
            in.position(at + Pdu.HEADER_BYTES);
        }
    }
}
