package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.LunBackend;
import java.io.IOException;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/// What one logical unit keeps beside its image under a name, so that it outlives the process. It
/// says whose it is: what another logical unit left there is not taken up. Calls may block.
final class UnitSection {
    private static final Logger LOG = LogManager.getLogger(UnitSection.class);

    private static final String UNIT = "unit";

    private final LunBackend backend;
    private final String name;
    private final String unit;

    /// @param name letters: the section
    /// @param unit what tells the logical unit from every other
    UnitSection(LunBackend backend, String name, String unit) {
        this.backend = backend;
        this.name = name;
        this.unit = unit;
    }

    /// What was kept; empty when nothing was.
    ///
    /// @throws IOException when nobody knows what was kept
    SortedMap<String, String> read() throws IOException {
        SortedMap<String, String> kept = backend.keptBeside(name);
        if (kept.isEmpty()) {
            return kept;
        }
        String whose = kept.remove(UNIT);
        if (!unit.equals(whose)) {
            LOG.warn(
                    "{}: what is kept as {} is of another logical unit, {}; it is not taken up",
                    backend.placeBeside(),
                    name,
                    whose);
            kept.clear();
        }
        return kept;
    }

    /// Keeps something instead of what was there; no entries: nothing. Durable on return.
    void replace(Map<String, String> content) throws IOException {
        SortedMap<String, String> named = new TreeMap<>(content);
        if (!named.isEmpty()) {
            named.put(UNIT, unit);
        }
        backend.keepBeside(name, named);
    }

    /// What to say of content that makes no sense.
    IOException notUnderstood(IllegalArgumentException why) {
        return new IOException(
                backend.placeBeside()
                        + " cannot be understood ("
                        + name
                        + ": "
                        + why.getMessage()
                        + "); restore it, or delete it when what it kept may be forgotten",
                why);
    }
}
