package io.lunkeeper.target.session;

import io.lunkeeper.target.login.LoginNegotiation;
import io.lunkeeper.target.login.LoginReply;
import io.lunkeeper.target.login.NegotiationLimits;
import io.lunkeeper.target.login.SessionParameters;
import io.lunkeeper.target.login.TargetDirectory;
import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.LoginRequest;
import io.lunkeeper.target.pdu.ResponsePdu;
import io.lunkeeper.target.scsi.LunMap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jscsi.parser.login.LoginStatus;
import org.jspecify.annotations.Nullable;

/// One connection from its first byte to its last (RFC 7143 6.3 Login Phase, then the full-feature
/// phase in a [Session]). Confined to its thread; time comes in as a parameter.
public final class IscsiConnection {
    /// A peer that has not logged in by then is in nobody's interest.
    static final long LOGIN_TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(15);

    /// RFC 7143 11.12.4.1 Version-max: the one version there is.
    private static final int VERSION = 0;

    /// RFC 7143 4.2.2.2: the first StatSN is ours to choose.
    private static final int FIRST_STAT_SN = 1;

    private final Transport transport;
    private final Site site;
    private final LoginNegotiation negotiation;
    private final long connectedAt;
    private final int declaredSegmentBytes;
    private @Nullable Link link;

    /// The last request of the login; of it only its header is good for long.
    private @Nullable LoginRequest latest;

    private @Nullable Session session;

    /// The session that the login is to add this connection to.
    private @Nullable Session joining;

    /// All is negotiated, and the session will say whether this connection may join.
    private boolean settled;

    private boolean fullFeature;
    private boolean ended;
    private long lastReceived;
    private boolean pingUnanswered;
    private @Nullable Untold untold;

    /// The answer to a login request that is not told before its time.
    private record Untold(long whenNanos, Runnable answer) {}

    /// What a connection can reach.
    ///
    /// @param targets those of the moment by iSCSI name; null: there is none
    /// @param directory the same targets as seen through the portal it came to
    /// @param limits what is offered in negotiation
    /// @param source where the connection came from
    public record Site(
            SessionRegistry registry,
            Function<String, @Nullable TargetNode> targets,
            TargetDirectory directory,
            NegotiationLimits limits,
            FailedLogins.Source source) {}

    /// A connection that was accepted at `nowNanos`.
    public IscsiConnection(Transport transport, Site site, long nowNanos) {
        this.transport = transport;
        this.site = site;
        this.negotiation = new LoginNegotiation(site.directory(), site.limits());
        this.connectedAt = nowNanos;
        this.lastReceived = nowNanos;
        this.declaredSegmentBytes = site.limits().maxRecvDataSegmentLength();
    }

    /// Takes the next PDU.
    ///
    /// @throws RejectedPduException when the PDU is refused; see [#reject]
    /// @throws MalformedPduException when its text is no text
    public void receive(RequestPdu pdu, long nowNanos)
            throws RejectedPduException, MalformedPduException {
        lastReceived = nowNanos;
        pingUnanswered = false;
        if (fullFeature && session != null && link != null) {
            session.receive(link, pdu);
        } else if (pdu instanceof LoginRequest request
                && session == null
                && !settled
                && untold == null) {
            if (transport.queuedBytes() > 0) {
                // A login is a dialogue (RFC 7143 6.3 Login Phase). Who goes on without having read
                // what it was answered could make us hold answers without end.
                transport.close("protocol error: a login request before the last was answered");
                return;
            }
            login(request);
        } else if (pdu instanceof LoginRequest) {
            transport.close("protocol error: a login request before the last was answered");
        } else {
            endLogin("not a login request in the login phase");
        }
    }

    /// RFC 7143 6.3 Login Phase: anything but a Login Request ends the connection, and once login
    /// has begun the initiator is told so.
    private void endLogin(String reason) {
        Link current = link;
        LoginRequest request = latest;
        if (current != null && request != null) {
            tell(current, request, LoginStatus.INVALID_DURING_LOGIN);
        }
        transport.close("protocol error: " + reason);
    }

