package io.lunkeeper.tests.initiator;

import java.util.HexFormat;

/// How a SCSI command ended.
public final class ScsiResult {
    /// SAM-5 5.3.1 Status codes.
    public static final int GOOD = 0x00;

    public static final int CHECK_CONDITION = 0x02;
    public static final int BUSY = 0x08;
    public static final int RESERVATION_CONFLICT = 0x18;
    public static final int TASK_SET_FULL = 0x28;
    public static final int ACA_ACTIVE = 0x30;
    public static final int TASK_ABORTED = 0x40;

    private final Pdu last;
    private final byte[] data;

    ScsiResult(Pdu last, byte[] data) {
        this.last = last;
        this.data = data;
    }

    /// How a command without Data-In ended, by the PDU that carried its status.
    public static ScsiResult of(Pdu last) {
        return new ScsiResult(last, new byte[0]);
    }

    /// The SCSI status.
    public int status() {
        return last.status();
    }

    /// The iSCSI response (RFC 7143 11.4.3 Response); 0 when Data-In carried the status.
    public int response() {
        return last.opcode() == Pdu.SCSI_RESPONSE ? last.response() : 0;
    }

    /// What the target sent, as long as the last byte it placed.
    public byte[] data() {
        return data.clone();
    }

    /// The PDU that carried the status.
    public Pdu last() {
        return last;
    }

    /// Positive: bytes that were expected and did not move. Negative: bytes that the command had
    /// beyond what was expected.
    public int residual() {
        if (last.isUnderflow()) {
            return last.residualCount();
        }
        return last.isOverflow() ? -last.residualCount() : 0;
    }

    /// The sense data; empty without any (RFC 7143 11.4.7 Data Segment - Sense and Response Data).
    public byte[] sense() {
        byte[] segment = last.data();
        if (last.opcode() != Pdu.SCSI_RESPONSE || segment.length < 2) {
            return new byte[0];
        }
        int length = (segment[0] & 0xff) << 8 | (segment[1] & 0xff);
        byte[] sense = new byte[Math.min(length, segment.length - 2)];
        System.arraycopy(segment, 2, sense, 0, sense.length);
        return sense;
    }

    /// Sense key, additional sense code and qualifier as `0x052000`; -1 without sense data (SPC-4
    /// 4.5 Sense data, fixed and descriptor format).
    public int senseCode() {
        byte[] sense = sense();
        if (sense.length < 4) {
            return -1;
        }
        if ((sense[0] & 0x7f) >= 0x72) {
            return (sense[1] & 0x0f) << 16 | (sense[2] & 0xff) << 8 | (sense[3] & 0xff);
        }
        if (sense.length < 14) {
            return (sense[2] & 0x0f) << 16;
        }
        return (sense[2] & 0x0f) << 16 | (sense[12] & 0xff) << 8 | (sense[13] & 0xff);
    }

    @Override
    public String toString() {
        return "response 0x%02x, status 0x%02x, sense %s, %d bytes, residual %d"
                .formatted(
                        response(),
                        status(),
                        HexFormat.of().formatHex(sense()),
                        data.length,
                        residual());
    }
}
