package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EraseJobTest {
    private static EraseJob overwrite(int passes, boolean invert, String pattern) {
        return EraseJob.overwrite(true, passes, invert, HexFormat.of().parseHex(pattern));
    }

    private static String block(EraseJob job, int pass) {
        return HexFormat.of().formatHex(job.block(pass, 8));
    }

    /// SBC-3, OVERWRITE service action: with INVERT every pass writes the inverse of the one
    /// before, and the last one the pattern itself.
    @ParameterizedTest
    @CsvSource({
        "1, false, 0102, 0, 0102010201020102",
        "2, false, 0102, 0, 0102010201020102",
        "1, true, 0102, 0, 0102010201020102",
        "2, true, 0102, 0, fefdfefdfefdfefd",
        "2, true, 0102, 1, 0102010201020102",
        "3, true, 0102, 0, 0102010201020102",
        "3, true, 0102, 1, fefdfefdfefdfefd",
        "3, true, 0102, 2, 0102010201020102",
        "1, false, 010203, 0, 0102030102030102",
        "1, false, 0102030405060708, 0, 0102030405060708"
    })
    void writesThePatternOrItsInverse(
            int passes, boolean invert, String pattern, int pass, String expected) {
        assertEquals(expected, block(overwrite(passes, invert, pattern), pass));
    }

    @Test
    void isTheSameAfterItWasKept() {
        EraseJob kept = EraseJob.of(overwrite(31, true, "00ff80").text());
        assertEquals(overwrite(31, true, "00ff80").text(), kept.text());
        assertEquals("00ff8000ff8000ff", block(kept, 30));
        assertEquals(EraseJob.format().text(), EraseJob.of(EraseJob.format().text()).text());
    }

    @ParameterizedTest
    @CsvSource({
        "passes, 0",
        "passes, 32",
        "pattern, ''",
        "pattern, 0",
        "invert, TRUE",
        "method, X"
    })
    void refusesWhatMakesNoSense(String key, String value) {
        Map<String, String> text = new HashMap<>(EraseJob.format().text());
        text.put(key, value);
        assertThrows(IllegalArgumentException.class, () -> EraseJob.of(text));
        text.remove(key);
        assertThrows(IllegalArgumentException.class, () -> EraseJob.of(text));
    }
}
