package io.lunkeeper.target.session;

import io.lunkeeper.target.login.SessionParameters;
import io.lunkeeper.target.pdu.RequestPdu.LogoutRequest;
import io.lunkeeper.target.pdu.ResponsePdu;
import io.lunkeeper.target.scsi.LunMask;
import java.util.List;
import java.util.function.Consumer;
import org.jscsi.parser.login.LoginStatus;
import org.jscsi.parser.logout.LogoutRequestParser.LogoutReasonCode;
import org.jscsi.parser.logout.LogoutResponse;
import org.jspecify.annotations.Nullable;

/// How the connections of one session come, leave and are lost (RFC 7143 6.3.4 Connection
/// Reinstatement, 6.3.6 Session Continuation and Failure, 7.14 Connection Failures, 11.14 Logout
/// Request). Confined to the session's thread.
///
/// A connection is in [Links] while it is there, leaving ([Link#leaving]) between its logout and
/// the end of its tasks among those, and in [CleanupWait] when it was lost. A session with none of
/// the first has failed; it ends when there is none of the second either. Until then it goes on as
/// it was with any connection that joins it: commands that were not carried out may come again.
/// Tasks of a lost connection end at once. At ErrorRecoveryLevel 0 the loss of one connection is
/// the loss of all.
final class Connections {
    private final Session session;
    private final SessionParameters parameters;
    private final Links links;
    private final CommandOrder order;
    private final CommandWindow<?> window;
    private final Acknowledgments acknowledgments;
    private final AsyncMessages messages;
    private final CleanupWait lost;
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
        this.lost =
                new CleanupWait(
                        parameters.maxConnections(),
                        parameters.defaultTime2Wait() + parameters.defaultTime2Retain(),
                        () -> session.terminate("its place is needed", () -> {}));
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
            LunMask seen,
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
        if (replaced != null) {
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
        } else if (links.all().size() >= parameters.maxConnections()) {
            answer.accept(LoginStatus.TOO_MANY_CONNECTIONS);
        } else {
            enter(link, agreed.initiatorMaxRecvDataSegmentLength());
            links.add(link);
            answer.accept(null);
        }
    }

    private boolean isOrphan(Task task) {
        return !links.all().contains(task.link());
    }

    // ---- they leave

    /// RFC 7143 11.14 Logout Request. The response waits for the last task to come to rest.
    void logout(Link link, LogoutRequest request) {
        int reason = request.reason();
        if (reason == LogoutReasonCode.CLOSE_SESSION.value()) {
            closeAll(link, request);
            return;
        }
        if (reason != LogoutReasonCode.CLOSE_CONNECTION.value()) {
            respond(link, request, LogoutResponse.CONNECTION_RECOVERY_NOT_SUPPORTED);
            return;
        }
        Link known = links.of(request.cid());
        Link leaving = known != null ? known : lost.of(request.cid());
        if (leaving == null) {
            respond(link, request, LogoutResponse.CID_NOT_FOUND);
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

    /// The session has ended when its initiator has the response.
    private void closeAll(Link link, LogoutRequest request) {
        loggedOut = true;
        links.all().forEach(links::leave);
        session.end(() -> {
            respond(link, request, LogoutResponse.CONNECTION_CLOSED_SUCCESSFULLY);
            links.close("logged out");
        });
    }

    /// RFC 7143 11.15.3 Time2Wait, 11.15.4 Time2Retain: of what is logged out nothing is kept, so
    /// there is nothing to wait for either; after a logout that was refused another may come.
    private void respond(Link link, LogoutRequest request, LogoutResponse response) {
        boolean again = response == LogoutResponse.CONNECTION_RECOVERY_NOT_SUPPORTED;
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
        link.gone();
        if (links.all().contains(link) && !link.leaving() && !loggedOut) {
            lose(link, "another connection of its session is lost");
        }
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
            links.leave(each);
            links.remove(each);
            acknowledgments.ended(each);
        }
        all.forEach(order::discard);
        session.terminateTasks(task -> all.contains(task.link()), () -> {});
        keep(all);
    }

    private void keep(List<Link> failed) {
        if (session.isOpen() && retainSeconds() > 0) {
            failed.forEach(lost::add);
            tickLater();
        } else {
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
        lost.tick(_ -> {});
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
