package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LunFieldTest {
    @ParameterizedTest
    @CsvSource({
        "0000000000000000, 0",
        "00ff000000000000, 255",
        "4000000000000000, 0",
        "4100000000000000, 256",
        "7fff000000000000, 16383",
        // a bus, a second level, the reserved low bytes
        "0100000000000000, -1",
        "0001000100000000, -1",
        "0001000000000001, -1",
        // logical unit addressing, the well known REPORT LUNS unit
        "8001000000000000, -1",
        "c101000000000000, -1"
    })
    void givesTheNumber(String field, int number) {
        assertEquals(number, LunField.number(Long.parseUnsignedLong(field, 16)));
    }

    @Test
    void comesBackAsItWasReported() {
        for (int number = 0; number <= LunField.MAX_NUMBER; number++) {
            assertEquals(number, LunField.number(LunField.of(number)));
        }
        assertEquals(0x00ff_0000_0000_0000L, LunField.of(255));
        assertEquals(0x4100_0000_0000_0000L, LunField.of(256));
    }
}