    /// Answers a PDU that was refused, with its 48 bytes of header.
    public void reject(RejectedPduException refused, byte[] header) {
        reject(refused.reason(), header, refused.nextNumber());
    }

    private void reject(int reason, byte[] header, int nextNumber) {
        if (fullFeature && session != null && link != null) {
            session.replies().reject(link, reason, header, nextNumber);
        } else {
            endLogin("malformed PDU in the login phase");
        }
    }

    /// Answers bytes that are no PDU. At ErrorRecoveryLevel 0 a lost PDU is a lost session, so a
    /// digest error ends it (RFC 7143 7.8 Digest Errors, 7.1.5 Error Recovery Hierarchy). At
    /// ErrorRecoveryLevel 1 a PDU whose data is damaged is no more than lost: data is asked for
    /// again. A request that is answered with Reject, for that or another reason, has not come, and
    /// its CmdSN is waited for (7.3 Usage of Reject PDU in Recovery). A header that contradicts
    /// itself ends the session whatever was agreed on, and nothing of it is kept (7.7 Format
    /// Errors, 7.1.4.4 Session Recovery).
    public void malformed(MalformedPduException fault) {
        reject(fault.rejectReason(), fault.header(), 0);
        boolean damaged = fault.rejectReason() == MalformedPduException.DATA_DIGEST_ERROR;
        String message = fault.getMessage() == null ? "malformed PDU" : fault.getMessage();
        Session mine = session;
        if (mine != null && fault.formatError()) {
            mine.terminateNow(message, () -> {});
        } else if (fault.framingLost()
                || fault.formatError()
                || (damaged && (mine == null || !mine.recovers()))) {
            drop(message);
        } else if (damaged) {
            lose(fault);
        }
    }

    private void lose(MalformedPduException fault) {
        DataOut pdu = fault.damaged();
        if (pdu != null && session != null && link != null) {
            try {
                session.damaged(link, pdu);
            } catch (RejectedPduException refused) {
                reject(refused, fault.header());
            }
        }
    }

    // ---- login

    private void login(LoginRequest request) {
        latest = request;
        Link current = link;
        boolean first = current == null;
        if (current == null) {
            current = new Link(transport, request.cid(), FIRST_STAT_SN);
            link = current;
        }
        if (joining == null && request.tsih() != 0) {
            approach(current, request, first);
            return;
        }
        if (joining != null && !names(joining, current, request)) {
            refuse(current, request, LoginStatus.INITIATOR_ERROR);
            return;
        }
        boolean answeredBefore = negotiation.answeredChallenge();
        LoginReply reply = negotiation.receive(request);
        Link answering = current;
        if (answeredBefore || !negotiation.answeredChallenge()) {
            answer(answering, request, reply);
            return;
        }
        boolean right = !reply.refused();
        OptionalLong when = site.source().answered(right, lastReceived);
        if (when.isEmpty()) {
            site.source().failed(negotiation.initiatorName(), "too many at once", lastReceived);
            refuse(answering, request, LoginStatus.SERVICE_UNAVAILABLE);
        } else if (when.getAsLong() - lastReceived <= 0) {
            answer(answering, request, reply);
        } else {
            untold = new Untold(when.getAsLong(), () -> answer(answering, request, reply));
        }
    }

    /// Of the request only its header is used: its data is gone when the answer had to wait.
    private void answer(Link current, LoginRequest request, LoginReply reply) {
        SessionParameters parameters = negotiation.parameters();
        if (parameters != null && joining != null) {
            join(joining, current, request, reply, parameters);
            return;
        }
        if (parameters != null) {
            open(current, request, reply, parameters);
            return;
        }
        send(current, request, reply, request.tsih());
        if (reply.statusClass() != 0 && !reply.refused()) {
            transport.close("redirected, " + reply.text().strip());
        } else if (reply.refused()) {
            String status =
                    String.format("status 0x%02x%02x", reply.statusClass(), reply.statusDetail());
            String fault = negotiation.authenticationFault();
            site.source()
                    .failed(
                            negotiation.initiatorName(),
                            fault.isEmpty() ? status : fault,
                            lastReceived);
            transport.close("login refused, " + status);
        }
    }

