package io.lunkeeper.target.session;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The numbering of one session's commands (RFC 7143 4.2.2.1 Command Numbering and Acknowledging).
///
/// A command is due when its CmdSN is ExpCmdSN; one inside the window but early is held until the
/// gap before it closes; one outside the window is silently ignored, as the clause demands.
/// MaxCmdSN advances when a command ends and never otherwise, so that no initiator has more than
/// `size` commands alive here.
///
/// @param <C> what is held
final class CommandWindow<C> {
    /// By number; empty for one that is counted as received without a command.
    private final Map<Integer, Optional<C>> early = new HashMap<>();

    private SerialNumber expected;
    private SerialNumber maximum;

    CommandWindow(SerialNumber first, int size) {
        assert size > 0;
        this.expected = first;
        this.maximum = first.plus(size - 1);
    }

    /// What becomes of an arriving command.
    enum Arrival {
        /// To be carried out now; ExpCmdSN has advanced past it.
        DUE,
        /// Held until its turn; see [#takeDue].
        HELD,
        /// Outside the window or a duplicate: to be ignored.
        IGNORED
    }

    Arrival arrive(SerialNumber cmdSn, C command) {
        if (cmdSn.equals(expected)) {
            expected = expected.plus(1);
            return maximum.precedes(cmdSn) ? outside() : Arrival.DUE;
        }
        if (cmdSn.precedes(expected) || maximum.precedes(cmdSn)) {
            return Arrival.IGNORED;
        }
        Optional<C> held = early.putIfAbsent(cmdSn.value(), Optional.of(command));
        return held == null ? Arrival.HELD : Arrival.IGNORED;
    }

    private Arrival outside() {
        expected = expected.plus(-1);
        return Arrival.IGNORED;
    }

    /// The held command whose turn has come, or null; ExpCmdSN advances past it.
    @Nullable C takeDue() {
        while (!early.isEmpty()) {
            Optional<C> next = early.remove(expected.value());
            if (next == null) {
                return null;
            }
            expected = expected.plus(1);
            if (next.isPresent()) {
                return next.get();
            }
            ended();
        }
        return null;
    }

    /// Counts a number as received though its command will never be carried out: it was rejected,
    /// or an ABORT TASK came for it (RFC 7143 11.6.1). What was held under it is dropped. It has
    /// ended only when ExpCmdSN passes it: otherwise an initiator that leaves a gap could have
    /// numbers behind it remembered without end.
    void forget(SerialNumber cmdSn) {
        if (cmdSn.equals(expected)) {
            expected = expected.plus(1);
            ended();
        } else {
            early.put(cmdSn.value(), Optional.empty());
        }
    }

    /// Whether the number is one that may still arrive: RefCmdSN inside the window.
    boolean mayArrive(SerialNumber cmdSn) {
        return !cmdSn.precedes(expected) && !maximum.precedes(cmdSn);
    }

    /// A numbered command has ended: there is room for one more.
    void ended() {
        maximum = maximum.plus(1);
    }

    int expCmdSn() {
        return expected.value();
    }

    int maxCmdSn() {
        return maximum.value();
    }

    int heldCount() {
        return early.size();
    }
}
