package io.lunkeeper.target.config;

import static io.lunkeeper.target.config.Problems.quoted;

import io.lunkeeper.target.config.Configuration.Auth;
import io.lunkeeper.target.config.Configuration.MutualAuth;
import io.lunkeeper.target.config.Configuration.Secret;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The `auth` keys of a file: who may log in with which secret, and what the target answers with.
final class Credentials {
    /// RFC 7143 12.1.3 Challenge Handshake Authentication Protocol (CHAP): CHAP_N is a text value
    /// and 6.1 Text Format allows 255 bytes.
    private static final int MAX_USER_BYTES = 255;

    private final Path directory;

    /// The secrets of initiators, with the line of the first that has it.
    private final Map<Secret, Integer> ofInitiators = new HashMap<>();

    /// Where the target has which secret.
    private final List<Own> ofTarget = new ArrayList<>();

    private record Own(Entry entry, Secret secret) {}

    /// @param directory what the names of secret files are relative to
    Credentials(Path directory) {
        this.directory = directory;
    }

    /// Reads one key: credentials, or a list of them. What is wrong is left out.
    List<Auth> read(Entry entry) {
        List<Auth> all = new ArrayList<>();
        Set<String> users = new HashSet<>();
        for (Entry each : entry.oneOrMore()) {
            Optional<Auth> auth = one(each);
            auth.ifPresent(all::add);
            if (auth.isPresent() && !users.add(auth.get().user())) {
                each.wrong("the user " + quoted(auth.get().user()) + " is there already; keep one");
            }
        }
        return List.copyOf(all);
    }

    /// RFC 7143 9.2.1 CHAP Considerations: with one secret for both directions, the answer to the
    /// target's challenge could be had from the target, by whoever may challenge it.
    void check() {
        for (Own own : ofTarget) {
            Integer line = ofInitiators.get(own.secret());
            if (line != null) {
                own.entry()
                        .wrong(
                                "the target's secret is an initiator's too, line "
                                        + line
                                        + "; use another");
            }
        }
    }

    private Optional<Auth> one(Entry entry) {
        Optional<Section> section = entry.section(List.of("user", "secret-file", "mutual"));
        if (section.isEmpty()) {
            return Optional.empty();
        }
        Optional<String> user = user(section.get());
        Optional<Secret> secret = secret(section.get());
        secret.ifPresent(found -> ofInitiators.putIfAbsent(found, entry.line()));
        Optional<Entry> mutualEntry = section.get().optional("mutual");
        Optional<MutualAuth> mutual = mutualEntry.flatMap(this::mutual);
        return user.isEmpty() || secret.isEmpty() || mutual.isPresent() != mutualEntry.isPresent()
                ? Optional.empty()
                : Optional.of(new Auth(user.get(), secret.get(), mutual));
    }

    private Optional<MutualAuth> mutual(Entry entry) {
        Optional<Section> section = entry.section(List.of("user", "secret-file"));
        if (section.isEmpty()) {
            return Optional.empty();
        }
        Optional<String> user = user(section.get());
        Optional<Secret> secret = secret(section.get());
        secret.ifPresent(found -> ofTarget.add(new Own(entry, found)));
        return user.isEmpty() || secret.isEmpty()
                ? Optional.empty()
                : Optional.of(new MutualAuth(user.get(), secret.get()));
    }

    private static Optional<String> user(Section keys) {
        Optional<Entry> entry = keys.required("user", "NAME");
        Optional<String> user = entry.flatMap(Entry::text);
        if (user.isPresent()
                && (user.get().chars().anyMatch(Character::isISOControl)
                        || user.get().getBytes(StandardCharsets.UTF_8).length > MAX_USER_BYTES)) {
            return entry.orElseThrow()
                    .wrong(
                            quoted(user.get())
                                    + " must be at most "
                                    + MAX_USER_BYTES
                                    + " bytes without control characters");
        }
        return user;
    }

    private Optional<Secret> secret(Section keys) {
        return keys.required("secret-file", "secrets/NAME")
                .flatMap(e -> SecretFile.read(e, directory));
    }
}
