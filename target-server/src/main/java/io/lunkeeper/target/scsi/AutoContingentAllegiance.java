package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import org.jscsi.parser.scsi.SCSIStatus;
import org.jspecify.annotations.Nullable;

/// The ACA conditions of one target: that a command with the NACA bit ended with CHECK CONDITION,
/// and that its task set stands still until whoever sent it has looked to what is wrong (SAM-5 5.9
/// Auto contingent allegiance). Safe from any thread.
///
/// Nearly always there is none, which [#none] says at the cost of one volatile read of a field that
/// nobody writes to. Each session blocks its tasks on its own thread: at once where the condition
/// is its own, and when it is told where it is that of another nexus in the same task set.
public final class AutoContingentAllegiance {
    private static final int NACA = 0x04;

    private final DeviceServer server;

    /// Replaced under this lock, never changed.
    private volatile Map<Key, Condition> conditions = Map.of();

    AutoContingentAllegiance(DeviceServer server) {
        this.server = server;
    }

    private record Key(LogicalUnit unit, Nexus faulted) {}

    /// A condition, in the task set that was in force when it began.
    private static final class Condition {
        /// Whether it stops the tasks of all nexuses (TST).
        final boolean shared;

        /// The command with the ACA attribute that is under way.
        @Nullable Object command;

        Condition(boolean shared) {
            this.shared = shared;
        }
    }

    /// What is done with a new command.
    enum Verdict {
        PROCESS,
        ACA_ACTIVE,
        BUSY,
        /// The ACA attribute, of a nexus that has no condition.
        INVALID_ATTRIBUTE
    }

    /// A new command, as far as it matters here.
    ///
    /// @param aca whether it has the ACA attribute
    /// @param naca its NACA bit
    /// @param preempts whether it is PREEMPT AND ABORT of PERSISTENT RESERVE OUT
    record Newcomer(boolean aca, boolean naca, boolean preempts) {}

    /// Where a new command comes from.
    enum Origin {
        /// There is no condition in its task set.
        UNAFFECTED,
        /// The nexus of a condition, none of whose ACA commands is under way.
        FAULTED,
        /// The same while one is.
        FAULTED_WITH_ACA_COMMAND,
        /// Another nexus of the same task set.
        OTHER
    }

    /// SAM-5 5.9, Handling new commands while an ACA condition is in effect, on the faulted I_T
    /// nexus and on others.
    static Verdict judge(Origin origin, Newcomer command) {
        return switch (origin) {
            case UNAFFECTED -> command.aca() ? Verdict.INVALID_ATTRIBUTE : Verdict.PROCESS;
            case FAULTED -> command.aca() ? Verdict.PROCESS : Verdict.ACA_ACTIVE;
            case FAULTED_WITH_ACA_COMMAND -> Verdict.ACA_ACTIVE;
            case OTHER -> {
                if (command.aca()) {
                    yield Verdict.INVALID_ATTRIBUTE;
                }
                if (command.preempts()) {
                    yield Verdict.PROCESS;
                }
                yield command.naca() ? Verdict.ACA_ACTIVE : Verdict.BUSY;
            }
        };
    }

    /// Whether there is no condition at all.
    public boolean none() {
        return conditions.isEmpty();
    }

    /// Whether the NACA bit of a CDB is one. Where the CONTROL byte is, the group code says (SPC-4
    /// 4.2.5.1 Operation code); where it does not, there is none.
    ///
    /// @param cdb 16 bytes or more
    public static boolean naca(ByteBuf cdb) {
        int start = cdb.readerIndex();
        int operationCode = cdb.getUnsignedByte(start);
        int control =
                switch (operationCode >> 5) {
                    case 0 -> 5;
                    case 1, 2 -> 9;
                    case 3 -> operationCode >= 0x7e ? 1 : 0;
                    case 4 -> 15;
                    case 5 -> 11;
                    default -> 0;
                };
        return control != 0 && (cdb.getByte(start + control) & NACA) != 0;
    }

    /// Judges a new command. On the thread of the nexus.
    ///
    /// @param aca whether it has the ACA attribute; one that may begin is remembered
    /// @param command what [#ended] is called with, when it has the attribute
    /// @return why it may not begin; null when it may
    public Outcome.@Nullable Status refusal(
            Nexus nexus, long lun, boolean aca, ByteBuf cdb, Object command) {
        LogicalUnit unit = server.inventory().present(lun);
        if (unit == null) {
            return null;
        }
        Newcomer newcomer = new Newcomer(aca, naca(cdb), preempts(cdb));
        return switch (judgeAndRemember(unit, nexus, newcomer, command)) {
            case PROCESS -> null;
            case ACA_ACTIVE -> status(SCSIStatus.ACA_ACTIVE);
            case BUSY -> status(SCSIStatus.BUSY);
            case INVALID_ATTRIBUTE -> unit.refuse(Sense.INVALID_MESSAGE_ERROR);
        };
    }

