package io.lunkeeper.target.session;

import io.lunkeeper.target.login.SessionParameters;
import io.lunkeeper.target.pdu.RequestPdu.TaskManagementRequest;
import io.lunkeeper.target.pdu.ResponsePdu;
import io.lunkeeper.target.scsi.DeviceServer;
import io.lunkeeper.target.scsi.Nexus;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jscsi.parser.tmf.TaskManagementFunctionResponseParser.ResponseCode;

/// One task management function (SAM-5 clause 7, RFC 7143 11.5 and 11.6, RFC 7144). The response
/// goes out when every task concerned, of whichever session, has come to rest: an initiator that
/// has it can write without fear of what it aborted.
final class TaskManagement {
    private static final int FUNCTION_COMPLETE = ResponseCode.FUNCTION_COMPLETE.value();

    /// RFC 7144: what was asked for is there. jSCSI does not have it.
    private static final int FUNCTION_SUCCEEDED = 7;

    private final Session session;
    private final Link link;
    private final SessionParameters parameters;
    private final TargetNode target;
    private final TaskSet tasks;
    private final DeviceServer device;

    /// @param link the connection that the request came on, and that the response goes to
    TaskManagement(
            Session session,
            Link link,
            SessionParameters parameters,
            TargetNode target,
            TaskSet tasks) {
        this.session = session;
        this.link = link;
        this.parameters = parameters;
        this.target = target;
        this.tasks = tasks;
        this.device = target.device();
    }

    void carryOut(TaskManagementRequest received) throws RejectedPduException {
        link.functionBegins(received.initiatorTaskTag(), received.immediate());
        TaskManagementRequest request = received.at(tasks.nexus().unit(received.lun()));
        TaskFunction function = TaskFunction.of(request.function(), parameters.protocolLevel());
        if (function == null) {
            respond(request, ResponseCode.TASK_MANAGEMENT_FUNCTION_NOT_SUPPORTED);
            return;
        }
        long lun = request.lun();
        if (function.addressed() && !device.hasUnit(lun)) {
            respond(request, ResponseCode.LUN_DOES_NOT_EXIST);
            return;
        }
        switch (function) {
            case ABORT_TASK -> abortTask(request);
            case ABORT_TASK_SET -> abortTaskSet(request);
            case CLEAR_TASK_SET -> clearTaskSet(request);
            case LOGICAL_UNIT_RESET -> resetUnits(request, List.of(lun));
            case TARGET_WARM_RESET -> resetUnits(request, device.units(tasks.nexus()));
            case TARGET_COLD_RESET -> coldReset(request);
            case TASK_REASSIGN ->
                    session.connections()
                            .reassign(link, tasks, request, response -> respond(request, response));
            case CLEAR_ACA -> clearAca(request);
            case QUERY_TASK -> queryTask(request);
            case QUERY_TASK_SET -> respondWhether(exists(lun, _ -> true), request, 0);
            case I_T_NEXUS_RESET -> resetNexus(request);
            case QUERY_ASYNCHRONOUS_EVENT -> {
                int event = device.asynchronousEvent(tasks.nexus(), lun);
                respondWhether(event != 0, request, event);
            }
        }
    }

    /// RFC 7143 11.6.1 Response: an unknown task whose number may still arrive counts as received
    /// and aborted. 11.5.1 Function: a task management function is never aborted. 4.2.5.3 Tags and
    /// Integrity Checks: nor is a task of another logical unit; it is not said that there is none,
    /// as it goes on.
    private void abortTask(TaskManagementRequest request) {
        int tag = request.referencedTaskTag();
        Task victim = tasks.find(tag);
        if (victim != null && !device.sameUnit(victim.lun(), request.lun())) {
            respond(request, ResponseCode.FUNCTION_REJECTED);
            return;
        }
        if (victim != null) {
            tasks.abort(
                    task -> task.initiatorTaskTag() == tag,
                    () -> respond(request, ResponseCode.FUNCTION_COMPLETE));
            return;
        }
        if (isFunction(tag)) {
            respond(request, ResponseCode.FUNCTION_REJECTED);
            return;
        }
        SerialNumber reference = new SerialNumber(request.refCmdSn());
        CommandWindow<?> window = session.window();
        if (window.mayArrive(reference) && reference.precedes(new SerialNumber(request.cmdSn()))) {
            session.order().forget(reference);
            respond(request, ResponseCode.FUNCTION_COMPLETE);
        } else {
            respond(request, ResponseCode.TASK_DOES_NOT_EXIST);
        }
    }

