package io.lunkeeper.tests.initiators;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiators.IscsiTestCu.Result;
import io.lunkeeper.tests.initiators.IscsiTestCu.Verdict;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.SecretFile;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/// libiscsi's conformance suite: what `tests/conformance` runs and prints, from lines that begin
/// with `suite: `. A test may be skipped where a table of skips says why.
///
/// `-Dlunkeeper.suite.only=FAMILY.SUITE[.TEST]` runs a part of it.
@Tag("libiscsi")
@ExtendWith(ShowServerLog.class)
class LibiscsiTest {
    private static final int SMALL = 0;
    private static final int MAIN = 1;
    private static final int BLOCKS_4K = 2;
    private static final int READ_ONLY = 3;
    private static final int CHAP_LUN = 4;

    private static final int PORTALS = 2;
    private static final String CHAP = "iSCSI.iSCSICHAP.";

    /// What depends on the block size, for the LUN with blocks of 4 KiB.
    private static final Pattern BLOCK_SIZE_MATTERS =
            Pattern.compile(
                    "SCSI\\.(Read|Write|Verify|WriteSame|Unmap|GetLBAStatus|ReadCapacity)\\d*\\..*"
                            + "|SCSI\\.Inquiry\\.BlockLimits|iSCSI\\.iSCSIResiduals\\..*");

    private static final AllowedSkips SKIPS =
            IscsiTestCu.isTheUsualOne()
                    ? new AllowedSkips("libiscsi-skips.txt")
                    : new AllowedSkips("libiscsi-skips-newer.txt", "libiscsi-skips.txt");
    private static final AllowedSkips SKIPS_4K = new AllowedSkips("libiscsi-skips-4096.txt");
    private static final AllowedSkips SKIPS_CHAP = new AllowedSkips("libiscsi-skips-chap.txt");
    private static final String ONLY = System.getProperty("lunkeeper.suite.only", "");
    private static final Map<Verdict, Integer> TOTALS = new EnumMap<>(Verdict.class);

    private static ServerProcess server;

    @BeforeAll
    static void startServer() {
        server =
                ServerProcess.startWithPortals(
                        PORTALS,
                        Lun.sized(SMALL, "8MiB"),
                        Lun.sized(MAIN, "512MiB"),
                        Lun.sized(BLOCKS_4K, "512MiB").withBlockSize(4096),
                        Lun.sized(READ_ONLY, "64MiB").asReadOnly());
    }

    @AfterAll
    static void stopServer() {
        System.out.println("suite: totals " + TOTALS);
        server.close();
    }

    @TestFactory
    Stream<DynamicTest> suite() {
        List<String> names = tests().stream().filter(name -> !name.startsWith(CHAP)).toList();
        return suite(names, MAIN, SKIPS);
    }

    @TestFactory
    Stream<DynamicTest> suiteOnBlocksOf4096Bytes() {
        List<String> names =
                tests().stream()
                        .filter(name -> BLOCK_SIZE_MATTERS.matcher(name).matches())
                        .toList();
        return suite(names, BLOCKS_4K, SKIPS_4K);
    }

    @TestFactory
    Stream<DynamicTest> suiteOnReadOnlyLun() {
        List<String> wanted =
                List.of("SCSI.ReadOnly.ReadOnlySBC", "SCSI.Read10.Simple", "SCSI.Read16.Simple");
        return tests().stream()
                .filter(wanted::contains)
                .map(name -> DynamicTest.dynamicTest(name, () -> mustPass(name)));
    }

    /// The tests of CHAP, which newer releases have, on a target that asks for it.
    @TestFactory
    Stream<DynamicTest> suiteWithChap() {
        return tests().stream()
                .filter(name -> name.startsWith(CHAP))
                .map(name -> DynamicTest.dynamicTest(name, () -> checkWithChap(name)));
    }

    /// Names are right, or nothing would be run.
    @Test
    void knowsWhatToRun() {
        assertTrue(!tests().isEmpty(), "no test of the suite is called " + ONLY);
    }

    private static List<String> tests() {
        return IscsiTestCu.tests().stream()
                .filter(name -> ONLY.isEmpty() || name.equals(ONLY) || name.startsWith(ONLY + "."))
                .toList();
    }

