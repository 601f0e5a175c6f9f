package io.lunkeeper.tests.bench;

import com.sun.management.OperatingSystemMXBean;
import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.InitiatorSession;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/// One measurement: a number of commands in flight on each of some sessions, for some time. One
/// thread: what one read of a socket brings is answered by one write. To be run once.
final class LoadRun {
    /// What is read again of what was written.
    private static final int VERIFIED_PLACES = 500;

    private static final AtomicInteger NEXT_SESSION = new AtomicInteger();

    /// What to do.
    ///
    /// @param depth commands in flight on each session
    /// @param digests CRC32C for headers and data
    /// @param commands after which it ends, on all sessions
    /// @param nanos after which it ends
    /// @param bytesPerNano what is moved at most, with one session
    record Spec(
            Workload workload,
            int depth,
            int sessions,
            boolean digests,
            long commands,
            long nanos,
            double bytesPerNano) {}

    private final InetSocketAddress address;
    private final String iqn;
    private final int lun;
    private final Spec spec;
    private final List<RawInitiator> initiators = new ArrayList<>();
    private final List<LoadSession> sessions = new ArrayList<>();

    private long commands;
    private long nanos;

    LoadRun(int port, String iqn, int lun, Spec spec) {
        this.address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        this.iqn = iqn;
        this.lun = lun;
        this.spec = spec;
    }

    /// Logs in, does `warmUp` TEST UNIT READY that do not count, and what is to be measured.
    LoadResult run(int warmUp) throws IOException {
        try {
            for (int i = 0; i < spec.sessions; i++) {
                RawInitiator initiator = logIn(spec.digests ? "CRC32C" : "None");
                initiators.add(initiator);
                sessions.add(new LoadSession(initiator, lun, spec.workload, i + 1L));
            }
            sessions.forEach(session -> session.idling(true));
            commands = warmUp;
            nanos = Long.MAX_VALUE;
            drive(Math.max(1, 32 / spec.sessions));
            sessions.forEach(session -> session.idling(false));
            commands = spec.commands;
            nanos = spec.nanos;
            long processor = processorNanos();
            double seconds = drive(spec.depth);
            return result(seconds, (processorNanos() - processor) / 1e9);
        } finally {
            for (RawInitiator each : initiators) {
                each.close();
            }
        }
    }

    private RawInitiator logIn(String digest) throws IOException {
        // Several clients at once must not be taken for one that comes again.
        long isid =
                0x80_000000_0000L
                        | (ProcessHandle.current().pid() & 0xffff_ffL) << 16
                        | (NEXT_SESSION.getAndIncrement() & 0xffff);
        var session = new InitiatorSession(InitiatorSession.DEFAULT_NAME, isid);
        RawInitiator initiator = RawInitiator.connect(address, session, 0);
        Pdu login = initiator.login(iqn, "HeaderDigest=" + digest, "DataDigest=" + digest);
        if (login.statusClass() != 0) {
            initiator.close();
            throw new ProtocolException("login refused: " + login);
        }
        return initiator;
    }

    private static long processorNanos() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
    }

    private LoadResult result(double seconds, double clientSeconds) {
        return new LoadResult(
                sessions.stream().mapToLong(LoadSession::completed).sum(),
                seconds,
                Latency.of(
                        sessions.stream()
                                .flatMapToLong(s -> Arrays.stream(s.times()))
                                .sorted()
                                .toArray()),
                clientSeconds);
    }

    // ---- the run

    private double drive(int inFlight) throws IOException {
        long start = System.nanoTime();
        if (sessions.size() == 1) {
            driveOne(sessions.getFirst(), inFlight, start);
        } else {
            driveAll(inFlight, start);
        }
        return (System.nanoTime() - start) / 1e9;
    }

    private void driveOne(LoadSession session, int inFlight, long start) throws IOException {
        boolean open = true;
        while (open || session.inFlight() > 0) {
            while (open && session.inFlight() < inFlight && session.mayIssue() && due(start)) {
                session.issue();
                open = session.issued() < commands;
            }
            session.flush();
            if (session.inFlight() == 0) {
                LockSupport.parkNanos(50_000);
            } else {
                session.receive();
            }
            open = session.issued() < commands && System.nanoTime() - start < nanos;
        }
    }

    /// Whether the next command keeps to the rate.
    private boolean due(long start) {
        return sessions.getFirst().issued() * (double) spec.workload.commandBytes()
                <= (System.nanoTime() - start) * spec.bytesPerNano;
    }

    private void driveAll(int inFlight, long start) throws IOException {
        try (Selector selector = Selector.open()) {
            for (int i = 0; i < sessions.size(); i++) {
                initiators.get(i).channel().configureBlocking(false);
                initiators
                        .get(i)
                        .channel()
                        .register(selector, SelectionKey.OP_READ, sessions.get(i));
                fill(sessions.get(i), inFlight);
            }
            boolean open = true;
            while (open || sessions.stream().anyMatch(session -> session.inFlight() > 0)) {
                open = open && issued() < commands && System.nanoTime() - start < nanos;
                int wanted = open ? inFlight : 0;
                selector.select(key -> serve(key, wanted), 1000);
            }
        }
        for (RawInitiator each : initiators) {
            each.channel().configureBlocking(true);
        }
    }

    private long issued() {
        return sessions.stream().mapToLong(LoadSession::issued).sum();
    }

    private static void serve(SelectionKey key, int inFlight) {
        LoadSession session = (LoadSession) key.attachment();
        try {
            session.receive();
            fill(session, inFlight);
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        }
    }

    private static void fill(LoadSession session, int inFlight) throws IOException {
        while (session.inFlight() < inFlight && session.mayIssue()) {
            session.issue();
        }
        session.flush();
    }

    // ---- what was written

    /// Reads some of what the run wrote again, in a session of its own.
    ///
    /// @throws IOException when it does not read as written
    void verify() throws IOException {
        BitSet written = new BitSet();
        sessions.forEach(session -> written.or(session.written()));
        int bytes = spec.workload.commandBytes();
        int blocks = bytes / sessions.getFirst().blockBytes();
        int stride = Math.max(1, written.cardinality() / VERIFIED_PLACES);
        ByteBuffer expected = LoadSession.payload(spec.workload);
        try (RawInitiator initiator = logIn("None")) {
            initiator.clearUnitAttentions(lun);
            int number = 0;
            for (int place = written.nextSetBit(0);
                    place >= 0;
                    place = written.nextSetBit(place + 1)) {
                if (number++ % stride == 0) {
                    byte[] cdb = Cdb.read10(place * blocks, blocks);
                    ScsiResult result = initiator.read(lun, cdb, bytes);
                    expected.putLong(0, place);
                    if (!expected.equals(ByteBuffer.wrap(result.data()))) {
                        throw new IOException("place " + place + " does not read as written");
                    }
                }
            }
        }
    }
}
