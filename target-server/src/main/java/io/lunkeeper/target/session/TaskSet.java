package io.lunkeeper.target.session;

import io.lunkeeper.target.login.SessionParameters;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.scsi.DeviceServer;
import io.lunkeeper.target.scsi.Nexus;
import io.lunkeeper.target.scsi.Outcome;
import io.lunkeeper.target.scsi.Outcome.AwaitedStep;
import io.lunkeeper.target.scsi.Outcome.BlockingStep;
import io.lunkeeper.target.scsi.Outcome.DataSink;
import io.lunkeeper.target.scsi.Outcome.Status;
import io.lunkeeper.target.scsi.TaskControl;
import io.lunkeeper.target.scsi.TaskControl.OnError;
import io.lunkeeper.target.scsi.TransferFault;
import io.netty.buffer.ByteBuf;
import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.collection.IntObjectMap;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jscsi.parser.reject.RejectParser.ReasonCode;
import org.jspecify.annotations.Nullable;

/// The tasks of one session and what they share: tags and memory. Confined to the session's thread.
///
/// Nothing here grows with what an initiator does: tasks are bounded by the command window and
/// [#MAX_IMMEDIATE_TASKS]; data towards a slow reader stays on disk ([Link#MAX_UNSENT_BYTES]); data
/// from a fast writer stays in its sockets ([#MAX_HELD_BYTES]).
final class TaskSet {
    /// Immediate commands are outside the command window, so they need a bound of their own: so
    /// many of a session, and one of each connection.
    static final int MAX_IMMEDIATE_TASKS = 16;

    /// Data-Out bytes waiting for a disk before the session stops reading its sockets.
    static final long MAX_HELD_BYTES = 8 << 20;

    private final SessionParameters parameters;
    private final CommandWindow<EarlyCommand> window;
    private final Links links;
    private final TargetNode target;
    private final DeviceServer device;
    private final Nexus nexus;
    private final TaskOrdering ordering;
    private final TaskAnswers answers;
    private final boolean recovers;
    private final IntObjectMap<Task> tasks = new IntObjectHashMap<>();
    private final RetiredTags retired = new RetiredTags();
    private int immediateTasks;
    private long heldBytes;
    private boolean reading = true;

    TaskSet(
            SessionParameters parameters,
            CommandWindow<EarlyCommand> window,
            Links links,
            TargetNode target,
            Nexus nexus) {
        this.parameters = parameters;
        this.window = window;
        this.links = links;
        this.target = target;
        this.device = target.device();
        this.nexus = nexus;
        this.ordering = new TaskOrdering(this, links, device, nexus);
        this.answers = new TaskAnswers(window);
        this.recovers = parameters.errorRecoveryLevel() > 0;
        nexus.tasksAreHeldBy(ordering);
    }

    SessionParameters parameters() {
        return parameters;
    }

    CommandWindow<EarlyCommand> window() {
        return window;
    }

    Nexus nexus() {
        return nexus;
    }

    /// What they send.
    TaskAnswers answers() {
        return answers;
    }

