package io.lunkeeper.target.config;

import io.lunkeeper.target.config.Configuration.Access;
import io.lunkeeper.target.config.Configuration.Auth;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/// The keys of a target that say who may use it.
final class AccessKeys {
    /// Those of the target itself, where everybody is alike.
    private static final List<String> KEYS = List.of("initiators", "networks", "auth");

    private static final List<String> ENTRY_KEYS =
            List.of("initiators", "networks", "auth", "luns");

    private static final List<String> LUN_KEYS = List.of("lun", "as");

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
            return List.of(access(target, Map.of()));
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
        Map<Integer, Integer> seen = new TreeMap<>();
        for (Entry each : keys.optional("luns").map(Entry::items).orElse(List.of())) {
            seen(each, luns, seen);
        }
        return Optional.of(access(keys, Collections.unmodifiableMap(seen)));
    }

    /// One of the LUNs that are seen: its number, or that and another one that it is seen under.
    private static void seen(Entry entry, Set<Integer> luns, Map<Integer, Integer> seen) {
        if (!entry.isMapping()) {
            lun(entry, luns).ifPresent(number -> put(entry, number, number, seen));
            return;
        }
        entry.section(LUN_KEYS)
                .ifPresent(keys -> {
                    Optional<Integer> number =
                            keys.required("lun", "3").flatMap(each -> lun(each, luns));
                    Optional<Integer> as =
                            keys.required("as", "0")
                                    .flatMap(each -> each.integer(0, ConfigurationReader.MAX_LUN));
                    if (number.isPresent() && as.isPresent()) {
                        put(entry, number.get(), as.get(), seen);
                    }
                });
    }

    private static Optional<Integer> lun(Entry entry, Set<Integer> luns) {
        Optional<Integer> number = entry.integer(0, ConfigurationReader.MAX_LUN);
        return number.isEmpty() || luns.contains(number.get())
                ? number
                : entry.wrong("the target has no LUN " + number.get());
    }

    private static void put(Entry entry, int lun, int as, Map<Integer, Integer> seen) {
        if (seen.containsKey(as)) {
            entry.wrong("LUN " + seen.get(as) + " is seen as " + as + " already");
        } else if (seen.containsValue(lun)) {
            entry.wrong("LUN " + lun + " is in the list already");
        } else {
            seen.put(as, lun);
        }
    }

    private Access access(Section keys, Map<Integer, Integer> luns) {
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
