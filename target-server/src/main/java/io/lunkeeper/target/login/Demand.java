package io.lunkeeper.target.login;

import java.util.Collections;
import java.util.List;

/// What an initiator has to prove before it is let in.
///
/// @param required whether it must prove one of the accounts; otherwise it may
/// @param accounts those that count; none: nothing that is proven does
/// @param whyNone for the log, why there are none although the initiator is asked for them; or
///   empty
public record Demand(boolean required, List<ChapAccount> accounts, String whyNone) {

    /// Nothing needs to be proven, and nothing can be.
    public static final Demand NOTHING = new Demand(false, List.of(), "");

    /// One of the accounts must be proven.
    public static Demand anyOf(List<ChapAccount> accounts) {
        return new Demand(true, accounts, "");
    }

    /// One of the accounts may be proven.
    public static Demand optionally(List<ChapAccount> accounts) {
        return new Demand(false, accounts, "");
    }

    /// Nothing needs to be proven, and whoever tries all the same must not see that there is
    /// nothing to be proven.
    ///
    /// @param why for the log
    public static Demand inVain(String why) {
        return new Demand(false, List.of(), why);
    }

    /// Nothing helps. The initiator must not see the difference to a wrong secret, so it is asked
    /// for one.
    ///
    /// @param why for the log
    public static Demand impossible(String why) {
        return new Demand(true, List.of(), why);
    }

    /// Whether there is anything to authenticate for.
    boolean concernsAnybody() {
        return required || !accounts.isEmpty() || !whyNone.isEmpty();
    }

    /// Whether it is enough to have proven these.
    boolean isMetBy(List<ChapAccount> proven) {
        return !required || !Collections.disjoint(accounts, proven);
    }
}
