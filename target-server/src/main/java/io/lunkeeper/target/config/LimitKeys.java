package io.lunkeeper.target.config;

import io.lunkeeper.target.config.Configuration.Limits;
import java.util.List;
import java.util.Optional;

/// The keys of `limits`: how many connections there may be at a time.
final class LimitKeys {
    static final List<String> KEYS =
            List.of("connections", "connections-per-source", "logins", "logins-per-source");

    /// More ports than this no address has.
    private static final int MAX_CONNECTIONS = 65_536;

    private LimitKeys() {}

    /// Reads them; what is absent is the default, or less where a limit around it is less.
    static Limits read(Section keys) {
        Limits usual = Limits.DEFAULT;
        int connections = read(keys, "connections", usual.connections(), "", MAX_CONNECTIONS);
        int perSource =
                read(
                        keys,
                        "connections-per-source",
                        usual.connectionsPerSource(),
                        "connections",
                        connections);
        int logins = read(keys, "logins", usual.logins(), "connections", connections);
        int loginsPerSource =
                read(keys, "logins-per-source", usual.loginsPerSource(), "logins", logins);
        return new Limits(connections, perSource, logins, loginsPerSource);
    }

    /// @param around the key of the limit around it, and how much that is
    private static int read(Section keys, String key, int usual, String around, int most) {
        int less = Math.min(usual, most);
        Optional<Entry> entry = keys.optional(key);
        if (entry.isEmpty()) {
            return less;
        }
        int number = entry.get().integer(1, MAX_CONNECTIONS).orElse(less);
        if (number > most) {
            entry.get().wrong("must be at most " + around + ", " + most + ", not " + number);
            return less;
        }
        return number;
    }
}
