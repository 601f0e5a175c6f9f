package io.lunkeeper.tests.initiators;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.rig.Tool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// libiscsi's conformance suite, iscsi-test-cu. Each of its tests runs alone with a time limit,
/// since it can spin for ever against a broken target, and since CUnit counts a skipped test as
/// passed.
///
/// `-Dlunkeeper.suite.tool=PATH` is another build of it than the one on PATH.
final class IscsiTestCu {
    /// The slowest healthy test waits three seconds by itself.
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private static final String ON_PATH = "iscsi-test-cu";
    private static final String TOOL = System.getProperty("lunkeeper.suite.tool", ON_PATH);

    /// The leaves of the suite: FAMILY.SUITE.TEST. Two more families repeat or narrow these.
    private static final Pattern LEAF = Pattern.compile("(SCSI|iSCSI)\\.[^.]+\\.[^.]+");

    private static final Pattern RAN_ONE = Pattern.compile("(?m)^ +tests +1 +1 +1 +0 ");
    private static final Pattern PASSED = Pattern.compile("(?m)(^|\\.\\.\\.)passed");
    private static final Pattern SKIPPED = Pattern.compile("\\[SKIPPED\\] *([^\n]*)");
    private static final Pattern FAILURE = Pattern.compile("(?m)^ +\\d+\\. (.*)$");

    private IscsiTestCu() {}

    enum Verdict {
        PASS,
        FAIL,
        SKIP,
        HANG
    }

    /// What came of one test.
    ///
    /// @param said why the tool skipped or failed it, in its own words; empty without any
    /// @param output all that it printed
    record Result(Verdict verdict, String said, String output) {}

    /// Whether it is the tool of this machine, which the tables of skips are about.
    static boolean isTheUsualOne() {
        return TOOL.equals(ON_PATH);
    }

    /// The names of all tests.
    static List<String> tests() {
        List<String> names =
                Tool.of(TOOL, "--list")
                        .within(LIMIT)
                        .succeed()
                        .lines()
                        .map(String::strip)
                        .filter(line -> LEAF.matcher(line).matches())
                        .toList();
        assertTrue(names.size() > 200, () -> "only " + names.size() + " tests are listed");
        return names;
    }

    /// Runs one test.
    ///
    /// @param urls one LUN through different portals: tests of several paths want two
    static Result run(String name, List<String> urls) {
        List<String> command = new ArrayList<>();
        command.addAll(List.of(TOOL, "--dataloss", "--allow-sanitize"));
        command.addAll(List.of("--initiator-name", "iqn.2026-11.io.lunkeeper.tests:path-1"));
        command.addAll(List.of("--initiator-name-2", "iqn.2026-11.io.lunkeeper.tests:path-2"));
        command.addAll(List.of("--test", name));
        command.addAll(urls);
        Tool.Outcome outcome = Tool.of(command.toArray(String[]::new)).within(LIMIT).run();
        return outcome.isTimeout()
                ? new Result(
                        Verdict.HANG, "no end in " + LIMIT.toSeconds() + " s", outcome.output())
                : read(outcome.output());
    }

    /// The exit status says nothing: read the report, and look for a skip only behind the line that
    /// starts the test and before the one that ends it, since the tool's own preamble and clean-up
    /// print skips as well.
    static Result read(String output) {
        int start = output.indexOf("\n  Test: ");
        Matcher end = PASSED.matcher(output);
        if (start < 0 || !RAN_ONE.matcher(output).find() || !end.find(start)) {
            return new Result(Verdict.FAIL, found(FAILURE, output), output);
        }
        String skips = found(SKIPPED, output.substring(start, end.start()));
        return skips.isEmpty()
                ? new Result(Verdict.PASS, "", output)
                : new Result(Verdict.SKIP, skips, output);
    }

    private static String found(Pattern what, String text) {
        return what.matcher(text)
                .results()
                .map((MatchResult match) -> match.group(1).strip())
                .distinct()
                .collect(Collectors.joining("; "));
    }
}
