package io.lunkeeper.tests.crash;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.ServerProcess;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.random.RandomGenerator;

/// Writes stamped sectors at random places with many commands in flight, never two on the same
/// sector, and tells the ledger of every acknowledgement as it arrives.
final class StampedWriter {
    private static final int DEPTH = 24;

    /// Up to 128 KiB, so that small writes travel as immediate data and large ones need R2Ts when
    /// the target has not taken them unsolicited.
    private static final int MAX_SECTORS = 256;

    /// One command in twelve is an UNMAP: its sectors become version 0.
    private static final int UNMAP_ONE_IN = 12;

    private record Task(int sector, int count, boolean isUnmap, long version) {
        byte[] data(SectorLedger ledger) {
            return isUnmap
                    ? Cdb.unmapParameters(sector, count)
                    : ledger.content(sector, count, version);
        }

        byte[] cdb(byte[] data) {
            return isUnmap ? Cdb.unmap(data.length) : Cdb.write16(sector, count);
        }
    }

    private final RawInitiator initiator;
    private final int lun;
    private final SectorLedger ledger;
    private final RandomGenerator random;
    private final Map<Integer, Task> inFlight = new HashMap<>();
    private long version;
    private long acknowledged;

    StampedWriter(
            RawInitiator initiator,
            int lun,
            SectorLedger ledger,
            RandomGenerator random,
            long firstVersion) {
        this.initiator = initiator;
        this.lun = lun;
        this.ledger = ledger;
        this.random = random;
        this.version = firstVersion;
    }

    /// The next version that is free.
    long version() {
        return version;
    }

    long acknowledged() {
        return acknowledged;
    }

    static RawInitiator logIn(ServerProcess server, int lun) throws IOException {
        RawInitiator initiator = RawInitiator.connect(server.address());
        Pdu response =
                initiator.login(ServerProcess.IQN, "FirstBurstLength=65536", "InitialR2T=No");
        if (response.statusClass() != 0) {
            throw new AssertionError("login refused: " + response);
        }
        initiator.clearUnitAttentions(lun);
        return initiator;
    }

    /// Writes until the connection breaks or the target answers with something else than success.
    ///
    /// @throws IOException when the connection broke: what is wanted
    void writeForEver() throws IOException {
        while (true) {
            while (inFlight.size() < DEPTH) {
                issue();
            }
            Pdu pdu = initiator.receive();
            if (initiator.absorb(pdu)) {
                continue;
            }
            Task task = inFlight.get(pdu.initiatorTaskTag());
            if (task == null) {
                throw new AssertionError("answer to nothing: " + pdu);
            }
            switch (pdu.opcode()) {
                case Pdu.READY_TO_TRANSFER -> initiator.answer(pdu, task.data(ledger));
                case Pdu.SCSI_RESPONSE -> settle(pdu, task);
                default -> throw new AssertionError("unexpected " + pdu);
            }
        }
    }

    private void issue() throws IOException {
        int count = 1 + random.nextInt(random.nextBoolean() ? 8 : MAX_SECTORS);
        int sector = random.nextInt(ledger.sectors() - count);
        if (random.nextInt(4) != 0) {
            sector &= ~7;
        }
        if (!ledger.isIdle(sector, count)) {
            return;
        }
        boolean unmap = random.nextInt(UNMAP_ONE_IN) == 0;
        Task task = new Task(sector, count, unmap, unmap ? 0 : version++);
        ledger.begin(sector, count, task.version());
        byte[] data = task.data(ledger);
        Request command = Request.scsiCommand(lun, task.cdb(data)).writes(data.length);
        inFlight.put(initiator.sendCommand(command, data), task);
    }

    private void settle(Pdu response, Task task) {
        if (response.response() != 0 || response.status() != ScsiResult.GOOD) {
            throw new AssertionError("write refused: " + response);
        }
        inFlight.remove(response.initiatorTaskTag());
        ledger.acknowledge(task.sector(), task.count());
        acknowledged++;
    }
}
