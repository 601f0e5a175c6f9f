package io.lunkeeper.target.scsi;

/// The service actions of MAINTENANCE IN and MAINTENANCE OUT, each to where it is carried out.
final class Maintenance {
    private Maintenance() {}

    static Outcome begin(DeviceServer server, Nexus nexus, LogicalUnit unit, Cdb.Maintenance cdb) {
        return switch (cdb) {
            case Cdb.ReportTargetPortGroups report -> server.portGroup().report(unit, report);
            case Cdb.SetTargetPortGroups set -> server.portGroup().set(nexus, unit, set);
            case Cdb.ReportIdentifyingInformation report ->
                    unit.identifyingInformation().report(unit, report);
            case Cdb.SetIdentifyingInformation set ->
                    unit.identifyingInformation()
                            .set(
                                    unit,
                                    set,
                                    server.telling(
                                            nexus,
                                            unit,
                                            PendingCondition.DEVICE_IDENTIFIER_CHANGED));
            case Cdb.ReportTimestamp timestamp -> unit.clock().report(timestamp);
            case Cdb.SetTimestamp set ->
                    unit.clock()
                            .begin(
                                    unit,
                                    set,
                                    server.telling(
                                            nexus, unit, PendingCondition.TIMESTAMP_CHANGED));
            case Cdb.ReportSupportedOperationCodes codes ->
                    SupportedOperationCodes.operationCodes(unit, codes);
            case Cdb.ReportSupportedTaskManagementFunctions functions ->
                    SupportedOperationCodes.taskManagementFunctions(nexus, unit, functions);
        };
    }
}
