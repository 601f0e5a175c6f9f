package io.lunkeeper.target.scsi;

import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.OptionalLong;
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

    /// Starts a copy, if there may be one more.
    ///
    /// @param listIdentifier empty when nobody will ask for it
    Outcome start(
            Nexus nexus,
            LogicalUnit unit,
            OptionalLong listIdentifier,
            CopyOperation operation,
            CopyRun.Plan plan) {
        Outcome.Status refusal = admit(nexus, unit, listIdentifier, operation);
        if (refusal != null) {
            plan.over();
            return refusal;
        }
        return new CopyRun(this, nexus, unit, operation, plan).proceed();
    }

    /// Takes note of a copy that begins.
    ///
    /// @return null when it may
    Outcome.@Nullable Status admit(
            Nexus nexus, LogicalUnit unit, OptionalLong listIdentifier, CopyOperation operation) {
        return switch (operations.begin(nexus, unit, listIdentifier, operation)) {
            case null -> null;
            case IDENTIFIER_IN_USE -> unit.refuse(CopySense.OPERATION_IN_PROGRESS);
            case BUSY -> new Outcome.Status(SCSIStatus.BUSY.value() & 0xff, Unpooled.EMPTY_BUFFER);
        };
    }

    /// Goes on when every piece of a copy that has begun has ended: at once, or on the thread of
    /// the last, which must not be blocked.
    void whenAtRest(Runnable then) {
        pieces.whenEnded(then);
    }

    /// I_T nexus loss.
    void forget(Nexus nexus) {
        operations.forget(nexus);
    }

    /// Logical unit reset.
    void forget(LogicalUnit unit) {
        operations.forget(unit);
    }

    /// A logical unit is there no more.
    void removed(LogicalUnit unit) {
        operations.forget(unit);
        tokens.forget(unit);
    }
}
