package io.lunkeeper.target.session;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The connections of one session that were lost and are not logged out yet (RFC 7143 8.2
/// Connection Cleanup State Diagram, CLEANUP_WAIT). Each is kept for Time2Wait and then
/// Time2Retain, counted in ticks of a second, and holds the place among all connections that it had
/// when it was alive: what is kept of it is bounded by the same limits. Confined to the session's
/// thread but for [#peers].
final class CleanupWait {
    private final int limit;
    private final int ticks;
    private final Runnable giveWay;
    private final Consumer<Link> expired;
    private volatile List<Lost> lost = List.of();

    /// @param ticksLeft ticks until it is forgotten
    /// @param recovered whether it is logged out for recovery
    private record Lost(Link link, int ticksLeft, boolean recovered) {}

    /// @param limit how many are kept at most
    /// @param seconds Time2Wait and Time2Retain together
    /// @param giveWay ends the session, from any thread, when others need the places
    /// @param expired told of each that is forgotten since its time is over, or since there are
    ///   others to keep
    CleanupWait(int limit, int seconds, Runnable giveWay, Consumer<Link> expired) {
        this.limit = limit;
        // The first tick may come at once.
        this.ticks = seconds + 1;
        this.giveWay = giveWay;
        this.expired = expired;
    }

    boolean isEmpty() {
        return lost.isEmpty();
    }

    /// The peers' addresses, from any thread.
    String peers() {
        return lost.stream()
                .map(each -> each.link.transport().peer())
                .collect(Collectors.joining(", "));
    }

    /// The one with this CID that is not logged out, or null.
    @Nullable Link of(int cid) {
        for (Lost each : lost) {
            if (each.link.cid() == cid && !each.recovered) {
                return each.link;
            }
        }
        return null;
    }

    boolean contains(Link link) {
        return lost.stream().anyMatch(each -> each.link == link);
    }

    /// Whether one of them has such a task; see [Link#hasOtherTask].
    boolean hasOtherTask(int initiatorTaskTag) {
        return lost.stream().anyMatch(each -> each.link.hasOtherTask(initiatorTaskTag));
    }

    /// Whether its commands can be reassigned.
    boolean isRecovered(Link link) {
        return lost.stream().anyMatch(each -> each.link == link && each.recovered);
    }

    /// The one lost last whose initiator has not acknowledged the end of the command with this tag,
    /// or null.
    @Nullable Link lastThatOwes(int initiatorTaskTag) {
        for (Lost each : lost.reversed()) {
            Unacknowledged sent = each.link.unacknowledged();
            if (sent != null && sent.owes(initiatorTaskTag)) {
                return each.link;
            }
        }
        return null;
    }

    /// One of them is logged out for recovery. Its time begins anew.
    void recover(Link link) {
        List<Lost> others = new ArrayList<>(lost);
        others.removeIf(each -> each.link == link);
        others.add(new Lost(link, ticks, true));
        lost = List.copyOf(others);
    }

    /// Keeps one that was lost just now, if need be in place of the oldest.
    void add(Link link) {
        List<Lost> more = new ArrayList<>(lost);
        more.add(new Lost(link, ticks, false));
        Link oldest = more.size() > limit ? more.removeFirst().link : null;
        lost = List.copyOf(more);
        link.transport().keepPlace(giveWay);
        if (oldest != null) {
            forget(oldest);
        }
    }

    /// Forgets one: it is logged out.
    void remove(Link link) {
        lost = lost.stream().filter(each -> each.link != link).toList();
        letGo(link);
    }

    private static void letGo(Link link) {
        link.transport().leavePlace();
        link.forget();
    }

    private void forget(Link link) {
        letGo(link);
        expired.accept(link);
    }

    /// Forgets all: the session has ended.
    void clear() {
        lost.forEach(each -> letGo(each.link));
        lost = List.of();
    }

    /// A second has passed.
    void tick() {
        List<Lost> before = lost;
        lost =
                before.stream()
                        .map(each -> new Lost(each.link, each.ticksLeft - 1, each.recovered))
                        .filter(each -> each.ticksLeft > 0)
                        .toList();
        for (Lost each : before) {
            if (each.ticksLeft == 1) {
                forget(each.link);
            }
        }
    }
}
