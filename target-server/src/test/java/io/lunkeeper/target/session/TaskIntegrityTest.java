package io.lunkeeper.target.session;

import static io.lunkeeper.target.session.Initiator.ABORT_TASK;
import static io.lunkeeper.target.session.Initiator.LENGTH;
import static io.lunkeeper.target.session.Initiator.SIMPLE;
import static io.lunkeeper.target.session.Initiator.WRITE;
import static io.lunkeeper.target.session.Reply.GOOD;
import static io.lunkeeper.target.session.Reply.REJECTED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Requests that name a task and say something else of it than its command did (RFC 7143 4.2.5.3
/// Tags and Integrity Checks).
class TaskIntegrityTest {
    private static final int INVALID_PDU_FIELD = 9;
    private static final long LUN_0 = 0;

    @TempDir Path directory;

    @AutoClose("closeEmpty")
    private SessionRig rig;

    @BeforeEach
    void serve() throws Exception {
        rig = new SessionRig(directory);
    }

    /// 11.17.1 Reason, note 2: a LUN that qualifies a Target Transfer Tag. 7.3 Usage of Reject PDU
    /// in Recovery: the task is not terminated by that.
    @Test
    void dataForAnotherLunIsRejectedAndTheTaskGoesOn() throws Exception {
        Initiator initiator = rig.loginPatient();
        int write = initiator.beginWrite(SIMPLE, 1);
        int transfer = initiator.transferTag(write);
        RejectedPduException refused =
                assertThrows(
                        RejectedPduException.class,
                        () -> initiator.data(LUN_0, write, transfer, 0, 0, new byte[LENGTH], true));
        assertEquals(INVALID_PDU_FIELD, refused.reason());
        initiator.finishWrite(write);
    }

    /// 11.7.4 Target Transfer Tag and LUN: the field is reserved then, and reserved fields are not
    /// looked at.
    @Test
    void unsolicitedDataHasNoLun() throws Exception {
        Initiator initiator = rig.login();
        int write = initiator.send(SIMPLE, 1, WRITE, LENGTH, new byte[512], false);
        byte[] rest = new byte[LENGTH - 512];
        initiator.data(7L << 48, write, 0xffffffff, 0, 512, rest, true);
        assertEquals(GOOD, initiator.await(write));
    }

    @Test
    void aTaskOfAnotherLunIsNotAborted() throws Exception {
        Initiator initiator = rig.loginPatient();
        int write = initiator.beginWrite(SIMPLE, 1);
        assertEquals(REJECTED, initiator.await(initiator.manage(ABORT_TASK, 0, write)));
        initiator.finishWrite(write);
    }
}
