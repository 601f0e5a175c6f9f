package io.lunkeeper.target.session;

import io.lunkeeper.target.login.SessionParameters;
import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/// A command that waits for its turn in the task set, with the data that came unasked: at most
/// FirstBurstLength of it, in a buffer of its own, so that it does not hold up the socket. Nothing
/// is asked for meanwhile. Its turn has come when the task set says so and its unsolicited data is
/// whole.
final class DormantCommand {
    private final ScsiCommand command;
    private final ByteBuf cdb;
    private final ByteBuf data;
    private final int reservedBytes;
    private final DataOutTransfer unsolicited;
    private final boolean recovers;
    private boolean due;
    private boolean incomplete;

    /// @param command one that [DataOutTransfer#judge] finds nothing wrong with
    DormantCommand(ScsiCommand command, SessionParameters parameters, ByteBufAllocator allocator) {
        this.command = command;
        this.cdb = Unpooled.copiedBuffer(command.cdb());
        this.recovers = parameters.errorRecoveryLevel() > 0;
        this.reservedBytes = reservedBytes(command, parameters);
        this.data = allocator.directBuffer(reservedBytes, reservedBytes);
        this.unsolicited = new DataOutTransfer(command, parameters, 0);
        ByteBuf immediate = command.data();
        data.writeBytes(immediate, immediate.readerIndex(), immediate.readableBytes());
    }

    /// How much memory for data the command needs while it waits.
    static int reservedBytes(ScsiCommand command, SessionParameters parameters) {
        return command.finalBit()
                ? command.data().readableBytes()
                : (int)
                        Math.min(
                                parameters.firstBurstLength(),
                                command.expectedDataTransferLength());
    }

    int reservedBytes() {
        return reservedBytes;
    }

    /// No more of the data is waited for.
    void timeOut() {
        unsolicited.timeOut();
    }

    /// Takes unsolicited data, in order and within FirstBurstLength as [DataOutTransfer] sees to.
    /// What [DataOutTransfer#misses] is asked for once the command has begun; that some is missing
    /// where nothing is asked for again is told when no more comes.
    ///
    /// @param intact whether it is what was sent
    DataOutTransfer.@Nullable Violation receive(DataOut pdu, boolean intact) {
        if (recovers && unsolicited.misses(pdu, intact)) {
            return null;
        }
        DataOutTransfer.Violation violation = unsolicited.receive(pdu);
        if (violation == DataOutTransfer.Violation.DATA_MISSING) {
            incomplete = true;
        } else if (violation != null) {
            return violation;
        }
        if (incomplete) {
            return whole() ? DataOutTransfer.Violation.DATA_MISSING : null;
        }
        data.writeBytes(pdu.data(), pdu.data().readerIndex(), pdu.data().readableBytes());
        return null;
    }

    /// Whether no more data comes unasked.
    boolean whole() {
        return unsolicited.finished() && !unsolicited.isBrokenOff();
    }

    /// The task set lets it run.
    void due() {
        due = true;
    }

    /// Whether it is to begin now.
    boolean ready() {
        return due && whole();
    }

    /// The command as if all that came unasked had come with it; good until [#release].
    ScsiCommand command() {
        return command.carrying(cdb, data);
    }

    /// Gives the memory back.
    void release() {
        data.release();
    }
}
