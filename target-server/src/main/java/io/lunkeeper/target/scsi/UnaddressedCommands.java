package io.lunkeeper.target.scsi;

import org.jscsi.target.scsi.lun.ReportLunsParameterData;
import org.jspecify.annotations.Nullable;

/// What a target answers whether there is a logical unit behind the LUN or not: which ones there
/// are, and that this one is not.
final class UnaddressedCommands {
    /// REPORT LUNS with less room than this is refused (SPC-4 6.33 REPORT LUNS command).
    private static final int MIN_REPORT_LUNS_BYTES = 16;

    // SELECT REPORT. There are no well known logical units, so ALL is the same as all but these, 0.
    private static final int WELL_KNOWN = 1;
    private static final int ALL = 2;

    private final DeviceServer server;
    private final byte[] noLuns = Parameters.bytes(new ReportLunsParameterData());

    UnaddressedCommands(DeviceServer server) {
        this.server = server;
    }

    /// A command for a LUN that nothing is behind (SPC-4, Incorrect logical unit number selection):
    /// INQUIRY says so in its data, REQUEST SENSE in the sense data it returns, and REPORT LUNS
    /// tells which LUNs there are.
    Outcome withoutUnit(Nexus nexus, @Nullable OperationCode operation, long high, long low) {
        SenseFormat format = SenseFormat.FIXED;
        if (operation == null || !operation.passesUnitAttention()) {
            return Sense.LOGICAL_UNIT_NOT_SUPPORTED.checkCondition(format);
        }
        int offence = operation.usage().offendingBit(high, low);
        if (offence != CdbUsage.NO_OFFENCE) {
            return Sense.invalidFieldInCdb(offence >> 3, offence & 7).checkCondition(format);
        }
        return switch (operation.decode(high, low)) {
            case Cdb.Inquiry inquiry ->
                    inquiry.vitalProductData() || inquiry.pageCode() != 0
                            ? Sense.invalidFieldInCdb(2).checkCondition(format)
                            : Parameters.cut(
                                    InquiryData.withoutUnit(nexus.protocolLevel()),
                                    inquiry.allocationLength());
            case Cdb.RequestSense(boolean descriptor, long allocationLength) ->
                    Parameters.cut(
                            Sense.LOGICAL_UNIT_NOT_SUPPORTED.bytes(
                                    descriptor ? SenseFormat.DESCRIPTOR : SenseFormat.FIXED),
                            allocationLength);
            case Cdb.ReportLuns reportLuns -> reportLuns(nexus, format, reportLuns);
            case Cdb other -> throw new AssertionError("needs a logical unit: " + other);
        };
    }

    /// SPC-4 6.33 REPORT LUNS command. The nexus knows the list then.
    Outcome reportLuns(Nexus nexus, SenseFormat format, Cdb.ReportLuns cdb) {
        if (cdb.allocationLength() < MIN_REPORT_LUNS_BYTES) {
            return Sense.invalidFieldInCdb(6).checkCondition(format);
        }
        if (cdb.selectReport() > ALL) {
            return Sense.invalidFieldInCdb(2).checkCondition(format);
        }
        // First, or a change between the two would be reported by neither.
        nexus.clear(PendingCondition.REPORTED_LUNS_DATA_HAS_CHANGED);
        return Parameters.cut(
                cdb.selectReport() == WELL_KNOWN
                        ? noLuns
                        : Parameters.bytes(server.inventory().reportLuns(nexus.luns())),
                cdb.allocationLength());
    }
}
