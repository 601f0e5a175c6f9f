package io.lunkeeper.target.scsi;

import java.util.Locale;
import java.util.stream.Stream;

/// What a target remembers of one I_T nexus (SAM-5 4.7): what it has not been told yet, and what it
/// wrote into buffers.
public final class Nexus {
    private final String initiatorPortName;
    private final PendingConditions[] pending;
    private final TransferBuffers buffers = new TransferBuffers();

    Nexus(String initiatorPortName, int units) {
        this.initiatorPortName = initiatorPortName;
        this.pending =
                Stream.generate(PendingConditions::new)
                        .limit(units)
                        .toArray(PendingConditions[]::new);
        for (PendingConditions ofUnit : pending) {
            ofUnit.post(PendingCondition.POWER_ON_OR_RESET);
        }
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
