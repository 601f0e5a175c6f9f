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
    private volatile List<Lost> lost = List.of();

    /// @param ticksLeft ticks until it is forgotten
    private record Lost(Link link, int ticksLeft) {}

    /// @param limit how many are kept at most
    /// @param seconds Time2Wait and Time2Retain together
    /// @param giveWay ends the session, from any thread, when others need the places
    CleanupWait(int limit, int seconds, Runnable giveWay) {
        this.limit = limit;
        // The first tick may come at once.
        this.ticks = seconds + 1;
        this.giveWay = giveWay;
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

    /// The one with this CID, or null.
    @Nullable Link of(int cid) {
        for (Lost each : lost) {
            if (each.link.cid() == cid) {
                return each.link;
            }
        }
        return null;
    }

    boolean contains(Link link) {
        return of(link.cid()) == link;
    }

    /// Keeps one that was lost just now, if need be in place of the oldest.
    void add(Link link) {
        List<Lost> more = new ArrayList<>(lost);
        more.add(new Lost(link, ticks));
        if (more.size() > limit) {
            more.removeFirst().link.transport().leavePlace();
        }
        lost = List.copyOf(more);
        link.transport().keepPlace(giveWay);
    }

    /// Forgets one: it is logged out.
    void remove(Link link) {
        lost = lost.stream().filter(each -> each.link != link).toList();
        link.transport().leavePlace();
    }

    /// Forgets all: the session has ended.
    void clear() {
        lost.forEach(each -> each.link.transport().leavePlace());
        lost = List.of();
    }

    /// A second has passed.
    ///
    /// @param expired told of each whose time is over; it is forgotten by then
    void tick(Consumer<Link> expired) {
        List<Lost> before = lost;
        lost =
                before.stream()
                        .map(each -> new Lost(each.link, each.ticksLeft - 1))
                        .filter(each -> each.ticksLeft > 0)
                        .toList();
        for (Lost each : before) {
            if (each.ticksLeft == 1) {
                each.link.transport().leavePlace();
                expired.accept(each.link);
            }
        }
    }
}
