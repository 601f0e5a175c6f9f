package io.lunkeeper.target.config;

import static io.lunkeeper.target.config.Problems.quoted;

import io.lunkeeper.target.config.Configuration.Auth;
import io.lunkeeper.target.config.Configuration.MutualAuth;
import io.lunkeeper.target.config.Configuration.Secret;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// The `auth` key: who may log in with which secret, and what the target answers with.
final class Credentials {
    /// RFC 7143 12.1.3 Challenge Handshake Authentication Protocol (CHAP): CHAP_N is a text value
    /// and 6.1 Text Format allows 255 bytes.
    private static final int MAX_USER_BYTES = 255;

    private Credentials() {}

    static Optional<Auth> read(Entry entry, Path directory) {
        Optional<Section> section = entry.section(List.of("user", "secret-file", "mutual"));
        if (section.isEmpty()) {
            return Optional.empty();
        }
        Optional<String> user = user(section.get());
        Optional<Secret> secret = secret(section.get(), directory);
        Optional<Entry> mutualEntry = section.get().optional("mutual");
        Optional<MutualAuth> mutual = mutualEntry.flatMap(e -> mutual(e, directory));
        if (mutual.isPresent()
                && secret.isPresent()
                && mutual.get().secret().sameAs(secret.get())) {
            // RFC 7143 9.2.1 CHAP Considerations: else an answer can be had by asking for it.
            return mutualEntry.orElseThrow().wrong("both directions have the same secret; use two");
        }
        return user.isEmpty() || secret.isEmpty()
                ? Optional.empty()
                : Optional.of(new Auth(user.get(), secret.get(), mutual));
    }

    private static Optional<MutualAuth> mutual(Entry entry, Path directory) {
        Optional<Section> section = entry.section(List.of("user", "secret-file"));
        if (section.isEmpty()) {
            return Optional.empty();
        }
        Optional<String> user = user(section.get());
        Optional<Secret> secret = secret(section.get(), directory);
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

    private static Optional<Secret> secret(Section keys, Path directory) {
        return keys.required("secret-file", "secrets/NAME")
                .flatMap(e -> SecretFile.read(e, directory));
    }
}
