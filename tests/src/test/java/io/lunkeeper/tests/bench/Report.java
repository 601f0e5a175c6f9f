package io.lunkeeper.tests.bench;

import java.io.IOException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToDoubleFunction;

/// Medians and ratios as Markdown.
final class Report {
    private static final String OURS = "Lunkeeper";
    private static final String NULL = "null";

    /// A client that is busy for more than this part of the time is what is measured.
    private static final double CLIENT_BOUND = 0.9;

    private Report() {}

    /// The table of ratios, that of everybody's figures, and the memory in use.
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
        text.append("| workload | per second | × null | × best peer | CPU | × null |");
        text.append(" × that peer | times | client busy |\n");
        text.append("|---|---:|---:|---:|---:|---:|---:|---:|---:|\n");
        samples.forEach((row, all) -> text.append(ratios(row, all)));
        text.append("\n| workload | target | per second | MiB per second | CPU | times |\n");
        text.append("|---|---|---:|---:|---:|---:|\n");
        samples.forEach(
                (row, all) -> all.forEach((name, each) -> text.append(figures(row, name, each))));
        text.append("\n| target | memory resident afterwards, MiB |\n|---|---:|\n");
        for (Contender each : contenders) {
            text.append("| %s | %d |\n".formatted(each.name(), each.residentMib()));
        }
        return text.toString();
    }

    private static String ratios(Row row, Map<String, List<Sample>> all) {
        List<Sample> ours = all.getOrDefault(OURS, List.of());
        List<Sample> none = all.getOrDefault(NULL, List.of());
        String peer = bestPeer(all);
        List<Sample> theirs = all.getOrDefault(peer, List.of());
        double busy = median(ours, Sample::clientPart);
        return "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n"
                .formatted(
                        row.title(),
                        number(median(ours, Sample::perSecond), "%.0f"),
                        ratio(ours, none, Sample::perSecond),
                        ratio(ours, theirs, Sample::perSecond) + (peer.isEmpty() ? "" : " " + peer),
                        number(median(ours, Sample::serverSeconds), "%.3f"),
                        ratio(ours, none, Sample::serverSeconds),
                        ratio(ours, theirs, Sample::serverSeconds),
                        times(ours),
                        number(100 * busy, "%.0f %%") + (busy > CLIENT_BOUND ? " (bound)" : ""));
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
                .filter(each -> !each.getKey().equals(OURS) && !each.getKey().equals(NULL))
                .max(Comparator.comparingDouble(each -> median(each.getValue(), Sample::perSecond)))
                .map(Map.Entry::getKey)
                .orElse("");
    }

    private static String ratio(
            List<Sample> ours, List<Sample> theirs, ToDoubleFunction<Sample> figure) {
        return number(median(ours, figure) / median(theirs, figure), "%.2f");
    }

    private static String times(List<Sample> samples) {
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

    private static String number(double value, String format) {
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
