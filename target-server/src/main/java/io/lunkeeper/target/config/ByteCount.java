package io.lunkeeper.target.config;

import static io.lunkeeper.target.config.Problems.quoted;

import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A size: a whole number of bytes, or of a unit of 1024 or 1000 of them.
final class ByteCount {
    private static final Pattern FORM = Pattern.compile("([0-9]{1,19}) ?([A-Za-z]*)");

    private static final Map<String, Long> UNITS =
            Map.ofEntries(
                    Map.entry("", 1L),
                    Map.entry("KiB", 1L << 10),
                    Map.entry("MiB", 1L << 20),
                    Map.entry("GiB", 1L << 30),
                    Map.entry("TiB", 1L << 40),
                    Map.entry("PiB", 1L << 50),
                    Map.entry("kB", 1_000L),
                    Map.entry("MB", 1_000_000L),
                    Map.entry("GB", 1_000_000_000L),
                    Map.entry("TB", 1_000_000_000_000L),
                    Map.entry("PB", 1_000_000_000_000_000L));

    private static final String RIGHT =
            "write a whole number of bytes, KiB, MiB, GiB, TiB, PiB (of 1024) or kB, MB, GB, TB, PB"
                    + " (of 1000), such as 4GiB";

    private ByteCount() {}

    /// A positive multiple of the block size.
    static Optional<Long> read(Entry entry, int blockSizeBytes) {
        Optional<String> text = entry.textOrNumber("a size such as 4GiB");
        if (text.isEmpty()) {
            return Optional.empty();
        }
        Matcher form = FORM.matcher(text.get());
        Long unit = form.matches() ? UNITS.get(form.group(2)) : null;
        if (unit == null) {
            return entry.wrong(quoted(text.get()) + " is not a size; " + RIGHT);
        }
        long bytes;
        try {
            bytes = Math.multiplyExact(Long.parseLong(form.group(1)), unit);
        } catch (ArithmeticException | NumberFormatException _) {
            return entry.wrong(quoted(text.get()) + " is more than a file can hold");
        }
        if (bytes == 0 || bytes % blockSizeBytes != 0) {
            return entry.wrong(
                    quoted(text.get())
                            + " must be a positive multiple of block-size, "
                            + blockSizeBytes
                            + " bytes");
        }
        return Optional.of(bytes);
    }
}