    /// Whether it goes on, or waits for its turn.
    private boolean isFunction(int tag) {
        return session.links().hasFunction(tag) || session.order().holdsFunction(tag);
    }

    private void abortTaskSet(TaskManagementRequest request) {
        Predicate<Task> which = inScope(request);
        Set<Integer> affected = tagsOf(which);
        tasks.abort(which, () -> conclude(request, affected));
    }

    /// Which tasks of this session a function for a task set concerns: those of its logical unit
    /// that were sent before it (RFC 7143 11.5.1 Function). Others may be there already, if they
    /// came on other connections. An immediate command with the same CmdSN may have been sent
    /// before.
    private Predicate<Task> inScope(TaskManagementRequest request) {
        SerialNumber number = new SerialNumber(request.cmdSn());
        CommandWindow<?> window = session.window();
        return task -> {
            SerialNumber end = task.numbered() ? number : number.plus(1);
            return device.sameUnit(task.lun(), request.lun())
                    && !window.isFrom(new SerialNumber(task.cmdSn()), end);
        };
    }

    /// SAM-5 7.4 CLEAR ACA. Where there is no condition nothing is left to do; that of another
    /// nexus is not ended.
    private void clearAca(TaskManagementRequest request) {
        respond(
                request,
                device.allegiance().clear(tasks.nexus(), request.lun())
                        ? ResponseCode.FUNCTION_COMPLETE
                        : ResponseCode.FUNCTION_REJECTED);
    }

    /// SAM-5 7.5 CLEAR TASK SET: that of this nexus, or the one that all have together (TST).
    private void clearTaskSet(TaskManagementRequest request) {
        if (device.taskControl(request.lun()).separate()) {
            abortTaskSet(request);
            return;
        }
        Predicate<Task> own = inScope(request);
        Set<Integer> affected = tagsOf(own);
        abortEverywhere(
                (owner, task) ->
                        owner == session
                                ? own.test(task)
                                : device.sameUnit(task.lun(), request.lun()),
                victim -> device.tasksCleared(request.lun(), victim),
                () -> conclude(request, affected));
    }

    private void resetUnits(TaskManagementRequest request, List<Long> units) {
        Set<Integer> affected = tagsOf(task -> isOneOf(units, task));
        resetUnits(units, () -> conclude(request, affected));
    }

    private boolean isOneOf(List<Long> units, Task task) {
        return units.stream().anyMatch(unit -> device.sameUnit(unit, task.lun()));
    }

    private void resetUnits(List<Long> units, Runnable whenDone) {
        abortEverywhere(
                (_, task) -> isOneOf(units, task),
                _ -> {},
                () -> {
                    units.forEach(device::resetUnit);
                    device.whenCopiesRest(() -> session.links().execute(whenDone));
                });
    }

    /// RFC 7143 11.5.1 Function: TARGET COLD RESET is a power on. It ends every session of the
    /// target too, and with it what its initiator may still send; so that is not waited for. Who
    /// does not see all of the target may not do that to those who see the rest.
    private void coldReset(TaskManagementRequest request) {
        if (!tasks.nexus().seesAll()) {
            respond(request, ResponseCode.FUNCTION_AUTHORIZATION_FAILED);
            return;
        }
        resetUnits(
                device.units(tasks.nexus()),
                () -> {
                    device.powerOn();
                    respond(request, ResponseCode.FUNCTION_COMPLETE);
                    for (Session each : target.sessions()) {
                        each.terminate("target cold reset", () -> {});
                    }
                });
    }

