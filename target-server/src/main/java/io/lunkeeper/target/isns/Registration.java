package io.lunkeeper.target.isns;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Function;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/// What one server knows of us, and what it is told next. One request is under way at a time; a
/// response that does not come, or makes no sense, ends the connection, and after a while there is
/// another.
///
/// The first registration replaces whatever an earlier life has left. From then on the server is
/// told of what has come and what has gone, so that initiators see nothing else change; after a
/// refusal all is replaced again. Halfway through a registration period the entity is asked for:
/// that begins the period anew (RFC 4171 6.2.6 Registration Period), and shows when the server has
/// forgotten it. Then, and when the server was away while something changed, all is registered
/// again.
///
/// For one thread; time is a parameter, in nanoseconds.
final class Registration {
    /// How long to wait for a connection, and for a response.
    static final Duration ANSWER_LIMIT = Duration.ofSeconds(10);

    /// How long to wait after the first failure; twice as long after each further one.
    static final Duration LEAST_PAUSE = Duration.ofSeconds(1);

    static final Duration MOST_PAUSE = Duration.ofSeconds(60);

    /// How long a deregistration may take, with all that goes before it.
    static final Duration STOP_LIMIT = Duration.ofSeconds(2);

    /// How often it is looked at anew what there is to register: addresses of wildcard listeners
    /// come and go. Registration periods of more than twice that are not used up.
    static final Duration MOST_REFRESH = Duration.ofMinutes(5);

    private static final Duration LEAST_REFRESH = Duration.ofSeconds(1);

    private static final Logger LOG = LogManager.getLogger(Registration.class);

    private final String server;
    private final Function<InetAddress, NetworkEntity> offers;
    private final Line line;
    private final Deque<Request> requests = new ArrayDeque<>();

    private Phase phase = Phase.AWAY;
    private long dueNanos;
    private long stopNanos;
    private boolean stopping;
    private Duration pause = LEAST_PAUSE;
    private Duration refresh = MOST_REFRESH;

    /// Whether the server has said on this connection that it has all, and when it did first.
    private boolean settled;

    private long settledNanos;

    private InetAddress local = InetAddress.getLoopbackAddress();
    private int transaction;

    /// All that the server may have of us, and what it is to have when the requests are answered.
    private NetworkEntity known = NetworkEntity.empty("");

    private NetworkEntity wanted = known;

    /// Whether it has answered that it has just that, on this connection or on the one before.
    private boolean confirmed;

    private boolean replace = true;
    private boolean changed;

    /// What the log has said last, so that it says nothing twice.
    private String said = "";

    private volatile IsnsStatus status;

    /// What is waited for.
    private enum Phase {
        /// The time of the next attempt.
        AWAY,
        CONNECTING,
        /// The answer to the first of the requests.
        ASKING,
        /// The time to refresh.
        SETTLED,
        ENDED
    }

    /// The connection to the server.
    interface Line {
        /// Begins to connect. [#connected] or [#lost] follows.
        void connect();

        /// Sends a message.
        void send(ByteBuffer message);

        /// Closes the connection, or gives up connecting. Nothing follows.
        void hangUp();
    }

    /// @param server for the log and the status
    /// @param offers what there is to register for whoever is reached from this local address; its
    ///   identifier never changes
    Registration(String server, Function<InetAddress, NetworkEntity> offers, Line line) {
        this.server = server;
        this.offers = offers;
        this.line = line;
        this.status = new IsnsStatus(server, 0, "not connected yet", 0, 0);
    }

    // ---- what happens

    /// The first attempt is due.
    void start(long nowNanos) {
        dueNanos = nowNanos;
    }

    /// The connection is there.
    ///
    /// @param from its address on this side
    void connected(InetAddress from, long nowNanos) {
        local = from;
        plan(nowNanos);
    }

    /// The connection has ended, or could not be had. A server may close one that is not used.
    void lost(String reason, long nowNanos) {
        if (phase == Phase.SETTLED) {
            LOG.debug("iSNS server {}: {}", server, reason);
        } else {
            confirmed = false;
            status = status.failed(reason);
            warn(reason);
        }
        requests.clear();
        if (stopping) {
            end();
            return;
        }
        phase = Phase.AWAY;
        if (lasted(nowNanos)) {
            pause = LEAST_PAUSE;
        }
        settled = false;
        dueNanos = nowNanos + pause.toNanos();
        Duration next = pause.multipliedBy(2);
        pause = next.compareTo(MOST_PAUSE) < 0 ? next : MOST_PAUSE;
    }

    /// Whether the connection was of use, and not for a moment only.
    private boolean lasted(long nowNanos) {
        return settled && nowNanos - settledNanos >= MOST_PAUSE.toNanos();
    }

    /// A response has come.
    void received(Response response, long nowNanos) {
        Request request = requests.peek();
        if (phase != Phase.ASKING
                || request == null
                || response.transaction() != transaction
                || response.function() != request.function().id) {
            failed("answered what it was not asked", nowNanos);
            return;
        }
        requests.remove();
        switch (request.function()) {
            case REGISTER -> registered(response, nowNanos);
            case QUERY -> refreshed(response, nowNanos);
            case DEREGISTER -> deregistered(response, nowNanos);
        }
    }

    /// What was received makes no sense.
    void failed(String reason, long nowNanos) {
        line.hangUp();
        phase = Phase.ASKING;
        lost(reason, nowNanos);
    }

    /// There may be something else to register. All is registered again, whether the server has
    /// lost anything or not.
    void change(long nowNanos) {
        changed = true;
        confirmed = false;
        if (phase == Phase.SETTLED) {
            plan(nowNanos);
        }
    }

