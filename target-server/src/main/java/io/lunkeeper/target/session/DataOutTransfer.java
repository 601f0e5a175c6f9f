package io.lunkeeper.target.session;

import io.lunkeeper.target.login.SessionParameters;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.scsi.TransferFault;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The progress of one command's data from the initiator (RFC 7143 4.2.5.2 Data Transfer Overview,
/// 11.7 SCSI Data-Out, 11.8 Ready To Transfer): immediate data, unsolicited Data-Out PDUs up to
/// FirstBurstLength, then bursts that we ask for. Pure state, confined to the session's thread.
///
/// DataPDUInOrder and DataSequenceInOrder are Yes in every session here, so each PDU must begin
/// where the one before it in its burst ended; anything else is a [Violation] and nothing of that
/// PDU is used, unless the session can recover: see [#misses]. Unsolicited data may be less than
/// FirstBurstLength: asking for the rest costs nothing and loses nothing.
final class DataOutTransfer {

    /// How a PDU broke the transfer; the command ends with ABORTED COMMAND.
    enum Violation {
        /// It was neither asked for nor allowed unsolicited: nothing more is taken.
        UNEXPECTED_UNSOLICITED_DATA(TransferFault.UNEXPECTED_UNSOLICITED_DATA),
        /// More or less data than a burst was asked for, or out of place: nothing more is taken.
        INCORRECT_AMOUNT_OF_DATA(TransferFault.INCORRECT_AMOUNT_OF_DATA),
        /// Others before it were lost, as DataSN shows. Of what was asked for or announced the rest
        /// is waited for, and dropped (RFC 7143 7.9 Sequence Errors, 7.8 Digest Errors b).
        DATA_MISSING(TransferFault.PROTOCOL_SERVICE_CRC_ERROR);

        private final TransferFault fault;

        Violation(TransferFault fault) {
            this.fault = fault;
        }

        TransferFault fault() {
            return fault;
        }
    }

    /// A burst under way: unsolicited with the reserved tag, or asked for by an R2T.
    private static final class Burst {
        final int targetTransferTag;
        final int r2tSn;
        final long start;
        final long end;
        long next;
        int dataSn;
        boolean repeat;

        Burst(int targetTransferTag, int r2tSn, long start, long end) {
            this.targetTransferTag = targetTransferTag;
            this.r2tSn = r2tSn;
            this.start = start;
            this.next = start;
            this.end = end;
        }

        Request request() {
            return new Request(targetTransferTag, r2tSn, start, end - start);
        }
    }

    /// Data that was lost and has to be asked for again.
    private record Range(long start, long end) {}

    /// Bursts that were given up of which data may still come. Each was waited for for seconds.
    private static final int MAX_OVERDUE = 16;

    /// What a Ready To Transfer is to ask for.
    record Request(int targetTransferTag, int r2tSn, long offset, long length) {}

    private final SessionParameters parameters;
    private final long wantedBytes;
    private final Deque<Burst> solicited = new ArrayDeque<>(2);
    private @Nullable Burst unsolicited;
    private long nextRequest;
    private int r2tSn;
    private boolean stopped;
    private boolean drains;
    private boolean brokenOff;

    /// Lost parts of bursts. Those of unsolicited data are not here: all from there on is asked for
    /// anyway.
    private @Nullable Deque<Range> lost;

    /// Target Transfer Tags of bursts that are not waited for any more.
    private @Nullable Deque<Integer> overdue;

    /// @param wantedBytes what the command takes of the expected data transfer length; bytes beyond
    ///   are not asked for, and dropped when they come unsolicited
    DataOutTransfer(ScsiCommand command, SessionParameters parameters, long wantedBytes) {
        this.parameters = parameters;
        this.wantedBytes = wantedBytes;
        this.nextRequest = command.data().readableBytes();
        if (command.write() && !command.finalBit()) {
            long limit =
                    Math.min(parameters.firstBurstLength(), command.expectedDataTransferLength());
            this.unsolicited = new Burst(RequestPdu.RESERVED_TAG, 0, nextRequest, limit);
        }
    }

