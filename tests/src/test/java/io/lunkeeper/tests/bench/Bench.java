package io.lunkeeper.tests.bench;

import io.lunkeeper.tests.rig.Checkout;
import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;
import org.apache.commons.cli.ParseException;

/// Measures Lunkeeper beside a target without storage and beside every other target that is
/// installed, and writes a report. `tests/bench` runs it.
///
/// Rounds go over all rows, and in each row over all contenders next to each other, since machines
/// drift. Round 0 warms the compilers and does not count.
public final class Bench implements AutoCloseable {
    private static final long DISK_MIB = 1024;
    private static final long SPARSE_GIB = 2;

    /// First writes go to a fifth of a sparse disk.
    private static final int SPARSE_PART = 5;

    private static final Duration TOOL_LIMIT = Duration.ofMinutes(2);
    private static final Pattern PERF_AVERAGE = Pattern.compile("iops average (\\d+)");
    private static final Pattern QEMU_SECONDS = Pattern.compile("Run completed in ([0-9.]+)");

    private final Path folder;
    private final int rounds;
    private final double seconds;
    private final List<Row> rows;
    private final List<Contender> contenders = new ArrayList<>();
    private final Map<Row, Map<String, List<Sample>>> samples = new LinkedHashMap<>();

    private Bench(Path folder, int rounds, double seconds, List<Row> rows) {
        this.folder = folder;
        this.rounds = rounds;
        this.seconds = seconds;
        this.rows = rows;
    }

    /// `[--quick] [--rounds N] [--seconds S] [--only WORDS] [--plots FOLDER] NULL_TARGET`: prints
    /// the report.
    public static void main(String[] arguments) throws IOException {
        Options options =
                new Options()
                        .addOption(null, "quick", false, "")
                        .addOption(Option.builder().longOpt("rounds").hasArg().get())
                        .addOption(Option.builder().longOpt("seconds").hasArg().get())
                        .addOption(Option.builder().longOpt("only").hasArg().get())
                        .addOption(Option.builder().longOpt("plots").hasArg().get());
        try {
            CommandLine line = new DefaultParser().parse(options, arguments);
            boolean quick = line.hasOption("quick");
            String only = line.getOptionValue("only", "");
            List<Row> rows =
                    Row.all().stream()
                            .filter(row -> row.quick() || !quick)
                            .filter(row -> row.title().contains(only))
                            .filter(row -> isHere(row.client()))
                            .toList();
            int rounds = Integer.parseInt(line.getOptionValue("rounds", quick ? "1" : "5"));
            double seconds = Double.parseDouble(line.getOptionValue("seconds", quick ? "1" : "3"));
            Path scratch = Files.createDirectories(Checkout.scratch());
            Path folder = Files.createTempDirectory(scratch, "bench.");
            try (Bench bench = new Bench(folder, rounds, seconds, rows)) {
                bench.start(Path.of(line.getArgList().getFirst()));
                bench.measureAll();
                System.out.print(Report.markdown(bench.samples, bench.contenders, rounds, seconds));
                if (line.hasOption("plots")) {
                    Path plots = Path.of(line.getOptionValue("plots"));
                    List<String> names = bench.contenders.stream().map(Contender::name).toList();
                    new Plots(bench.samples, names, plots).write();
                }
            }
        } catch (ParseException wrong) {
            System.err.println("bench: " + wrong.getMessage());
            System.exit(2);
        }
    }

    private static boolean isHere(Row.Client client) {
        return client == Row.Client.LEAN || Contender.installed(client.program()).isPresent();
    }

    private static void say(String words) {
        System.err.println("bench: " + words);
    }

    // ---- preparation

    private void start(Path nullTarget) throws IOException {
        say("writing images");
        Path seed = folder.resolve("seed");
        Tool.of("dd", "if=/dev/urandom", "of=" + seed, "bs=1M", "count=" + DISK_MIB, "status=none")
                .within(TOOL_LIMIT)
                .succeed();
        contenders.add(
                Contender.lunkeeper(
                        folder, Checkout.launcher(), images(seed, "lunkeeper"), SPARSE_GIB));
        contenders.add(Contender.none(folder, nullTarget, DISK_MIB >> 10));
        if (Contender.installed("tgtd").isPresent()) {
            contenders.add(Contender.tgt(folder, false, images(seed, "tgt"), SPARSE_GIB));
            contenders.add(Contender.tgt(folder, true, images(seed, "tgt-tuned"), SPARSE_GIB));
        }
        if (Contender.installed("istgt").isPresent()) {
            contenders.add(Contender.istgt(folder, copy(seed, "istgt")));
        }
        Files.delete(seed);
        Tool.of("sync", "-f", folder.toString()).within(TOOL_LIMIT).succeed();
    }

    /// The disk, and a sparse one for each round: not written yet, nor even there.
    private List<Path> images(Path seed, String name) {
        List<Path> images = new ArrayList<>(List.of(copy(seed, name)));
        for (int round = 0; round <= rounds; round++) {
            images.add(folder.resolve(name + "-sparse-" + round));
        }
        return images;
    }

    /// Alike for all: how a file was written decides how the page cache holds it.
    private Path copy(Path seed, String name) {
        Path image = folder.resolve(name);
        Tool.of("cp", "--sparse=never", "--reflink=never", seed.toString(), image.toString())
                .within(TOOL_LIMIT)
                .succeed();
        return image;
    }

    // ---- measurement

