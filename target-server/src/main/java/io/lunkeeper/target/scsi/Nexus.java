package io.lunkeeper.target.scsi;

import java.util.stream.Stream;

/// What a target remembers of one I_T nexus (SAM-5 4.7): the unit attentions that it has not seen.
public final class Nexus {
    private final String initiatorPortName;
    private final UnitAttentions[] attentions;

    Nexus(String initiatorPortName, int units) {
        this.initiatorPortName = initiatorPortName;
        this.attentions =
                Stream.generate(UnitAttentions::new).limit(units).toArray(UnitAttentions[]::new);
        for (UnitAttentions ofUnit : attentions) {
            ofUnit.post(UnitAttention.POWER_ON_OR_RESET);
        }
    }

    /// What is pending for the logical unit with this [LogicalUnit#index].
    UnitAttentions attentions(int unitIndex) {
        return attentions[unitIndex];
    }

    /// Drops a condition of every logical unit.
    void clear(UnitAttention condition) {
        for (UnitAttentions ofUnit : attentions) {
            ofUnit.clear(condition);
        }
    }

    /// The name of the initiator port, for logs.
    @Override
    public String toString() {
        return initiatorPortName;
    }
}
