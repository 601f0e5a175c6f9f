package io.lunkeeper.target.scsi;

/// How sense data is laid out (SPC-4 4.5 Sense data).
enum SenseFormat {
    FIXED,
    DESCRIPTOR
}
