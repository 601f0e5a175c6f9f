package io.lunkeeper.tests.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import java.io.IOException;
import java.nio.ByteBuffer;

/// How a LUN manages its tasks, as MODE SELECT(6) says it (SPC-4 7.5.8 Control mode page).
///
/// @param shared whether all nexuses have one task set (TST=000b), or each its own (001b)
/// @param queueError QERR
/// @param abortedStatus TAS
record ControlMode(boolean shared, int queueError, boolean abortedStatus) {
    static final int ABORT_ALL = 1;
    static final int ABORT_OWN = 3;

    private static final byte[] MODE_SELECT = {0x15, 0x10, 0, 0, 16, 0};
    private static final int LUN_RESET = 5;

    /// One task set for all, and nothing else that is not the default.
    static final ControlMode ONE_TASK_SET = new ControlMode(true, 0, false);

    /// Selects it; the others hear of that.
    void select(int lun, RawInitiator by, RawInitiator... others) throws IOException {
        ByteBuffer list = ByteBuffer.allocate(16).putShort(4, (short) 0x0a0a);
        list.put(6, (byte) (shared ? 0 : 0x20)).put(7, (byte) (0x10 | queueError << 1));
        list.put(9, (byte) (abortedStatus ? 0x40 : 0)).putShort(12, (short) 0xffff);
        assertEquals(0, by.write(lun, MODE_SELECT, list.array()).status());
        for (RawInitiator other : others) {
            other.clearUnitAttentions(lun);
        }
    }

    /// Brings the default back by a reset, which ends what is under way, too.
    static void reset(int lun, RawInitiator by) throws IOException {
        assertEquals(0, by.exchange(Request.taskManagement(LUN_RESET).lun(lun)).response());
    }
}
