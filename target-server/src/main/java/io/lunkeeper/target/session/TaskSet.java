package io.lunkeeper.target.session;

import io.lunkeeper.target.login.SessionParameters;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.pdu.ResponsePdu;
import io.lunkeeper.target.scsi.DeviceServer;
import io.lunkeeper.target.scsi.Nexus;
import io.lunkeeper.target.scsi.Outcome.Status;
import io.lunkeeper.target.scsi.TaskControl;
import io.lunkeeper.target.scsi.TaskControl.OnError;
import io.netty.buffer.ByteBuf;
import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.collection.IntObjectMap;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jscsi.parser.reject.RejectParser.ReasonCode;
import org.jspecify.annotations.Nullable;

/// The tasks of one session and what they share: tags, turns to send, memory. Confined to the
/// session's thread.
///
/// Nothing here grows with what an initiator does: tasks are bounded by the command window and
/// [#MAX_IMMEDIATE_TASKS]; data towards a slow reader stays on disk ([#MAX_UNSENT_BYTES]); data
/// from a fast writer stays in its socket ([#MAX_HELD_BYTES]).
final class TaskSet {
    /// Immediate commands are outside the command window, so they need a bound of their own.
    static final int MAX_IMMEDIATE_TASKS = 16;

    /// Data-In bytes fetched or queued for one session before the next PDU is made. Enough to keep
    /// a fast socket busy and a disk at depth; all that a stalled reader can pin. They go to the
    /// socket by as few writes as can be: each wakes the reader, and two processors that work on
    /// one socket by turns hinder each other.
    static final long MAX_UNSENT_BYTES = 2 << 20;

    /// Data-Out bytes waiting for a disk before the session stops reading its socket.
    static final long MAX_HELD_BYTES = 8 << 20;

    private final SessionParameters parameters;
    private final CommandWindow<RequestPdu> window;
    private final Link link;
    private final TargetNode target;
    private final DeviceServer device;
    private final Nexus nexus;
    private final TaskOrdering ordering;
    private final IntObjectMap<Task> tasks = new IntObjectHashMap<>();
    private final ArrayDeque<Task> senders = new ArrayDeque<>();
    private final RetiredTags retired = new RetiredTags();
    private int initiatorSegmentBytes;
    private int immediateTasks;
    private int nextTransferTag;
    private long fetchingBytes;
    private long heldBytes;
    private boolean reading = true;
    private boolean producing;

    TaskSet(
            SessionParameters parameters,
            CommandWindow<RequestPdu> window,
            Link link,
            TargetNode target,
            Nexus nexus) {
        this.parameters = parameters;
        this.initiatorSegmentBytes = parameters.initiatorMaxRecvDataSegmentLength();
        this.window = window;
        this.link = link;
        this.target = target;
        this.device = target.device();
        this.nexus = nexus;
        this.ordering = new TaskOrdering(this, link, device, nexus);
        nexus.tasksAreHeldBy(ordering);
    }

    SessionParameters parameters() {
        return parameters;
    }

    /// What the initiator takes in one Data-In: it may declare another MaxRecvDataSegmentLength at
    /// any time (RFC 7143 13.12).
    int initiatorSegmentBytes() {
        return initiatorSegmentBytes;
    }

    void initiatorSegmentBytes(int bytes) {
        initiatorSegmentBytes = bytes;
    }

    CommandWindow<RequestPdu> window() {
        return window;
    }

    Nexus nexus() {
        return nexus;
    }

    /// Which of the tasks wait for others.
    TaskOrdering ordering() {
        return ordering;
    }

    /// All that are alive.
    Iterable<Task> alive() {
        return tasks.values();
    }

    // ---- commands and their data

    /// Takes a command, and begins it when nothing is to be waited for.
    void start(Link link, ScsiCommand command) throws RejectedPduException {
        if (TaskOrdering.isReserved(command.taskAttribute())) {
            forgetNumber(command);
            throw new RejectedPduException(ReasonCode.INVALID_PDU_FIELD, "reserved task attribute");
        }
        int tag = command.initiatorTaskTag();
        if (tag == RequestPdu.RESERVED_TAG) {
            forgetNumber(command);
            throw new RejectedPduException(ReasonCode.INVALID_PDU_FIELD, "reserved task tag");
        }
        if (tasks.containsKey(tag)) {
            forgetNumber(command);
            throw new RejectedPduException(ReasonCode.TASK_IN_PROGRESS, "task tag in use");
        }
        if (command.immediate() && ++immediateTasks > MAX_IMMEDIATE_TASKS) {
            immediateTasks--;
            throw new RejectedPduException(
                    ReasonCode.IMMEDIATE_COMMAND_REJECT, "too many immediate commands");
        }
        Task task = new Task(this, link, command);
        tasks.put(tag, task);
        retired.reused(tag);
        DataOutTransfer.Violation violation = DataOutTransfer.judge(command, parameters);
        if (violation != null) {
            ordering.refuse(task, command, violated(command.lun(), violation));
        } else if (ordering.isOrdinary(command)) {
            begin(task, command);
        } else {
            ordering.enter(task, command);
        }
        produce();
    }

