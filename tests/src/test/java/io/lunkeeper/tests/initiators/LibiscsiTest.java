package io.lunkeeper.tests.initiators;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import io.lunkeeper.tests.rig.Tool;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/// libiscsi's tools and its conformance suite, iscsi-test-cu. Each test of the suite runs alone
/// with a time limit, since it can spin for ever against a broken target, and since CUnit counts a
/// skipped test as passed.
@Tag("libiscsi")
@ExtendWith(ShowServerLog.class)
class LibiscsiTest {
    /// The slowest healthy test waits three seconds by itself.
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private static final int SMALL = 0;
    private static final int MAIN = 1;
    private static final int BLOCKS_4K = 2;
    private static final int READ_ONLY = 3;

    /// The leaves of the suite: FAMILY.SUITE.TEST. Two more families repeat or narrow these.
    private static final Pattern LEAF = Pattern.compile("(SCSI|iSCSI)\\.[^.]+\\.[^.]+");

    /// What depends on the block size, for the LUN with blocks of 4 KiB.
    private static final Pattern BLOCK_SIZE_MATTERS =
            Pattern.compile(
                    "SCSI\\.(Read|Write|Verify|WriteSame|Unmap|GetLBAStatus|ReadCapacity)\\d*\\..*"
                            + "|SCSI\\.Inquiry\\.BlockLimits|iSCSI\\.iSCSIResiduals\\..*");

    private static final AllowedSkips SKIPS = new AllowedSkips("libiscsi-skips.txt");
    private static final AllowedSkips SKIPS_4K = new AllowedSkips("libiscsi-skips-4096.txt");

    private static ServerProcess server;

    private enum Verdict {
        PASSED,
        FAILED,
        SKIPPED,
        HUNG
    }

    private static final Map<Verdict, Integer> TOTALS = new EnumMap<>(Verdict.class);

    @BeforeAll
    static void startServer() {
        server =
                ServerProcess.start(
                        Lun.sized(SMALL, "8MiB"),
                        Lun.sized(MAIN, "512MiB"),
                        Lun.sized(BLOCKS_4K, "512MiB").withBlockSize(4096),
                        Lun.sized(READ_ONLY, "64MiB").asReadOnly());
    }

    @AfterAll
    static void stopServer() {
        System.out.println("iscsi-test-cu: " + TOTALS);
        server.close();
    }

    @Test
    void listsTargetAndLuns() {
        String output =
                Tool.of("iscsi-ls", "-s", "iscsi://" + server.portal()).within(LIMIT).succeed();
        assertTrue(
                output.contains("Target:" + ServerProcess.IQN + " Portal:" + server.portal()),
                output);
        for (int lun : List.of(MAIN, BLOCKS_4K, READ_ONLY)) {
            assertTrue(output.contains("Lun:" + lun + " "), output);
        }
        assertTrue(output.contains("Lun:1    Type:DIRECT_ACCESS (Size:511M)"), output);
    }

    @Test
    void describesDisk() {
        String output = inquire();
        assertTrue(output.contains("Peripheral Device Type:DIRECT_ACCESS"), output);
        assertTrue(output.contains("Peripheral Qualifier:CONNECTED"), output);
    }

    @Test
    void readsEveryPageThatItLists() {
        String listed = inquire("-e", "1", "-c", "0");
        List<String> pages =
                Pattern.compile("Page:0x([0-9a-fA-F]+)|\\b0x([0-9a-fA-F]{2})\\b")
                        .matcher(listed)
                        .results()
                        .map(match -> match.group(1) != null ? match.group(1) : match.group(2))
                        .map(page -> page.toLowerCase(Locale.ROOT))
                        .toList();
        // The tool prints the pages it knows; there is no raw form.
        for (String page : List.of("00", "80", "83", "b0", "b1", "b2")) {
            assertTrue(pages.contains(page), listed);
            inquire("-e", "1", "-c", String.valueOf(Integer.parseInt(page, 16)));
        }
    }

    @Test
    void tellsCapacity() {
        assertCapacity(MAIN, (512 << 20) / 512 - 1, 512);
        assertCapacity(BLOCKS_4K, (512 << 20) / 4096 - 1, 4096);
    }

    private static void assertCapacity(int lun, int lastBlock, int blockBytes) {
        String output = Tool.of("iscsi-readcapacity16", server.url(lun)).within(LIMIT).succeed();
        assertTrue(output.contains("RETURNED LOGICAL BLOCK ADDRESS:" + lastBlock + "\n"), output);
        assertTrue(output.contains("LOGICAL BLOCK LENGTH IN BYTES:" + blockBytes + "\n"), output);
    }

