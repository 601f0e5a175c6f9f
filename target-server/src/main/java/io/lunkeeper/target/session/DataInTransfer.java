package io.lunkeeper.target.session;

import io.lunkeeper.target.scsi.Outcome.DataSource;

/// The progress of one command's data towards the initiator (RFC 7143 11.7 SCSI Data-In): cut into
/// PDUs of the initiator's MaxRecvDataSegmentLength and sequences of MaxBurstLength, in order. Pure
/// state, confined to the session's thread.
final class DataInTransfer {
    /// One PDU's data at most: larger ones would push each other out of the processor's cache
    /// between the read from the file and the write to the socket.
    static final int MAX_SEGMENT_BYTES = 256 << 10;

    private final DataSource source;
    private final long lengthBytes;
    private int segmentBytes;
    private final int burstBytes;
    private long position;
    private int burstPosition;
    private int dataSn;

    /// @param lengthBytes what is really sent: the smaller of the command's and the initiator's
    ///   expected length
    DataInTransfer(DataSource source, long lengthBytes, int maxSegmentBytes, int maxBurstBytes) {
        this.source = source;
        this.lengthBytes = lengthBytes;
        this.segmentBytes = Math.min(maxSegmentBytes, MAX_SEGMENT_BYTES);
        this.burstBytes = maxBurstBytes;
    }

    DataSource source() {
        return source;
    }

    /// Where the next PDU's data begins.
    long position() {
        return position;
    }

    /// The DataSN of the next PDU, thus also the number of PDUs sent: ExpDataSN of the response.
    int dataSn() {
        return dataSn;
    }

    /// Bytes of the next PDU's data.
    int nextBytes() {
        int fits = Math.min(segmentBytes, burstBytes - burstPosition);
        return (int) Math.min(fits, lengthBytes - position);
    }

    /// The next PDU is sent.
    void sent(int bytes) {
        position += bytes;
        burstPosition += bytes;
        dataSn++;
        if (burstPosition == burstBytes || position == lengthBytes) {
            burstPosition = 0;
        }
    }

    /// Whether the PDU that was sent last was the last of its sequence: the F bit.
    boolean endsSequence() {
        return burstPosition == 0;
    }

    /// Where the sequence ends that the next PDU is part of.
    long sequenceEnd() {
        return Math.min(position - burstPosition + burstBytes, lengthBytes);
    }

    /// What was sent has been cut anew (RFC 7143 11.16.3 Resegmentation).
    ///
    /// @param nextDataSn how many PDUs that has made of it
    /// @param maxSegmentBytes the most that goes into a PDU from now on
    void resegment(int nextDataSn, int maxSegmentBytes) {
        dataSn = nextDataSn;
        segmentBytes = Math.min(maxSegmentBytes, MAX_SEGMENT_BYTES);
    }

    boolean finished() {
        return position == lengthBytes;
    }
}
