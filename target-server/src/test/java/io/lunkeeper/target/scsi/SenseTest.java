package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lunkeeper.lun.LunFailedException;
import io.lunkeeper.lun.NoSpaceException;
import java.io.IOException;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SenseTest {
    static Stream<Arguments> table() {
        return Stream.of(
                Arguments.of(
                        Sense.NO_SENSE,
                        "70 00 00 00000000 0a 00000000 0000 00 000000",
                        "72 00 00 00 00 00 00 00"),
                Arguments.of(
                        Sense.INVALID_OPERATION_CODE,
                        "70 00 05 00000000 0a 00000000 2000 00 000000",
                        "72 05 20 00 00 00 00 00"),
                Arguments.of(
                        Sense.LOGICAL_UNIT_NOT_SUPPORTED,
                        "70 00 05 00000000 0a 00000000 2500 00 000000",
                        "72 05 25 00 00 00 00 00"),
                Arguments.of(
                        Sense.invalidFieldInCdb(1, 7),
                        "70 00 05 00000000 0a 00000000 2400 00 cf0001",
                        "72 05 24 00 00 00 00 08 02 06 00 00 cf 00 01 00"),
                Arguments.of(
                        Sense.invalidFieldInCdb(10),
                        "70 00 05 00000000 0a 00000000 2400 00 c0000a",
                        "72 05 24 00 00 00 00 08 02 06 00 00 c0 00 0a 00"),
                Arguments.of(
                        Sense.invalidFieldInParameterList(0x1234),
                        "70 00 05 00000000 0a 00000000 2600 00 801234",
                        "72 05 26 00 00 00 00 08 02 06 00 00 80 12 34 00"),
                Arguments.of(
                        Sense.lbaOutOfRange(0xffff_ffffL),
                        "f0 00 05 ffffffff 0a 00000000 2100 00 000000",
                        "72 05 21 00 00 00 00 0c 00 0a 80 00 00000000ffffffff"),
                Arguments.of(
                        Sense.lbaOutOfRange(-1),
                        "70 00 05 00000000 0a 00000000 2100 00 000000",
                        "72 05 21 00 00 00 00 0c 00 0a 80 00 ffffffffffffffff"),
                Arguments.of(
                        Sense.miscompare(513),
                        "f0 00 0e 00000201 0a 00000000 1d00 00 000000",
                        "72 0e 1d 00 00 00 00 0c 00 0a 80 00 0000000000000201"),
                Arguments.of(
                        Sense.WRITE_PROTECTED,
                        "70 00 07 00000000 0a 00000000 2700 00 000000",
                        "72 07 27 00 00 00 00 00"),
                Arguments.of(
                        Sense.INITIALIZING_COMMAND_REQUIRED,
                        "70 00 02 00000000 0a 00000000 0402 00 000000",
                        "72 02 04 02 00 00 00 00"),
                Arguments.of(
                        Sense.SAVING_PARAMETERS_NOT_SUPPORTED,
                        "70 00 05 00000000 0a 00000000 3900 00 000000",
                        "72 05 39 00 00 00 00 00"));
    }

    static Stream<Arguments> conditions() {
        return Stream.of(
                Arguments.of(
                        PendingCondition.LOGICAL_UNIT_RESET.sense(),
                        "70 00 06 00000000 0a 00000000 2903 00 000000",
                        "72 06 29 03 00 00 00 00"),
                Arguments.of(
                        PendingCondition.COMMANDS_CLEARED_BY_ANOTHER_INITIATOR.sense(),
                        "70 00 06 00000000 0a 00000000 2f00 00 000000",
                        "72 06 2f 00 00 00 00 00"),
                Arguments.of(
                        PendingCondition.THIN_PROVISIONING_SOFT_THRESHOLD_REACHED.sense(),
                        "f0 00 06 00000010 0a 00000000 3807 00 000000",
                        "72 06 38 07 00 00 00 0c 00 0a 80 00 0000000000000010"),
                Arguments.of(
                        PendingCondition.DEFERRED_ERROR.sense(),
                        "71 00 04 00000000 0a 00000000 3e01 00 000000",
                        "73 04 3e 01 00 00 00 00"));
    }

    @ParameterizedTest
    @MethodSource({"table", "conditions"})
    void isLaidOutAsTheStandardSays(Sense sense, String fixed, String descriptor) {
        assertEquals(bytes(fixed), HexFormat.of().formatHex(sense.bytes(SenseFormat.FIXED)));
        assertEquals(
                bytes(descriptor), HexFormat.of().formatHex(sense.bytes(SenseFormat.DESCRIPTOR)));
    }

    @Test
    void tellsWhatAnIoFailureMeans() {
        IOException plain = new IOException("EIO");
        IOException full = new NoSpaceException("ENOSPC");
        IOException failed = new LunFailedException("failed", plain);
        assertEquals("7/2707", code(full));
        assertEquals("4/3e01", code(failed));
        assertEquals("4/4400", code(plain));
        assertEquals("3/1100", code(MediumException.reading(7, plain)));
        assertEquals("3/0c00", code(MediumException.writing(7, plain)));
        assertEquals("3/0c00", code(MediumException.flushing(plain)));
        assertEquals("7/2707", code(MediumException.writing(7, full)));
        assertEquals("4/3e01", code(MediumException.reading(7, failed)));
        assertEquals(7, MediumException.sense(MediumException.reading(7, plain)).information());
    }

    private static String code(IOException failure) {
        Sense sense = MediumException.sense(failure);
        return "%x/%04x".formatted(sense.key().getValue(), sense.additionalSense());
    }

    private static String bytes(String hex) {
        return hex.replace(" ", "");
    }
}
