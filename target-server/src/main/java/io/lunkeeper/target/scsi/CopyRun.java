package io.lunkeeper.target.scsi;

import java.io.IOException;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A third-party copy from its first piece to its status. Between two pieces it comes back to
/// whoever drives the command, so it never keeps an I/O thread from others for long, and one that
/// is aborted stops there: when the task has ended, nothing of it touches a medium any more.
///
/// Whoever drives it is its task, or nobody in particular when its command has ended: its outcomes
/// are statuses, and steps that go on by themselves.
///
/// Its pieces run on the threads for writes of the logical unit they go to, one after the other.
final class CopyRun {
    private final DeviceServer server;
    private final CopyPieces pieces;
    private final Nexus nexus;
    private final LogicalUnit unit;
    private final CopyOperation operation;
    private final Plan plan;
    private final Set<LogicalUnit> written = new LinkedHashSet<>();
    private @Nullable Stretch stretch;

    CopyRun(ThirdPartyCopies copies, Nexus nexus, CopyOperation operation, Plan plan) {
        this.server = copies.server();
        this.pieces = copies.pieces();
        this.nexus = nexus;
        this.unit = operation.origin().unit();
        this.operation = operation;
        this.plan = plan;
    }

    /// What a copy consists of.
    interface Plan {
        /// What comes next. Never blocks.
        Next next();

        /// The status of a command that cannot go on.
        Outcome.Status obstructed(Stretch.Obstacle obstacle);

        /// What is wrong with a piece although it was moved; null: nothing. Never blocks.
        default Outcome.@Nullable Status objection() {
            return null;
        }

        /// Nothing will be asked any more. Called once, also for a copy that never began.
        default void over() {}
    }

    /// What comes next in a copy.
    sealed interface Next {
        record Move(Stretch stretch) implements Next {}

        record Refused(Outcome.Status status) implements Next {}

        record Done() implements Next {}
    }

    /// Goes on to the next piece.
    Outcome proceed() {
        Stretch current = stretch;
        while (current == null || current.finished()) {
            Next next = plan.next();
            if (operation.origin().hasSegments() && !(next instanceof Next.Done)) {
                operation.segmentBegun();
            }
            switch (next) {
                case Next.Move(Stretch begun) -> current = begun;
                case Next.Refused(Outcome.Status status) -> {
                    return ended(status);
                }
                case Next.Done() -> {
                    return flush(written.iterator());
                }
            }
        }
        stretch = current;
        Stretch next = current;
        written.add(next.destination());
        return step(then ->
                next.destination().backend().writeThreads().execute(() -> move(next, then)));
    }

    private Outcome step(Consumer<Outcome.Continuation> work) {
        return new Outcome.Awaiting(
                new Outcome.AwaitedStep() {
                    @Override
                    public void begin(Outcome.Continuation then) {
                        try {
                            work.accept(then);
                        } catch (RejectedExecutionException _) {
                            then.resume(ended(unit.refuse(Sense.LOGICAL_UNIT_FAILURE)));
                        }
                    }

                    @Override
                    public void abandoned() {
                        plan.over();
                        operation.aborted();
                    }
                });
    }

    private void move(Stretch piece, Outcome.Continuation then) {
        Outcome next = null;
        try (CopyPieces.Piece _ = pieces.begin()) {
            next = operation.aborting() ? cleared() : moveNext(piece);
        } finally {
            // The initiator must hear of a bug, and the thread's handler must log it.
            then.resume(next != null ? next : ended(unit.refuse(Sense.INTERNAL_TARGET_FAILURE)));
        }
    }

    private Outcome moveNext(Stretch piece) {
        long before = piece.done();
        Stretch.Obstacle obstacle = piece.move(server, nexus);
        Outcome.Status fault = obstacle == null ? plan.objection() : plan.obstructed(obstacle);
        if (fault == null) {
            operation.copied(piece.done() - before);
        }
        return fault == null ? proceed() : ended(fault);
    }

    /// Aborted by COPY OPERATION ABORT, or together with others. Asked after the piece has begun,
    /// so whoever has aborted the copy and then waits for pieces that have begun waits for all.
    private Outcome cleared() {
        plan.over();
        operation.aborted();
        return unit.refuse(CopySense.COMMAND_CLEARED_BY_DEVICE_SERVER);
    }

    /// What was written is acknowledged as by a WRITE: without a write cache it is on stable
    /// storage first.
    private Outcome flush(Iterator<LogicalUnit> units) {
        while (units.hasNext()) {
            LogicalUnit next = units.next();
            if (!next.volatileCache()) {
                return step(then ->
                        next.backend()
                                .flush(failure ->
                                        then.resume(
                                                failure == null
                                                        ? flush(units)
                                                        : ended(
                                                                plan.obstructed(
                                                                        notFlushed(
                                                                                next, failure))))));
            }
        }
        return ended(Outcome.Status.GOOD);
    }

    private static Stretch.Obstacle notFlushed(LogicalUnit unit, IOException failure) {
        Sense sense = MediumException.sense(MediumException.flushing(failure));
        return new Stretch.Obstacle(false, unit.refuse(sense));
    }

    /// What it meets since its own unit was taken out is no fault of those that it copies between.
    private Outcome ended(Outcome.Status status) {
        boolean good = status.status() == Outcome.Status.GOOD.status();
        Outcome.Status told =
                good || server.addressableBy(nexus).contains(unit)
                        ? status
                        : unit.refuse(Sense.LOGICAL_UNIT_NOT_SUPPORTED);
        plan.over();
        operation.ended(told);
        return told;
    }
}
