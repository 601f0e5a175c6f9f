package io.lunkeeper.target.session;

import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.scsi.AutoContingentAllegiance;
import io.lunkeeper.target.scsi.DeviceServer;
import io.lunkeeper.target.scsi.Nexus;
import io.lunkeeper.target.scsi.Outcome.Status;
import io.lunkeeper.target.scsi.TaskHolder;
import io.lunkeeper.target.scsi.TaskOrder;
import io.lunkeeper.target.scsi.TaskOrder.Attribute;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import org.jscsi.parser.scsi.SCSICommandParser.TaskAttributes;
import org.jscsi.parser.scsi.SCSIStatus;
import org.jspecify.annotations.Nullable;

/// Which tasks of one session wait for others, or for the end of an ACA condition: what its
/// [TaskSet] has to do with the [TaskOrder]s of logical units and with [AutoContingentAllegiance].
/// Confined to the session's thread but for [#join] and [#allegianceChanged].
///
/// As long as there are only SIMPLE tasks this is a look at three fields per command and at one
/// reference at its end. Memory is bounded as all of a session is: tasks by the command window, the
/// data that comes with those that wait by [#MAX_DORMANT_BYTES], beyond which the answer is TASK
/// SET FULL. It must not be bounded by leaving the socket alone, as other data is: what they wait
/// for may need data from there.
final class TaskOrdering implements TaskHolder {
    /// Data of tasks that wait for their turn. Enough for a window of commands with 64 KiB each.
    static final int MAX_DORMANT_BYTES = 8 << 20;

    static final Status TASK_SET_FULL =
            new Status(SCSIStatus.TASK_SET_FULL.value() & 0xff, Unpooled.EMPTY_BUFFER);

    private static final int SIMPLE = TaskAttributes.SIMPLE.value();
    private static final int ORDERED = TaskAttributes.ORDERED.value();
    private static final int HEAD_OF_QUEUE = TaskAttributes.HEAD_OF_QUEUE.value();
    private static final int ACA = TaskAttributes.ACA.value();

    private final TaskSet set;
    private final Links links;
    private final DeviceServer device;
    private final Nexus nexus;

    /// ORDERED and HEAD OF QUEUE tasks of this session.
    private int unordinary;

    private long dormantBytes;

    private final AutoContingentAllegiance allegiance;

    TaskOrdering(TaskSet set, Links links, DeviceServer device, Nexus nexus) {
        this.set = set;
        this.links = links;
        this.device = device;
        this.nexus = nexus;
        this.allegiance = device.allegiance();
    }

    /// RFC 7143 11.3.1 Flags and Task Attributes: 5 to 7 are reserved.
    static boolean isReserved(int taskAttribute) {
        return taskAttribute > ACA;
    }

    /// Whether a command may begin without regard to others. Untagged ones are SIMPLE.
    boolean isOrdinary(ScsiCommand command) {
        return command.taskAttribute() <= SIMPLE
                && unordinary == 0
                && !device.ordersTasks(command.lun())
                && allegiance.none();
    }

    /// Begins a new task, or lets it wait for its turn.
    void enter(Task task, ScsiCommand command) {
        if (!admitted(task, command)) {
            return;
        }
        if (task.mayNotStandStill()) {
            set.begin(task, command);
            return;
        }
        TaskOrder order = device.taskOrder(nexus, command.lun());
        if (order == null) {
            set.begin(task, command);
            return;
        }
        enterRunning(order, task);
        TaskOrder.Place place =
                order.enter(
                        this,
                        attribute(command.taskAttribute()),
                        () -> set.comeBack(task.link(), task::wake));
        task.place(place);
        if (place.attribute() != Attribute.SIMPLE) {
            unordinary++;
        }
        if (place.atOnce()) {
            set.begin(task, command);
        } else if (!sleep(task, command)) {
            task.start(command, TASK_SET_FULL);
        }
    }

    private static Attribute attribute(int code) {
        if (code == ORDERED) {
            return Attribute.ORDERED;
        }
        return code == HEAD_OF_QUEUE ? Attribute.HEAD_OF_QUEUE : Attribute.SIMPLE;
    }

    private boolean sleep(Task task, ScsiCommand command) {
        int bytes = DormantCommand.reservedBytes(command, set.parameters());
        if (dormantBytes + bytes > MAX_DORMANT_BYTES) {
            return false;
        }
        dormantBytes += bytes;
        task.sleep(
                new DormantCommand(command, set.parameters(), task.link().transport().allocator()));
        return true;
    }

    /// The command of a task that waited is needed no more.
    void release(DormantCommand command) {
        dormantBytes -= command.reservedBytes();
        command.release();
    }

    /// Everything that runs without a place gets one.
    private void enterRunning(TaskOrder order, @Nullable Task except) {
        for (Task task : set.alive()) {
            if (task != except
                    && task.place() == null
                    && device.governs(order, nexus, task.lun())) {
                task.place(order.enterRunning());
            }
        }
    }

    @Override
    public void join(TaskOrder order, Runnable joined) {
        links.execute(() -> {
            try {
                enterRunning(order, null);
            } finally {
                joined.run();
            }
        });
    }

    // ---- ACA conditions

    /// Refuses a new task, unless an ACA condition has something else to say.
    void refuse(Task task, ScsiCommand command, Status status) {
        if (admitted(task, command)) {
            task.start(command, status);
        }
    }

    /// Whether a new task may begin as far as ACA conditions go; otherwise it has its status.
    private boolean admitted(Task task, ScsiCommand command) {
        boolean aca = command.taskAttribute() == ACA;
        Status refusal = allegiance.refusal(nexus, command.lun(), aca, command.cdb(), task);
        if (refusal != null) {
            task.neverStandStill();
            task.start(command, refusal);
            return false;
        }
        if (aca) {
            task.withAcaAttribute();
        } else if (allegiance.stops(nexus, command.lun())) {
            task.neverStandStill();
        }
        return true;
    }

    /// A task is about to end with CHECK CONDITION. With the ACA attribute, or NACA, that ends or
    /// begins an ACA condition, for which all other tasks stand still at once; they go on later
    /// than this.
    ///
    /// @return false when it must stand still itself
    boolean fault(Task task) {
        if (!task.naca() && !task.hasAcaAttribute()) {
            return true;
        }
        if (!allegiance.fault(nexus, task.lun(), task.hasAcaAttribute(), task.naca())) {
            return task.mayNotStandStill();
        }
        task.neverStandStill();
        for (Task other : set.alive()) {
            if (allegiance.stops(nexus, other.lun())) {
                other.standStill(true);
            }
        }
        return true;
    }

    @Override
    public void allegianceChanged() {
        links.execute(() -> {
            // A copy: tasks that go on may end, or begin conditions.
            List<Task> all = new ArrayList<>();
            set.alive().forEach(all::add);
            for (Task task : all) {
                task.standStill(allegiance.stops(nexus, task.lun()));
            }
            links.produce();
        });
    }

    /// A task has ended, and others may have their turn.
    void ended(Task task) {
        if (task.hasAcaAttribute()) {
            allegiance.ended(nexus, task.lun(), task);
        }
        TaskOrder.Place place = task.place();
        if (place != null) {
            if (place.attribute() != Attribute.SIMPLE) {
                unordinary--;
            }
            place.leave();
        }
    }
}
