package io.lunkeeper.tests.bench;

import io.lunkeeper.tests.rig.Checkout;
import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
    private static final Duration TOOL_LIMIT = Duration.ofMinutes(2);

    private static final String BARE_IMAGE = "bare";

    private final Path folder;
    private final int rounds;
    private final double seconds;
    private final List<Row> rows;
    private final List<Contender> contenders = new ArrayList<>();
    private final Map<Row, Map<String, List<Sample>>> samples = new LinkedHashMap<>();
    private final Set<String> failed = new HashSet<>();

    private Bench(Path folder, int rounds, double seconds, List<Row> rows) {
        this.folder = folder;
        this.rounds = rounds;
        this.seconds = seconds;
        this.rows = rows;
    }

    /// `[--quick | --scale] [--rounds N] [--seconds S] [--only WORDS] [--plots FOLDER]
    /// NULL_TARGET`: prints the report.
    public static void main(String[] arguments) throws IOException {
        Options options =
                new Options()
                        .addOption(null, "quick", false, "")
                        .addOption(null, "scale", false, "")
                        .addOption(Option.builder().longOpt("rounds").hasArg().get())
                        .addOption(Option.builder().longOpt("seconds").hasArg().get())
                        .addOption(Option.builder().longOpt("only").hasArg().get())
                        .addOption(Option.builder().longOpt("plots").hasArg().get());
        try {
            CommandLine line = new DefaultParser().parse(options, arguments);
            Path scratch = Files.createDirectories(Checkout.scratch());
            Path folder = Files.createTempDirectory(scratch, "bench.");
            try {
                if (line.hasOption("scale")) {
                    scale(line, folder);
                } else {
                    compare(line, folder);
                }
            } finally {
                Tool.of("rm", "-rf", folder.toString()).within(TOOL_LIMIT).succeed();
            }
        } catch (ParseException wrong) {
            System.err.println("bench: " + wrong.getMessage());
            System.exit(2);
        }
    }

    private static void compare(CommandLine line, Path folder) throws IOException {
        boolean quick = line.hasOption("quick");
        String only = line.getOptionValue("only", "");
        List<Row> rows =
                Row.all().stream()
                        .filter(row -> row.quick() || !quick)
                        .filter(row -> row.title().contains(only))
                        .filter(row -> isHere(row.client()))
                        .toList();
        int rounds = Integer.parseInt(line.getOptionValue("rounds", quick ? "1" : "5"));
        double seconds = Double.parseDouble(line.getOptionValue("seconds", quick ? "0.8" : "1"));
        try (Bench bench = new Bench(folder, rounds, seconds, rows)) {
            bench.start(Path.of(line.getArgList().getFirst()), quick);
            bench.measureAll();
            System.out.print(Report.markdown(bench.samples, bench.contenders, rounds, seconds));
            if (line.hasOption("plots")) {
                Path plots = Path.of(line.getOptionValue("plots"));
                List<String> names = bench.contenders.stream().map(Contender::name).toList();
                new Plots(bench.samples, names, plots).write();
            }
        }
    }

    private static void scale(CommandLine line, Path folder) throws IOException {
        int rounds = Integer.parseInt(line.getOptionValue("rounds", "2"));
        double seconds = Double.parseDouble(line.getOptionValue("seconds", "1"));
        Path nullTarget = Path.of(line.getArgList().getFirst());
        Map<String, List<Double>> bySessions = new Scale(folder, nullTarget, rounds, seconds).run();
        if (line.hasOption("plots")) {
            Path plots = Files.createDirectories(Path.of(line.getOptionValue("plots")));
            Plots.bars(
                    plots.resolve("sessions.svg"),
                    "4 KiB random reads per second by sessions of depth 4",
                    Scale.sessionLabels(),
                    bySessions);
        }
    }

    private static boolean isHere(Row.Client client) {
        return client == Row.Client.LEAN || Contender.installed(client.program()).isPresent();
    }

    private static void say(String words) {
        System.err.println("bench: " + words);
    }

    // ---- preparation

    private void start(Path nullTarget, boolean quick) throws IOException {
        say("writing images");
        Path seed = folder.resolve("seed");
        Tool.of(
                        "dd",
                        "if=/dev/urandom",
                        "of=" + seed,
                        "bs=1M",
                        "count=" + RowRun.DISK_MIB,
                        "status=none")
                .within(TOOL_LIMIT)
                .succeed();
        contenders.add(Contender.lunkeeper(folder, images(seed, "lunkeeper"), RowRun.SPARSE_GIB));
        contenders.add(Contender.none(folder, nullTarget, RowRun.DISK_MIB >> 10));
        contenders.add(
                Contender.bare(folder, nullTarget, RowRun.DISK_MIB >> 10, copy(seed, BARE_IMAGE)));
        if (Contender.installed("tgtd").isPresent()) {
            if (!quick) {
                contenders.add(
                        Contender.tgt(folder, false, images(seed, "tgt"), RowRun.SPARSE_GIB));
            }
            contenders.add(
                    Contender.tgt(folder, true, images(seed, "tgt-tuned"), RowRun.SPARSE_GIB));
        }
        if (Contender.installed("istgt").isPresent()) {
            contenders.add(Contender.istgt(folder, disks(seed, "istgt")));
        }
        if (!quick) {
            contenders.add(Contender.jscsi(folder, copy(seed, "jscsi")));
        }
        Files.delete(seed);
        for (Contender each : contenders) {
            if (RowRun.hasSparseDisks(each)) {
                RowRun.writeNeighbour(each);
            }
        }
        Tool.of("sync", "-f", folder.toString()).within(TOOL_LIMIT).succeed();
    }

    /// The two disks, a sparse one for each round, not written yet, nor even there, and the
    /// neighbour.
    private List<Path> images(Path seed, String name) {
        List<Path> images = new ArrayList<>(disks(seed, name));
        for (int round = 0; round <= rounds; round++) {
            images.add(folder.resolve(name + "-sparse-" + round));
        }
        images.add(folder.resolve(name + "-neighbour"));
        return images;
    }

    /// One that stays in the page cache as it was copied, and one that does not.
    private List<Path> disks(Path seed, String name) {
        return List.of(copy(seed, name), copy(seed, name + "-aged"));
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
                    if (RowRun.applies(row, contender)
                            && (round > 0 || RowRun.warms(row, contender))
                            && !failed.contains(row.title() + contender.name())) {
                        measure(row, contender, round);
                    }
                }
                if (round > 0 && Fio.applies(row) && Fio.isHere()) {
                    keep(row, Fio.NAME, round, Fio.measure(row, fioImage(row), seconds));
                }
            }
        }
    }

    /// Ours, to read what we read; to write, one that nobody owns.
    private Path fioImage(Row row) {
        return row.workload().writes()
                ? folder.resolve(BARE_IMAGE)
                : RowRun.aged(contenders.getFirst());
    }

    /// A row in which a contender fails goes on without it.
    private void measure(Row row, Contender contender, int round) throws IOException {
        try {
            double time = round == 0 ? seconds / 2 : seconds;
            Sample sample = new RowRun(row, contender, round, time).measure();
            keep(row, contender.name(), round, sample);
        } catch (IOException | UncheckedIOException | AssertionError fault) {
            if (contender.name().equals(Contender.OURS)) {
                throw fault;
            }
            say(row.title() + ", without " + contender.name() + ": " + fault);
            failed.add(row.title() + contender.name());
            if (contender.name().equals(Contender.JSCSI)) {
                contender.restart();
            }
        }
    }

    private void keep(Row row, String name, int round, Sample sample) {
        say(
                "%d %s, %s: %.0f per second, %.3f s of the processor for 100,000"
                        .formatted(
                                round,
                                row.title(),
                                name,
                                sample.perSecond(),
                                sample.serverSeconds()));
        if (round > 0) {
            samples.computeIfAbsent(row, _ -> new LinkedHashMap<>())
                    .computeIfAbsent(name, _ -> new ArrayList<>())
                    .add(sample);
        }
    }

    @Override
    public void close() {
        contenders.forEach(Contender::close);
    }
}
