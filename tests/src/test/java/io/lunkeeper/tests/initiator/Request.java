package io.lunkeeper.tests.initiator;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/// A PDU in the making, right or wrong. [RawInitiator#send] fills in the initiator task tag, CmdSN
/// and ExpStatSN unless they were set here, so that an honest PDU takes one line and a false one
/// takes one call more. Offsets are those of RFC 7143 section 11 (iSCSI PDU Formats).
public final class Request {
    private final ByteBuffer header = ByteBuffer.allocate(Pdu.HEADER_BYTES);
    private byte[] additionalHeader = {};
    private byte[] data = {};
    private boolean tagSet;
    private boolean cmdSnSet;
    private boolean expStatSnSet;
    private boolean dataLengthSet;
    private int headerDigestError;
    private int dataDigestError;

    private Request(int opcode) {
        header.put(0, (byte) opcode);
    }

    /// A PDU of any opcode with nothing else set.
    public static Request of(int opcode) {
        return new Request(opcode);
    }

    /// A NOP-Out that asks for an answer.
    public static Request nopOut() {
        return new Request(Pdu.NOP_OUT).flags(0x80).transferTag(Pdu.NO_TAG);
    }

    /// The NOP-Out that answers a target's NOP-In (RFC 7143 11.18 NOP-Out).
    public static Request answerTo(Pdu nopIn) {
        return new Request(Pdu.NOP_OUT)
                .immediate()
                .flags(0x80)
                .tag(Pdu.NO_TAG)
                .lunField(nopIn.lunField())
                .transferTag(nopIn.targetTransferTag());
    }

    /// A SCSI command without data, task attribute SIMPLE. Longer CDBs than 16 bytes go into an
    /// additional header segment (RFC 7143 11.2.2.3 Extended CDB AHS).
    public static Request scsiCommand(int lun, byte[] cdb) {
        Request request = new Request(Pdu.SCSI_COMMAND).flags(0x81).lun(lun);
        request.header.put(32, cdb, 0, Math.min(cdb.length, 16));
        if (cdb.length > 16) {
            int rest = cdb.length - 16;
            ByteBuffer ahs = ByteBuffer.allocate((4 + rest + 3) / 4 * 4);
            ahs.putShort((short) (rest + 1)).put((byte) 1).put((byte) 0).put(cdb, 16, rest);
            request.additionalHeader(ahs.array());
        }
        return request;
    }

    /// A task management function, immediate (RFC 7143 11.5.1 Function).
    public static Request taskManagement(int function) {
        return new Request(Pdu.TASK_MANAGEMENT_REQUEST)
                .immediate()
                .flags(0x80 | function)
                .u32(20, Pdu.NO_TAG);
    }

    /// A login request: current stage `csg`, next stage `nsg`, T bit as told.
    public static Request login(int csg, int nsg, boolean transit) {
        return new Request(Pdu.LOGIN_REQUEST)
                .immediate()
                .flags((transit ? 0x80 | nsg : 0) | csg << 2);
    }

    /// A text request, complete in itself.
    public static Request text(String... keys) {
        return new Request(Pdu.TEXT_REQUEST).flags(0x80).transferTag(Pdu.NO_TAG).keys(keys);
    }

    /// A Data-Out PDU of the command `tag`; set the F bit with [#flags].
    public static Request dataOut(int tag, int transferTag, int dataSn, int bufferOffset) {
        return new Request(Pdu.DATA_OUT)
                .tag(tag)
                .transferTag(transferTag)
                .u32(36, dataSn)
                .u32(40, bufferOffset);
    }

    /// A logout request (RFC 7143 11.14.1 Reason Code).
    public static Request logout(int reason) {
        return new Request(Pdu.LOGOUT_REQUEST).immediate().flags(0x80 | reason);
    }

    /// A SNACK request (RFC 7143 11.16 SNACK Request).
    public static Request snack(int type, int begRun, int runLength) {
        return new Request(Pdu.SNACK_REQUEST).flags(0x80 | type).u32(40, begRun).u32(44, runLength);
    }

    /// Sets the immediate bit.
    public Request immediate() {
        return u8(0, header.get(0) | 0x40);
    }

    /// Replaces byte 1.
    public Request flags(int flags) {
        return u8(1, flags);
    }

    /// Clears the F bit: unsolicited Data-Out PDUs follow.
    public Request clearFinal() {
        return u8(1, header.get(1) & 0x7f);
    }

    /// Expects this many bytes from the target (RFC 7143 11.3.1 Flags and Task Attributes, R bit).
    public Request reads(int expectedBytes) {
        return u8(1, header.get(1) | 0x40).u32(20, expectedBytes);
    }

