package io.lunkeeper.target.config;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A span of time: a whole number with its unit.
final class TimeSpan {
    private static final Pattern FORM = Pattern.compile("([0-9]{1,9}) ?(ms|s|min|h)");

    private TimeSpan() {}

    /// A span from `least` to `most`.
    static Optional<Duration> read(Entry entry, Duration least, Duration most) {
        Optional<String> text = entry.textOrNumber("a span of time such as 5s");
        if (text.isEmpty()) {
            return Optional.empty();
        }
        Matcher form = FORM.matcher(text.get());
        if (!form.matches()) {
            return entry.wrong(
                    entry.scalar()
                            + " is not a span of time; write a whole number of ms, s, min or h,"
                            + " such as 5s");
        }
        long number = Long.parseLong(form.group(1));
        Duration span =
                switch (form.group(2)) {
                    case "ms" -> Duration.ofMillis(number);
                    case "s" -> Duration.ofSeconds(number);
                    case "min" -> Duration.ofMinutes(number);
                    default -> Duration.ofHours(number);
                };
        return span.compareTo(least) >= 0 && span.compareTo(most) <= 0
                ? Optional.of(span)
                : entry.wrong(
                        entry.scalar() + " must be from " + text(least) + " to " + text(most));
    }

    private static String text(Duration span) {
        if (span.toHours() > 0 && span.equals(Duration.ofHours(span.toHours()))) {
            return span.toHours() + "h";
        }
        return span.toMillis() % 1000 == 0 ? span.toSeconds() + "s" : span.toMillis() + "ms";
    }
}
