package io.lunkeeper.target.session;

import io.lunkeeper.target.login.TextNegotiation;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.ResponsePdu;
import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;
import org.jscsi.parser.reject.RejectParser.ReasonCode;
import org.jspecify.annotations.Nullable;

/// One connection as its session uses it: what RFC 7143 numbers and declares per connection, and
/// the turns of the tasks that send on it (4.2.5.1 Command Connection Allegiance: data and status
/// of a command go the way it came). Confined to the session's thread.
final class Link {
    /// Data-In bytes fetched or queued for one connection before the next PDU is made. Enough to
    /// keep a fast socket busy and a disk at depth; all that a stalled reader can pin. They go to
    /// the socket by as few writes as can be: each wakes the reader, and two processors that work
    /// on one socket by turns hinder each other.
    static final long MAX_UNSENT_BYTES = 2 << 20;

    /// Task management functions of one connection that go on at once: one for each command that
    /// the initiator may have sent.
    static final int MAX_FUNCTIONS = 128;

    private final Transport transport;
    private final int cid;
    private final ArrayDeque<Task> senders = new ArrayDeque<>();

    /// The tags of the task management functions that came here and have no response yet.
    private final Set<Integer> functions = new HashSet<>();

    /// The same of logouts.
    private final Set<Integer> logouts = new HashSet<>();

    private int statSn;
    private int acknowledged;
    private int pings;
    private long fetchingBytes;
    private boolean producing;
    private @Nullable TextNegotiation text;
    private int initiatorSegmentBytes;
    private boolean leaving;
    private boolean gone;
    private boolean held;

    /// What may have to be sent again; null at ErrorRecoveryLevel 0.
    private @Nullable Unacknowledged unacknowledged;

    Link(Transport transport, int cid, int firstStatSn) {
        this.transport = transport;
        this.cid = cid;
        this.statSn = firstStatSn;
        this.acknowledged = firstStatSn;
    }

    Transport transport() {
        return transport;
    }

    /// RFC 7143 11.12.7 CID.
    int cid() {
        return cid;
    }

    // ---- numbers

    /// The StatSN for a PDU that carries status, which advances it (RFC 7143 4.2.2.2).
    int takeStatSn() {
        return statSn++;
    }

    /// The next StatSN, for a PDU that only shows it.
    int peekStatSn() {
        return statSn;
    }

    /// The initiator has everything before this StatSN.
    void acknowledge(int expStatSn) {
        SerialNumber now = new SerialNumber(expStatSn);
        boolean sent = !new SerialNumber(statSn).precedes(now);
        if (sent && new SerialNumber(acknowledged).precedes(now)) {
            acknowledged = expStatSn;
            if (unacknowledged != null) {
                unacknowledged.acknowledged(expStatSn);
            }
        }
    }

    /// Whether the initiator is known to have everything before this StatSN.
    boolean hasAcknowledged(int number) {
        return !new SerialNumber(acknowledged).precedes(new SerialNumber(number));
    }

    /// Sends a ping that the initiator must answer (RFC 7143 11.19 NOP-In). Its Target Transfer Tag
    /// is any but the reserved one.
    void ping(CommandWindow<?> window) {
        sendNopIn(pings++ & 0x7fffffff, window);
    }

    /// Sends a NOP-In that has no answer (RFC 7143 11.19 NOP-In): MaxCmdSN has changed, and there
    /// is nothing else that would say so.
    void showWindow(CommandWindow<?> window) {
        sendNopIn(RequestPdu.RESERVED_TAG, window);
    }

    private void sendNopIn(int targetTransferTag, CommandWindow<?> window) {
        send(
                new ResponsePdu.NopIn(
                        0,
                        RequestPdu.RESERVED_TAG,
                        targetTransferTag,
                        statSn,
                        window.expCmdSn(),
                        window.maxCmdSn()));
    }

    /// A task management function begins. It may wait for a disk, or for the initiator, and has no
    /// place in the command window.
    ///
    /// @throws RejectedPduException when there are too many, or one has this tag
    void functionBegins(int initiatorTaskTag, boolean immediate) throws RejectedPduException {
        if (functions.contains(initiatorTaskTag)) {
            throw new RejectedPduException(ReasonCode.TASK_IN_PROGRESS, "function tag in use");
        }
        if (functions.size() == MAX_FUNCTIONS) {
            throw new RejectedPduException(
                    immediate
                            ? ReasonCode.IMMEDIATE_COMMAND_REJECT
                            : ReasonCode.LONG_OPERATION_REJECT,
                    "too many task management functions at once");
        }
        functions.add(initiatorTaskTag);
    }

    /// Its response goes out.
    void functionEnds(int initiatorTaskTag) {
        functions.remove(initiatorTaskTag);
    }

    /// Whether such a function is going on.
    boolean hasFunction(int initiatorTaskTag) {
        return functions.contains(initiatorTaskTag);
    }

    /// A logout begins.
    void logoutBegins(int initiatorTaskTag) {
        logouts.add(initiatorTaskTag);
    }

    /// Its response goes out.
    void logoutEnds(int initiatorTaskTag) {
        logouts.remove(initiatorTaskTag);
    }

    /// Whether something else than a SCSI command is going on under this tag: a task management
    /// function, a text exchange or a logout.
    boolean hasOtherTask(int initiatorTaskTag) {
        return functions.contains(initiatorTaskTag)
                || logouts.contains(initiatorTaskTag)
                || (text != null && text.isOpen(initiatorTaskTag));
    }