    /// Whether what is lost is sent again: ErrorRecoveryLevel 1 or 2.
    boolean recovers() {
        return recovers;
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
    void start(Link link, ScsiCommand received) throws RejectedPduException {
        ScsiCommand command = addressed(received);
        Task task = enter(link, command, received.lun(), false);
        DataOutTransfer.Violation violation = DataOutTransfer.judge(command, parameters);
        if (violation != null) {
            ordering.refuse(task, command, violated(command.lun(), violation));
        } else {
            beginInTurn(task, command);
        }
        link.produce();
    }

    /// From here on a LUN field says what it says to the target, not to the initiator; a command
    /// for a logical unit that the nexus does not see is one for none.
    private ScsiCommand addressed(ScsiCommand command) {
        long unit = nexus.unit(command.lun());
        return unit == command.lun() ? command : command.at(unit);
    }

    /// Makes a task of a command, unless it cannot be one.
    ///
    /// @param addressedAs the LUN field that it came with
    private Task enter(Link link, ScsiCommand command, long addressedAs, boolean dataIsLate)
            throws RejectedPduException {
        if (TaskOrdering.isReserved(command.taskAttribute())) {
            throw new RejectedPduException(ReasonCode.INVALID_PDU_FIELD, "reserved task attribute");
        }
        int tag = command.initiatorTaskTag();
        if (tag == RequestPdu.RESERVED_TAG) {
            throw new RejectedPduException(ReasonCode.INVALID_PDU_FIELD, "reserved task tag");
        }
        if (tasks.containsKey(tag)) {
            throw new RejectedPduException(ReasonCode.TASK_IN_PROGRESS, "task tag in use");
        }
        if (command.immediate()) {
            countImmediate(link);
        }
        Task task = new Task(this, link, command, addressedAs, dataIsLate);
        tasks.put(tag, task);
        link.forgetData(tag); // Of a command before: who uses its tag again has all of it.
        retired.reused(tag);
        return task;
    }

    /// RFC 7143 4.2.2.1 Command Numbering and Acknowledging: there is room for one of each
    /// connection at any time.
    private void countImmediate(Link link) throws RejectedPduException {
        if (immediateTasks >= MAX_IMMEDIATE_TASKS && hasImmediate(link)) {
            throw new RejectedPduException(
                    ReasonCode.IMMEDIATE_COMMAND_REJECT, "too many immediate commands");
        }
        immediateTasks++;
    }

    private boolean hasImmediate(Link link) {
        for (Task task : tasks.values()) {
            if (!task.numbered() && task.link() == link) {
                return true;
            }
        }
        return false;
    }

    /// Takes a command that came before its turn, and begins it as any other.
    void start(EarlyCommand early) throws RejectedPduException {
        ScsiCommand received = early.command();
        ScsiCommand command = addressed(received);
        Task task = enter(early.link(), command, received.lun(), early.dataIsLate());
        DataOutTransfer.Violation violation = early.violation();
        if (violation != null) {
            ordering.refuse(task, command, violated(command.lun(), violation));
        } else if (early.refused()) {
            ordering.refuse(task, command, TaskOrdering.TASK_SET_FULL);
        } else {
            beginInTurn(task, command);
        }
        early.link().produce();
    }

    private void beginInTurn(Task task, ScsiCommand command) {
        if (ordering.isOrdinary(command)) {
            begin(task, command);
        } else {
            ordering.enter(task, command);
        }
    }

    /// Begins a task whose turn has come.
    void begin(Task task, ScsiCommand command) {
        task.start(command, device.execute(nexus, command.lun(), command.cdb()));
    }

    /// Hands a Data-Out PDU to its task.
    ///
    /// @param intact whether its data is what was sent
    /// @return false when there is no such task
    /// @throws RejectedPduException when the task's command came on another connection (RFC 7143
    ///   4.2.5.1 Command Connection Allegiance) or for another LUN (4.2.5.3 Tags and Integrity
    ///   Checks); the task goes on
    boolean receive(Link link, DataOut pdu, boolean intact) throws RejectedPduException {
        int tag = pdu.initiatorTaskTag();
        Task task = tasks.get(tag);
        if (task == null) {
            boolean late = retired.contains(tag);
            if (late) {
                retired.received(tag, pdu.targetTransferTag(), pdu.finalBit());
            }
            return late;
        }
        if (task.link() != link) {
            throw new RejectedPduException(
                    ReasonCode.PROTOCOL_ERROR, "Data-Out on another connection than its command");
        }
        // 11.7.4 Target Transfer Tag and LUN: without such a tag the LUN is reserved.
        if (pdu.lun() != task.addressedAs() && pdu.targetTransferTag() != RequestPdu.RESERVED_TAG) {
            throw new RejectedPduException(
                    ReasonCode.INVALID_PDU_FIELD, "Data-Out for another LUN than its command");
        }
        link.dataMoves();
        task.receive(pdu, intact);
        link.produce();
        return true;
    }

    /// The status of a command whose data broke the rules of the transfer.
    Status violated(long lun, DataOutTransfer.Violation violation) {
        return device.transferFailed(lun, violation.fault());
    }

    /// Ends a task that has not sent all data yet: its initiator asks for some again that is not
    /// there any more (RFC 7143 7.8 Digest Errors). The status follows the Reject that says so.
    void snackRejected(Task task) {
        task.sendNoMore(device.transferFailed(task.lun(), TransferFault.SNACK_REJECTED));
    }

    /// The status of a command whose medium access failed.
    Status failed(long lun, IOException failure) {
        return device.failed(lun, failure);
    }

    /// Has Ready To Transfers of a task sent again, as the socket takes them; by then it may have
    /// ended, or gone on on another connection.
    void requestAgain(Task task, DataOutTransfer transfer) {
        Link link = task.link();
        Unacknowledged sent = link.unacknowledged();
        if (sent != null) {
            sent.repeat(() -> {
                if (onConnection(task.initiatorTaskTag(), link) == task && !task.isAborted()) {
                    answers.requestAgain(task, transfer);
                }
            });
        }
    }

    /// No data has come on a connection for too long. As long as none is taken, none can come.
    void timeOut(Link link) {
        if (!reading) {
            return;
        }
        for (Task each : List.copyOf(tasks.values())) {
            if (each.link() == link) {
                each.timeOut();
            }
        }
    }

    // ---- memory

    private void regulateReading() {
        boolean wanted = reading ? heldBytes <= MAX_HELD_BYTES : heldBytes <= MAX_HELD_BYTES / 2;
        if (wanted != reading) {
            reading = wanted;
            links.pauseReading(!wanted);
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
                    (_, each) -> others.test(each),
                    victim -> device.tasksCleared(task.lun(), victim),
                    () -> links.execute(whenEnded));
        }
    }

