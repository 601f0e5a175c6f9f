package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.InitiatorSession;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.FreePort;
import io.lunkeeper.tests.rig.Gauges;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// More connections and logins than there should be, and sessions that must not notice. How fast it
/// goes and what it takes is printed, and decides nothing.
@ExtendWith(ShowServerLog.class)
final class StormTest {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final int SILENT = 5000;
    private static final int INITIATORS = 500;
    private static final String LOGGING_IN = "lunkeeper_connections{phase=\"login\"}";
    private static final String LOGGED_IN = "lunkeeper_connections{phase=\"full-feature\"}";
    private static final String PAUSES = "lunkeeper_accept_pauses_total";

    /// Of either process, besides the connections.
    private static final int OTHER_DESCRIPTORS = 500;

    /// What the server is left when its descriptors are to run out.
    private static final int SPARE_DESCRIPTORS = 20;

    private static double refused(Gauges gauges, String limit) throws Exception {
        return gauges.metric("lunkeeper_refused_connections_total{limit=\"" + limit + "\"}");
    }

    private static RawInitiator login(RawInitiator connected) throws IOException {
        assertEquals(0, connected.login(ServerProcess.IQN).statusClass());
        connected.clearUnitAttentions(0);
        return connected;
    }

    /// A session that writes, and reads back what it has written, until it is told to stop.
    private static final class Witness {
        private final FutureTask<Integer> work = new FutureTask<>(this::work);
        private final RawInitiator initiator;
        private final AtomicInteger rounds = new AtomicInteger();
        private volatile boolean stopping;

        Witness(ServerProcess server) throws IOException {
            initiator = login(RawInitiator.connect(server.address()));
            Thread.ofPlatform().daemon().start(work);
        }

        private int work() throws IOException {
            Random random = new Random(7);
            byte[] data = new byte[8 * 512];
            for (; !stopping; rounds.incrementAndGet()) {
                int block = 8 * random.nextInt(1000);
                random.nextBytes(data);
                assertEquals(
                        ScsiResult.GOOD, initiator.write(0, Cdb.write10(block, 8), data).status());
                ScsiResult back = initiator.read(0, Cdb.read10(block, 8), data.length);
                assertArrayEquals(data, back.data());
            }
            initiator.logout();
            return rounds.get();
        }

        /// Waits until it has done some more.
        void awaitRounds(int more) throws Exception {
            int wanted = rounds.get() + more;
            long deadline = System.nanoTime() + LIMIT.toNanos();
            while (rounds.get() < wanted && !work.isDone()) {
                assertTrue(System.nanoTime() < deadline, "the session stands still");
                Thread.sleep(10);
            }
            if (work.isDone()) {
                throw new AssertionError("the session ended: " + work.get());
            }
        }

