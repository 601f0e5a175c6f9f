package io.lunkeeper.target.session;

import java.net.InetAddress;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/// The logins that failed, by where they came from: counted, logged as far as [PeerLog] has room,
/// and slowed. Safe from any thread; used by logins only.
///
/// Whoever has answered a challenge wrong is told so at once, but what he answers next he is told
/// the result of only when his turn comes: a second later, then two, then four. The turns of a
/// source come one after the other, whatever number of connections it has, and nobody holds more
/// than a few: who finds them taken is sent away unheard. A right answer waits for its turn like a
/// wrong one, and then all is forgotten.
public final class FailedLogins {
    private static final Logger LOG = LogManager.getLogger(FailedLogins.class);

    /// Sources that are remembered, 100 bytes each; with more of them the oldest is forgotten.
    static final int MAX_SOURCES = 4096;

    /// What a wrong answer costs, for the first one, and at most.
    static final long FIRST_DELAY_NANOS = TimeUnit.SECONDS.toNanos(1);

    static final long MAX_DELAY_NANOS = TimeUnit.SECONDS.toNanos(4);

    /// How long anybody is kept waiting: initiators give a login up after 15 s.
    static final long MAX_WAIT_NANOS = TimeUnit.SECONDS.toNanos(8);

    /// When nothing has failed for that long, nothing has.
    static final long FORGIVEN_NANOS = TimeUnit.MINUTES.toNanos(10);

    /// From the one whose last failure is the longest ago.
    private final Map<Origin, Failures> records = new LinkedHashMap<>();

    private final PeerLog lines = new PeerLog("failed logins");
    private long total;

    private static final class Failures {
        int count;
        long lastFailure;
        int wrongAnswers;
        long nextTurn;

        Failures(long nowNanos) {
            nextTurn = nowNanos;
        }

        boolean forgiven(long nowNanos) {
            return nowNanos - lastFailure > FORGIVEN_NANOS;
        }
    }

    /// Logins from one address.
    public Source from(InetAddress address) {
        return new Source(address);
    }

    /// How many logins have failed.
    public synchronized long total() {
        return total;
    }

    /// Where logins come from.
    public final class Source {
        private final InetAddress address;
        private final Origin origin;

        private Source(InetAddress address) {
            this.address = address;
            this.origin = Origin.of(address);
        }

        /// A challenge was answered.
        ///
        /// @return when to tell the initiator what came of it; empty: it is not to be told
        OptionalLong answered(boolean right, long nowNanos) {
            synchronized (FailedLogins.this) {
                return FailedLogins.this.answered(origin, right, nowNanos);
            }
        }

        /// A login failed, for whatever reason.
        ///
        /// @param initiatorName normalized, or empty when it gave none
        /// @param why for the log
        void failed(String initiatorName, String why, long nowNanos) {
            synchronized (FailedLogins.this) {
                FailedLogins.this.failed(this, initiatorName, why, nowNanos);
            }
        }
    }

    private OptionalLong answered(Origin origin, boolean right, long nowNanos) {
        Failures record = records.get(origin);
        long turn =
                record == null || record.forgiven(nowNanos)
                        ? nowNanos
                        : later(record.nextTurn, nowNanos);
        if (turn - nowNanos > MAX_WAIT_NANOS) {
            return OptionalLong.empty();
        }
        if (right) {
            records.remove(origin);
        } else {
            Failures wrong = latest(origin, nowNanos);
            wrong.wrongAnswers++;
            wrong.nextTurn = turn + delay(wrong.wrongAnswers);
        }
        return OptionalLong.of(turn);
    }

    private static long delay(int wrongAnswers) {
        int doublings = Math.min(wrongAnswers - 1, Byte.SIZE);
        return Math.min(FIRST_DELAY_NANOS << doublings, MAX_DELAY_NANOS);
    }

    private static long later(long one, long other) {
        return one - other > 0 ? one : other;
    }

    /// The record of an origin where something has failed now, which makes it the latest.
    private Failures latest(Origin origin, long nowNanos) {
        Failures record = records.remove(origin);
        if (record == null || record.forgiven(nowNanos)) {
            record = new Failures(nowNanos);
        }
        record.lastFailure = nowNanos;
        records.put(origin, record);
        if (records.size() > MAX_SOURCES) {
            Iterator<Origin> oldest = records.keySet().iterator();
            oldest.next();
            oldest.remove();
        }
        return record;
    }

    private void failed(Source source, String initiatorName, String why, long nowNanos) {
        total++;
        Failures record = latest(source.origin, nowNanos);
        record.count++;
        if (lines.hasRoom(source.origin, true)) {
            LOG.warn(
                    "{}: login of {} failed: {}; {} from there by now",
                    source.address.getHostAddress(),
                    initiatorName.isEmpty() ? "nobody" : initiatorName,
                    why,
                    record.count);
        }
    }
}
