package io.lunkeeper.target.session;

import io.lunkeeper.target.pdu.ResponsePdu;
import io.lunkeeper.target.pdu.ResponsePdu.DataIn;
import io.lunkeeper.target.pdu.ResponsePdu.ScsiResponse;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.collection.IntObjectMap;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What one connection has sent and its initiator has not acknowledged, to be sent again when a
/// SNACK asks for it (RFC 7143 4.2.2.2 Response/Status Numbering and Acknowledging, 4.2.2.4 Data
/// Sequencing, 11.16 SNACK Request). There is one for each connection of a session with
/// ErrorRecoveryLevel 1 or 2, none for others. Confined to the session's thread.
///
/// Memory is bounded. No task begins a sequence of Data-In PDUs for which [#MAX_DATA_BYTES] have no
/// room: it waits, and the initiator is asked what it has. An initiator that does not answer what
/// the A bit asks for cannot have its data again; that must not hold up the data that follows, so
/// it is given up after [#PATIENCE_TICKS], and from then on at once. An initiator that acknowledges
/// no responses is disconnected: it has failed, as 4.2.2.2 says.
final class Unacknowledged {
    /// Bytes of Data-In that are kept.
    static final int MAX_DATA_BYTES = 8 << 20;

    /// Responses that are kept: many times what a window of commands brings about.
    static final int MAX_RESPONSES = 1024;

    /// Bytes of their data segments: sense data is short, what a NOP-Out has echoed may not be.
    static final int MAX_RESPONSE_BYTES = 2 << 20;

    /// Ticks, of a second each, without an acknowledgment until one is asked for.
    static final int PATIENCE_TICKS = 3;

    /// Ticks without data of any write until that is taken for lost which was asked for.
    static final int DATA_PATIENCE_TICKS = 5;

    private final Link link;
    private final CommandWindow<?> window;
    private final Deque<Numbered> responses = new ArrayDeque<>();
    private final IntObjectMap<SentData> data = new IntObjectHashMap<>();

    /// What is to be sent again, as the socket takes it.
    private final Deque<Repetition> again = new ArrayDeque<>();

    private final Deque<Waiting> waiting = new ArrayDeque<>();

    /// Responses of commands from other connections that have no number here yet.
    private final Deque<Adopted> adopted = new ArrayDeque<>();

    private int responseBytes;
    private long roomTaken;
    private int quietTicks;
    private int stillTicks;
    private boolean asked;
    private boolean deaf;

    /// A PDU with a StatSN.
    private static final class Numbered {
        final int statSn;
        final @Nullable SentData data;
        SentPdu pdu;

        Numbered(int statSn, SentPdu pdu, @Nullable SentData data) {
            this.statSn = statSn;
            this.pdu = pdu;
            this.data = data;
        }
    }

    /// Something that is to be sent again.
    ///
    /// @param pdu what it is, unless it is made anew
    private record Repetition(@Nullable SentPdu pdu, Runnable sending) {}

    /// A response that was first sent on another connection.
    private record Adopted(SentPdu pdu, @Nullable SentData data) {}

    /// A task that waits for room.
    private record Waiting(Task task, SentData data, long from, long end) {}

    Unacknowledged(Link link, CommandWindow<?> window) {
        this.link = link;
        this.window = window;
    }

    // ---- what is sent

    /// A PDU has been made, complete, and is about to go out for the first time.
    ///
    /// @param segment its data segment
    /// @param statSn its StatSN, if it has one
    void sent(ResponsePdu header, ByteBuf segment, int statSn) {
        if (header instanceof DataIn dataIn) {
            SentData of = data.get(dataIn.initiatorTaskTag());
            if (of == null) {
                return;
            }
            SentPdu pdu = new SentPdu(header, segment);
            of.add(pdu);
            if (dataIn.statusBit()) {
                responses.add(new Numbered(statSn, pdu, of));
            }
        } else if (header instanceof ResponsePdu.ReadyToTransfer) {
            stillTicks = 0;
        } else if (header.carriesStatus()) {
            SentPdu pdu = new SentPdu(header, segment);
            SentData of =
                    header instanceof ScsiResponse response
                            ? data.get(response.initiatorTaskTag())
                            : null;
            responses.add(new Numbered(statSn, pdu, of));
            responseBytes += pdu.bytes();
        }
        if (responses.size() > MAX_RESPONSES || responseBytes > MAX_RESPONSE_BYTES) {
            link.transport().close("the initiator does not acknowledge what it is sent");
        }
    }

