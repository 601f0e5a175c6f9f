package io.lunkeeper.target.scsi;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// The third-party copies of one target: those that are under way, and what became of those that
/// ended, by I_T nexus, logical unit and list identifier (SPC-4, List identifiers for third-party
/// copy commands). Results are kept until the identifier is used again, or newer ones need the
/// room, or the nexus is lost, or the unit reset. Safe from any thread.
final class CopyOperations {
    /// Results that are kept for one nexus, at most.
    private static final int MAX_KEPT = 64;

    private record Key(LogicalUnit unit, long listIdentifier) {}

    private static final class OfNexus {
        final Map<Key, CopyOperation> listed = new LinkedHashMap<>();
        final Set<CopyOperation> running = new HashSet<>();
    }

    /// Guarded by this.
    private final Map<Nexus, OfNexus> byNexus = new HashMap<>();

    /// Why a copy cannot begin.
    enum Hindrance {
        /// Its list identifier is that of one under way.
        IDENTIFIER_IN_USE,
        /// There are too many.
        BUSY
    }

    /// Takes note of a copy that begins.
    ///
    /// @param listIdentifier empty when nobody will ask for it
    /// @return null when it may begin
    synchronized @Nullable Hindrance begin(
            Nexus nexus, OptionalLong listIdentifier, CopyOperation operation) {
        OfNexus mine = byNexus.computeIfAbsent(nexus, _ -> new OfNexus());
        mine.running.removeIf(each -> !each.running());
        if (mine.running.size() >= CopyLimits.MAX_CONCURRENT_COPIES) {
            return Hindrance.BUSY;
        }
        if (listIdentifier.isPresent()) {
            Key key = new Key(operation.origin().unit(), listIdentifier.getAsLong());
            CopyOperation before = mine.listed.get(key);
            if (before != null && before.running()) {
                return Hindrance.IDENTIFIER_IN_USE;
            }
            mine.listed.remove(key);
            mine.listed.put(key, operation);
            makeRoom(mine.listed);
        }
        mine.running.add(operation);
        return null;
    }

    /// There are fewer under way than results are kept, so one that has ended is found.
    private static void makeRoom(Map<Key, CopyOperation> listed) {
        Iterator<CopyOperation> eldest = listed.values().iterator();
        while (listed.size() > MAX_KEPT && eldest.hasNext()) {
            if (!eldest.next().running()) {
                eldest.remove();
            }
        }
    }

    synchronized Optional<CopyOperation> find(Nexus nexus, LogicalUnit unit, long listIdentifier) {
        OfNexus mine = byNexus.get(nexus);
        return mine == null
                ? Optional.empty()
                : Optional.ofNullable(mine.listed.get(new Key(unit, listIdentifier)));
    }

    /// The copies under way whose commands have ended.
    synchronized List<CopyOperation> inBackground(
            Predicate<Nexus> nexuses, Predicate<LogicalUnit> units) {
        return byNexus.entrySet().stream()
                .filter(each -> nexuses.test(each.getKey()))
                .flatMap(each -> each.getValue().running.stream())
                .filter(each -> each.running() && each.origin().background())
                .filter(each -> units.test(each.origin().unit()))
                .toList();
    }

    /// I_T nexus loss: its tasks have ended.
    synchronized void forget(Nexus nexus) {
        byNexus.remove(nexus);
    }

    /// Logical unit reset: its tasks have ended.
    synchronized void forget(LogicalUnit unit) {
        byNexus.values().forEach(each -> each.listed.keySet().removeIf(key -> key.unit == unit));
    }
}
