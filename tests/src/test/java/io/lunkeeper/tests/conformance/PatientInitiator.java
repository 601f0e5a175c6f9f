package io.lunkeeper.tests.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.rig.ServerProcess;
import java.io.IOException;

/// An initiator that is asked for all data of a write, so that a test can keep the write waiting.
final class PatientInitiator {
    /// How much [#beginWrite(RawInitiator, int, int)] writes.
    static final int LENGTH = 4096;

    private PatientInitiator() {}

    /// Logs in, and hears out the unit attentions of these LUNs.
    static RawInitiator login(ServerProcess server, int... luns) throws IOException {
        RawInitiator initiator = RawInitiator.connect(server.address());
        assertEquals(0, initiator.login(ServerProcess.IQN, "InitialR2T=Yes").statusClass());
        for (int lun : luns) {
            initiator.clearUnitAttentions(lun);
        }
        return initiator;
    }

    /// Begins a write that waits for its data, and returns the Ready To Transfer.
    static Pdu beginWrite(RawInitiator initiator, int lun, int lba) throws IOException {
        return begin(initiator, Request.scsiCommand(lun, Cdb.write10(lba, 8)).writes(LENGTH));
    }

    /// The same with a command of the test's own.
    static Pdu begin(RawInitiator initiator, Request write) throws IOException {
        initiator.send(write);
        Pdu r2t = initiator.receive();
        assertEquals(Pdu.READY_TO_TRANSFER, r2t.opcode());
        return r2t;
    }

    /// Sends the data that a write waits for, and finds it written.
    static void finishWrite(RawInitiator initiator, Pdu r2t) throws IOException {
        finishWrite(initiator, r2t, new byte[LENGTH]);
    }

    static void finishWrite(RawInitiator initiator, Pdu r2t, byte[] data) throws IOException {
        initiator.answer(r2t, data);
        expectStatus(initiator, r2t.initiatorTaskTag(), 0);
    }

    /// Receives the response to the command under a tag.
    static void expectStatus(RawInitiator initiator, int tag, int status) throws IOException {
        Pdu response = initiator.receive();
        assertEquals(Pdu.SCSI_RESPONSE, response.opcode());
        assertEquals(tag, response.initiatorTaskTag());
        assertEquals(status, response.status());
    }

    /// Finds that nothing comes which would come at once.
    static void ping(RawInitiator initiator) throws IOException {
        for (int i = 0; i < 3; i++) {
            Pdu echo = initiator.exchange(Request.nopOut());
            assertEquals(Pdu.NOP_IN, echo.opcode(), "an answer too early: " + echo);
        }
    }
}
