package io.lunkeeper.target.session;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/// How much peers can make us log. A source has some lines in a minute; what is beyond is counted,
/// and told in one line when the minute is over. Safe from any thread.
public final class PeerLog {
    private static final Logger LOG = LogManager.getLogger(PeerLog.class);

    /// Lines of a source in a minute that come of those who have not logged in.
    static final int STRANGER_LINES = 20;

    /// Lines of a source in all. Strangers leave some, so that the end of a session is logged
    /// whatever knocks from the same address.
    static final int LINES = 60;

    /// Sources that are told apart in a minute, 100 bytes each; all others are one.
    static final int MAX_SOURCES = 256;

    /// Sources that have a line each when the minute is over; the rest are one line.
    static final int SOURCES_TOLD = 10;

    private static final String OTHERS = "other sources";

    private final Executor afterMinute;
    private final Consumer<String> out;
    private final String what;

    /// Of this minute, by name. Empty: none has begun.
    private final Map<String, Lines> sources = new HashMap<>();

    private static final class Lines {
        int logged;
        long leftOut;
    }

    /// Nothing has been logged yet.
    ///
    /// @param what the lines are about, several of them: `failed logins`
    public PeerLog(String what) {
        this(what, CompletableFuture.delayedExecutor(1, TimeUnit.MINUTES), LOG::warn);
    }

    PeerLog(String what, Executor afterMinute, Consumer<String> out) {
        this.what = what;
        this.afterMinute = afterMinute;
        this.out = out;
    }

    /// Asked before each line: whether it is to be logged. Otherwise it has been counted.
    ///
    /// @param stranger whether the peer has not logged in
    public synchronized boolean hasRoom(Origin origin, boolean stranger) {
        if (sources.isEmpty()) {
            afterMinute.execute(this::endMinute);
        }
        Lines lines = lines(origin.toString());
        if (lines.logged >= (stranger ? STRANGER_LINES : LINES)) {
            lines.leftOut++;
            return false;
        }
        lines.logged++;
        return true;
    }

    private Lines lines(String source) {
        Lines known = sources.get(source);
        if (known != null) {
            return known;
        }
        return sources.computeIfAbsent(
                sources.size() < MAX_SOURCES ? source : OTHERS, _ -> new Lines());
    }

    private synchronized void endMinute() {
        List<Map.Entry<String, Lines>> most =
                sources.entrySet().stream()
                        .filter(each -> each.getValue().leftOut > 0)
                        .sorted(Comparator.comparingLong(each -> -each.getValue().leftOut))
                        .toList();
        int told = Math.min(most.size(), SOURCES_TOLD);
        most.subList(0, told).forEach(each -> tell(each.getKey(), each.getValue().leftOut));
        List<Map.Entry<String, Lines>> rest = most.subList(told, most.size());
        if (!rest.isEmpty()) {
            tell(OTHERS, rest.stream().mapToLong(each -> each.getValue().leftOut).sum());
        }
        sources.clear();
    }

    private void tell(String source, long leftOut) {
        out.accept(
                source + ": " + leftOut + " more lines about " + what + " in a minute, left out");
    }
}
