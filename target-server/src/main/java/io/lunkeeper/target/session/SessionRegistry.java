package io.lunkeeper.target.session;

import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jscsi.parser.login.LoginStatus;
import org.jspecify.annotations.Nullable;

/// All sessions of this server, and what counts for all of them. Safe from any thread; used at the
/// beginning and end of sessions, and once a second.
public final class SessionRegistry {
    /// TSIH has 16 bits and zero is reserved (RFC 7143 11.12.6); far fewer sessions fit in memory.
    static final int MAX_SESSIONS = 4096;

    /// What makes two sessions the same (RFC 7143 6.3.5 Session Reinstatement, Closure, and
    /// Timeout): ISID, initiator name, target name and portal group. Of a discovery session that
    /// names no target it is ISID, initiator name and the address that it came to (7.4.2.1 Unnamed
    /// Discovery Sessions).
    ///
    /// @param targetName empty without a target
    /// @param portal empty with a target
    record Key(
            String initiatorName, long isid, String targetName, int portalGroupTag, String portal) {
        /// What to answer to a connection that would join this session and names another one (RFC
        /// 7143 6.3.1 Login Phase Start, 11.13.5): all connections of a session come to one portal
        /// group.
        LoginStatus refusal(Key other) {
            Key here =
                    new Key(
                            other.initiatorName,
                            other.isid,
                            other.targetName,
                            portalGroupTag,
                            portal);
            return here.equals(this)
                    ? LoginStatus.CANNOT_INCLUDE_IN_SESSION
                    : LoginStatus.SESSION_DOSE_NOT_EXIST;
        }
    }

    private final BitSet tsihs = new BitSet();
    private final Map<Key, Session> normal = new HashMap<>();
    private final Map<Key, Session> discovering = new HashMap<>();
    private final Map<Integer, Session> all = new HashMap<>();
    private volatile Duration keepalive = Duration.ofSeconds(30);
    private boolean closed;

    /// Reserves a TSIH, 1 to [#MAX_SESSIONS]; empty when there are too many sessions or the server
    /// is ending.
    synchronized OptionalInt reserveTsih() {
        int tsih = tsihs.nextClearBit(1);
        if (tsih > MAX_SESSIONS || closed) {
            return OptionalInt.empty();
        }
        tsihs.set(tsih);
        return OptionalInt.of(tsih);
    }

    /// Enters a session under its TSIH.
    ///
    /// @return the session of the same key that it replaces, which the caller must terminate before
    ///   the new one does anything; null when there is none
    synchronized @Nullable Session enter(Session session) {
        all.put(session.tsih(), session);
        return alike(session).put(session.key(), session);
    }

    /// Those that may be of one key with it: whoever only looks for targets does not end the
    /// session that has the disk.
    private Map<Key, Session> alike(Session session) {
        return session.discovery() ? discovering : normal;
    }

    /// Lets go of an ended session.
    synchronized void leave(Session session) {
        all.remove(session.tsih(), session);
        alike(session).remove(session.key(), session);
        tsihs.clear(session.tsih());
    }

    /// The session that has this TSIH, or null.
    synchronized @Nullable Session find(int tsih) {
        return all.get(tsih);
    }

    /// A session as an administrator knows it.
    ///
    /// @param targetName empty for a discovery session
    /// @param peer the address of its connection, of several connections separated by commas;
    ///   behind `lost:` those that were lost and are kept
    public record Entry(String initiatorName, String targetName, String peer) {}

    /// The sessions that are alive.
    public synchronized List<Entry> sessions() {
        return all.values().stream().map(Session::entry).toList();
    }

    /// How long an initiator may be silent before it is asked for a sign of life, and then has for
    /// it; 30 s until something else is set.
    public Duration keepalive() {
        return keepalive;
    }

    /// From now on, in all sessions.
    ///
    /// @param wanted at least a second, which is how often connections are looked at
    public void keepalive(Duration wanted) {
        keepalive = wanted;
    }

    /// Refuses sessions from now on.
    ///
    /// @return those that are alive
    public synchronized List<Session> close() {
        closed = true;
        return new ArrayList<>(all.values());
    }
}
