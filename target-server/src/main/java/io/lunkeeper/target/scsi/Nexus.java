package io.lunkeeper.target.scsi;

/// What a target remembers of one I_T nexus (SAM-5 4.7).
public final class Nexus {
    Nexus() {}
}
