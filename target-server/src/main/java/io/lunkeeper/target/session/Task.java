package io.lunkeeper.target.session;

import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.pdu.ResponsePdu.Residual;
import io.lunkeeper.target.scsi.AutoContingentAllegiance;
import io.lunkeeper.target.scsi.Outcome;
import io.lunkeeper.target.scsi.Outcome.AwaitedStep;
import io.lunkeeper.target.scsi.Outcome.BlockingStep;
import io.lunkeeper.target.scsi.Outcome.DataSink;
import io.lunkeeper.target.scsi.Outcome.DataSource;
import io.lunkeeper.target.scsi.Outcome.Status;
import io.lunkeeper.target.scsi.TaskOrder;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jscsi.parser.scsi.SCSIStatus;
import org.jspecify.annotations.Nullable;

/// One SCSI command from its PDU to its status (SAM-5 4.5 task). Confined to the session's thread;
/// only steps that may block run elsewhere, and their results come back to it.
///
/// A task that must wait for others is dormant until its turn comes: of its command nothing is
/// looked at before. Then it moves as its [Outcome]s say: data out (from the initiator) until the
/// [DataOutTransfer] is finished and every piece is in the sink, then work that may block, then
/// data in or status. It ends exactly once. An aborted task sends nothing more but perhaps a
/// status, and ends when its last step has come back: nothing of it touches the medium then.
final class Task {
    private static final int CHECK_CONDITION = SCSIStatus.CHECK_CONDITION.value() & 0xff;

    private final TaskSet set;
    private Link link;
    private final long lun;
    private final long addressedAs;
    private final int initiatorTaskTag;
    private final boolean numbered;
    private final int cmdSn;
    private final boolean naca;
    private final long expectedIn;
    private final long expectedOut;

    private TaskOrder.@Nullable Place place;
    private @Nullable DormantCommand dormant;
    private @Nullable DataOutTransfer dataOut;
    private @Nullable DataSink sink;
    private long receivable;
    private @Nullable DataInTransfer dataIn;
    private @Nullable Status ending;

    /// What the command would have moved, known or not to the initiator: for the residual.
    private long wanted;

    /// Whether Data-Out PDUs may come that nobody will take: the transfer was broken off.
    private boolean brokenOff;

    /// Whether other tasks are aborted since this one fails; it is not one of those itself.
    private boolean completing;

    /// Whether an ACA condition keeps it from sending anything and from taking another step.
    private boolean standsStill;

    private boolean mayNotStandStill;
    private boolean acaAttribute;
    private @Nullable Outcome postponed;

    private int stepsRunning;
    private boolean aborted;
    private @Nullable Status abortedWith;
    private final List<Runnable> endListeners = new ArrayList<>(0);

    Task(TaskSet set, Link link, ScsiCommand command, long addressedAs, boolean dataIsLate) {
        this.set = set;
        this.link = link;
        this.lun = command.lun();
        this.addressedAs = addressedAs;
        this.initiatorTaskTag = command.initiatorTaskTag();
        this.brokenOff = dataIsLate;
        this.numbered = !command.immediate();
        this.cmdSn = command.cmdSn();
        this.naca = AutoContingentAllegiance.naca(command.cdb());
        this.expectedIn = command.read() ? command.expectedDataTransferLength() : 0;
        this.expectedOut = command.write() ? command.expectedDataTransferLength() : 0;
    }

    long lun() {
        return lun;
    }

    /// The LUN field by which the initiator knows it.
    long addressedAs() {
        return addressedAs;
    }

    int initiatorTaskTag() {
        return initiatorTaskTag;
    }

    /// Whether it took a CmdSN, thus a place in the command window.
    boolean numbered() {
        return numbered;
    }

    /// Its CmdSN; that of an immediate command is that of the next one.
    int cmdSn() {
        return cmdSn;
    }

    Link link() {
        return link;
    }

    /// Whether Data-Out PDUs may still arrive for it after its end.
    boolean awaitsData() {
        return brokenOff || (dataOut != null && (dataOut.isBrokenOff() || !dataOut.finished()));
    }

    // ---- its turn

    /// Where it is in the order of its task set; null while nobody asks.
    TaskOrder.@Nullable Place place() {
        return place;
    }

    void place(TaskOrder.Place here) {
        place = here;
    }

    /// It waits for its turn.
    void sleep(DormantCommand command) {
        dormant = command;
    }

