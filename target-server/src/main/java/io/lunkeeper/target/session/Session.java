package io.lunkeeper.target.session;

import io.lunkeeper.target.login.SessionParameters;
import io.lunkeeper.target.login.TargetDirectory;
import io.lunkeeper.target.login.TextNegotiation;
import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.LogoutRequest;
import io.lunkeeper.target.pdu.RequestPdu.NopOut;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.pdu.RequestPdu.TaskManagementRequest;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;
import io.lunkeeper.target.pdu.ResponsePdu;
import io.lunkeeper.target.scsi.DeviceServer;
import io.lunkeeper.target.scsi.LunMask;
import io.lunkeeper.target.scsi.Nexus;
import io.lunkeeper.target.scsi.Outcome;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jscsi.parser.logout.LogoutRequestParser.LogoutReasonCode;
import org.jscsi.parser.logout.LogoutResponse;
import org.jscsi.parser.reject.RejectParser.ReasonCode;
import org.jspecify.annotations.Nullable;

/// One session in its full-feature phase (RFC 7143 4.3 iSCSI Session Types). Confined to the thread
/// of its connection but for [#requestLogout], [#terminate] and [#abortTasks], which hop there
/// themselves.
public final class Session {
    /// Commands that one session may have alive here: the size of the command window.
    static final int COMMAND_WINDOW = 128;

    /// Commands ahead of a gap in CmdSN that are kept until it closes. One connection delivers in
    /// order, so a gap is an initiator's fault; this many are kept for its sake.
    static final int MAX_HELD_COMMANDS = 16;

    /// Task management functions that wait for commands which were sent before.
    static final int MAX_EARLY_FUNCTIONS = 16;

    private final SessionRegistry registry;
    private final SessionRegistry.Key key;
    private final int tsih;
    private final SessionParameters parameters;
    private final Link link;
    private final CommandWindow<RequestPdu> window;
    private final AsyncMessages messages;
    private final TextNegotiation text;
    private final @Nullable TargetNode target;
    private final LunMask mask;
    private @Nullable TaskSet tasks;
    private @Nullable Nexus nexus;
    private final List<TaskManagementRequest> early = new ArrayList<>();
    private boolean terminating;
    private boolean terminated;
    private final List<Runnable> terminationListeners = new ArrayList<>();

    Session(Opening opening, SessionParameters parameters, Link link, int firstCmdSn) {
        this.registry = opening.registry();
        this.key = opening.key();
        this.tsih = opening.tsih();
        this.target = opening.target();
        this.mask = opening.mask();
        this.parameters = parameters;
        this.link = link;
        this.window = new CommandWindow<>(new SerialNumber(firstCmdSn), COMMAND_WINDOW);
        this.messages = new AsyncMessages(parameters, window);
        this.text =
                new TextNegotiation(
                        opening.directory(),
                        parameters,
                        parameters.initiatorMaxRecvDataSegmentLength());
    }

    /// Where a session belongs, and what of it is there for it. `target` is null for a discovery
    /// session.
    record Opening(
            SessionRegistry registry,
            SessionRegistry.Key key,
            int tsih,
            @Nullable TargetNode target,
            LunMask mask,
            TargetDirectory directory) {}

    SessionRegistry.Key key() {
        return key;
    }

    int tsih() {
        return tsih;
    }

    /// From any thread.
    SessionRegistry.Entry entry() {
        return new SessionRegistry.Entry(
                key.initiatorName(), discovery() ? "" : key.targetName(), link.transport().peer());
    }

    boolean discovery() {
        return parameters.discovery();
    }

    CommandWindow<RequestPdu> window() {
        return window;
    }

    Link link() {
        return link;
    }

    @Nullable Nexus nexus() {
        return nexus;
    }

