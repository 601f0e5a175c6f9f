package io.lunkeeper.target.scsi;

import org.jscsi.target.scsi.sense.AdditionalSenseCodeAndQualifier;

/// What a logical unit must tell a nexus before it runs the next command, in the order of
/// precedence of SAM-5 5.14 Unit attention conditions: resets first.
enum UnitAttention {
    /// The nexus is new, or the whole target was reset.
    POWER_ON_OR_RESET(AdditionalSenseCodeAndQualifier.POWER_ON_RESET_OR_BUS_DEVICE_RESET_OCCURRED),
    /// LOGICAL UNIT RESET.
    LOGICAL_UNIT_RESET(AdditionalSenseCodeAndQualifier.BUS_DEVICE_RESET_FUNCTION_OCCURRED),
    /// Logical units came or went.
    REPORTED_LUNS_DATA_HAS_CHANGED(AdditionalSenseCodeAndQualifier.REPORTED_LUNS_DATA_HAS_CHANGED),
    /// The logical unit has another size.
    CAPACITY_DATA_HAS_CHANGED(AdditionalSenseCodeAndQualifier.CAPACITY_DATA_HAS_CHANGED),
    /// CLEAR TASK SET from elsewhere.
    COMMANDS_CLEARED_BY_ANOTHER_INITIATOR(
            AdditionalSenseCodeAndQualifier.COMMANDS_CLEARED_BY_ANOTHER_INITIATOR);

    private final AdditionalSenseCodeAndQualifier additionalSense;

    UnitAttention(AdditionalSenseCodeAndQualifier additionalSense) {
        this.additionalSense = additionalSense;
    }

    AdditionalSenseCodeAndQualifier additionalSense() {
        return additionalSense;
    }
}
