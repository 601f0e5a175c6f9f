package io.lunkeeper.target.scsi;

import java.util.BitSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Which logical units of a target an initiator sees. To one that does not see a logical unit there
/// is none. Immutable.
public final class LunMask {
    /// All, whichever come and go.
    public static final LunMask ALL = new LunMask(null);

    /// By number; null: all.
    private final @Nullable BitSet numbers;

    private LunMask(@Nullable BitSet numbers) {
        this.numbers = numbers;
    }

    /// Those with one of these numbers.
    ///
    /// @param numbers each 0 to 16383; none of them: all
    public static LunMask of(Set<Integer> numbers) {
        if (numbers.isEmpty()) {
            return ALL;
        }
        BitSet set = new BitSet();
        numbers.forEach(set::set);
        return new LunMask(set);
    }

    /// Whether nothing is hidden.
    boolean hidesNothing() {
        return numbers == null;
    }

    /// Whether it may address what a LUN field addresses.
    boolean shows(long lun) {
        if (numbers == null) {
            return true;
        }
        int number = LunField.number(lun);
        return number != LunField.NONE && numbers.get(number);
    }

    boolean shows(LogicalUnit unit) {
        return numbers == null || numbers.get(unit.number());
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof LunMask mask && Objects.equals(numbers, mask.numbers);
    }

    @Override
    public int hashCode() {
        return Objects.hashCode(numbers);
    }
}
