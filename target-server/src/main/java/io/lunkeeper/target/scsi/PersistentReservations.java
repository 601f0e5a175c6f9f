package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.target.scsi.Registrations.Claim;
import io.lunkeeper.target.scsi.Registrations.Reservation;
import io.lunkeeper.target.scsi.ReservationRules.Verdict;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// The persistent reservations of one logical unit. What is to survive a loss of power (APTPL) is
/// on stable storage beside the image before the command that changed it has its status.
///
/// Asked by every command without a lock; changed by one thread at a time, which may block.
final class PersistentReservations {
    private static final Logger LOG = LogManager.getLogger(PersistentReservations.class);

    private static final String SECTION = "reservations";

    private final LunBackend backend;
    private final String unit;
    private volatile Registrations now;

    /// The reservations of a logical unit as they were when it was served last.
    ///
    /// @param unit what tells the logical unit from every other: those of another are not taken up
    /// @throws IOException when what is kept beside the image cannot be understood: nobody knows
    ///   then who must be kept out
    PersistentReservations(LunBackend backend, String unit) throws IOException {
        this.backend = backend;
        this.unit = unit;
        this.now = restore(backend.keptBeside(SECTION));
    }

    Registrations now() {
        return now;
    }

    boolean conflict(Nexus nexus, Claim claim) {
        Registrations current = now;
        return current.reservation() != null && current.conflict(nexus.port(), claim);
    }

    /// Carries out a request. May block.
    ///
    /// @throws IOException when it could not be kept; nothing has changed until the next start, for
    ///   which nobody knows what is kept
    synchronized Verdict change(ReservationRequest request) throws IOException {
        Registrations before = now;
        Verdict verdict = ReservationRules.judge(before, request);
        if (verdict instanceof Verdict.Done(Registrations next, _, _) && !next.equals(before)) {
            if (next.persistent() || before.persistent()) {
                backend.keepBeside(SECTION, next.persistent() ? text(next) : Map.of());
            }
            now = next;
        }
        return verdict;
    }

    private Map<String, String> text(Registrations kept) {
        Map<String, String> text = new HashMap<>();
        text.put("unit", unit);
        int number = 0;
        for (Map.Entry<String, Long> each : kept.keys().entrySet()) {
            number++;
            text.put("port." + number, each.getKey());
            text.put("key." + number, Long.toHexString(each.getValue()));
        }
        Reservation held = kept.reservation();
        if (held != null) {
            text.put("type", held.type().name());
            if (held.holder() != null) {
                text.put("holder", held.holder());
            }
        }
        return text;
    }

    private Registrations restore(Map<String, String> text) throws IOException {
        if (text.isEmpty()) {
            return Registrations.NONE;
        }
        if (!unit.equals(text.get("unit"))) {
            LOG.warn(
                    "{} has the reservations of another logical unit, {}; they are not in force",
                    backend.placeBeside(),
                    text.get("unit"));
            return Registrations.NONE;
        }
        try {
            Registrations kept = registrations(text);
            LOG.info(
                    "{}: {} initiator ports are registered, reservation {}",
                    backend.placeBeside(),
                    kept.keys().size(),
                    kept.reservation() == null ? "none" : kept.reservation());
            return kept;
        } catch (IllegalArgumentException e) {
            throw new IOException(
                    backend.placeBeside()
                            + " does not tell who has reserved the image ("
                            + e.getMessage()
                            + "); restore it, or delete it when nobody has",
                    e);
        }
    }

    private static Registrations registrations(Map<String, String> text) {
        Map<String, Long> keys = new LinkedHashMap<>();
        for (int number = 1; text.get("port." + number) != null; number++) {
            keys.put(
                    text.get("port." + number),
                    Long.parseUnsignedLong(text.get("key." + number), 16));
        }
        String type = text.get("type");
        @Nullable Reservation held =
                type == null
                        ? null
                        : new Reservation(ReservationType.valueOf(type), text.get("holder"));
        if (held != null && held.holder() != null && !keys.containsKey(held.holder())) {
            throw new IllegalArgumentException("the holder is not registered");
        }
        return new Registrations(0, new LinkedHashMap<>(keys), held, true);
    }
}