    private static boolean preempts(ByteBuf cdb) {
        return OperationCode.of(cdb.getLong(cdb.readerIndex()))
                == OperationCode.PERSISTENT_RESERVE_OUT_PREEMPT_AND_ABORT;
    }

    private static Outcome.Status status(SCSIStatus status) {
        return new Outcome.Status(status.value() & 0xff, Unpooled.EMPTY_BUFFER);
    }

    private synchronized Verdict judgeAndRemember(
            LogicalUnit unit, Nexus nexus, Newcomer newcomer, Object command) {
        Verdict verdict = judge(origin(unit, nexus), newcomer);
        Condition own = conditions.get(new Key(unit, nexus));
        if (verdict == Verdict.PROCESS && newcomer.aca() && own != null) {
            own.command = command;
        }
        return verdict;
    }

    private Origin origin(LogicalUnit unit, Nexus nexus) {
        Condition own = conditions.get(new Key(unit, nexus));
        if (own != null) {
            return own.command == null ? Origin.FAULTED : Origin.FAULTED_WITH_ACA_COMMAND;
        }
        return stops(unit, nexus) ? Origin.OTHER : Origin.UNAFFECTED;
    }

    private boolean stops(LogicalUnit unit, Nexus nexus) {
        return stops(conditions, unit, nexus);
    }

    private static boolean stops(Map<Key, Condition> conditions, LogicalUnit unit, Nexus nexus) {
        for (Map.Entry<Key, Condition> each : conditions.entrySet()) {
            Key key = each.getKey();
            boolean concerned = each.getValue().shared || key.faulted() == nexus;
            if (key.unit() == unit && concerned) {
                return true;
            }
        }
        return false;
    }

    /// Whether the tasks of a nexus for a logical unit stand still.
    public boolean stops(Nexus nexus, long lun) {
        LogicalUnit unit = server.inventory().known(lun);
        return unit != null && stops(unit, nexus);
    }

    /// A command with the ACA attribute, or with NACA, is about to end with CHECK CONDITION: the
    /// one ends the condition of its nexus, the other begins one. On the thread of the nexus.
    ///
    /// @return false when it must stand still itself, as there is another condition
    public boolean fault(Nexus nexus, long lun, boolean aca, boolean naca) {
        LogicalUnit unit = server.inventory().present(lun);
        if (unit == null) {
            return true;
        }
        boolean another;
        synchronized (this) {
            Map<Key, Condition> next = new HashMap<>(conditions);
            if (aca) {
                next.remove(new Key(unit, nexus));
            }
            another = naca && stops(next, unit, nexus);
            if (naca && !another) {
                next.put(new Key(unit, nexus), new Condition(!unit.mode().tasks().separate()));
            }
            conditions = Map.copyOf(next);
        }
        tellAll();
        return !another;
    }

    /// A command with the ACA attribute has ended.
    public synchronized void ended(Nexus nexus, long lun, Object command) {
        LogicalUnit unit = server.inventory().known(lun);
        Condition own = unit == null ? null : conditions.get(new Key(unit, nexus));
        if (own != null && command.equals(own.command)) {
            own.command = null;
        }
    }

    /// CLEAR ACA (SAM-5 7.3 CLEAR ACA).
    ///
    /// @return false when there is a condition in the task set, but that of another nexus
    public boolean clear(Nexus nexus, long lun) {
        LogicalUnit unit = server.inventory().known(lun);
        if (unit != null) {
            clear((each, faulted) -> each == unit && faulted == nexus);
            return !stops(unit, nexus);
        }
        return true;
    }

    /// A reset, or the end, of a logical unit.
    void clear(LogicalUnit unit) {
        clear((each, _) -> each == unit);
    }

    /// I_T nexus loss.
    void clear(Nexus nexus) {
        clear((_, faulted) -> faulted == nexus);
    }

    /// PREEMPT AND ABORT.
    void clear(LogicalUnit unit, Predicate<Nexus> preempted) {
        clear((each, faulted) -> each == unit && preempted.test(faulted));
    }

    private void clear(BiPredicate<LogicalUnit, Nexus> which) {
        if (none()) {
            return;
        }
        synchronized (this) {
            Map<Key, Condition> next = new HashMap<>(conditions);
            next.keySet().removeIf(key -> which.test(key.unit(), key.faulted()));
            conditions = Map.copyOf(next);
        }
        tellAll();
    }

    private void tellAll() {
        server.taskHolders().forEach(TaskHolder::allegianceChanged);
    }
}
