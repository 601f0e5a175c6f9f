package io.lunkeeper.target.session;

import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.ResponsePdu.DataIn;
import io.lunkeeper.target.pdu.ResponsePdu.Residual;
import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/// The Data-In PDUs of one command that the initiator may ask for again (RFC 7143 4.2.2.4 Data
/// Sequencing): those that it has acknowledged neither by a SNACK nor by acknowledging the status
/// of the command. It outlives its task, and belongs to no connection. Confined to the session's
/// thread.
///
/// The memory is counted before it is used: a task takes the room of a whole sequence before it
/// sends the first PDU of it, as only the last one asks for an acknowledgment.
final class SentData {
    private final int initiatorTaskTag;
    private final long lun;

    /// By DataSN, without a gap, from `first` on.
    private Deque<SentPdu> pdus = new ArrayDeque<>();

    private int first;
    private int acknowledged;
    private int next;
    private int snackTag;
    private long roomTaken;
    private long roomEnd;

    SentData(int initiatorTaskTag, long lun) {
        this.initiatorTaskTag = initiatorTaskTag;
        this.lun = lun;
    }

    int initiatorTaskTag() {
        return initiatorTaskTag;
    }

    /// What the initiator says in an acknowledgment (RFC 7143 11.7.4 Target Transfer Tag and LUN):
    /// the tag of the command, which is unique as long as it is needed.
    int targetTransferTag() {
        return initiatorTaskTag;
    }

    long lun() {
        return lun;
    }

    /// The DataSN before which all is acknowledged.
    int acknowledged() {
        return acknowledged;
    }

    /// The first DataSN that can be sent again; what is before it and not acknowledged was given
    /// up.
    int first() {
        return first;
    }

    /// The DataSN of the next PDU.
    int next() {
        return next;
    }

    /// The SNACK Tag of the last R-Data SNACK; 0: there was none.
    int snackTag() {
        return snackTag;
    }

    // ---- room

    /// Whether there is room for the PDU at this Buffer Offset already.
    boolean hasRoomAt(long offset) {
        return offset < roomEnd;
    }

    /// Room for the data from one Buffer Offset to another is there.
    void takeRoom(long from, long end) {
        roomTaken += end - from;
        roomEnd = end;
    }

    /// Room that is taken, in bytes.
    long roomTaken() {
        return roomTaken;
    }

    // ---- what is sent, and what is acknowledged

    void add(SentPdu pdu) {
        pdus.add(pdu);
        next++;
    }

    /// The PDUs from one DataSN to before another; they are there.
    List<SentPdu> from(int begin, int end) {
        List<SentPdu> found = new ArrayList<>(end - begin);
        int dataSn = first;
        for (SentPdu each : pdus) {
            if (dataSn >= begin && dataSn < end) {
                found.add(each);
            }
            dataSn++;
        }
        return found;
    }

    /// The initiator has all before this DataSN, which is one up to [#next].
    void acknowledge(int dataSn) {
        acknowledged = dataSn;
        release(dataSn);
    }

    /// Gives up what the initiator has not acknowledged though it was asked to: it cannot have it
    /// again.
    void giveUp() {
        release(next);
    }

    /// A PDU with status is kept until that is acknowledged.
    private void release(int end) {
        while (first < end && !pdus.isEmpty() && !pdus.element().header().carriesStatus()) {
            SentPdu pdu = pdus.remove();
            roomTaken -= pdu.bytes();
            pdu.release();
            first++;
        }
    }

    /// Lets go of everything: nothing of it will be asked for any more.
    void release() {
        pdus.forEach(SentPdu::release);
        pdus.clear();
        first = next;
        roomTaken = 0;
    }

    // ---- resegmentation

    /// Cuts what is not acknowledged to another length (RFC 7143 11.16.3 Resegmentation). Each PDU
    /// is cut for itself, so that sequences stay what they were. The status is not with the data
    /// any more.
    ///
    /// @param segmentBytes what the initiator takes in one PDU
    /// @param tag the SNACK Tag of the request
    void resegment(int segmentBytes, int tag) {
        Deque<SentPdu> old = pdus;
        pdus = new ArrayDeque<>();
        next = first;
        snackTag = tag;
        for (SentPdu each : old) {
            cut((DataIn) each.header(), each.data(), segmentBytes);
            each.release();
        }
    }

    private void cut(DataIn header, ByteBuf data, int segmentBytes) {
        int length = data.readableBytes();
        for (int at = 0; at < length; at += segmentBytes) {
            int bytes = Math.min(segmentBytes, length - at);
            boolean last = at + bytes == length;
            boolean acknowledge = last && header.acknowledge();
            DataIn piece =
                    new DataIn(
                            last && header.finalBit(),
                            acknowledge,
                            false,
                            0,
                            header.lun(),
                            header.initiatorTaskTag(),
                            acknowledge ? targetTransferTag() : RequestPdu.RESERVED_TAG,
                            0,
                            header.expCmdSn(),
                            header.maxCmdSn(),
                            next,
                            header.bufferOffset() + at,
                            Residual.NONE);
            add(new SentPdu(piece, data.slice(data.readerIndex() + at, bytes)));
        }
    }
}
