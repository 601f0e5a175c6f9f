package io.lunkeeper.target.config;

import io.lunkeeper.target.config.Configuration.Access;
import io.lunkeeper.target.config.Configuration.Auth;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/// The keys of a target that say who may use it.
final class AccessKeys {
    /// Those of the target itself, where everybody is alike.
    private static final List<String> KEYS = List.of("initiators", "networks", "auth");

    private static final List<String> ENTRY_KEYS =
            List.of("initiators", "networks", "auth", "luns");

    private final Credentials credentials;

    AccessKeys(Credentials credentials) {
        this.credentials = credentials;
    }

    /// Reads the keys of a target.
    ///
    /// @param luns the numbers of its LUNs
    /// @return at least one entry, unless something is wrong
    List<Access> read(Section target, Set<Integer> luns) {
        Optional<Entry> list = target.optional("access");
        if (list.isEmpty()) {
            return List.of(access(target, Set.of()));
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
            each.section(ENTRY_KEYS).flatMap(keys -> entry(each, keys, luns)).ifPresent(all::add);
        }
        return List.copyOf(all);
    }

    private Optional<Access> entry(Entry entry, Section keys, Set<Integer> luns) {
        if (KEYS.stream().allMatch(key -> keys.optional(key).isEmpty())) {
            return entry.wrong(
                    "names nobody and would let everybody in; if that is meant, say initiators:"
                            + " [\"*\"]");
        }
        Set<Integer> seen = new TreeSet<>();
        for (Entry each : keys.optional("luns").map(Entry::items).orElse(List.of())) {
            Optional<Integer> number = each.integer(0, ConfigurationReader.MAX_LUN);
            if (number.isPresent() && !luns.contains(number.get())) {
                each.wrong("the target has no LUN " + number.get());
            }
            number.ifPresent(seen::add);
        }
        return Optional.of(access(keys, Collections.unmodifiableSet(seen)));
    }

    private Access access(Section keys, Set<Integer> luns) {
        List<Auth> auth = keys.optional("auth").map(credentials::read).orElse(List.of());
        return new Access(
                all(keys, "initiators", IscsiName::readPattern),
                all(keys, "networks", Network::read),
                auth,
                luns);
    }

    private static <T> List<T> all(Section keys, String key, Function<Entry, Optional<T>> reader) {
        return keys.optional(key).map(Entry::items).orElse(List.of()).stream()
                .flatMap(item -> reader.apply(item).stream())
                .toList();
    }
}
