package io.lunkeeper.target.session;

import io.lunkeeper.target.login.SessionParameters;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.LogoutRequest;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.pdu.RequestPdu.TaskManagementRequest;
import io.lunkeeper.target.pdu.ResponsePdu;
import io.lunkeeper.target.scsi.LunMap;
import java.util.List;
import java.util.function.Consumer;
import org.jscsi.parser.login.LoginStatus;
import org.jscsi.parser.logout.LogoutRequestParser.LogoutReasonCode;
import org.jscsi.parser.logout.LogoutResponse;
import org.jscsi.parser.reject.RejectParser.ReasonCode;
import org.jscsi.parser.tmf.TaskManagementFunctionResponseParser.ResponseCode;
import org.jspecify.annotations.Nullable;

/// How the connections of one session come, leave and are lost (RFC 7143 6.3.4 Connection
/// Reinstatement, 6.3.6 Session Continuation and Failure, 7.14 Connection Failures, 11.14 Logout
/// Request). Confined to the session's thread.
///
/// A connection is in [Links] while it is there, leaving ([Link#leaving]) between its logout and
/// the end of its tasks among those, and in [CleanupWait] when it was lost. A session with none of
/// the first has failed; it ends when there is none of the second either. Until then it goes on as
/// it was with any connection that joins it: commands that were not carried out may come again.
///
/// At ErrorRecoveryLevel 0 the loss of one connection is the loss of all. Below level 2 the tasks
/// of a lost connection end at once. At level 2 they go on as far as they can without the
/// initiator: what they send is kept as if it had been sent. When the connection is logged out for
/// recovery, by request or by another in its place, [Reassignment] moves them to others; what is
/// left of them when Time2Retain is over ends.
final class Connections {
    /// RFC 7143 7.1.5 Error Recovery Hierarchy.
    private static final int CONNECTION_RECOVERY = 2;

    private final Session session;
    private final SessionParameters parameters;
    private final Links links;
    private final CommandOrder order;
    private final CommandWindow<?> window;
    private final Acknowledgments acknowledgments;
    private final AsyncMessages messages;
    private final CleanupWait lost;

    /// Whether connection recovery was agreed on.
    private final boolean reassigns;

    /// Whether anything is kept for it.
    private final boolean recovers;

    private boolean ticking;

    /// All are logged out, and the session ends.
    private boolean loggedOut;

    Connections(
            Session session,
            SessionParameters parameters,
            Links links,
            CommandOrder order,
            Acknowledgments acknowledgments,
            AsyncMessages messages) {
        this.session = session;
        this.parameters = parameters;
        this.links = links;
        this.order = order;
        this.window = session.window();
        this.acknowledgments = acknowledgments;
        this.messages = messages;
        this.reassigns = parameters.errorRecoveryLevel() >= CONNECTION_RECOVERY;
        this.recovers = reassigns && retainSeconds() > 0;
        this.lost =
                new CleanupWait(
                        reassigns ? 2 * parameters.maxConnections() : parameters.maxConnections(),
                        parameters.defaultTime2Wait() + parameters.defaultTime2Retain(),
                        () -> session.terminate("its place is needed", () -> {}),
                        link -> session.terminateTasks(task -> task.link() == link, () -> {}));
    }

    /// Who is there, for an administrator, from any thread.
    String peers() {
        String there = links.peers();
        String gone = lost.peers();
        return gone.isEmpty() ? there : there + (there.isEmpty() ? "" : ", ") + "lost: " + gone;
    }

    // ---- they come

    void enter(Link link, int segmentBytes) {
        link.enter(session.text(segmentBytes));
        if (session.recovers()) {
            link.recover(window);
        }
    }

    /// Takes another connection in, in the place of the one that has its CID, if any, once the
    /// tasks of that have come to rest, as those have that ended with connections which were lost.
    ///
    /// @param other what its login names
    /// @param seen what of the target is there for it
    /// @param agreed what its login agreed on; of that counts here what is not the session's
    /// @param answer told once, on this session's thread: null when it is in
    void join(
            Link link,
            SessionRegistry.Key other,
            LunMap seen,
            SessionParameters agreed,
            Consumer<@Nullable LoginStatus> answer) {
        LoginStatus refusal = session.refusal(other, seen, agreed.proven());
        if (refusal != null) {
            answer.accept(refusal);
            return;
        }
        Link old = links.of(link.cid());
        if (old == null) {
            old = lost.of(link.cid());
        }
        Link replaced = old;
        if (replaced != null && recovers) {
            recover(replaced);
            join(link, other, seen, agreed, answer);
        } else if (replaced != null) {
            rest(
                    replaced,
                    () -> {
                        letGo(replaced, "connection reinstated");
                        join(link, other, seen, agreed, answer);
                    });
        } else if (session.hasTask(this::isOrphan)) {
            session.terminateTasks(this::isOrphan, () -> join(link, other, seen, agreed, answer));
        } else if (link.isGone()) {
            if (links.all().isEmpty()) {
                keep(List.of(link));
            }
        } else if (links.all().size() >= maxConnections()) {
            answer.accept(LoginStatus.TOO_MANY_CONNECTIONS);
        } else {
            enter(link, agreed.initiatorMaxRecvDataSegmentLength());
            links.add(link);
            answer.accept(null);
        }
    }

