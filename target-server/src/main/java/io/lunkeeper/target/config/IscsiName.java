package io.lunkeeper.target.config;

import static io.lunkeeper.target.config.Problems.quoted;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/// Names of iSCSI nodes (RFC 7143 4.2.7 iSCSI Names), in the ASCII that every initiator can write,
/// and patterns of them.
final class IscsiName {
    /// RFC 7143 4.2.7 iSCSI Names.
    static final int MAX_BYTES = 223;

    private static final int MAX_ALIAS_BYTES = 255;

    private static final Pattern CHARACTERS = Pattern.compile("[a-z0-9.:-]*");

    /// Real initiators have underscores in their names, so a pattern may have them.
    private static final Pattern PATTERN_CHARACTERS = Pattern.compile("[a-z0-9.:_*?-]*");

    /// 4.2.7.4 Type "iqn." (iSCSI Qualified Name): a month, a reversed domain, a free string.
    private static final Pattern IQN =
            Pattern.compile(
                    "iqn\\.[0-9]{4}-(0[1-9]|1[0-2])(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+(:.+)?");

    /// 4.2.7.5 Type "eui." (IEEE EUI-64 Format).
    private static final Pattern EUI = Pattern.compile("eui\\.[0-9a-f]{16}");

    /// 4.2.7.6 Type "naa." (Network Address Authority).
    private static final Pattern NAA = Pattern.compile("naa\\.([0-9a-f]{16}|[0-9a-f]{32})");

    private static final List<String> TYPES = List.of("iqn.", "eui.", "naa.");

    private IscsiName() {}

    /// A name in its normal form, which is lower case.
    static Optional<String> read(Entry entry) {
        Optional<String> text = entry.text();
        if (text.isEmpty()) {
            return text;
        }
        String name = text.get().toLowerCase(Locale.ROOT);
        String shown = quoted(text.get());
        if (!CHARACTERS.matcher(name).matches()) {
            return entry.wrong(
                    shown + " has characters other than letters, digits, \"-\", \".\" and \":\"");
        }
        if (name.length() > MAX_BYTES) {
            return entry.wrong(
                    shown + " has " + name.length() + " bytes; at most " + MAX_BYTES + " fit");
        }
        Optional<String> fault = fault(name);
        return fault.isEmpty() ? Optional.of(name) : entry.wrong(shown + " " + fault.get());
    }

    /// What people call a node: RFC 7143 6.1 Text Format has 255 bytes of UTF-8 for a text value.
    static Optional<String> readAlias(Entry entry) {
        Optional<String> alias = entry.text();
        if (alias.isEmpty()) {
            return alias;
        }
        int bytes = alias.get().getBytes(StandardCharsets.UTF_8).length;
        if (bytes > MAX_ALIAS_BYTES) {
            return entry.wrong("has " + bytes + " bytes; at most " + MAX_ALIAS_BYTES + " fit");
        }
        return alias.get().chars().anyMatch(Character::isISOControl)
                ? entry.wrong(quoted(alias.get()) + " must be one line without control characters")
                : alias;
    }

    private static Optional<String> fault(String name) {
        if (name.startsWith("iqn.")) {
            return IQN.matcher(name).matches()
                    ? Optional.empty()
                    : Optional.of(
                            "must be iqn.YYYY-MM.REVERSED.DOMAIN:NAME, such as"
                                    + " iqn.2026-11.io.lunkeeper:vm1");
        }
        if (name.startsWith("eui.")) {
            return EUI.matcher(name).matches()
                    ? Optional.empty()
                    : Optional.of("must have 16 hexadecimal digits after \"eui.\"");
        }
        if (name.startsWith("naa.")) {
            return NAA.matcher(name).matches()
                    ? Optional.empty()
                    : Optional.of("must have 16 or 32 hexadecimal digits after \"naa.\"");
        }
        return Optional.of(
                "must begin with iqn., eui. or naa., such as iqn.2026-11.io.lunkeeper:vm1");
    }

    /// A pattern of initiator names: `*` stands for any characters, `?` for one.
    static Optional<String> readPattern(Entry entry) {
        Optional<String> text = entry.text();
        if (text.isEmpty()) {
            return text;
        }
        String pattern = text.get().toLowerCase(Locale.ROOT);
        String shown = quoted(text.get());
        if (!PATTERN_CHARACTERS.matcher(pattern).matches() || pattern.length() > MAX_BYTES) {
            return entry.wrong(
                    shown
                            + " must be at most "
                            + MAX_BYTES
                            + " letters, digits, \"-\", \".\", \":\", \"_\" and the wildcards"
                            + " \"*\" and \"?\"");
        }
        String literal = pattern.replaceFirst("[*?].*", "");
        boolean possible =
                TYPES.stream().anyMatch(t -> t.startsWith(literal) || literal.startsWith(t));
        return possible
                ? Optional.of(pattern)
                : entry.wrong(
                        shown
                                + " matches no initiator: their names begin with iqn., eui. or"
                                + " naa., such as iqn.1993-08.org.debian:*");
    }

    /// Whether the normalized name matches the pattern, in time proportional to the product of
    /// their lengths: on a mismatch only the last `*` takes one character more.
    static boolean matches(String pattern, String name) {
        int p = 0;
        int n = 0;
        int star = -1;
        int resume = 0;
        while (n < name.length()) {
            char wanted = p < pattern.length() ? pattern.charAt(p) : 0;
            if (wanted == '*') {
                star = p++;
                resume = n;
            } else if (wanted == '?' || wanted == name.charAt(n)) {
                p++;
                n++;
            } else if (star >= 0) {
                p = star + 1;
                n = ++resume;
            } else {
                return false;
            }
        }
        return pattern.substring(p).chars().allMatch(c -> c == '*');
    }
}