    /// Its turn has come; it may have been aborted or refused meanwhile.
    void wake() {
        DormantCommand waiting = dormant;
        if (waiting != null) {
            waiting.due();
            beginWhenReady(waiting);
        }
    }

    private void beginWhenReady(DormantCommand waiting) {
        if (waiting.ready() && !standsStill) {
            dormant = null;
            try {
                set.begin(this, waiting.command());
            } finally {
                set.ordering().release(waiting);
            }
        }
    }

    /// It will never have its turn.
    private void giveUp(DormantCommand waiting) {
        dormant = null;
        brokenOff = !waiting.whole();
        set.ordering().release(waiting);
    }

    private void receiveAsleep(DormantCommand waiting, DataOut pdu, boolean intact) {
        DataOutTransfer.Violation violation = waiting.receive(pdu, intact);
        if (violation != null) {
            giveUp(waiting);
            fail(set.violated(lun, violation));
            advance();
        } else {
            beginWhenReady(waiting);
        }
    }

    // ---- ACA conditions

    boolean naca() {
        return naca;
    }

    boolean hasAcaAttribute() {
        return acaAttribute;
    }

    /// It runs while its nexus has an ACA condition.
    void withAcaAttribute() {
        acaAttribute = true;
        mayNotStandStill = true;
    }

    /// No ACA condition stops it: it began one, or was refused or let through in spite of one.
    void neverStandStill() {
        mayNotStandStill = true;
    }

    boolean mayNotStandStill() {
        return mayNotStandStill;
    }

    /// Stops it where it is, or lets it go on from there. What it has asked for already, of a disk
    /// or of the initiator, may still come in.
    void standStill(boolean stop) {
        if (mayNotStandStill || aborted || standsStill == stop) {
            return;
        }
        standsStill = stop;
        if (stop) {
            link.notReadyToSend(this);
        } else {
            goOn();
        }
    }

    private void goOn() {
        if (dormant != null) {
            beginWhenReady(dormant);
        } else if (postponed != null) {
            Outcome next = postponed;
            postponed = null;
            proceed(next);
        } else if (dataIn != null && ending == null && stepsRunning == 0) {
            link.readyToSend(this);
        } else {
            advance();
        }
    }

    // ---- from the command to its outcome

    /// Begins the task with the first outcome of its command.
    void start(ScsiCommand command, Outcome outcome) {
        switch (outcome) {
            case Outcome.WriteMedium(DataSink medium, long lengthBytes) ->
                    startDataOut(command, medium, lengthBytes);
            case Outcome.ReceiveParameters(int lengthBytes, Outcome.ParameterStep next) ->
                    startDataOut(
                            command,
                            new GatheredParameters(
                                    (int) Math.min(lengthBytes, expectedOut), expectedOut, next),
                            lengthBytes);
            case Outcome.ParameterData _,
                    Outcome.ReadMedium _,
                    Outcome.Blocking _,
                    Outcome.Awaiting _,
                    Outcome.Watching _,
                    Status _ -> {
                drainUnsolicited(command);
                proceed(outcome);
            }
        }
    }

    private void startDataOut(ScsiCommand command, DataSink into, long lengthBytes) {
        sink = into;
        wanted = lengthBytes;
        receivable = Math.min(lengthBytes, expectedOut);
        ByteBuf immediate = command.data();
        if (!command.finalBit() || immediate.readableBytes() < receivable) {
            dataOut = new DataOutTransfer(command, set.parameters(), receivable);
        }
        offer(0, immediate);
        advance();
    }

    /// A command that takes no data may still have announced some: it is received and dropped
    /// before the status, so that the initiator's burst does not outlive its task.
    private void drainUnsolicited(ScsiCommand command) {
        if (command.write() && !command.finalBit()) {
            brokenOff = set.parameters().initialR2t();
            dataOut = brokenOff ? null : new DataOutTransfer(command, set.parameters(), 0);
        }
    }

    /// Carries on with an outcome after the first.
    private void proceed(Outcome outcome) {
        if (standsStill) {
            postponed = outcome;
            return;
        }
        switch (outcome) {
            case Status status -> {
                ending = status;
                advance();
            }
            case Outcome.ParameterData(ByteBuf data) ->
                    startDataIn(new BufferSource(data), data.readableBytes());
            case Outcome.ReadMedium(DataSource source, long lengthBytes) ->
                    startDataIn(source, lengthBytes);
            case Outcome.Blocking(BlockingStep work) -> {
                stepsRunning++;
                set.run(this, work);
            }
            case Outcome.Awaiting(AwaitedStep step) -> {
                stepsRunning++;
                set.await(this, step);
            }
            case Outcome.Watching(AwaitedStep step) -> set.watch(this, step);
            case Outcome.WriteMedium _, Outcome.ReceiveParameters _ ->
                    throw new IllegalStateException("data is received first or not at all");
        }
    }

