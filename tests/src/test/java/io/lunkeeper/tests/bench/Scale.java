package io.lunkeeper.tests.bench;

import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/// How Lunkeeper fares with many sessions, many LUNs and large images, and what each of them costs:
/// tables in Markdown, as they are measured.
final class Scale {
    private static final List<Integer> SESSIONS = List.of(1, 4, 16, 64, 256);
    private static final List<Integer> LUNS = List.of(1, 10, 100, 1000);
    private static final List<Long> SIZES = List.of(1L << 30, 64L << 30, 1L << 40, 16L << 40);

    private static final int IDLE_SESSIONS = 500;
    private static final long DISK_GIB = 1;

    /// What is written of all images of a server, or of one large one: so many of 4 KiB.
    private static final int WRITTEN_PLACES = 16384;

    private static final int THREADS = Runtime.getRuntime().availableProcessors();
    private static final Duration TOOL_LIMIT = Duration.ofMinutes(2);

    private final Path folder;
    private final Path nullTarget;
    private final int rounds;
    private final double seconds;

    Scale(Path folder, Path nullTarget, int rounds, double seconds) {
        this.folder = folder;
        this.nullTarget = nullTarget;
        this.rounds = rounds;
        this.seconds = seconds;
    }

    /// Measures everything.
    ///
    /// @return throughput by number of sessions, of each contender
    Map<String, List<Double>> run() throws IOException {
        System.out.println(
                """
                Medians of %d rounds of %s s; %d processors. CPU: seconds of the server's processor \
                time for 100,000 commands. Times in µs: 50 / 99 / 99.9 %%. 4 KiB at random places.\
                """
                        .formatted(rounds, seconds, THREADS));
        Map<String, List<Double>> bySessions = sessions();
        long lunKib = luns();
        idle(lunKib);
        sizes();
        return bySessions;
    }

    static List<String> sessionLabels() {
        return SESSIONS.stream().map(String::valueOf).toList();
    }

    private static void line(Object... cells) {
        StringBuilder line = new StringBuilder("|");
        for (Object cell : cells) {
            line.append(' ').append(cell).append(" |");
        }
        System.out.println(line);
    }

    private static void head(String title, String... columns) {
        System.out.println("\n" + title + "\n");
        line((Object[]) columns);
        System.out.println("|" + "---:|".repeat(columns.length));
    }

    private static String figure(List<Sample> samples, ToDoubleFunction<Sample> of, String format) {
        return Report.number(Report.median(samples, of), format);
    }

    private static String perSecond(List<Sample> samples) {
        return figure(samples, Sample::perSecond, "%.0f");
    }

    private static String processor(List<Sample> samples) {
        return figure(samples, Sample::serverSeconds, "%.3f");
    }

    private static Sample measure(Contender target, int lun, LoadSpec spec) throws IOException {
        LoadRun run = new LoadRun(target.port(), target.iqn(), lun, spec);
        double before = target.processorSeconds();
        LoadResult result = run.run(0);
        Sample sample = Sample.of(result).servedIn(target.processorSeconds() - before);
        if (spec.workload().writes()) {
            run.verify();
        }
        return sample;
    }

    // ---- sessions

    private Map<String, List<Double>> sessions() throws IOException {
        Map<Integer, Map<String, List<Sample>>> samples = new LinkedHashMap<>();
        try (Contender ours = Contender.lunkeeper(folder, List.of(disk()), DISK_GIB);
                Contender none = Contender.none(folder, nullTarget, DISK_GIB)) {
            for (int round = 0; round <= rounds; round++) {
                for (int number : SESSIONS) {
                    for (Contender each : List.of(ours, none)) {
                        LoadSpec spec =
                                LoadSpec.of(Workload.READ, 4, number)
                                        .threads(THREADS)
                                        .seconds(round == 0 ? seconds / 2 : seconds);
                        Sample sample = measure(each, each.disk(), spec);
                        if (round > 0) {
                            samples.computeIfAbsent(number, _ -> new LinkedHashMap<>())
                                    .computeIfAbsent(each.name(), _ -> new ArrayList<>())
                                    .add(sample);
                        }
                    }
                }
            }
        }
        return sessionTable(samples);
    }