    // ---- acknowledgments

    /// The initiator has everything before this StatSN, and what belongs to it (RFC 7143 11.7.2 A
    /// (Acknowledge) Bit).
    void acknowledged(int statSn) {
        SerialNumber expected = new SerialNumber(statSn);
        Numbered oldest = responses.peek();
        boolean some = false;
        while (oldest != null && new SerialNumber(oldest.statSn).precedes(expected)) {
            some = true;
            responses.remove();
            if (oldest.data != null) {
                forget(oldest.data);
            }
            if (!(oldest.pdu.header() instanceof DataIn)) {
                responseBytes -= oldest.pdu.bytes();
                oldest.pdu.release();
            }
            oldest = responses.peek();
        }
        if (some) {
            progress();
        }
    }

    private void progress() {
        quietTicks = 0;
        asked = false;
        grantRoom();
    }

    /// What was sent of a command's data; null: nothing, or all is acknowledged with its status.
    @Nullable SentData dataOf(int initiatorTaskTag) {
        return data.get(initiatorTaskTag);
    }

    /// The initiator has the data before this DataSN.
    void acknowledge(SentData of, int dataSn) {
        long before = of.roomTaken();
        of.acknowledge(dataSn);
        roomTaken -= before - of.roomTaken();
        deaf = false;
        progress();
    }

    /// The task with this tag has ended without a response, or its status is acknowledged.
    void forget(int initiatorTaskTag) {
        SentData of = data.get(initiatorTaskTag);
        if (of != null) {
            forget(of);
            grantRoom();
        }
    }

    private void forget(SentData of) {
        roomTaken -= of.roomTaken();
        of.release();
        if (data.get(of.initiatorTaskTag()) == of) {
            data.remove(of.initiatorTaskTag());
        }
    }

    /// Lets go of everything: the connection is no more.
    void release() {
        responses.forEach(each -> each.pdu.release());
        responses.clear();
        adopted.forEach(each -> each.pdu.release());
        adopted.clear();
        data.values().forEach(SentData::release);
        data.clear();
        again.clear();
        waiting.clear();
    }

    // ---- room

    /// A task begins to send data.
    void begin(Task task) {
        SentData former =
                data.put(
                        task.initiatorTaskTag(),
                        new SentData(task.initiatorTaskTag(), task.addressedAs()));
        if (former != null) {
            roomTaken -= former.roomTaken();
            former.release();
        }
    }

    /// Whether a task may send the data at a Buffer Offset; otherwise it becomes ready to send when
    /// it may.
    ///
    /// @param end where the sequence ends that the data is in
    boolean mayForward(Task task, long offset, long end) {
        SentData of = data.get(task.initiatorTaskTag());
        if (of == null || of.hasRoomAt(offset)) {
            return true;
        }
        if (deaf && !hasRoom(end - offset)) {
            giveUp();
        }
        // What an ACA condition lets through must not wait for tasks that stand still.
        if (task.mayNotStandStill() || (waiting.isEmpty() && hasRoom(end - offset))) {
            take(of, offset, end);
            return true;
        }
        waiting.add(new Waiting(task, of, offset, end));
        if (!asked) {
            asked = true;
            link.ping(window);
        }
        return false;
    }

    private boolean hasRoom(long bytes) {
        return roomTaken == 0 || roomTaken + bytes <= MAX_DATA_BYTES;
    }

    private void take(SentData of, long from, long end) {
        of.takeRoom(from, end);
        roomTaken += end - from;
    }

    private void grantRoom() {
        Waiting next = waiting.peek();
        while (next != null && hasRoom(next.end - next.from)) {
            waiting.remove();
            take(next.data, next.from, next.end);
            link.readyToSend(next.task);
            next = waiting.peek();
        }
    }

