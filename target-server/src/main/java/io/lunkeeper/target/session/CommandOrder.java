package io.lunkeeper.target.session;

import io.lunkeeper.target.login.SessionParameters;
import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.RequestPdu.DataOut;
import io.lunkeeper.target.pdu.RequestPdu.NopOut;
import io.lunkeeper.target.pdu.RequestPdu.Numbered;
import io.lunkeeper.target.pdu.RequestPdu.ScsiCommand;
import io.lunkeeper.target.pdu.RequestPdu.TaskManagementRequest;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jscsi.parser.reject.RejectParser.ReasonCode;

/// In which order the requests of one session are carried out (RFC 7143 4.2.2.1 Command Numbering
/// and Acknowledging): by CmdSN, whichever connection they come on. Confined to the session's
/// thread.
///
/// One connection delivers in order, several of them together do not, so requests that come ahead
/// of a gap wait here. Their number is bounded by the command window and their data by
/// [#MAX_BYTES]: of SCSI commands beyond that the data is dropped and the answer, when it is their
/// turn, TASK SET FULL. Sockets are not left alone meanwhile: an initiator that waits for one may
/// not get to send what is missing on another.
final class CommandOrder {
    /// Data of requests that wait for an older one. Enough for a window of commands with 64 KiB
    /// each.
    static final int MAX_BYTES = 8 << 20;

    /// Task management functions that wait for commands which were sent before: so many of a
    /// session, and one of each connection.
    static final int MAX_EARLY_FUNCTIONS = 16;

    private final Session session;
    private final CommandWindow<EarlyCommand> window;
    private final SessionParameters parameters;
    private final List<EarlyFunction> early = new ArrayList<>();
    private long bytes;

    /// A task management function that waits for commands which were sent before it.
    private record EarlyFunction(Link link, TaskManagementRequest request) {}

    CommandOrder(
            Session session, CommandWindow<EarlyCommand> window, SessionParameters parameters) {
        this.session = session;
        this.window = window;
        this.parameters = parameters;
    }

    /// Takes a request, and has it carried out when it is its turn.
    void arrive(Link link, Numbered pdu) throws RejectedPduException, MalformedPduException {
        if (pdu.immediate()) {
            if (pdu instanceof TaskManagementRequest request && waitsForCommands(request)) {
                keepEarly(link, request);
            } else {
                session.carryOut(link, pdu);
            }
            return;
        }
        SerialNumber number = new SerialNumber(pdu.cmdSn());
        switch (window.arrive(number)) {
            case DUE -> {
                try {
                    session.carryOut(link, pdu);
                } catch (RejectedPduException | MalformedPduException refused) {
                    window.takeBack();
                    throw refused;
                }
                goOn();
            }
            case EARLY -> keep(link, number, pdu);
            case IGNORED -> {}
        }
    }

    /// Carries out what waited for a request that has come: a task management function after all
    /// commands that were sent before it, and before those that were sent after it.
    private void goOn() {
        carryOutFunctions();
        EarlyCommand due = window.takeDue(EarlyCommand::ready);
        while (due != null) {
            try {
                session.carryOut(due);
            } catch (RejectedPduException | MalformedPduException fault) {
                window.takeBack();
                refuse(due.link(), fault);
            } finally {
                release(due);
            }
            carryOutFunctions();
            due = window.takeDue(EarlyCommand::ready);
        }
    }

    private void carryOutFunctions() {
        while (!early.isEmpty() && !waitsForCommands(early.getFirst().request())) {
            EarlyFunction function = early.removeFirst();
            try {
                session.carryOut(function.link(), function.request());
            } catch (RejectedPduException | MalformedPduException fault) {
                refuse(function.link(), fault);
            }
        }
    }

    /// Of a request that had to wait there is no header any more that a Reject could show.
    private void refuse(Link link, Exception fault) {
        session.connections().drop(link, "protocol error: " + fault.getMessage());
    }

    /// RFC 7143 4.2.3.3 Standard Multi-Task Abort Semantics: commands that were sent before such a
    /// function and have not come yet are waited for, as it concerns them too. They can be missing
    /// only where CmdSN has a gap.
    private boolean waitsForCommands(TaskManagementRequest request) {
        TaskFunction function = TaskFunction.of(request.function(), parameters.protocolLevel());
        SerialNumber before = new SerialNumber(request.cmdSn()).plus(-1);
        return function != null && function.waitsForCommands() && window.mayArrive(before);
    }