    /// The task sends nothing more and touches nothing more.
    void ended(Task task) {
        tasks.remove(task.initiatorTaskTag());
        if (task.awaitsData()) {
            DataOutTransfer open = task.dataOut();
            retired.add(task.initiatorTaskTag(), open == null ? Set.of() : open.openTransfers());
        }
        if (task.numbered()) {
            window.ended();
        } else {
            immediateTasks--;
        }
        ordering.ended(task);
        task.notifyEnded();
    }

    /// Data that comes for this tag is for a command that nobody carries out.
    void retire(int initiatorTaskTag) {
        retired.add(initiatorTaskTag, Set.of());
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

    /// The task with this tag, if it is alive.
    @Nullable Task find(int initiatorTaskTag) {
        return tasks.get(initiatorTaskTag);
    }

    /// The task with this tag, if it is alive and came on this connection.
    @Nullable Task onConnection(int initiatorTaskTag, Link link) {
        Task task = tasks.get(initiatorTaskTag);
        return task != null && task.link() == link ? task : null;
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
            victim.link().notReadyToSend(victim);
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

    /// The same, where others abort them.
    ///
    /// @param found told of the LUN fields by which the initiator knows those that there are
    void abort(
            Predicate<Task> which,
            Function<Task, @Nullable Status> answer,
            Consumer<Set<Long>> found,
            Runnable whenEnded) {
        Set<Long> luns = new HashSet<>();
        for (Task task : tasks.values()) {
            if (which.test(task)) {
                luns.add(task.addressedAs());
            }
        }
        if (abort(which, answer, whenEnded) > 0) {
            found.accept(luns);
        }
    }

    // ---- I/O threads

    /// Runs a step of a command on the LUN's I/O threads; the task hears what comes of it.
    void run(Task task, BlockingStep work) {
        Outcome[] outcome = new Outcome[1];
        runOn(
                device.ioThreads(task.lun()),
                task,
                () -> outcome[0] = work.run(),
                failure ->
                        task.stepEnded(failure == null ? outcome[0] : failed(task.lun(), failure)));
    }

    /// Begins a step that ends elsewhere; the task hears what comes of it.
    void await(Task task, AwaitedStep step) {
        step.begin(next -> comeBack(task.link(), () -> task.stepEnded(next)));
    }

    /// The same for one that the task watches without being part of it.
    void watch(Task task, AwaitedStep step) {
        step.begin(next -> comeBack(task.link(), () -> task.watched(next)));
    }

    /// Writes a piece of a task's data on threads that the LUN may let wait; the task hears of it.
    void write(Task task, DataSink into, long position, ByteBuf piece) {
        int length = piece.readableBytes();
        piece.retain();
        heldBytes += length;
        runOn(
                device.writeThreads(task.lun()),
                task,
                () -> into.write(position, piece),
                failure -> {
                    piece.release();
                    heldBytes -= length;
                    task.written(failure);
                });
    }

    /// Reads the next piece of a transfer elsewhere; the task hears of it.
    void fetch(Task task, DataInTransfer transfer, ByteBuf into, int length) {
        Link link = task.link();
        link.fetching(length);
        StepDone done =
                failure -> {
                    link.fetching(-length);
                    task.fetched(link, transfer, into, length, failure);
                };
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
        regulateReading();
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
                    regulateReading();
                    if (link.leaving()) {
                        links.produce(); // The task may have gone on to another one.
                    } else {
                        link.produce();
                    }
                });
    }
}
