package io.lunkeeper.target.session;

import io.lunkeeper.target.login.ChapAccount;
import io.lunkeeper.target.login.SessionParameters;
import io.lunkeeper.target.login.TargetDirectory;
import io.lunkeeper.target.login.TextNegotiation;
import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.LogoutRequest;
import io.lunkeeper.target.pdu.RequestPdu.NopOut;
import io.lunkeeper.target.pdu.RequestPdu.Numbered;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.pdu.RequestPdu.SnackRequest;
import io.lunkeeper.target.pdu.RequestPdu.TaskManagementRequest;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;
import io.lunkeeper.target.scsi.LunMap;
import io.lunkeeper.target.scsi.Nexus;
import io.lunkeeper.target.scsi.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jscsi.parser.login.LoginStatus;
import org.jscsi.parser.reject.RejectParser.ReasonCode;
import org.jspecify.annotations.Nullable;

/// One session in its full-feature phase (RFC 7143 4.3 iSCSI Session Types). Confined to the one
/// thread of its connections but for [#requestLogout], [#terminate] and [#abortTasks], which hop
/// there themselves.
public final class Session {
    /// Commands that one session may have alive here: the size of the command window.
    static final int COMMAND_WINDOW = 128;

    private final SessionRegistry registry;
    private final SessionRegistry.Key key;
    private final int tsih;
    private final SessionParameters parameters;
    private final TargetDirectory directory;
    private final Links links;
    private final CommandWindow<EarlyCommand> window;
    private final CommandOrder order;
    private final Acknowledgments acknowledgments;
    private final AsyncMessages messages;
    private final Connections connections;
    private final Replies replies;
    private final boolean recovers;
    private final @Nullable TargetNode target;
    private final LunMap luns;
    private @Nullable TaskSet tasks;
    private @Nullable Nexus nexus;
    private boolean terminating;
    private boolean terminated;
    private final List<Runnable> terminationListeners = new ArrayList<>();

    Session(Opening opening, SessionParameters parameters, Link link, int firstCmdSn) {
        this.registry = opening.registry();
        this.key = opening.key();
        this.tsih = opening.tsih();
        this.target = opening.target();
        this.luns = opening.luns();
        this.parameters = parameters;
        this.directory = opening.directory();
        this.links = new Links(link);
        this.window = new CommandWindow<>(new SerialNumber(firstCmdSn), COMMAND_WINDOW);
        this.order = new CommandOrder(this, window, parameters);
        this.acknowledgments = new Acknowledgments(links, this::ping);
        this.messages = new AsyncMessages(parameters, window);
        this.replies = new Replies(window);
        this.recovers = parameters.errorRecoveryLevel() > 0;
        this.connections =
                new Connections(this, parameters, links, order, acknowledgments, messages);
        connections.enter(link, parameters.initiatorMaxRecvDataSegmentLength());
    }

