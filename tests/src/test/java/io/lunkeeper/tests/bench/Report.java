package io.lunkeeper.tests.bench;

import java.io.IOException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/// Medians and ratios as Markdown.
final class Report {
    private static final String OURS = Contender.OURS;
    private static final String NULL = Contender.NULL;
    private static final String BARE = Contender.BARE;
    private static final Set<String> NO_PEERS = Set.of(OURS, NULL, BARE, Fio.NAME);

    /// A client that is busy for more than this part of the time is what is measured.
    private static final double CLIENT_BOUND = 0.9;

    private Report() {}

    /// The table of ratios, that of ourselves beside ourselves, that of pauses, that of everybody's
    /// figures, and the memory in use.
    static String markdown(
            Map<Row, Map<String, List<Sample>>> samples,
            List<Contender> contenders,
            int rounds,
            double seconds)
            throws IOException {
        StringBuilder text = new StringBuilder();
        text.append("Medians of ").append(rounds).append(" rounds of ").append(seconds);
        text.append(" s; ").append(Runtime.getRuntime().availableProcessors());
        text.append(" processors. CPU: seconds of the server's processor time for 100,000");
        text.append(" commands. Times in µs: 50 / 99 / 99.9 %.\n\n");
        text.append(
                "| workload | per second | × null | × bare C | × best peer | CPU | × null | × bare C |");
        text.append(" × that peer | times | client busy |\n");
        text.append("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
        samples.forEach((row, all) -> text.append(isPing(row) ? "" : ratios(row, all)));
        text.append(comparisons(samples)).append(pauses(samples));
        text.append("\n| workload | target | per second | MiB per second | CPU | times |\n");
        text.append("|---|---|---:|---:|---:|---:|\n");
        samples.forEach((row, all) -> {
            if (!isPing(row)) {
                all.forEach((name, each) -> text.append(figures(row, name, each)));
            }
        });
        text.append("\n| target | memory resident afterwards, MiB |\n|---|---:|\n");
        for (Contender each : contenders) {
            text.append("| %s | %d |\n".formatted(each.name(), each.residentKib() / 1024));
        }
        return text.toString();
    }

    private static String ratios(Row row, Map<String, List<Sample>> all) {
        List<Sample> ours = all.getOrDefault(OURS, List.of());
        List<Sample> none = all.getOrDefault(NULL, List.of());
        List<Sample> bare = all.getOrDefault(BARE, List.of());
        String peer = bestPeer(all);
        List<Sample> theirs = all.getOrDefault(peer, List.of());
        double busy = median(ours, Sample::clientPart);
        return "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n"
                .formatted(
                        row.title(),
                        number(median(ours, Sample::perSecond), "%.0f"),
                        ratio(ours, none, Sample::perSecond),
                        ratio(ours, bare, Sample::perSecond),
                        ratio(ours, theirs, Sample::perSecond) + (peer.isEmpty() ? "" : " " + peer),
                        number(median(ours, Sample::serverSeconds), "%.3f"),
                        ratio(ours, none, Sample::serverSeconds),
                        ratio(ours, bare, Sample::serverSeconds),
                        ratio(ours, theirs, Sample::serverSeconds),
                        times(ours),
                        number(100 * busy, "%.0f %%") + (busy > CLIENT_BOUND ? " (bound)" : ""));
    }

    private static boolean isPing(Row row) {
        return row.workload() == Workload.PING;
    }

    /// Lunkeeper beside itself, with and without something, and beside the disk itself.
    private static String comparisons(Map<Row, Map<String, List<Sample>>> samples) {
        StringBuilder lines = new StringBuilder();
        samples.forEach((row, all) -> {
            List<Sample> ours = all.getOrDefault(OURS, List.of());
            row.plain(samples.keySet())
                    .ifPresent(plain ->
                            lines.append(
                                    comparison(
                                            row,
                                            ours,
                                            row.digests() ? "without" : plain.title(),
                                            samples.getOrDefault(plain, Map.of())
                                                    .getOrDefault(OURS, List.of()))));
            if (all.containsKey(Fio.NAME)) {
                lines.append(
                        comparison(row, ours, Fio.NAME, all.getOrDefault(Fio.NAME, List.of())));
            }
        });
        return lines.isEmpty()
                ? ""
                : "\n| Lunkeeper | beside | × per second | × CPU | × time of 99 % |\n"
                        + "|---|---|---:|---:|---:|\n"
                        + lines;
    }

    private static String comparison(
            Row row, List<Sample> ours, String beside, List<Sample> theirs) {
        return "| %s | %s | %s | %s | %s |\n"
                .formatted(
                        row.title(),
                        beside,
                        ratio(ours, theirs, Sample::perSecond),
                        ratio(ours, theirs, Sample::serverSeconds),
                        ratio(ours, theirs, Report::ninetyNine));
    }

    private static double ninetyNine(Sample sample) {
        Latency latency = sample.latency();
        return latency == null ? Double.NaN : latency.ninetyNine();
    }

    private static String pauses(Map<Row, Map<String, List<Sample>>> samples) {
        StringBuilder text = new StringBuilder();
        samples.forEach((row, all) -> {
            if (isPing(row)) {
                text.append("\n").append(row.title());
                text.append(": no event loop paused for longer. Times in µs.\n\n");
                text.append("| target | 50 / 99 / 99.9 % | longest |\n|---|---:|---:|\n");
                all.forEach((name, each) ->
                        text.append("| %s | %s | %d |\n".formatted(name, times(each), most(each))));
            }
        });
        return text.toString();
    }

    private static long most(List<Sample> samples) {
        return samples.stream()
                .map(Sample::latency)
                .filter(Objects::nonNull)
                .mapToLong(Latency::most)
                .max()
                .orElse(0);
    }

    private static String figures(Row row, String name, List<Sample> samples) {
        double perSecond = median(samples, Sample::perSecond);
        return "| %s | %s | %s | %s | %s | %s |\n"
                .formatted(
                        row.title(),
                        name,
                        number(perSecond, "%.0f"),
                        number(perSecond * row.workload().commandBytes() / (1 << 20), "%.0f"),
                        number(median(samples, Sample::serverSeconds), "%.3f"),
                        times(samples));
    }

    private static String bestPeer(Map<String, List<Sample>> all) {
        return all.entrySet().stream()
                .filter(each -> !NO_PEERS.contains(each.getKey()))
                .max(Comparator.comparingDouble(each -> median(each.getValue(), Sample::perSecond)))
                .map(Map.Entry::getKey)
                .orElse("");
    }

    static String ratio(List<Sample> ours, List<Sample> theirs, ToDoubleFunction<Sample> figure) {
        return number(median(ours, figure) / median(theirs, figure), "%.2f");
    }

    static String times(List<Sample> samples) {
        List<Latency> known =
                samples.stream().map(Sample::latency).filter(Objects::nonNull).toList();
        if (known.isEmpty()) {
            return "";
        }
        return new Latency(
                        middle(known, Latency::half),
                        middle(known, Latency::ninetyNine),
                        middle(known, Latency::threeNines),
                        0)
                .words();
    }

    private static long middle(List<Latency> known, ToDoubleFunction<Latency> figure) {
        return (long) median(known, figure);
    }

    static String number(double value, String format) {
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, format, value);
    }

    /// The median of a figure; not a number when one of them is none.
    static <T> double median(List<T> samples, ToDoubleFunction<T> figure) {
        double[] sorted = samples.stream().mapToDouble(figure).sorted().toArray();
        if (sorted.length == 0 || Arrays.stream(sorted).anyMatch(Double::isNaN)) {
            return Double.NaN;
        }
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
