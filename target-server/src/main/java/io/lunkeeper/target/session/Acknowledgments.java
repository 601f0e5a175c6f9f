package io.lunkeeper.target.session;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Predicate;

/// Waits until the initiator has what was sent on the other connections of its session: a response
/// that must be the last it hears of some tasks may otherwise overtake their status on the way (RFC
/// 7143 4.2.3.3 Standard Multi-Task Abort Semantics). Confined to the session's thread.
final class Acknowledgments {
    private final Links links;
    private final Consumer<Link> ping;
    private final List<Wait> waits = new ArrayList<>();

    /// @param left the StatSN that is waited for on each connection
    private record Wait(Map<Link, Integer> left, Runnable then) {}

    /// @param ping asks for an acknowledgment on a connection
    Acknowledgments(Links links, Consumer<Link> ping) {
        this.links = links;
        this.ping = ping;
    }

    /// Goes on once the initiator has all that other connections than this have carried so far; at
    /// once when it is known to.
    void await(Link except, Runnable then) {
        Map<Link, Integer> left = new HashMap<>();
        for (Link each : links.all()) {
            if (each != except && !each.leaving() && !each.hasAcknowledged(each.peekStatSn())) {
                left.put(each, each.peekStatSn());
            }
        }
        if (left.isEmpty()) {
            then.run();
        } else {
            waits.add(new Wait(left, then));
            left.keySet().forEach(ping);
        }
    }

    /// A PDU of the initiator says what it has.
    void received(Link link, int expStatSn) {
        link.acknowledge(expStatSn);
        if (!waits.isEmpty()) {
            goOn(
                    wait -> {
                        Integer awaited = wait.left.get(link);
                        return awaited != null && link.hasAcknowledged(awaited);
                    },
                    link);
        }
    }

    /// A connection is no more: nothing of it arrives any more.
    void ended(Link link) {
        goOn(_ -> true, link);
    }

    private void goOn(Predicate<Wait> over, Link link) {
        List<Wait> ready = new ArrayList<>();
        waits.removeIf(wait -> {
            if (over.test(wait)) {
                wait.left.remove(link);
            }
            return wait.left.isEmpty() && ready.add(wait);
        });
        ready.forEach(wait -> wait.then.run());
    }
}
