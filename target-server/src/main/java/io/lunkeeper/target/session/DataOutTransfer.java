package io.lunkeeper.target.session;

import io.lunkeeper.target.login.SessionParameters;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The progress of one command's data from the initiator (RFC 7143 4.2.5.2 Data Transfer Overview,
/// 11.7 SCSI Data-Out, 11.8 Ready To Transfer): immediate data, unsolicited Data-Out PDUs up to
/// FirstBurstLength, then bursts that we ask for. Pure state, confined to the session's thread.
///
/// DataPDUInOrder and DataSequenceInOrder are Yes in every session here, so each PDU must begin
/// where the one before it in its burst ended; anything else is a [Violation] and nothing of that
/// PDU is used. Unsolicited data may be less than FirstBurstLength: asking for the rest costs
/// nothing and loses nothing.
final class DataOutTransfer {

    /// How a PDU broke the transfer; the command ends with ABORTED COMMAND.
    enum Violation {
        /// RFC 7143 11.4.7.2: data that was neither asked for nor allowed unsolicited.
        UNEXPECTED_UNSOLICITED_DATA,
        /// RFC 7143 11.4.7.2: more or less data than a burst was asked for, or out of order.
        INCORRECT_AMOUNT_OF_DATA
    }

    /// A burst under way: unsolicited with the reserved tag, or asked for by an R2T.
    private static final class Burst {
        final int targetTransferTag;
        final long end;
        long next;
        int dataSn;

        Burst(int targetTransferTag, long start, long end) {
            this.targetTransferTag = targetTransferTag;
            this.next = start;
            this.end = end;
        }
    }

    /// What a Ready To Transfer is to ask for.
    record Request(int targetTransferTag, int r2tSn, long offset, long length) {}

    private final SessionParameters parameters;
    private final long wantedBytes;
    private final Deque<Burst> solicited = new ArrayDeque<>(2);
    private @Nullable Burst unsolicited;
    private long nextRequest;
    private int r2tSn;

    /// @param wantedBytes what the command takes of the expected data transfer length; bytes beyond
    ///   are not asked for, and dropped when they come unsolicited
    DataOutTransfer(ScsiCommand command, SessionParameters parameters, long wantedBytes) {
        this.parameters = parameters;
        this.wantedBytes = wantedBytes;
        this.nextRequest = command.data().readableBytes();
        if (command.write() && !command.finalBit()) {
            long limit =
                    Math.min(parameters.firstBurstLength(), command.expectedDataTransferLength());
            this.unsolicited = new Burst(RequestPdu.RESERVED_TAG, nextRequest, limit);
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
            return Violation.UNEXPECTED_UNSOLICITED_DATA;
        }
        long end = pdu.bufferOffset() + pdu.data().readableBytes();
        boolean inOrder = pdu.bufferOffset() == burst.next && pdu.dataSn() == burst.dataSn;
        boolean complete = end == burst.end || (burst == unsolicited && pdu.finalBit());
        if (!inOrder || end > burst.end || pdu.finalBit() != complete) {
            return Violation.INCORRECT_AMOUNT_OF_DATA;
        }
        burst.next = end;
        burst.dataSn++;
        if (complete && burst == unsolicited) {
            unsolicited = null;
            nextRequest = end;
        } else if (complete) {
            solicited.remove(burst);
        }
        return null;
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
                && nextRequest < wantedBytes
                && solicited.size() < parameters.maxOutstandingR2t();
    }

    /// Takes the next request; legal when [#wantsRequest].
    Request request(int targetTransferTag) {
        assert wantsRequest();
        long length = Math.min(parameters.maxBurstLength(), wantedBytes - nextRequest);
        Request request = new Request(targetTransferTag, r2tSn++, nextRequest, length);
        solicited.add(new Burst(targetTransferTag, nextRequest, nextRequest + length));
        nextRequest += length;
        return request;
    }

    /// Asks for no more than is under way: the command has failed and only drains.
    void stopRequests() {
        nextRequest = Math.max(nextRequest, wantedBytes);
    }

    /// Takes nothing more: the initiator has broken the rules.
    void breakOff() {
        unsolicited = null;
        solicited.clear();
        stopRequests();
    }

    /// Whether nothing more is to come.
    boolean finished() {
        return unsolicited == null && solicited.isEmpty() && nextRequest >= wantedBytes;
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
}
