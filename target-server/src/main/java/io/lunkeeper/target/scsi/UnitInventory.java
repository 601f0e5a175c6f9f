package io.lunkeeper.target.scsi;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import org.jscsi.target.scsi.lun.LogicalUnitNumber;
import org.jscsi.target.scsi.lun.ReportLunsParameterData;
import org.jspecify.annotations.Nullable;

/// The logical unit inventory of a target at one moment. Immutable: who looks at it needs no lock.
///
/// A logical unit that is taken out is still known until its last task has come to rest: commands
/// do not find it any more, its tasks do. Its number and its index are free after that.
final class UnitInventory {
    static final UnitInventory EMPTY = new UnitInventory(new LogicalUnit[0], new LogicalUnit[0]);

    /// By number, as the next; as long as each other.
    private final @Nullable LogicalUnit[] present;

    private final @Nullable LogicalUnit[] known;

    private UnitInventory(@Nullable LogicalUnit[] present, @Nullable LogicalUnit[] known) {
        this.present = present;
        this.known = known;
    }

    /// The same and one more, whose number and index are free.
    UnitInventory with(LogicalUnit unit) {
        int number = unit.number();
        int length = Math.max(known.length, number + 1);
        @Nullable LogicalUnit[] nowPresent = Arrays.copyOf(present, length);
        @Nullable LogicalUnit[] nowKnown = Arrays.copyOf(known, length);
        assert nowKnown[number] == null : number;
        nowPresent[number] = unit;
        nowKnown[number] = unit;
        return new UnitInventory(nowPresent, nowKnown);
    }

    /// The same, but no command finds the logical unit of this number.
    UnitInventory withdrawing(int number) {
        @Nullable LogicalUnit[] nowPresent = present.clone();
        nowPresent[number] = null;
        return new UnitInventory(nowPresent, known);
    }

    /// The same without one that was withdrawn.
    UnitInventory without(int number) {
        assert present[number] == null : number;
        @Nullable LogicalUnit[] nowKnown = known.clone();
        nowKnown[number] = null;
        return new UnitInventory(present, nowKnown);
    }

    /// The logical unit that a command for this LUN field finds.
    @Nullable LogicalUnit present(long lun) {
        return at(present, LunField.number(lun));
    }

    /// The logical unit of this number that commands find.
    @Nullable LogicalUnit numbered(int number) {
        return at(present, number);
    }

    /// The logical unit whose tasks have this LUN field.
    @Nullable LogicalUnit known(long lun) {
        return at(known, LunField.number(lun));
    }

    private static @Nullable LogicalUnit at(@Nullable LogicalUnit[] units, int number) {
        return number == LunField.NONE || number >= units.length ? null : units[number];
    }

    /// Those that commands find, in ascending order of their numbers.
    List<LogicalUnit> units() {
        return Arrays.stream(present).filter(Objects::nonNull).toList();
    }

    /// Those of them that are seen.
    List<LogicalUnit> units(LunMap seen) {
        return units().stream().filter(seen::shows).toList();
    }

    /// How many indexes there are at least, used or not: every one used is below.
    int indexes() {
        return indexesUsed().length();
    }

    /// The lowest index that nobody has.
    int freeIndex() {
        return indexesUsed().nextClearBit(0);
    }

    private BitSet indexesUsed() {
        BitSet used = new BitSet();
        for (LogicalUnit unit : known) {
            if (unit != null) {
                used.set(unit.index());
            }
        }
        return used;
    }

    /// What REPORT LUNS says, in ascending order.
    ReportLunsParameterData reportLuns(LunMap seen) {
        return new ReportLunsParameterData(
                units(seen).stream()
                        .mapToInt(seen::number)
                        .sorted()
                        .mapToObj(number -> new LogicalUnitNumber(LunField.of(number)))
                        .toArray(LogicalUnitNumber[]::new));
    }

    /// Has a nexus told something of the logical unit that `lun` addresses, if there is one.
    void post(long lun, Nexus nexus, PendingCondition condition) {
        LogicalUnit unit = present(lun);
        if (unit != null) {
            nexus.pending(unit.index()).post(condition);
        }
    }
}