    /// Each test alone, and at last, when all have been run, the table of skips itself.
    private static Stream<DynamicTest> suite(List<String> names, int lun, AllowedSkips skips) {
        Stream<DynamicTest> each =
                names.stream()
                        .map(name -> DynamicTest.dynamicTest(name, () -> check(name, lun, skips)));
        boolean complete = ONLY.isEmpty() && IscsiTestCu.isTheUsualOne();
        return complete
                ? Stream.concat(
                        each,
                        Stream.of(
                                DynamicTest.dynamicTest(
                                        "everyAllowedSkipIsStillNeeded",
                                        () -> assertEquals(List.of(), skips.unused()))))
                : each;
    }

    private static void check(String name, int lun, AllowedSkips skips) {
        Optional<String> passedOver = skips.reasonNotToRun(name);
        if (passedOver.isPresent()) {
            report(Verdict.SKIP, name, lun, "not run [" + passedOver.get() + "]");
            return;
        }
        Result result = IscsiTestCu.run(name, paths(lun));
        if (result.verdict() == Verdict.SKIP) {
            Optional<String> reason = skips.reasonFor(name);
            report(
                    Verdict.SKIP,
                    name,
                    lun,
                    result.said() + " [" + reason.orElse("NOT ALLOWED") + "]");
            assertTrue(reason.isPresent(), () -> name + " may not be skipped\n" + result.output());
            return;
        }
        report(result, name, lun);
        assertEquals(Verdict.PASS, result.verdict(), () -> name + "\n" + result.output());
    }

    /// The test of read-only LUNs tries every command that writes and passes over those that are
    /// not offered; anything else that it skips is no pass.
    private static void mustPass(String name) {
        Result result = IscsiTestCu.run(name, paths(READ_ONLY));
        String offered =
                result.output().replaceAll("\\[SKIPPED\\] [\\w ]+ is not implemented\\.", "");
        Result counted = result.verdict() == Verdict.SKIP ? IscsiTestCu.read(offered) : result;
        report(counted, name, READ_ONLY);
        assertEquals(Verdict.PASS, counted.verdict(), () -> name + "\n" + result.output());
    }

    /// What a user is called decides what is tested: numbers are what texts may look like.
    private static void checkWithChap(String name) {
        Optional<String> passedOver = SKIPS_CHAP.reasonNotToRun(name);
        if (passedOver.isPresent()) {
            report(Verdict.SKIP, name, CHAP_LUN, "not run [" + passedOver.get() + "]");
            return;
        }
        String user =
                switch (name.substring(CHAP.length())) {
                    case "HexName" -> "0xa11ce";
                    case "Base64Name" -> "0balice";
                    default -> "alice";
                };
        String secret = "a-secret-of-" + user;
        String auth = "auth: { user: " + user + ", secret-file: " + SecretFile.of(secret) + " }";
        try (ServerProcess proving = ServerProcess.start("", auth, Lun.sized(0, "64MiB"))) {
            String url = proving.url(0).replace("iscsi://", "iscsi://" + user + "%" + secret + "@");
            Result result = IscsiTestCu.run(name, List.of(url));
            report(result, name, CHAP_LUN);
            assertEquals(Verdict.PASS, result.verdict(), () -> name + "\n" + result.output());
        }
    }

    private static List<String> paths(int lun) {
        return Stream.iterate(0, path -> path < PORTALS, path -> path + 1)
                .map(path -> server.url(path, lun))
                .toList();
    }

    // ---- what tests/conformance prints

    private static void report(Result result, String name, int lun) {
        report(result.verdict(), name, lun, result.said());
        if (result.verdict() != Verdict.PASS) {
            result.output().lines().forEach(line -> System.out.println("suite:     " + line));
        }
    }

    private static void report(Verdict verdict, String name, int lun, String why) {
        TOTALS.merge(verdict, 1, Integer::sum);
        String where =
                switch (lun) {
                    case BLOCKS_4K -> " (blocks of 4096 bytes)";
                    case READ_ONLY -> " (read only)";
                    case CHAP_LUN -> " (with CHAP)";
                    default -> "";
                };
        System.out.printf(
                "suite: %s %s%s%s%n", verdict, name, where, why.isEmpty() ? "" : ": " + why);
    }
}