    /// Offers this many bytes to the target (W bit).
    public Request writes(int expectedBytes) {
        return u8(1, header.get(1) | 0x20).u32(20, expectedBytes);
    }

    /// Addresses a LUN: peripheral addressing below 256, flat space above (SAM-5 4.7 Logical unit
    /// number).
    public Request lun(int lun) {
        return lunField(lun < 256 ? (long) lun << 48 : (0x4000L | lun) << 48);
    }

    /// Bytes 8 to 15.
    public long lunField() {
        return header.getLong(8);
    }

    /// Sets bytes 8 to 15.
    public Request lunField(long lun) {
        header.putLong(8, lun);
        return this;
    }

    /// Sets the initiator task tag instead of a fresh one.
    public Request tag(int tag) {
        tagSet = true;
        return u32(16, tag);
    }

    public Request transferTag(int tag) {
        return u32(20, tag);
    }

    /// Sets CmdSN instead of the session's next, which then does not advance.
    public Request cmdSn(int cmdSn) {
        cmdSnSet = true;
        return u32(24, cmdSn);
    }

    /// Sets ExpStatSN instead of the connection's own.
    public Request expStatSn(int expStatSn) {
        expStatSnSet = true;
        return u32(28, expStatSn);
    }

    /// Sets one byte of the header.
    public Request u8(int offset, int value) {
        header.put(offset, (byte) value);
        return this;
    }

    /// Sets two bytes of the header.
    public Request u16(int offset, int value) {
        header.putShort(offset, (short) value);
        return this;
    }

    /// Sets four bytes of the header.
    public Request u32(int offset, int value) {
        header.putInt(offset, value);
        return this;
    }

    /// Sets the data segment.
    public Request data(byte[] data) {
        this.data = data.clone();
        return this;
    }

    /// Sets the data segment to part of `source`.
    public Request data(byte[] source, int offset, int length) {
        data = new byte[length];
        System.arraycopy(source, offset, data, 0, length);
        return this;
    }

    /// Sets the data segment to `Key=Value` pairs, each ended by NUL.
    public Request keys(String... pairs) {
        StringBuilder text = new StringBuilder();
        for (String pair : pairs) {
            text.append(pair).append('\0');
        }
        return data(text.toString().getBytes(UTF_8));
    }

    /// Sets the additional header segments; a multiple of four bytes unless the test means harm.
    public Request additionalHeader(byte[] bytes) {
        additionalHeader = bytes.clone();
        return u8(4, (bytes.length + 3) / 4);
    }

    /// Announces a data segment of another length than the one that is sent.
    public Request dataSegmentLength(int bytes) {
        dataLengthSet = true;
        return u32(4, header.get(4) << 24 | bytes);
    }

    /// Sends a wrong header digest, when the connection has them.
    public Request breakHeaderDigest() {
        headerDigestError = 1;
        return this;
    }

    /// Sends a wrong data digest, when the connection has them.
    public Request breakDataDigest() {
        dataDigestError = 1;
        return this;
    }

    int opcode() {
        return header.get(0) & 0x3f;
    }

    boolean isImmediate() {
        return (header.get(0) & 0x40) != 0;
    }

    int initiatorTaskTag() {
        return header.getInt(16);
    }

    boolean needsTag() {
        return !tagSet && opcode() != Pdu.SNACK_REQUEST;
    }

    boolean needsCmdSn() {
        return !cmdSnSet && opcode() != Pdu.DATA_OUT && opcode() != Pdu.SNACK_REQUEST;
    }

    boolean needsExpStatSn() {
        return !expStatSnSet;
    }

    /// The bytes on the wire, padding and digests included.
    byte[] encode(boolean headerDigest, boolean dataDigest) {
        if (!dataLengthSet) {
            u32(4, header.get(4) << 24 | data.length);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(64 + data.length);
        out.writeBytes(header.array());
        out.writeBytes(additionalHeader);
        if (headerDigest) {
            out.writeBytes(digest(out.toByteArray(), headerDigestError));
        }
        byte[] padded = new byte[(data.length + 3) / 4 * 4];
        System.arraycopy(data, 0, padded, 0, data.length);
        out.writeBytes(padded);
        if (dataDigest && padded.length > 0) {
            out.writeBytes(digest(padded, dataDigestError));
        }
        return out.toByteArray();
    }

    /// CRC32C, its bytes in the order in which RFC 7143 13.1 (HeaderDigest and DataDigest) sends
    /// them: least significant first.
    private static byte[] digest(byte[] bytes, int error) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        int value = (int) crc.getValue() + error;
        return ByteBuffer.allocate(4).putInt(Integer.reverseBytes(value)).array();
    }
}
