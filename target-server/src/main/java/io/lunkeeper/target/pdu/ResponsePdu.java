package io.lunkeeper.target.pdu;

/// The header of a PDU that a target sends (RFC 7143 section 11). The data segment is not here: it
/// lies in the buffer that [PduEncoder#encode] completes, so that payload is never copied.
public sealed interface ResponsePdu {

    /// Whether the PDU has a StatSN of its own, which the initiator acknowledges (RFC 7143 4.2.2.2
    /// Response/Status Numbering and Acknowledging).
    default boolean carriesStatus() {
        return switch (this) {
            case DataIn dataIn -> dataIn.statusBit();
            case NopIn nopIn -> nopIn.initiatorTaskTag() != RequestPdu.RESERVED_TAG;
            case ReadyToTransfer _ -> false;
            case ScsiResponse _,
                    TaskManagementResponse _,
                    AsyncMessage _,
                    TextResponse _,
                    LoginResponse _,
                    LogoutResponse _,
                    Reject _ ->
                    true;
        };
    }

    /// RFC 7143 11.4 SCSI Response.
    ///
    /// @param response 0 command completed at target, 1 target failure
    /// @param status the SCSI status
    /// @param snackTag the SNACK Tag of the last R-Data SNACK of the command, or 0
    /// @param residual over- or underflow, at most one of them with a count
    record ScsiResponse(
            int response,
            int status,
            int initiatorTaskTag,
            int snackTag,
            int statSn,
            int expCmdSn,
            int maxCmdSn,
            int expDataSn,
            Residual residual)
            implements ResponsePdu {

        /// The same when it is sent anew: after an R-Data SNACK, or on another connection.
        ///
        /// @param tag the SNACK Tag; 0: there was no such SNACK
        /// @param number its StatSN
        /// @param dataPdus Data-In PDUs of the command, as they are now
        public ScsiResponse again(int tag, int number, int dataPdus) {
            return new ScsiResponse(
                    response,
                    status,
                    initiatorTaskTag,
                    tag,
                    number,
                    expCmdSn,
                    maxCmdSn,
                    dataPdus,
                    residual);
        }
    }

    /// RFC 7143 11.6 Task Management Function Response.
    ///
    /// @param additionalResponse the three bytes of the additional response information that RFC
    ///   7144 gives it, zero without
    record TaskManagementResponse(
            int response,
            int additionalResponse,
            int initiatorTaskTag,
            int statSn,
            int expCmdSn,
            int maxCmdSn)
            implements ResponsePdu {}

    /// RFC 7143 11.7 SCSI Data-In.
    ///
    /// @param acknowledge A: the initiator is to acknowledge the data so far by a SNACK, and LUN
    ///   and Target Transfer Tag are valid. Without it the LUN field goes out as zero
    /// @param statusBit whether status, residual and StatSN are valid: the phase-collapsed status.
    ///   Without it statSn, status and residual go out as zero
    record DataIn(
            boolean finalBit,
            boolean acknowledge,
            boolean statusBit,
            int status,
            long lun,
            int initiatorTaskTag,
            int targetTransferTag,
            int statSn,
            int expCmdSn,
            int maxCmdSn,
            int dataSn,
            long bufferOffset,
            Residual residual)
            implements ResponsePdu {}

    /// RFC 7143 11.8 Ready To Transfer (R2T).
    ///
    /// @param statSn the next StatSN, not advanced
    record ReadyToTransfer(
            long lun,
            int initiatorTaskTag,
            int targetTransferTag,
            int statSn,
            int expCmdSn,
            int maxCmdSn,
            int r2tSn,
            long bufferOffset,
            long desiredDataTransferLength)
            implements ResponsePdu {}

    /// RFC 7143 11.9 Asynchronous Message.
    record AsyncMessage(
            long lun,
            int statSn,
            int expCmdSn,
            int maxCmdSn,
            int asyncEvent,
            int asyncVCode,
            int parameter1,
            int parameter2,
            int parameter3)
            implements ResponsePdu {}

    /// RFC 7143 11.11 Text Response.
    record TextResponse(
            boolean finalBit,
            boolean continueBit,
            long lun,
            int initiatorTaskTag,
            int targetTransferTag,
            int statSn,
            int expCmdSn,
            int maxCmdSn)
            implements ResponsePdu {}

    /// RFC 7143 11.13 Login Response.
    record LoginResponse(
            boolean transit,
            boolean continueBit,
            int currentStage,
            int nextStage,
            int versionMax,
            int versionActive,
            long isid,
            int tsih,
            int initiatorTaskTag,
            int statSn,
            int expCmdSn,
            int maxCmdSn,
            int statusClass,
            int statusDetail)
            implements ResponsePdu {}

    /// RFC 7143 11.15 Logout Response. Times in seconds.
    record LogoutResponse(
            int response,
            int initiatorTaskTag,
            int statSn,
            int expCmdSn,
            int maxCmdSn,
            int time2Wait,
            int time2Retain)
            implements ResponsePdu {}

    /// RFC 7143 11.17 Reject. The data segment is the complete header of the rejected PDU.
    ///
    /// @param dataSnOrR2tSn of a Data/R2T SNACK that is a protocol error: the next number that
    ///   would be sent for its task; else 0
    record Reject(int reason, int statSn, int expCmdSn, int maxCmdSn, int dataSnOrR2tSn)
            implements ResponsePdu {}

    /// RFC 7143 11.19 NOP-In.
    record NopIn(
            long lun,
            int initiatorTaskTag,
            int targetTransferTag,
            int statSn,
            int expCmdSn,
            int maxCmdSn)
            implements ResponsePdu {}

    /// RFC 7143 11.4.5 Residual Count: how far the data moved differs from what was expected.
    ///
    /// @param overflow O: `count` bytes were not moved because the expected length was too small
    /// @param underflow U: `count` bytes of the expected length were not moved
    /// @param count bytes, 0 to 2^32 - 1
    record Residual(boolean overflow, boolean underflow, long count) {
        public static final Residual NONE = new Residual(false, false, 0);

        /// The residual of a command that wanted to move `wanted` bytes of `expected`.
        public static Residual of(long expected, long wanted) {
            if (expected == wanted) {
                return NONE;
            }
            return expected > wanted
                    ? new Residual(false, true, expected - wanted)
                    : new Residual(true, false, Math.min(wanted - expected, 0xffffffffL));
        }
    }
}