    /// Enters the full-feature phase: the I_T nexus is there from now on.
    ///
    /// @return false when the target is no more, or the session is to end already
    boolean begin() {
        if (terminating) {
            return false;
        }
        if (target != null) {
            // First: who aborts tasks of a logical unit that is taken out must find this session,
            // or its nexus must not find the logical unit.
            if (!target.enter(this)) {
                return false;
            }
            Nexus attached =
                    target.device()
                            .attach(
                                    Nexus.portName(key.initiatorName(), key.isid()),
                                    key.portalGroupTag(),
                                    mask);
            if (parameters.protocolLevel() >= TaskFunction.SCSI_FEATURES_UPDATE) {
                attached.carriesQueries();
            }
            nexus = attached;
            tasks = new TaskSet(parameters, window, link, target, attached);
        }
        return true;
    }

    // ---- requests

    /// Takes a request of the full-feature phase.
    void receive(RequestPdu pdu) throws RejectedPduException, MalformedPduException {
        switch (pdu) {
            case DataOut data -> requireTasks().receive(data);
            case ScsiCommand command -> arrive(command, command.immediate(), command.cmdSn());
            case TaskManagementRequest request ->
                    arrive(request, request.immediate(), request.cmdSn());
            case TextRequest request -> arrive(request, request.immediate(), request.cmdSn());
            case LogoutRequest request -> arrive(request, request.immediate(), request.cmdSn());
            case NopOut request -> arrive(request, request.immediate(), request.cmdSn());
            case RequestPdu.SnackRequest _ ->
                    // RFC 7143 11.16 SNACK Request: not supported at ErrorRecoveryLevel 0.
                    throw new RejectedPduException(
                            ReasonCode.SNACK_REJECT, "SNACK at ErrorRecoveryLevel 0");
            case RequestPdu.LoginRequest _ ->
                    throw new RejectedPduException(
                            ReasonCode.PROTOCOL_ERROR, "login in the full-feature phase");
        }
    }

    private void arrive(RequestPdu pdu, boolean immediate, int cmdSn)
            throws RejectedPduException, MalformedPduException {
        if (immediate) {
            if (pdu instanceof TaskManagementRequest request && waitsForCommands(request)) {
                keepEarly(request);
            } else {
                dispatch(pdu);
            }
            return;
        }
        SerialNumber number = new SerialNumber(cmdSn);
        boolean early = !number.equals(new SerialNumber(window.expCmdSn()));
        if (early && window.heldCount() >= MAX_HELD_COMMANDS) {
            return;
        }
        switch (window.arrive(number, early ? kept(pdu) : pdu)) {
            case DUE -> {
                dispatch(pdu);
                dispatchHeld();
            }
            case HELD, IGNORED -> {}
        }
    }

    private void dispatchHeld() throws RejectedPduException, MalformedPduException {
        for (RequestPdu due = window.takeDue(); due != null; due = window.takeDue()) {
            dispatch(due);
        }
        dispatchEarly();
    }

    /// RFC 7143 4.2.3.3 Standardized Multi-Task Abort Semantics: commands that were sent before
    /// such a function and have not come yet are waited for, as it concerns them too. They can be
    /// missing only where CmdSN has a gap.
    private boolean waitsForCommands(TaskManagementRequest request) {
        TaskFunction function = TaskFunction.of(request.function(), parameters.protocolLevel());
        SerialNumber before = new SerialNumber(request.cmdSn()).plus(-1);
        return function != null && function.waitsForCommands() && window.mayArrive(before);
    }

    private void keepEarly(TaskManagementRequest request) throws RejectedPduException {
        if (early.size() == MAX_EARLY_FUNCTIONS) {
            throw new RejectedPduException(
                    ReasonCode.IMMEDIATE_COMMAND_REJECT, "too many functions wait for commands");
        }
        early.add(request);
    }

    private void dispatchEarly() throws RejectedPduException, MalformedPduException {
        while (!early.isEmpty() && !waitsForCommands(early.getFirst())) {
            dispatch(early.removeFirst());
        }
    }

    /// Counts a CmdSN as received whose command will never be carried out, because it could not be
    /// decoded or was aborted before it came.
    void forget(SerialNumber cmdSn) throws RejectedPduException, MalformedPduException {
        window.forget(cmdSn);
        dispatchHeld();
    }

