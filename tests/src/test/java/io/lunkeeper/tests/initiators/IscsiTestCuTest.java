package io.lunkeeper.tests.initiators;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lunkeeper.tests.initiators.IscsiTestCu.Result;
import io.lunkeeper.tests.initiators.IscsiTestCu.Verdict;
import org.junit.jupiter.api.Test;

/// How the report of the suite is read: a verdict that is too kind would hide what is broken.
class IscsiTestCuTest {
    private static final String BEFORE =
            """
                [SKIPPED] a word of the tool's own preamble

            Suite: Read10
              Test: Simple ...\
            """;

    private static final String RAN =
            """
            passed

            Run Summary:    Type  Total    Ran Passed Failed Inactive
                          suites      1      1    n/a      0        0
                           tests      1      1      1      0        0
                         asserts      9      9      9      0      n/a
            """;

    private static final String FAILED =
            """
            FAILED
                1. test_read10_simple.c:46  - CU_ASSERT_EQUAL(ret,0)
                2. test_read10_simple.c:51  - CU_ASSERT_EQUAL(ret,0)

            Run Summary:    Type  Total    Ran Passed Failed Inactive
                          suites      1      1    n/a      0        0
                           tests      1      1      0      1        0
                         asserts      9      9      7      2      n/a
            """;

    private static Result read(String... parts) {
        return IscsiTestCu.read(String.join("", parts));
    }

    @Test
    void passesWhatRanAndPassed() {
        assertEquals(Verdict.PASS, read(BEFORE, RAN).verdict());
        assertEquals(Verdict.PASS, read(BEFORE, "\n    Send READ10\n    [OK]\n", RAN).verdict());
    }

    @Test
    void countsASkipAsNoPass() {
        Result result = read(BEFORE, "\n    [SKIPPED] READ10 is not implemented.\n", RAN);
        assertEquals(Verdict.SKIP, result.verdict());
        assertEquals("READ10 is not implemented.", result.said());
    }

    @Test
    void saysWhatFailed() {
        Result result = read(BEFORE, "\n    [FAILED] READ10\n", FAILED);
        assertEquals(Verdict.FAIL, result.verdict());
        assertEquals(
                "test_read10_simple.c:46  - CU_ASSERT_EQUAL(ret,0);"
                        + " test_read10_simple.c:51  - CU_ASSERT_EQUAL(ret,0)",
                result.said());
    }

    @Test
    void failsWhatNeverRan() {
        assertEquals(Verdict.FAIL, read("Failed to connect to SCSI device 0\n").verdict());
        assertEquals(Verdict.FAIL, read(BEFORE, "\n").verdict());
        String none = RAN.replace("tests      1      1      1", "tests      0      0      0");
        assertEquals(Verdict.FAIL, read(BEFORE, none).verdict());
    }
}