    /// The first request of a login names a session to join: goes on with it on the thread of that
    /// session (RFC 7143 6.3.1 Login Phase Start). Whether it may join is judged at the end.
    private void approach(Link current, LoginRequest request, boolean first) {
        Session found = site.registry().find(request.tsih());
        if (!first) {
            refuse(current, request, LoginStatus.INITIATOR_ERROR);
        } else if (found == null) {
            refuse(current, request, LoginStatus.SESSION_DOSE_NOT_EXIST);
        } else {
            LoginRequest kept = kept(request);
            transport.moveTo(
                    found.links().lead().transport(),
                    () -> {
                        joining = found;
                        login(kept);
                    });
        }
    }

    /// Whether a request of a login names what its first one did.
    private static boolean names(Session joining, Link current, LoginRequest request) {
        return request.tsih() == joining.tsih() && request.cid() == current.cid();
    }

    /// A copy that outlives the receive buffer.
    private static LoginRequest kept(LoginRequest r) {
        return new LoginRequest(
                r.transit(),
                r.continueBit(),
                r.currentStage(),
                r.nextStage(),
                r.versionMax(),
                r.versionMin(),
                r.isid(),
                r.tsih(),
                r.initiatorTaskTag(),
                r.cid(),
                r.cmdSn(),
                r.expStatSn(),
                Unpooled.copiedBuffer(r.data()));
    }

    private void refuse(Link current, LoginRequest request, LoginStatus status) {
        tell(current, request, status);
        transport.close("login refused: " + status);
    }

    private void tell(Link current, LoginRequest request, LoginStatus status) {
        send(current, request, LoginReply.reject(status), request.tsih());
    }

    /// All is negotiated: the session is entered, and begins when one that it replaces has ended
    /// (RFC 7143 6.3.5 Session Reinstatement, Closure, and Timeout).
    private void open(
            Link current, LoginRequest request, LoginReply reply, SessionParameters parameters) {
        TargetNode target =
                parameters.discovery() ? null : site.targets().apply(parameters.targetName());
        if (target == null && !parameters.discovery()) {
            refuse(current, request, LoginStatus.TARGET_REMOVED);
            return;
        }
        Map<Integer, Integer> luns = site.directory().luns(parameters);
        if (luns == null) {
            refuse(current, request, LoginStatus.AUTHORIZATION_FAILURE);
            return;
        }
        OptionalInt tsih = site.registry().reserveTsih();
        if (tsih.isEmpty()) {
            refuse(current, request, LoginStatus.OUT_OF_RESOURCES);
            return;
        }
        SessionRegistry.Key key = key(request, parameters);
        Session opened =
                new Session(
                        new Session.Opening(
                                site.registry(),
                                key,
                                tsih.getAsInt(),
                                target,
                                LunMap.of(luns),
                                site.directory()),
                        parameters,
                        current,
                        request.cmdSn());
        session = opened;
        Session replaced = site.registry().enter(opened);
        // The request's data is gone by then; only its header is used.
        Runnable begin = () -> begin(opened, current, request, reply, parameters);
        if (replaced == null) {
            begin.run();
        } else {
            replaced.terminate("session reinstated", () -> transport.execute(begin));
        }
    }

    private SessionRegistry.Key key(LoginRequest request, SessionParameters parameters) {
        String targetName = parameters.targetName();
        return new SessionRegistry.Key(
                parameters.initiatorName(),
                request.isid(),
                targetName,
                site.directory().portalGroupTag(),
                targetName.isEmpty() ? site.directory().portal() : "");
    }

