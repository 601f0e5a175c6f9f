package io.lunkeeper.target.scsi;

/// How much a third-party copy may ask for: reported by RECEIVE COPY OPERATING PARAMETERS and in
/// the Third-party Copy VPD page, and enforced. Each bounds the memory that one command takes.
final class CopyLimits {
    static final int MAX_CSCD_DESCRIPTORS = 16;
    static final int MAX_SEGMENT_DESCRIPTORS = 64;
    static final int CSCD_DESCRIPTOR_BYTES = 32;
    static final int SEGMENT_DESCRIPTOR_BYTES = 28;

    /// All descriptors of one list together.
    static final int MAX_LIST_BYTES =
            MAX_CSCD_DESCRIPTORS * CSCD_DESCRIPTOR_BYTES
                    + MAX_SEGMENT_DESCRIPTORS * SEGMENT_DESCRIPTOR_BYTES;

    /// More than the 65,535 blocks that a segment descriptor can name are, of 4 KiB each.
    static final int MAX_SEGMENT_BYTES = 1 << 28;

    /// Copies of one I_T nexus at a time: each may keep an I/O thread busy.
    static final int MAX_CONCURRENT_COPIES = 32;

    /// Range descriptors of POPULATE TOKEN and WRITE USING TOKEN.
    static final int MAX_RANGES = 64;

    /// What one token stands for, and one WRITE USING TOKEN writes: a second of a fast disk, within
    /// the time that initiators give a command.
    static final long MAX_TOKEN_BYTES = 256L << 20;

    /// What one of these is best asked for.
    static final long OPTIMAL_TOKEN_BYTES = 64L << 20;

    /// How long a token may lie unused.
    static final int MAX_TOKEN_SECONDS = 600;

    static final int DEFAULT_TOKEN_SECONDS = 60;
    static final int MIN_TOKEN_SECONDS = 1;

    private CopyLimits() {}
}