    private boolean isOrphan(Task task) {
        return task.isAborted() && !links.all().contains(task.link());
    }

    /// RFC 7143 6.3.4 Connection Reinstatement: where commands can be reassigned, a second
    /// connection can come with the sole purpose of logging the first one out; see [#judge].
    private int maxConnections() {
        return reassigns ? Math.max(2, parameters.maxConnections()) : parameters.maxConnections();
    }

    /// Looks at a request where there are several connections. One beyond the MaxConnections that
    /// was agreed on carries no SCSI commands, nor functions that concern them: all of these, and
    /// their responses, go one way, so that the order in which responses are sent is that in which
    /// they arrive. A session with a Response Fence (4.2.2.3.3 iSCSI Semantics with the Interface
    /// Model) needs no other, as it has agreed on one connection.
    ///
    /// @throws RejectedPduException when it must wait until another connection is logged out
    void judge(Link link, RequestPdu pdu) throws RejectedPduException {
        if (links.all().size() <= parameters.maxConnections()) {
            return;
        }
        boolean scsi =
                pdu instanceof ScsiCommand
                        || (pdu instanceof TaskManagementRequest request
                                && TaskFunction.of(request.function(), parameters.protocolLevel())
                                        != TaskFunction.TASK_REASSIGN);
        if (scsi && isSurplus(link)) {
            throw new RejectedPduException(
                    ReasonCode.WAITING_FOR_LOGOUT, "more connections than MaxConnections allows");
        }
    }

    private boolean isSurplus(Link link) {
        long before =
                links.all().stream()
                        .takeWhile(each -> each != link)
                        .filter(each -> !each.leaving())
                        .count();
        return before >= parameters.maxConnections();
    }

    // ---- they leave

    /// RFC 7143 11.14 Logout Request. The response waits for the last task to come to rest.
    void logout(Link link, LogoutRequest request) {
        link.logoutBegins(request.initiatorTaskTag());
        int reason = request.reason();
        if (reason == LogoutReasonCode.CLOSE_SESSION.value()) {
            closeAll(link, request);
            return;
        }
        boolean recovery = reason == LogoutReasonCode.CONNECTION_RECOVERY.value();
        if (reason != LogoutReasonCode.CLOSE_CONNECTION.value() && !(recovery && reassigns)) {
            respond(link, request, LogoutResponse.CONNECTION_RECOVERY_NOT_SUPPORTED);
            return;
        }
        Link known = links.of(request.cid());
        Link leaving = known != null ? known : lost.of(request.cid());
        if (leaving == null) {
            respond(link, request, LogoutResponse.CID_NOT_FOUND);
        } else if (recovery && recovers) {
            respond(link, request, LogoutResponse.CONNECTION_CLOSED_SUCCESSFULLY);
            recover(leaving);
        } else if (leaving == known && !links.hasOther(leaving) && lost.isEmpty()) {
            closeAll(link, request);
        } else {
            rest(
                    leaving,
                    () -> {
                        respond(link, request, LogoutResponse.CONNECTION_CLOSED_SUCCESSFULLY);
                        letGo(leaving, "logged out");
                        endIfNoneIsLeft();
                    });
        }
    }

    private void closeAll(Link link, LogoutRequest request) {
        closeAll(
                "logged out",
                () -> respond(link, request, LogoutResponse.CONNECTION_CLOSED_SUCCESSFULLY));
    }

    /// Ends the session since its initiator wants it to end. It has ended when the initiator has
    /// the response.
    ///
    /// @param reason for the log
    /// @param respond sends the response
    void closeAll(String reason, Runnable respond) {
        loggedOut = true;
        links.all().forEach(links::leave);
        session.end(() -> {
            respond.run();
            links.close(reason);
        });
    }

