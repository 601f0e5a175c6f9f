package io.lunkeeper.target.pdu;

import static io.lunkeeper.target.pdu.BasicHeaderSegment.FLAGS;
import static io.lunkeeper.target.pdu.BasicHeaderSegment.INITIATOR_TASK_TAG;
import static io.lunkeeper.target.pdu.BasicHeaderSegment.LENGTHS;
import static io.lunkeeper.target.pdu.BasicHeaderSegment.LUN;
import static io.lunkeeper.target.pdu.BasicHeaderSegment.OPCODE;
import static io.lunkeeper.target.pdu.BasicHeaderSegment.TARGET_TRANSFER_TAG;

import io.lunkeeper.target.pdu.ResponsePdu.AsyncMessage;
import io.lunkeeper.target.pdu.ResponsePdu.DataIn;
import io.lunkeeper.target.pdu.ResponsePdu.LoginResponse;
import io.lunkeeper.target.pdu.ResponsePdu.LogoutResponse;
import io.lunkeeper.target.pdu.ResponsePdu.NopIn;
import io.lunkeeper.target.pdu.ResponsePdu.ReadyToTransfer;
import io.lunkeeper.target.pdu.ResponsePdu.Reject;
import io.lunkeeper.target.pdu.ResponsePdu.Residual;
import io.lunkeeper.target.pdu.ResponsePdu.ScsiResponse;
import io.lunkeeper.target.pdu.ResponsePdu.TaskManagementResponse;
import io.lunkeeper.target.pdu.ResponsePdu.TextResponse;
import io.netty.buffer.ByteBuf;
import org.jscsi.parser.OperationCode;

/// The headers of what targets send, field by field (RFC 7143 section 11). `at` is the absolute
/// index of room for 48 bytes, whatever they held: every reserved field is written as zero.
final class ResponseFields {
    private static final int FINAL = 0x80;
    private static final int CONTINUE = 0x40;

    /// The byte of the Response, Reason or Version-max field.
    private static final int RESPONSE = 2;

    private static final int STATUS = 3;

    /// In a SCSI Response, where Data-In has its Target Transfer Tag.
    private static final int SNACK_TAG = TARGET_TRANSFER_TAG;

    /// The Additional Response Information of RFC 7144.
    private static final int ADDITIONAL_RESPONSE = 8;

    private static final int STAT_SN = 24;
    private static final int EXP_CMD_SN = 28;
    private static final int MAX_CMD_SN = 32;
    private static final int RESIDUAL_COUNT = 44;

    private static final int ACKNOWLEDGE = 0x40;
    private static final int OVERFLOW = 0x04;
    private static final int UNDERFLOW = 0x02;
    private static final int STATUS_VALID = 0x01;

    private static final int EXP_DATA_SN = 36;
    private static final int DATA_SN = 36;
    private static final int R2T_SN = 36;
    private static final int BUFFER_OFFSET = 40;
    private static final int DESIRED_DATA_TRANSFER_LENGTH = 44;

    private static final int ASYNC_EVENT = 36;
    private static final int ASYNC_V_CODE = 37;
    private static final int PARAMETER_1 = 38;
    private static final int PARAMETER_2 = 40;
    private static final int PARAMETER_3 = 42;

    private static final int TRANSIT = 0x80;
    private static final int CURRENT_STAGE_SHIFT = 2;
    private static final int VERSION_MAX = 2;
    private static final int VERSION_ACTIVE = 3;
    private static final int ISID = 8;
    private static final int ISID_SHIFT = 16;
    private static final int STATUS_CLASS = 36;
    private static final int STATUS_DETAIL = 37;

    private static final int TIME_2_WAIT = 40;
    private static final int TIME_2_RETAIN = 42;

    private ResponseFields() {}

    static void write(ResponsePdu header, int dataBytes, ByteBuf out, int at) {
        out.setZero(at, BasicHeaderSegment.BYTES);
        out.setInt(at + LENGTHS, dataBytes);
        switch (header) {
            case ScsiResponse response -> scsiResponse(response, out, at);
            case TaskManagementResponse response -> taskManagementResponse(response, out, at);
            case DataIn dataIn -> dataIn(dataIn, out, at);
            case ReadyToTransfer r2t -> readyToTransfer(r2t, out, at);
            case AsyncMessage message -> asyncMessage(message, out, at);
            case TextResponse response -> textResponse(response, out, at);
            case LoginResponse response -> loginResponse(response, out, at);
            case LogoutResponse response -> logoutResponse(response, out, at);
            case Reject reject -> reject(reject, out, at);
            case NopIn nopIn -> nopIn(nopIn, out, at);
        }
    }

