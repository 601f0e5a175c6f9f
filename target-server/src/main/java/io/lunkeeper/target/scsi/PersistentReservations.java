package io.lunkeeper.target.scsi;

import static java.util.Objects.requireNonNull;

import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.target.scsi.Registrations.Claim;
import io.lunkeeper.target.scsi.Registrations.Reservation;
import io.lunkeeper.target.scsi.ReservationRules.Verdict;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// The persistent reservations of one logical unit. What is to survive a loss of power (APTPL) is
/// on stable storage beside the image before the command that changed it has its status.
///
/// When what was kept is damaged the reservations are lost: nobody has access until an initiator
/// replaces them (SPC-4 5.13.5.3.2 Recoverable loss of persistent reservation information).
///
/// Asked by every command without a lock; changed by one thread at a time, which may block.
final class PersistentReservations {
    private static final Logger LOG = LogManager.getLogger(PersistentReservations.class);

    private static final String SECTION = "reservations";

    /// What runs while they are lost (SPC-4 5.13.5.2 Nonvolatile memory considerations for
    /// preserving persistent reservations and registrations). Of START STOP UNIT only starting.
    private static final Set<OperationCode> WHEN_LOST =
            Collections.unmodifiableSet(
                    EnumSet.of(
                            OperationCode.INQUIRY,
                            OperationCode.LOG_SENSE,
                            OperationCode.READ_BUFFER,
                            OperationCode.REPORT_LUNS,
                            OperationCode.REPORT_TARGET_PORT_GROUPS,
                            OperationCode.REQUEST_SENSE,
                            OperationCode.START_STOP_UNIT,
                            OperationCode.WRITE_BUFFER,
                            OperationCode.PERSISTENT_RESERVE_OUT_REPLACE_LOST_RESERVATION));

    private final LunBackend backend;
    private final UnitSection section;
    private volatile Registrations now;

    /// The reservations of a logical unit as they were when it was served last.
    ///
    /// @param unit what tells the logical unit from every other: those of another are not taken up
    /// @param ports the target ports that there are
    /// @throws IOException when it cannot be told what is kept beside the image, not only who must
    ///   be kept out
    PersistentReservations(LunBackend backend, String unit, List<Integer> ports)
            throws IOException {
        this.backend = backend;
        this.section = new UnitSection(backend, SECTION, unit);
        this.now = restore();
        warnOfMissingPorts(ports);
    }

    /// Registrations through target ports that are not there any more count as before: whom they
    /// keep out must not get in because the configuration has changed.
    private void warnOfMissingPorts(List<Integer> ports) {
        List<Integer> missing =
                now.keys().keySet().stream()
                        .map(NexusName::targetPort)
                        .filter(port -> !ports.contains(port))
                        .toList();
        if (!missing.isEmpty()) {
            LOG.warn(
                    "{}: {} registrations were made through portal groups that are not configured"
                            + " any more ({}); they count until a registered initiator preempts or"
                            + " clears them, or unregisters once the groups are there again",
                    backend.placeBeside(),
                    missing.size(),
                    new TreeSet<>(missing));
        }
    }

    Registrations now() {
        return now;
    }

    boolean conflict(Nexus nexus, Claim claim) {
        Registrations current = now;
        return current.reservation() != null && current.conflict(nexus.name(), claim);
    }

    /// Whether an operation must not run because they are lost.
    boolean lostTo(OperationCode operation) {
        return now.lost() && !WHEN_LOST.contains(operation);
    }