    /// A copy that outlives the receive buffer.
    private static RequestPdu kept(RequestPdu pdu) {
        return switch (pdu) {
            case ScsiCommand c ->
                    new ScsiCommand(
                            c.immediate(),
                            c.finalBit(),
                            c.read(),
                            c.write(),
                            c.taskAttribute(),
                            c.lun(),
                            c.initiatorTaskTag(),
                            c.expectedDataTransferLength(),
                            c.cmdSn(),
                            c.expStatSn(),
                            Unpooled.copiedBuffer(c.cdb()),
                            Unpooled.copiedBuffer(c.data()));
            case TextRequest t ->
                    new TextRequest(
                            t.immediate(),
                            t.finalBit(),
                            t.continueBit(),
                            t.lun(),
                            t.initiatorTaskTag(),
                            t.targetTransferTag(),
                            t.cmdSn(),
                            t.expStatSn(),
                            Unpooled.copiedBuffer(t.data()));
            case NopOut n ->
                    new NopOut(
                            n.immediate(),
                            n.lun(),
                            n.initiatorTaskTag(),
                            n.targetTransferTag(),
                            n.cmdSn(),
                            n.expStatSn(),
                            Unpooled.copiedBuffer(n.data()));
            case RequestPdu other -> other;
        };
    }

    private void dispatch(RequestPdu pdu) throws RejectedPduException, MalformedPduException {
        if (discovery() && !isForDiscovery(pdu)) {
            countNumber(isImmediate(pdu));
            throw new RejectedPduException(
                    ReasonCode.PROTOCOL_ERROR, "not for a discovery session");
        }
        switch (pdu) {
            case ScsiCommand command -> requireTasks().start(link, addressed(command));
            case TaskManagementRequest request -> {
                new TaskManagement(this, parameters, requireTarget(), requireTasks())
                        .carryOut(request);
                countNumber(request.immediate());
            }
            case TextRequest request -> {
                countNumber(request.immediate());
                answer(request);
            }
            case LogoutRequest request -> {
                countNumber(request.immediate());
                logout(request);
            }
            case NopOut request -> {
                countNumber(request.immediate());
                answer(request);
            }
            case DataOut _, RequestPdu.SnackRequest _, RequestPdu.LoginRequest _ ->
                    throw new IllegalStateException("has no CmdSN");
        }
    }

    /// RFC 7143 4.3 iSCSI Session Types: a discovery session takes text and the logout that closes
    /// it, nothing else. To close its one connection is the same, and initiators do. An answer to a
    /// ping of ours is no request.
    private static boolean isForDiscovery(RequestPdu pdu) {
        return switch (pdu) {
            case TextRequest _ -> true;
            case LogoutRequest request ->
                    request.reason() != LogoutReasonCode.CONNECTION_RECOVERY.value();
            case NopOut request -> request.initiatorTaskTag() == RequestPdu.RESERVED_TAG;
            default -> false;
        };
    }

    private static boolean isImmediate(RequestPdu pdu) {
        return switch (pdu) {
            case ScsiCommand command -> command.immediate();
            case TaskManagementRequest request -> request.immediate();
            case LogoutRequest request -> request.immediate();
            case NopOut request -> request.immediate();
            default -> true;
        };
    }

    /// A command for a logical unit that its nexus does not see is one for none.
    private ScsiCommand addressed(ScsiCommand command) {
        Nexus attached = nexus;
        return attached == null || attached.sees(command.lun())
                ? command
                : command.at(DeviceServer.NO_UNIT);
    }

    /// Requests other than SCSI commands leave the window as soon as they are read.
    private void countNumber(boolean immediate) {
        if (!immediate) {
            window.ended();
        }
    }

    private TaskSet requireTasks() throws RejectedPduException {
        if (tasks == null) {
            throw new RejectedPduException(
                    ReasonCode.PROTOCOL_ERROR, "SCSI in a discovery session");
        }
        return tasks;
    }

