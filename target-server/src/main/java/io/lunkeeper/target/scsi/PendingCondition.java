package io.lunkeeper.target.scsi;

import org.jscsi.target.scsi.sense.AdditionalSenseCodeAndQualifier;
import org.jscsi.target.scsi.sense.SenseKey;

/// What a logical unit must tell a nexus before it runs the next command, in the order in which it
/// is told: unit attention conditions by the precedence of SAM-5 5.14 Unit attention conditions,
/// resets first, and then a deferred error (SPC-4 4.5.7 Deferred errors).
enum PendingCondition {
    /// The nexus is new, or the whole target was reset.
    POWER_ON_OR_RESET(
            1,
            Sense.of(
                    SenseKey.UNIT_ATTENTION,
                    AdditionalSenseCodeAndQualifier.POWER_ON_RESET_OR_BUS_DEVICE_RESET_OCCURRED)),
    /// LOGICAL UNIT RESET.
    LOGICAL_UNIT_RESET(
            2,
            Sense.of(
                    SenseKey.UNIT_ATTENTION,
                    AdditionalSenseCodeAndQualifier.BUS_DEVICE_RESET_FUNCTION_OCCURRED)),
    /// Logical units came or went.
    REPORTED_LUNS_DATA_HAS_CHANGED(
            8,
            Sense.of(
                    SenseKey.UNIT_ATTENTION,
                    AdditionalSenseCodeAndQualifier.REPORTED_LUNS_DATA_HAS_CHANGED)),
    /// The logical unit has another size.
    CAPACITY_DATA_HAS_CHANGED(
            16,
            Sense.of(
                    SenseKey.UNIT_ATTENTION,
                    AdditionalSenseCodeAndQualifier.CAPACITY_DATA_HAS_CHANGED)),
    /// CLEAR TASK SET from elsewhere.
    COMMANDS_CLEARED_BY_ANOTHER_INITIATOR(
            32,
            Sense.of(
                    SenseKey.UNIT_ATTENTION,
                    AdditionalSenseCodeAndQualifier.COMMANDS_CLEARED_BY_ANOTHER_INITIATOR)),
    /// There is little space left to take. The INFORMATION field says which threshold descriptor
    /// (SBC-3 4.7.3.7.6 Logical block provisioning threshold notification).
    THIN_PROVISIONING_SOFT_THRESHOLD_REACHED(
            64, Sense.THIN_PROVISIONING_SOFT_THRESHOLD.informing(ModePages.THRESHOLD_OFFSET)),
    /// CLEAR of PERSISTENT RESERVE OUT from elsewhere.
    RESERVATIONS_PREEMPTED(
            128,
            Sense.of(
                    SenseKey.UNIT_ATTENTION,
                    AdditionalSenseCodeAndQualifier.RESERVATIONS_PREEMPTED)),
    /// A persistent reservation in which the nexus had part is there no more.
    RESERVATIONS_RELEASED(
            256,
            Sense.of(
                    SenseKey.UNIT_ATTENTION,
                    AdditionalSenseCodeAndQualifier.RESERVATIONS_RELEASED)),
    /// The nexus is registered no more.
    REGISTRATIONS_PREEMPTED(
            512,
            Sense.of(
                    SenseKey.UNIT_ATTENTION,
                    AdditionalSenseCodeAndQualifier.REGISTRATIONS_PREEMPTED)),
    /// MODE SELECT from elsewhere.
    MODE_PARAMETERS_CHANGED(
            1024,
            Sense.of(
                    SenseKey.UNIT_ATTENTION,
                    AdditionalSenseCodeAndQualifier.MODE_PARAMETERS_CHANGED)),
    /// LOG SELECT from elsewhere.
    LOG_PARAMETERS_CHANGED(
            2048,
            Sense.of(
                    SenseKey.UNIT_ATTENTION,
                    AdditionalSenseCodeAndQualifier.LOG_PARAMETERS_CHANGED)),
    /// SET TIMESTAMP from elsewhere.
    TIMESTAMP_CHANGED(
            4096,
            Sense.of(SenseKey.UNIT_ATTENTION, AdditionalSenseCodeAndQualifier.TIMESTAMP_CHANGED)),
    /// SET IDENTIFYING INFORMATION from elsewhere.
    DEVICE_IDENTIFIER_CHANGED(
            8192,
            Sense.of(
                    SenseKey.UNIT_ATTENTION,
                    AdditionalSenseCodeAndQualifier.DEVICE_IDENTIFIER_CHANGED)),
    /// SET TARGET PORT GROUPS from elsewhere, or another state in the configuration.
    ASYMMETRIC_ACCESS_STATE_CHANGED(
            16384,
            Sense.of(
                    SenseKey.UNIT_ATTENTION,
                    AdditionalSenseCodeAndQualifier.ASYMMETRIC_ACCESS_STATE_CHANGED)),
    /// A connection of the nexus was lost or logged out, and tasks ended with it.
    COMMANDS_CLEARED_BY_PROTOCOL_EVENT(
            32768,
            Sense.of(
                    SenseKey.UNIT_ATTENTION,
                    AdditionalSenseCodeAndQualifier.SOME_COMMANDS_CLEARED_BY_ISCSI_PROTOCOL_EVENT)),
    /// The logical unit failed, and with it what it had acknowledged may be lost.
    DEFERRED_ERROR(1 << 30, Sense.LOGICAL_UNIT_FAILURE.asDeferred());

    private final int bit;
    private final Sense sense;

    PendingCondition(int bit, Sense sense) {
        this.bit = bit;
        this.sense = sense;
    }

    /// One bit in a set of conditions, the most urgent lowest.
    int bit() {
        return bit;
    }

    /// How it is told.
    Sense sense() {
        return sense;
    }
}
