package io.lunkeeper.target.config;

import io.lunkeeper.target.config.Configuration.Access;
import io.lunkeeper.target.config.Configuration.Auth;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// The keys of a target that say who may use it.
final class AccessKeys {
    /// Those of an entry of `access`, and, where everybody is alike, of the target itself.
    private static final List<String> KEYS = List.of("initiators", "networks", "auth");

    private final Credentials credentials;

    AccessKeys(Credentials credentials) {
        this.credentials = credentials;
    }

    /// Reads the keys of a target.
    ///
    /// @return at least one entry, unless something is wrong
    List<Access> read(Section target) {
        Optional<Entry> list = target.optional("access");
        if (list.isEmpty()) {
            return List.of(access(target));
        }
        for (String key : KEYS) {
            target.optional(key)
                    .ifPresent(beside ->
                            beside.wrong(
                                    "cannot be beside access, line "
                                            + list.get().line()
                                            + "; put it into the entries of that"));
        }
        List<Access> all = new ArrayList<>();
        for (Entry each : list.get().items()) {
            each.section(KEYS).flatMap(keys -> entry(each, keys)).ifPresent(all::add);
        }
        return List.copyOf(all);
    }

    private Optional<Access> entry(Entry entry, Section keys) {
        return KEYS.stream().allMatch(key -> keys.optional(key).isEmpty())
                ? entry.wrong(
                        "names nobody and would let everybody in; if that is meant, say"
                                + " initiators: [\"*\"]")
                : Optional.of(access(keys));
    }

    private Access access(Section keys) {
        List<Auth> auth = keys.optional("auth").map(credentials::read).orElse(List.of());
        return new Access(
                all(keys, "initiators", IscsiName::readPattern),
                all(keys, "networks", Network::read),
                auth);
    }

    private static <T> List<T> all(Section keys, String key, Function<Entry, Optional<T>> reader) {
        return keys.optional(key).map(Entry::items).orElse(List.of()).stream()
                .flatMap(item -> reader.apply(item).stream())
                .toList();
    }
}