    /// An image of which every page is in the page cache.
    private Path disk() {
        Path disk = folder.resolve("disk");
        Tool.of(
                        "dd",
                        "if=/dev/urandom",
                        "of=" + disk,
                        "bs=1M",
                        "count=" + (DISK_GIB << 10),
                        "conv=fsync",
                        "status=none")
                .within(TOOL_LIMIT)
                .succeed();
        return disk;
    }

    private static Map<String, List<Double>> sessionTable(
            Map<Integer, Map<String, List<Sample>>> samples) {
        head(
                "Sessions of depth 4 that read warm data",
                "sessions",
                "per second",
                "CPU",
                "times",
                "null: per second",
                "CPU",
                "times",
                "× null",
                "client busy");
        Map<String, List<Double>> figures = new LinkedHashMap<>();
        samples.forEach((number, each) -> {
            List<Sample> ours = each.getOrDefault(Contender.OURS, List.of());
            List<Sample> none = each.getOrDefault(Contender.NULL, List.of());
            int threads = Math.min(number, THREADS);
            each.forEach((name, all) ->
                    figures.computeIfAbsent(name, _ -> new ArrayList<>())
                            .add(Report.median(all, Sample::perSecond)));
            line(
                    number,
                    perSecond(ours),
                    processor(ours),
                    Report.times(ours),
                    perSecond(none),
                    processor(none),
                    Report.times(none),
                    Report.ratio(ours, none, Sample::perSecond),
                    figure(ours, sample -> 100 * sample.clientPart() / threads, "%.0f %%"));
        });
        return figures;
    }

    // ---- LUNs

    /// @return the memory of each that has nothing to do, in KiB
    private long luns() throws IOException {
        head(
                "LUNs: sparse images of 1 GiB in one target; 4 sessions of depth 32 over all of them",
                "LUNs",
                "first start, s",
                "next start, s",
                "resident, MiB",
                "reads of holes",
                "CPU",
                "overwrites",
                "CPU",
                "reads of these",
                "CPU");
        List<Long> resident = new ArrayList<>();
        for (int number : LUNS) {
            List<Path> images =
                    IntStream.range(0, number)
                            .mapToObj(lun -> folder.resolve("lun-" + number + "-" + lun))
                            .toList();
            try (Contender ours = Contender.lunkeeper(folder, images, 1)) {
                double first = ours.startSeconds();
                ours.restart();
                resident.add(ours.residentKib());
                lunLine(ours, number, first);
            }
            for (Path image : images) {
                Files.delete(image);
            }
        }
        return (resident.getLast() - resident.getFirst()) / (LUNS.getLast() - LUNS.getFirst());
    }

    private void lunLine(Contender ours, int luns, double firstStart) throws IOException {
        long kib = ours.residentKib();
        List<Sample> holes = new ArrayList<>();
        List<Sample> writes = new ArrayList<>();
        List<Sample> reads = new ArrayList<>();
        int places = WRITTEN_PLACES / luns;
        for (int round = 0; round <= rounds; round++) {
            holes.add(measure(ours, 1, overAll(Workload.READ, luns)));
            writes.add(measure(ours, 1, overAll(Workload.WRITE, luns).places(places)));
            reads.add(measure(ours, 1, overAll(Workload.READ, luns).places(places)));
        }
        for (List<Sample> each : List.of(holes, writes, reads)) {
            each.removeFirst();
        }
        line(
                luns,
                Report.number(firstStart, "%.1f"),
                Report.number(ours.startSeconds(), "%.1f"),
                kib >> 10,
                perSecond(holes),
                processor(holes),
                perSecond(writes),
                processor(writes),
                perSecond(reads),
                processor(reads));
    }

    private LoadSpec overAll(Workload workload, int luns) {
        return LoadSpec.of(workload, 32, 4).threads(THREADS).luns(luns).seconds(seconds);
    }

    // ---- memory