    private static String inquire(String... options) {
        String[] command =
                Stream.of(Stream.of("iscsi-inq"), Stream.of(options), Stream.of(server.url(MAIN)))
                        .flatMap(parts -> parts)
                        .toArray(String[]::new);
        return Tool.of(command).within(LIMIT).succeed();
    }

    @TestFactory
    Stream<DynamicTest> suite() {
        return suite(leaves(), MAIN, SKIPS);
    }

    @TestFactory
    Stream<DynamicTest> suiteOnBlocksOf4096Bytes() {
        List<String> names =
                leaves().stream()
                        .filter(name -> BLOCK_SIZE_MATTERS.matcher(name).matches())
                        .toList();
        return suite(names, BLOCKS_4K, SKIPS_4K);
    }

    /// Each test alone, and at last the table of skips itself.
    private static Stream<DynamicTest> suite(List<String> names, int lun, AllowedSkips skips) {
        return Stream.concat(
                names.stream()
                        .filter(skips::runs)
                        .map(name -> DynamicTest.dynamicTest(name, () -> check(name, lun, skips))),
                Stream.of(
                        DynamicTest.dynamicTest(
                                "everyAllowedSkipIsStillNeeded",
                                () -> assertEquals(List.of(), skips.unused()))));
    }

    @TestFactory
    Stream<DynamicTest> suiteOnReadOnlyLun() {
        return Stream.of("SCSI.ReadOnly.ReadOnlySBC", "SCSI.Read10.Simple", "SCSI.Read16.Simple")
                .map(name -> DynamicTest.dynamicTest(name, () -> mustPass(name, READ_ONLY)));
    }

    private static List<String> leaves() {
        List<String> leaves =
                Tool.of("iscsi-test-cu", "--list")
                        .within(LIMIT)
                        .succeed()
                        .lines()
                        .map(String::strip)
                        .filter(line -> LEAF.matcher(line).matches())
                        .toList();
        assertTrue(leaves.size() > 200, () -> "only " + leaves.size() + " tests are listed");
        return leaves;
    }

    private static void check(String name, int lun, AllowedSkips skips) {
        Tool.Outcome outcome = runAlone(name, lun);
        Verdict verdict = verdict(outcome);
        TOTALS.merge(verdict, 1, Integer::sum);
        switch (verdict) {
            case PASSED -> {}
            case SKIPPED ->
                    assertTrue(
                            skips.reasonFor(name).isPresent(),
                            () -> name + " may not be skipped\n" + outcome.output());
            case FAILED, HUNG ->
                    throw new AssertionError(name + " " + verdict + "\n" + outcome.output());
        }
    }

    /// The test of read-only LUNs tries every command that writes and passes over those that are
    /// not offered; anything else that it skips is no pass.
    private static void mustPass(String name, int lun) {
        Tool.Outcome outcome = runAlone(name, lun);
        String offered =
                outcome.output().replaceAll("\\[SKIPPED\\] \\w+ is not implemented\\.", "");
        Verdict verdict = verdict(new Tool.Outcome(outcome.exit(), offered));
        TOTALS.merge(verdict, 1, Integer::sum);
        assertEquals(Verdict.PASSED, verdict, () -> name + "\n" + outcome.output());
    }

    /// The URL is given twice, since tests of several paths want a second session to the LUN.
    private static Tool.Outcome runAlone(String name, int lun) {
        String url = server.url(lun);
        return Tool.of("iscsi-test-cu", "--dataloss", "--allow-sanitize", "-t", name, url, url)
                .within(LIMIT)
                .run();
    }

    /// The exit status says nothing: read the report, and look for a skip only behind the line that
    /// starts the test and before the one that ends it, since the tool's own preamble and clean-up
    /// print skips as well.
    private static Verdict verdict(Tool.Outcome outcome) {
        if (outcome.isTimeout()) {
            return Verdict.HUNG;
        }
        String output = outcome.output();
        int start = output.indexOf("\n  Test: ");
        boolean ranOne =
                Pattern.compile("(?m)^ +tests +1 +1 +1 +0 ").matcher(output).find() && start >= 0;
        if (!ranOne) {
            return Verdict.FAILED;
        }
        Matcher end = Pattern.compile("(?m)(^|\\.\\.\\.)passed").matcher(output);
        if (!end.find(start)) {
            return Verdict.FAILED;
        }
        return output.substring(start, end.start()).contains("[SKIPPED]")
                ? Verdict.SKIPPED
                : Verdict.PASSED;
    }
}
