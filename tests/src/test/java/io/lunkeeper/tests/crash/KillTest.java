package io.lunkeeper.tests.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// `kill -9` in the middle of writing: every acknowledged write is there afterwards, a write in
/// flight is there or not, sector by sector, and nothing else has changed. The same image goes
/// through all rounds.
///
/// `-Dlunkeeper.kill.rounds=N` sets the rounds, `-Dlunkeeper.kill.seed=S` repeats a run: the
/// commands and the moments of death are the same, what the machine makes of them is not.
@Tag("crash")
@ExtendWith(ShowServerLog.class)
class KillTest {
    private static final int LUN = 1;
    private static final int IMAGE_MIB = 64;
    private static final int SECTORS = IMAGE_MIB << 11;
    private static final int READ_SECTORS = 512;

    /// Death comes between these two moments after the first write.
    private static final int SHORTEST_LIFE_MILLIS = 5;

    private static final int LONGEST_LIFE_MILLIS = 600;

    /// The exit status of a process that SIGKILL ended.
    private static final int KILLED = 137;

    private final int rounds = Integer.getInteger("lunkeeper.kill.rounds", 10);
    private final long seed =
            Long.getLong("lunkeeper.kill.seed", new SplittableRandom().nextLong());

    @Test
    void keepsEveryAcknowledgedWriteWhenKilled() throws Exception {
        System.out.printf("KillTest: %d rounds, seed=%d%n", rounds, seed);
        SplittableRandom random = new SplittableRandom(seed);
        SectorLedger ledger = new SectorLedger(SECTORS, seed | 1);
        long version = 1;
        long acknowledged = 0;
        try (ServerProcess server =
                ServerProcess.start(Lun.sized(0, "8MiB"), Lun.sized(LUN, IMAGE_MIB + "MiB"))) {
            verify(server, ledger, "before the first round");
            for (int round = 1; round <= rounds; round++) {
                int life = random.nextInt(SHORTEST_LIFE_MILLIS, LONGEST_LIFE_MILLIS);
                StampedWriter writer =
                        new StampedWriter(
                                StampedWriter.logIn(server, LUN),
                                LUN,
                                ledger,
                                random.split(),
                                version);
                writeUntilKilled(server, writer, life);
                version = writer.version();
                acknowledged += writer.acknowledged();
                server.restart();
                verify(server, ledger, "round " + round + ", killed after " + life + " ms");
            }
        }
        System.out.printf("KillTest: %d acknowledged writes, none lost%n", acknowledged);
        assertTrue(acknowledged > 0, "no write was ever acknowledged");
    }

    private static void writeUntilKilled(ServerProcess server, StampedWriter writer, int life)
            throws InterruptedException {
        AtomicBoolean deathIsDue = new AtomicBoolean();
        Thread death = Thread.ofPlatform().start(() -> killAfter(server, life, deathIsDue));
        try {
            writer.writeForEver();
        } catch (SocketTimeoutException e) {
            throw new AssertionError("the server went silent", e);
        } catch (IOException e) {
            if (!deathIsDue.get()) {
                throw new AssertionError("the server broke the connection", e);
            }
        } finally {
            death.join();
        }
        assertEquals(KILLED, server.exitStatus(), "the server died by itself");
    }

    private static void killAfter(ServerProcess server, int millis, AtomicBoolean deathIsDue) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        deathIsDue.set(true);
        server.kill9();
    }

    /// Reads the whole LUN.
    private void verify(ServerProcess server, SectorLedger ledger, String when) throws IOException {
        StringBuilder wrong = new StringBuilder();
        try (RawInitiator reader = StampedWriter.logIn(server, LUN)) {
            for (int sector = 0; sector < SECTORS; sector += READ_SECTORS) {
                int bytes = READ_SECTORS * SectorLedger.SECTOR_BYTES;
                ScsiResult result = reader.read(LUN, Cdb.read16(sector, READ_SECTORS), bytes);
                assertEquals(ScsiResult.GOOD, result.status(), result::toString);
                assertEquals(bytes, result.data().length, result::toString);
                wrong.append(ledger.reconcile(sector, result.data()));
            }
            reader.logout();
        }
        assertEquals("", wrong.toString(), () -> when + ", seed=" + seed);
    }
}
