package io.lunkeeper.target.pdu;

import io.netty.buffer.ByteBuf;

/// A PDU that an initiator sends (RFC 7143 section 11). Tags and sequence numbers are the 32 bits
/// of the wire; 0xffffffff is the reserved tag. `data` is the data segment without padding: a view
/// into the receive buffer, valid until the receiver returns; whoever keeps it longer retains it.
/// The same holds for `cdb`.
public sealed interface RequestPdu {

    /// The reserved value of Initiator Task Tag, Target Transfer Tag and Referenced Task Tag.
    int RESERVED_TAG = 0xffffffff;

    /// RFC 7143 11.2.1.8 Initiator Task Tag.
    int initiatorTaskTag();

    /// The StatSN up to which the initiator has everything (RFC 7143 4.2.2.2).
    int expStatSn();

    /// A request that takes a CmdSN, unless it is immediate (RFC 7143 4.2.2.1 Command Numbering and
    /// Acknowledging).
    sealed interface Numbered extends RequestPdu {

        /// Whether it is carried out at once, whatever comes before it.
        boolean immediate();

        /// Its own CmdSN; of an immediate one that of the next that is not.
        int cmdSn();
    }

    /// RFC 7143 11.3 SCSI Command.
    ///
    /// @param taskAttribute 0 untagged, 1 simple, 2 ordered, 3 head of queue, 4 ACA, others
    ///   reserved
    /// @param lun the eight bytes of the LUN field
    /// @param expectedDataTransferLength bytes, 0 to 2^32 - 1
    /// @param cdb 16 bytes, or more with an Extended CDB AHS (11.2.2.3)
    /// @param data immediate data
    record ScsiCommand(
            boolean immediate,
            boolean finalBit,
            boolean read,
            boolean write,
            int taskAttribute,
            long lun,
            int initiatorTaskTag,
            long expectedDataTransferLength,
            int cmdSn,
            int expStatSn,
            ByteBuf cdb,
            ByteBuf data)
            implements Numbered {

        /// The same with another LUN field.
        public ScsiCommand at(long other) {
            return new ScsiCommand(
                    immediate,
                    finalBit,
                    read,
                    write,
                    taskAttribute,
                    other,
                    initiatorTaskTag,
                    expectedDataTransferLength,
                    cmdSn,
                    expStatSn,
                    cdb,
                    data);
        }

        /// The same as if all data that comes unasked had come with it, in other memory.
        public ScsiCommand carrying(ByteBuf otherCdb, ByteBuf allData) {
            return new ScsiCommand(
                    immediate,
                    true,
                    read,
                    write,
                    taskAttribute,
                    lun,
                    initiatorTaskTag,
                    expectedDataTransferLength,
                    cmdSn,
                    expStatSn,
                    otherCdb,
                    allData);
        }
    }

    /// RFC 7143 11.5 Task Management Function Request.
    ///
    /// @param function the seven bits of the Function field, whether defined or not
    record TaskManagementRequest(
            boolean immediate,
            int function,
            long lun,
            int initiatorTaskTag,
            int referencedTaskTag,
            int cmdSn,
            int expStatSn,
            int refCmdSn,
            int expDataSn)
            implements Numbered {

        /// The same with another LUN field.
        public TaskManagementRequest at(long other) {
            return new TaskManagementRequest(
                    immediate,
                    function,
                    other,
                    initiatorTaskTag,
                    referencedTaskTag,
                    cmdSn,
                    expStatSn,
                    refCmdSn,
                    expDataSn);
        }
    }

    /// RFC 7143 11.7 SCSI Data-Out.
    ///
    /// @param bufferOffset bytes from the start of the command's data, 0 to 2^32 - 1
    record DataOut(
            boolean finalBit,
            long lun,
            int initiatorTaskTag,
            int targetTransferTag,
            int expStatSn,
            int dataSn,
            long bufferOffset,
            ByteBuf data)
            implements RequestPdu {}

    /// RFC 7143 11.10 Text Request.
    record TextRequest(
            boolean immediate,
            boolean finalBit,
            boolean continueBit,
            long lun,
            int initiatorTaskTag,
            int targetTransferTag,
            int cmdSn,
            int expStatSn,
            ByteBuf data)
            implements Numbered {}

    /// RFC 7143 11.12 Login Request. Stages are 0 to 3 as on the wire.
    ///
    /// @param isid the six bytes of the ISID, in the low 48 bits
    record LoginRequest(
            boolean transit,
            boolean continueBit,
            int currentStage,
            int nextStage,
            int versionMax,
            int versionMin,
            long isid,
            int tsih,
            int initiatorTaskTag,
            int cid,
            int cmdSn,
            int expStatSn,
            ByteBuf data)
            implements RequestPdu {}

    /// RFC 7143 11.14 Logout Request.
    ///
    /// @param reason 0 close the session, 1 close the connection, 2 remove for recovery, others
    ///   reserved
    record LogoutRequest(
            boolean immediate, int reason, int initiatorTaskTag, int cid, int cmdSn, int expStatSn)
            implements Numbered {}

    /// RFC 7143 11.16 SNACK Request.
    record SnackRequest(
            int type,
            long lun,
            int initiatorTaskTag,
            int targetTransferTag,
            int expStatSn,
            int begRun,
            int runLength)
            implements RequestPdu {}

    /// RFC 7143 11.18 NOP-Out.
    record NopOut(
            boolean immediate,
            long lun,
            int initiatorTaskTag,
            int targetTransferTag,
            int cmdSn,
            int expStatSn,
            ByteBuf data)
            implements Numbered {}
}
