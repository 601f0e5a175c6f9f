package io.lunkeeper.target.config;

import static io.lunkeeper.target.config.Problems.quoted;

import java.util.List;
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
        Optional<Long> bytes = read(entry);
        return bytes.isEmpty() || (bytes.get() > 0 && bytes.get() % blockSizeBytes == 0)
                ? bytes
                : entry.wrong(
                        entry.scalar()
                                + " must be a positive multiple of block-size, "
                                + blockSizeBytes
                                + " bytes");
    }

    /// A size from `least` to `most` bytes.
    static Optional<Long> read(Entry entry, long least, long most) {
        Optional<Long> bytes = read(entry);
        return bytes.isEmpty() || (bytes.get() >= least && bytes.get() <= most)
                ? bytes
                : entry.wrong(
                        entry.scalar() + " must be from " + text(least) + " to " + text(most));
    }

    /// A size in the largest unit of 1024 that makes it a whole number.
    private static String text(long bytes) {
        List<String> units = List.of("", "KiB", "MiB", "GiB", "TiB", "PiB");
        int unit = bytes == 0 ? 0 : Math.min(5, Long.numberOfTrailingZeros(bytes) / 10);
        return (bytes >>> (10 * unit)) + units.get(unit);
    }

    private static Optional<Long> read(Entry entry) {
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
        return Optional.of(bytes);
    }
}
