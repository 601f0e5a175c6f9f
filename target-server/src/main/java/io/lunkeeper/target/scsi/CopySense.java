package io.lunkeeper.target.scsi;

import org.jscsi.target.scsi.sense.AdditionalSenseCodeAndQualifier;
import org.jscsi.target.scsi.sense.SenseKey;

/// Why a third-party copy was refused, or ended early, by name. What is found before the first
/// segment is an ILLEGAL REQUEST; what comes later is COPY ABORTED (SPC-4, Errors detected before
/// starting, and during processing of segment descriptors).
final class CopySense {
    static final Sense TOO_MANY_TARGET_DESCRIPTORS =
            Sense.illegal(AdditionalSenseCodeAndQualifier.TOO_MANY_TARGET_DESCRIPTORS);
    static final Sense TOO_MANY_SEGMENT_DESCRIPTORS =
            Sense.illegal(AdditionalSenseCodeAndQualifier.TOO_MANY_SEGMENT_DESCRIPTORS);
    static final Sense UNSUPPORTED_TARGET_DESCRIPTOR_TYPE =
            Sense.illegal(AdditionalSenseCodeAndQualifier.UNSUPPORTED_TARGET_DESCRIPTOR_TYPE_CODE);
    static final Sense UNSUPPORTED_SEGMENT_DESCRIPTOR_TYPE =
            Sense.illegal(AdditionalSenseCodeAndQualifier.UNSUPPORTED_SEGMENT_DESCRIPTOR_TYPE_CODE);
    static final Sense INLINE_DATA_LENGTH_EXCEEDED =
            Sense.illegal(AdditionalSenseCodeAndQualifier.INLINE_DATA_LENGTH_EXCEEDED);

    /// The list identifier belongs to a copy that has not ended.
    static final Sense OPERATION_IN_PROGRESS = Sense.plain(SenseKey.ILLEGAL_REQUEST, 0x0016);

    // SPC-4 Annex F, Numeric order codes; jSCSI's list lacks them.
    static final Sense INVALID_TOKEN_OPERATION = Sense.plain(SenseKey.ILLEGAL_REQUEST, 0x2300);
    static final Sense UNSUPPORTED_TOKEN_TYPE = Sense.plain(SenseKey.ILLEGAL_REQUEST, 0x2301);
    static final Sense TOKEN_UNKNOWN = Sense.plain(SenseKey.ILLEGAL_REQUEST, 0x2304);
    static final Sense TOKEN_REVOKED = Sense.plain(SenseKey.ILLEGAL_REQUEST, 0x2306);
    static final Sense TOKEN_EXPIRED = Sense.plain(SenseKey.ILLEGAL_REQUEST, 0x2307);
    static final Sense INVALID_TOKEN_LENGTH = Sense.plain(SenseKey.ILLEGAL_REQUEST, 0x230a);
    static final Sense INSUFFICIENT_RESOURCES_TO_CREATE_ROD_TOKEN =
            Sense.plain(SenseKey.ILLEGAL_REQUEST, 0x550d);

    static final Sense UNREACHABLE_COPY_TARGET =
            aborted(AdditionalSenseCodeAndQualifier.UNREACHABLE_COPY_TARGET);
    static final Sense COPY_TARGET_DEVICE_NOT_REACHABLE =
            aborted(AdditionalSenseCodeAndQualifier.COPY_TARGET_DEVICE_NOT_REACHABLE);
    static final Sense INCORRECT_COPY_TARGET_DEVICE_TYPE =
            aborted(AdditionalSenseCodeAndQualifier.INCORRECT_COPY_TARGET_DEVICE_TYPE);
    static final Sense INVALID_OPERATION_FOR_COPY_SOURCE_OR_DESTINATION =
            aborted(
                    AdditionalSenseCodeAndQualifier
                            .INVALID_OPERATION_FOR_COPY_SOURCE_OR_DESTINATION);
    static final Sense UNEXPECTED_INEXACT_SEGMENT =
            aborted(AdditionalSenseCodeAndQualifier.UNEXPECTED_INEXACT_SEGMENT);

    /// COPY OPERATION ABORT has ended a copy whose command waited for it.
    static final Sense COMMAND_CLEARED_BY_DEVICE_SERVER =
            Sense.plain(SenseKey.COPY_ABORTED, 0x2f02);

    static final Sense THIRD_PARTY_DEVICE_FAILURE =
            aborted(AdditionalSenseCodeAndQualifier.THIRD_PARTY_DEVICE_FAILURE);

    /// Blocks that are not there, of either side; the standards have no code of their own for it.
    static final Sense BEYOND_THE_MEDIUM =
            aborted(AdditionalSenseCodeAndQualifier.NO_ADDITIONAL_SENSE_INFORMATION);

    private CopySense() {}

    private static Sense aborted(AdditionalSenseCodeAndQualifier additionalSense) {
        return Sense.of(SenseKey.COPY_ABORTED, additionalSense);
    }
}
