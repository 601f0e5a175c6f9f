package io.lunkeeper.tests.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.ToDoubleBiFunction;
import org.jfree.svg.SVGGraphics2D;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.style.Styler;

/// The medians of a run as bars, in SVG.
final class Plots {
    private static final int WIDTH = 1400;
    private static final int HEIGHT = 700;

    /// Above this a command is of the sequential kind, for which bytes count.
    private static final int LARGE_BYTES = 32 << 10;

    private final Map<Row, Map<String, List<Sample>>> samples;
    private final List<String> names;
    private final Path folder;

    /// @param names of the contenders, in the order of their bars
    Plots(Map<Row, Map<String, List<Sample>>> samples, List<String> names, Path folder) {
        this.samples = samples;
        this.names = names;
        this.folder = folder;
    }

    /// Writes `commands.svg`, `bytes.svg` and `processor.svg`.
    void write() throws IOException {
        Files.createDirectories(folder);
        Predicate<Row> large = row -> row.workload().commandBytes() > LARGE_BYTES;
        Predicate<Row> small = large.negate().and(row -> row.workload() != Workload.PING);
        plot(
                "commands",
                "Small commands per second",
                small,
                (_, each) -> Report.median(each, Sample::perSecond));
        plot(
                "bytes",
                "MiB per second",
                large,
                (row, each) ->
                        Report.median(each, Sample::perSecond)
                                * row.workload().commandBytes()
                                / (1 << 20));
        plot(
                "processor",
                "Server's processor seconds for 100,000 small commands",
                small,
                (_, each) -> Report.median(each, Sample::serverSeconds));
    }

    private void plot(
            String file,
            String title,
            Predicate<Row> wanted,
            ToDoubleBiFunction<Row, List<Sample>> figure)
            throws IOException {
        List<Row> rows = samples.keySet().stream().filter(wanted).toList();
        Map<String, List<Double>> series = new LinkedHashMap<>();
        for (String name : names) {
            List<Double> bars = new ArrayList<>();
            for (Row row : rows) {
                List<Sample> each = samples.getOrDefault(row, Map.of()).get(name);
                bars.add(each == null ? 0 : figure.applyAsDouble(row, each));
            }
            series.put(name, bars);
        }
        bars(folder.resolve(file + ".svg"), title, rows.stream().map(Row::title).toList(), series);
    }

    /// Writes groups of bars, one of each series in each group.
    static void bars(Path file, String title, List<String> groups, Map<String, List<Double>> series)
            throws IOException {
        if (groups.isEmpty()) {
            return;
        }
        CategoryChart chart =
                new CategoryChartBuilder().width(WIDTH).height(HEIGHT).title(title).build();
        chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideS);
        chart.getStyler().setLegendLayout(Styler.LegendLayout.Horizontal);
        chart.getStyler().setXAxisLabelRotation(30);
        series.forEach((name, bars) ->
                chart.addSeries(
                        name, groups, bars.stream().map(bar -> bar.isNaN() ? 0 : bar).toList()));
        SVGGraphics2D graphics = new SVGGraphics2D(WIDTH, HEIGHT);
        chart.paint(graphics, WIDTH, HEIGHT);
        Files.writeString(file, graphics.getSVGDocument());
    }
}
