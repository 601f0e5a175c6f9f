package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.scsi.ServedUnit.Reply;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A nexus that sees some of the logical units of its target.
class LunMapTest {
    private static final String TEST_UNIT_READY = "00 00 00 00 00 00";
    private static final String REPORT_LUNS = "a0 00 00 00 00 00 00 00 00 ff 00 00";

    @TempDir Path directory;
    @AutoClose private ServedTarget target;
    private Nexus masked;

    @BeforeEach
    void serve() throws IOException {
        target = new ServedTarget(directory, "iqn.2026-11.io.lunkeeper:one");
        masked = target.attach("masked,i,0x1", LunMap.of(Map.of(1, 1, 3, 3, 300, 300)));
    }

    private Reply run(int lun, String cdb) {
        return target.run(masked, lun, cdb, new byte[0]);
    }

    @Test
    void showsWhatItNamesInWhateverFormItIsAddressed() {
        for (long field : List.of(0x0001L << 48, 0x4001L << 48, 0x0003L << 48, 0x412cL << 48)) {
            assertEquals(field, masked.unit(field), Long.toHexString(field));
            assertEquals(field, target.nexus().unit(field));
        }
        for (long field :
                List.of(
                        0L,
                        0x4000L << 48,
                        0x0002L << 48,
                        0x412dL << 48,
                        0x8001L << 48,
                        0x0001L << 48 | 1,
                        DeviceServer.NO_UNIT)) {
            assertEquals(DeviceServer.NO_UNIT, masked.unit(field), Long.toHexString(field));
        }
        assertFalse(masked.seesAll());
        assertTrue(target.nexus().seesAll());
        assertFalse(target.server().hasUnit(DeviceServer.NO_UNIT));
        assertEquals(List.of(0x0001L << 48, 0x0003L << 48), target.server().units(masked));
    }

    /// Two that are seen under each other's numbers, one under a long one, in all forms.
    @Test
    void showsUnitsUnderOtherNumbers() {
        Nexus other = target.attach("other,i,0x1", LunMap.of(Map.of(0, 3, 3, 0, 300, 1)));
        assertEquals(0x0003L << 48, other.unit(0));
        assertEquals(0x0003L << 48, other.unit(0x4000L << 48));
        assertEquals(0L, other.unit(0x0003L << 48));
        assertEquals(0x0001L << 48, other.unit(0x412cL << 48));
        assertEquals(DeviceServer.NO_UNIT, other.unit(0x0001L << 48));
        assertEquals(DeviceServer.NO_UNIT, other.unit(0x8003L << 48));
        assertFalse(other.seesAll());
        String seen = "0000001800000000" + "0000000000000000" + "0003000000000000" + "412c";
        byte[] reported = target.run(other, 1, REPORT_LUNS, new byte[0]).data();
        assertEquals(seen + "000000000000", HexFormat.of().formatHex(reported));
        assertEquals(
                List.of(0L, 0x0001L << 48, 0x0003L << 48), target.server().units(other), "its own");
    }

    @Test
    void reportLunsTellsOfWhatIsSeen() {
        String seen = "0000001000000000" + "0001000000000000" + "0003000000000000";
        assertEquals(seen, HexFormat.of().formatHex(run(1, REPORT_LUNS).data()));
        Outcome unaddressed =
                target.server().execute(masked, DeviceServer.NO_UNIT, ServedUnit.cdb(REPORT_LUNS));
        Reply reply = ServedUnit.drive(target.server(), 0, unaddressed, new byte[0]);
        assertEquals(seen, HexFormat.of().formatHex(reply.data()));
    }

    @Test
    void hearsOfWhatComesAndGoesOnlyWhereItSeesIt() {
        for (int number : new int[] {2, 3}) {
            CompletableFuture<Void> atRest = new CompletableFuture<>();
            target.server().remove(number, () -> atRest.complete(null));
            atRest.join();
            target.server().forget(number);
            assertEquals("6/3f/0e", target.run(1, TEST_UNIT_READY).code());
            Reply reply = run(1, TEST_UNIT_READY);
            assertEquals(number == 3 ? "6/3f/0e" : "good", reply.good() ? "good" : reply.code());
        }
    }

    /// A name that can be guessed opens nothing.
    @Test
    void copiesReachWhatIsSeen() throws IOException {
        target.fill(0, 0, 4096, 3);
        target.fill(1, 0, 4096, 4);
        assertEquals("a/0d/02", copy(1, 0).code());
        assertEquals("a/0d/02", copy(0, 1).code());
        assertTrue(copy(1, 3).good());
        assertTrue(Arrays.equals(target.read(1, 0, 4096), target.read(3, 0, 4096)));
    }

    private Reply copy(int from, int to) {
        byte[] list =
                CopyLists.list(
                        1,
                        CopyLists.HOLD,
                        List.of(
                                CopyLists.cscd(target.identity(from), 512),
                                CopyLists.cscd(target.identity(to), 512)),
                        List.of(CopyLists.segment(0, 0, 1, 8, 0, 0)));
        return target.run(masked, 1, CopyLists.cdb(0, list.length), list);
    }
}