    /// The task waits for no room any more.
    void notReadyToSend(Task task) {
        waiting.removeIf(each -> each.task == task);
    }

    private void giveUp() {
        deaf = true;
        for (SentData each : data.values()) {
            long before = each.roomTaken();
            each.giveUp();
            roomTaken -= before - each.roomTaken();
        }
        grantRoom();
    }

    /// Another second has passed. What the initiator should have acknowledged it is asked about: a
    /// NOP-In shows it the next StatSN, so that it finds out what it misses (RFC 7143 7.1.4.2
    /// Recovery Within-connection).
    ///
    /// @return whether data that writes wait for does not come any more
    boolean tick() {
        if (responses.isEmpty() && waiting.isEmpty()) {
            quietTicks = 0;
        } else if (++quietTicks % PATIENCE_TICKS == 0) {
            if (!waiting.isEmpty()) {
                giveUp();
            }
            link.ping(window);
        }
        // What waits for the socket has not been asked for yet.
        return ++stillTicks % DATA_PATIENCE_TICKS == 0 && link.transport().queuedBytes() == 0;
    }

    /// Data of a write has come.
    void dataMoves() {
        stillTicks = 0;
    }

    // ---- what is sent again

    /// Has responses sent again, from one StatSN to before another. They are there.
    void repeatResponses(int from, int end) {
        SerialNumber first = new SerialNumber(from);
        SerialNumber behind = new SerialNumber(end);
        for (Numbered each : responses) {
            SerialNumber number = new SerialNumber(each.statSn);
            if (!number.precedes(first) && number.precedes(behind)) {
                repeat(each.pdu);
            }
        }
    }

    /// The StatSN of the oldest response that is not acknowledged, or the next one.
    int oldestStatSn() {
        Numbered oldest = responses.peek();
        return oldest == null ? link.peekStatSn() : oldest.statSn;
    }

    /// Has Data-In PDUs sent again.
    void repeat(List<SentPdu> pdus) {
        pdus.forEach(this::repeat);
    }

    private void repeat(SentPdu pdu) {
        if (pdu.enqueue()) {
            again.add(new Repetition(pdu, () -> sendAgain(pdu)));
        }
    }

    /// Has something else sent again.
    void repeat(Runnable sending) {
        again.add(new Repetition(null, sending));
    }

    private void sendAgain(SentPdu pdu) {
        if (pdu.dequeue()) {
            link.sendAgain(pdu, window);
        }
    }

    /// Sends what waits for it, as far as there is room.
    void produce() {
        Repetition next = again.peek();
        while (next != null && link.hasRoomToSend()) {
            again.remove();
            next.sending.run();
            next = again.peek();
        }
    }

    // ---- resegmentation

    /// The initiator has dropped all data of a command that it has not acknowledged, and takes it
    /// in PDUs of another length. If there is a response already, it goes out anew, behind the
    /// data, with the SNACK Tag and its old StatSN, if it has one (RFC 7143 11.16.3
    /// Resegmentation).
    void resegment(SentData of, int segmentBytes, int snackTag) {
        of.resegment(segmentBytes, snackTag);
        again.removeIf(each -> each.pdu != null && each.pdu.isReleased());
        repeat(of.from(of.first(), of.next()));
        for (Adopted each : adopted) {
            if (each.data == of) {
                adopted.remove(each);
                again.removeIf(queued -> queued.pdu == each.pdu);
                adopt(each);
                return;
            }
        }
        for (Iterator<Numbered> each = responses.descendingIterator(); each.hasNext(); ) {
            Numbered numbered = each.next();
            if (numbered.data == of) {
                ScsiResponse response = response(numbered.pdu.header(), numbered.statSn, of);
                if (numbered.pdu.header() instanceof DataIn) {
                    numbered.pdu = new SentPdu(response, Unpooled.EMPTY_BUFFER);
                } else {
                    numbered.pdu.become(response);
                }
                repeat(numbered.pdu);
                return;
            }
        }
    }

