package io.lunkeeper.target.scsi;

import org.jscsi.target.scsi.sense.AdditionalSenseCodeAndQualifier;

/// What a logical unit must tell a nexus before it runs the next command, in the order of
/// precedence of SAM-5 5.14 Unit attention conditions: resets first.
enum UnitAttention {
    /// The nexus is new, or the whole target was reset.
    POWER_ON_OR_RESET(
            1, AdditionalSenseCodeAndQualifier.POWER_ON_RESET_OR_BUS_DEVICE_RESET_OCCURRED),
    /// LOGICAL UNIT RESET.
    LOGICAL_UNIT_RESET(2, AdditionalSenseCodeAndQualifier.BUS_DEVICE_RESET_FUNCTION_OCCURRED),
    /// Logical units came or went.
    REPORTED_LUNS_DATA_HAS_CHANGED(
            4, AdditionalSenseCodeAndQualifier.REPORTED_LUNS_DATA_HAS_CHANGED),
    /// The logical unit has another size.
    CAPACITY_DATA_HAS_CHANGED(8, AdditionalSenseCodeAndQualifier.CAPACITY_DATA_HAS_CHANGED),
    /// CLEAR TASK SET from elsewhere.
    COMMANDS_CLEARED_BY_ANOTHER_INITIATOR(
            16, AdditionalSenseCodeAndQualifier.COMMANDS_CLEARED_BY_ANOTHER_INITIATOR);

    private final int bit;
    private final AdditionalSenseCodeAndQualifier additionalSense;

    UnitAttention(int bit, AdditionalSenseCodeAndQualifier additionalSense) {
        this.bit = bit;
        this.additionalSense = additionalSense;
    }

    /// One bit in a set of conditions, the most urgent lowest.
    int bit() {
        return bit;
    }

    AdditionalSenseCodeAndQualifier additionalSense() {
        return additionalSense;
    }
}
