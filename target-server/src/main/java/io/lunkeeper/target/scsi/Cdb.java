package io.lunkeeper.target.scsi;

/// A command after decoding: what the CDB asks for, whatever its length. The four READ commands are
/// one [Read]. Block addresses are unsigned 64-bit numbers, counts of blocks and lengths are
/// unsigned 32-bit numbers held in a `long`.
sealed interface Cdb {

    /// The service actions of MAINTENANCE IN and MAINTENANCE OUT (SPC-4 4.2.2.3 Twelve-byte and
    /// sixteen-byte CDBs): what is told and set of a logical unit beside its medium.
    sealed interface Maintenance extends Cdb {}

    /// FORMAT UNIT.
    ///
    /// @param longList whether the parameter list header is the long one (LONGLIST)
    /// @param formatData whether there is a parameter list (FMTDATA)
    /// @param completeList whether the list of defects is complete (CMPLST)
    record FormatUnit(
            boolean longList, boolean formatData, boolean completeList, int defectListFormat)
            implements Cdb {}

    /// SANITIZE with the OVERWRITE service action.
    ///
    /// @param immediate whether the status is not that of the end (IMMED)
    /// @param unrestrictedExit whether a failure may be left by EXIT FAILURE MODE (AUSE)
    record SanitizeOverwrite(boolean immediate, boolean unrestrictedExit, int parameterListLength)
            implements Cdb {}

    /// SANITIZE with the BLOCK ERASE service action.
    ///
    /// @param immediate whether the status is not that of the end (IMMED)
    /// @param unrestrictedExit whether a failure may be left by EXIT FAILURE MODE (AUSE)
    record SanitizeBlockErase(boolean immediate, boolean unrestrictedExit) implements Cdb {}

    /// SANITIZE with the EXIT FAILURE MODE service action.
    record SanitizeExitFailureMode() implements Cdb {}

    /// TEST UNIT READY.
    record TestUnitReady() implements Cdb {}

    /// REQUEST SENSE.
    ///
    /// @param descriptor whether descriptor format is asked for (DESC)
    record RequestSense(boolean descriptor, long allocationLength) implements Cdb {}

    /// INQUIRY.
    ///
    /// @param vitalProductData whether a VPD page is asked for (EVPD)
    record Inquiry(boolean vitalProductData, int pageCode, long allocationLength) implements Cdb {}

    /// REPORT LUNS.
    record ReportLuns(int selectReport, long allocationLength) implements Cdb {}

    /// READ CAPACITY(10).
    record ReadCapacity10() implements Cdb {}

    /// READ CAPACITY(16).
    record ReadCapacity16(long allocationLength) implements Cdb {}

    /// GET LBA STATUS.
    record GetLbaStatus(long lba, long allocationLength) implements Cdb {}

    /// MODE SENSE(6) and MODE SENSE(10).
    ///
    /// @param header the form of the mode parameter header
    /// @param blockDescriptor the block descriptor wanted (DBD, LLBAA)
    /// @param pageControl 0 current, 1 changeable, 2 default, 3 saved values
    record ModeSense(
            ModeHeader header,
            BlockDescriptor blockDescriptor,
            int pageControl,
            int pageCode,
            int subpageCode,
            long allocationLength)
            implements Cdb {}

    /// MODE SELECT(6) and MODE SELECT(10).
    ///
    /// @param pageFormat whether pages follow the header (PF)
    /// @param savePages whether a reset is to bring the parameters back (SP)
    record ModeSelect(
            ModeHeader header, boolean pageFormat, boolean savePages, int parameterListLength)
            implements Cdb {}

    /// LOG SELECT.
    ///
    /// @param parameterCodeReset whether parameters are to have their defaults (PCR)
    record LogSelect(
            boolean parameterCodeReset, int pageCode, int subpageCode, int parameterListLength)
            implements Cdb {}

    /// LOG SENSE.
    ///
    /// @param pointer the first parameter code that is wanted
    record LogSense(int pageCode, int subpageCode, int pointer, long allocationLength)
            implements Cdb {}

    /// The two forms of the mode parameter header (SPC-4 7.5.5 Mode parameter header formats).
    enum ModeHeader {
        SIX,
        TEN
    }

    /// Which block descriptor mode data carries.
    enum BlockDescriptor {
        NONE,
        SHORT,
        LONG
    }

    /// READ(6), (10), (12) and (16).
    ///
    /// @param fua whether the data must come from the medium (FUA)
    record Read(long lba, long blocks, boolean fua) implements Cdb {}

    /// WRITE(6), (10), (12) and (16).
    ///
    /// @param fua whether the data must be on the medium before the status (FUA)
    record Write(long lba, long blocks, boolean fua) implements Cdb {}

    /// SYNCHRONIZE CACHE(10) and (16).
    ///
    /// @param blocks 0: to the end of the medium
    record SynchronizeCache(long lba, long blocks, boolean immediate) implements Cdb {}

    /// VERIFY(10), (12) and (16).
    ///
    /// @param byteCheck what the blocks are compared with (BYTCHK)
    record Verify(long lba, long blocks, ByteCheck byteCheck) implements Cdb {}