    private static ScsiResponse response(ResponsePdu sent, int statSn, SentData of) {
        return switch (sent) {
            case ScsiResponse r -> r.again(of.snackTag(), statSn, of.next());
            case DataIn d ->
                    new ScsiResponse(
                            0,
                            d.status(),
                            d.initiatorTaskTag(),
                            of.snackTag(),
                            statSn,
                            d.expCmdSn(),
                            d.maxCmdSn(),
                            of.next(),
                            d.residual());
            default -> throw new IllegalStateException("is no status of a command");
        };
    }

    // ---- commands that go on on another connection

    /// Whether there is a response of the command with this tag that is not acknowledged.
    boolean owes(int initiatorTaskTag) {
        return responseTo(initiatorTaskTag) != null
                || adopted.stream().anyMatch(each -> isOf(each.pdu, initiatorTaskTag));
    }

    private @Nullable Numbered responseTo(int initiatorTaskTag) {
        for (Iterator<Numbered> each = responses.descendingIterator(); each.hasNext(); ) {
            Numbered numbered = each.next();
            if (isOf(numbered.pdu, initiatorTaskTag)) {
                return numbered;
            }
        }
        return null;
    }

    /// A Data-In with status is released before it is acknowledged when its tag is used again.
    private static boolean isOf(SentPdu pdu, int initiatorTaskTag) {
        if (pdu.isReleased()) {
            return false;
        }
        return switch (pdu.header()) {
            case ScsiResponse response -> response.initiatorTaskTag() == initiatorTaskTag;
            case DataIn dataIn -> dataIn.initiatorTaskTag() == initiatorTaskTag;
            default -> false;
        };
    }

    /// Leaves a command to another connection, which sends what its initiator has not acknowledged:
    /// its data, in PDUs of the length that counts there, and its response, under a number of its
    /// own and without SNACK Tag (RFC 7143 7.2.2 Allegiance Reassignment).
    void moveTo(Unacknowledged other, int initiatorTaskTag) {
        SentData of = data.get(initiatorTaskTag);
        SentPdu response = takeResponse(initiatorTaskTag, of);
        if (of != null) {
            data.remove(initiatorTaskTag);
            roomTaken -= of.roomTaken();
            other.adopt(of);
        }
        if (response != null) {
            other.adopt(new Adopted(response, of));
        }
    }

    private @Nullable SentPdu takeResponse(int initiatorTaskTag, @Nullable SentData of) {
        Numbered numbered = responseTo(initiatorTaskTag);
        if (numbered == null) {
            for (Adopted each : adopted) {
                if (isOf(each.pdu, initiatorTaskTag)) {
                    adopted.remove(each);
                    return each.pdu;
                }
            }
            return null;
        }
        responses.remove(numbered);
        SentPdu pdu = numbered.pdu;
        pdu.dequeue();
        if (of != null && pdu.header() instanceof DataIn) {
            return new SentPdu(response(pdu.header(), 0, of), Unpooled.EMPTY_BUFFER);
        }
        responseBytes -= pdu.bytes();
        return pdu;
    }

    private void adopt(SentData of) {
        int acknowledged = of.acknowledged();
        of.resegment(link.initiatorSegmentBytes(), 0);
        of.acknowledge(acknowledged);
        SentData former = data.put(of.initiatorTaskTag(), of);
        if (former != null) {
            roomTaken -= former.roomTaken();
            former.release();
        }
        roomTaken += of.roomTaken();
        repeat(of.from(of.first(), of.next()));
    }

    private void adopt(Adopted adoption) {
        adopted.add(adoption);
        again.add(new Repetition(adoption.pdu, () -> sendAdopted(adoption)));
    }

    private void sendAdopted(Adopted adoption) {
        if (!adopted.remove(adoption)) {
            return; // It has gone on to yet another connection.
        }
        SentPdu pdu = adoption.pdu;
        SentData of = adoption.data;
        int statSn = link.takeStatSn();
        ScsiResponse sent = (ScsiResponse) pdu.header();
        pdu.become(
                of == null
                        ? sent.again(0, statSn, sent.expDataSn())
                        : sent.again(of.snackTag(), statSn, of.next()));
        responses.add(new Numbered(statSn, pdu, of));
        responseBytes += pdu.bytes();
        link.sendAgain(pdu, window);
    }
}
