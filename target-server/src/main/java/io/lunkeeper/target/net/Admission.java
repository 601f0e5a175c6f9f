package io.lunkeeper.target.net;

import io.lunkeeper.target.session.Origin;
import io.lunkeeper.target.session.PeerLog;
import java.net.InetAddress;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// Who is let in. Counts the connections of the server and of each source, and those of either that
/// have not logged in: a crowd of strangers takes neither the memory nor the descriptors that
/// sessions live on. Whoever is one too many is hung up on before anything is read of him. Nor can
/// anybody fill the log: a source has so many lines about its connections ([PeerLog]). Safe from
/// any thread; used at the beginning, the login and the end of connections, and for what is logged.
public final class Admission {
    private static final Logger LOG = LogManager.getLogger(Admission.class);

    /// How many there may be at a time, each at least 1. A source is an IPv4 address, or 64 bits of
    /// an IPv6 address.
    ///
    /// @param logins of the connections, those that have not logged in
    public record Limits(
            int connections, int connectionsPerSource, int logins, int loginsPerSource) {}

    /// The limit that a connection was beyond.
    public enum Refusal {
        CONNECTIONS("connections"),
        CONNECTIONS_PER_SOURCE("connections-per-source"),
        LOGINS("logins"),
        LOGINS_PER_SOURCE("logins-per-source");

        private final String key;

        Refusal(String key) {
            this.key = key;
        }

        /// What the configuration calls it.
        public String key() {
            return key;
        }
    }

    /// How things are.
    ///
    /// @param connections that are open, or lost and kept for their session
    /// @param logins those of them that have not logged in
    /// @param refused since the start, by the limit that they were beyond
    /// @param pauses how often nothing more could be accepted for want of descriptors or memory
    /// @param malformedPdus format and digest errors, since the start
    /// @param rejectedPdus those that were well-formed and refused, since the start
    public record Counts(
            int connections,
            int logins,
            Map<Refusal, Long> refused,
            long pauses,
            long malformedPdus,
            long rejectedPdus) {}

    private static final class Crowd {
        int connections;
        int logins;
    }

    private final Crowd all = new Crowd();
    private final Map<Origin, Crowd> sources = new HashMap<>();
    private final Map<Refusal, Long> refused = new EnumMap<>(Refusal.class);

    /// Those whose sessions are kept, the oldest first.
    private final Set<Pass> kept = new LinkedHashSet<>();

    private Limits limits;
    private final PeerLog lines = new PeerLog("connections");
    private long pauses;
    private long malformedPdus;
    private long rejectedPdus;

    /// Nobody is in yet.
    public Admission(Limits limits) {
        this.limits = limits;
        for (Refusal each : Refusal.values()) {
            refused.put(each, 0L);
        }
    }

    /// Other limits from now on. Whoever is in stays.
    public synchronized void limits(Limits wanted) {
        limits = wanted;
    }

    /// How things are now.
    public synchronized Counts counts() {
        return new Counts(
                all.connections,
                all.logins,
                Map.copyOf(refused),
                pauses,
                malformedPdus,
                rejectedPdus);
    }

    /// Lets a connection in that has not logged in.
    ///
    /// @return null when it is one too many
    synchronized @Nullable Pass admit(InetAddress from) {
        Origin origin = Origin.of(from);
        makeRoom(origin);
        Crowd crowd = sources.computeIfAbsent(origin, _ -> new Crowd());
        Refusal refusal = refusal(crowd);
        if (refusal != null) {
            if (crowd.connections == 0) {
                sources.remove(origin);
            }
            refused.merge(refusal, 1L, Long::sum);
            if (lines.hasRoom(origin, true)) {
                LOG.warn(
                        "{}: connection refused: limits.{} is reached",
                        from.getHostAddress(),
                        refusal.key());
            }
            return null;
        }
        count(crowd, 1, 1);
        return new Pass(origin, crowd);
    }

    /// Has the session that was kept for longest give way to a connection that would be one too
    /// many.
    private void makeRoom(Origin origin) {
        Crowd source = sources.getOrDefault(origin, new Crowd());
        Refusal refusal = refusal(source);
        boolean fromSource = refusal == Refusal.CONNECTIONS_PER_SOURCE;
        boolean tooManyLogins =
                all.logins >= limits.logins() || source.logins >= limits.loginsPerSource();
        if (tooManyLogins || (!fromSource && refusal != Refusal.CONNECTIONS)) {
            return;
        }
        for (Pass each : kept) {
            Runnable giveWay = each.giveWay;
            if (each.closed && giveWay != null && (!fromSource || each.source == source)) {
                each.leave();
                giveWay.run();
                return;
            }
        }
    }

    private @Nullable Refusal refusal(Crowd source) {
        if (all.connections >= limits.connections()) {
            return Refusal.CONNECTIONS;
        }
        if (source.connections >= limits.connectionsPerSource()) {
            return Refusal.CONNECTIONS_PER_SOURCE;
        }
        if (all.logins >= limits.logins()) {
            return Refusal.LOGINS;
        }
        return source.logins >= limits.loginsPerSource() ? Refusal.LOGINS_PER_SOURCE : null;
    }

    private void count(Crowd source, int connections, int logins) {
        all.connections += connections;
        all.logins += logins;
        source.connections += connections;
        source.logins += logins;
    }

    /// Nothing more can be accepted for a moment.
    synchronized void paused() {
        pauses++;
    }

    /// A connection that was let in.
    final class Pass {
        private final Origin origin;
        private final Crowd source;
        private boolean loggedIn;
        private boolean ended;
        private boolean closed;
        private @Nullable Runnable giveWay;

        private Pass(Origin origin, Crowd source) {
            this.origin = origin;
            this.source = source;
        }

        /// It has logged in. May be called again.
        void loggedIn() {
            synchronized (Admission.this) {
                if (!loggedIn && !ended) {
                    loggedIn = true;
                    count(source, 0, -1);
                }
            }
        }

        /// A PDU of it is none.
        void malformedPdu() {
            synchronized (Admission.this) {
                malformedPdus++;
            }
        }

        /// A PDU of it is refused.
        void rejectedPdu() {
            synchronized (Admission.this) {
                rejectedPdus++;
            }
        }

        /// Asked before each line about it: whether it is to be logged.
        boolean logs() {
            synchronized (Admission.this) {
                return lines.hasRoom(origin, !loggedIn);
            }
        }

        /// It goes on counting when it is closed, since its session is kept, until [#leave] or
        /// until another needs its place.
        ///
        /// @param makeRoom called, from any thread, when another has its place
        void keep(Runnable makeRoom) {
            synchronized (Admission.this) {
                if (!ended) {
                    giveWay = makeRoom;
                    kept.add(this);
                }
            }
        }

        /// Nothing is kept of it any more.
        void leave() {
            synchronized (Admission.this) {
                kept.remove(this);
                giveWay = null;
                if (closed) {
                    end();
                }
            }
        }

        /// It is closed. May be called again.
        void end() {
            synchronized (Admission.this) {
                closed = true;
                if (ended || giveWay != null) {
                    return;
                }
                ended = true;
                count(source, -1, loggedIn ? 0 : -1);
                if (source.connections == 0) {
                    sources.remove(origin);
                }
            }
        }
    }
}
