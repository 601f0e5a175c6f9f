package io.lunkeeper.target.session;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
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
        /// Inside the window, with a gap before it; see [#hold].
        EARLY,
        /// Outside the window or a duplicate: to be ignored.
        IGNORED
    }

    Arrival arrive(SerialNumber cmdSn) {
        boolean outside = cmdSn.precedes(expected) || maximum.precedes(cmdSn);
        if (outside || (!early.isEmpty() && early.containsKey(cmdSn.value()))) {
            return Arrival.IGNORED;
        }
        if (!cmdSn.equals(expected)) {
            return Arrival.EARLY;
        }
        expected = expected.plus(1);
        return Arrival.DUE;
    }

    /// Keeps an early command until its turn; see [#takeDue].
    void hold(SerialNumber cmdSn, C command) {
        early.put(cmdSn.value(), Optional.of(command));
    }

    /// The commands that are held.
    List<C> held() {
        return early.values().stream().flatMap(Optional::stream).toList();
    }

    /// The held command whose turn has come, or null; ExpCmdSN advances past it.
    ///
    /// @param ready whether it can be carried out; until it can it counts as not received
    @Nullable C takeDue(Predicate<C> ready) {
        while (!early.isEmpty()) {
            Optional<C> next = early.get(expected.value());
            if (next == null || next.filter(ready.negate()).isPresent()) {
                return null;
            }
            early.remove(expected.value());
            expected = expected.plus(1);
            if (next.isPresent()) {
                return next.get();
            }
            ended();
        }
        return null;
    }

    /// The command that was due last has been rejected: it was never received, and its number is
    /// waited for (RFC 7143 7.3 Usage of Reject PDU in Recovery).
    void takeBack() {
        expected = expected.plus(-1);
    }

    /// Counts a number as received though its command will never be carried out: an ABORT TASK came
    /// for it (RFC 7143 11.6.1). It has ended only when ExpCmdSN passes it: otherwise an initiator
    /// that leaves a gap could have numbers behind it remembered without end.
    ///
    /// @return the command that was held under it, which is dropped; or null
    @Nullable C forget(SerialNumber cmdSn) {
        Optional<C> held = early.get(cmdSn.value());
        if (held == null && cmdSn.equals(expected)) {
            expected = expected.plus(1);
            ended();
            return null;
        }
        early.put(cmdSn.value(), Optional.empty());
        return held == null ? null : held.orElse(null);
    }

    /// Drops the held commands that `which` selects, as if they had never arrived.
    ///
    /// @return those commands
    List<C> discardHeld(Predicate<C> which) {
        List<C> dropped = new ArrayList<>();
        early.values()
                .removeIf(held -> {
                    boolean selected = held.filter(which).isPresent();
                    held.filter(which).ifPresent(dropped::add);
                    return selected;
                });
        return dropped;
    }

    /// Whether the number is one that may still arrive: RefCmdSN inside the window.
    boolean mayArrive(SerialNumber cmdSn) {
        return !cmdSn.precedes(expected) && !maximum.precedes(cmdSn);
    }

    /// Whether a command that is alive has the number `from` or a later one. One that is older by
    /// 2^31 commands looks later too; but none is later than the initiator may send.
    boolean isFrom(SerialNumber cmdSn, SerialNumber from) {
        return !cmdSn.precedes(from) && !maximum.plus(1).precedes(cmdSn);
    }

    /// A numbered command has ended: there is room for one more.
    void ended() {
        maximum = maximum.plus(1);
    }

    /// It has not ended after all: it is taken back.
    void notEnded() {
        maximum = maximum.plus(-1);
    }

    int expCmdSn() {
        return expected.value();
    }

    int maxCmdSn() {
        return maximum.value();
    }
}
