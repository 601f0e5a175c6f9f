package io.lunkeeper.target.scsi;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Which logical units of a target an initiator sees, and under which numbers (SAM-5 4.7 Logical
/// unit number: what a number means is for each I_T nexus to itself). To one that does not see a
/// logical unit there is none. Immutable.
public final class LunMap {
    /// All by their own numbers, whichever come and go.
    public static final LunMap ALL = new LunMap(null);

    /// The numbers of the logical units by those that they are seen under, [LunField#NONE] where
    /// there is none; null: all as they are.
    private final int @Nullable [] units;

    /// The other way round.
    private final Map<Integer, Integer> numbers = new HashMap<>();

    private LunMap(int @Nullable [] units) {
        this.units = units;
    }

    /// Those that are named.
    ///
    /// @param units the numbers of logical units, no two the same, by those that they are seen
    ///   under; all 0 to 16383; none: all by their own numbers
    public static LunMap of(Map<Integer, Integer> units) {
        if (units.isEmpty()) {
            return ALL;
        }
        int[] bySeen = new int[Collections.max(units.keySet()) + 1];
        Arrays.fill(bySeen, LunField.NONE);
        LunMap map = new LunMap(bySeen);
        units.forEach((seenAs, unit) -> {
            bySeen[seenAs] = unit;
            map.numbers.put(unit, seenAs);
        });
        assert map.numbers.size() == units.size() : "one under two numbers: " + units;
        return map;
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
        boolean seen = number != LunField.NONE && number < units.length;
        int unit = seen ? units[number] : LunField.NONE;
        if (unit == LunField.NONE) {
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
        return other instanceof LunMap map && Arrays.equals(units, map.units);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(units);
    }
}
