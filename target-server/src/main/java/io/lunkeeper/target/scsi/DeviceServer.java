package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.LunBackend;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;

/// The device server of one SCSI target device: takes a command for one of its logical units and
/// says what comes of it. Safe from any thread; commands of one [Nexus] come from one thread.
public final class DeviceServer {

    /// The longest parameter list a command may bring: bounds the memory of one task.
    public static final int MAX_PARAMETER_LIST_BYTES = 64 << 10;

    private final String targetName;

    /// A device server for the units given.
    ///
    /// @param targetName the iSCSI name of the target: the seed of every identifier it reports
    /// @param units its logical units
    public DeviceServer(String targetName, List<LogicalUnitSpec> units) {
        this.targetName = targetName;
    }

    /// One logical unit to serve.
    ///
    /// @param lun the number under which it is addressed, 0 to 16383
    /// @param serial the unit serial number; empty: derived from the target's name and the LUN
    public record LogicalUnitSpec(
            int lun,
            LunBackend backend,
            int blockSizeBytes,
            int physicalBlockSizeBytes,
            Optional<String> serial) {}

    /// The iSCSI name of the target.
    public String targetName() {
        return targetName;
    }

    /// Begins a command.
    ///
    /// @param nexus the I_T nexus it came through
    /// @param lun the eight bytes of the LUN field
    /// @param cdb 16 bytes or more, valid during the call
    public Outcome execute(Nexus nexus, long lun, ByteBuf cdb) {
        return Outcome.Status.GOOD;
    }

    /// The sense of an I/O failure: the one place where an exception becomes a status.
    public Outcome.Status failed(long lun, IOException failure) {
        return Outcome.Status.GOOD;
    }

    /// The I/O threads of the logical unit, or of nothing that blocks when there is no such unit.
    public Executor ioThreads(long lun) {
        return Runnable::run;
    }

    /// Whether `lun` addresses a logical unit of this target.
    public boolean hasUnit(long lun) {
        return false;
    }

    /// A new I_T nexus: every logical unit has a POWER ON unit attention for it (SAM-5 5.14).
    public Nexus attach(String initiatorPortName) {
        return new Nexus();
    }

    /// I_T nexus loss (SAM-5 6.3.4): its reservations go, its unit attentions are dropped.
    public void detach(Nexus nexus) {}

    /// Logical unit reset (SAM-5 6.3.3): reservations go, saved state is restored, every nexus but
    /// `cause` gets a unit attention. The tasks have been ended by the caller.
    public void resetUnit(long lun, Nexus cause) {}

    /// CLEAR TASK SET (SAM-5 7.5): tells every nexus but `cause` whose tasks were cleared (COMMANDS
    /// CLEARED BY ANOTHER INITIATOR). The tasks have been ended by the caller.
    public void tasksCleared(long lun, Nexus victim) {}

    /// The status of a command that came with data nobody allowed (RFC 7143 11.4.7.2 Sense Data:
    /// ABORTED COMMAND, unexpected unsolicited data).
    public Outcome.Status unexpectedUnsolicitedData() {
        return Outcome.Status.GOOD;
    }

    /// The status of a command whose data did not come as asked for (RFC 7143 11.4.7.2 Sense Data:
    /// ABORTED COMMAND, incorrect amount of data).
    public Outcome.Status incorrectAmountOfData() {
        return Outcome.Status.GOOD;
    }

    /// The LUN fields of all logical units, in ascending order.
    public List<Long> units() {
        return List.of();
    }
}