    private TargetNode requireTarget() throws RejectedPduException {
        if (target == null) {
            throw new RejectedPduException(
                    ReasonCode.PROTOCOL_ERROR, "task management in a discovery session");
        }
        return target;
    }

    /// RFC 7143 11.18 NOP-Out: a ping is echoed; an answer to ours needs none.
    private void answer(NopOut request) {
        if (request.initiatorTaskTag() == RequestPdu.RESERVED_TAG) {
            return;
        }
        int echoed =
                Math.min(
                        request.data().readableBytes(),
                        parameters.initiatorMaxRecvDataSegmentLength());
        ByteBuf pdu = link.allocate(echoed);
        pdu.writeBytes(request.data(), request.data().readerIndex(), echoed);
        link.send(
                new ResponsePdu.NopIn(
                        request.lun(),
                        request.initiatorTaskTag(),
                        RequestPdu.RESERVED_TAG,
                        link.takeStatSn(),
                        window.expCmdSn(),
                        window.maxCmdSn()),
                pdu);
    }

    private void answer(TextRequest request) throws MalformedPduException {
        TextNegotiation.TextReply reply = text.receive(request);
        if (tasks != null) {
            tasks.initiatorSegmentBytes(text.maxDataSegmentBytes());
        }
        byte[] bytes = reply.text().getBytes(StandardCharsets.UTF_8);
        ByteBuf pdu = link.allocate(bytes.length);
        pdu.writeBytes(bytes);
        link.send(
                new ResponsePdu.TextResponse(
                        reply.finalBit(),
                        reply.continueBit(),
                        request.lun(),
                        request.initiatorTaskTag(),
                        reply.targetTransferTag(),
                        link.takeStatSn(),
                        window.expCmdSn(),
                        window.maxCmdSn()),
                pdu);
    }

    /// RFC 7143 11.14 Logout Request. The response waits for the last task to come to rest.
    private void logout(LogoutRequest request) {
        int reason = request.reason();
        boolean wholeSession = reason == LogoutReasonCode.CLOSE_SESSION.value();
        boolean thisConnection =
                reason == LogoutReasonCode.CLOSE_CONNECTION.value() && request.cid() == link.cid();
        if (wholeSession || thisConnection) {
            stopTasks(() -> {
                sendLogout(request, LogoutResponse.CONNECTION_CLOSED_SUCCESSFULLY);
                link.transport().close("logged out");
            });
        } else if (reason == LogoutReasonCode.CLOSE_CONNECTION.value()) {
            sendLogout(request, LogoutResponse.CID_NOT_FOUND);
        } else {
            sendLogout(request, LogoutResponse.CONNECTION_RECOVERY_NOT_SUPPORTED);
        }
    }

    private void sendLogout(LogoutRequest request, LogoutResponse response) {
        link.send(
                new ResponsePdu.LogoutResponse(
                        response.value(),
                        request.initiatorTaskTag(),
                        link.takeStatSn(),
                        window.expCmdSn(),
                        window.maxCmdSn(),
                        parameters.defaultTime2Wait(),
                        parameters.defaultTime2Retain()));
    }

    /// Sends a ping that the initiator must answer (RFC 7143 11.19 NOP-In).
    void ping(int targetTransferTag) {
        link.send(
                new ResponsePdu.NopIn(
                        0,
                        RequestPdu.RESERVED_TAG,
                        targetTransferTag,
                        link.peekStatSn(),
                        window.expCmdSn(),
                        window.maxCmdSn()));
    }

    /// Answers a PDU that was refused.
    ///
    /// @param header its 48 bytes
    void reject(int reason, byte[] header) {
        ByteBuf pdu = link.allocate(header.length);
        pdu.writeBytes(header);
        link.send(
                new ResponsePdu.Reject(
                        reason, link.takeStatSn(), window.expCmdSn(), window.maxCmdSn(), 0),
                pdu);
    }

    /// Called about once a second.
    void tick() {
        if (tasks != null) {
            tasks.tick();
        }
    }

