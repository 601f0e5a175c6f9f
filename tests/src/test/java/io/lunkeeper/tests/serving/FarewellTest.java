package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// How sessions end when the server ends or their target is taken out (RFC 7143 11.9.1 AsyncEvent).
@ExtendWith(ShowServerLog.class)
final class FarewellTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int LOGOUT_REQUESTED = 1;
    private static final int SESSION_DROPPED = 3;
    private static final int LOGOUT_SECONDS = 5;

    private static final byte[] DATA = new byte[4096];

    static {
        Arrays.fill(DATA, (byte) 0x5a);
    }

    private static RawInitiator login(ServerProcess server, String target) throws IOException {
        RawInitiator initiator = RawInitiator.connect(server.address());
        assertEquals(0, initiator.login(target).statusClass());
        initiator.clearUnitAttentions(0);
        return initiator;
    }

    private static FutureTask<Void> meanwhile(Runnable work) {
        FutureTask<Void> task = new FutureTask<>(work, null);
        Thread.ofPlatform().daemon().start(task);
        return task;
    }

    private static void await(FutureTask<Void> task) throws Exception {
        task.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    }

    private static void assertEvent(int event, int parameter2, int parameter3, Pdu message) {
        assertEquals(Pdu.ASYNCHRONOUS_MESSAGE, message.opcode());
        assertEquals(event, message.asyncEvent());
        assertEquals(Pdu.NO_TAG, message.initiatorTaskTag());
        assertEquals(parameter2, message.u16(40));
        assertEquals(parameter3, message.u16(42));
    }

    /// What the initiator still has to write it writes, and the server ends when the last one is
    /// gone.
    @Test
    void serverThatEndsWaitsForLogouts() throws Exception {
        ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"));
        try (RawInitiator one = login(server, ServerProcess.IQN);
                RawInitiator other = login(server, ServerProcess.IQN)) {
            Request begun = Request.scsiCommand(0, Cdb.write10(8, 8)).writes(DATA.length);
            one.send(begun);
            Pdu r2t = one.receive();
            FutureTask<Void> end = meanwhile(server::stop);
            assertEvent(LOGOUT_REQUESTED, 0, LOGOUT_SECONDS, one.receive());
            assertEvent(LOGOUT_REQUESTED, 0, LOGOUT_SECONDS, other.receive());
            one.answer(r2t, DATA);
            assertEquals(ScsiResult.GOOD, one.receive().status());
            assertEquals(ScsiResult.GOOD, one.write(0, Cdb.write10(0, 8), DATA).status());
            assertEquals(0, one.logout().response());
            assertEquals(0, other.logout().response());
            await(end);
            assertEquals(0, server.exitStatus());
            byte[] image = Files.readAllBytes(server.image(0));
            assertArrayEquals(DATA, Arrays.copyOf(image, 4096));
            assertArrayEquals(DATA, Arrays.copyOfRange(image, 4096, 8192));
            assertTrue(server.log().contains("disconnected: logged out"));
        } finally {
            server.close();
        }
    }

    @Test
    void serverThatEndsDropsWhoDoesNotLogOut() throws Exception {
        ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"));
        try (RawInitiator initiator = login(server, ServerProcess.IQN)) {
            assertEquals(ScsiResult.GOOD, initiator.write(0, Cdb.write10(0, 8), DATA).status());
            FutureTask<Void> end = meanwhile(server::stop);
            assertEvent(LOGOUT_REQUESTED, 0, LOGOUT_SECONDS, initiator.receive());
            int timeToWait = initiator.number("DefaultTime2Wait", 2);
            assertEvent(SESSION_DROPPED, timeToWait, 0, initiator.receive());
            assertTrue(initiator.isClosedWithin(LIMIT));
            await(end);
            assertEquals(0, server.exitStatus());
            assertArrayEquals(DATA, Arrays.copyOf(Files.readAllBytes(server.image(0)), 4096));
        } finally {
            server.close();
        }
    }

    /// Those of other targets hear nothing.
    @Test
    void targetThatIsTakenOutWaitsForLogouts() throws Exception {
        String name = "iqn.2026-11.io.lunkeeper:added";
        String text =
                "  - iqn: %s\n    luns:\n      - { lun: 0, image: added.img, size: 4MiB }\n"
                        .formatted(name);
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"));
                RawInitiator neighbour = login(server, ServerProcess.IQN)) {
            server.reload("targets:\n", "targets:\n" + text, "lunkeeper.yaml: reloaded\n");
            try (RawInitiator leaving = login(server, name);
                    RawInitiator staying = login(server, name)) {
                FutureTask<Void> reload =
                        meanwhile(() -> server.reload(text, "", "lunkeeper.yaml: reloaded\n"));
                assertEvent(LOGOUT_REQUESTED, 0, LOGOUT_SECONDS, leaving.receive());
                assertEquals(ScsiResult.GOOD, leaving.write(0, Cdb.write10(0, 8), DATA).status());
                assertEquals(0, leaving.logout().response());
                assertEvent(LOGOUT_REQUESTED, 0, LOGOUT_SECONDS, staying.receive());
                assertEquals(SESSION_DROPPED, staying.receive().asyncEvent());
                assertTrue(staying.isClosedWithin(LIMIT));
                await(reload);
            }
            byte[] image = Files.readAllBytes(server.folder().resolve("added.img"));
            assertArrayEquals(DATA, Arrays.copyOf(image, 4096));
            assertEquals(ScsiResult.GOOD, neighbour.read(0, Cdb.testUnitReady(), 0).status());
            assertTrue(neighbour.takeUnsolicited().isEmpty());
        }
    }

    /// libiscsi under QEMU logs out when it is asked to, and comes back when the server does.
    @Test
    @Tag("qemu")
    void qemuLogsOutAndComesBack() throws Exception {
        try (ServerProcess server = ServerProcess.start(Lun.sized(0, "8MiB"))) {
            Process qemu =
                    new ProcessBuilder("qemu-io", "-f", "raw", "-t", "none", server.url(0))
                            .redirectErrorStream(true)
                            .start();
            qemu.onExit()
                    .orTimeout(4 * LIMIT.toSeconds(), TimeUnit.SECONDS)
                    .exceptionally(_ -> qemu.destroyForcibly());
            try (PrintStream commands = new PrintStream(qemu.getOutputStream(), true);
                    BufferedReader answers = qemu.inputReader()) {
                commands.println("write -P 90 0 1M");
                awaitLine(answers, "wrote 1048576/1048576");
                server.stop();
                assertTrue(server.log().contains("disconnected: logged out"), server.log());
                server.restart();
                commands.println("read -P 90 0 1M");
                awaitLine(answers, "read 1048576/1048576");
                commands.println("quit");
                assertTrue(qemu.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS));
            } finally {
                qemu.destroyForcibly();
            }
        }
    }

    private static void awaitLine(BufferedReader lines, String wanted) throws IOException {
        StringBuilder all = new StringBuilder();
        String line = lines.readLine();
        while (line != null && !line.contains(wanted)) {
            all.append(line).append('\n');
            line = lines.readLine();
        }
        assertTrue(line != null, () -> "ended without: " + wanted + "\n" + all);
    }
}
