package io.lunkeeper.target.scsi;

import io.lunkeeper.target.scsi.Registrations.Reservation;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What a PERSISTENT RESERVE OUT command makes of the registrations of a logical unit (SPC-4 5.13
/// Reservations). Pure: from a state and a request to a [Verdict].
final class ReservationRules {
    /// Registered nexuses of one logical unit, at most: bounds memory.
    static final int MAX_REGISTRATIONS = 1024;

    private final Registrations now;
    private final ReservationRequest request;
    private final NexusName self;

    private ReservationRules(Registrations now, ReservationRequest request) {
        this.now = now;
        this.request = request;
        this.self = request.nexus();
    }

    /// What comes of a request.
    sealed interface Verdict {
        /// RESERVATION CONFLICT.
        record Conflict() implements Verdict {}

        /// CHECK CONDITION.
        record Refused(Sense sense) implements Verdict {}

        /// GOOD.
        ///
        /// @param next the new state
        /// @param told the nexuses that must be told of it, and what
        /// @param preempted the nexuses whose tasks PREEMPT AND ABORT aborts
        record Done(
                Registrations next, Map<NexusName, PendingCondition> told, Set<NexusName> preempted)
                implements Verdict {}
    }

    static Verdict judge(Registrations now, ReservationRequest request) {
        return new ReservationRules(now, request).judge();
    }

    private Verdict judge() {
        return switch (request.action()) {
            case REGISTER -> register();
            case REGISTER_AND_IGNORE_EXISTING_KEY -> setKey();
            case REPLACE_LOST_RESERVATION -> replaceLost();
            case RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT, REGISTER_AND_MOVE ->
                    keyMatches() ? asRegistered() : new Verdict.Conflict();
        };
    }

    private Verdict asRegistered() {
        return switch (request.action()) {
            case RESERVE -> reserve();
            case RELEASE -> release();
            case CLEAR -> clear();
            case PREEMPT, PREEMPT_AND_ABORT -> preempt();
            case REGISTER_AND_MOVE -> move();
            case REGISTER, REGISTER_AND_IGNORE_EXISTING_KEY, REPLACE_LOST_RESERVATION ->
                    throw new AssertionError("need no registration");
        };
    }

    private boolean keyMatches() {
        Long key = now.keys().get(self);
        return key != null && key == request.key();
    }

    private static Verdict done(Registrations next) {
        return done(next, Map.of());
    }

    private static Verdict done(Registrations next, Map<NexusName, PendingCondition> told) {
        return new Verdict.Done(next, told, Set.of());
    }

    /// The same to every registered nexus but the one that asks.
    private Map<NexusName, PendingCondition> tellOthers(
            Registrations registered, PendingCondition condition) {
        Map<NexusName, PendingCondition> told = new LinkedHashMap<>();
        registered.keys().keySet().stream()
                .filter(nexus -> !nexus.equals(self))
                .forEach(nexus -> told.put(nexus, condition));
        return told;
    }

    // ---- registering

    /// The nexuses that are registered together: the one that asks, and with ALL_TG_PT those of the
    /// same initiator port through all other target ports.
    private Set<NexusName> own() {
        Set<NexusName> own = new LinkedHashSet<>(Set.of(self));
        own.addAll(request.elsewhere());
        return own;
    }

    /// SPC-4 5.13.7 Registering. Through all target ports it is as if each had been asked, and
    /// nothing is changed when it conflicts at one. That through some there is no registration yet
    /// is no conflict: a portal group may be new.
    private Verdict register() {
        if (!now.registered(self) && request.key() != 0) {
            return new Verdict.Conflict();
        }
        boolean registered = false;
        for (NexusName each : own()) {
            Long key = now.keys().get(each);
            if (key != null && key != request.key()) {
                return new Verdict.Conflict();
            }
            registered |= key != null;
        }
        return registered && !request.others().isEmpty()
                ? new Verdict.Refused(Sense.invalidFieldInParameterList(ReserveOut.FLAGS_BYTE))
                : setKey();
    }

    private Verdict setKey() {
        if (request.newKey() == 0) {
            Set<NexusName> registered = own();
            registered.retainAll(now.keys().keySet());
            return registered.isEmpty() ? done(now) : unregister(registered);
        }
        Map<NexusName, Long> keys = new LinkedHashMap<>(now.keys());
        own().forEach(nexus -> keys.put(nexus, request.newKey()));
        request.others().forEach(nexus -> keys.put(nexus, request.newKey()));
        return keys.size() > MAX_REGISTRATIONS
                ? new Verdict.Refused(Sense.INSUFFICIENT_REGISTRATION_RESOURCES)
                : done(now.withKeys(keys).withPersistence(request.persistent()));
    }

    /// SPC-4 5.13.11.3 Unregistering: what they held is released.
    private Verdict unregister(Set<NexusName> leaving) {
        Registrations next = without(now, leaving).withPersistence(request.persistent());
        Reservation held = now.reservation();
        boolean releases =
                held != null
                        && (held.holder() == null
                                ? next.keys().isEmpty()
                                : leaving.contains(held.holder()));
        if (held == null || !releases) {
            return done(next);
        }
        Registrations released = next.withReservation(null);
        return held.type().admitsRegistrants()
                ? done(released, tellOthers(next, PendingCondition.RESERVATIONS_RELEASED))
                : done(released);
    }

    private static Registrations without(Registrations registrations, Set<NexusName> leaving) {
        Map<NexusName, Long> keys = new LinkedHashMap<>(registrations.keys());
        keys.keySet().removeAll(leaving);
        return registrations.withKeys(keys);
    }

    /// SPC-4 5.13.8 Registering and moving the reservation.
    private Verdict move() {
        Reservation held = now.reservation();
        if (held == null || !self.equals(held.holder())) {
            return new Verdict.Conflict();
        }
        NexusName to = request.others().getFirst();
        if (request.newKey() == 0 || to.equals(self)) {
            return new Verdict.Refused(
                    Sense.invalidFieldInParameterList(
                            to.equals(self)
                                    ? ReserveOut.TRANSPORT_ID_BYTE
                                    : ReserveOut.NEW_KEY_BYTE));
        }
        Map<NexusName, Long> keys = new LinkedHashMap<>(now.keys());
        keys.put(to, request.newKey());
        if (request.unregister()) {
            keys.remove(self);
        }
        if (keys.size() > MAX_REGISTRATIONS) {
            return new Verdict.Refused(Sense.INSUFFICIENT_REGISTRATION_RESOURCES);
        }
        return done(
                now.withKeys(keys)
                        .withReservation(Reservation.of(held.type(), to))
                        .withPersistence(request.persistent()));
    }

    // ---- reserving and releasing

    /// The reservation that is asked for, or nothing when there is none such.
    private Optional<Reservation> wanted() {
        return request.scope() == 0
                ? ReservationType.of(request.type()).map(type -> Reservation.of(type, self))
                : Optional.empty();
    }

    private static Verdict noSuchReservation() {
        return new Verdict.Refused(Sense.invalidFieldInCdb(2));
    }

    /// SPC-4 5.13.9 Reserving.
    private Verdict reserve() {
        Optional<Reservation> wanted = wanted();
        if (wanted.isEmpty()) {
            return noSuchReservation();
        }
        if (now.reservation() == null) {
            return done(now.withReservation(wanted.get()));
        }
        return now.reservation().equals(wanted.get()) ? done(now) : new Verdict.Conflict();
    }

    /// SPC-4 5.13.11.2 Releasing.
    private Verdict release() {
        Reservation held = now.reservation();
        if (held == null || !now.holds(self)) {
            return done(now);
        }
        if (request.scope() != 0 || request.type() != held.type().code()) {
            return new Verdict.Refused(Sense.INVALID_RELEASE_OF_PERSISTENT_RESERVATION);
        }
        return done(
                now.withReservation(null),
                held.type().admitsRegistrants()
                        ? tellOthers(now, PendingCondition.RESERVATIONS_RELEASED)
                        : Map.of());
    }

    /// SPC-4 5.13.11.6 Clearing.
    private Verdict clear() {
        return done(
                now.withKeys(Map.of()).withReservation(null),
                tellOthers(now, PendingCondition.RESERVATIONS_PREEMPTED));
    }

    /// SPC-4 5.13.11.3 Replacing lost reservations: whoever asks is the only one that is registered
    /// then. There is no conflict, and nobody is told.
    private Verdict replaceLost() {
        if (!now.lost()) {
            return new Verdict.Refused(Sense.INVALID_RELEASE_OF_PERSISTENT_RESERVATION);
        }
        Optional<Reservation> wanted = wanted();
        if (wanted.isEmpty()) {
            return noSuchReservation();
        }
        if (request.key() != 0 || request.newKey() == 0) {
            return new Verdict.Refused(
                    Sense.invalidFieldInParameterList(
                            request.key() != 0 ? ReserveOut.KEY_BYTE : ReserveOut.NEW_KEY_BYTE));
        }
        SequencedMap<NexusName, Long> keys = new LinkedHashMap<>(Map.of(self, request.newKey()));
        return done(Registrations.kept(keys, wanted.get(), request.persistent()));
    }

    // ---- preempting

    /// SPC-4 5.13.11.4 Preempting.
    private Verdict preempt() {
        Reservation held = now.reservation();
        boolean everybody = held != null && held.holder() == null && request.newKey() == 0;
        if (request.newKey() == 0 && !everybody) {
            return new Verdict.Refused(Sense.invalidFieldInParameterList(ReserveOut.NEW_KEY_BYTE));
        }
        boolean takesOver = everybody || holderHas(request.newKey());
        Set<NexusName> victims = new LinkedHashSet<>();
        now.keys()
                .forEach((nexus, key) -> {
                    if (!nexus.equals(self) && (everybody || key == request.newKey())) {
                        victims.add(nexus);
                    }
                });
        if (takesOver) {
            return takeOver(held, victims);
        }
        return now.keys().containsValue(request.newKey())
                ? preempted(without(now, victims), victims, Map.of())
                : new Verdict.Conflict();
    }

    /// Whether one nexus holds the reservation and is registered with this key.
    private boolean holderHas(long key) {
        Reservation held = now.reservation();
        NexusName holder = held == null ? null : held.holder();
        return holder != null && Long.valueOf(key).equals(now.keys().get(holder));
    }

    private Verdict takeOver(@Nullable Reservation held, Set<NexusName> victims) {
        Optional<Reservation> wanted = wanted();
        if (wanted.isEmpty()) {
            return noSuchReservation();
        }
        Registrations next = without(now, victims).withReservation(wanted.get());
        boolean changed = held != null && held.type() != wanted.get().type();
        return preempted(
                next,
                victims,
                changed ? tellOthers(next, PendingCondition.RESERVATIONS_RELEASED) : Map.of());
    }

    private Verdict preempted(
            Registrations next, Set<NexusName> victims, Map<NexusName, PendingCondition> told) {
        Map<NexusName, PendingCondition> all = new LinkedHashMap<>(told);
        victims.forEach(nexus -> all.put(nexus, PendingCondition.REGISTRATIONS_PREEMPTED));
        boolean abort = request.action() == ReservationRequest.Action.PREEMPT_AND_ABORT;
        return new Verdict.Done(next, all, abort ? victims : Set.of());
    }
}
