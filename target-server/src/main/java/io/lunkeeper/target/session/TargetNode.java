package io.lunkeeper.target.session;

import io.lunkeeper.target.scsi.DeviceServer;
import io.lunkeeper.target.scsi.Nexus;
import io.lunkeeper.target.scsi.Outcome;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One target of this server with its live sessions: where a function that concerns every I_T nexus
/// finds them. Safe from any thread.
public final class TargetNode {
    private final DeviceServer device;
    private final Set<Session> sessions = ConcurrentHashMap.newKeySet();

    /// Guarded by this.
    private boolean ended;

    /// A target without sessions.
    public TargetNode(DeviceServer device) {
        this.device = device;
        device.abortsTasksBy((units, nexuses, answer, whenEnded) ->
                abortTasks(
                        null,
                        (session, task) -> {
                            Nexus nexus = session.nexus();
                            return nexus != null && nexuses.test(nexus) && units.test(task.lun());
                        },
                        (_, _) -> answer,
                        (_, _) -> {},
                        whenEnded));
    }

    /// Aborts tasks of every session for a nexus and does not wait for it. Those of others end with
    /// the status that their logical unit has for that (TAS).
    ///
    /// @param which asked for the tasks of each session on its thread
    /// @param victims told of each other nexus that had such tasks, on its thread
    /// @param whenEnded called once, from any thread, when all of them have come to rest
    void abortTasks(
            @Nullable Nexus by,
            BiPredicate<Session, Task> which,
            Consumer<Nexus> victims,
            Runnable whenEnded) {
        abortTasks(
                by,
                which,
                (session, task) -> session.nexus() == by ? null : device.abortedByOther(task.lun()),
                (session, luns) -> {
                    Nexus nexus = session.nexus();
                    if (nexus != null && nexus != by) {
                        session.announceAborts(luns);
                        victims.accept(nexus);
                    }
                },
                whenEnded);
    }

    /// Aborts tasks of every session and does not wait for it.
    ///
    /// @param by the nexus that hears of it by an answer of its own; null: none
    /// @param which asked on the session's thread
    /// @param answer what their initiators are told, asked there too; null: nothing
    /// @param victims told of each session that had such tasks, and of their LUN fields, on its
    ///   thread
    /// @param whenEnded called once, from any thread, when all of them have come to rest
    private void abortTasks(
            @Nullable Nexus by,
            BiPredicate<Session, Task> which,
            BiFunction<Session, Task, Outcome.@Nullable Status> answer,
            BiConsumer<Session, Set<Long>> victims,
            Runnable whenEnded) {
        List<Session> all = List.copyOf(sessions);
        if (all.isEmpty()) {
            whenEnded.run();
        }
        Runnable oneAtRest = lastOf(all.size(), whenEnded);
        for (Session each : all) {
            each.abortTasks(
                    by,
                    task -> which.test(each, task),
                    task -> answer.apply(each, task),
                    luns -> victims.accept(each, luns),
                    oneAtRest);
        }
    }

    /// What serves its commands.
    public DeviceServer device() {
        return device;
    }

    /// Takes a session in.
    ///
    /// @return false when the target is no more
    synchronized boolean enter(Session session) {
        return !ended && sessions.add(session);
    }

    /// The sessions that are alive; others may come.
    public List<Session> alive() {
        return List.copyOf(sessions);
    }

    /// Takes no session in any more.
    ///
    /// @return those that are alive
    public synchronized List<Session> close() {
        ended = true;
        return List.copyOf(sessions);
    }

    /// Ends the target: takes no session in any more, and ends those that are there once their
    /// tasks have come to rest. Does not wait.
    ///
    /// @param reason for the log
    /// @param whenEnded called once, from any thread, when nothing of it runs any more
    public void end(String reason, Runnable whenEnded) {
        List<Session> all = close();
        if (all.isEmpty()) {
            whenEnded.run();
        }
        Runnable each = lastOf(all.size(), whenEnded);
        all.forEach(session -> session.terminate(reason, each));
    }

    /// What runs `last` when it has been run so many times itself.
    private static Runnable lastOf(int count, Runnable last) {
        AtomicInteger left = new AtomicInteger(count);
        return () -> {
            if (left.decrementAndGet() == 0) {
                last.run();
            }
        };
    }

    Set<Session> sessions() {
        return sessions;
    }
}
