package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.lunkeeper.lun.CacheMode;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InquiryDataTest {
    @TempDir Path directory;

    private ByteBuf inquire(String cdb) throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, 1 << 20)) {
            return Unpooled.wrappedBuffer(unit.run(cdb).data());
        }
    }

    private static String hex(ByteBuf data, int from, int length) {
        byte[] bytes = new byte[length];
        data.getBytes(from, bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private static String text(ByteBuf data, int from, int length) {
        return data.toString(from, length, StandardCharsets.US_ASCII);
    }

    @Test
    void describesADisk() throws IOException {
        ByteBuf data = inquire("12 00 00 01 00 00");
        assertEquals(96, data.readableBytes());
        assertEquals("000006325b380002", hex(data, 0, 8));
        assertEquals("LUNKEEPR", text(data, 8, 8));
        assertEquals("Virtual Disk    ", text(data, 16, 16));
        assertEquals("0001", text(data, 32, 4));
        assertEquals("00".repeat(22), hex(data, 36, 22));
        assertEquals("00a00961046004c0" + "00".repeat(8), hex(data, 58, 16));
        assertEquals("00".repeat(22), hex(data, 74, 22));
    }

    /// With a unit and without.
    @Test
    void tellsTheLevelOfTheProtocolThatWasAgreedOn() throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, 1 << 20)) {
            unit.nexus().protocolLevel(2);
            for (int lun = ServedUnit.LUN; lun <= ServedUnit.LUN + 1; lun++) {
                Outcome outcome =
                        unit.server()
                                .execute(
                                        unit.nexus(),
                                        (long) lun << 48,
                                        ServedUnit.cdb("12 00 00 01 00 00"));
                byte[] data = ServedUnit.drive(unit.server(), lun, outcome, new byte[0]).data();
                assertEquals(lun == ServedUnit.LUN ? 0 : 0x7f, data[0]);
                assertEquals("0962", HexFormat.of().formatHex(data, 60, 62));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0000, 0", "0005, 5", "0024, 36", "005f, 95", "0060, 96", "ffff, 96"})
    void cutsToTheAllocationLength(String allocation, int expected) throws IOException {
        assertEquals(expected, inquire("12 00 00 " + allocation + " 00").readableBytes());
    }

    @Test
    void listsItsPagesInOrder() throws IOException {
        ByteBuf page = inquire("12 01 00 00 ff 00");
        assertEquals("0000000a" + "0080838687888fb0b1b2", hex(page, 0, page.readableBytes()));
    }

    @Test
    void refusesPagesThatItDoesNotHave() throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, 1 << 20)) {
            assertEquals("5/24/00", unit.run("12 01 84 00 ff 00").code());
            assertEquals("c00002", unit.run("12 01 84 00 ff 00").pointer());
            assertEquals("c00002", unit.run("12 00 01 01 00 00").pointer());
            byte[] listed = unit.run("12 01 00 00 ff 00").data();
            for (int i = 4; i < listed.length; i++) {
                byte[] page = unit.run("12 01 %02x 0fff 00".formatted(listed[i])).data();
                assertEquals(listed[i], page[1]);
                assertEquals(page.length - 4, ByteBuffer.wrap(page).getShort(2));
            }
        }
    }

    @Test
    void namesTheUnitThePortAndTheTarget() throws IOException {
        ByteBuf page = inquire("12 01 83 10 00 00");
        assertEquals("0083", hex(page, 0, 2));
        ByteBuf designators = page.skipBytes(4);
        UnitIdentity identity =
                UnitIdentity.derive(ServedUnit.TARGET, ServedUnit.LUN, Optional.empty());
        expect(designators, "01 03", identity.names().getFirst().digits());
        expect(designators, "02 01", ascii("LUNKEEPRVirtual Disk    " + identity.unique()));
        expect(designators, "03 08", name(ServedUnit.TARGET + ",L,0x0005000000000000"));
        expect(designators, "51 94", "00000001");
        expect(designators, "51 95", "00000001");
        expect(designators, "53 98", name(ServedUnit.TARGET + ",t,0x0001"));
        expect(designators, "53 a8", name(ServedUnit.TARGET));
        assertEquals(0, designators.readableBytes());
    }

    @Test
    void namesThePortAlone() throws IOException {
        ByteBuf page = inquire("12 01 88 10 00 00");
        assertEquals("0088", hex(page, 0, 2));
        assertEquals("000000010000000000", hex(page, 4, 9));
        ByteBuf designators = page.skipBytes(14);
        assertEquals(designators.readableBytes() - 2, designators.readUnsignedShort());
        expect(designators, "53 98", name(ServedUnit.TARGET + ",t,0x0001"));
        assertEquals(0, designators.readableBytes());
    }

    @Test
    void modePagesAreShared() throws IOException {
        ByteBuf page = inquire("12 01 87 10 00 00");
        assertEquals("00870004" + "3fff0000", hex(page, 0, page.readableBytes()));
    }

    private static void expect(ByteBuf designators, String header, String content) {
        assertEquals(
                header.replace(" ", "") + "00", hex(designators, designators.readerIndex(), 3));
        int length = designators.skipBytes(3).readUnsignedByte();
        assertEquals(content, hex(designators, designators.readerIndex(), length));
        designators.skipBytes(length);
    }

    private static String ascii(String text) {
        return HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static String name(String text) {
        StringBuilder padded = new StringBuilder(text).append('\0');
        while (padded.length() % 4 != 0) {
            padded.append('\0');
        }
        return ascii(padded.toString());
    }

    @Test
    void derivesTheSameNamesEveryTimeAndOthersForOtherUnits() {
        UnitIdentity one = UnitIdentity.derive("iqn.a", 1, Optional.empty());
        assertEquals(one, UnitIdentity.derive("iqn.a", 1, Optional.empty()));
        assertEquals('3', one.names().getFirst().digits().charAt(0));
        for (UnitIdentity other :
                new UnitIdentity[] {
                    UnitIdentity.derive("iqn.a", 2, Optional.empty()),
                    UnitIdentity.derive("iqn.b", 1, Optional.empty()),
                    UnitIdentity.derive("iqn.a\0001", 1, Optional.empty())
                }) {
            assertNotEquals(one.names().getFirst().digits(), other.names().getFirst().digits());
            assertNotEquals(one.unique(), other.unique());
            assertNotEquals(one.serial(), other.serial());
        }
        UnitIdentity given = UnitIdentity.derive("iqn.a", 1, Optional.of("SN-7"));
        assertEquals("SN-7", given.serial());
        assertEquals(one.names(), given.names());
    }

    @Test
    void reportsTheSerialNumber() throws IOException {
        ByteBuf page = inquire("12 01 80 00 ff 00");
        UnitIdentity identity =
                UnitIdentity.derive(ServedUnit.TARGET, ServedUnit.LUN, Optional.empty());
        assertEquals("00800018" + ascii(identity.serial()), hex(page, 0, page.readableBytes()));
    }

    @ParameterizedTest
    @CsvSource({"WRITE_BACK, 01", "WRITE_THROUGH, 00"})
    void saysWhetherTheCacheIsVolatile(CacheMode mode, String vSup) throws IOException {
        try (ServedUnit unit = ServedUnit.open(directory, 1 << 20, 512, mode)) {
            ByteBuf page = Unpooled.wrappedBuffer(unit.run("12 01 86 00 ff 00").data());
            assertEquals("0086003c" + "00" + "07" + vSup + "00".repeat(57), hex(page, 0, 64));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "512, 40 0008 00010000 00000800 00000000 00100000 00000100 00000008 80000000 00020000",
        "4096, 08 0001 00002000 00000100 00000000 00100000 00000100 00000000 00000000 00004000"
    })
    void reportsItsLimitsInBlocks(int blockSize, String limits) throws IOException {
        try (ServedUnit unit =
                ServedUnit.open(directory, 1 << 20, blockSize, CacheMode.WRITE_BACK)) {
            ByteBuf page = Unpooled.wrappedBuffer(unit.run("12 01 b0 00 ff 00").data());
            String[] fields = limits.split(" ", -1);
            fields[9] = "00000000" + fields[9];
            assertEquals(
                    "00b0003c" + "01" + String.join("", fields) + "00".repeat(20),
                    hex(page, 0, page.readableBytes()));
        }
    }

    @Test
    void doesNotRotateAndIsThin() throws IOException {
        ByteBuf characteristics = inquire("12 01 b1 00 ff 00");
        assertEquals("00b1003c" + "00010040" + "00".repeat(56), hex(characteristics, 0, 64));
        ByteBuf provisioning = inquire("12 01 b2 00 ff 00");
        assertEquals("00b20004" + "0be60200", hex(provisioning, 0, provisioning.readableBytes()));
    }
}
