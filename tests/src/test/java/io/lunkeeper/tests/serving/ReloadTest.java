package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// A configuration that is read again while the server runs.
@ExtendWith(ShowServerLog.class)
final class ReloadTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    /// CAPACITY DATA HAS CHANGED, sense key, additional sense code and qualifier.
    private static final int CAPACITY_DATA_HAS_CHANGED = 0x62a09;

    private static final int REPORTED_LUNS_DATA_HAS_CHANGED = 0x63f0e;
    private static final int ACCESS_STATE_CHANGED = 0x62a06;
    private static final int IN_STANDBY = 0x2040b;
    private static final int POWER_ON = 0x62900;
    private static final int LOGICAL_UNIT_NOT_SUPPORTED = 0x52500;

    private static final String RELOADED = "lunkeeper.yaml: reloaded\n";
    private static final String LUNS = "    luns:\n";

    private static String lun(int number, String image, String size) {
        return "      - lun: %d\n        image: %s\n        size: %s\n"
                .formatted(number, image, size);
    }

    private static RawInitiator login(ServerProcess server) throws IOException {
        RawInitiator initiator = RawInitiator.connect(server.address());
        assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
        initiator.clearUnitAttentions(0);
        return initiator;
    }

    private static long blocks(RawInitiator initiator) throws IOException {
        ScsiResult capacity = initiator.read(0, Cdb.readCapacity10(), 8);
        assertEquals(ScsiResult.GOOD, capacity.status());
        return ByteBuffer.wrap(capacity.data()).getInt(0) + 1L;
    }

    @ParameterizedTest
    @ValueSource(strings = {"sparse", "reserve", "full"})
    void lunGrowsAndEveryInitiatorIsTold(String allocation) throws Exception {
        Lun lun = Lun.sized(0, "8MiB").with("allocate", allocation);
        try (ServerProcess server = ServerProcess.start(lun)) {
            byte[] data = new byte[4096];
            Arrays.fill(data, (byte) 0x5a);
            int last = (24 << 11) - 8;
            try (RawInitiator one = login(server);
                    RawInitiator other = login(server)) {
                assertEquals(8 << 11, blocks(one));
                assertEquals(ScsiResult.GOOD, one.write(0, Cdb.write10(0, 8), data).status());
                server.reload("8MiB", "24MiB", RELOADED);
                for (RawInitiator each : List.of(one, other)) {
                    assertEquals(List.of(CAPACITY_DATA_HAS_CHANGED), each.clearUnitAttentions(0));
                    assertEquals(24 << 11, blocks(each));
                }
                assertArrayEquals(data, one.read(0, Cdb.read10(0, 8), 4096).data());
                assertArrayEquals(new byte[4096], one.read(0, Cdb.read10(last, 8), 4096).data());
                assertEquals(ScsiResult.GOOD, one.write(0, Cdb.write10(last, 8), data).status());
                assertArrayEquals(data, other.read(0, Cdb.read10(last, 8), 4096).data());
            }
            server.kill9();
            server.restart();
            try (RawInitiator again = login(server)) {
                assertEquals(24 << 11, blocks(again));
                assertArrayEquals(data, again.read(0, Cdb.read10(last, 8), 4096).data());
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "8MiB    | 4MiB     | targets[0].luns[0].image: ",
                "block-size: 512 | block-size: 4096 | targets[0].luns[0]: it cannot change while",
                "lun0.img | other.img | targets[0].luns[0].image: LUN 0 is served from",
                "8MiB    | 8XiB     | targets[0].luns[0].size: ",
                "8MiB    | 4000TiB  | targets[0].luns[0].size: image"
            })
    void anyOtherChangeIsRefusedAndAllGoesOn(String from, String to, String outcome)
            throws Exception {
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"));
                RawInitiator initiator = login(server)) {
            server.reload(from, to, outcome);
            assertEquals(List.of(), initiator.clearUnitAttentions(0));
            assertEquals(8 << 11, blocks(initiator));
            server.reload(to, from, RELOADED);
        }
    }

    @Test
    void hangUpsWithoutAChangeDoNothing() throws Exception {
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"));
                RawInitiator initiator = login(server)) {
            server.reload("8MiB", "8MiB", RELOADED);
            assertEquals(List.of(), initiator.clearUnitAttentions(0));
            assertEquals(8 << 11, blocks(initiator));
        }
    }

    /// The state and the status code that REPORT TARGET PORT GROUPS has for the one group.
    private static List<Integer> accessState(RawInitiator initiator) throws IOException {
        byte[] report = initiator.read(0, Cdb.reportTargetPortGroups(16), 16).data();
        return List.of((int) report[4], (int) report[9]);
    }

    @Test
    void accessStateIsSetByCommandsAndByTheFile() throws Exception {
        try (ServerProcess server =
                        ServerProcess.start(
                                "", "access-state: active-non-optimized", Lun.sized(0, "8MiB"));
                RawInitiator one = login(server);
                RawInitiator other = login(server)) {
            assertEquals(List.of(1, 0), accessState(one));
            assertEquals(ScsiResult.GOOD, one.read(0, Cdb.read10(0, 8), 4096).status());
            byte[] standby = {0, 0, 0, 0, 2, 0, 0, 1};
            assertEquals(
                    ScsiResult.GOOD, one.write(0, Cdb.setTargetPortGroups(8), standby).status());
            assertEquals(List.of(2, 1), accessState(one));
            assertEquals(IN_STANDBY, one.read(0, Cdb.read10(0, 8), 4096).senseCode());
            assertEquals(ACCESS_STATE_CHANGED, other.read(0, Cdb.read10(0, 8), 4096).senseCode());
            assertEquals(IN_STANDBY, other.read(0, Cdb.read10(0, 8), 4096).senseCode());
            server.reload("8MiB", "24MiB", RELOADED);
            assertEquals(List.of(CAPACITY_DATA_HAS_CHANGED), one.clearUnitAttentions(0));
            assertEquals(List.of(2, 1), accessState(one));
            server.reload("active-non-optimized", "active-optimized", RELOADED);
            assertEquals(List.of(ACCESS_STATE_CHANGED), one.clearUnitAttentions(0));
            assertEquals(List.of(0, 2), accessState(one));
            assertEquals(ScsiResult.GOOD, one.read(0, Cdb.read10(0, 8), 4096).status());
            assertEquals(
                    ScsiResult.GOOD, one.write(0, Cdb.setTargetPortGroups(8), standby).status());
            server.kill9();
            server.restart();
            try (RawInitiator again = login(server)) {
                assertEquals(List.of(0, 0), accessState(again));
                assertEquals(ScsiResult.GOOD, again.read(0, Cdb.read10(0, 8), 4096).status());
            }
        }
    }

    /// The numbers that REPORT LUNS lists, below 256.
    private static List<Integer> luns(RawInitiator initiator) throws IOException {
        ByteBuffer list = ByteBuffer.wrap(initiator.read(0, Cdb.reportLuns(256), 256).data());
        List<Integer> numbers = new ArrayList<>();
        for (int at = 8; at < 8 + list.getInt(0); at += 8) {
            numbers.add((int) list.get(at + 1));
        }
        return numbers;
    }

    /// Writes one block after the other until it is told to stop, or something goes wrong.
    private static final class Load implements AutoCloseable {
        final AtomicBoolean over = new AtomicBoolean();
        final AtomicInteger acknowledged = new AtomicInteger();
        final FutureTask<Integer> writing;

        Load(ServerProcess server, int lun) throws IOException {
            RawInitiator initiator = login(server);
            initiator.clearUnitAttentions(lun);
            writing =
                    new FutureTask<>(() -> {
                        try (initiator) {
                            int sense = 0;
                            while (!over.get() && passing(sense)) {
                                int block = acknowledged.get();
                                byte[] data = new byte[4096];
                                Arrays.fill(data, (byte) (block + 1));
                                ScsiResult result =
                                        initiator.write(lun, Cdb.write10(block % 64 * 8, 8), data);
                                sense = result.senseCode();
                                if (result.status() == ScsiResult.GOOD) {
                                    sense = 0;
                                    acknowledged.incrementAndGet();
                                }
                            }
                            return sense;
                        }
                    });
            Thread.ofPlatform().daemon().start(writing);
        }

        private static boolean passing(int sense) {
            return sense == 0 || sense == REPORTED_LUNS_DATA_HAS_CHANGED;
        }

        /// Waits until so many more writes were acknowledged.
        void awaitMore(int writes) throws Exception {
            int wanted = acknowledged.get() + writes;
            long deadline = System.nanoTime() + LIMIT.toNanos();
            while (acknowledged.get() < wanted) {
                assertFalse(writing.isDone(), "the load has ended");
                assertTrue(System.nanoTime() < deadline, "the load does not go on");
                Thread.sleep(5);
            }
        }

        /// The sense of what ended it, 0 when it was stopped.
        int end() throws Exception {
            return writing.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        }

        void stop() {
            over.set(true);
        }

        @Override
        public void close() {
            stop();
        }
    }

    @Test
    void lunIsAddedUnderTheLoadOfAnotherAndEveryInitiatorIsTold() throws Exception {
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"));
                RawInitiator one = login(server);
                RawInitiator other = login(server);
                Load load = new Load(server, 0)) {
            load.awaitMore(20);
            assertEquals(
                    LOGICAL_UNIT_NOT_SUPPORTED, one.read(3, Cdb.testUnitReady(), 0).senseCode());
            server.reload(LUNS, LUNS + lun(3, "added.img", "4MiB"), RELOADED);
            for (RawInitiator each : List.of(one, other)) {
                assertEquals(List.of(REPORTED_LUNS_DATA_HAS_CHANGED), each.clearUnitAttentions(0));
                assertEquals(List.of(0, 3), luns(each));
                assertEquals(List.of(POWER_ON), each.clearUnitAttentions(3));
            }
            byte[] data = new byte[4096];
            Arrays.fill(data, (byte) 0x77);
            assertEquals(ScsiResult.GOOD, one.write(3, Cdb.write10(8, 8), data).status());
            assertArrayEquals(data, other.read(3, Cdb.read10(8, 8), 4096).data());
            load.awaitMore(20);
            load.stop();
            assertEquals(0, load.end());
        }
    }

    /// Its image is free for others at once, with all that was acknowledged; whoever waits for a
    /// command on it hears that there is no such unit.
    @Test
    void lunIsTakenOutWhileItIsWrittenToAndComesBack() throws Exception {
        Lun second = Lun.sized(1, "8MiB");
        String text = lun(2, "second.img", "8MiB");
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"), second);
                RawInitiator waiting = RawInitiator.connect(server.address())) {
            server.reload(LUNS, LUNS + text, RELOADED);
            assertEquals(0, waiting.login(ServerProcess.IQN, "InitialR2T=Yes").statusClass());
            for (int each = 0; each < 3; each++) {
                waiting.clearUnitAttentions(each);
            }
            Load load = new Load(server, 2);
            load.awaitMore(100);
            waiting.send(Request.scsiCommand(2, Cdb.write10(0, 8)).writes(4096));
            Pdu r2t = waiting.receive();
            assertEquals(Pdu.READY_TO_TRANSFER, r2t.opcode());
            server.reload(text, "", RELOADED);
            Path image = server.folder().resolve("second.img");
            Tool.Outcome write =
                    Tool.of("qemu-io", "-f", "raw", "-c", "write -P 0x33 1M 4k", image + "")
                            .within(LIMIT)
                            .run();
            assertEquals(0, write.exit(), write.output());
            ScsiResult refused = ScsiResult.of(waiting.receive());
            assertEquals(r2t.initiatorTaskTag(), refused.last().initiatorTaskTag());
            assertEquals(LOGICAL_UNIT_NOT_SUPPORTED, refused.senseCode());
            assertEquals(LOGICAL_UNIT_NOT_SUPPORTED, load.end());
            assertHolds(image, load.acknowledged.get());
            waiting.answer(r2t, new byte[4096]);
            assertEquals(List.of(REPORTED_LUNS_DATA_HAS_CHANGED), waiting.clearUnitAttentions(1));
            assertEquals(List.of(), waiting.clearUnitAttentions(0));
            assertEquals(List.of(0, 1), luns(waiting));
            comesBack(server, waiting, text);
        }
    }

    private static void comesBack(ServerProcess server, RawInitiator initiator, String text)
            throws Exception {
        server.reload(LUNS, LUNS + text, RELOADED);
        assertEquals(List.of(POWER_ON), initiator.clearUnitAttentions(2));
        byte[] foreign = new byte[4096];
        Arrays.fill(foreign, (byte) 0x33);
        assertArrayEquals(foreign, initiator.read(2, Cdb.read10(2048, 8), 4096).data());
    }

    /// The last 64 writes that were acknowledged; one more may have happened.
    private static void assertHolds(Path image, int acknowledged) throws IOException {
        byte[] bytes = Files.readAllBytes(image);
        for (int each = Math.max(0, acknowledged - 63); each < acknowledged; each++) {
            byte found = bytes[each % 64 * 4096];
            boolean held = found == (byte) (each + 1) || found == (byte) (each + 65);
            assertTrue(held, "write " + each + " of " + acknowledged + " is lost: " + found);
        }
    }

    @Test
    void lunMovesToAnotherNumber() throws Exception {
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"));
                RawInitiator initiator = login(server)) {
            byte[] data = new byte[4096];
            Arrays.fill(data, (byte) 0x11);
            assertEquals(ScsiResult.GOOD, initiator.write(0, Cdb.write10(0, 8), data).status());
            server.reload("lun: 0", "lun: 5", RELOADED);
            assertEquals(
                    LOGICAL_UNIT_NOT_SUPPORTED,
                    initiator.read(0, Cdb.testUnitReady(), 0).senseCode());
            assertEquals(List.of(5), luns(initiator));
            assertEquals(List.of(POWER_ON), initiator.clearUnitAttentions(5));
            assertArrayEquals(data, initiator.read(5, Cdb.read10(0, 8), 4096).data());
        }
    }

    @Test
    void targetIsAddedDiscoveredAndTakenOut() throws Exception {
        String name = "iqn.2026-11.io.lunkeeper:added";
        String text = "  - iqn: " + name + "\n" + LUNS + lun(0, "added.img", "4MiB");
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"));
                RawInitiator initiator = login(server);
                RawInitiator discovery = RawInitiator.connect(server.address())) {
            assertEquals(0, discovery.loginForDiscovery().statusClass());
            assertFalse(targets(discovery).contains(name));
            server.reload("targets:\n", "targets:\n" + text, RELOADED);
            assertTrue(targets(discovery).contains("TargetName=" + name + "\0"));
            assertTrue(targets(discovery).contains("TargetName=" + ServerProcess.IQN + "\0"));
            RawInitiator added = RawInitiator.connect(server.address());
            assertEquals(0, added.login(name).statusClass());
            added.clearUnitAttentions(0);
            assertEquals(4 << 11, blocks(added));
            server.reload(text, "", RELOADED);
            assertTrue(added.isClosedWithin(LIMIT));
            assertFalse(targets(discovery).contains(name));
            try (RawInitiator late = RawInitiator.connect(server.address())) {
                Pdu refused = late.login(name);
                assertEquals(2, refused.statusClass());
                assertEquals(3, refused.statusDetail());
            }
            Path image = server.folder().resolve("added.img");
            Tool.Outcome write =
                    Tool.of("qemu-io", "-f", "raw", "-c", "write 0 4k", image + "")
                            .within(LIMIT)
                            .run();
            assertEquals(0, write.exit(), write.output());
            assertEquals(List.of(), initiator.clearUnitAttentions(0));
            assertEquals(8 << 11, blocks(initiator));
        }
    }

    private static String targets(RawInitiator discovery) throws IOException {
        return discovery.exchange(Request.text("SendTargets=All")).text();
    }

    @Test
    void imageThatCannotBeHadLeavesTheRestServedAndIsWantedAgain() throws Exception {
        String absent = lun(1, "absent.img", "4000TiB");
        String present = lun(2, "present.img", "4MiB");
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"));
                RawInitiator initiator = login(server)) {
            server.reload(
                    LUNS,
                    LUNS + absent + present,
                    "lunkeeper.yaml: reloaded but for what is said above");
            String log = server.log();
            String refusal = "lunkeeper.yaml:7: targets[0].luns[0].image: image ";
            assertTrue(log.contains(refusal), log);
            assertFalse(Files.exists(server.folder().resolve("absent.img")));
            assertEquals(List.of(REPORTED_LUNS_DATA_HAS_CHANGED), initiator.clearUnitAttentions(0));
            assertEquals(List.of(0, 2), luns(initiator));
            server.reload("4000TiB", "4MiB", RELOADED);
            assertEquals(List.of(REPORTED_LUNS_DATA_HAS_CHANGED), initiator.clearUnitAttentions(0));
            assertEquals(List.of(0, 1, 2), luns(initiator));
        }
    }
}