    /// Begins a task whose turn has come.
    void begin(Task task, ScsiCommand command) {
        task.start(command, device.execute(nexus, command.lun(), command.cdb()));
    }

    /// A command that is refused before it became a task gives its place in the window back.
    private void forgetNumber(ScsiCommand command) {
        if (!command.immediate()) {
            window.ended();
        }
    }

    /// Hands a Data-Out PDU to its task.
    void receive(DataOut pdu) throws RejectedPduException {
        Task task = tasks.get(pdu.initiatorTaskTag());
        if (task != null) {
            task.receive(pdu);
            produce();
        } else if (retired.contains(pdu.initiatorTaskTag())) {
            retired.received(pdu.initiatorTaskTag(), pdu.targetTransferTag(), pdu.finalBit());
        } else {
            throw new RejectedPduException(
                    ReasonCode.INVALID_PDU_FIELD, "Data-Out for a task that does not exist");
        }
    }

    /// The status of a command whose data broke the rules of the transfer.
    Status violated(long lun, DataOutTransfer.Violation violation) {
        return switch (violation) {
            case UNEXPECTED_UNSOLICITED_DATA -> device.unexpectedUnsolicitedData(lun);
            case INCORRECT_AMOUNT_OF_DATA -> device.incorrectAmountOfData(lun);
        };
    }

    /// The status of a command whose medium access failed.
    Status failed(long lun, IOException failure) {
        return device.failed(lun, failure);
    }

    /// Sends the Ready To Transfers that are due.
    void requestData(Task task, DataOutTransfer transfer) {
        while (transfer.wantsRequest()) {
            if (++nextTransferTag == RequestPdu.RESERVED_TAG) {
                nextTransferTag = 0;
            }
            DataOutTransfer.Request request = transfer.request(nextTransferTag);
            task.link()
                    .send(
                            new ResponsePdu.ReadyToTransfer(
                                    task.lun(),
                                    task.initiatorTaskTag(),
                                    request.targetTransferTag(),
                                    task.link().peekStatSn(),
                                    window.expCmdSn(),
                                    window.maxCmdSn(),
                                    request.r2tSn(),
                                    request.offset(),
                                    request.length()));
        }
    }

    // ---- turns to send

    /// The task has a Data-In PDU to make.
    void readyToSend(Task task) {
        senders.add(task);
    }

    /// The task makes none for the time being.
    void notReadyToSend(Task task) {
        senders.remove(task);
    }

