package io.lunkeeper.target.scsi;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.WeakHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What a target remembers of one I_T nexus (SAM-5 4.7): what it has not been told yet, what it
/// wrote into buffers, and the order of its tasks where it has a task set of its own. What is
/// pending is safe from any thread; commands that ask take no lock.
public final class Nexus {
    /// The iSCSIProtocolLevel with these functions (RFC 7144 4.1).
    private static final int SCSI_FEATURES_UPDATE = 2;

    private final NexusName name;
    private final LunMap luns;
    private final TransferBuffers buffers = new TransferBuffers();

    /// Only of logical units that are still there: they come and go.
    private final Map<LogicalUnit, TaskOrder> ownTaskSets = new WeakHashMap<>();

    private volatile @Nullable TaskHolder tasks;
    private int protocolLevel = 1;

    /// Replaced, never changed.
    private volatile PendingConditions[] pending;

    /// @param luns which logical units it sees
    /// @param indexes every [LogicalUnit#index] is below
    Nexus(NexusName name, LunMap luns, int indexes) {
        this.name = name;
        this.luns = luns;
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

    /// Says where the tasks of this nexus are; there are none before.
    public void tasksAreHeldBy(TaskHolder holder) {
        tasks = holder;
    }

    /// Where the tasks of this nexus are; from any thread.
    @Nullable TaskHolder tasks() {
        return tasks;
    }

    /// The order of the tasks of this nexus alone for a logical unit; on its own thread.
    TaskOrder ownTaskSet(LogicalUnit unit) {
        return ownTaskSets.computeIfAbsent(unit, _ -> new TaskOrder(List::of));
    }

    /// Drops a condition of every logical unit.
    void clear(PendingCondition condition) {
        for (PendingConditions ofUnit : pending) {
            ofUnit.clear(condition);
        }
    }

    /// What was agreed on (RFC 7144 7.1.1 iSCSIProtocolLevel): 1 unless it is said, before its
    /// first command.
    public void protocolLevel(int agreed) {
        protocolLevel = agreed;
    }

    /// The same; on its own thread.
    int protocolLevel() {
        return protocolLevel;
    }

    /// Whether it can send I_T NEXUS RESET and the task management functions that query.
    boolean queries() {
        return protocolLevel >= SCSI_FEATURES_UPDATE;
    }

    /// Which logical units of the target it sees, and under which numbers.
    LunMap luns() {
        return luns;
    }

    /// The LUN field of the logical unit that it addresses by this one; that of
    /// [DeviceServer#NO_UNIT] where it sees none: what it does not see is not there.
    public long unit(long lun) {
        return luns.unit(lun);
    }

    /// Whether every logical unit of the target is there for it.
    public boolean seesAll() {
        return luns.hidesNothing();
    }

    /// The name of an initiator port (RFC 7143 4.2.7 iSCSI Names, 10.1.1): name, `,i,` and ISID.
    public static String portName(String initiatorName, long isid) {
        return String.format(Locale.ROOT, "%s,i,0x%012x", initiatorName, isid);
    }

    /// What tells it from every other nexus.
    NexusName name() {
        return name;
    }

    /// The names of its ports, for logs.
    @Override
    public String toString() {
        return name.toString();
    }
}
