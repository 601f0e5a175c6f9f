package io.lunkeeper.target.scsi;

/// The threshold of the Logical Block Provisioning mode page (SBC-3, Threshold descriptor format):
/// initiators are told when there is less space than it says.
///
/// @param enabled whether they are told at all (ENABLED)
/// @param sets THRESHOLD COUNT, an unsigned 32-bit number of threshold sets
record SpaceThreshold(boolean enabled, long sets) {
    /// The space below which initiators are told; 0: never.
    long bytes() {
        return enabled ? sets * LogicalUnit.THRESHOLD_SET_BYTES : 0;
    }
}
