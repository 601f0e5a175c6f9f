package io.lunkeeper.target.scsi;

import static io.lunkeeper.target.scsi.CdbFields.bit;
import static io.lunkeeper.target.scsi.CdbFields.blocks6;
import static io.lunkeeper.target.scsi.CdbFields.byteCheck;
import static io.lunkeeper.target.scsi.CdbFields.copyResults;
import static io.lunkeeper.target.scsi.CdbFields.field;
import static io.lunkeeper.target.scsi.CdbFields.formatUnit;
import static io.lunkeeper.target.scsi.CdbFields.lba6;
import static io.lunkeeper.target.scsi.CdbFields.modeSense;
import static io.lunkeeper.target.scsi.CdbFields.reserveIn;
import static io.lunkeeper.target.scsi.CdbFields.reserveOut;

import io.lunkeeper.target.scsi.Registrations.Claim;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The table of commands: one row each. A row holds the CDB usage data that REPORT SUPPORTED
/// OPERATION CODES returns and that every CDB is checked against (SPC-4 6.35 REPORT SUPPORTED
/// OPERATION CODES command), the decoder, and the rules that apply before the command is looked at.
///
/// What the masks say beyond the standards' own fields: RDPROTECT, WRPROTECT and VRPROTECT are zero
/// as there is no protection information (PROTECT=0); of the control byte NACA may be one
/// (NORMACA=1); FUA_NV and SYNC_NV, obsolete, are accepted and change nothing; a group number is
/// accepted and collects nothing.
enum OperationCode {
    TEST_UNIT_READY(
            "00 00 00 00 00 04",
            (_, _) -> new Cdb.TestUnitReady(),
            Rule.NEEDS_READY_UNIT,
            Rule.PASSES_PERSISTENT_RESERVATION),
    REQUEST_SENSE(
            "03 01 00 00 ff 04",
            (h, l) -> new Cdb.RequestSense(bit(h, 1, 0), field(h, l, 4, 1)),
            Rule.PASSES_UNIT_ATTENTION,
            Rule.PASSES_RESERVATION,
            Rule.PASSES_PERSISTENT_RESERVATION),
    FORMAT_UNIT(
            "04 3f 00 00 00 04", (h, l) -> formatUnit(h, l), Rule.NEEDS_READY_UNIT, Rule.WRITES),
    READ_6(
            "08 1f ff ff ff 04",
            (h, l) -> new Cdb.Read(lba6(h, l), blocks6(h, l), false),
            Rule.NEEDS_READY_UNIT,
            Rule.LOOKS_ONLY),
    WRITE_6(
            "0a 1f ff ff ff 04",
            (h, l) -> new Cdb.Write(lba6(h, l), blocks6(h, l), false),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    INQUIRY(
            "12 01 ff ff ff 04",
            (h, l) -> new Cdb.Inquiry(bit(h, 1, 0), (int) field(h, l, 2, 1), field(h, l, 3, 2)),
            Rule.PASSES_UNIT_ATTENTION,
            Rule.PASSES_RESERVATION,
            Rule.PASSES_PERSISTENT_RESERVATION),
    MODE_SELECT_6(
            "15 11 00 00 ff 04",
            (h, l) ->
                    new Cdb.ModeSelect(
                            Cdb.ModeHeader.SIX,
                            bit(h, 1, 4),
                            bit(h, 1, 0),
                            (int) field(h, l, 4, 1))),
    RESERVE_6("16 00 00 00 00 04", (_, _) -> new Cdb.Reserve(), Rule.PASSES_PERSISTENT_RESERVATION),
    RELEASE_6(
            "17 00 00 00 00 04",
            (_, _) -> new Cdb.Release(),
            Rule.PASSES_RESERVATION,
            Rule.PASSES_PERSISTENT_RESERVATION),
    MODE_SENSE_6(
            "1a 08 ff ff ff 04",
            (h, l) -> modeSense(Cdb.ModeHeader.SIX, h, l, field(h, l, 4, 1)),
            Rule.LOOKS_ONLY),
    START_STOP_UNIT(
            "1b 01 00 00 05 04",
            (h, _) -> new Cdb.StartStopUnit(bit(h, 1, 0), bit(h, 4, 2), bit(h, 4, 0)),
            Rule.PASSES_PERSISTENT_RESERVATION),
    SEND_DIAGNOSTIC("1d 14 00 00 00 04", (h, _) -> new Cdb.SendDiagnostic(bit(h, 1, 2))),
    READ_CAPACITY_10(
            "25 00 00 00 00 00 00 00 00 04",
            (_, _) -> new Cdb.ReadCapacity10(),
            Rule.PASSES_RESERVATION,
            Rule.PASSES_PERSISTENT_RESERVATION),
    READ_10(
            "28 1a ff ff ff ff 1f ff ff 04",
            (h, l) -> new Cdb.Read(field(h, l, 2, 4), field(h, l, 7, 2), bit(h, 1, 3)),
            Rule.NEEDS_READY_UNIT,
            Rule.LOOKS_ONLY),
    WRITE_10(
            "2a 1a ff ff ff ff 1f ff ff 04",
            (h, l) -> new Cdb.Write(field(h, l, 2, 4), field(h, l, 7, 2), bit(h, 1, 3)),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    WRITE_AND_VERIFY_10(
            "2e 12 ff ff ff ff 1f ff ff 04",
            (h, l) -> new Cdb.WriteAndVerify(field(h, l, 2, 4), field(h, l, 7, 2), byteCheck(h)),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    VERIFY_10(
            "2f 16 ff ff ff ff 1f ff ff 04",
            (h, l) -> new Cdb.Verify(field(h, l, 2, 4), field(h, l, 7, 2), byteCheck(h)),
            Rule.NEEDS_READY_UNIT,
            Rule.LOOKS_ONLY),
    PRE_FETCH_10(
            "34 02 ff ff ff ff 1f ff ff 04",
            (h, l) -> new Cdb.PreFetch(field(h, l, 2, 4), field(h, l, 7, 2)),
            Rule.NEEDS_READY_UNIT,
            Rule.LOOKS_ONLY),
    SYNCHRONIZE_CACHE_10(
            "35 06 ff ff ff ff 1f ff ff 04",
            (h, l) -> new Cdb.SynchronizeCache(field(h, l, 2, 4), field(h, l, 7, 2), bit(h, 1, 1)),
            Rule.NEEDS_READY_UNIT),
    READ_DEFECT_DATA_10(
            "37 00 1f 00 00 00 00 ff ff 04",
            (h, l) ->
                    new Cdb.ReadDefectData(
                            Cdb.DefectHeader.TEN, (int) field(h, l, 2, 1), field(h, l, 7, 2)),
            Rule.LOOKS_ONLY),
    WRITE_BUFFER(
            "3b 1f ff ff ff ff ff ff ff 04",
            (h, l) ->
                    new Cdb.WriteBuffer(
                            (int) field(h, l, 1, 1) & 0x1f,
                            (int) field(h, l, 2, 1),
                            (int) field(h, l, 3, 3),
                            (int) field(h, l, 6, 3))),
    READ_BUFFER(
            "3c 1f ff ff ff ff ff ff ff 04",
            (h, l) ->
                    new Cdb.ReadBuffer(
                            (int) field(h, l, 1, 1) & 0x1f,
                            (int) field(h, l, 2, 1),
                            (int) field(h, l, 3, 3),
                            field(h, l, 6, 3)),
            Rule.LOOKS_ONLY),
    WRITE_SAME_10(
            "41 18 ff ff ff ff 1f ff ff 04",
            (h, l) ->
                    new Cdb.WriteSame(
                            field(h, l, 2, 4),
                            field(h, l, 7, 2),
                            bit(h, 1, 3),
                            bit(h, 1, 4),
                            false),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    UNMAP(
            "42 01 00 00 00 00 1f ff ff 04",
            (h, l) -> new Cdb.Unmap(bit(h, 1, 0), (int) field(h, l, 7, 2)),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    SANITIZE_OVERWRITE(
            0x01,
            "48 a1 00 00 00 00 00 ff ff 04",
            (h, l) ->
                    new Cdb.SanitizeOverwrite(bit(h, 1, 7), bit(h, 1, 5), (int) field(h, l, 7, 2)),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    SANITIZE_BLOCK_ERASE(
            0x02,
            "48 a2 00 00 00 00 00 00 00 04",
            (h, _) -> new Cdb.SanitizeBlockErase(bit(h, 1, 7), bit(h, 1, 5)),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    SANITIZE_EXIT_FAILURE_MODE(
            0x1f,
            "48 bf 00 00 00 00 00 00 00 04",
            (_, _) -> new Cdb.SanitizeExitFailureMode(),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    LOG_SELECT(
            "4c 02 ff ff 00 00 00 ff ff 04",
            (h, l) ->
                    new Cdb.LogSelect(
                            bit(h, 1, 1),
                            (int) field(h, l, 2, 1) & 0x3f,
                            (int) field(h, l, 3, 1),
                            (int) field(h, l, 7, 2))),
    LOG_SENSE(
            "4d 00 ff ff 00 ff ff ff ff 04",
            (h, l) ->
                    new Cdb.LogSense(
                            (int) field(h, l, 2, 1) & 0x3f,
                            (int) field(h, l, 3, 1),
                            (int) field(h, l, 5, 2),
                            field(h, l, 7, 2)),
            Rule.PASSES_RESERVATION,
            Rule.PASSES_PERSISTENT_RESERVATION),
    MODE_SELECT_10(
            "55 11 00 00 00 00 00 ff ff 04",
            (h, l) ->
                    new Cdb.ModeSelect(
                            Cdb.ModeHeader.TEN,
                            bit(h, 1, 4),
                            bit(h, 1, 0),
                            (int) field(h, l, 7, 2))),
    RESERVE_10(
            "56 00 00 00 00 00 00 00 00 04",
            (_, _) -> new Cdb.Reserve(),
            Rule.PASSES_PERSISTENT_RESERVATION),
    RELEASE_10(
            "57 00 00 00 00 00 00 00 00 04",
            (_, _) -> new Cdb.Release(),
            Rule.PASSES_RESERVATION,
            Rule.PASSES_PERSISTENT_RESERVATION),
    MODE_SENSE_10(
            "5a 18 ff ff 00 00 00 ff ff 04",
            (h, l) -> modeSense(Cdb.ModeHeader.TEN, h, l, field(h, l, 7, 2)),
            Rule.LOOKS_ONLY),
    PERSISTENT_RESERVE_IN_READ_KEYS(
            0x00,
            "5e 00 00 00 00 00 00 ff ff 04",
            (h, l) -> reserveIn(ReserveIn.Query.READ_KEYS, h, l),
            Rule.PASSES_PERSISTENT_RESERVATION),
    PERSISTENT_RESERVE_IN_READ_RESERVATION(
            0x01,
            "5e 01 00 00 00 00 00 ff ff 04",
            (h, l) -> reserveIn(ReserveIn.Query.READ_RESERVATION, h, l),
            Rule.PASSES_PERSISTENT_RESERVATION),
    PERSISTENT_RESERVE_IN_REPORT_CAPABILITIES(
            0x02,
            "5e 02 00 00 00 00 00 ff ff 04",
            (h, l) -> reserveIn(ReserveIn.Query.REPORT_CAPABILITIES, h, l),
            Rule.PASSES_PERSISTENT_RESERVATION),
    PERSISTENT_RESERVE_IN_READ_FULL_STATUS(
            0x03,
            "5e 03 00 00 00 00 00 ff ff 04",
            (h, l) -> reserveIn(ReserveIn.Query.READ_FULL_STATUS, h, l),
            Rule.PASSES_PERSISTENT_RESERVATION),
    PERSISTENT_RESERVE_OUT_REGISTER(
            0x00,
            "5f 00 ff 00 00 ff ff ff ff 04",
            (h, l) -> reserveOut(ReservationRequest.Action.REGISTER, h, l),
            Rule.PASSES_PERSISTENT_RESERVATION),
    PERSISTENT_RESERVE_OUT_RESERVE(
            0x01,
            "5f 01 ff 00 00 ff ff ff ff 04",
            (h, l) -> reserveOut(ReservationRequest.Action.RESERVE, h, l),
            Rule.PASSES_PERSISTENT_RESERVATION),
    PERSISTENT_RESERVE_OUT_RELEASE(
            0x02,
            "5f 02 ff 00 00 ff ff ff ff 04",
            (h, l) -> reserveOut(ReservationRequest.Action.RELEASE, h, l),
            Rule.PASSES_PERSISTENT_RESERVATION),
    PERSISTENT_RESERVE_OUT_CLEAR(
            0x03,
            "5f 03 ff 00 00 ff ff ff ff 04",
            (h, l) -> reserveOut(ReservationRequest.Action.CLEAR, h, l),
            Rule.PASSES_PERSISTENT_RESERVATION),
    PERSISTENT_RESERVE_OUT_PREEMPT(
            0x04,
            "5f 04 ff 00 00 ff ff ff ff 04",
            (h, l) -> reserveOut(ReservationRequest.Action.PREEMPT, h, l),
            Rule.PASSES_PERSISTENT_RESERVATION),
    PERSISTENT_RESERVE_OUT_PREEMPT_AND_ABORT(
            0x05,
            "5f 05 ff 00 00 ff ff ff ff 04",
            (h, l) -> reserveOut(ReservationRequest.Action.PREEMPT_AND_ABORT, h, l),
            Rule.PASSES_PERSISTENT_RESERVATION),
    PERSISTENT_RESERVE_OUT_REGISTER_AND_IGNORE_EXISTING_KEY(
            0x06,
            "5f 06 ff 00 00 ff ff ff ff 04",
            (h, l) -> reserveOut(ReservationRequest.Action.REGISTER_AND_IGNORE_EXISTING_KEY, h, l),
            Rule.PASSES_PERSISTENT_RESERVATION),
    PERSISTENT_RESERVE_OUT_REGISTER_AND_MOVE(
            0x07,
            "5f 07 ff 00 00 ff ff ff ff 04",
            (h, l) -> reserveOut(ReservationRequest.Action.REGISTER_AND_MOVE, h, l),
            Rule.PASSES_PERSISTENT_RESERVATION),
    PERSISTENT_RESERVE_OUT_REPLACE_LOST_RESERVATION(
            0x08,
            "5f 08 ff 00 00 ff ff ff ff 04",
            (h, l) -> reserveOut(ReservationRequest.Action.REPLACE_LOST_RESERVATION, h, l),
            Rule.PASSES_PERSISTENT_RESERVATION),
    EXTENDED_COPY_LID1(
            0x00,
            "83 00 00 00 00 00 00 00 00 00 ff ff ff ff 00 04",
            (h, l) -> new Cdb.ExtendedCopy(false, field(h, l, 10, 4))),
    EXTENDED_COPY_LID4(
            0x01,
            "83 01 00 00 00 00 00 00 00 00 ff ff ff ff 00 04",
            (h, l) -> new Cdb.ExtendedCopy(true, field(h, l, 10, 4))),
    POPULATE_TOKEN(
            0x10,
            "83 10 00 00 00 00 ff ff ff ff ff ff ff ff 1f 04",
            (h, l) -> new Cdb.PopulateToken(field(h, l, 6, 4), field(h, l, 10, 4)),
            Rule.NEEDS_READY_UNIT,
            Rule.LOOKS_ONLY),
    WRITE_USING_TOKEN(
            0x11,
            "83 11 00 00 00 00 ff ff ff ff ff ff ff ff 1f 04",
            (h, l) -> new Cdb.WriteUsingToken(field(h, l, 6, 4), field(h, l, 10, 4)),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    COPY_OPERATION_ABORT(
            0x1c,
            "83 1c ff ff ff ff 00 00 00 00 00 00 00 00 00 04",
            (h, l) -> new Cdb.CopyOperationAbort(field(h, l, 2, 4))),
    RECEIVE_COPY_STATUS_LID1(
            0x00,
            "84 00 ff 00 00 00 00 00 00 00 ff ff ff ff 00 04",
            (h, l) -> copyResults(CopyResults.Query.STATUS_LID1, h, l)),
    RECEIVE_COPY_OPERATING_PARAMETERS(
            0x03,
            "84 03 ff 00 00 00 00 00 00 00 ff ff ff ff 00 04",
            (h, l) -> copyResults(CopyResults.Query.OPERATING_PARAMETERS, h, l)),
    RECEIVE_COPY_FAILURE_DETAILS(
            0x04,
            "84 04 ff 00 00 00 00 00 00 00 ff ff ff ff 00 04",
            (h, l) -> copyResults(CopyResults.Query.FAILURE_DETAILS, h, l)),
    RECEIVE_COPY_STATUS_LID4(
            0x05,
            "84 05 ff ff ff ff 00 00 00 00 ff ff ff ff 00 04",
            (h, l) -> copyResults(CopyResults.Query.STATUS_LID4, h, l)),
    RECEIVE_ROD_TOKEN_INFORMATION(
            0x07,
            "84 07 ff ff ff ff 00 00 00 00 ff ff ff ff 00 04",
            (h, l) -> copyResults(CopyResults.Query.ROD_TOKEN_INFORMATION, h, l),
            Rule.LOOKS_ONLY),
    READ_16(
            "88 1a ff ff ff ff ff ff ff ff ff ff ff ff 1f 04",
            (h, l) -> new Cdb.Read(field(h, l, 2, 8), field(h, l, 10, 4), bit(h, 1, 3)),
            Rule.NEEDS_READY_UNIT,
            Rule.LOOKS_ONLY),
    COMPARE_AND_WRITE(
            "89 1a ff ff ff ff ff ff ff ff 00 00 00 ff 1f 04",
            (h, l) ->
                    new Cdb.CompareAndWrite(
                            field(h, l, 2, 8), (int) field(h, l, 13, 1), bit(h, 1, 3)),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    WRITE_16(
            "8a 1a ff ff ff ff ff ff ff ff ff ff ff ff 1f 04",
            (h, l) -> new Cdb.Write(field(h, l, 2, 8), field(h, l, 10, 4), bit(h, 1, 3)),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    OR_WRITE_16(
            "8b 1a ff ff ff ff ff ff ff ff ff ff ff ff 1f 04",
            (h, l) -> new Cdb.OrWrite(field(h, l, 2, 8), field(h, l, 10, 4), bit(h, 1, 3)),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    WRITE_AND_VERIFY_16(
            "8e 12 ff ff ff ff ff ff ff ff ff ff ff ff 1f 04",
            (h, l) -> new Cdb.WriteAndVerify(field(h, l, 2, 8), field(h, l, 10, 4), byteCheck(h)),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    VERIFY_16(
            "8f 16 ff ff ff ff ff ff ff ff ff ff ff ff 1f 04",
            (h, l) -> new Cdb.Verify(field(h, l, 2, 8), field(h, l, 10, 4), byteCheck(h)),
            Rule.NEEDS_READY_UNIT,
            Rule.LOOKS_ONLY),
    PRE_FETCH_16(
            "90 02 ff ff ff ff ff ff ff ff ff ff ff ff 1f 04",
            (h, l) -> new Cdb.PreFetch(field(h, l, 2, 8), field(h, l, 10, 4)),
            Rule.NEEDS_READY_UNIT,
            Rule.LOOKS_ONLY),
    SYNCHRONIZE_CACHE_16(
            "91 06 ff ff ff ff ff ff ff ff ff ff ff ff 1f 04",
            (h, l) -> new Cdb.SynchronizeCache(field(h, l, 2, 8), field(h, l, 10, 4), bit(h, 1, 1)),
            Rule.NEEDS_READY_UNIT),
    WRITE_SAME_16(
            "93 19 ff ff ff ff ff ff ff ff ff ff ff ff 1f 04",
            (h, l) ->
                    new Cdb.WriteSame(
                            field(h, l, 2, 8),
                            field(h, l, 10, 4),
                            bit(h, 1, 3),
                            bit(h, 1, 4),
                            bit(h, 1, 0)),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    READ_CAPACITY_16(
            0x10,
            "9e 10 00 00 00 00 00 00 00 00 ff ff ff ff 00 04",
            (h, l) -> new Cdb.ReadCapacity16(field(h, l, 10, 4)),
            Rule.PASSES_RESERVATION,
            Rule.PASSES_PERSISTENT_RESERVATION),
    GET_LBA_STATUS(
            0x12,
            "9e 12 ff ff ff ff ff ff ff ff ff ff ff ff 00 04",
            (h, l) -> new Cdb.GetLbaStatus(field(h, l, 2, 8), field(h, l, 10, 4)),
            Rule.NEEDS_READY_UNIT,
            Rule.LOOKS_ONLY),
    REPORT_LUNS(
            "a0 00 ff 00 00 00 ff ff ff ff 00 04",
            (h, l) -> new Cdb.ReportLuns((int) field(h, l, 2, 1), field(h, l, 6, 4)),
            Rule.PASSES_UNIT_ATTENTION,
            Rule.PASSES_RESERVATION,
            Rule.PASSES_PERSISTENT_RESERVATION),
    REPORT_IDENTIFYING_INFORMATION(
            0x05,
            "a3 05 00 00 00 00 ff ff ff ff fe 04",
            (h, l) ->
                    new Cdb.ReportIdentifyingInformation(
                            (int) field(h, l, 10, 1) >> 1, field(h, l, 6, 4)),
            Rule.PASSES_RESERVATION,
            Rule.PASSES_PERSISTENT_RESERVATION),
    REPORT_TARGET_PORT_GROUPS(
            0x0a,
            "a3 ea 00 00 00 00 ff ff ff ff 00 04",
            (h, l) ->
                    new Cdb.ReportTargetPortGroups((int) field(h, l, 1, 1) >> 5, field(h, l, 6, 4)),
            Rule.PASSES_RESERVATION,
            Rule.PASSES_PERSISTENT_RESERVATION),
    REPORT_SUPPORTED_OPERATION_CODES(
            0x0c,
            "a3 0c 87 ff ff ff ff ff ff ff 00 04",
            (h, l) ->
                    new Cdb.ReportSupportedOperationCodes(
                            bit(h, 2, 7),
                            (int) field(h, l, 2, 1) & 0x07,
                            (int) field(h, l, 3, 1),
                            (int) field(h, l, 4, 2),
                            field(h, l, 6, 4)),
            Rule.PASSES_RESERVATION,
            Rule.LOOKS_ONLY),
    REPORT_SUPPORTED_TASK_MANAGEMENT_FUNCTIONS(
            0x0d,
            "a3 0d 80 00 00 00 ff ff ff ff 00 04",
            (h, l) ->
                    new Cdb.ReportSupportedTaskManagementFunctions(bit(h, 2, 7), field(h, l, 6, 4)),
            Rule.PASSES_RESERVATION,
            Rule.LOOKS_ONLY),
    REPORT_TIMESTAMP(
            0x0f,
            "a3 0f 00 00 00 00 ff ff ff ff 00 04",
            (h, l) -> new Cdb.ReportTimestamp(field(h, l, 6, 4)),
            Rule.PASSES_RESERVATION,
            Rule.PASSES_PERSISTENT_RESERVATION),
    SET_IDENTIFYING_INFORMATION(
            0x06,
            "a4 06 00 00 00 00 ff ff ff ff fe 04",
            (h, l) ->
                    new Cdb.SetIdentifyingInformation(
                            (int) field(h, l, 10, 1) >> 1, field(h, l, 6, 4))),
    SET_TARGET_PORT_GROUPS(
            0x0a,
            "a4 0a 00 00 00 00 ff ff ff ff 00 04",
            (h, l) -> new Cdb.SetTargetPortGroups(field(h, l, 6, 4))),
    SET_TIMESTAMP(
            0x0f,
            "a4 0f 00 00 00 00 ff ff ff ff 00 04",
            (h, l) -> new Cdb.SetTimestamp(field(h, l, 6, 4))),
    READ_12(
            "a8 1a ff ff ff ff ff ff ff ff 1f 04",
            (h, l) -> new Cdb.Read(field(h, l, 2, 4), field(h, l, 6, 4), bit(h, 1, 3)),
            Rule.NEEDS_READY_UNIT,
            Rule.LOOKS_ONLY),
    WRITE_12(
            "aa 1a ff ff ff ff ff ff ff ff 1f 04",
            (h, l) -> new Cdb.Write(field(h, l, 2, 4), field(h, l, 6, 4), bit(h, 1, 3)),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    WRITE_AND_VERIFY_12(
            "ae 12 ff ff ff ff ff ff ff ff 1f 04",
            (h, l) -> new Cdb.WriteAndVerify(field(h, l, 2, 4), field(h, l, 6, 4), byteCheck(h)),
            Rule.NEEDS_READY_UNIT,
            Rule.WRITES),
    VERIFY_12(
            "af 16 ff ff ff ff ff ff ff ff 1f 04",
            (h, l) -> new Cdb.Verify(field(h, l, 2, 4), field(h, l, 6, 4), byteCheck(h)),
            Rule.NEEDS_READY_UNIT,
            Rule.LOOKS_ONLY),
    READ_DEFECT_DATA_12(
            "b7 1f 00 00 00 00 ff ff ff ff 00 04",
            (h, l) ->
                    new Cdb.ReadDefectData(
                            Cdb.DefectHeader.TWELVE, (int) field(h, l, 1, 1), field(h, l, 6, 4)),
            Rule.LOOKS_ONLY);

    /// What [#serviceAction] says of a command that is told by its operation code alone.
    static final int NO_SERVICE_ACTION = -1;

    /// The service action is the low five bits of byte 1.
    private static final int SERVICE_ACTION_MASK = CdbUsage.SERVICE_ACTION_MASK;

    /// By operation code and service action; commands without service actions are under 0.
    private static final @Nullable OperationCode[] ROWS =
            new OperationCode[256 * (SERVICE_ACTION_MASK + 1)];

    private static final boolean[] HAS_SERVICE_ACTIONS = new boolean[256];

    static {
        for (OperationCode row : values()) {
            int serviceAction = Math.max(0, row.serviceAction);
            ROWS[index(row.operationCode(), serviceAction)] = row;
            HAS_SERVICE_ACTIONS[row.operationCode()] |= row.serviceAction != NO_SERVICE_ACTION;
        }
    }

    private final int serviceAction;
    private final CdbUsage usage;
    private final Decoder decoder;
    private final boolean passesUnitAttention;
    private final boolean passesReservation;
    private final Claim claim;
    private final boolean needsReadyUnit;
    private final boolean writes;

    OperationCode(String usage, Decoder decoder, Rule... rules) {
        this(NO_SERVICE_ACTION, usage, decoder, rules);
    }

    OperationCode(int serviceAction, String usage, Decoder decoder, Rule... rules) {
        this.serviceAction = serviceAction;
        this.usage = new CdbUsage(usage, serviceAction != NO_SERVICE_ACTION);
        this.decoder = decoder;
        Set<Rule> set = Set.of(rules);
        this.passesUnitAttention = set.contains(Rule.PASSES_UNIT_ATTENTION);
        this.passesReservation = set.contains(Rule.PASSES_RESERVATION);
        this.claim =
                set.contains(Rule.PASSES_PERSISTENT_RESERVATION)
                        ? Claim.NOTHING
                        : set.contains(Rule.LOOKS_ONLY) ? Claim.LOOK : Claim.CHANGE;
        this.needsReadyUnit = set.contains(Rule.NEEDS_READY_UNIT);
        this.writes = set.contains(Rule.WRITES);
    }

    /// Takes the first 16 bytes of a CDB as two big-endian numbers: no buffer is read twice.
    @FunctionalInterface
    private interface Decoder {
        Cdb decode(long high, long low);
    }

    /// The row for a CDB that starts with the bytes of `high`.
    ///
    /// @return null when the operation code or its service action is not supported
    static @Nullable OperationCode of(long high) {
        int operationCode = (int) (high >>> 56);
        int serviceAction = (int) (high >>> 48) & SERVICE_ACTION_MASK;
        return ROWS[index(operationCode, hasServiceActions(operationCode) ? serviceAction : 0)];
    }

    /// The row of an operation code that has no service actions; null when there is none.
    static @Nullable OperationCode plain(int operationCode) {
        return hasServiceActions(operationCode) ? null : ROWS[index(operationCode, 0)];
    }

    /// The row of a service action, 0 to 65535; null when there is none.
    static @Nullable OperationCode withServiceAction(int operationCode, int serviceAction) {
        return hasServiceActions(operationCode) && serviceAction <= SERVICE_ACTION_MASK
                ? ROWS[index(operationCode, serviceAction)]
                : null;
    }

    /// Whether an operation code is told apart further by a service action.
    static boolean hasServiceActions(int operationCode) {
        return HAS_SERVICE_ACTIONS[operationCode];
    }

    private static int index(int operationCode, int serviceAction) {
        return operationCode * (SERVICE_ACTION_MASK + 1) + serviceAction;
    }

    Cdb decode(long high, long low) {
        return decoder.decode(high, low);
    }

    int operationCode() {
        return usage.operationCode();
    }

    /// The service action, or [#NO_SERVICE_ACTION].
    int serviceAction() {
        return serviceAction;
    }

    boolean passesUnitAttention() {
        return passesUnitAttention;
    }

    boolean passesReservation() {
        return passesReservation;
    }

    /// What it asks of whoever holds a persistent reservation.
    Claim claim() {
        return claim;
    }

    boolean needsReadyUnit() {
        return needsReadyUnit;
    }

    boolean writes() {
        return writes;
    }

    /// What its CDB may hold.
    CdbUsage usage() {
        return usage;
    }
}
