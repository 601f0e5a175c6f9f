package io.lunkeeper.tests.bench;

import com.sun.management.OperatingSystemMXBean;
import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.InitiatorSession;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import java.io.Closeable;
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
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/// One measurement: a number of commands in flight on each of some sessions, for some time. What
/// one read of a socket brings is answered by one write. To be run once; one that takes much longer
/// than it should fails.
final class LoadRun {
    /// What is read again of what was written.
    private static final int VERIFIED_PLACES = 500;

    /// What a run may take beyond its time.
    private static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos(20);

    /// What one may take that ends by itself.
    private static final long MOST_NANOS = TimeUnit.SECONDS.toNanos(120);

    private static final AtomicInteger NEXT_SESSION = new AtomicInteger();
    private static final ScheduledExecutorService CLOCK =
            Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().daemon().name("limit").factory());

    /// The sessions of one thread.
    private static final class Group {
        private final LoadSession.Buffers buffers = new LoadSession.Buffers();
        private final List<LoadSession> sessions = new ArrayList<>();

        long issued() {
            return sessions.stream().mapToLong(LoadSession::issued).sum();
        }
    }

    private final InetSocketAddress address;
    private final String iqn;
    private final int lun;
    private final LoadSpec spec;
    private final List<RawInitiator> initiators = new CopyOnWriteArrayList<>();
    private final List<Group> groups = new ArrayList<>();
    private final List<LoadSession> sessions = new ArrayList<>();
    private final CountDownLatch started = new CountDownLatch(1);

    private long commands;
    private long nanos;
    private volatile boolean ending;
    private volatile boolean aborted;

    LoadRun(int port, String iqn, int lun, LoadSpec spec) {
        this.address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        this.iqn = iqn;
        this.lun = lun;
        this.spec = spec;
    }

    /// Logs in, does `warmUp` TEST UNIT READY that do not count, and what is to be measured.
    LoadResult run(int warmUp) throws IOException {
        boolean timed = spec.nanos() < Long.MAX_VALUE - GRACE_NANOS;
        ScheduledFuture<?> limit =
                CLOCK.schedule(
                        this::abort,
                        timed ? spec.nanos() + GRACE_NANOS : MOST_NANOS,
                        TimeUnit.NANOSECONDS);
        try {
            logInAll();
            sessions.forEach(session -> session.idling(true));
            commands = warmUp;
            nanos = Long.MAX_VALUE;
            drive(Math.max(1, 32 / spec.sessions()));
            sessions.forEach(session -> session.idling(false));
            commands = spec.commands();
            nanos = spec.nanos();
            long processor = processorNanos();
            started.countDown();
            double seconds = drive(spec.depth());
            return result(seconds, (processorNanos() - processor) / 1e9);
        } catch (IOException | UncheckedIOException failed) {
            if (aborted) {
                throw new IOException("it took too long", failed);
            }
            throw failed;
        } finally {
            limit.cancel(false);
            started.countDown();
            for (RawInitiator each : initiators) {
                each.close();
            }
        }
    }

    private void logInAll() throws IOException {
        for (int i = 0; i < spec.threads(); i++) {
            groups.add(new Group());
        }
        for (int i = 0; i < spec.sessions(); i++) {
            Group group = groups.get(i % spec.threads());
            RawInitiator initiator = logIn(spec.hasDigests() ? "CRC32C" : "None");
            initiators.add(initiator);
            LoadSession session = new LoadSession(initiator, lun, spec, group.buffers, i + 1L);
            group.sessions.add(session);
            sessions.add(session);
        }
    }

    /// A session that has only logged in.
    RawInitiator logIn(String digest) throws IOException {
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

    /// Whoever waits for the target is told by an exception.
    private void abort() {
        aborted = true;
        initiators.forEach(LoadRun::closeQuietly);
    }

    private static void closeQuietly(Closeable open) {
        try {
            open.close();
        } catch (IOException gone) {
            throw new UncheckedIOException(gone);
        }
    }

    // ---- one beside another

    /// A run in a thread of its own, which begins at once and goes on until it is closed.
    static final class Background implements AutoCloseable {
        private final LoadRun run;
        private final ExecutorService thread = Executors.newSingleThreadExecutor();
        private final Future<LoadResult> result;

        Background(LoadRun run) throws IOException {
            this.run = run;
            this.result = thread.submit(() -> run.run(0));
            try {
                run.started.await();
            } catch (InterruptedException stop) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", stop);
            }
        }

        /// Ends it.
        ///
        /// @throws IOException what it failed with
        @Override
        public void close() throws IOException {
            run.ending = true;
            thread.shutdown();
            await(result);
        }
    }

    private static <T> T await(Future<T> result) throws IOException {
        try {
            return result.get();
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", stop);
        } catch (ExecutionException failed) {
            throw new IOException(failed.getCause());
        }
    }

    // ---- the run

    private double drive(int inFlight) throws IOException {
        long start = System.nanoTime();
        if (groups.size() == 1) {
            driveGroup(groups.getFirst(), inFlight, start);
        } else {
            try (ExecutorService threads = Executors.newFixedThreadPool(groups.size())) {
                List<Future<?>> all = new ArrayList<>();
                for (Group group : groups) {
                    all.add(
                            threads.submit(() -> {
                                driveGroup(group, inFlight, start);
                                return true;
                            }));
                }
                for (Future<?> each : all) {
                    await(each);
                }
            }
        }
        return (System.nanoTime() - start) / 1e9;
    }

    private void driveGroup(Group group, int inFlight, long start) throws IOException {
        if (group.sessions.size() == 1) {
            driveOne(group.sessions.getFirst(), inFlight, start);
        } else {
            driveAll(group, inFlight, start);
        }
    }

    /// Whether more commands are to be sent, of so many on the sessions of a thread.
    private boolean goesOn(long issued, long start) {
        return !ending
                && issued < Math.ceilDiv(commands, groups.size())
                && System.nanoTime() - start < nanos;
    }

    private void driveOne(LoadSession session, int inFlight, long start) throws IOException {
        boolean open = true;
        while (open || session.inFlight() > 0) {
            while (open
                    && session.inFlight() < inFlight
                    && session.mayIssue()
                    && nanosUntilDue(session, start) <= 0) {
                session.issue();
                open = goesOn(session.issued(), start);
            }
            session.flush();
            if (session.inFlight() == 0) {
                LockSupport.parkNanos(nanosUntilDue(session, start));
            } else {
                session.receive();
            }
            open = goesOn(session.issued(), start);
        }
    }

    /// How long until the next command keeps to the rate.
    private long nanosUntilDue(LoadSession session, long start) {
        double due = session.issued() * (spec.workload().commandBytes() / spec.bytesPerNano());
        return (long) due - (System.nanoTime() - start);
    }

    private void driveAll(Group group, int inFlight, long start) throws IOException {
        List<LoadSession> all = group.sessions;
        try (Selector selector = Selector.open()) {
            for (LoadSession session : all) {
                session.channel().configureBlocking(false);
                session.channel().register(selector, SelectionKey.OP_READ, session);
                fill(session, inFlight);
            }
            boolean open = true;
            while (open || all.stream().anyMatch(session -> session.inFlight() > 0)) {
                open = open && goesOn(group.issued(), start);
                int wanted = open ? inFlight : 0;
                selector.select(key -> serve(key, wanted), 1000);
                if (aborted) {
                    throw new IOException("aborted");
                }
            }
        }
        for (LoadSession session : all) {
            session.channel().configureBlocking(true);
        }
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
        int stride = Math.max(1, written.cardinality() / VERIFIED_PLACES);
        try (RawInitiator initiator = logIn("None")) {
            for (int each = lun; each < lun + spec.luns(); each++) {
                initiator.clearUnitAttentions(each);
            }
            int number = 0;
            for (int place = written.nextSetBit(0);
                    place >= 0;
                    place = written.nextSetBit(place + 1)) {
                if (number++ % stride == 0) {
                    verify(initiator, place);
                }
            }
        }
    }

    private void verify(RawInitiator initiator, int place) throws IOException {
        Places places = sessions.getFirst().places();
        long lba = places.lba(place);
        byte[] cdb =
                lba <= Integer.MAX_VALUE
                        ? Cdb.read10((int) lba, places.blocks())
                        : Cdb.read16(lba, places.blocks());
        ScsiResult result = initiator.read(places.lun(place), cdb, spec.workload().commandBytes());
        ByteBuffer expected = LoadSession.payload(spec.workload()).putLong(0, place);
        if (!expected.equals(ByteBuffer.wrap(result.data()))) {
            throw new IOException("place " + place + " does not read as written");
        }
    }
}