    /// Power on: what APTPL does not preserve is gone (SPC-4 5.13.5 Preserving persistent
    /// reservations and registrations), and changes are counted anew. What was lost stays so.
    synchronized void powerOn() {
        if (!now.lost()) {
            now =
                    now.persistent()
                            ? Registrations.kept(now.keys(), now.reservation(), true)
                            : Registrations.NONE;
        }
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
                section.replace(next.persistent() ? text(next) : Map.of());
            }
            now = next;
            if (before.lost()) {
                LOG.warn(
                        "{}: {} has replaced the lost reservations by {}",
                        backend.placeBeside(),
                        request.nexus(),
                        next.reservation());
            }
        }
        return verdict;
    }

    private static Map<String, String> text(Registrations kept) {
        Map<String, String> text = new HashMap<>();
        // Without registrations, too, APTPL stays in force.
        text.put("aptpl", "1");
        int number = 0;
        for (Map.Entry<NexusName, Long> each : kept.keys().entrySet()) {
            number++;
            text.put("port." + number, each.getKey().initiatorPort());
            text.put("target-port." + number, Integer.toString(each.getKey().targetPort()));
            text.put("key." + number, Long.toHexString(each.getValue()));
        }
        Reservation held = kept.reservation();
        if (held != null) {
            text.put("type", held.type().name());
            if (held.holder() != null) {
                text.put("holder", held.holder().initiatorPort());
                text.put("holder-target-port", Integer.toString(held.holder().targetPort()));
            }
        }
        return text;
    }

    private Registrations restore() throws IOException {
        if (backend.damagedBeside(SECTION)) {
            return lost("its checksum is wrong");
        }
        Map<String, String> text = section.read();
        if (text.isEmpty()) {
            return Registrations.NONE;
        }
        try {
            Registrations kept = registrations(text);
            LOG.info(
                    "{}: {} I_T nexuses are registered, reservation {}",
                    backend.placeBeside(),
                    kept.keys().size(),
                    kept.reservation() == null ? "none" : kept.reservation());
            return kept;
        } catch (IllegalArgumentException e) {
            if (backend.checkedBeside()) {
                return lost(String.valueOf(e.getMessage()));
            }
            // Nor can it be told whether the image was being erased.
            throw section.notUnderstood(e);
        }
    }

    /// Nothing is destroyed by what comes: the file is copied first.
    private Registrations lost(String why) throws IOException {
        Path aside;
        try {
            aside = backend.setAsideBeside();
        } catch (IOException e) {
            throw new IOException(
                    backend.placeBeside()
                            + " does not tell any more who has reserved the image ("
                            + why
                            + "), and cannot be copied for safety: "
                            + e,
                    e);
        }
        LOG.error(
                "{} does not tell any more who has reserved the image ({}); a copy is kept as {}."
                        + " Nobody reads or writes the disk until an initiator that may have it"
                        + " sends REPLACE LOST RESERVATION (sg_persist --out --replace-lost"
                        + " --param-sark=KEY --prout-type=TYPE --param-aptpl DEVICE), or until the"
                        + " file is restored from a copy that is in order and the server started"
                        + " again",
                backend.placeBeside(),
                why,
                aside);
        return Registrations.LOST;
    }

    private static Registrations registrations(Map<String, String> text) {
        Map<NexusName, Long> keys = new LinkedHashMap<>();
        for (int number = 1; text.get("port." + number) != null; number++) {
            keys.put(
                    nexus(text, "port." + number, "target-port." + number),
                    Long.parseUnsignedLong(text.get("key." + number), 16));
        }
        String type = text.get("type");
        @Nullable Reservation held =
                type == null
                        ? null
                        : new Reservation(
                                ReservationType.valueOf(type),
                                text.get("holder") == null
                                        ? null
                                        : nexus(text, "holder", "holder-target-port"));
        if (held != null && held.holder() != null && !keys.containsKey(held.holder())) {
            throw new IllegalArgumentException("the holder is not registered");
        }
        return Registrations.kept(new LinkedHashMap<>(keys), held, true);
    }

    /// Earlier versions, which had one target port, did not write which it was.
    private static NexusName nexus(Map<String, String> text, String portKey, String targetPortKey) {
        int targetPort = Integer.parseInt(text.getOrDefault(targetPortKey, "1"));
        if (targetPort < 1 || targetPort > NexusName.MAX_TARGET_PORT) {
            throw new IllegalArgumentException("there is no target port " + targetPort);
        }
        return new NexusName(requireNonNull(text.get(portKey)), targetPort);
    }
}