        int stop() throws Exception {
            stopping = true;
            return work.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private static int descriptors(String process) throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc", process, "limits"))) {
            return lines.filter(line -> line.startsWith("Max open files"))
                    .map(line -> line.replaceAll("\\D+(\\d+|unlimited) .*", "$1"))
                    .mapToInt(
                            limit -> limit.equals("unlimited") ? 1 << 20 : Integer.parseInt(limit))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static void closeAll(List<SocketChannel> crowd) throws IOException {
        for (SocketChannel each : crowd) {
            each.close();
        }
        crowd.clear();
    }

    /// Of one address only so many are let in; with limits that let all in, all are held.
    @Test
    void thousandsThatNeverSpeakAreNotNoticed() throws Exception {
        int port = FreePort.find();
        String keys = "metrics: \"127.0.0.1:" + port + "\"\nlimits: { logins: 900 }";
        List<SocketChannel> crowd = new ArrayList<>();
        try (ServerProcess server = ServerProcess.start(keys, "", Lun.sized(0, "16MiB"));
                Gauges gauges = new Gauges(port)) {
            Witness witness = new Witness(server);
            witness.awaitRounds(200);
            System.out.println("before: " + gauges.memory(server));
            int most = Math.min(descriptors("self"), descriptors(server.pid() + ""));
            int silent = Math.min(SILENT, most - OTHER_DESCRIPTORS);
            for (String limits : List.of("900", "8000, logins-per-source: 8000")) {
                if (!limits.equals("900")) {
                    server.reload(
                            "{ logins: 900 }",
                            "{ connections-per-source: 8000, logins: " + limits + " }",
                            ": reloaded");
                }
                for (int i = 0; i < silent; i++) {
                    crowd.add(SocketChannel.open(server.address()));
                }
                witness.awaitRounds(200);
                System.out.printf(
                        "%d never speak, logins: %s: %.0f held, %.0f and %.0f refused; %s%n",
                        silent,
                        limits,
                        gauges.metric(LOGGING_IN),
                        refused(gauges, "logins"),
                        refused(gauges, "logins-per-source"),
                        gauges.memory(server));
                closeAll(crowd);
                gauges.await(LOGGING_IN, left -> left == 0);
                assertEquals(1, gauges.metric(LOGGED_IN));
            }
            login(RawInitiator.connect(server.address())).logout();
            witness.awaitRounds(200);
            System.out.println("after: " + gauges.memory(server));
            System.out.println("rounds of the session meanwhile: " + witness.stop());
        } finally {
            closeAll(crowd);
        }
    }

    @Test
    void manyLoginsAreNotNoticed() throws Exception {
        int port = FreePort.find();
        String keys = "metrics: \"127.0.0.1:" + port + "\"";
        try (ServerProcess server = ServerProcess.start(keys, "", Lun.sized(0, "16MiB"));
                Gauges gauges = new Gauges(port)) {
            Witness witness = new Witness(server);
            System.out.println("before: " + gauges.memory(server));
            int threads = 8;
            int each = 250;
            int failing = threads * each / 2;
            long begun = System.nanoTime();
            inParallel(
                    threads,
                    thread -> {
                        for (int i = 0; i < each; i++) {
                            boolean right = i % 2 == 0;
                            String target =
                                    right ? ServerProcess.IQN : "iqn.2026-11.io.x:none-" + thread;
                            try (RawInitiator initiator = RawInitiator.connect(server.address())) {
                                assertEquals(right ? 0 : 2, initiator.login(target).statusClass());
                            }
                        }
                    });
            double seconds = (System.nanoTime() - begun) / 1e9;
            System.out.printf(
                    "%.0f logins/s, every other one failing; %s%n",
                    threads * each / seconds, gauges.memory(server));
            assertEquals(failing, gauges.metric("lunkeeper_failed_logins_total"));
            long lines = Files.readAllLines(server.folder().resolve("stderr.log")).size();
            assertTrue(lines < 20 + 100 * (2 + seconds / 60), lines + " lines in the log");
            witness.awaitRounds(100);
            gauges.await(LOGGED_IN, left -> left == 1);
            gauges.await(LOGGING_IN, left -> left == 0);
            System.out.println("rounds of the session meanwhile: " + witness.stop());
        }
    }

    private interface Work {
        void run(int number) throws Exception;
    }

    private static void inParallel(int count, Work work) throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int number = i;
                Callable<Integer> one =
                        () -> {
                            work.run(number);
                            return number;
                        };
                all.add(threads.submit(one));
            }
            for (Future<?> each : all) {
                each.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            }
        }
    }

    private static RawInitiator connect(ServerProcess server, int source) throws IOException {
        return RawInitiator.connectFrom(
                InetAddress.getByName("127.0.0." + source), server.address());
    }

    private static void assertRefused(ServerProcess server, int source) throws IOException {
        try (RawInitiator one = connect(server, source)) {
            assertTrue(one.isClosedWithin(LIMIT));
        }
    }

    /// Addresses of the loopback network stand for sources.
    @Test
    void whoIsOneTooManyIsHungUpOn() throws Exception {
        int port = FreePort.find();
        String keys =
                """
                metrics: "127.0.0.1:%d"
                limits:
                  connections: 6
                  connections-per-source: 4
                  logins: 3
                  logins-per-source: 2
                """
                        .formatted(port);
        List<RawInitiator> open = new ArrayList<>();
        try (ServerProcess server = ServerProcess.start(keys, "", Lun.sized(0, "16MiB"));
                Gauges gauges = new Gauges(port)) {
            Witness witness = new Witness(server);
            RawInitiator one = connect(server, 1);
            RawInitiator other = connect(server, 1);
            assertRefused(server, 1);
            open.add(connect(server, 2));
            assertRefused(server, 3);
            gauges.await(LOGGING_IN, logins -> logins == 3);
            one.close();
            other.close();
            gauges.await(LOGGING_IN, logins -> logins == 1);
            for (int i = 0; i < 3; i++) {
                open.add(login(connect(server, 1)));
            }
            assertRefused(server, 1);
            open.add(login(connect(server, 2)));
            assertRefused(server, 3);
            for (String limit :
                    List.of(
                            "connections",
                            "connections-per-source",
                            "logins-per-source",
                            "logins")) {
                assertEquals(1, refused(gauges, limit), limit);
            }
            assertTrue(server.log().contains("127.0.0.1: connection refused: limits.logins-per-s"));
            witness.awaitRounds(50);
            open.removeLast().close();
            gauges.await(LOGGED_IN, sessions -> sessions == 4);
            login(connect(server, 3)).logout();
            witness.stop();
        } finally {
            for (RawInitiator each : open) {
                each.close();
            }
        }
    }

    /// The limit on descriptors is set while the server runs, since only then it is known how many
    /// it needs for itself.
    @Test
    void sessionsOutliveTheEndOfDescriptors() throws Exception {
        int port = FreePort.find();
        String metrics = "metrics: \"127.0.0.1:" + port + "\"";
        List<SocketChannel> crowd = new ArrayList<>();
        try (ServerProcess server = ServerProcess.start(metrics, "", Lun.sized(0, "16MiB"))) {
            Witness witness = new Witness(server);
            witness.awaitRounds(50);
            int limit = highestDescriptor(server) + 1 + SPARE_DESCRIPTORS;
            Tool.of("prlimit", "--pid=" + server.pid(), "--nofile=" + limit + ":" + limit)
                    .within(LIMIT)
                    .succeed();
            server.reload(metrics, metrics + "\nlimits: { connections: 3000 }", ": reloaded");
            String told = "limits.connections is 3000, but the process may have only " + limit;
            assertTrue(server.log().contains(told), server::log);
            long begun = System.nanoTime();
            for (int i = 0; i < limit; i++) {
                crowd.add(SocketChannel.open(server.address()));
            }
            awaitLog(server, "accept failed: ");
            witness.awaitRounds(500);
            closeAll(crowd);
            login(RawInitiator.connect(server.address())).logout();
            witness.awaitRounds(50);
            try (Gauges gauges = new Gauges(port)) {
                double pauses = gauges.metric(PAUSES);
                long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun);
                System.out.printf("%.0f pauses in %d s%n", pauses, seconds);
                assertTrue(pauses >= 1 && pauses <= seconds + 2, pauses + " in " + seconds + " s");
            }
            String log = Files.readString(server.folder().resolve("stderr.log"));
            assertEquals(2, log.split("accept failed: ", -1).length, log);
            assertFalse(log.contains(" ERROR "), log);
            witness.stop();
        } finally {
            closeAll(crowd);
        }
    }

    private static int highestDescriptor(ServerProcess server) throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc", server.pid() + "", "fd"))) {
            return all.mapToInt(each -> Integer.parseInt(each.getFileName() + ""))
                    .max()
                    .orElseThrow();
        }
    }

    private static void awaitLog(ServerProcess server, String text) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!server.log().contains(text)) {
            assertTrue(System.nanoTime() < deadline, "never logged: " + text);
            Thread.sleep(20);
        }
    }

    /// All try again as soon as they find out, from before it listens.
    @Test
    void hundredsOfInitiatorsComeBackAfterARestart() throws Exception {
        List<RawInitiator> all = new ArrayList<>();
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "16MiB"))) {
            for (int i = 0; i < INITIATORS; i++) {
                all.add(login(connectAs(server, i)));
            }
            server.kill9();
            long begun = System.nanoTime();
            FutureTask<Void> back =
                    new FutureTask<>(() -> {
                        inParallel(INITIATORS, i -> all.set(i, comeBack(server, i)));
                        return null;
                    });
            Thread.ofPlatform().daemon().start(back);
            server.restart();
            double ready = (System.nanoTime() - begun) / 1e9;
            back.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            double seconds = (System.nanoTime() - begun) / 1e9;
            System.out.printf(
                    "%d initiators logged in %.2f s after the start, ready after %.2f s%n",
                    INITIATORS, seconds, ready);
            for (RawInitiator each : all) {
                assertEquals(ScsiResult.GOOD, each.read(0, Cdb.read10(0, 8), 4096).status());
            }
        } finally {
            for (RawInitiator each : all) {
                each.close();
            }
        }
    }

    private static RawInitiator connectAs(ServerProcess server, int number) throws IOException {
        return RawInitiator.connect(
                server.address(),
                new InitiatorSession(InitiatorSession.DEFAULT_NAME + "-" + number),
                0);
    }

    private static RawInitiator comeBack(ServerProcess server, int number) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            try {
                return login(connectAs(server, number));
            } catch (ConnectException notYet) {
                assertTrue(System.nanoTime() < deadline, notYet.getMessage());
                Thread.sleep(50);
            }
        }
    }
}
