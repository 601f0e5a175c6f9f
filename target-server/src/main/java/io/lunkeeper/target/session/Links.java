package io.lunkeeper.target.session;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The connections of one session. All of them live on one thread, that of the first; so does the
/// session. Confined to it but for [#execute], [#lead] and [#peers].
final class Links implements Executor {
    private volatile List<Link> all;

    /// One of them, or the last there was: its thread is the session's.
    private volatile Link lead;

    private boolean several;
    private boolean paused;

    Links(Link leading) {
        all = List.of(leading);
        lead = leading;
    }

    /// Runs work on the session's thread, from any thread.
    @Override
    public void execute(Runnable work) {
        lead.transport().execute(work);
    }

    /// The one that what concerns the whole session happens on. From any thread.
    Link lead() {
        return lead;
    }

    /// The peers' addresses, from any thread.
    String peers() {
        return all.stream().map(link -> link.transport().peer()).collect(Collectors.joining(", "));
    }

    /// Those that are there, those that are logged out and not closed yet among them.
    List<Link> all() {
        return all;
    }

    /// Whether there is more than one, or one that is leaving.
    boolean several() {
        return several;
    }

    /// The one with this CID, or null.
    @Nullable Link of(int cid) {
        for (Link each : all) {
            if (each.cid() == cid) {
                return each;
            }
        }
        return null;
    }

    /// Whether a task management function with this tag is going on.
    boolean hasFunction(int initiatorTaskTag) {
        return all.stream().anyMatch(each -> each.hasFunction(initiatorTaskTag));
    }

    /// Whether there is another one than this that stays.
    boolean hasOther(Link link) {
        return all.stream().anyMatch(each -> each != link && !each.leaving());
    }

    void add(Link link) {
        List<Link> more = new ArrayList<>(all);
        more.add(link);
        replace(more);
        if (paused) {
            link.transport().pauseReading(true);
        }
    }

    /// Lets go of one that is closed or about to be. Of the last one the thread stays known.
    void remove(Link link) {
        List<Link> fewer = new ArrayList<>(all);
        fewer.remove(link);
        replace(fewer);
    }

    /// Takes no commands from one any more.
    void leave(Link link) {
        link.leave();
        several = true;
    }

    private void replace(List<Link> links) {
        all = List.copyOf(links);
        several = links.size() > 1 || links.stream().anyMatch(Link::leaving);
        if (!links.isEmpty() && !links.contains(lead)) {
            lead = links.getFirst();
        }
    }

    /// Stops or resumes taking bytes from the sockets.
    void pauseReading(boolean pause) {
        paused = pause;
        for (Link each : all) {
            each.transport().pauseReading(pause);
        }
    }

    /// Makes Data-In PDUs wherever there is room.
    void produce() {
        for (Link each : all) {
            each.produce();
        }
    }

    /// Closes all.
    ///
    /// @param reason for the log
    void close(String reason) {
        for (Link each : all) {
            each.transport().close(reason);
        }
    }
}
