package io.lunkeeper.target.session;

import io.lunkeeper.target.pdu.RequestPdu.TaskManagementRequest;
import java.util.function.Consumer;
import org.jscsi.parser.tmf.TaskManagementFunctionResponseParser.ResponseCode;
import org.jspecify.annotations.Nullable;

/// TASK REASSIGN at ErrorRecoveryLevel 2 (RFC 7143 7.2.2 Allegiance Reassignment, 11.5.1 Function):
/// a command goes on on the connection of the request, where it was when its own was lost. A
/// command may have ended since: then what is left of it is its data and its status in the
/// [Unacknowledged] of the lost connection. Confined to the session's thread.
final class Reassignment {
    private final Link to;
    private final TaskSet tasks;
    private final CleanupWait lost;
    private final Links links;
    private final CommandOrder order;

    /// @param to the connection that the request came on
    Reassignment(Link to, TaskSet tasks, CleanupWait lost, Links links, CommandOrder order) {
        this.to = to;
        this.tasks = tasks;
        this.lost = lost;
        this.links = links;
        this.order = order;
    }

    /// @param respond sends the response, which comes before anything of the command
    void carryOut(TaskManagementRequest request, Consumer<ResponseCode> respond) {
        int tag = request.referencedTaskTag();
        if (isNoCommand(tag)) {
            respond.accept(ResponseCode.FUNCTION_REJECTED);
            return;
        }
        Task task = tasks.find(tag);
        Link from = task != null ? task.link() : lost.lastThatOwes(tag);
        if (from == null || (task != null && task.isAborted())) {
            respond.accept(
                    links.all().stream().anyMatch(each -> owes(each, tag))
                            ? ResponseCode.TASK_STILL_ALLEGIANT
                            : ResponseCode.TASK_DOES_NOT_EXIST);
            return;
        }
        Unacknowledged old = from.unacknowledged();
        Unacknowledged anew = to.unacknowledged();
        if (old == null || anew == null || !lost.isRecovered(from)) {
            respond.accept(ResponseCode.TASK_STILL_ALLEGIANT);
            return;
        }
        SentData data = old.dataOf(tag);
        if (data != null) {
            acknowledge(old, data, request.expDataSn());
            if (data.first() > data.acknowledged()) {
                // It was given up since the initiator did not acknowledge it when it was asked to.
                respond.accept(ResponseCode.FUNCTION_REJECTED);
                return;
            }
        }
        respond.accept(ResponseCode.FUNCTION_COMPLETE);
        move(task, old, anew, tag);
        to.produce();
    }

    /// RFC 7143 11.5.1 Function: no function, no text exchange and no logout is reassigned.
    private boolean isNoCommand(int tag) {
        return order.holdsNoCommand(tag)
                || lost.hasOtherTask(tag)
                || links.all().stream().anyMatch(each -> each.hasOtherTask(tag));
    }

    private static boolean owes(Link link, int tag) {
        Unacknowledged sent = link.unacknowledged();
        return sent != null && sent.owes(tag);
    }

    /// RFC 7143 11.5.6 ExpDataSN: 0 says nothing new, and what cannot be is ignored.
    private static void acknowledge(Unacknowledged old, SentData data, int expDataSn) {
        if (expDataSn > data.acknowledged() && expDataSn <= data.next()) {
            old.acknowledge(data, expDataSn);
        }
    }

    private void move(@Nullable Task task, Unacknowledged old, Unacknowledged anew, int tag) {
        if (task != null) {
            task.link().notReadyToSend(task);
        }
        old.moveTo(anew, tag);
        if (task != null) {
            DataOutTransfer transfer = task.dataOut();
            if (transfer != null) {
                transfer.takeRepeats(); // What waits for the lost connection never leaves it.
            }
            SentData data = anew.dataOf(tag);
            task.reassign(to, data == null ? 0 : data.next());
        }
    }
}
