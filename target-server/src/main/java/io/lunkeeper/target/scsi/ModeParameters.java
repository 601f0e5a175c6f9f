package io.lunkeeper.target.scsi;

/// The mode parameters of a logical unit that can be changed, for all nexuses together.
///
/// @param writeCache whether an acknowledged write may be lost by power failure (WCE)
/// @param descriptorSense whether sense data comes in descriptor format (D_SENSE)
/// @param writeProtect whether writes are refused (SWP)
/// @param tasks how tasks are managed (TST, QERR, TAS)
/// @param threshold of the space that is left; means nothing where the unit reports none
record ModeParameters(
        boolean writeCache,
        boolean descriptorSense,
        boolean writeProtect,
        TaskControl tasks,
        SpaceThreshold threshold) {}
