package io.lunkeeper.target.scsi;

import org.jscsi.target.scsi.sense.AdditionalSenseCodeAndQualifier;
import org.jscsi.target.scsi.sense.SenseKey;

/// What can be wrong with how the data of a command moves, whatever the command is: each ends it
/// with ABORTED COMMAND (RFC 7143 11.4.7.2 Sense Data).
public enum TransferFault {
    /// Data that was neither asked for nor allowed unsolicited.
    UNEXPECTED_UNSOLICITED_DATA(
            AdditionalSenseCodeAndQualifier.WRITE_ERROR_UNEXPECTED_UNSOLICITED_DATA),

    /// More or less data than was asked for.
    INCORRECT_AMOUNT_OF_DATA(
            AdditionalSenseCodeAndQualifier.WRITE_ERROR_NOT_ENOUGH_UNSOLICITED_DATA),

    /// Data to the target was lost on the way.
    PROTOCOL_SERVICE_CRC_ERROR(AdditionalSenseCodeAndQualifier.PROTOCOL_SERVICE_CRC_ERROR),

    /// Data to the initiator was lost on the way, and cannot be had again.
    SNACK_REJECTED(AdditionalSenseCodeAndQualifier.READ_ERROR_FAILED_RETRANSMISSION_REQUEST);

    private final Sense sense;

    TransferFault(AdditionalSenseCodeAndQualifier code) {
        this.sense = Sense.of(SenseKey.ABORTED_COMMAND, code);
    }

    Sense sense() {
        return sense;
    }
}
