package io.lunkeeper.target.pdu;

/// Where the fields lie that every PDU has, both ways: RFC 7143 11.2.1 Basic Header Segment (BHS).
/// Offsets in bytes from the first byte of the PDU.
final class BasicHeaderSegment {
    static final int BYTES = 48;

    /// Header digest or data digest: a CRC32C.
    static final int DIGEST_BYTES = 4;

    /// Segments are filled up to a multiple of this.
    static final int PAD_BYTES = 4;

    static final int OPCODE = 0;
    static final int OPCODE_MASK = 0x3f;
    static final int IMMEDIATE = 0x40;

    /// The byte of flags whose meaning the opcode decides, its top bit F or T wherever there is
    /// one.
    static final int FLAGS = 1;

    /// TotalAHSLength in words (8 bits), DataSegmentLength in bytes (24 bits).
    static final int LENGTHS = 4;

    static final int AHS_LENGTH_SHIFT = 24;
    static final int AHS_WORD_BYTES = 4;
    static final int DATA_SEGMENT_LENGTH_MASK = 0xffffff;
    static final int LUN = 8;
    static final int INITIATOR_TASK_TAG = 16;
    static final int TARGET_TRANSFER_TAG = 20;

    private BasicHeaderSegment() {}

    /// The length of a segment with its padding.
    static int padded(int bytes) {
        return (bytes + PAD_BYTES - 1) & -PAD_BYTES;
    }
}
