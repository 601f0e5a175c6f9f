package io.lunkeeper.target.scsi;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Names that the administrator gave: in the Device Identification VPD page, and in copies.
class UnitNameTest {
    private static final String NAA = "6001405a0b1c2d3e4f50617283940a1b";
    private static final String EUI = "00112233445566778899aabb";
    private static final String UUID = "123e4567e89b42d3a456426614174000";

    @TempDir Path directory;
    @AutoClose private ServedTarget images;
    private DeviceServer server;
    private Nexus nexus;

    @BeforeEach
    void serve() throws IOException {
        images = new ServedTarget(directory, "iqn.2026-11.io.lunkeeper:names");
        server =
                new DeviceServer(
                        "iqn.2026-11.io.lunkeeper:named",
                        List.of(
                                unit(
                                        0,
                                        new UnitName(UnitName.Type.NAA, NAA),
                                        new UnitName(UnitName.Type.EUI_64, EUI),
                                        new UnitName(UnitName.Type.UUID, UUID)),
                                unit(1, new UnitName(UnitName.Type.EUI_64, "0123456789abcdef"))));
        nexus = server.attach("a,i,0x000000000001", 1);
        assertEquals("6/29/00", run(0, "00 00", new byte[0]).code());
        assertEquals("6/29/00", run(1, "00 00", new byte[0]).code());
    }

    private DeviceServer.LogicalUnitSpec unit(int lun, UnitName... names) {
        return new DeviceServer.LogicalUnitSpec(
                lun,
                images.backend(lun),
                512,
                4096,
                Optional.empty(),
                List.of(names),
                new AccessCounts());
    }

    private ServedUnit.Reply run(int lun, String cdb, byte[] dataOut) {
        long field = LunField.of(lun);
        Outcome first = server.execute(nexus, field, ServedUnit.cdb(cdb));
        return ServedUnit.drive(server, field, first, dataOut);
    }

    private String designators(int lun) {
        byte[] page = run(lun, "12 01 83 10 00 00", new byte[0]).data();
        assertEquals(page.length - 4, ByteBuffer.wrap(page).getShort(2));
        return HexFormat.of().formatHex(page, 4, page.length);
    }

    @Test
    void namesThatWereGivenComeFirst() {
        String vendor = "0201" + "0030" + HexFormat.of().formatHex("LUNKEEPR".getBytes(US_ASCII));
        String all =
                ("0103" + "0010" + NAA)
                        + ("0102" + "000c" + EUI)
                        + ("010a" + "0012" + "1000" + UUID)
                        + vendor;
        assertEquals(all, designators(0).substring(0, all.length()));
        String one = "0102" + "0008" + "0123456789abcdef" + vendor;
        assertEquals(one, designators(1).substring(0, one.length()), "and no derived one");
    }

    @ParameterizedTest
    @CsvSource({
        "01030010" + NAA + ", GOOD",
        "0102000c" + EUI + ", GOOD",
        "010a00121000" + UUID + ", GOOD",
        "01030010" + "6001405a0b1c2d3e4f50617283940a1c" + ", a/0d/02",
        "0102000c" + "00112233445566778899aabc" + ", a/0d/02",
        "01030008" + "6001405a0b1c2d3e" + ", a/0d/02"
    })
    void aCopyFindsTheUnitByEachOfThem(String designator, String outcome) throws IOException {
        byte[] data = images.fill(0, 0, 4096, 1);
        byte[] cscd =
                ByteBuffer.allocate(32)
                        .put((byte) 0xe4)
                        .put(4, ServedUnit.hex(designator))
                        .putInt(28, 512)
                        .array();
        byte[] itself =
                ByteBuffer.allocate(32)
                        .put((byte) 0xe4)
                        .put(4, ServedUnit.hex("01020008" + "0123456789abcdef"))
                        .putInt(28, 512)
                        .array();
        byte[] list =
                CopyLists.list(
                        1, 0, List.of(cscd, itself), List.of(CopyLists.segment(0, 0, 1, 8, 0, 16)));
        ServedUnit.Reply reply = run(1, CopyLists.cdb(0, list.length), list);
        if (outcome.equals("GOOD")) {
            assertTrue(reply.good(), reply::code);
            assertArrayEquals(data, images.read(1, 8192, 4096));
        } else {
            assertEquals(outcome, reply.code());
            images.assertUntouched(1);
        }
    }

    /// A name that the unit would have had does not lead to it any more.
    @Test
    void theDerivedNameIsNoName() {
        String target = "iqn.2026-11.io.lunkeeper:named";
        UnitIdentity derived = UnitIdentity.derive(target, 0, Optional.empty());
        byte[] cscd = CopyLists.cscd(derived, 512);
        byte[] list =
                CopyLists.list(
                        1, 0, List.of(cscd, cscd), List.of(CopyLists.segment(0, 0, 1, 8, 0, 16)));
        assertEquals("a/0d/02", run(0, CopyLists.cdb(0, list.length), list).code());
    }
}