    private void measureAll() throws IOException {
        for (int round = 0; round <= rounds; round++) {
            for (Row row : rows) {
                for (Contender contender : contenders) {
                    if (!applies(row, contender)) {
                        continue;
                    }
                    Sample sample = measure(row, contender, round);
                    say(
                            "%d %s, %s: %.0f per second, %.3f s of the processor for 100,000"
                                    .formatted(
                                            round,
                                            row.title(),
                                            contender.name(),
                                            sample.perSecond(),
                                            sample.serverSeconds()));
                    if (round > 0) {
                        samples.computeIfAbsent(row, _ -> new LinkedHashMap<>())
                                .computeIfAbsent(contender.name(), _ -> new ArrayList<>())
                                .add(sample);
                    }
                }
            }
        }
    }

    private static boolean applies(Row row, Contender contender) {
        boolean stores = !contender.images().isEmpty();
        return switch (row.disk()) {
            case WARM -> !row.digests() || stores;
            case STREAMED, COLD -> stores;
            case SPARSE -> contender.images().size() > 1;
        };
    }

    private Sample measure(Row row, Contender contender, int round) throws IOException {
        prepare(row, contender);
        double before = contender.processorSeconds();
        Sample sample =
                switch (row.client()) {
                    case LEAN -> lean(row, contender, round);
                    case ISCSI_PERF -> iscsiPerf(row, contender);
                    case QEMU_IMG -> qemuImg(row, contender);
                };
        return row.client() == Row.Client.LEAN
                ? sample
                : sample.servedIn(contender.processorSeconds() - before);
    }

    private static void prepare(Row row, Contender contender) throws IOException {
        if (contender.images().isEmpty()) {
            return;
        }
        Path image = contender.images().getFirst();
        switch (row.disk()) {
            case WARM ->
                    Tool.of("dd", "if=" + image, "of=/dev/null", "bs=1M", "status=none")
                            .within(TOOL_LIMIT)
                            .succeed();
            case STREAMED -> {
                LoadRun.Spec once =
                        new LoadRun.Spec(
                                Workload.STREAM_LARGE, 8, 1, false, DISK_MIB, Long.MAX_VALUE, 1e9);
                new LoadRun(contender.port(), contender.iqn(), contender.disk(), once).run(0);
            }
            case COLD -> {
                Tool.of("sync", "-f", image.toString()).within(TOOL_LIMIT).succeed();
                Tool.of("dd", "if=" + image, "iflag=nocache", "count=0", "status=none").succeed();
            }
            case SPARSE -> {}
        }
    }

    private Sample lean(Row row, Contender contender, int round) throws IOException {
        boolean sparse = row.disk() == Row.Disk.SPARSE;
        long places = (SPARSE_GIB << 30) / row.workload().commandBytes();
        LoadRun.Spec spec =
                new LoadRun.Spec(
                        row.workload(),
                        row.depth(),
                        row.sessions(),
                        row.digests(),
                        sparse ? places / SPARSE_PART : Long.MAX_VALUE,
                        sparse ? Long.MAX_VALUE : (long) (seconds * 1e9),
                        1e9);
        int lun = contender.disk() + (sparse ? 1 + round : 0);
        LoadRun run = new LoadRun(contender.port(), contender.iqn(), lun, spec);
        double before = contender.processorSeconds();
        LoadResult result = run.run(0);
        Sample sample = Sample.of(result).servedIn(contender.processorSeconds() - before);
        if (row.workload().writes() && !contender.images().isEmpty()) {
            run.verify();
        }
        return sample;
    }

    private Sample iscsiPerf(Row row, Contender contender) {
        // The last average that it prints is that of the whole run.
        String output =
                Tool.of(
                                "iscsi-perf",
                                "-r",
                                "-b",
                                "8",
                                "-m",
                                "" + row.depth(),
                                "-t",
                                "" + Math.max(1, Math.round(seconds)),
                                url(contender))
                        .within(TOOL_LIMIT)
                        .succeed();
        Matcher average = PERF_AVERAGE.matcher(output);
        String last = "0";
        while (average.find()) {
            last = average.group(1);
        }
        double perSecond = Double.parseDouble(last);
        return Sample.of(perSecond, (long) (perSecond * Math.max(1, Math.round(seconds))));
    }

    private Sample qemuImg(Row row, Contender contender) {
        long count = (long) (seconds * 20_000);
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "qemu-img",
                                "bench",
                                "-f",
                                "raw",
                                "-t",
                                "none",
                                "-d",
                                "" + row.depth(),
                                "-s",
                                "4096",
                                "-S",
                                "" + 97 * 4096,
                                "-c",
                                "" + count));
        if (row.workload().writes()) {
            command.add("-w");
        }
        command.add(url(contender));
        String output = Tool.of(command.toArray(String[]::new)).within(TOOL_LIMIT).succeed();
        Matcher found = QEMU_SECONDS.matcher(output);
        double took = found.find() ? Double.parseDouble(found.group(1)) : Double.NaN;
        return Sample.of(count / took, count);
    }

    private static String url(Contender contender) {
        return String.format(
                Locale.ROOT,
                "iscsi://127.0.0.1:%d/%s/%d",
                contender.port(),
                contender.iqn(),
                contender.disk());
    }

    @Override
    public void close() throws IOException {
        contenders.forEach(Contender::close);
        Tool.of("rm", "-rf", folder.toString()).succeed();
    }
}