    /// RFC 7143 11.15.3 Time2Wait, 11.15.4 Time2Retain: of what is closed nothing is kept, so there
    /// is nothing to wait for either; of what is logged out for recovery the commands are, and
    /// after a logout that was refused another may come.
    private void respond(Link link, LogoutRequest request, LogoutResponse response) {
        link.logoutEnds(request.initiatorTaskTag());
        boolean again =
                response == LogoutResponse.CONNECTION_RECOVERY_NOT_SUPPORTED
                        || (recovers
                                && request.reason() == LogoutReasonCode.CONNECTION_RECOVERY.value()
                                && response == LogoutResponse.CONNECTION_CLOSED_SUCCESSFULLY);
        link.send(
                new ResponsePdu.LogoutResponse(
                        response.value(),
                        request.initiatorTaskTag(),
                        link.takeStatSn(),
                        window.expCmdSn(),
                        window.maxCmdSn(),
                        again ? parameters.defaultTime2Wait() : 0,
                        again ? parameters.defaultTime2Retain() : 0));
    }

    /// Takes no commands of a connection any more, and brings its tasks to rest; so RFC 7143 7.6
    /// Implicit Termination of Tasks.
    private void rest(Link link, Runnable whenAtRest) {
        links.leave(link);
        order.discard(link);
        session.terminateTasks(task -> task.link() == link, whenAtRest);
    }

    /// Logs a connection out for recovery: its commands can be reassigned from now on, but for
    /// immediate ones (RFC 7143 7.14 Connection Failures).
    private void recover(Link link) {
        if (links.all().contains(link)) {
            take(link);
            lost.add(link);
        }
        lost.recover(link);
        link.transport().close("removed for recovery");
        tickLater();
    }

    /// Takes a connection out, and what it leaves behind.
    private void take(Link link) {
        links.leave(link);
        links.remove(link);
        acknowledgments.ended(link);
        order.discard(link);
        if (recovers) {
            link.hold();
        }
        session.terminateTasks(
                task -> task.link() == link && !(recovers && task.numbered()), () -> {});
    }

    /// Moves a command here.
    void reassign(
            Link to, TaskSet tasks, TaskManagementRequest request, Consumer<ResponseCode> respond) {
        if (reassigns) {
            new Reassignment(to, tasks, lost, links, order).carryOut(request, respond);
        } else {
            respond.accept(ResponseCode.TASK_ALLEGIANCE_REASSIGNMENT_NOT_SUPPORTED);
        }
    }

    private void letGo(Link link, String reason) {
        link.transport().close(reason);
        if (lost.contains(link)) {
            lost.remove(link);
        } else {
            links.remove(link);
            acknowledgments.ended(link);
        }
    }

    private void endIfNoneIsLeft() {
        if (links.all().isEmpty() && lost.isEmpty()) {
            session.end(() -> {});
        }
    }

    // ---- they are lost

    /// Closes a connection that cannot go on. The initiator must not wonder why.
    ///
    /// @param reason for the log
    void drop(Link link, String reason) {
        if (session.isOpen()) {
            messages.droppingConnection(link, retainSeconds());
        }
        link.transport().close(reason);
        if (links.all().contains(link) && !link.leaving() && !loggedOut) {
            lose(link, "another connection of its session cannot go on: " + reason);
        }
    }

    /// The socket of a connection is closed. Unless that was to be, the connection has failed.
    void disconnected(Link link) {
        if (links.all().contains(link) && !link.leaving() && !loggedOut) {
            lose(link, "another connection of its session is lost");
        }
        link.gone();
    }

    /// RFC 7143 7.14 Connection Failures: to go on without a connection takes commands that are
    /// sent again, which begins at ErrorRecoveryLevel 1. Below that there is no other recovery than
    /// that of sessions (7.1.5 Error Recovery Hierarchy), for which all connections are closed.
    private void lose(Link failed, String reason) {
        boolean goesOn = parameters.errorRecoveryLevel() > 0;
        List<Link> all = goesOn ? List.of(failed) : links.all();
        for (Link each : all) {
            if (each != failed) {
                if (session.isOpen()) {
                    messages.droppingSession(each, retainSeconds());
                }
                each.transport().close(reason);
            }
            take(each);
        }
        keep(all);
    }

    private void keep(List<Link> failed) {
        if (session.isOpen() && retainSeconds() > 0) {
            failed.forEach(lost::add);
            tickLater();
        } else {
            failed.forEach(Link::forget);
            endIfNoneIsLeft();
        }
    }

    /// How long the initiator may take to come back to what it has lost, after Time2Wait.
    private int retainSeconds() {
        return session.discovery() ? 0 : parameters.defaultTime2Retain();
    }

    /// A session without connections has no other clock.
    private void tickLater() {
        if (!ticking) {
            ticking = true;
            links.lead().transport().atNextTick(this::tick);
        }
    }

    private void tick() {
        ticking = false;
        lost.tick();
        if (lost.isEmpty()) {
            endIfNoneIsLeft();
        } else {
            tickLater();
        }
    }

    /// The session ends.
    void clear() {
        lost.clear();
    }
}
