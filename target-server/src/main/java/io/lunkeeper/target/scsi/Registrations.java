package io.lunkeeper.target.scsi;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// Who is registered with a logical unit and who has reserved it: one state, never changed (SPC-4
/// 5.13 Reservations).
///
/// @param generation PRGENERATION, which counts changes of registrations since power on
/// @param keys the reservation key of each registered nexus, oldest first
/// @param reservation the persistent reservation, if there is one
/// @param persistent whether this survives a loss of power (APTPL)
/// @param lost whether nobody knows who is registered and who has reserved it (SPC-4 5.13.5.3.2
///   Recoverable loss of persistent reservation information)
record Registrations(
        int generation,
        SequencedMap<NexusName, Long> keys,
        @Nullable Reservation reservation,
        boolean persistent,
        boolean lost) {

    static final Registrations NONE = kept(new LinkedHashMap<>(), null, false);

    static final Registrations LOST = new Registrations(0, new LinkedHashMap<>(), null, true, true);

    /// What there is before any change that is counted.
    static Registrations kept(
            SequencedMap<NexusName, Long> keys,
            @Nullable Reservation reservation,
            boolean persistent) {
        return new Registrations(0, keys, reservation, persistent, false);
    }

    /// A persistent reservation.
    ///
    /// @param holder the nexus that holds it; null when all that are registered do
    record Reservation(ReservationType type, @Nullable NexusName holder) {
        static Reservation of(ReservationType type, NexusName holder) {
            return new Reservation(type, type.heldByAll() ? null : holder);
        }
    }

    boolean registered(NexusName nexus) {
        return keys.containsKey(nexus);
    }

    /// Whether a nexus holds the reservation, alone or with all others.
    boolean holds(NexusName nexus) {
        return reservation != null
                && (reservation.holder() == null
                        ? registered(nexus)
                        : nexus.equals(reservation.holder()));
    }

    /// Whether a command of a nexus conflicts with the reservation (SPC-4 5.13.1, Commands that are
    /// allowed in the presence of various reservations).
    boolean conflict(NexusName nexus, Claim claim) {
        Reservation held = reservation;
        if (held == null || claim == Claim.NOTHING) {
            return false;
        }
        boolean admitted =
                held.type().admitsRegistrants() ? registered(nexus) : nexus.equals(held.holder());
        return !admitted && (claim == Claim.CHANGE || held.type().excludesReads());
    }

    /// What a command does to the medium, as reservations see it.
    enum Claim {
        /// Allowed whoever has reserved the unit.
        NOTHING,
        /// Allowed where only writing is reserved.
        LOOK,
        CHANGE
    }

    Registrations withKeys(Map<NexusName, Long> changed) {
        return new Registrations(
                generation + 1, new LinkedHashMap<>(changed), reservation, persistent, lost);
    }

    Registrations withReservation(@Nullable Reservation changed) {
        return new Registrations(generation, keys, changed, persistent, lost);
    }

    Registrations withPersistence(boolean changed) {
        return new Registrations(generation, keys, reservation, changed, lost);
    }
}