    private static void scsiResponse(ScsiResponse response, ByteBuf out, int at) {
        begin(out, at, OperationCode.SCSI_RESPONSE, FINAL | flags(response.residual()));
        out.setByte(at + RESPONSE, response.response());
        out.setByte(at + STATUS, response.status());
        out.setInt(at + INITIATOR_TASK_TAG, response.initiatorTaskTag());
        out.setInt(at + SNACK_TAG, response.snackTag());
        sequence(out, at, response.statSn(), response.expCmdSn(), response.maxCmdSn());
        out.setInt(at + EXP_DATA_SN, response.expDataSn());
        out.setInt(at + RESIDUAL_COUNT, (int) response.residual().count());
    }

    private static void taskManagementResponse(
            TaskManagementResponse response, ByteBuf out, int at) {
        begin(out, at, OperationCode.SCSI_TM_RESPONSE, FINAL);
        out.setByte(at + RESPONSE, response.response());
        out.setMedium(at + ADDITIONAL_RESPONSE, response.additionalResponse());
        out.setInt(at + INITIATOR_TASK_TAG, response.initiatorTaskTag());
        sequence(out, at, response.statSn(), response.expCmdSn(), response.maxCmdSn());
    }

    private static void dataIn(DataIn dataIn, ByteBuf out, int at) {
        int flags = (dataIn.finalBit() ? FINAL : 0) | (dataIn.acknowledge() ? ACKNOWLEDGE : 0);
        int statSn = 0;
        if (dataIn.statusBit()) {
            flags |= STATUS_VALID | flags(dataIn.residual());
            statSn = dataIn.statSn();
            out.setByte(at + STATUS, dataIn.status());
            out.setInt(at + RESIDUAL_COUNT, (int) dataIn.residual().count());
        }
        begin(out, at, OperationCode.SCSI_DATA_IN, flags);
        out.setLong(at + LUN, dataIn.acknowledge() ? dataIn.lun() : 0);
        out.setInt(at + INITIATOR_TASK_TAG, dataIn.initiatorTaskTag());
        out.setInt(at + TARGET_TRANSFER_TAG, dataIn.targetTransferTag());
        sequence(out, at, statSn, dataIn.expCmdSn(), dataIn.maxCmdSn());
        out.setInt(at + DATA_SN, dataIn.dataSn());
        out.setInt(at + BUFFER_OFFSET, (int) dataIn.bufferOffset());
    }

    private static void readyToTransfer(ReadyToTransfer r2t, ByteBuf out, int at) {
        begin(out, at, OperationCode.R2T, FINAL);
        out.setLong(at + LUN, r2t.lun());
        out.setInt(at + INITIATOR_TASK_TAG, r2t.initiatorTaskTag());
        out.setInt(at + TARGET_TRANSFER_TAG, r2t.targetTransferTag());
        sequence(out, at, r2t.statSn(), r2t.expCmdSn(), r2t.maxCmdSn());
        out.setInt(at + R2T_SN, r2t.r2tSn());
        out.setInt(at + BUFFER_OFFSET, (int) r2t.bufferOffset());
        out.setInt(at + DESIRED_DATA_TRANSFER_LENGTH, (int) r2t.desiredDataTransferLength());
    }

    private static void asyncMessage(AsyncMessage message, ByteBuf out, int at) {
        begin(out, at, OperationCode.ASYNC_MESSAGE, FINAL);
        out.setLong(at + LUN, message.lun());
        out.setInt(at + INITIATOR_TASK_TAG, RequestPdu.RESERVED_TAG);
        sequence(out, at, message.statSn(), message.expCmdSn(), message.maxCmdSn());
        out.setByte(at + ASYNC_EVENT, message.asyncEvent());
        out.setByte(at + ASYNC_V_CODE, message.asyncVCode());
        out.setShort(at + PARAMETER_1, message.parameter1());
        out.setShort(at + PARAMETER_2, message.parameter2());
        out.setShort(at + PARAMETER_3, message.parameter3());
    }