    // ---- what the initiator declared

    /// The full-feature phase begins here.
    void enter(TextNegotiation negotiation) {
        text = negotiation;
        initiatorSegmentBytes = negotiation.maxDataSegmentBytes();
    }

    /// From now on what is sent is kept until it is acknowledged: ErrorRecoveryLevel 1.
    void recover(CommandWindow<?> window) {
        unacknowledged = new Unacknowledged(this, window);
    }

    /// What may have to be sent again; null at ErrorRecoveryLevel 0, and when the connection is no
    /// more.
    @Nullable Unacknowledged unacknowledged() {
        return unacknowledged;
    }

    /// What a SCSI Response of the command has to repeat (RFC 7143 11.4.4 SNACK Tag); 0: nothing.
    int snackTag(int initiatorTaskTag) {
        SentData data = unacknowledged == null ? null : unacknowledged.dataOf(initiatorTaskTag);
        return data == null ? 0 : data.snackTag();
    }

    /// What the initiator takes in one PDU; it may declare another MaxRecvDataSegmentLength at any
    /// time (RFC 7143 13.12).
    int initiatorSegmentBytes() {
        return initiatorSegmentBytes;
    }

    void initiatorSegmentBytes(int bytes) {
        initiatorSegmentBytes = bytes;
    }

    /// The text exchange of this connection.
    TextNegotiation text() {
        if (text == null) {
            throw new IllegalStateException("not in the full-feature phase");
        }
        return text;
    }

    // ---- its end

    /// It is logged out, by request or since another takes its place: its commands are not carried
    /// out any more.
    void leave() {
        leaving = true;
    }

    boolean leaving() {
        return leaving;
    }

    /// Its socket is closed.
    void gone() {
        gone = true;
        if (!held) {
            forget();
        }
    }

    /// It makes no more data, and what it has sent and still sends is kept until [#forget], for
    /// another connection to send again: ErrorRecoveryLevel 2.
    void hold() {
        held = true;
    }

    /// Nobody will ask for what it has sent.
    void forget() {
        held = false;
        if (unacknowledged != null) {
            unacknowledged.release();
            unacknowledged = null;
        }
    }

    boolean isGone() {
        return gone;
    }

    // ---- PDUs

    ByteBuf allocate(int dataBytes) {
        return transport.encoder().allocate(transport.allocator(), dataBytes);
    }

    /// Sends a PDU without data segment.
    void send(ResponsePdu header) {
        send(header, allocate(0));
    }

    /// Sends a PDU whose data segment is in `pdu` already.
    void send(ResponsePdu header, ByteBuf pdu) {
        transport.encoder().encode(header, pdu);
        if (unacknowledged != null) {
            unacknowledged.sent(header, transport.encoder().data(pdu), statSn - 1);
        }
        transport.send(pdu);
    }

    /// Sends a PDU again.
    void sendAgain(SentPdu sent, CommandWindow<?> window) {
        ByteBuf data = sent.data();
        ByteBuf pdu = allocate(data.readableBytes());
        pdu.writeBytes(data, data.readerIndex(), data.readableBytes());
        transport.encoder().encodeAgain(sent.header(), window.expCmdSn(), window.maxCmdSn(), pdu);
        transport.send(pdu);
    }

    // ---- turns to send

    /// The task has Data-In PDUs to make, the first of them now.
    void beginsToSend(Task task) {
        if (unacknowledged != null) {
            unacknowledged.begin(task);
        }
        readyToSend(task);
    }

    /// The task has a Data-In PDU to make.
    void readyToSend(Task task) {
        senders.add(task);
    }

    /// The task makes none for the time being.
    void notReadyToSend(Task task) {
        senders.remove(task);
        if (unacknowledged != null) {
            unacknowledged.notReadyToSend(task);
        }
    }

    /// Whether a task may send the next PDU of its data; otherwise it becomes ready to send when it
    /// may.
    boolean mayForward(Task task, DataInTransfer transfer) {
        return unacknowledged == null
                || unacknowledged.mayForward(task, transfer.position(), transfer.sequenceEnd());
    }

    /// The initiator will not ask for the data of this task again.
    void forgetData(int initiatorTaskTag) {
        if (unacknowledged != null) {
            unacknowledged.forget(initiatorTaskTag);
        }
    }

    /// Data of a write has come.
    void dataMoves() {
        if (unacknowledged != null) {
            unacknowledged.dataMoves();
        }
    }

    /// Whether there is room for another Data-In PDU.
    boolean hasRoomToSend() {
        return !held && fetchingBytes + transport.queuedBytes() < MAX_UNSENT_BYTES;
    }

    /// Data-In bytes being fetched by I/O threads have changed.
    void fetching(int bytes) {
        fetchingBytes += bytes;
    }

    /// Makes Data-In PDUs, task by task in turn, while there is room for them.
    void produce() {
        if (producing) {
            return;
        }
        producing = true;
        try {
            if (unacknowledged != null) {
                unacknowledged.produce();
            }
            Task task = senders.peek();
            while (task != null && hasRoomToSend()) {
                senders.remove();
                if (task.sendNext()) {
                    senders.add(task);
                }
                task = senders.peek();
            }
        } finally {
            producing = false;
        }
    }
}
