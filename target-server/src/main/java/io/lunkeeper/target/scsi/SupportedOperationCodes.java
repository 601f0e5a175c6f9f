package io.lunkeeper.target.scsi;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The two commands that report what is supported, answered from [OperationCode] (SPC-4 6.35 REPORT
/// SUPPORTED OPERATION CODES command, 6.36 REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS command).
final class SupportedOperationCodes {
    private static final int ALL = 0;
    private static final int ONE_BY_OPERATION_CODE = 1;
    private static final int ONE_BY_SERVICE_ACTION = 2;
    private static final int ONE_BY_EITHER = 3;

    private static final int COMMAND_DESCRIPTOR_BYTES = 8;
    private static final int TIMEOUTS_DESCRIPTOR_BYTES = 12;

    private static final int SERVICE_ACTION_VALID = 0x01;
    private static final int NOT_SUPPORTED = 0x01;
    private static final int SUPPORTED = 0x03;

    /// ABORT TASK, ABORT TASK SET, CLEAR ACA, CLEAR TASK SET and LOGICAL UNIT RESET.
    private static final int TASK_MANAGEMENT_FUNCTIONS = 0xf8;

    /// What only some transports carry: QUERY TASK, and in the next byte QUERY ASYNCHRONOUS EVENT,
    /// QUERY TASK SET and I_T NEXUS RESET.
    private static final int QUERY_TASK = 0x04;

    private static final int OTHER_FUNCTIONS = 0x07;

    private static final int SHORT_FUNCTIONS_BYTES = 4;
    private static final int EXTENDED_FUNCTIONS_BYTES = 16;

    private SupportedOperationCodes() {}

    static Outcome operationCodes(LogicalUnit unit, Cdb.ReportSupportedOperationCodes cdb) {
        OperationCode plain = OperationCode.plain(cdb.operationCode());
        boolean withActions = OperationCode.hasServiceActions(cdb.operationCode());
        boolean byAction = cdb.reportingOptions() == ONE_BY_SERVICE_ACTION;
        boolean wrongForm = byAction ? plain != null : withActions;
        return switch (cdb.reportingOptions()) {
            case ALL -> Parameters.cut(all(unit, cdb.timeouts()), cdb.allocationLength());
            case ONE_BY_OPERATION_CODE, ONE_BY_SERVICE_ACTION ->
                    wrongForm
                            ? unit.refuse(Sense.invalidFieldInCdb(3))
                            : one(unit, cdb, byAction ? withServiceAction(cdb) : plain);
            case ONE_BY_EITHER ->
                    one(
                            unit,
                            cdb,
                            cdb.serviceAction() == 0 && plain != null
                                    ? plain
                                    : withServiceAction(cdb));
            default -> unit.refuse(Sense.invalidFieldInCdb(2, 2));
        };
    }

    /// Those that the nexus can send.
    static Outcome taskManagementFunctions(
            Nexus nexus, LogicalUnit unit, Cdb.ReportSupportedTaskManagementFunctions cdb) {
        if (cdb.allocationLength() < SHORT_FUNCTIONS_BYTES) {
            return unit.refuse(Sense.invalidFieldInCdb(6));
        }
        byte[] data = new byte[cdb.extended() ? EXTENDED_FUNCTIONS_BYTES : SHORT_FUNCTIONS_BYTES];
        data[0] = (byte) TASK_MANAGEMENT_FUNCTIONS;
        if (nexus.queries()) {
            data[0] |= QUERY_TASK;
            data[1] = OTHER_FUNCTIONS;
        }
        data[3] = (byte) (data.length - SHORT_FUNCTIONS_BYTES);
        return Parameters.cut(data, cdb.allocationLength());
    }

    private static @Nullable OperationCode withServiceAction(
            Cdb.ReportSupportedOperationCodes cdb) {
        return OperationCode.withServiceAction(cdb.operationCode(), cdb.serviceAction());
    }

    private static byte[] all(LogicalUnit unit, boolean timeouts) {
        int each = COMMAND_DESCRIPTOR_BYTES + (timeouts ? TIMEOUTS_DESCRIPTOR_BYTES : 0);
        List<OperationCode> rows =
                Arrays.stream(OperationCode.values()).filter(unit::offers).toList();
        ByteBuffer data = ByteBuffer.allocate(Integer.BYTES + rows.size() * each);
        data.putInt(rows.size() * each);
        for (OperationCode row : rows) {
            boolean withAction = row.serviceAction() != OperationCode.NO_SERVICE_ACTION;
            data.put((byte) row.operationCode()).put((byte) 0);
            data.putShort((short) (withAction ? row.serviceAction() : 0)).put((byte) 0);
            data.put((byte) ((timeouts ? 0x02 : 0) | (withAction ? SERVICE_ACTION_VALID : 0)));
            data.putShort((short) row.usage().lengthBytes());
            if (timeouts) {
                putTimeouts(data);
            }
        }
        return data.array();
    }

    private static Outcome one(
            LogicalUnit unit, Cdb.ReportSupportedOperationCodes cdb, @Nullable OperationCode row) {
        if (row == null || !unit.offers(row)) {
            byte[] none = {0, NOT_SUPPORTED, 0, 0};
            return Parameters.cut(none, cdb.allocationLength());
        }
        byte[] usage = row.usage().bytes();
        int timeouts = cdb.timeouts() ? TIMEOUTS_DESCRIPTOR_BYTES : 0;
        ByteBuffer data = ByteBuffer.allocate(Integer.BYTES + usage.length + timeouts);
        data.put((byte) 0).put((byte) (SUPPORTED | (cdb.timeouts() ? 0x80 : 0)));
        data.putShort((short) usage.length).put(usage);
        if (cdb.timeouts()) {
            putTimeouts(data);
        }
        return Parameters.cut(data.array(), cdb.allocationLength());
    }

    /// A command timeouts descriptor that indicates no time: how long a disk takes is not ours to
    /// promise.
    private static void putTimeouts(ByteBuffer data) {
        data.putShort((short) (TIMEOUTS_DESCRIPTOR_BYTES - 2));
        data.position(data.position() + TIMEOUTS_DESCRIPTOR_BYTES - 2);
    }
}