    /// Judges the command PDU itself, or null when its flags and immediate data are in order.
    static @Nullable Violation judge(ScsiCommand command, SessionParameters parameters) {
        int immediate = command.data().readableBytes();
        if (immediate > 0 && (!parameters.immediateData() || !command.write())) {
            return Violation.UNEXPECTED_UNSOLICITED_DATA;
        }
        if (!command.finalBit() && (parameters.initialR2t() || !command.write())) {
            return Violation.UNEXPECTED_UNSOLICITED_DATA;
        }
        long limit = Math.min(parameters.firstBurstLength(), command.expectedDataTransferLength());
        return immediate > limit ? Violation.INCORRECT_AMOUNT_OF_DATA : null;
    }

    /// Judges a Data-Out PDU and counts its data as received unless it returns a violation.
    @Nullable Violation receive(DataOut pdu) {
        Burst burst = burstOf(pdu.targetTransferTag());
        if (burst == null) {
            breakOff();
            return Violation.UNEXPECTED_UNSOLICITED_DATA;
        }
        if (drains || pdu.dataSn() != burst.dataSn) {
            return drain(burst, pdu.finalBit());
        }
        long end = pdu.bufferOffset() + pdu.data().readableBytes();
        boolean complete = end == burst.end || (burst == unsolicited && pdu.finalBit());
        if (pdu.bufferOffset() != burst.next || end > burst.end || pdu.finalBit() != complete) {
            breakOff();
            return Violation.INCORRECT_AMOUNT_OF_DATA;
        }
        burst.next = end;
        burst.dataSn++;
        if (complete) {
            close(burst);
        }
        return null;
    }

    private @Nullable Violation drain(Burst burst, boolean last) {
        Violation first = drains ? null : Violation.DATA_MISSING;
        drains = true;
        stopRequests();
        if (last) {
            close(burst);
        }
        return first;
    }

    private void close(Burst burst) {
        if (burst == unsolicited) {
            unsolicited = null;
            nextRequest = stopped ? nextRequest : burst.next;
        } else {
            solicited.remove(burst);
        }
    }

    private @Nullable Burst burstOf(int targetTransferTag) {
        if (targetTransferTag == RequestPdu.RESERVED_TAG) {
            return unsolicited;
        }
        for (Burst burst : solicited) {
            if (burst.targetTransferTag == targetTransferTag) {
                return burst;
            }
        }
        return null;
    }

    /// Whether another Ready To Transfer is due now.
    boolean wantsRequest() {
        return unsolicited == null
                && (nextRequest < wantedBytes || lost != null)
                && solicited.size() < parameters.maxOutstandingR2t();
    }

    /// Takes the next request; legal when [#wantsRequest].
    Request request(int targetTransferTag) {
        assert wantsRequest();
        Burst burst;
        if (lost == null) {
            long length = Math.min(parameters.maxBurstLength(), wantedBytes - nextRequest);
            burst = new Burst(targetTransferTag, r2tSn++, nextRequest, nextRequest + length);
            nextRequest += length;
        } else {
            Range range = lost.remove();
            lost = lost.isEmpty() ? null : lost;
            burst = new Burst(targetTransferTag, r2tSn++, range.start, range.end);
        }
        solicited.add(burst);
        return burst.request();
    }

    /// Asks for no more than is under way: the command has failed and only drains.
    void stopRequests() {
        nextRequest = Math.max(nextRequest, wantedBytes);
        stopped = true;
        lost = null;
    }

    /// The initiator has broken the rules: nothing says when what it still sends is over.
    private void breakOff() {
        brokenOff = true;
        unsolicited = null;
        solicited.clear();
        stopRequests();
    }

    /// Whether data may come that is not waited for.
    boolean isBrokenOff() {
        return brokenOff;
    }

    /// Whether nothing more is to come.
    boolean finished() {
        return unsolicited == null
                && solicited.isEmpty()
                && nextRequest >= wantedBytes
                && lost == null;
    }

