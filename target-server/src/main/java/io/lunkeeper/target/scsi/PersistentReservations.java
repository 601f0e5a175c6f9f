package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.target.scsi.Registrations.Claim;
import io.lunkeeper.target.scsi.Registrations.Reservation;
import io.lunkeeper.target.scsi.ReservationRules.Verdict;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// The persistent reservations of one logical unit. What is to survive a loss of power (APTPL) is
/// on stable storage beside the image before the command that changed it has its status.
///
/// Asked by every command without a lock; changed by one thread at a time, which may block.
final class PersistentReservations {
    private static final Logger LOG = LogManager.getLogger(PersistentReservations.class);

    private static final String FORMAT = "1";

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
        this.now = restore(backend.keptBeside());
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
                backend.keepBeside(next.persistent() ? bytes(next) : new byte[0]);
            }
            now = next;
        }
        return verdict;
    }

    private byte[] bytes(Registrations kept) throws IOException {
        Properties text = new Properties();
        text.setProperty("format", FORMAT);
        text.setProperty("unit", unit);
        int number = 0;
        for (Map.Entry<String, Long> each : kept.keys().entrySet()) {
            number++;
            text.setProperty("port." + number, each.getKey());
            text.setProperty("key." + number, Long.toHexString(each.getValue()));
        }
        Reservation held = kept.reservation();
        if (held != null) {
            text.setProperty("type", held.type().name());
            if (held.holder() != null) {
                text.setProperty("holder", held.holder());
            }
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        text.store(bytes, "SCSI persistent reservations. Do not edit while the image is served.");
        return bytes.toByteArray();
    }

    private Registrations restore(Optional<byte[]> content) throws IOException {
        if (content.isEmpty()) {
            return Registrations.NONE;
        }
        Properties text = new Properties();
        try {
            text.load(new ByteArrayInputStream(content.get()));
            if (!FORMAT.equals(text.getProperty("format"))) {
                throw new IllegalArgumentException("its format is not " + FORMAT);
            }
            if (!unit.equals(text.getProperty("unit"))) {
                LOG.warn(
                        "{} has the reservations of another logical unit, {}; they are not in force",
                        backend.placeBeside(),
                        text.getProperty("unit"));
                return Registrations.NONE;
            }
            Registrations kept = restore(text);
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

    private static Registrations restore(Properties text) {
        Map<String, Long> keys = new LinkedHashMap<>();
        for (int number = 1; text.getProperty("port." + number) != null; number++) {
            keys.put(
                    text.getProperty("port." + number),
                    Long.parseUnsignedLong(text.getProperty("key." + number), 16));
        }
        String type = text.getProperty("type");
        @Nullable Reservation held =
                type == null
                        ? null
                        : new Reservation(
                                ReservationType.valueOf(type), text.getProperty("holder"));
        if (held != null && held.holder() != null && !keys.containsKey(held.holder())) {
            throw new IllegalArgumentException("the holder is not registered");
        }
        return new Registrations(0, new LinkedHashMap<>(keys), held, true);
    }
}
