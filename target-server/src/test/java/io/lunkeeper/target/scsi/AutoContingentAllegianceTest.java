package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.scsi.AutoContingentAllegiance.Newcomer;
import io.lunkeeper.target.scsi.AutoContingentAllegiance.Origin;
import io.lunkeeper.target.scsi.AutoContingentAllegiance.Verdict;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class AutoContingentAllegianceTest {
    @TempDir Path directory;

    /// SAM-5 5.9, the tables of new commands on the faulted I_T nexus and on others: by where they
    /// come from, attribute, NACA, and whether they are PREEMPT AND ABORT.
    @ParameterizedTest
    @CsvSource({
        "UNAFFECTED,               other, 0, no,  PROCESS",
        "UNAFFECTED,               other, 1, no,  PROCESS",
        "UNAFFECTED,               other, 1, yes, PROCESS",
        "UNAFFECTED,               ACA,   0, no,  INVALID_ATTRIBUTE",
        "UNAFFECTED,               ACA,   1, yes, INVALID_ATTRIBUTE",
        "FAULTED,                  ACA,   0, no,  PROCESS",
        "FAULTED,                  ACA,   1, no,  PROCESS",
        "FAULTED,                  ACA,   0, yes, PROCESS",
        "FAULTED,                  other, 0, no,  ACA_ACTIVE",
        "FAULTED,                  other, 1, no,  ACA_ACTIVE",
        "FAULTED,                  other, 0, yes, ACA_ACTIVE",
        "FAULTED_WITH_ACA_COMMAND, ACA,   0, no,  ACA_ACTIVE",
        "FAULTED_WITH_ACA_COMMAND, ACA,   1, yes, ACA_ACTIVE",
        "FAULTED_WITH_ACA_COMMAND, other, 0, no,  ACA_ACTIVE",
        "OTHER,                    ACA,   0, no,  INVALID_ATTRIBUTE",
        "OTHER,                    ACA,   1, yes, INVALID_ATTRIBUTE",
        "OTHER,                    other, 0, no,  BUSY",
        "OTHER,                    other, 1, no,  ACA_ACTIVE",
        "OTHER,                    other, 0, yes, PROCESS",
        "OTHER,                    other, 1, yes, PROCESS"
    })
    void judgesANewCommand(
            Origin origin, String attribute, int naca, String preempts, Verdict expected) {
        Newcomer command = new Newcomer(attribute.equals("ACA"), naca == 1, preempts.equals("yes"));
        assertEquals(expected, AutoContingentAllegiance.judge(origin, command));
    }

    @ParameterizedTest
    @EnumSource(OperationCode.class)
    void findsTheControlByteOfEveryCommand(OperationCode row) {
        byte[] cdb = new byte[16];
        cdb[0] = (byte) row.operationCode();
        int control = row.usage().lengthBytes() - 1;
        assertEquals(0x04, row.usage().bytes()[control] & 0xff, "NACA and nothing else");
        cdb[control] = 0x04;
        assertTrue(AutoContingentAllegiance.naca(wrapped(cdb)));
        for (int index = 1; index < 16; index++) {
            cdb[index] = (byte) (index == control ? 0xfb : 0xff);
        }
        assertFalse(AutoContingentAllegiance.naca(wrapped(cdb)));
    }

    private static ByteBuf wrapped(byte[] cdb) {
        return Unpooled.wrappedBuffer(cdb);
    }

    @ParameterizedTest
    @CsvSource({"7f, 1", "7e, 1", "7d, -1", "60, -1", "c0, -1", "ff, -1", "1f, 5", "20, 9"})
    void andOfOthersAsTheGroupCodeSays(String operationCode, int control) {
        for (int index = 1; index < 16; index++) {
            byte[] cdb = new byte[16];
            cdb[0] = (byte) Integer.parseInt(operationCode, 16);
            cdb[index] = 0x04;
            assertEquals(index == control, AutoContingentAllegiance.naca(wrapped(cdb)));
        }
    }

    @Test
    void saysThatItIsThere() throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, 1 << 20)) {
            assertEquals(0x20, unit.run("12 00 00 00 60 00").data()[3] & 0x20, "NORMACA");
            byte[] functions = unit.run("a3 0d 00 00 00 00 00 00 00 04 00 00").data();
            assertEquals(0x20, functions[0] & 0x20, "CACAS");
        }
    }
}
