package io.lunkeeper.target.pdu;

import static io.lunkeeper.target.pdu.BasicHeaderSegment.FLAGS;
import static io.lunkeeper.target.pdu.BasicHeaderSegment.IMMEDIATE;
import static io.lunkeeper.target.pdu.BasicHeaderSegment.INITIATOR_TASK_TAG;
import static io.lunkeeper.target.pdu.BasicHeaderSegment.LUN;
import static io.lunkeeper.target.pdu.BasicHeaderSegment.OPCODE;
import static io.lunkeeper.target.pdu.BasicHeaderSegment.TARGET_TRANSFER_TAG;

import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.LoginRequest;
import io.lunkeeper.target.pdu.RequestPdu.LogoutRequest;
import io.lunkeeper.target.pdu.RequestPdu.NopOut;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.pdu.RequestPdu.SnackRequest;
import io.lunkeeper.target.pdu.RequestPdu.TaskManagementRequest;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.jscsi.parser.OperationCode;

/// The headers of what initiators send, field by field (RFC 7143 section 11). `at` is the absolute
/// index of a header whose 48 bytes are there. Reserved bits are not looked at: 11.1 iSCSI PDU
/// Length and Padding and 11 iSCSI PDU Formats want receivers to ignore them.
final class RequestFields {
    static final int CDB = 32;

    private static final int FINAL = 0x80;
    private static final int CONTINUE = 0x40;
    private static final int CMD_SN = 24;
    private static final int EXP_STAT_SN = 28;

    private static final int READ = 0x40;
    private static final int WRITE = 0x20;
    private static final int TASK_ATTRIBUTE_MASK = 0x07;
    private static final int EXPECTED_DATA_TRANSFER_LENGTH = 20;

    private static final int FUNCTION_MASK = 0x7f;
    private static final int REFERENCED_TASK_TAG = 20;
    private static final int REF_CMD_SN = 32;
    private static final int EXP_DATA_SN = 36;

    private static final int DATA_SN = 36;
    private static final int BUFFER_OFFSET = 40;

    private static final int TRANSIT = 0x80;
    private static final int CURRENT_STAGE_SHIFT = 2;
    private static final int STAGE_MASK = 0x03;
    private static final int VERSION_MAX = 2;
    private static final int VERSION_MIN = 3;
    private static final int ISID = 8;
    private static final int ISID_SHIFT = 16;
    private static final int TSIH = 14;
    private static final int CID = 20;

    private static final int REASON_MASK = 0x7f;

    private static final int SNACK_TYPE_MASK = 0x0f;
    private static final int BEG_RUN = 40;
    private static final int RUN_LENGTH = 44;

    private RequestFields() {}

    /// The command priority of RFC 7144, in the upper half of byte 2, is not looked at: PRIOR_SUP
    /// of the Extended INQUIRY Data VPD page says so.
    static ScsiCommand scsiCommand(ByteBuf in, int at, ByteBuf cdb, ByteBuf data) {
        int flags = in.getByte(at + FLAGS);
        return new ScsiCommand(
                immediate(in, at),
                (flags & FINAL) != 0,
                (flags & READ) != 0,
                (flags & WRITE) != 0,
                flags & TASK_ATTRIBUTE_MASK,
                in.getLong(at + LUN),
                in.getInt(at + INITIATOR_TASK_TAG),
                in.getUnsignedInt(at + EXPECTED_DATA_TRANSFER_LENGTH),
                in.getInt(at + CMD_SN),
                in.getInt(at + EXP_STAT_SN),
                cdb,
                data);
    }

    static TaskManagementRequest taskManagementRequest(ByteBuf in, int at) {
        return new TaskManagementRequest(
                immediate(in, at),
                in.getByte(at + FLAGS) & FUNCTION_MASK,
                in.getLong(at + LUN),
                in.getInt(at + INITIATOR_TASK_TAG),
                in.getInt(at + REFERENCED_TASK_TAG),
                in.getInt(at + CMD_SN),
                in.getInt(at + EXP_STAT_SN),
                in.getInt(at + REF_CMD_SN),
                in.getInt(at + EXP_DATA_SN));
    }

