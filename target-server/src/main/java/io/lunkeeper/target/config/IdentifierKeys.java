package io.lunkeeper.target.config;

import io.lunkeeper.target.config.Configuration.Identifier;
import io.lunkeeper.target.config.Configuration.Identifier.Kind;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The keys by which a LUN has the identifiers of a disk that was served by another target. No two
/// LUNs of a file have one in common: initiators would take them for two paths to one disk.
final class IdentifierKeys {
    /// SPC-4 7.8.6.6 NAA designator format: IEEE extended, locally assigned and IEEE registered;
    /// IEEE registered extended.
    private static final Form NAA =
            new Form(
                    Kind.NAA,
                    Pattern.compile("[235][0-9a-f]{15}|6[0-9a-f]{31}"),
                    "must be 16 hexadecimal digits of which the first is 2, 3 or 5, or 32 of which"
                            + " it is 6");

    /// SPC-4 7.8.6.5 EUI-64 based designator format.
    private static final Form EUI =
            new Form(
                    Kind.EUI,
                    Pattern.compile("[0-9a-f]{16}([0-9a-f]{8}){0,2}"),
                    "must be 16, 24 or 32 hexadecimal digits");

    private static final Form UUID =
            new Form(
                    Kind.UUID,
                    Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
                    "must be a UUID, such as 123e4567-e89b-42d3-a456-426614174000");

    private final Map<Identifier, Integer> lines = new HashMap<>();

    /// @param form in lower case
    private record Form(Kind kind, Pattern form, String fault) {}

    /// Reads them, in the order in which initiators look for them.
    List<Identifier> read(Section keys) {
        return Stream.of(
                        keys.optional("naa").flatMap(entry -> read(entry, NAA)),
                        keys.optional("eui").flatMap(entry -> read(entry, EUI)),
                        keys.optional("uuid").flatMap(entry -> read(entry, UUID)))
                .flatMap(Optional::stream)
                .toList();
    }

    /// YAML takes digits without quotes for a number.
    private Optional<Identifier> read(Entry entry, Form form) {
        Optional<String> text = entry.textOrNumber("hexadecimal digits");
        if (text.isEmpty()) {
            return Optional.empty();
        }
        String lower = text.get().toLowerCase(Locale.ROOT);
        if (!form.form.matcher(lower).matches()) {
            return entry.wrong(Problems.quoted(text.get()) + " " + form.fault);
        }
        Identifier identifier = new Identifier(form.kind, lower.replace("-", ""));
        Integer earlier = lines.putIfAbsent(identifier, entry.line());
        return earlier == null
                ? Optional.of(identifier)
                : entry.wrong("another LUN has this identifier, line " + earlier);
    }
}
