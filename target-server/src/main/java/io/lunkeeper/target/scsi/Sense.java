package io.lunkeeper.target.scsi;

import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import org.jscsi.parser.scsi.SCSIStatus;
import org.jscsi.target.scsi.sense.AdditionalSenseCodeAndQualifier;
import org.jscsi.target.scsi.sense.SenseKey;

/// Why a command was refused or failed, by name: no call site spells a sense key or an additional
/// sense code. Laid out for the wire here, in either format.
///
/// @param additionalSense additional sense code and qualifier, high and low byte
/// @param information the INFORMATION field, when `informed`
/// @param keySpecific the three sense key specific bytes with SKSV set; 0: none
/// @param deferred whether it is about earlier commands than the one that it answers
/// @param segment the COMMAND-SPECIFIC INFORMATION field of a copy: the segment descriptor that was
///   being processed, from 0; [#NO_SEGMENT]: none
record Sense(
        SenseKey key,
        int additionalSense,
        boolean informed,
        long information,
        int keySpecific,
        boolean deferred,
        int segment) {

    private static final int NO_SEGMENT = -1;

    static final Sense NO_SENSE =
            of(SenseKey.NO_SENSE, AdditionalSenseCodeAndQualifier.NO_ADDITIONAL_SENSE_INFORMATION);
    static final Sense INVALID_OPERATION_CODE =
            illegal(AdditionalSenseCodeAndQualifier.INVALID_COMMAND_OPERATION_CODE);
    static final Sense LOGICAL_UNIT_NOT_SUPPORTED =
            illegal(AdditionalSenseCodeAndQualifier.LOGICAL_UNIT_NOT_SUPPORTED);
    static final Sense INVALID_MESSAGE_ERROR =
            illegal(AdditionalSenseCodeAndQualifier.INVALID_MESSAGE_ERROR);
    static final Sense PARAMETER_LIST_LENGTH_ERROR =
            illegal(AdditionalSenseCodeAndQualifier.PARAMETER_LIST_LENGTH_ERROR);
    static final Sense SAVING_PARAMETERS_NOT_SUPPORTED =
            illegal(AdditionalSenseCodeAndQualifier.SAVING_PARAMETERS_NOT_SUPPORTED);

    static final Sense COMMAND_SEQUENCE_ERROR =
            illegal(AdditionalSenseCodeAndQualifier.COMMAND_SEQUENCE_ERROR);
    static final Sense ECHO_BUFFER_OVERWRITTEN =
            of(SenseKey.ABORTED_COMMAND, AdditionalSenseCodeAndQualifier.ECHO_BUFFER_OVERWRITTEN);

    static final Sense INVALID_RELEASE_OF_PERSISTENT_RESERVATION =
            illegal(AdditionalSenseCodeAndQualifier.INVALID_RELEASE_OF_PERSISTENT_RESERVATION);
    static final Sense INSUFFICIENT_REGISTRATION_RESOURCES =
            illegal(AdditionalSenseCodeAndQualifier.INSUFFICIENT_REGISTRATION_RESOURCES);

    /// The transport announced less data than the CDB needs.
    static final Sense INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT =
            illegal(AdditionalSenseCodeAndQualifier.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);

    /// A reset ended what a command had under way on another logical unit.
    static final Sense LOGICAL_UNIT_RESET =
            of(
                    SenseKey.ABORTED_COMMAND,
                    AdditionalSenseCodeAndQualifier.BUS_DEVICE_RESET_FUNCTION_OCCURRED);

    static final Sense WRITE_PROTECTED =
            of(SenseKey.DATA_PROTECT, AdditionalSenseCodeAndQualifier.WRITE_PROTECTED);
    static final Sense PERSISTENT_RESERVATION_INFORMATION_LOST =
            plain(SenseKey.DATA_PROTECT, Sense.PERSISTENT_RESERVATION_INFORMATION_LOST_CODE);
    static final Sense INITIALIZING_COMMAND_REQUIRED =
            of(
                    SenseKey.NOT_READY,
                    AdditionalSenseCodeAndQualifier
                            .LOGICAL_UNIT_NOT_READY_INITIALIZING_COMMAND_REQUIRED);
    static final Sense TARGET_PORT_IN_STANDBY_STATE =
            of(
                    SenseKey.NOT_READY,
                    AdditionalSenseCodeAndQualifier
                            .LOGICAL_UNIT_NOT_ACCESSIBLE_TARGET_PORT_IN_STANDBY_STATE);
    static final Sense TARGET_PORT_IN_UNAVAILABLE_STATE =
            of(
                    SenseKey.NOT_READY,
                    AdditionalSenseCodeAndQualifier
                            .LOGICAL_UNIT_NOT_ACCESSIBLE_TARGET_PORT_IN_UNAVAILABLE_STATE);
    static final Sense LOGICAL_UNIT_NOT_READY_OPERATION_IN_PROGRESS =
            of(
                    SenseKey.NOT_READY,
                    AdditionalSenseCodeAndQualifier.LOGICAL_UNIT_NOT_READY_OPERATION_IN_PROGRESS);
    static final Sense LOGICAL_UNIT_NOT_READY_FORMAT_IN_PROGRESS =
            of(
                    SenseKey.NOT_READY,
                    AdditionalSenseCodeAndQualifier.LOGICAL_UNIT_NOT_READY_FORMAT_IN_PROGRESS);
    static final Sense LOGICAL_UNIT_NOT_READY_SANITIZE_IN_PROGRESS =
            plain(SenseKey.NOT_READY, Sense.SANITIZE_IN_PROGRESS);
    static final Sense FORMAT_COMMAND_FAILED =
            of(SenseKey.MEDIUM_ERROR, AdditionalSenseCodeAndQualifier.FORMAT_COMMAND_FAILED);
    static final Sense MEDIUM_FORMAT_CORRUPTED =
            of(SenseKey.MEDIUM_ERROR, AdditionalSenseCodeAndQualifier.MEDIUM_FORMAT_CORRUPTED);
    static final Sense SANITIZE_COMMAND_FAILED =
            plain(SenseKey.MEDIUM_ERROR, Sense.SANITIZE_COMMAND_FAILED_CODE);
    static final Sense SPACE_ALLOCATION_FAILED =
            plain(SenseKey.DATA_PROTECT, Sense.SPACE_ALLOCATION_FAILED_WRITE_PROTECT);
    static final Sense LOGICAL_UNIT_FAILURE =
            of(SenseKey.HARDWARE_ERROR, AdditionalSenseCodeAndQualifier.LOGICAL_UNIT_FAILURE);
    static final Sense LOGICAL_UNIT_FAILED_SELF_TEST =
            of(
                    SenseKey.HARDWARE_ERROR,
                    AdditionalSenseCodeAndQualifier.LOGICAL_UNIT_FAILED_SELF_TEST);
    static final Sense INTERNAL_TARGET_FAILURE =
            of(SenseKey.HARDWARE_ERROR, AdditionalSenseCodeAndQualifier.INTERNAL_TARGET_FAILURE);
    static final Sense READ_ERROR =
            of(SenseKey.MEDIUM_ERROR, AdditionalSenseCodeAndQualifier.UNRECOVERED_READ_ERROR);
    static final Sense WRITE_ERROR = plain(SenseKey.MEDIUM_ERROR, Sense.WRITE_ERROR_CODE);

    static final Sense THIN_PROVISIONING_SOFT_THRESHOLD =
            plain(SenseKey.UNIT_ATTENTION, Sense.THIN_PROVISIONING_SOFT_THRESHOLD_REACHED);

    /// A field pointer to a whole byte.
    private static final int NO_BIT = -1;

    // Codes that jSCSI's list lacks (SPC-4 Annex F Numeric order codes).
    private static final int SANITIZE_IN_PROGRESS = 0x041b;
    private static final int WRITE_ERROR_CODE = 0x0c00;
    private static final int SPACE_ALLOCATION_FAILED_WRITE_PROTECT = 0x2707;
    private static final int THIN_PROVISIONING_SOFT_THRESHOLD_REACHED = 0x3807;

    private static final int SANITIZE_COMMAND_FAILED_CODE = 0x3103;
    private static final int PERSISTENT_RESERVATION_INFORMATION_LOST_CODE = 0x4401;

    private static final int FIXED_LENGTH = 18;
    private static final int DESCRIPTOR_HEADER_LENGTH = 8;
    private static final int INFORMATION_DESCRIPTOR_LENGTH = 12;
    private static final int COMMAND_SPECIFIC_DESCRIPTOR_LENGTH = 12;
    private static final int KEY_SPECIFIC_DESCRIPTOR_LENGTH = 8;
    private static final int MAX_LENGTH =
            DESCRIPTOR_HEADER_LENGTH
                    + INFORMATION_DESCRIPTOR_LENGTH
                    + COMMAND_SPECIFIC_DESCRIPTOR_LENGTH
                    + KEY_SPECIFIC_DESCRIPTOR_LENGTH;

    /// The command cannot be obeyed because of the field that starts at this byte of the CDB.
    static Sense invalidFieldInCdb(int index) {
        return invalidFieldInCdb(index, NO_BIT);
    }

    /// The command cannot be obeyed because of the field whose top is this bit of the CDB.
    static Sense invalidFieldInCdb(int index, int bit) {
        return illegal(AdditionalSenseCodeAndQualifier.INVALID_FIELD_IN_CDB)
                .pointingTo(true, index, bit);
    }

    /// The same of the parameters that came with the command.
    static Sense invalidFieldInParameterList(int index) {
        return illegal(AdditionalSenseCodeAndQualifier.INVALID_FIELD_IN_PARAMETER_LIST)
                .pointingTo(false, index, NO_BIT);
    }

    /// @param lba the first block that is not there
    static Sense lbaOutOfRange(long lba) {
        return illegal(AdditionalSenseCodeAndQualifier.LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE)
                .informing(lba);
    }

    /// @param offset bytes from the start of the data compared to the first that differs
    static Sense miscompare(long offset) {
        return of(
                        SenseKey.MISCOMPARE,
                        AdditionalSenseCodeAndQualifier.MISCOMPARE_DURING_VERIFY_OPERATION)
                .informing(offset);
    }

    /// The same sense with a valid INFORMATION field.
    Sense informing(long value) {
        return new Sense(key, additionalSense, true, value, keySpecific, deferred, segment);
    }

    /// The same sense about commands that were answered before (SPC-4 4.5.7 Deferred errors).
    Sense asDeferred() {
        return new Sense(key, additionalSense, informed, information, keySpecific, true, segment);
    }

    /// The same sense about a segment descriptor of a copy (SPC-4, Errors detected during
    /// processing of segment descriptors).
    Sense inSegment(int number) {
        return new Sense(
                key, additionalSense, informed, information, keySpecific, deferred, number);
    }

    /// The same sense with a progress indication (SPC-4 4.5.2.4.4 Progress indication sense key
    /// specific data).
    ///
    /// @param progress in 65,536ths, at most 65,535
    Sense progressing(int progress) {
        return new Sense(
                key,
                additionalSense,
                informed,
                information,
                0x80_0000 | progress,
                deferred,
                segment);
    }

    /// CHECK CONDITION with this sense.
    Outcome.Status checkCondition(SenseFormat format) {
        return new Outcome.Status(
                SCSIStatus.CHECK_CONDITION.value() & 0xff, Unpooled.wrappedBuffer(bytes(format)));
    }

    /// The sense data as it goes on the wire.
    byte[] bytes(SenseFormat format) {
        return switch (format) {
            case FIXED -> fixed();
            case DESCRIPTOR -> descriptor();
        };
    }

    /// SPC-4 4.5.3 Fixed format sense data. Its INFORMATION field has four bytes; a value that does
    /// not fit is left out and VALID stays zero.
    private byte[] fixed() {
        boolean fits = informed && information >>> Integer.SIZE == 0;
        ByteBuffer sense = ByteBuffer.allocate(FIXED_LENGTH);
        sense.put((byte) ((fits ? 0xf0 : 0x70) | (deferred ? 1 : 0)))
                .put((byte) 0)
                .put((byte) key.getValue());
        sense.putInt(fits ? (int) information : 0);
        sense.put((byte) (FIXED_LENGTH - DESCRIPTOR_HEADER_LENGTH)).putInt(Math.max(0, segment));
        sense.putShort((short) additionalSense).put((byte) 0);
        putKeySpecific(sense);
        return sense.array();
    }

    /// SPC-4 4.5.2 Descriptor format sense data.
    private byte[] descriptor() {
        ByteBuffer sense = ByteBuffer.allocate(MAX_LENGTH);
        sense.put((byte) (deferred ? 0x73 : 0x72))
                .put((byte) key.getValue())
                .putShort((short) additionalSense);
        sense.position(DESCRIPTOR_HEADER_LENGTH);
        if (informed) {
            sense.put((byte) 0x00).put((byte) (INFORMATION_DESCRIPTOR_LENGTH - 2));
            sense.put((byte) 0x80).put((byte) 0).putLong(information);
        }
        if (segment != NO_SEGMENT) {
            sense.put((byte) 0x01).put((byte) (COMMAND_SPECIFIC_DESCRIPTOR_LENGTH - 2));
            sense.putShort((short) 0).putLong(segment);
        }
        if (keySpecific != 0) {
            sense.put((byte) 0x02)
                    .put((byte) (KEY_SPECIFIC_DESCRIPTOR_LENGTH - 2))
                    .putShort((short) 0);
            putKeySpecific(sense);
            sense.put((byte) 0);
        }
        byte[] bytes = new byte[sense.position()];
        sense.put(DESCRIPTOR_HEADER_LENGTH - 1, (byte) (bytes.length - DESCRIPTOR_HEADER_LENGTH));
        sense.get(0, bytes);
        return bytes;
    }

    private void putKeySpecific(ByteBuffer sense) {
        sense.put((byte) (keySpecific >> 16)).putShort((short) keySpecific);
    }

    /// SPC-4 4.5.2.4.2 Field pointer sense key specific data: SKSV, C/D, BPV, bit, field.
    private Sense pointingTo(boolean inCdb, int index, int bit) {
        int flags = 0x80 | (inCdb ? 0x40 : 0) | (bit == NO_BIT ? 0 : 0x08 | bit);
        return new Sense(
                key,
                additionalSense,
                informed,
                information,
                flags << 16 | index,
                deferred,
                segment);
    }

    /// That a command is not supported. An operation code that has other service actions is not
    /// what is wrong.
    static Sense unsupported(int operationCode) {
        return OperationCode.hasServiceActions(operationCode)
                ? invalidFieldInCdb(1, 4)
                : INVALID_OPERATION_CODE;
    }

    static Sense illegal(AdditionalSenseCodeAndQualifier additionalSense) {
        return of(SenseKey.ILLEGAL_REQUEST, additionalSense);
    }

    static Sense of(SenseKey key, AdditionalSenseCodeAndQualifier additionalSense) {
        return plain(key, additionalSense.getValue() & 0xffff);
    }

    static Sense plain(SenseKey key, int additionalSense) {
        return new Sense(key, additionalSense, false, 0, 0, false, NO_SEGMENT);
    }
}