    /// The values of the BYTCHK field, in their order.
    enum ByteCheck {
        /// 00b: with nothing, they are only read.
        MEDIUM_ONLY,
        /// 01b: with as many blocks from the initiator.
        ALL_DATA,
        /// 10b: not defined.
        RESERVED,
        /// 11b: each with the same block from the initiator.
        ONE_BLOCK
    }

    /// READ DEFECT DATA(10) and (12).
    ///
    /// @param lists REQ_PLIST, REQ_GLIST and DEFECT LIST FORMAT as they came
    record ReadDefectData(DefectHeader header, int lists, long allocationLength) implements Cdb {}

    /// The two forms of the defect list header.
    enum DefectHeader {
        TEN,
        TWELVE
    }

    /// WRITE AND VERIFY(10), (12) and (16).
    record WriteAndVerify(long lba, long blocks, ByteCheck byteCheck) implements Cdb {}

    /// ORWRITE(16).
    record OrWrite(long lba, long blocks, boolean fua) implements Cdb {}

    /// PRE-FETCH(10) and (16).
    ///
    /// @param blocks 0: to the end of the medium
    record PreFetch(long lba, long blocks) implements Cdb {}

    /// READ BUFFER.
    ///
    /// @param mode MODE as it came
    record ReadBuffer(int mode, int bufferId, int offset, long allocationLength) implements Cdb {}

    /// WRITE BUFFER.
    ///
    /// @param mode MODE as it came
    record WriteBuffer(int mode, int bufferId, int offset, int parameterListLength)
            implements Cdb {}

    /// COMPARE AND WRITE.
    record CompareAndWrite(long lba, int blocks, boolean fua) implements Cdb {}

    /// WRITE SAME(10) and (16).
    ///
    /// @param noDataOut whether the block is all zeros and not sent (NDOB)
    record WriteSame(long lba, long blocks, boolean unmap, boolean anchor, boolean noDataOut)
            implements Cdb {}

    /// UNMAP.
    record Unmap(boolean anchor, int parameterListLength) implements Cdb {}

    /// START STOP UNIT.
    record StartStopUnit(boolean immediate, boolean noFlush, boolean start) implements Cdb {}

    /// REPORT SUPPORTED OPERATION CODES.
    ///
    /// @param timeouts whether command timeouts descriptors are wanted (RCTD)
    record ReportSupportedOperationCodes(
            boolean timeouts,
            int reportingOptions,
            int operationCode,
            int serviceAction,
            long allocationLength)
            implements Maintenance {}

    /// REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS.
    ///
    /// @param extended whether the 16-byte form is wanted (REPD)
    record ReportSupportedTaskManagementFunctions(boolean extended, long allocationLength)
            implements Maintenance {}

    /// PERSISTENT RESERVE IN.
    record PersistentReserveIn(ReserveIn.Query query, long allocationLength) implements Cdb {}

    /// PERSISTENT RESERVE OUT.
    ///
    /// @param scope SCOPE as it came
    /// @param type TYPE as it came
    record PersistentReserveOut(
            ReservationRequest.Action action, int scope, int type, long parameterListLength)
            implements Cdb {}

    /// EXTENDED COPY.
    ///
    /// @param longIdentifier whether the list identifier has four bytes (LID4) or one (LID1)
    record ExtendedCopy(boolean longIdentifier, long parameterListLength) implements Cdb {}

    /// POPULATE TOKEN.
    record PopulateToken(long listIdentifier, long parameterListLength) implements Cdb {}

    /// WRITE USING TOKEN.
    record WriteUsingToken(long listIdentifier, long parameterListLength) implements Cdb {}

    /// COPY OPERATION ABORT.
    record CopyOperationAbort(long listIdentifier) implements Cdb {}

    /// RECEIVE COPY STATUS and its relatives.
    ///
    /// @param listIdentifier of the copy that is asked about
    record ReceiveCopyResults(CopyResults.Query query, long listIdentifier, long allocationLength)
            implements Cdb {}

    /// REPORT TARGET PORT GROUPS.
    ///
    /// @param format PARAMETER DATA FORMAT
    record ReportTargetPortGroups(int format, long allocationLength) implements Maintenance {}

    /// SET TARGET PORT GROUPS.
    record SetTargetPortGroups(long parameterListLength) implements Maintenance {}

    /// REPORT IDENTIFYING INFORMATION.
    ///
    /// @param informationType INFORMATION TYPE as it came
    record ReportIdentifyingInformation(int informationType, long allocationLength)
            implements Maintenance {}

    /// SET IDENTIFYING INFORMATION.
    ///
    /// @param informationType INFORMATION TYPE as it came
    record SetIdentifyingInformation(int informationType, long parameterListLength)
            implements Maintenance {}

    /// SET TIMESTAMP.
    record SetTimestamp(long parameterListLength) implements Maintenance {}

    /// REPORT TIMESTAMP.
    record ReportTimestamp(long allocationLength) implements Maintenance {}

    /// SEND DIAGNOSTIC without parameters.
    ///
    /// @param selfTest whether the default self-test is asked for (SELFTEST)
    record SendDiagnostic(boolean selfTest) implements Cdb {}

    /// RESERVE(6) and RESERVE(10) of the whole logical unit for the sender.
    record Reserve() implements Cdb {}

    /// RELEASE(6) and RELEASE(10) of the whole logical unit by the sender.
    record Release() implements Cdb {}
}
