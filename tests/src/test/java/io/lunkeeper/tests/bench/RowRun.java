package io.lunkeeper.tests.bench;

import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// One measurement of one row against one contender.
///
/// @param round which of the sparse disks
/// @param seconds how long
record RowRun(Row row, Contender contender, int round, double seconds) {
    static final long DISK_MIB = 1024;
    static final long SPARSE_GIB = 2;

    /// First writes go to a fifth of a sparse disk.
    private static final int SPARSE_PART = 5;

    /// What of the last LUN is written: 64 MiB.
    private static final int NEIGHBOUR_PLACES = 16384;

    private static final List<Workload> JSCSI_WORKLOADS =
            List.of(Workload.READ, Workload.WRITE, Workload.MIXED, Workload.SCAN, Workload.STREAM);

    private static final double PINGS_PER_SECOND = 1000;
    private static final Duration TOOL_LIMIT = Duration.ofMinutes(2);
    private static final Pattern PERF_AVERAGE = Pattern.compile("iops average (\\d+)");
    private static final Pattern QEMU_SECONDS = Pattern.compile("Run completed in ([0-9.]+)");

    /// Whether a contender takes part in a row. The target without storage knows no digests, with a
    /// file or without, and its flushes do nothing; jSCSI fails on large writes and on flushes, and
    /// serves one session; istgt takes a second for each login.
    static boolean applies(Row row, Contender contender) {
        boolean istgt = contender.name().equals(Contender.ISTGT);
        if (contender.name().equals(Contender.JSCSI)) {
            return jscsiServes(row);
        }
        boolean bare = contender.name().equals(Contender.BARE);
        boolean aged = contender.images().size() > 1;
        return switch (row.disk()) {
            case WARM ->
                    (!row.digests() || aged)
                            && !(istgt && row.sessions() > 4)
                            && !(bare && row.workload() == Workload.FLUSHING);
            case LOADED -> !istgt && !bare;
            case STREAMED, READ_IN, COLD -> aged;
            case SPARSE, NEIGHBOUR, BESIDE_COLD -> hasSparseDisks(contender);
        };
    }

    /// Whether it has more than the two disks.
    static boolean hasSparseDisks(Contender contender) {
        return contender.images().size() > 2;
    }

    private static boolean jscsiServes(Row row) {
        return row.client() == Row.Client.LEAN
                && row.disk() == Row.Disk.WARM
                && row.sessions() == 1
                && !row.digests()
                && JSCSI_WORKLOADS.contains(row.workload());
    }

    /// Whether a row counts in round 0: it warms what compiles as it runs, and spreads the pages of
    /// images that are written at random.
    static boolean warms(Row row, Contender contender) {
        return switch (contender.name()) {
            case Contender.OURS, Contender.NULL, Contender.BARE, Contender.JSCSI -> true;
            default -> row.disk() == Row.Disk.WARM && row.workload().writes();
        };
    }

    /// Writes a small part of the last LUN, which then is in the page cache.
    static void writeNeighbour(Contender contender) throws IOException {
        LoadSpec once =
                LoadSpec.of(Workload.TOUCH, 32, 1)
                        .places(NEIGHBOUR_PLACES)
                        .commands(NEIGHBOUR_PLACES);
        new LoadRun(contender.port(), contender.iqn(), neighbour(contender), once).run(0);
    }

    /// The last LUN.
    private static int neighbour(Contender contender) {
        return contender.disk() + contender.images().size() - 1;
    }

    /// The image that leaves the page cache.
    static Path aged(Contender contender) {
        return contender.images().get(1);
    }

    /// Drops an image from the page cache.
    static void dropFromCache(Path image) {
        Tool.of("sync", "-f", image.toString()).within(TOOL_LIMIT).succeed();
        Tool.of("dd", "if=" + image, "iflag=nocache", "count=0", "status=none").succeed();
    }

    Sample measure() throws IOException {
        prepare();
        double before = contender.processorSeconds();
        Sample sample =
                switch (row.client()) {
                    case LEAN -> lean();
                    case ISCSI_PERF -> iscsiPerf();
                    case QEMU_IMG -> qemuImg();
                };
        return row.client() == Row.Client.LEAN
                ? sample
                : sample.servedIn(contender.processorSeconds() - before);
    }