    /// All is negotiated: the connection is added to its session.
    private void join(
            Session joined,
            Link current,
            LoginRequest request,
            LoginReply reply,
            SessionParameters parameters) {
        Map<Integer, Integer> luns = site.directory().luns(parameters);
        if (luns == null) {
            refuse(current, request, LoginStatus.AUTHORIZATION_FAILURE);
            return;
        }
        settled = true;
        joined.connections()
                .join(
                        current,
                        key(request, parameters),
                        LunMap.of(luns),
                        parameters,
                        refusal -> {
                            if (ended) {
                                return;
                            }
                            if (refusal != null) {
                                refuse(current, request, refusal);
                                return;
                            }
                            session = joined;
                            enterFullFeature(joined, current, request, reply, parameters);
                        });
    }

    private void begin(
            Session opened,
            Link current,
            LoginRequest request,
            LoginReply reply,
            SessionParameters parameters) {
        if (ended) {
            return;
        }
        if (!opened.begin()) {
            refuse(current, request, LoginStatus.TARGET_REMOVED);
            return;
        }
        enterFullFeature(opened, current, request, reply, parameters);
    }

    private void enterFullFeature(
            Session entered,
            Link current,
            LoginRequest request,
            LoginReply reply,
            SessionParameters parameters) {
        send(current, request, reply, entered.tsih());
        transport.negotiated(
                parameters.headerDigest(),
                parameters.dataDigest(),
                parameters.discovery()
                        ? declaredSegmentBytes
                        : parameters.targetMaxRecvDataSegmentLength());
        fullFeature = true;
    }

    private void send(Link current, LoginRequest request, LoginReply reply, int tsih) {
        byte[] text = reply.text().getBytes(StandardCharsets.UTF_8);
        ByteBuf pdu = current.allocate(text.length);
        pdu.writeBytes(text);
        Session numbering = session == null ? joining : session;
        int expCmdSn = numbering == null ? request.cmdSn() : numbering.window().expCmdSn();
        int maxCmdSn =
                numbering == null
                        ? request.cmdSn() + Session.COMMAND_WINDOW - 1
                        : numbering.window().maxCmdSn();
        current.send(
                new ResponsePdu.LoginResponse(
                        reply.transit(),
                        reply.continueBit(),
                        reply.currentStage(),
                        reply.nextStage(),
                        VERSION,
                        VERSION,
                        request.isid(),
                        tsih,
                        request.initiatorTaskTag(),
                        current.takeStatSn(),
                        expCmdSn,
                        maxCmdSn,
                        reply.statusClass(),
                        reply.statusDetail()),
                pdu);
    }

    // ---- life and death

    /// The socket has taken everything that was sent.
    public void writable() {
        if (fullFeature && session != null && link != null) {
            session.writable(link);
        }
    }

    /// Called about once a second: login that takes too long, peers that have gone silent.
    public void tick(long nowNanos) {
        if (untold != null && nowNanos - untold.whenNanos() >= 0) {
            Runnable answer = untold.answer();
            untold = null;
            answer.run();
        } else if (!fullFeature) {
            if (nowNanos - connectedAt > LOGIN_TIMEOUT_NANOS) {
                transport.close("login took longer than 15 s");
            }
            return;
        }
        Session mine = session;
        Link current = link;
        if (mine == null || current == null) {
            return;
        }
        mine.tick(current);
        Duration keepalive = site.registry().keepalive();
        if (nowNanos - lastReceived > keepalive.toNanos()) {
            if (pingUnanswered) {
                String silence = "no answer to a NOP-In for " + keepalive.toSeconds() + " s";
                mine.connections().drop(current, silence);
            } else {
                pingUnanswered = true;
                lastReceived = nowNanos;
                mine.ping(current);
            }
        }
    }

    private void drop(String reason) {
        if (session != null && link != null) {
            session.connections().drop(link, reason);
        } else {
            transport.close(reason);
        }
    }

    /// The socket is closed, whoever did it. Called once.
    public void disconnected() {
        ended = true;
        Session mine = session == null ? joining : session;
        if (mine != null && link != null) {
            mine.connections().disconnected(link);
        }
    }
}
