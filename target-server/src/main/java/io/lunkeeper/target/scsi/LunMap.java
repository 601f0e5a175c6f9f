package io.lunkeeper.target.scsi;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Which logical units of a target an initiator sees, and under which numbers (SAM-5 4.7 Logical
/// unit number: what a number means is for each I_T nexus to itself). To one that does not see a
/// logical unit there is none. Immutable.
public final class LunMap {
    /// All by their own numbers, whichever come and go.
    public static final LunMap ALL = new LunMap(null);

    /// The numbers of the logical units by those that they are seen under; null: all as they are.
    private final @Nullable Map<Integer, Integer> units;

    /// The other way round.
    private final Map<Integer, Integer> numbers = new HashMap<>();

    private LunMap(@Nullable Map<Integer, Integer> units) {
        this.units = units;
        if (units != null) {
            units.forEach((seenAs, unit) -> numbers.put(unit, seenAs));
            assert numbers.size() == units.size() : "one under two numbers: " + units;
        }
    }

    /// Those that are named.
    ///
    /// @param units the numbers of logical units, no two the same, by those that they are seen
    ///   under; all 0 to 16383; none: all by their own numbers
    public static LunMap of(Map<Integer, Integer> units) {
        return units.isEmpty() ? ALL : new LunMap(Map.copyOf(units));
    }

    /// Whether nothing is hidden.
    boolean hidesNothing() {
        return units == null;
    }

    /// The LUN field of the logical unit that an initiator addresses by this one; that of none when
    /// it sees none there.
    long unit(long lun) {
        if (units == null) {
            return lun;
        }
        int number = LunField.number(lun);
        Integer unit = units.get(number);
        if (unit == null) {
            return DeviceServer.NO_UNIT;
        }
        return unit == number ? lun : LunField.of(unit);
    }

    boolean shows(LogicalUnit unit) {
        return units == null || numbers.containsKey(unit.number());
    }

    /// The number that a logical unit is seen under.
    int number(LogicalUnit unit) {
        return numbers.getOrDefault(unit.number(), unit.number());
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof LunMap map && Objects.equals(units, map.units);
    }

    @Override
    public int hashCode() {
        return Objects.hashCode(units);
    }
}