    /// The socket has taken everything that was sent.
    void writable() {
        if (tasks != null) {
            tasks.produce();
        }
    }

    // ---- ends

    /// Aborts this session's tasks that `which` selects, from any thread.
    ///
    /// @param answer what the initiator is told of each; null: nothing
    /// @param found told of the LUN fields of those that there are
    /// @param whenEnded called on this session's thread once none of them runs any more
    void abortTasks(
            Predicate<Task> which,
            Function<Task, Outcome.@Nullable Status> answer,
            Consumer<Set<Long>> found,
            Runnable whenEnded) {
        link.transport()
                .execute(() -> {
                    if (tasks == null || terminated) {
                        whenEnded.run();
                    } else {
                        Set<Long> luns = new HashSet<>();
                        for (Task task : tasks.alive()) {
                            if (which.test(task)) {
                                luns.add(task.lun());
                            }
                        }
                        if (tasks.abort(which, answer, whenEnded) > 0) {
                            found.accept(luns);
                        }
                    }
                });
    }

    /// Tasks of logical units are being aborted by another nexus: an initiator that negotiated
    /// FastAbort is told, so that it stops sending their data.
    void announceAborts(Set<Long> luns) {
        if (parameters.fastAbort()) {
            luns.forEach(lun -> messages.tasksTerminated(link, lun));
        }
    }

    /// Aborts all of its tasks, and its copies that outlive their commands.
    ///
    /// @param whenStopped called on this session's thread when nothing of them runs any more
    void stopTasks(Runnable whenStopped) {
        if (tasks == null) {
            whenStopped.run();
        } else {
            tasks.abort(_ -> true, () -> endCopies(whenStopped));
        }
    }

    /// Of copies that outlive their commands nothing outlives the session.
    private void endCopies(Runnable whenEnded) {
        if (target == null || nexus == null) {
            whenEnded.run();
        } else {
            target.device().endCopies(nexus, () -> link.transport().execute(whenEnded));
        }
    }

    /// Asks the initiator to end the session, from any thread. Until it does, all goes on as
    /// before. A session that is none with a target, or not yet, is ended instead.
    ///
    /// @param seconds the time it has; [#terminate] it then
    /// @param reason for the log
    /// @param whenEnded called on this session's thread once the session has ended, whoever did it
    public void requestLogout(int seconds, String reason, Runnable whenEnded) {
        link.transport()
                .execute(() -> {
                    if (nexus == null) {
                        link.transport().close(reason);
                        end(whenEnded);
                    } else if (terminated) {
                        whenEnded.run();
                    } else {
                        terminationListeners.add(whenEnded);
                        if (!terminating) {
                            messages.requestLogout(link, seconds);
                        }
                    }
                });
    }

    /// Its connection is about to be closed, and the initiator must not wonder why.
    void announceDrop() {
        if (nexus != null && !terminating) {
            messages.droppingConnection(link);
        }
    }

    /// Ends the session from any thread: its initiator is told, its tasks are aborted, its
    /// connection closed, its I_T nexus gone. Nothing of it touches a LUN after `whenEnded` was
    /// called.
    ///
    /// @param reason for the log
    /// @param whenEnded called on this session's thread
    public void terminate(String reason, Runnable whenEnded) {
        link.transport()
                .execute(() -> {
                    if (nexus != null && !terminating) {
                        messages.droppingSession(link);
                    }
                    link.transport().close(reason);
                    end(whenEnded);
                });
    }

    /// The same on the session's own thread, when its connection is closed already.
    void end(Runnable whenEnded) {
        if (terminated) {
            whenEnded.run();
            return;
        }
        terminationListeners.add(whenEnded);
        if (!terminating) {
            terminating = true;
            stopTasks(this::ended);
        }
    }

    private void ended() {
        terminated = true;
        if (target != null && nexus != null) {
            target.sessions().remove(this);
            target.device().detach(nexus);
        }
        registry.leave(this);
        terminationListeners.forEach(Runnable::run);
        terminationListeners.clear();
    }
}