    private void idle(long lunKib) throws IOException {
        head("Memory of what has nothing to do", "", "KiB resident");
        try (Contender ours =
                        Contender.lunkeeper(folder, List.of(folder.resolve("disk")), DISK_GIB);
                Contender none = Contender.none(folder, nullTarget, DISK_GIB)) {
            line("each of %d sessions".formatted(IDLE_SESSIONS), sessionKib(ours));
            line("the same of the null target", sessionKib(none));
        }
        line("each of %d LUNs".formatted(LUNS.getLast()), lunKib);
    }

    /// After some commands, so that what the first of them takes for all is there.
    private static long sessionKib(Contender target) throws IOException {
        LoadSpec some = LoadSpec.of(Workload.READ, 4, 4).commands(50_000);
        measure(target, target.disk(), some);
        long before = target.residentKib();
        List<RawInitiator> idle = new ArrayList<>();
        try {
            var run = new LoadRun(target.port(), target.iqn(), target.disk(), some);
            for (int i = 0; i < IDLE_SESSIONS; i++) {
                RawInitiator initiator = run.logIn("None");
                idle.add(initiator);
                initiator.clearUnitAttentions(target.disk());
            }
            return (target.residentKib() - before) / IDLE_SESSIONS;
        } finally {
            for (RawInitiator each : idle) {
                each.close();
            }
        }
    }

    // ---- sizes

    private void sizes() throws IOException {
        head(
                "Sparse images, one session of depth 32; writes to %d places all over the image"
                        .formatted(WRITTEN_PLACES),
                "size",
                "reads of holes",
                "CPU",
                "first writes",
                "CPU",
                "overwrites",
                "CPU",
                "times",
                "reads of these",
                "CPU",
                "times");
        List<Path> images = new ArrayList<>();
        // The first is for what compiles as it runs.
        images.add(sparse(SIZES.getFirst(), "warm-up"));
        for (long size : SIZES) {
            images.add(sparse(size, "size-" + size));
        }
        try (Contender ours = Contender.lunkeeper(folder, images, DISK_GIB)) {
            for (int i = 0; i < images.size(); i++) {
                sizeLine(ours, ours.disk() + i, Files.size(images.get(i)), i > 0);
            }
        }
    }

    /// An image of a size, or of half of that, where the file system has no larger files.
    private Path sparse(long bytes, String name) throws IOException {
        Path image = folder.resolve(name);
        try (var file = new RandomAccessFile(image.toFile(), "rw")) {
            for (long size : List.of(bytes, bytes - 4096, bytes / 2)) {
                try {
                    file.setLength(size);
                    break;
                } catch (IOException tooLarge) {
                    System.err.println("bench: no file of " + size + " bytes: " + tooLarge);
                }
            }
        }
        return image;
    }

    private void sizeLine(Contender ours, int lun, long bytes, boolean printed) throws IOException {
        LoadSpec touch = onePer(Workload.TOUCH).commands(WRITTEN_PLACES);
        List<Sample> holes = new ArrayList<>();
        List<Sample> writes = new ArrayList<>();
        List<Sample> reads = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            LoadSpec anywhere = LoadSpec.of(Workload.READ, 32, 1).seconds(seconds);
            holes.add(measure(ours, lun, anywhere));
        }
        List<Sample> first = List.of(measure(ours, lun, touch));
        for (int round = 0; round < rounds; round++) {
            writes.add(measure(ours, lun, onePer(Workload.WRITE).seconds(seconds)));
            reads.add(measure(ours, lun, onePer(Workload.READ).seconds(seconds)));
        }
        if (printed) {
            line(
                    size(bytes),
                    perSecond(holes),
                    processor(holes),
                    perSecond(first),
                    processor(first),
                    perSecond(writes),
                    processor(writes),
                    Report.times(writes),
                    perSecond(reads),
                    processor(reads),
                    Report.times(reads));
        }
    }

    private static LoadSpec onePer(Workload workload) {
        return LoadSpec.of(workload, 32, 1).places(WRITTEN_PLACES);
    }

    private static String size(long bytes) {
        long gib = Math.ceilDiv(bytes, 1L << 30);
        String rounded = gib < 1024 ? gib + " GiB" : gib / 1024 + " TiB";
        return rounded + (bytes % (1L << 30) == 0 ? "" : " less a block");
    }
}
