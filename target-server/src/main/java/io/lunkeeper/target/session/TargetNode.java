package io.lunkeeper.target.session;

import io.lunkeeper.target.scsi.DeviceServer;
import io.lunkeeper.target.scsi.Nexus;
import io.lunkeeper.target.scsi.Outcome;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One target of this server with its live sessions: where a function that concerns every I_T nexus
/// finds them. Safe from any thread.
public final class TargetNode {
    private final DeviceServer device;
    private final Set<Session> sessions = ConcurrentHashMap.newKeySet();

    /// A target without sessions.
    public TargetNode(DeviceServer device) {
        this.device = device;
        device.abortsTasksBy((units, nexuses, answer, whenEnded) ->
                abortTasks(
                        (session, task) -> {
                            Nexus nexus = session.nexus();
                            return nexus != null && nexuses.test(nexus) && units.test(task.lun());
                        },
                        answer,
                        _ -> {},
                        whenEnded));
    }

    /// Aborts tasks of every session and does not wait for it.
    ///
    /// @param which asked on the session's thread
    /// @param answer what their initiators are told; null: nothing
    /// @param victims told of each session that had such tasks, on its thread
    /// @param whenEnded called once, from any thread, when all of them have come to rest
    void abortTasks(
            BiPredicate<Session, Task> which,
            Outcome.@Nullable Status answer,
            Consumer<Session> victims,
            Runnable whenEnded) {
        List<Session> all = List.copyOf(sessions);
        if (all.isEmpty()) {
            whenEnded.run();
        }
        AtomicInteger left = new AtomicInteger(all.size());
        for (Session each : all) {
            each.abortTasks(
                    task -> which.test(each, task),
                    answer,
                    () -> victims.accept(each),
                    () -> {
                        if (left.decrementAndGet() == 0) {
                            whenEnded.run();
                        }
                    });
        }
    }

    /// Tells every nexus that a logical unit has another capacity now.
    ///
    /// @param lun its number, one that this target has
    public void capacityChanged(int lun) {
        device.capacityChanged(lun);
    }

    DeviceServer device() {
        return device;
    }

    Set<Session> sessions() {
        return sessions;
    }
}
