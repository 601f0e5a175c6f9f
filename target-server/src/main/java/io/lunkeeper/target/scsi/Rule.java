package io.lunkeeper.target.scsi;

/// What holds for a command before it is decoded.
enum Rule {
    /// Runs while a unit attention is pending (SAM-5 5.14 Unit attention conditions).
    PASSES_UNIT_ATTENTION,
    /// Runs while another nexus holds a reservation (SPC-2 5.5.1 Reservations overview).
    PASSES_RESERVATION,
    /// Runs whoever holds a persistent reservation (SPC-4 5.13.1, Commands that are allowed in the
    /// presence of various reservations).
    PASSES_PERSISTENT_RESERVATION,
    /// Runs where only writing is reserved.
    LOOKS_ONLY,
    /// Refused while the unit is stopped (SBC-3, START STOP UNIT command).
    NEEDS_READY_UNIT,
    /// Refused when the logical unit is read-only.
    WRITES
}