    /// Where a session belongs, and what of it is there for it. `target` is null for a discovery
    /// session.
    record Opening(
            SessionRegistry registry,
            SessionRegistry.Key key,
            int tsih,
            @Nullable TargetNode target,
            LunMap luns,
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
                key.initiatorName(), discovery() ? "" : key.targetName(), connections.peers());
    }

    boolean discovery() {
        return parameters.discovery();
    }

    CommandWindow<EarlyCommand> window() {
        return window;
    }

    CommandOrder order() {
        return order;
    }

    Links links() {
        return links;
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
                                    luns);
            attached.protocolLevel(parameters.protocolLevel());
            nexus = attached;
            tasks = new TaskSet(parameters, window, links, target, attached);
        }
        return true;
    }

    // ---- requests

    /// Takes a request of the full-feature phase.
    void receive(Link link, RequestPdu pdu) throws RejectedPduException, MalformedPduException {
        if ((recovers || links.several()) && !heeds(link, pdu)) {
            return;
        }
        switch (pdu) {
            case DataOut data -> receive(link, data);
            case Numbered request -> order.arrive(link, request);
            case SnackRequest snack -> repeat(link, snack);
            case RequestPdu.LoginRequest _ ->
                    throw new RejectedPduException(
                            ReasonCode.PROTOCOL_ERROR, "login in the full-feature phase");
        }
    }

    /// Where there are several connections, the only one leaves, or what is lost is sent again:
    /// takes note of what the initiator has, and drops what still comes on a connection that is
    /// logged out.
    ///
    /// @return whether the request is to be carried out
    /// @throws RejectedPduException when it came on a connection that is not for that; its CmdSN
    ///   counts as not received
    private boolean heeds(Link link, RequestPdu pdu) throws RejectedPduException {
        acknowledgments.received(link, pdu.expStatSn());
        if (recovers) {
            link.produce(); // Tasks may have waited for that.
        }
        if (!link.leaving() && links.several()) {
            connections.judge(link, pdu);
        }
        return !link.leaving();
    }

    private void receive(Link link, DataOut pdu) throws RejectedPduException {
        if (!receive(requireTasks(), link, pdu, true)) {
            throw new RejectedPduException(
                    ReasonCode.INVALID_PDU_FIELD, "Data-Out for a task that does not exist");
        }
    }

    private boolean receive(TaskSet set, Link link, DataOut pdu, boolean intact)
            throws RejectedPduException {
        return set.receive(link, pdu, intact) || order.receive(link, pdu, intact);
    }

    private void repeat(Link link, SnackRequest request) throws RejectedPduException {
        Unacknowledged sent = link.unacknowledged();
        if (sent == null) {
            throw new RejectedPduException(
                    ReasonCode.SNACK_REJECT, "SNACK at ErrorRecoveryLevel 0");
        }
        new SnackHandling(link, sent, requireTasks()).carryOut(request);
        link.produce();
    }

    /// Carries out a request that had to wait for its turn.
    void carryOut(EarlyCommand due) throws RejectedPduException, MalformedPduException {
        if (due.pdu() instanceof ScsiCommand && !discovery()) {
            requireTasks().start(due);
        } else {
            carryOut(due.link(), due.pdu());
        }
    }

    /// Data that comes for this command is for one that nobody carries out.
    void retire(RequestPdu command) {
        if (tasks != null) {
            tasks.retire(command.initiatorTaskTag());
        }
    }

    /// Carries out a request whose turn has come.
    ///
    /// @throws RejectedPduException when it is refused; then nothing has happened
    /// @throws MalformedPduException the same, for text that is no text
    void carryOut(Link link, Numbered pdu) throws RejectedPduException, MalformedPduException {
        if (discovery() && !DiscoveryRequests.admits(pdu)) {
            throw new RejectedPduException(
                    ReasonCode.PROTOCOL_ERROR, "not for a discovery session");
        }
        // All but SCSI commands leave the window as soon as they are read: first, so that the
        // response shows the window as it is then.
        boolean leaves = !pdu.immediate() && !(pdu instanceof ScsiCommand);
        if (leaves) {
            window.ended();
        }
        try {
            switch (pdu) {
                case ScsiCommand command -> requireTasks().start(link, command);
                case TaskManagementRequest request ->
                        new TaskManagement(this, link, parameters, requireTarget(), requireTasks())
                                .carryOut(request);
                case TextRequest request -> replies.answer(link, request);
                case LogoutRequest request -> connections.logout(link, request);
                case NopOut request -> replies.answer(link, request);
            }
        } catch (RejectedPduException | MalformedPduException refused) {
            if (leaves) {
                window.notEnded();
            }
            throw refused;
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

    /// Sends a ping that the initiator must answer (RFC 7143 11.19 NOP-In).
    void ping(Link link) {
        link.ping(window);
    }

    /// How requests are answered that concern nothing but their connection.
    Replies replies() {
        return replies;
    }

    /// A Data-Out PDU has come whose data is damaged: it is asked for again.
    void damaged(Link link, DataOut pdu) throws RejectedPduException {
        if (tasks != null) {
            acknowledgments.received(link, pdu.expStatSn());
            receive(tasks, link, pdu, false);
        }
    }

    /// Whether PDUs that are lost are sent again: ErrorRecoveryLevel 1 or 2.
    boolean recovers() {
        return recovers;
    }

    /// Called about once a second for each connection.
    void tick(Link link) {
        if (tasks != null && link == links.lead()) {
            tasks.tick();
        }
        Unacknowledged sent = link.unacknowledged();
        if (sent == null || tasks == null) {
            return;
        }
        if (sent.tick()) {
            tasks.timeOut(link);
            order.timeOut(link);
        }
        link.produce();
    }

    /// The socket has taken everything that was sent.
    void writable(Link link) {
        link.produce();
    }

    // ---- connections

    /// Those of the session.
    Connections connections() {
        return connections;
    }

    /// The text exchange of a new one.
    TextNegotiation text(int segmentBytes) {
        return new TextNegotiation(directory, parameters, segmentBytes);
    }

    /// Whether a connection may join whose login names and has proven this; null when it may,
    /// otherwise what to answer (RFC 7143 6.3.1 Login Phase Start, 11.13.5).
    @Nullable LoginStatus refusal(
            SessionRegistry.Key other, LunMap seen, List<ChapAccount> proven) {
        if (terminating || (nexus == null && !discovery())) {
            return LoginStatus.SESSION_DOSE_NOT_EXIST;
        }
        if (!other.equals(key)) {
            return key.refusal(other);
        }
        boolean same = seen.equals(luns) && proven.equals(parameters.proven());
        return same ? null : LoginStatus.AUTHORIZATION_FAILURE;
    }

    /// Whether it has begun, has a nexus, and is not to end.
    boolean isOpen() {
        return nexus != null && !terminating;
    }

    /// Goes on when the initiator has all that its other connections than this have carried.
    void whenAcknowledged(Link link, Runnable then) {
        acknowledgments.await(link, then);
    }

    // ---- ends

    /// Aborts this session's tasks that `which` selects, from any thread. An initiator that is told
    /// nothing of them is told at least of the room that they leave (RFC 7143 11.4.11 MaxCmdSN).
    ///
    /// @param by the nexus that will hear of it by an answer of its own, if it is one of these
    /// @param answer what the initiator is told of each; null: nothing
    /// @param found told of the LUN fields of those that there are
    /// @param whenEnded called on this session's thread once none of them runs any more
    void abortTasks(
            @Nullable Nexus by,
            Predicate<Task> which,
            Function<Task, Outcome.@Nullable Status> answer,
            Consumer<Set<Long>> found,
            Runnable whenEnded) {
        links.execute(() -> {
            if (tasks == null || terminated) {
                whenEnded.run();
                return;
            }
            boolean[] silently = new boolean[1];
            tasks.abort(
                    which,
                    task -> {
                        Outcome.Status told = answer.apply(task);
                        silently[0] |= told == null && task.numbered() && nexus != by;
                        return told;
                    },
                    found,
                    () -> {
                        if (silently[0]) {
                            showWindow();
                        }
                        whenEnded.run();
                    });
        });
    }

    /// A session that has lost its connections shows it with the next response.
    private void showWindow() {
        Link lead = links.lead();
        if (!terminated && !lead.isGone() && !lead.leaving()) {
            lead.showWindow(window);
        }
    }

    /// Tasks of logical units are being aborted by another nexus: an initiator that negotiated
    /// FastAbort is told, so that it stops sending their data.
    void announceAborts(Set<Long> luns) {
        if (parameters.fastAbort()) {
            luns.forEach(lun -> messages.tasksTerminated(links.lead(), lun));
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

    /// Whether there is such a task.
    boolean hasTask(Predicate<Task> which) {
        if (tasks != null) {
            for (Task task : tasks.alive()) {
                if (which.test(task)) {
                    return true;
                }
            }
        }
        return false;
    }

    /// Aborts tasks that end with their connection. Their initiator is told when it sends the next
    /// command (RFC 7143 7.6 Implicit Termination of Tasks).
    ///
    /// @param whenStopped called on this session's thread when nothing of them runs any more
    void terminateTasks(Predicate<Task> which, Runnable whenStopped) {
        Nexus mine = nexus;
        if (tasks == null || target == null || mine == null) {
            whenStopped.run();
        } else {
            tasks.abort(
                    which,
                    _ -> null,
                    luns -> luns.forEach(lun -> target.device().tasksEnded(lun, mine)),
                    whenStopped);
        }
    }

    /// Of copies that outlive their commands nothing outlives the session.
    private void endCopies(Runnable whenEnded) {
        if (target == null || nexus == null) {
            whenEnded.run();
        } else {
            target.device().endCopies(nexus, () -> links.execute(whenEnded));
        }
    }

    /// Asks the initiator to end the session, from any thread. Until it does, all goes on as
    /// before. A session that is none with a target, or not yet, or has lost its connections, is
    /// ended instead.
    ///
    /// @param seconds the time it has; [#terminate] it then
    /// @param reason for the log
    /// @param whenEnded called on this session's thread once the session has ended, whoever did it
    public void requestLogout(int seconds, String reason, Runnable whenEnded) {
        links.execute(() -> {
            if (nexus == null || links.all().isEmpty()) {
                links.close(reason);
                end(whenEnded);
            } else if (terminated) {
                whenEnded.run();
            } else {
                terminationListeners.add(whenEnded);
                if (!terminating) {
                    links.all().forEach(link -> messages.requestLogout(link, seconds));
                }
            }
        });
    }

    /// Ends the session from any thread: its initiator is told, its tasks are aborted, its
    /// connections closed, its I_T nexus gone. Nothing of it touches a LUN after `whenEnded` was
    /// called.
    ///
    /// @param reason for the log
    /// @param whenEnded called on this session's thread
    public void terminate(String reason, Runnable whenEnded) {
        links.execute(() -> terminateNow(reason, whenEnded));
    }

    /// The same on the session's own thread.
    void terminateNow(String reason, Runnable whenEnded) {
        if (isOpen()) {
            links.all().forEach(link -> messages.droppingSession(link, 0));
        }
        links.close(reason);
        end(whenEnded);
    }

    /// The same when its connections are closed already.
    void end(Runnable whenEnded) {
        if (terminated) {
            whenEnded.run();
            return;
        }
        terminationListeners.add(whenEnded);
        if (!terminating) {
            terminating = true;
            order.clear();
            connections.clear();
            stopTasks(this::ended);
        }
    }

    private void ended() {
        terminated = true;
        links.all().forEach(Link::forget);
        if (target != null && nexus != null) {
            target.sessions().remove(this);
            target.device().detach(nexus);
        }
        registry.leave(this);
        terminationListeners.forEach(Runnable::run);
        terminationListeners.clear();
    }
}
