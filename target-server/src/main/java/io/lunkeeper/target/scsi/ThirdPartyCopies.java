package io.lunkeeper.target.scsi;

import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jscsi.parser.scsi.SCSIStatus;
import org.jspecify.annotations.Nullable;

/// The copy manager of one target (SPC-4 5.17 Third-party copies): copies between its logical
/// units, and what is to be told of them. Safe from any thread.
final class ThirdPartyCopies {
    private final DeviceServer server;
    private final CopyOperations operations = new CopyOperations();
    private final CopyPieces pieces = new CopyPieces();
    private final RodTokens tokens;

    ThirdPartyCopies(DeviceServer server) {
        this.server = server;
        this.tokens = new RodTokens(server.targetName(), System::nanoTime);
    }

    DeviceServer server() {
        return server;
    }

    /// What is under way at this moment.
    CopyPieces pieces() {
        return pieces;
    }

    Outcome extendedCopy(Nexus nexus, LogicalUnit unit, Cdb.ExtendedCopy cdb) {
        return ExtendedCopy.begin(this, nexus, unit, cdb);
    }

    Outcome populateToken(Nexus nexus, LogicalUnit unit, Cdb.PopulateToken cdb) {
        return PopulateToken.begin(this, nexus, unit, cdb);
    }

    Outcome writeUsingToken(Nexus nexus, LogicalUnit unit, Cdb.WriteUsingToken cdb) {
        return WriteUsingToken.begin(this, nexus, unit, cdb);
    }

    /// SPC-4 6.3 COPY OPERATION ABORT command: its status says that nothing of the copy touches a
    /// medium any more.
    Outcome abort(Nexus nexus, LogicalUnit unit, Cdb.CopyOperationAbort cdb) {
        Optional<CopyOperation> running =
                operations.find(nexus, unit, cdb.listIdentifier()).filter(CopyOperation::running);
        return running.isPresent()
                ? new Outcome.Watching(
                        then -> running.get().abort(() -> then.resume(Outcome.Status.GOOD)))
                : unit.refuse(Sense.invalidFieldInCdb(CopyResults.LIST_IDENTIFIER_BYTE));
    }

    RodTokens tokens() {
        return tokens;
    }

    Outcome results(Nexus nexus, LogicalUnit unit, Cdb.ReceiveCopyResults cdb) {
        return CopyResults.answer(unit, operations.find(nexus, unit, cdb.listIdentifier()), cdb);
    }

    /// The logical units that a nexus may copy from and to.
    List<LogicalUnit> addressableBy(Nexus nexus) {
        return server.addressableBy(nexus);
    }

    /// Starts a copy, if there may be one more. In the background it drives itself from step to
    /// step, and whatever becomes of it is only told when somebody asks.
    ///
    /// @param listIdentifier empty when nobody will ask for it
    Outcome start(
            Nexus nexus, OptionalLong listIdentifier, CopyOperation operation, CopyRun.Plan plan) {
        Outcome.Status refusal = admit(nexus, listIdentifier, operation);
        if (refusal != null) {
            plan.over();
            return refusal;
        }
        Outcome first = new CopyRun(this, nexus, operation, plan).proceed();
        if (!operation.origin().background()) {
            return first;
        }
        goOn(first);
        return Outcome.Status.GOOD;
    }

    private static void goOn(Outcome next) {
        if (next instanceof Outcome.Awaiting(Outcome.AwaitedStep step)) {
            step.begin(ThirdPartyCopies::goOn);
        }
    }

    /// Takes note of a copy that begins.
    ///
    /// @return null when it may
    Outcome.@Nullable Status admit(
            Nexus nexus, OptionalLong listIdentifier, CopyOperation operation) {
        return switch (operations.begin(nexus, listIdentifier, operation)) {
            case null -> null;
            case IDENTIFIER_IN_USE ->
                    operation.origin().unit().refuse(CopySense.OPERATION_IN_PROGRESS);
            case BUSY -> new Outcome.Status(SCSIStatus.BUSY.value() & 0xff, Unpooled.EMPTY_BUFFER);
        };
    }

    /// Goes on when every piece of a copy that has begun has ended: at once, or on the thread of
    /// the last, which must not be blocked.
    void whenAtRest(Runnable then) {
        pieces.whenEnded(then);
    }

    /// Ends the copies of a nexus whose commands have ended, and goes on when nothing of them runs
    /// any more: at once, or on an I/O thread, which must not be blocked.
    void abort(Nexus nexus, Runnable whenEnded) {
        List<CopyOperation> all = operations.inBackground(nexus::equals, _ -> true);
        AtomicInteger left = new AtomicInteger(all.size() + 1);
        Runnable one =
                () -> {
                    if (left.decrementAndGet() == 0) {
                        whenEnded.run();
                    }
                };
        all.forEach(each -> each.abort(one));
        one.run();
    }

    /// Ends those of some nexuses that a unit has the commands of, and does not wait: a piece that
    /// has begun may still run, so [#whenAtRest] comes next.
    void abort(Predicate<Nexus> nexuses, LogicalUnit unit) {
        operations.inBackground(nexuses, unit::equals).forEach(each -> each.abort(() -> {}));
    }

    /// I_T nexus loss.
    void forget(Nexus nexus) {
        operations.forget(nexus);
    }

    /// Logical unit reset (SPC-4 5.17.5 Responses to the conditions that result from SCSI events).
    void forget(LogicalUnit unit) {
        abort(_ -> true, unit);
        operations.forget(unit);
    }

    /// A logical unit is there no more.
    void removed(LogicalUnit unit) {
        forget(unit);
        forgetTokens(unit);
    }

    /// Power on: tokens do not outlive it.
    void forgetTokens(LogicalUnit unit) {
        tokens.forget(unit);
    }
}