    /// RFC 7143 4.2.2.1 Command Numbering and Acknowledging: there is room for one of each
    /// connection at any time.
    private void keepEarly(Link link, TaskManagementRequest request) throws RejectedPduException {
        if (early.size() >= MAX_EARLY_FUNCTIONS
                && early.stream().anyMatch(function -> function.link() == link)) {
            throw new RejectedPduException(
                    ReasonCode.IMMEDIATE_COMMAND_REJECT, "too many functions wait for commands");
        }
        early.add(new EarlyFunction(link, request));
    }

    /// Whether a task management function with this tag waits for its turn.
    boolean holdsFunction(int initiatorTaskTag) {
        return holds(initiatorTaskTag, TaskManagementRequest.class::isInstance);
    }

    /// Whether something else than a SCSI command with this tag waits for its turn.
    boolean holdsNoCommand(int initiatorTaskTag) {
        return holds(initiatorTaskTag, pdu -> !(pdu instanceof ScsiCommand));
    }

    private boolean holds(int initiatorTaskTag, Predicate<Numbered> which) {
        return Stream.concat(
                        early.stream().map(EarlyFunction::request),
                        window.held().stream().map(EarlyCommand::pdu))
                .anyMatch(pdu -> pdu.initiatorTaskTag() == initiatorTaskTag && which.test(pdu));
    }

    // ---- numbers without a request

    /// Counts a CmdSN as received whose command will never be carried out, because it was aborted
    /// before it came.
    void forget(SerialNumber cmdSn) {
        EarlyCommand dropped = window.forget(cmdSn);
        if (dropped != null) {
            if (dropped.dataIsLate()) {
                session.retire(dropped.pdu());
            }
            release(dropped);
        }
        goOn();
    }

    /// Drops what has come on a connection and is not due. It counts as never received, so that it
    /// may come again (RFC 7143 11.14 Logout Request).
    void discard(Link link) {
        early.removeIf(function -> function.link() == link);
        window.discardHeld(command -> command.link() == link).forEach(this::release);
        goOn();
    }

    /// Drops everything.
    void clear() {
        early.clear();
        window.discardHeld(_ -> true).forEach(this::release);
    }

    // ---- requests ahead of a gap

    private void keep(Link link, SerialNumber number, Numbered pdu) throws RejectedPduException {
        EarlyCommand kept = kept(link, pdu);
        window.hold(number, kept);
        bytes += kept.bytes();
    }

    private EarlyCommand kept(Link link, Numbered pdu) throws RejectedPduException {
        return switch (pdu) {
            case ScsiCommand command -> command(link, command);
            case TextRequest text -> new EarlyCommand(link, copy(text), size(text.data()));
            case NopOut ping -> new EarlyCommand(link, copy(ping), size(ping.data()));
            default -> new EarlyCommand(link, pdu, 0);
        };
    }

    private EarlyCommand command(Link link, ScsiCommand command) {
        DataOutTransfer.Violation violation = DataOutTransfer.judge(command, parameters);
        if (violation != null
                || bytes + DormantCommand.reservedBytes(command, parameters) > MAX_BYTES) {
            return new EarlyCommand(link, command, violation);
        }
        return new EarlyCommand(
                link,
                command,
                new DormantCommand(command, parameters, link.transport().allocator()));
    }

    private int size(ByteBuf data) throws RejectedPduException {
        if (bytes + data.readableBytes() > MAX_BYTES) {
            throw new RejectedPduException(
                    ReasonCode.LONG_OPERATION_REJECT, "too much waits for an older command");
        }
        return data.readableBytes();
    }

    private static TextRequest copy(TextRequest t) {
        return new TextRequest(
                t.immediate(),
                t.finalBit(),
                t.continueBit(),
                t.lun(),
                t.initiatorTaskTag(),
                t.targetTransferTag(),
                t.cmdSn(),
                t.expStatSn(),
                Unpooled.copiedBuffer(t.data()));
    }

    private static NopOut copy(NopOut n) {
        return new NopOut(
                n.immediate(),
                n.lun(),
                n.initiatorTaskTag(),
                n.targetTransferTag(),
                n.cmdSn(),
                n.expStatSn(),
                Unpooled.copiedBuffer(n.data()));
    }

    /// Hands a Data-Out PDU to its command, if that waits here.
    ///
    /// @param intact whether its data is what was sent
    boolean receive(Link link, DataOut pdu, boolean intact) {
        for (EarlyCommand each : window.held()) {
            if (each.takes(link, pdu)) {
                each.receive(pdu, intact);
                goOn();
                return true;
            }
        }
        return false;
    }

    /// No data has come on a connection for too long: what is missing is asked for when it is the
    /// turn of its command.
    void timeOut(Link link) {
        for (EarlyCommand each : window.held()) {
            if (each.link() == link) {
                each.timeOut();
            }
        }
        goOn();
    }

    private void release(EarlyCommand command) {
        bytes -= command.bytes();
        command.release();
    }
}
