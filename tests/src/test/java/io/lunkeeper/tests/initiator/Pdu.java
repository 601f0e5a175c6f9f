package io.lunkeeper.tests.initiator;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/// A PDU as it was received: the 48 bytes of its header, read at the offsets that RFC 7143 section
/// 11 (iSCSI PDU Formats) gives them, and its data segment without padding.
///
/// Accessors do not check that the PDU has the field; ask [#opcode] first. Serial numbers and tags
/// are plain ints that wrap.
public final class Pdu {
    /// RFC 7143 11.2.1 Basic Header Segment (BHS).
    public static final int HEADER_BYTES = 48;

    /// RFC 7143 11.2.1.2 Opcode: what initiators send.
    public static final int NOP_OUT = 0x00;

    public static final int SCSI_COMMAND = 0x01;
    public static final int TASK_MANAGEMENT_REQUEST = 0x02;
    public static final int LOGIN_REQUEST = 0x03;
    public static final int TEXT_REQUEST = 0x04;
    public static final int DATA_OUT = 0x05;
    public static final int LOGOUT_REQUEST = 0x06;
    public static final int SNACK_REQUEST = 0x10;

    /// RFC 7143 11.2.1.2 Opcode: what targets send.
    public static final int NOP_IN = 0x20;

    public static final int SCSI_RESPONSE = 0x21;
    public static final int TASK_MANAGEMENT_RESPONSE = 0x22;
    public static final int LOGIN_RESPONSE = 0x23;
    public static final int TEXT_RESPONSE = 0x24;
    public static final int DATA_IN = 0x25;
    public static final int LOGOUT_RESPONSE = 0x26;
    public static final int READY_TO_TRANSFER = 0x31;
    public static final int ASYNCHRONOUS_MESSAGE = 0x32;
    public static final int REJECT = 0x3f;

    /// The tag that means "none" (RFC 7143 11.2.1.8 Initiator Task Tag).
    public static final int NO_TAG = 0xffffffff;

    private final byte[] header;
    private final byte[] additionalHeader;
    private final byte[] data;

    Pdu(byte[] header, byte[] additionalHeader, byte[] data) {
        this.header = header;
        this.additionalHeader = additionalHeader;
        this.data = data;
    }

    /// The opcode without the immediate bit.
    public int opcode() {
        return header[0] & 0x3f;
    }

    /// Byte 1, the opcode-specific flags.
    public int flags() {
        return header[1] & 0xff;
    }

    /// The F bit, or T of login PDUs.
    public boolean isFinal() {
        return (flags() & 0x80) != 0;
    }

    /// The C bit of login and text PDUs: more text follows.
    public boolean isContinued() {
        return (flags() & 0x40) != 0;
    }

    /// The S bit of a Data-In PDU: it carries the status of its command.
    public boolean carriesStatus() {
        return (flags() & 0x01) != 0;
    }

    /// Byte 2: the response of a SCSI, task management or logout response, the reason of a Reject,
    /// the highest version of a login response.
    public int response() {
        return header[2] & 0xff;
    }

    /// Byte 3: the SCSI status of a SCSI response, or of a Data-In PDU that carries one.
    public int status() {
        return header[3] & 0xff;
    }

    /// The length of the data segment in bytes, without padding.
    public int dataSegmentLength() {
        return u32(4) & 0xffffff;
    }

    /// Bytes 8 to 15 as they are.
    public long lunField() {
        return ByteBuffer.wrap(header).getLong(8);
    }

    /// Whether these are a LUN field: in R2Ts, and in Data-In where it has a Target Transfer Tag
    /// (RFC 7143 11.7.4 Target Transfer Tag and LUN).
    public boolean hasLun() {
        return opcode() == READY_TO_TRANSFER
                || (opcode() == DATA_IN && targetTransferTag() != NO_TAG);
    }

    /// The TSIH of a login response.
    public int tsih() {
        return u16(14);
    }

    public int initiatorTaskTag() {
        return u32(16);
    }

    public int targetTransferTag() {
        return u32(20);
    }

    public int statSn() {
        return u32(24);
    }

    public int expCmdSn() {
        return u32(28);
    }

    public int maxCmdSn() {
        return u32(32);
    }

    /// The class of a login response's status (RFC 7143 11.13.5 Status-Class and Status-Detail).
    public int statusClass() {
        return header[36] & 0xff;
    }

    /// The detail of a login response's status.
    public int statusDetail() {
        return header[37] & 0xff;
    }

    /// Class and detail of a login response's status, `0xCCDD`.
    public int loginStatus() {
        return statusClass() << 8 | statusDetail();
    }

    /// The event of an asynchronous message (RFC 7143 11.9.1 AsyncEvent).
    public int asyncEvent() {
        return header[36] & 0xff;
    }

    /// DataSN of a Data-In PDU.
    public int dataSn() {
        return u32(36);
    }

    /// ExpDataSN of a SCSI response.
    public int expDataSn() {
        return u32(36);
    }

    /// R2TSN of a Ready To Transfer.
    public int r2tSn() {
        return u32(36);
    }

    /// The offset in bytes of a Data-In or Ready To Transfer.
    public int bufferOffset() {
        return u32(40);
    }

    /// The length in bytes that a Ready To Transfer asks for.
    public int desiredLength() {
        return u32(44);
    }

    /// The residual count of a SCSI response or of a Data-In PDU that carries status.
    public int residualCount() {
        return u32(44);
    }

    /// The U bit: fewer bytes moved than expected.
    public boolean isUnderflow() {
        return (flags() & 0x02) != 0;
    }

    /// The O bit: fewer bytes were expected than the command has.
    public boolean isOverflow() {
        return (flags() & 0x04) != 0;
    }

    /// The data segment.
    public byte[] data() {
        return data.clone();
    }

    /// The additional header segments, all of them.
    public byte[] additionalHeader() {
        return additionalHeader.clone();
    }

    /// The header, 48 bytes.
    public byte[] header() {
        return header.clone();
    }

    /// Two bytes of the header as an unsigned number.
    public int u16(int offset) {
        return ByteBuffer.wrap(header).getShort(offset) & 0xffff;
    }

    /// Four bytes of the header.
    public int u32(int offset) {
        return ByteBuffer.wrap(header).getInt(offset);
    }

    /// The keys of a login or text response in their order; a key sent twice keeps its last value,
    /// but [#text] shows both.
    public Map<String, String> keys() {
        Map<String, String> keys = new LinkedHashMap<>();
        for (String pair : text().split("\0", -1)) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                keys.put(pair.substring(0, equals), pair.substring(equals + 1));
            }
        }
        return keys;
    }

    /// The data segment as text, NUL separators included.
    public String text() {
        return new String(data, UTF_8);
    }

    /// Copies the data segment into `destination` at `offset`.
    void copyDataTo(byte[] destination, int offset) {
        System.arraycopy(data, 0, destination, offset, data.length);
    }

    @Override
    public String toString() {
        return "opcode 0x%02x %s, %d bytes of data"
                .formatted(opcode(), HexFormat.of().formatHex(header), data.length);
    }
}
