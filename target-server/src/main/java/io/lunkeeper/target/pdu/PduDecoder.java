package io.lunkeeper.target.pdu;

import static io.lunkeeper.target.pdu.BasicHeaderSegment.DIGEST_BYTES;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.jscsi.parser.OperationCode;
import org.jspecify.annotations.Nullable;

/// Cuts the byte stream of one connection into [RequestPdu]s. Confined to the connection's thread.
///
/// Bounds are checked on the 48 bytes of the basic header segment, before anybody allocates room
/// for what they announce. The segments of a PDU follow one another: BHS, AHS, header digest, data,
/// padding, data digest (RFC 7143 11.1 iSCSI PDU Length and Padding).
public final class PduDecoder {

    /// Before login completes, and for any login or text PDU after it: RFC 7143 13.12
    /// MaxRecvDataSegmentLength has 8192 as its default.
    public static final int DEFAULT_MAX_DATA_SEGMENT_BYTES = 8192;

    /// RFC 7143 11.2 PDU Template, Header, and Opcodes: bytes of the basic header segment.
    public static final int HEADER_BYTES = BasicHeaderSegment.BYTES;

    /// Opcodes by their six bits; null where RFC 7143 11.2.1.2 Opcode defines none.
    private static final @Nullable OperationCode[] OPCODES =
            new @Nullable OperationCode[BasicHeaderSegment.OPCODE_MASK + 1];

    static {
        for (OperationCode code : OperationCode.values()) {
            OPCODES[code.value() & BasicHeaderSegment.OPCODE_MASK] = code;
        }
    }

    private final Digest digest = new Digest();
    private int headerDigestBytes;
    private int dataDigestBytes;
    private int maxDataSegmentBytes = DEFAULT_MAX_DATA_SEGMENT_BYTES;
    private int missingBytes = BasicHeaderSegment.BYTES;

    /// Digests off, [#DEFAULT_MAX_DATA_SEGMENT_BYTES].
    public PduDecoder() {}

    /// Sets what login negotiated; counts from the next PDU on.
    ///
    /// @param maxRecvDataSegmentBytes what this target declared, 512 to 2^24 - 1
    public void negotiated(boolean headerDigest, boolean dataDigest, int maxRecvDataSegmentBytes) {
        assert maxRecvDataSegmentBytes >= 512
                && maxRecvDataSegmentBytes <= BasicHeaderSegment.DATA_SEGMENT_LENGTH_MASK;
        headerDigestBytes = headerDigest ? DIGEST_BYTES : 0;
        dataDigestBytes = dataDigest ? DIGEST_BYTES : 0;
        maxDataSegmentBytes = maxRecvDataSegmentBytes;
    }

    /// How many more bytes than are readable in the last `in` the next PDU needs at least, as far
    /// as its header tells: for sizing the receive buffer. At least 1 after [#next] gave null.
    public int missingBytes() {
        return missingBytes;
    }

    /// Takes the next PDU from `in`, whose reader index moves past it.
    ///
    /// @return null when `in` does not hold a whole PDU yet; its reader index has not moved
    /// @throws MalformedPduException when the bytes are no acceptable PDU; the reader index has
    ///   moved past it, or not at all when the framing is lost
    public @Nullable RequestPdu next(ByteBuf in) throws MalformedPduException {
        int at = in.readerIndex();
        int readable = in.readableBytes();
        if (readable < BasicHeaderSegment.BYTES) {
            return waitFor(BasicHeaderSegment.BYTES - readable);
        }
        int lengths = in.getInt(at + BasicHeaderSegment.LENGTHS);
        int ahsBytes =
                (lengths >>> BasicHeaderSegment.AHS_LENGTH_SHIFT)
                        * BasicHeaderSegment.AHS_WORD_BYTES;
        int dataBytes = lengths & BasicHeaderSegment.DATA_SEGMENT_LENGTH_MASK;
        if (ahsBytes > ExtendedCdb.MAX_AHS_BYTES) {
            // Where there is a header digest, which is behind it, this may be damage too.
            boolean sent = headerDigestBytes == 0;
            throw framingLost(in, sent, "TotalAHSLength of " + ahsBytes + " bytes is too long");
        }
        int headerBytes = BasicHeaderSegment.BYTES + ahsBytes;
        int dataAt = at + headerBytes + headerDigestBytes;
        if (headerDigestBytes != 0 && dataAt <= in.writerIndex()) {
            // Before the data is awaited: a damaged length must not hold up the connection.
            if (!digest.holds(in, at, headerBytes)) {
                throw framingLost(in, false, "header digest is wrong");
            }
        }
        if (dataBytes > maxDataSegmentBytes && dataBytes > maxDataBytes(in)) {
            if (headerDigestBytes != 0 && dataAt > in.writerIndex()) {
                return waitFor(dataAt - in.writerIndex());
            }
            throw framingLost(in, true, "DataSegmentLength of " + dataBytes + " bytes is too long");
        }
        int paddedBytes = BasicHeaderSegment.padded(dataBytes);
        int end = dataAt + paddedBytes + (dataBytes == 0 ? 0 : dataDigestBytes);
        if (end > in.writerIndex()) {
            return waitFor(end - in.writerIndex());
        }
        in.readerIndex(end);
        missingBytes = BasicHeaderSegment.BYTES;
        ByteBuf data = dataBytes == 0 ? Unpooled.EMPTY_BUFFER : in.slice(dataAt, dataBytes);
        if (dataBytes != 0 && dataDigestBytes != 0 && !digest.holds(in, dataAt, paddedBytes)) {
            boolean dataOut = opcode(in, at) == OperationCode.SCSI_DATA_OUT;
            throw MalformedPduException.dataDigest(
                    header(in, at), dataOut ? RequestFields.dataOut(in, at, data) : null);
        }
        return decode(in, at, ahsBytes, data);
    }