    /// Nothing is to be found any more.
    void stop(long nowNanos) {
        if (stopping || phase == Phase.ENDED) {
            return;
        }
        stopping = true;
        stopNanos = nowNanos + STOP_LIMIT.toNanos();
        switch (phase) {
            case SETTLED -> plan(nowNanos);
            case AWAY, CONNECTING -> giveUp();
            case ASKING, ENDED -> {}
        }
    }

    /// Time has passed.
    void tick(long nowNanos) {
        if (stopping && phase != Phase.ENDED && nowNanos - stopNanos >= 0) {
            giveUp();
        } else if (nowNanos - dueNanos >= 0) {
            switch (phase) {
                case AWAY -> {
                    phase = Phase.CONNECTING;
                    dueNanos = nowNanos + ANSWER_LIMIT.toNanos();
                    line.connect();
                }
                case CONNECTING, ASKING ->
                        failed("did not answer for " + ANSWER_LIMIT.toSeconds() + " s", nowNanos);
                case SETTLED -> plan(nowNanos);
                case ENDED -> {}
            }
        }
    }

    // ---- what follows from it

    /// How long nothing happens by itself; 0: [#tick] is due.
    long idleNanos(long nowNanos) {
        long due = stopping && stopNanos - dueNanos < 0 ? stopNanos : dueNanos;
        return Math.max(0, due - nowNanos);
    }

    boolean ended() {
        return phase == Phase.ENDED;
    }

    /// From any thread.
    IsnsStatus status() {
        return status;
    }

    /// Makes the requests that bring the server from what it knows to what it should.
    private void plan(long nowNanos) {
        NetworkEntity offer = stopping ? NetworkEntity.empty("") : offers.apply(local);
        changed = false;
        wanted = offer;
        requests.clear();
        if (offer.isEmpty()) {
            wanted = NetworkEntity.empty(offer.identifier());
            if (!known.isEmpty()) {
                requests.add(Requests.deregister(known));
            }
        } else if (confirmed && offer.equals(known)) {
            requests.add(Requests.refresh(offer));
        } else {
            requests.addAll(Requests.register(offer, replace));
            if (!replace) {
                requests.addAll(
                        Requests.deregister(offer.nodes().getFirst(), known.without(offer)));
            }
            known = known.with(offer);
        }
        next(nowNanos);
    }

    private void next(long nowNanos) {
        Request request = requests.peek();
        if (request == null) {
            settled(nowNanos);
            return;
        }
        phase = Phase.ASKING;
        dueNanos = nowNanos + ANSWER_LIMIT.toNanos();
        transaction = transaction + 1 & 0xffff;
        line.send(request.encode(transaction));
    }

    private void registered(Response response, long nowNanos) {
        if (response.status() != 0) {
            replace = true;
            failed("refused the registration: " + response.statusText(), nowNanos);
            return;
        }
        takeOver(response);
        onward(nowNanos);
    }

    private void refreshed(Response response, long nowNanos) {
        takeOver(response);
        boolean there =
                response.entities().stream().anyMatch(wanted.identifier()::equalsIgnoreCase);
        if (there && response.status() == 0) {
            status = status.refreshed();
            onward(nowNanos);
        } else {
            // It has forgotten, or does not show a target what is in no discovery domain with it.
            LOG.debug(
                    "iSNS server {}: shows nothing of {}; registering it again",
                    server,
                    wanted.identifier());
            confirmed = false;
            plan(nowNanos);
        }
    }

    private void deregistered(Response response, long nowNanos) {
        if (response.status() != 0) {
            LOG.info(
                    "iSNS server {}: did not deregister: {}; it will when the registration period"
                            + " is over",
                    server,
                    response.statusText());
        }
        onward(nowNanos);
    }

    private void onward(long nowNanos) {
        boolean whole = requests.isEmpty() && wanted.isEmpty();
        if (stopping && !whole) {
            plan(nowNanos);
        } else {
            next(nowNanos);
        }
    }

    private void takeOver(Response response) {
        response.registrationPeriodSeconds()
                .ifPresent(seconds -> {
                    Duration half = Duration.ofSeconds(seconds).dividedBy(2);
                    boolean usable = seconds > 0 && half.compareTo(MOST_REFRESH) < 0;
                    refresh = usable ? max(half, LEAST_REFRESH) : MOST_REFRESH;
                });
    }

    private static Duration max(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }

    private void settled(long nowNanos) {
        known = wanted;
        confirmed = true;
        replace &= known.isEmpty();
        if (!settled) {
            settled = true;
            settledNanos = nowNanos;
        }
        status = status.settled(known.nodes().size());
        inform(known.isEmpty() ? "nothing is registered" : "registered " + known.summary());
        if (stopping) {
            giveUp();
        } else if (changed) {
            plan(nowNanos);
        } else {
            phase = Phase.SETTLED;
            dueNanos = nowNanos + refresh.toNanos();
        }
    }

    private void giveUp() {
        line.hangUp();
        end();
    }

    private void end() {
        phase = Phase.ENDED;
        if (!known.isEmpty()) {
            warn("not told of the end; it forgets us when the registration period is over");
        }
    }

    private void warn(String what) {
        if (!said.equals(what)) {
            said = what;
            LOG.warn("iSNS server {}: {}", server, what);
        }
    }

    private void inform(String what) {
        if (!said.equals(what)) {
            said = what;
            LOG.info("iSNS server {}: {}", server, what);
        }
    }
}
