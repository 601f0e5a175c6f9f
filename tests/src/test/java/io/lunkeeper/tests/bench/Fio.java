package io.lunkeeper.tests.bench;

import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a file gives to a program that uses it itself: a cold one that is read past the page cache,
/// and one that is written through it and flushed.
final class Fio {
    static final String NAME = "fio, no target";

    private static final Pattern PER_SECOND = Pattern.compile("\"iops\"\\s*:\\s*([0-9.]+)");

    private Fio() {}

    static boolean isHere() {
        return Contender.installed("fio").isPresent();
    }

    /// Whether it measures the same as the row.
    static boolean applies(Row row) {
        return row.disk() == Row.Disk.COLD || row.workload() == Workload.FLUSHING;
    }

    /// @param image is written to if the row writes
    static Sample measure(Row row, Path image, double seconds) throws IOException {
        boolean writes = row.workload().writes();
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "fio",
                                "--name=" + (writes ? "write" : "read"),
                                "--filename=" + image,
                                "--bs=" + row.workload().commandBytes(),
                                "--time_based",
                                "--runtime=" + Math.round(seconds * 1000) + "ms",
                                "--output-format=json"));
        if (writes) {
            // Who waits for a flush has nothing else under way.
            command.addAll(List.of("--rw=randwrite", "--ioengine=psync", "--fdatasync=32"));
        } else {
            RowRun.dropFromCache(image);
            command.addAll(List.of("--rw=randread", "--readonly", "--direct=1"));
            command.addAll(List.of("--ioengine=libaio", "--iodepth=" + row.depth()));
        }
        String output = Tool.of(command.toArray(String[]::new)).succeed();
        String part =
                output.substring(
                        Math.max(0, output.indexOf(writes ? "\"write\" :" : "\"read\" :")));
        Matcher found = PER_SECOND.matcher(part);
        if (!found.find()) {
            throw new IOException("fio said " + output);
        }
        double perSecond = Double.parseDouble(found.group(1));
        return Sample.of(perSecond, (long) (perSecond * seconds));
    }
}