    /// Makes Data-In PDUs, task by task in turn, while there is room for them.
    void produce() {
        if (producing) {
            return;
        }
        producing = true;
        try {
            Task task = senders.peek();
            while (task != null && fetchingBytes + unsentBytes(task) < MAX_UNSENT_BYTES) {
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

    private static long unsentBytes(Task task) {
        return task.link().transport().queuedBytes();
    }

    /// Data-In bytes being fetched by I/O threads have changed.
    void fetching(int bytes) {
        fetchingBytes += bytes;
    }

    /// Data-Out bytes waiting for I/O threads have changed.
    void hold(int bytes) {
        heldBytes += bytes;
    }

    private void regulateReading(Link link) {
        boolean wanted = reading ? heldBytes <= MAX_HELD_BYTES : heldBytes <= MAX_HELD_BYTES / 2;
        if (wanted != reading) {
            reading = wanted;
            link.transport().pauseReading(!wanted);
        }
    }

    // ---- ends

    /// A task is about to end with CHECK CONDITION: aborts the tasks that end with it, those of
    /// other nexuses too where the task set is theirs as well (SPC-4 7.5.8 Control mode page,
    /// QERR). Tasks that are about to fail themselves are left to that: of two that fail at once
    /// both have their status.
    ///
    /// @param whenEnded called on this session's thread once none of them runs; may be at once
    void failing(Task task, Runnable whenEnded) {
        TaskControl control = device.taskControl(task.lun());
        Predicate<Task> others =
                each ->
                        each != task
                                && !each.completing()
                                && device.sameUnit(each.lun(), task.lun());
        if (control.onError() == OnError.RESUME) {
            whenEnded.run();
        } else if (control.separate() || control.onError() == OnError.ABORT_OWN) {
            abort(others, whenEnded);
        } else {
            target.abortTasks(
                    nexus,
                    others,
                    victim -> device.tasksCleared(task.lun(), victim),
                    () -> link.transport().execute(whenEnded));
        }
    }

    /// The task sends nothing more and touches nothing more.
    void ended(Task task) {
        tasks.remove(task.initiatorTaskTag());
        if (task.awaitsData()) {
            retired.add(task.initiatorTaskTag(), task.openTransfers());
        }
        if (task.numbered()) {
            window.ended();
        } else {
            immediateTasks--;
        }
        ordering.ended(task);
        task.notifyEnded();
    }

    /// Goes on once the initiator has answered all that these tasks, which have ended, had asked
    /// for; see [RetiredTags].
    void whenAnswered(Set<Integer> initiatorTaskTags, Runnable then) {
        retired.whenAnswered(initiatorTaskTags, then);
    }

    /// Called about once a second.
    void tick() {
        retired.tick();
    }

    /// Whether a task with this tag is alive.
    boolean contains(int initiatorTaskTag) {
        return tasks.containsKey(initiatorTaskTag);
    }

    /// Aborts every task that `which` selects, and says nothing to the initiator.
    ///
    /// @param whenEnded called once none of them runs any more; may be at once
    /// @return how many there were
    int abort(Predicate<Task> which, Runnable whenEnded) {
        return abort(which, _ -> null, whenEnded);
    }

    /// Aborts every task that `which` selects.
    ///
    /// @param answer what the initiator is told of each; null: nothing
    /// @param whenEnded called once none of them runs any more; may be at once
    /// @return how many there were
    int abort(Predicate<Task> which, Function<Task, @Nullable Status> answer, Runnable whenEnded) {
        List<Task> victims = new ArrayList<>();
        for (Task task : tasks.values()) {
            if (which.test(task)) {
                victims.add(task);
            }
        }
        if (victims.isEmpty()) {
            whenEnded.run();
            return 0;
        }
        int[] left = {victims.size()};
        for (Task victim : victims) {
            notReadyToSend(victim);
            victim.abort(
                    answer.apply(victim),
                    () -> {
                        if (--left[0] == 0) {
                            whenEnded.run();
                        }
                    });
        }
        return victims.size();
    }

    // ---- I/O threads

    /// Runs a step on the LUN's I/O threads and its end on the session's thread.
    void runOnIoThread(Task task, IoStep step, StepDone done) {
        runOn(device.ioThreads(task.lun()), task, step, done);
    }

    /// The same for a step that writes, and that the LUN may let wait.
    void runOnWriteThread(Task task, IoStep step, StepDone done) {
        runOn(device.writeThreads(task.lun()), task, step, done);
    }

    /// Reads the next piece of a transfer elsewhere; its end comes to the session's thread.
    void fetch(Task task, DataInTransfer transfer, ByteBuf into, int length, StepDone done) {
        Link link = task.link();
        try {
            transfer.source()
                    .read(
                            transfer.position(),
                            into,
                            length,
                            failure -> comeBack(link, () -> done.accept(failure)));
        } catch (RejectedExecutionException closed) {
            done.accept(closedLun(closed));
        }
    }

    private static IOException closedLun(RejectedExecutionException closed) {
        return new IOException("the LUN is closed", closed);
    }

    private void runOn(Executor threads, Task task, IoStep step, StepDone done) {
        Link link = task.link();
        try {
            threads.execute(() -> runStep(link, step, done));
        } catch (RejectedExecutionException closed) {
            done.accept(closedLun(closed));
        }
        regulateReading(link);
    }

    private void runStep(Link link, IoStep step, StepDone done) {
        IOException failure = null;
        try {
            step.run();
        } catch (IOException refused) {
            failure = refused;
        } catch (RuntimeException | Error bug) {
            // The initiator must hear of it, and the thread's handler must log it.
            failure = new IOException("internal error", bug);
            throw bug;
        } finally {
            IOException outcome = failure;
            comeBack(link, () -> done.accept(outcome));
        }
    }

    /// Brings the end of a step to the session's thread, from any other.
    void comeBack(Link link, Runnable end) {
        link.transport()
                .execute(() -> {
                    end.run();
                    regulateReading(link);
                    produce();
                });
    }
}
