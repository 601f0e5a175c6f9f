package io.lunkeeper.target.session;

import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.SnackRequest;
import java.util.List;
import org.jscsi.parser.reject.RejectParser.ReasonCode;
import org.jspecify.annotations.Nullable;

/// The SNACK Requests of one connection at ErrorRecoveryLevel 1 or 2 (RFC 7143 11.16 SNACK
/// Request). What is asked for is queued, each PDU once however often it is asked for, and leaves
/// as the socket takes it. Confined to the session's thread.
final class SnackHandling {
    // 11.16.1 Type.
    private static final int DATA_OR_R2T = 0;
    private static final int STATUS = 1;
    private static final int DATA_ACKNOWLEDGMENT = 2;
    private static final int R_DATA = 3;

    private final Link link;
    private final Unacknowledged sent;
    private final TaskSet tasks;

    SnackHandling(Link link, Unacknowledged sent, TaskSet tasks) {
        this.link = link;
        this.sent = sent;
        this.tasks = tasks;
    }

    /// @throws RejectedPduException when it asks for what was not sent or is acknowledged, or
    ///   cannot be had any more
    void carryOut(SnackRequest request) throws RejectedPduException {
        switch (request.type()) {
            case DATA_OR_R2T -> repeatOfCommand(request);
            case STATUS -> repeatResponses(request);
            case DATA_ACKNOWLEDGMENT -> acknowledge(request);
            case R_DATA -> resegment(request);
            default ->
                    throw new RejectedPduException(
                            ReasonCode.INVALID_PDU_FIELD, "SNACK of a reserved type");
        }
    }

    // ---- runs (11.16.6 BegRun, 11.16.7 RunLength)

    private static boolean asksForAll(SnackRequest request) {
        return request.begRun() == 0 && request.runLength() == 0;
    }

    /// Where a run of DataSN or R2TSN ends.
    ///
    /// @param next the number after the last that was sent
    private static int end(SnackRequest request, int next) throws RejectedPduException {
        long from = Integer.toUnsignedLong(request.begRun());
        long length = Integer.toUnsignedLong(request.runLength());
        long end = length == 0 ? next : from + length;
        if (!asksForAll(request) && (from >= next || end > next)) {
            throw notSent(next);
        }
        return (int) end;
    }

    private static RejectedPduException notSent(int next) {
        return new RejectedPduException(
                ReasonCode.PROTOCOL_ERROR, "SNACK for what was not sent", next);
    }

    // ---- Status SNACK

    private void repeatResponses(SnackRequest request) throws RejectedPduException {
        SerialNumber oldest = new SerialNumber(sent.oldestStatSn());
        SerialNumber next = new SerialNumber(link.peekStatSn());
        if (asksForAll(request)) {
            sent.repeatResponses(oldest.value(), next.value());
            return;
        }
        SerialNumber from = new SerialNumber(request.begRun());
        SerialNumber end = request.runLength() == 0 ? next : from.plus(request.runLength());
        if (from.precedes(oldest) || !from.precedes(end) || next.precedes(end)) {
            throw new RejectedPduException(
                    ReasonCode.PROTOCOL_ERROR, "SNACK for status not sent, or acknowledged");
        }
        sent.repeatResponses(from.value(), end.value());
    }

    // ---- Data/R2T SNACK

    private void repeatOfCommand(SnackRequest request) throws RejectedPduException {
        Task task = tasks.onConnection(request.initiatorTaskTag(), link);
        SentData data = sent.dataOf(request.initiatorTaskTag());
        if (task != null && !task.sendsData()) {
            repeatRequests(task, request);
        } else if (data != null) {
            repeatData(task, data, request);
        } else if (task == null || !asksForAll(request)) {
            throw notSent(0);
        }
    }

    /// A request that is answered is not sent again: nobody would need it.
    private void repeatRequests(Task task, SnackRequest request) throws RejectedPduException {
        DataOutTransfer transfer = task.dataOut();
        int next = transfer == null ? 0 : transfer.requestsSent();
        int end = end(request, next);
        if (transfer != null && transfer.repeat(request.begRun(), end)) {
            tasks.requestAgain(task, transfer);
        }
    }

    private void repeatData(@Nullable Task task, SentData data, SnackRequest request)
            throws RejectedPduException {
        int end = end(request, data.next());
        int from = asksForAll(request) ? data.acknowledged() : request.begRun();
        if (from < data.acknowledged()) {
            throw new RejectedPduException(
                    ReasonCode.PROTOCOL_ERROR, "SNACK for acknowledged data", data.next());
        }
        checkKept(task, data, from);
        List<SentPdu> pdus = data.from(from, end);
        if (pdus.stream().anyMatch(each -> each.bytes() > link.initiatorSegmentBytes())) {
            // 11.16.3 Resegmentation: an R-Data SNACK is what the initiator must send.
            throw new RejectedPduException(
                    ReasonCode.PROTOCOL_ERROR,
                    "data in longer PDUs than MaxRecvDataSegmentLength is now",
                    data.next());
        }
        sent.repeat(pdus);
    }

    /// @param task that the data is of; null: it has ended, and its status is sent
    private void checkKept(@Nullable Task task, SentData data, int from)
            throws RejectedPduException {
        if (from < data.first()) {
            if (task != null) {
                tasks.snackRejected(task);
            }
            throw new RejectedPduException(
                    ReasonCode.SNACK_REJECT, "the data is not there any more", data.next());
        }
    }

    // ---- DataACK

    private void acknowledge(SnackRequest request) throws RejectedPduException {
        SentData data = sent.dataOf(request.targetTransferTag());
        long expected = Integer.toUnsignedLong(request.begRun());
        if (data == null
                || data.lun() != request.lun()
                || request.runLength() != 0
                || expected < data.acknowledged()
                || expected > data.next()) {
            throw new RejectedPduException(
                    ReasonCode.INVALID_DATA_ACK, "acknowledgment of what was not sent");
        }
        sent.acknowledge(data, (int) expected);
    }

    // ---- R-Data SNACK

    private void resegment(SnackRequest request) throws RejectedPduException {
        int snackTag = request.targetTransferTag();
        if (snackTag == 0 || snackTag == RequestPdu.RESERVED_TAG || !asksForAll(request)) {
            throw new RejectedPduException(
                    ReasonCode.INVALID_PDU_FIELD, "R-Data SNACK with reserved tag, or with a run");
        }
        Task task = tasks.onConnection(request.initiatorTaskTag(), link);
        SentData data = sent.dataOf(request.initiatorTaskTag());
        if (data == null || (task != null && !task.sendsData())) {
            throw notSent(0);
        }
        checkKept(task, data, data.acknowledged());
        sent.resegment(data, link.initiatorSegmentBytes(), snackTag);
        resegment(task, data);
    }

    private void resegment(@Nullable Task task, SentData data) {
        if (task != null) {
            task.resegment(data.next());
        }
    }
}