    /// Aborts tasks of every session of the target and comes back to this session's thread.
    private void abortEverywhere(
            BiPredicate<Session, Task> which, Consumer<Nexus> victims, Runnable whenDone) {
        target.abortTasks(session.nexus(), which, victims, () -> session.links().execute(whenDone));
    }

    /// The tags of this session's tasks that a function concerns.
    private Set<Integer> tagsOf(Predicate<Task> which) {
        Set<Integer> tags = new HashSet<>();
        for (Task task : tasks.alive()) {
            if (which.test(task)) {
                tags.add(task.initiatorTaskTag());
            }
        }
        return tags;
    }

    /// Responds to a function that has aborted tasks, `affected` of this session.
    private void conclude(TaskManagementRequest request, Set<Integer> affected) {
        whenConcluded(affected, () -> respond(request, ResponseCode.FUNCTION_COMPLETE));
    }

    /// Goes on when a function that has aborted tasks, `affected` of this session, may be responded
    /// to. The initiator answers first what these had asked for (RFC 7143 4.2.3.3 Standard
    /// Multi-Task Abort Semantics), unless FastAbort was negotiated (4.2.3.4), by which it sends no
    /// data any more. On other connections it has heard what there was to hear of such tasks.
    private void whenConcluded(Set<Integer> affected, Runnable then) {
        Runnable fenced = () -> session.whenAcknowledged(link, then);
        if (parameters.fastAbort()) {
            fenced.run();
        } else {
            tasks.whenAnswered(affected, fenced);
        }
    }

    /// Whether this session has such a task for a logical unit.
    private boolean exists(long lun, Predicate<Task> which) {
        for (Task task : tasks.alive()) {
            if (which.test(task) && device.sameUnit(task.lun(), lun)) {
                return true;
            }
        }
        return false;
    }

    /// RFC 7144 6.3 Task Management Function Additions: the session ends, whatever Time2Wait and
    /// Time2Retain it has, and with it its nexus (SAM-5 7.6 I_T NEXUS RESET). The response is the
    /// last that its initiator hears (6.4.2); before, it is a multi-task abort (6.5).
    private void resetNexus(TaskManagementRequest request) {
        Set<Integer> affected = tagsOf(_ -> true);
        session.stopTasks(() ->
                whenConcluded(
                        affected,
                        () ->
                                session.connections()
                                        .closeAll(
                                                "I_T nexus reset",
                                                () ->
                                                        respond(
                                                                request,
                                                                ResponseCode.FUNCTION_COMPLETE))));
    }

    /// RFC 7144 6.3: a task management function is not asked after.
    private void queryTask(TaskManagementRequest request) {
        int tag = request.referencedTaskTag();
        if (isFunction(tag)) {
            respond(request, ResponseCode.FUNCTION_REJECTED);
        } else {
            Predicate<Task> which = task -> task.initiatorTaskTag() == tag;
            respondWhether(exists(request.lun(), which), request, 0);
        }
    }

    /// What a query has found.
    private void respondWhether(boolean found, TaskManagementRequest request, int additional) {
        respond(request, found ? FUNCTION_SUCCEEDED : FUNCTION_COMPLETE, additional);
    }

    private void respond(TaskManagementRequest request, ResponseCode response) {
        respond(request, response.value() & 0xff, 0);
    }

    private void respond(TaskManagementRequest request, int response, int additional) {
        link.functionEnds(request.initiatorTaskTag());
        link.send(
                new ResponsePdu.TaskManagementResponse(
                        response,
                        additional,
                        request.initiatorTaskTag(),
                        link.takeStatSn(),
                        session.window().expCmdSn(),
                        session.window().maxCmdSn()));
    }
}
