package io.lunkeeper.target.session;

import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.Numbered;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/// A numbered request that came before an older one, which is on its way on another connection.
/// With a SCSI command goes the data that comes unasked. It is ready when that is whole: it follows
/// its command on the same connection, so this does not take long.
final class EarlyCommand {
    private final Link link;
    private final Numbered pdu;
    private final int bytes;
    private final boolean dataFollows;
    private @Nullable DormantCommand data;
    private DataOutTransfer.@Nullable Violation violation;

    /// A request that outlives the receive buffer.
    ///
    /// @param bytes of data in it
    EarlyCommand(Link link, Numbered pdu, int bytes) {
        this.link = link;
        this.pdu = pdu;
        this.bytes = bytes;
        this.dataFollows = false;
    }

    /// A SCSI command with its data.
    EarlyCommand(Link link, ScsiCommand command, DormantCommand data) {
        this.link = link;
        this.pdu = command;
        this.bytes = data.reservedBytes();
        this.dataFollows = !command.finalBit();
        this.data = data;
    }

    /// A SCSI command that will be refused, whose data is not kept.
    ///
    /// @param violation why; null: there is no room for it
    EarlyCommand(Link link, ScsiCommand command, DataOutTransfer.@Nullable Violation violation) {
        this.link = link;
        this.pdu = command.carrying(Unpooled.copiedBuffer(command.cdb()), Unpooled.EMPTY_BUFFER);
        this.bytes = 0;
        this.dataFollows = !command.finalBit();
        this.violation = violation;
    }

    /// The connection that it came on.
    Link link() {
        return link;
    }

    Numbered pdu() {
        return pdu;
    }

    /// Bytes of data that are kept for it.
    int bytes() {
        return bytes;
    }

    /// Whether a Data-Out PDU of this connection belongs to it.
    boolean takes(Link from, DataOut pdu) {
        return from == link
                && this.pdu instanceof ScsiCommand command
                && command.initiatorTaskTag() == pdu.initiatorTaskTag();
    }

    /// Takes unsolicited data; drops it when the command will be refused.
    ///
    /// @param intact whether it is what was sent
    void receive(DataOut pdu, boolean intact) {
        if (data != null && violation == null) {
            violation = data.receive(pdu, intact);
        }
    }

    /// Its data is not waited for any more.
    void timeOut() {
        if (data != null) {
            data.timeOut();
        }
    }

    /// Whether nothing but its turn is missing.
    boolean ready() {
        return data == null || violation != null || data.whole();
    }

    /// Whether data may still come for it when it is ready, and will not be used.
    boolean dataIsLate() {
        return dataFollows && (data == null || !data.whole());
    }

    /// The SCSI command with all data that came; good until [#release].
    ScsiCommand command() {
        if (data != null) {
            return data.command();
        }
        return (ScsiCommand) pdu;
    }

    /// Whether the command is refused.
    boolean refused() {
        return data == null || violation != null;
    }

    /// What is wrong with its data; null: nothing, or there was no room for it.
    DataOutTransfer.@Nullable Violation violation() {
        return violation;
    }

    /// Gives the memory back.
    void release() {
        if (data != null) {
            data.release();
        }
    }
}