    private static void textResponse(TextResponse response, ByteBuf out, int at) {
        int flags = (response.finalBit() ? FINAL : 0) | (response.continueBit() ? CONTINUE : 0);
        begin(out, at, OperationCode.TEXT_RESPONSE, flags);
        out.setLong(at + LUN, response.lun());
        out.setInt(at + INITIATOR_TASK_TAG, response.initiatorTaskTag());
        out.setInt(at + TARGET_TRANSFER_TAG, response.targetTransferTag());
        sequence(out, at, response.statSn(), response.expCmdSn(), response.maxCmdSn());
    }

    private static void loginResponse(LoginResponse response, ByteBuf out, int at) {
        int flags =
                (response.transit() ? TRANSIT : 0)
                        | (response.continueBit() ? CONTINUE : 0)
                        | (response.currentStage() << CURRENT_STAGE_SHIFT)
                        | response.nextStage();
        begin(out, at, OperationCode.LOGIN_RESPONSE, flags);
        out.setByte(at + VERSION_MAX, response.versionMax());
        out.setByte(at + VERSION_ACTIVE, response.versionActive());
        // ISID and the TSIH behind it are one word of eight bytes.
        out.setLong(at + ISID, (response.isid() << ISID_SHIFT) | (response.tsih() & 0xffff));
        out.setInt(at + INITIATOR_TASK_TAG, response.initiatorTaskTag());
        sequence(out, at, response.statSn(), response.expCmdSn(), response.maxCmdSn());
        out.setByte(at + STATUS_CLASS, response.statusClass());
        out.setByte(at + STATUS_DETAIL, response.statusDetail());
    }

    private static void logoutResponse(LogoutResponse response, ByteBuf out, int at) {
        begin(out, at, OperationCode.LOGOUT_RESPONSE, FINAL);
        out.setByte(at + RESPONSE, response.response());
        out.setInt(at + INITIATOR_TASK_TAG, response.initiatorTaskTag());
        sequence(out, at, response.statSn(), response.expCmdSn(), response.maxCmdSn());
        out.setShort(at + TIME_2_WAIT, response.time2Wait());
        out.setShort(at + TIME_2_RETAIN, response.time2Retain());
    }

    private static void reject(Reject reject, ByteBuf out, int at) {
        begin(out, at, OperationCode.REJECT, FINAL);
        out.setByte(at + RESPONSE, reject.reason());
        out.setInt(at + INITIATOR_TASK_TAG, RequestPdu.RESERVED_TAG);
        sequence(out, at, reject.statSn(), reject.expCmdSn(), reject.maxCmdSn());
        out.setInt(at + DATA_SN, reject.dataSnOrR2tSn());
    }

    private static void nopIn(NopIn nopIn, ByteBuf out, int at) {
        begin(out, at, OperationCode.NOP_IN, FINAL);
        out.setLong(at + LUN, nopIn.lun());
        out.setInt(at + INITIATOR_TASK_TAG, nopIn.initiatorTaskTag());
        out.setInt(at + TARGET_TRANSFER_TAG, nopIn.targetTransferTag());
        sequence(out, at, nopIn.statSn(), nopIn.expCmdSn(), nopIn.maxCmdSn());
    }

    private static void begin(ByteBuf out, int at, OperationCode code, int flags) {
        out.setByte(at + OPCODE, code.value());
        out.setByte(at + FLAGS, flags);
    }

    /// Writes ExpCmdSN and MaxCmdSN, which every header has at the same place.
    static void window(ByteBuf out, int at, int expCmdSn, int maxCmdSn) {
        out.setInt(at + EXP_CMD_SN, expCmdSn);
        out.setInt(at + MAX_CMD_SN, maxCmdSn);
    }

    private static void sequence(ByteBuf out, int at, int statSn, int expCmdSn, int maxCmdSn) {
        out.setInt(at + STAT_SN, statSn);
        window(out, at, expCmdSn, maxCmdSn);
    }

    private static int flags(Residual residual) {
        return (residual.overflow() ? OVERFLOW : 0) | (residual.underflow() ? UNDERFLOW : 0);
    }
}