    /// The Target Transfer Tags of bursts that were asked for and are not complete.
    Set<Integer> openTransfers() {
        return solicited.stream()
                .map(burst -> burst.targetTransferTag)
                .collect(Collectors.toUnmodifiableSet());
    }

    /// R2Ts sent so far: the ExpDataSN of a response to a write counts them (RFC 7143 11.4.8).
    int requestsSent() {
        return r2tSn;
    }

    // ---- recovery within the command

    /// Looks at a Data-Out PDU before [#receive] does, at ErrorRecoveryLevel 1: one that is
    /// damaged, or that comes after one that was lost, is of no use, nor is what follows in its
    /// burst. With the last PDU of the burst all that is missing becomes due to be asked for again
    /// (RFC 7143 7.8 Digest Errors, 7.9 Sequence Errors: recovery R2T). Bursts that are not waited
    /// for any more, and unsolicited data of a command that has come twice, are not looked at.
    ///
    /// @param intact whether its data digest was right
    /// @return whether the PDU is of no use
    boolean misses(DataOut pdu, boolean intact) {
        Burst burst = burstOf(pdu.targetTransferTag());
        if (burst == null) {
            return pdu.targetTransferTag() == RequestPdu.RESERVED_TAG
                    ? !parameters.initialR2t()
                    : overdue != null && overdue.contains(pdu.targetTransferTag());
        }
        if (intact && !comesAfterGap(burst, pdu)) {
            return false;
        }
        if (pdu.finalBit()) {
            lose(burst);
        }
        return true;
    }

    private boolean comesAfterGap(Burst burst, DataOut pdu) {
        long end = pdu.bufferOffset() + pdu.data().readableBytes();
        boolean complete = end == burst.end || (burst == unsolicited && pdu.finalBit());
        return pdu.bufferOffset() > burst.next
                && pdu.dataSn() - burst.dataSn > 0
                && end <= burst.end
                && pdu.finalBit() == complete;
    }

    /// Of a burst nothing more comes.
    private void lose(Burst burst) {
        boolean asked = burst != unsolicited;
        close(burst);
        if (asked && !stopped && burst.next < burst.end) {
            lost = lost == null ? new ArrayDeque<>(2) : lost;
            lost.add(new Range(burst.next, burst.end));
        }
    }

    /// Nothing has come for too long (RFC 7143 7.1.4.1 Recovery Within-command: sequence reception
    /// timeout). What was asked for and has not begun to come is asked for again as it was; the
    /// rest of bursts that have begun is asked for anew.
    ///
    /// @return whether there are requests to repeat, see [#takeRepeats], where there were none
    boolean timeOut() {
        boolean fresh = false;
        if (unsolicited != null) {
            lose(unsolicited);
        }
        for (Burst burst : List.copyOf(solicited)) {
            if (burst.next == burst.start) {
                fresh |= !repeats();
                burst.repeat = true;
            } else {
                overdue(burst.targetTransferTag);
                lose(burst);
            }
        }
        return fresh;
    }

    private void overdue(int targetTransferTag) {
        overdue = overdue == null ? new ArrayDeque<>(2) : overdue;
        if (overdue.size() == MAX_OVERDUE) {
            overdue.remove();
        }
        overdue.add(targetTransferTag);
    }

    /// Has the requests from one R2TSN to before another sent again, those that are answered
    /// excepted.
    ///
    /// @return whether there are any to repeat where there were none
    boolean repeat(int from, int end) {
        boolean before = repeats();
        for (Burst burst : solicited) {
            burst.repeat |= burst.r2tSn >= from && burst.r2tSn < end;
        }
        return !before && repeats();
    }

    private boolean repeats() {
        return solicited.stream().anyMatch(burst -> burst.repeat);
    }

    /// The requests that are to be sent again.
    List<Request> takeRepeats() {
        List<Request> requests = new ArrayList<>();
        for (Burst burst : solicited) {
            if (burst.repeat) {
                burst.repeat = false;
                requests.add(burst.request());
            }
        }
        return requests;
    }
}
