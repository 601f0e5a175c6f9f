package io.lunkeeper.tests.bench;

import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a disk gives to a program that reads an image itself, past the page cache.
final class Fio {
    static final String NAME = "fio, no target";

    private static final Pattern READS =
            Pattern.compile("\"read\"\\s*:\\s*\\{.*?\"iops\"\\s*:\\s*([0-9.]+)", Pattern.DOTALL);

    private Fio() {}

    static boolean isHere() {
        return Contender.installed("fio").isPresent();
    }

    /// Whether it measures the same as the row.
    static boolean applies(Row row) {
        return row.disk() == Row.Disk.COLD && row.workload() == Workload.READ_ONCE;
    }

    static Sample measure(Row row, Path image, double seconds) throws IOException {
        RowRun.dropFromCache(image);
        String output =
                Tool.of(
                                "fio",
                                "--name=cold",
                                "--filename=" + image,
                                "--readonly",
                                "--rw=randread",
                                "--bs=" + row.workload().commandBytes(),
                                "--iodepth=" + row.depth(),
                                "--direct=1",
                                "--ioengine=libaio",
                                "--time_based",
                                "--runtime=" + Math.round(seconds * 1000) + "ms",
                                "--output-format=json")
                        .succeed();
        Matcher found = READS.matcher(output);
        if (!found.find()) {
            throw new IOException("fio said " + output);
        }
        double perSecond = Double.parseDouble(found.group(1));
        return Sample.of(perSecond, (long) (perSecond * seconds));
    }
}
