package io.lunkeeper.target.scsi;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/// What a target remembers of one I_T nexus (SAM-5 4.7): what it has not been told yet, and what it
/// wrote into buffers. What is pending is safe from any thread; commands that ask take no lock.
public final class Nexus {
    private final String initiatorPortName;
    private final TransferBuffers buffers = new TransferBuffers();

    /// Replaced, never changed.
    private volatile PendingConditions[] pending;

    /// @param indexes every [LogicalUnit#index] is below
    Nexus(String initiatorPortName, int indexes) {
        this.initiatorPortName = initiatorPortName;
        this.pending =
                Stream.generate(Nexus::afterPowerOn)
                        .limit(indexes)
                        .toArray(PendingConditions[]::new);
    }

    private static PendingConditions afterPowerOn() {
        PendingConditions conditions = new PendingConditions();
        conditions.post(PendingCondition.POWER_ON_OR_RESET);
        return conditions;
    }

    /// Prepares for a logical unit that nobody can address yet: its power on is pending, and
    /// nothing of who had its index before. One at a time.
    void begin(int unitIndex) {
        PendingConditions[] more = Arrays.copyOf(pending, Math.max(pending.length, unitIndex + 1));
        for (int index = pending.length; index < unitIndex; index++) {
            more[index] = afterPowerOn();
        }
        more[unitIndex] = afterPowerOn();
        pending = more;
    }

    /// Takes the most urgent condition of a logical unit out. That the inventory has changed, all
    /// its logical units have said then (SAM-5 5.14 Unit attention conditions).
    Optional<PendingCondition> take(int unitIndex) {
        Optional<PendingCondition> taken = pending[unitIndex].take();
        if (taken.equals(Optional.of(PendingCondition.REPORTED_LUNS_DATA_HAS_CHANGED))) {
            clear(PendingCondition.REPORTED_LUNS_DATA_HAS_CHANGED);
        }
        return taken;
    }

    /// What is pending for the logical unit with this [LogicalUnit#index].
    PendingConditions pending(int unitIndex) {
        return pending[unitIndex];
    }

    /// What WRITE BUFFER wrote.
    TransferBuffers buffers() {
        return buffers;
    }

    /// Drops a condition of every logical unit.
    void clear(PendingCondition condition) {
        for (PendingConditions ofUnit : pending) {
            ofUnit.clear(condition);
        }
    }

    /// The name of an initiator port (RFC 7143 4.2.7 iSCSI Names, 10.1.1): name, `,i,` and ISID.
    public static String portName(String initiatorName, long isid) {
        return String.format(Locale.ROOT, "%s,i,0x%012x", initiatorName, isid);
    }

    /// The name of the initiator port.
    String port() {
        return initiatorPortName;
    }

    /// The name of the initiator port, for logs.
    @Override
    public String toString() {
        return initiatorPortName;
    }
}