    /// Ends or moves on once all data and all steps are in.
    private void advance() {
        if (standsStill && !aborted) {
            return;
        }
        if (dataOut != null && !aborted) {
            set.answers().requestData(this, dataOut);
        }
        if (stepsRunning > 0) {
            return;
        }
        if (aborted) {
            if (abortedWith == null) {
                set.ended(this);
                link.forgetData(initiatorTaskTag);
            } else {
                respond(abortedWith);
            }
        } else if (dataOut != null && !dataOut.finished()) {
            return;
        } else if (ending != null) {
            complete(ending);
        } else if (sink != null) {
            DataSink complete = sink;
            sink = null;
            proceed(complete.complete());
        }
    }

    // ---- data from the initiator

    /// Takes a Data-Out PDU of this task.
    ///
    /// @param intact whether its data is what was sent
    void receive(DataOut pdu, boolean intact) {
        if (dormant != null) {
            receiveAsleep(dormant, pdu, intact);
            return;
        }
        if (dataOut == null) {
            return;
        }
        if (set.recovers() && dataOut.misses(pdu, intact)) {
            advance();
            return;
        }
        DataOutTransfer.Violation violation = dataOut.receive(pdu);
        if (aborted) {
            return; // Nothing is made of it, but it has come.
        }
        if (violation != null) {
            fail(set.violated(lun, violation));
        } else {
            offer(pdu.bufferOffset(), pdu.data());
        }
        advance();
    }

    /// What it has asked for, and what was sent unasked, is waited for no longer.
    void timeOut() {
        if (dormant != null) {
            dormant.timeOut();
            beginWhenReady(dormant);
        } else if (dataOut != null && !aborted) {
            if (dataOut.timeOut()) {
                set.requestAgain(this, dataOut);
            }
            advance();
        }
    }

    /// Goes on on another connection. Data of a write that has not come is asked for again.
    ///
    /// @param nextDataSn how many PDUs the data counts as that was sent
    void reassign(Link to, int nextDataSn) {
        link = to;
        resegment(nextDataSn);
        if (dataIn == null) {
            timeOut();
        } else if (!standsStill) {
            goOn();
        }
    }

    /// The data that it takes from the initiator; null: none, or all came with the command.
    @Nullable DataOutTransfer dataOut() {
        return dataOut;
    }

    private void offer(long position, ByteBuf data) {
        int length = (int) Math.min(data.readableBytes(), receivable - position);
        DataSink into = sink;
        if (length <= 0 || ending != null || into == null) {
            return;
        }
        ByteBuf piece = data.slice(data.readerIndex(), length);
        if (!into.tryWrite(position, piece)) {
            stepsRunning++;
            set.write(this, into, position, piece);
        }
    }

    /// A piece of its data is in the sink, or cannot be.
    void written(@Nullable IOException failure) {
        stepsRunning--;
        if (failure != null) {
            fail(set.failed(lun, failure));
        }
        advance();
    }

    /// The command will end with this status; the data under way is received and dropped first.
    private void fail(Status status) {
        if (ending == null) {
            ending = status;
            sink = null;
        }
        if (dataOut != null) {
            dataOut.stopRequests();
        }
    }

    // ---- data to the initiator

    private void startDataIn(DataSource source, long lengthBytes) {
        wanted = lengthBytes;
        long sendable = Math.min(lengthBytes, expectedIn);
        if (sendable == 0) {
            proceed(Status.GOOD);
            return;
        }
        int burst = set.parameters().maxBurstLength();
        dataIn = new DataInTransfer(source, sendable, link.initiatorSegmentBytes(), burst);
        link.beginsToSend(this);
    }

    /// Sends the next Data-In PDU, or begins to fetch its data when that may block.
    ///
    /// @return whether the task is ready to send another one at once
    boolean sendNext() {
        DataInTransfer transfer = dataIn;
        if (aborted || transfer == null || !link.mayForward(this, transfer)) {
            return false;
        }
        int length = transfer.nextBytes();
        ByteBuf pdu = link.allocate(length);
        if (transfer.source().tryRead(transfer.position(), pdu, length)) {
            return sendDataIn(transfer, pdu, length);
        }
        stepsRunning++;
        set.fetch(this, transfer, pdu, length);
        return false;
    }