    /// Nobody pays for what another has left behind: data that is not on the disk yet would go
    /// there while the next is measured.
    private void prepare() throws IOException {
        Tool.of("sync").within(TOOL_LIMIT).succeed();
        if (contender.images().isEmpty()) {
            return;
        }
        Path image = contender.images().getFirst();
        switch (row.disk()) {
            case WARM, LOADED ->
                    Tool.of("dd", "if=" + image, "of=/dev/null", "bs=1M", "status=none")
                            .within(TOOL_LIMIT)
                            .succeed();
            case STREAMED -> {
                LoadSpec once = LoadSpec.of(Workload.STREAM_LARGE, 8, 1).commands(DISK_MIB);
                run(contender.disk(), once).run(0);
            }
            case READ_IN -> {
                dropFromCache(aged(contender));
                LoadSpec once = LoadSpec.of(Workload.SCAN_LARGE, 8, 1).commands(DISK_MIB);
                run(contender.agedDisk(), once).run(0);
            }
            case COLD, BESIDE_COLD -> dropFromCache(aged(contender));
            case SPARSE -> touchMemory(image.resolveSibling("filler"));
            case NEIGHBOUR -> {}
        }
    }

    /// A virtual machine may get memory from its host only as it is used, and gives back what is
    /// free: a page that is used for the first time then costs several times what a write does. So
    /// before first writes to a disk there is free memory that has been used just now.
    private static void touchMemory(Path filler) throws IOException {
        Tool.of("dd", "if=/dev/zero", "of=" + filler, "bs=1M", "count=1024", "status=none")
                .within(TOOL_LIMIT)
                .succeed();
        Files.delete(filler);
    }

    private Sample lean() throws IOException {
        LoadSpec spec =
                LoadSpec.of(row.workload(), row.depth(), row.sessions()).digests(row.digests());
        long places = (SPARSE_GIB << 30) / row.workload().commandBytes();
        return switch (row.disk()) {
            case WARM, STREAMED -> alone(contender.disk(), spec.seconds(seconds));
            case READ_IN, COLD -> alone(contender.agedDisk(), spec.seconds(seconds));
            case SPARSE ->
                    alone(contender.agedDisk() + 1 + round, spec.commands(places / SPARSE_PART));
            case NEIGHBOUR ->
                    alone(neighbour(contender), spec.places(NEIGHBOUR_PLACES).seconds(seconds));
            case BESIDE_COLD ->
                    beside(
                            contender.agedDisk(),
                            LoadSpec.of(Workload.READ_ONCE, 32, 1),
                            neighbour(contender),
                            spec.places(NEIGHBOUR_PLACES).seconds(seconds));
            case LOADED ->
                    beside(
                            contender.disk(),
                            LoadSpec.of(Workload.MIXED, 32, 4),
                            contender.disk(),
                            spec.threads(row.sessions())
                                    .rate(
                                            PINGS_PER_SECOND
                                                    * row.workload().commandBytes()
                                                    / (1 << 20))
                                    .seconds(seconds));
        };
    }

    private LoadRun run(int lun, LoadSpec spec) {
        return new LoadRun(contender.port(), contender.iqn(), lun, spec);
    }

    private Sample alone(int lun, LoadSpec spec) throws IOException {
        LoadRun run = run(lun, spec);
        double before = contender.processorSeconds();
        LoadResult result = run.run(0);
        Sample sample = Sample.of(result).servedIn(contender.processorSeconds() - before);
        if (row.workload().writes() && !contender.images().isEmpty()) {
            run.verify();
        }
        return sample;
    }

    /// Measures one LUN beside other commands on the same or another.
    private Sample beside(int othersLun, LoadSpec others, int lun, LoadSpec spec)
            throws IOException {
        try (var _ = new LoadRun.Background(run(othersLun, others))) {
            return Sample.of(run(lun, spec).run(0));
        }
    }

    private Sample iscsiPerf() {
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
                                url())
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

    /// It counts commands, not time: so many that the fastest takes as long as in other rows. With
    /// a quarter of them what a server does once, the compilers' work above all, was most of its
    /// time. Without the flush at its end, which its time leaves out and the server's processor
    /// time would not; flushes have a row of their own.
    private Sample qemuImg() {
        long count = (long) (seconds * 80_000);
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "qemu-img",
                                "bench",
                                "-f",
                                "raw",
                                "-t",
                                "unsafe",
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
        command.add(url());
        String output = Tool.of(command.toArray(String[]::new)).within(TOOL_LIMIT).succeed();
        Matcher found = QEMU_SECONDS.matcher(output);
        double took = found.find() ? Double.parseDouble(found.group(1)) : Double.NaN;
        return Sample.of(count / took, count);
    }

    private String url() {
        return String.format(
                Locale.ROOT,
                "iscsi://127.0.0.1:%d/%s/%d",
                contender.port(),
                contender.iqn(),
                contender.disk());
    }
}