    static DataOut dataOut(ByteBuf in, int at, ByteBuf data) {
        return new DataOut(
                (in.getByte(at + FLAGS) & FINAL) != 0,
                in.getLong(at + LUN),
                in.getInt(at + INITIATOR_TASK_TAG),
                in.getInt(at + TARGET_TRANSFER_TAG),
                in.getInt(at + EXP_STAT_SN),
                in.getInt(at + DATA_SN),
                in.getUnsignedInt(at + BUFFER_OFFSET),
                data);
    }

    static TextRequest textRequest(ByteBuf in, int at, ByteBuf data) {
        int flags = in.getByte(at + FLAGS);
        return new TextRequest(
                immediate(in, at),
                (flags & FINAL) != 0,
                (flags & CONTINUE) != 0,
                in.getLong(at + LUN),
                in.getInt(at + INITIATOR_TASK_TAG),
                in.getInt(at + TARGET_TRANSFER_TAG),
                in.getInt(at + CMD_SN),
                in.getInt(at + EXP_STAT_SN),
                data);
    }

    /// The header that a request had, reserved fields apart.
    static byte[] header(TextRequest request) {
        byte[] header = new byte[BasicHeaderSegment.BYTES];
        int opcode = OperationCode.TEXT_REQUEST.value();
        int flags = (request.finalBit() ? FINAL : 0) | (request.continueBit() ? CONTINUE : 0);
        Unpooled.wrappedBuffer(header)
                .setByte(OPCODE, request.immediate() ? opcode | IMMEDIATE : opcode)
                .setByte(FLAGS, flags)
                .setInt(BasicHeaderSegment.LENGTHS, request.data().readableBytes())
                .setLong(LUN, request.lun())
                .setInt(INITIATOR_TASK_TAG, request.initiatorTaskTag())
                .setInt(TARGET_TRANSFER_TAG, request.targetTransferTag())
                .setInt(CMD_SN, request.cmdSn())
                .setInt(EXP_STAT_SN, request.expStatSn());
        return header;
    }

    static LoginRequest loginRequest(ByteBuf in, int at, ByteBuf data) {
        int flags = in.getByte(at + FLAGS);
        return new LoginRequest(
                (flags & TRANSIT) != 0,
                (flags & CONTINUE) != 0,
                (flags >> CURRENT_STAGE_SHIFT) & STAGE_MASK,
                flags & STAGE_MASK,
                in.getUnsignedByte(at + VERSION_MAX),
                in.getUnsignedByte(at + VERSION_MIN),
                in.getLong(at + ISID) >>> ISID_SHIFT,
                in.getUnsignedShort(at + TSIH),
                in.getInt(at + INITIATOR_TASK_TAG),
                in.getUnsignedShort(at + CID),
                in.getInt(at + CMD_SN),
                in.getInt(at + EXP_STAT_SN),
                data);
    }

    static LogoutRequest logoutRequest(ByteBuf in, int at) {
        return new LogoutRequest(
                immediate(in, at),
                in.getByte(at + FLAGS) & REASON_MASK,
                in.getInt(at + INITIATOR_TASK_TAG),
                in.getUnsignedShort(at + CID),
                in.getInt(at + CMD_SN),
                in.getInt(at + EXP_STAT_SN));
    }

    static SnackRequest snackRequest(ByteBuf in, int at) {
        return new SnackRequest(
                in.getByte(at + FLAGS) & SNACK_TYPE_MASK,
                in.getLong(at + LUN),
                in.getInt(at + INITIATOR_TASK_TAG),
                in.getInt(at + TARGET_TRANSFER_TAG),
                in.getInt(at + EXP_STAT_SN),
                in.getInt(at + BEG_RUN),
                in.getInt(at + RUN_LENGTH));
    }

    static NopOut nopOut(ByteBuf in, int at, ByteBuf data) {
        return new NopOut(
                immediate(in, at),
                in.getLong(at + LUN),
                in.getInt(at + INITIATOR_TASK_TAG),
                in.getInt(at + TARGET_TRANSFER_TAG),
                in.getInt(at + CMD_SN),
                in.getInt(at + EXP_STAT_SN),
                data);
    }

    private static boolean immediate(ByteBuf in, int at) {
        return (in.getByte(at + OPCODE) & IMMEDIATE) != 0;
    }
}