    /// The data of a PDU for a connection has been fetched, or cannot be.
    void fetched(Link onto, DataInTransfer of, ByteBuf pdu, int bytes, @Nullable IOException why) {
        stepsRunning--;
        if (aborted || why != null || standsStill || ending != null) {
            pdu.release(); // It is fetched again when the task goes on.
            if (why != null) {
                ending = set.failed(lun, why);
            }
            advance();
        } else if (bytes != of.nextBytes() || onto != link) {
            pdu.release(); // It was cut anew meanwhile, or goes another way.
            link.readyToSend(this);
        } else if (sendDataIn(of, pdu, bytes)) {
            link.readyToSend(this);
        }
    }

    private boolean sendDataIn(DataInTransfer transfer, ByteBuf pdu, int length) {
        transfer.sent(length);
        boolean last = transfer.finished();
        boolean withStatus = last && link.snackTag(initiatorTaskTag) == 0;
        if (withStatus) {
            // Before the header is made: the end of the task opens the command window.
            set.ended(this);
        }
        Residual residual = Residual.of(expectedIn, wanted);
        set.answers().dataIn(this, transfer, length, withStatus, residual, pdu);
        if (last && !withStatus) {
            proceed(Status.GOOD);
        }
        return !last;
    }

    /// Ends with a status in place of what it has not sent yet, when the loop comes to it.
    void sendNoMore(Status status) {
        if (ending == null && !aborted) {
            link.notReadyToSend(this);
            ending = status;
            stepsRunning++;
            set.comeBack(link, () -> stepEnded(status));
        }
    }

    /// Whether it sends Data-In PDUs, now or later.
    boolean sendsData() {
        return dataIn != null;
    }

    /// What it has sent was cut anew; so is what follows.
    ///
    /// @param nextDataSn how many PDUs it counts as
    void resegment(int nextDataSn) {
        if (dataIn != null) {
            dataIn.resegment(nextDataSn, link.initiatorSegmentBytes());
        }
    }

    // ---- the end

    /// Ends with a status of its own. Before CHECK CONDITION goes out, the tasks that end with it
    /// have come to rest (QERR).
    private void complete(Status status) {
        if (completing || status.status() != CHECK_CONDITION) {
            respond(status);
            return;
        }
        if (!set.ordering().fault(this)) {
            standsStill = true;
            return;
        }
        completing = true;
        stepsRunning++;
        set.failing(this, () -> stepEnded(status));
    }

    /// Whether it waits for the tasks that end with it.
    boolean completing() {
        return completing;
    }

    private void respond(Status status) {
        int numberOfDataPdus =
                dataOut != null ? dataOut.requestsSent() : dataIn != null ? dataIn.dataSn() : 0;
        set.ended(this);
        set.answers().respond(this, status, numberOfDataPdus, residual(status));
    }

    private Residual residual(Status status) {
        long sent = dataIn == null ? 0 : dataIn.position();
        long moved = status.status() == Status.GOOD.status() ? wanted : sent;
        return Residual.of(Math.max(expectedIn, expectedOut), moved);
    }

    boolean isAborted() {
        return aborted;
    }

    /// Ends the task before its time (SAM-5 5.6 Aborting commands).
    ///
    /// @param answer its status, sent when nothing of it is running any more; null: there is none
    /// @param whenEnded called once nothing of the task is running any more; may be at once
    void abort(@Nullable Status answer, Runnable whenEnded) {
        endListeners.add(whenEnded);
        if (!aborted) {
            aborted = true;
            abortedWith = answer;
            sink = null;
            if (dormant != null) {
                giveUp(dormant);
            }
            if (postponed != null) {
                postponed.abandoned();
                postponed = null;
            }
            advance();
        }
    }

    /// The task set has let go of the task: tells whoever waits for its end.
    void notifyEnded() {
        endListeners.forEach(Runnable::run);
        endListeners.clear();
    }

    // ---- steps that end elsewhere

    /// What it watches for has come. Nothing of it ran meanwhile, so an abort has ended it at once.
    void watched(Outcome next) {
        if (!aborted) {
            proceed(next);
        }
    }

    /// A step has come back, with what is next.
    void stepEnded(Outcome next) {
        stepsRunning--;
        if (aborted) {
            next.abandoned();
            advance();
        } else {
            proceed(next);
        }
    }
}