    private @Nullable RequestPdu waitFor(int bytes) {
        missingBytes = bytes;
        return null;
    }

    private int maxDataBytes(ByteBuf in) {
        OperationCode code = opcode(in, in.readerIndex());
        boolean text = code == OperationCode.LOGIN_REQUEST || code == OperationCode.TEXT_REQUEST;
        return text
                ? Math.max(maxDataSegmentBytes, DEFAULT_MAX_DATA_SEGMENT_BYTES)
                : maxDataSegmentBytes;
    }

    private static RequestPdu decode(ByteBuf in, int at, int ahsBytes, ByteBuf data)
            throws MalformedPduException {
        OperationCode code = opcode(in, at);
        if (code == null) {
            throw unsupported(in, at);
        }
        if (ahsBytes != 0 && code != OperationCode.SCSI_COMMAND) {
            throw invalid(in, at, "additional header segment where none belongs");
        }
        return switch (code) {
            case SCSI_COMMAND -> {
                ByteBuf cdb = cdb(in, at, ahsBytes);
                yield RequestFields.scsiCommand(in, at, cdb, data);
            }
            case SCSI_DATA_OUT -> RequestFields.dataOut(in, at, data);
            case NOP_OUT -> RequestFields.nopOut(in, at, data);
            case TEXT_REQUEST -> RequestFields.textRequest(in, at, data);
            case LOGIN_REQUEST -> RequestFields.loginRequest(in, at, data);
            case SCSI_TM_REQUEST -> {
                checkNoData(in, at, data);
                yield RequestFields.taskManagementRequest(in, at);
            }
            case LOGOUT_REQUEST -> {
                checkNoData(in, at, data);
                yield RequestFields.logoutRequest(in, at);
            }
            case SNACK_REQUEST -> {
                checkNoData(in, at, data);
                yield RequestFields.snackRequest(in, at);
            }
            case NOP_IN,
                    SCSI_RESPONSE,
                    SCSI_TM_RESPONSE,
                    LOGIN_RESPONSE,
                    TEXT_RESPONSE,
                    SCSI_DATA_IN,
                    LOGOUT_RESPONSE,
                    R2T,
                    ASYNC_MESSAGE,
                    REJECT ->
                    throw unsupported(in, at);
        };
    }

    private static ByteBuf cdb(ByteBuf in, int at, int ahsBytes) throws MalformedPduException {
        int cdbAt = at + RequestFields.CDB;
        if (ahsBytes == 0) {
            return in.slice(cdbAt, ExtendedCdb.CDB_BYTES);
        }
        ByteBuf cdb = ExtendedCdb.read(in, cdbAt, at + BasicHeaderSegment.BYTES, ahsBytes);
        if (cdb == null) {
            throw invalid(in, at, "additional header segments are malformed");
        }
        return cdb;
    }

    private static @Nullable OperationCode opcode(ByteBuf in, int at) {
        return OPCODES[in.getByte(at + BasicHeaderSegment.OPCODE) & BasicHeaderSegment.OPCODE_MASK];
    }

    /// RFC 7143 11.2.1.6 DataSegmentLength is zero in PDUs that have no data segment.
    private static void checkNoData(ByteBuf in, int at, ByteBuf data) throws MalformedPduException {
        if (data.isReadable()) {
            throw invalid(in, at, "data segment where none belongs");
        }
    }

    private static MalformedPduException unsupported(ByteBuf in, int at) {
        int opcode = in.getByte(at) & BasicHeaderSegment.OPCODE_MASK;
        return rejected(
                in,
                at,
                MalformedPduException.COMMAND_NOT_SUPPORTED,
                "opcode 0x" + Integer.toHexString(opcode) + " is none of an initiator's");
    }

    private static MalformedPduException invalid(ByteBuf in, int at, String message) {
        return MalformedPduException.format(message, header(in, at));
    }

    private static MalformedPduException rejected(ByteBuf in, int at, int reason, String message) {
        return MalformedPduException.rejected(message, reason, header(in, at));
    }

    private static MalformedPduException framingLost(
            ByteBuf in, boolean formatError, String message) {
        return MalformedPduException.framing(message, header(in, in.readerIndex()), formatError);
    }

    private static byte[] header(ByteBuf in, int at) {
        byte[] header = new byte[BasicHeaderSegment.BYTES];
        in.getBytes(at, header);
        return header;
    }
}
