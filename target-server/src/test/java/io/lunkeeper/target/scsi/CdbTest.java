package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.netty.buffer.ByteBuf;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class CdbTest {
    static Stream<Arguments> commandsUpToReadCapacity() {
        return Stream.of(
                Arguments.of("00 00 00 00 00 00", new Cdb.TestUnitReady()),
                Arguments.of("03 01 00 00 fc 00", new Cdb.RequestSense(true, 252)),
                Arguments.of("08 1f ff fe 05 00", new Cdb.Read(0x1f_fffe, 5, false)),
                Arguments.of("08 00 00 01 00 00", new Cdb.Read(1, 256, false)),
                Arguments.of("0a 01 02 03 ff 00", new Cdb.Write(0x1_0203, 255, false)),
                Arguments.of("0a 01 02 03 00 00", new Cdb.Write(0x1_0203, 256, false)),
                Arguments.of("12 01 83 01 02 00", new Cdb.Inquiry(true, 0x83, 0x102)),
                Arguments.of("12 00 00 00 24 00", new Cdb.Inquiry(false, 0, 36)),
                Arguments.of("16 00 00 00 00 00", new Cdb.Reserve()),
                Arguments.of("17 00 00 00 00 00", new Cdb.Release()),
                Arguments.of(
                        "4c 02 cf ff 00 00 00 12 34 00", new Cdb.LogSelect(true, 15, 255, 0x1234)),
                Arguments.of(
                        "4d 00 4c ff 00 12 34 01 02 00", new Cdb.LogSense(12, 255, 0x1234, 258)),
                Arguments.of("56 00 00 00 00 00 00 00 00 00", new Cdb.Reserve()),
                Arguments.of("57 00 00 00 00 00 00 00 00 00", new Cdb.Release()),
                Arguments.of(
                        "1a 08 7f ff c0 00",
                        new Cdb.ModeSense(
                                Cdb.ModeHeader.SIX, Cdb.BlockDescriptor.NONE, 1, 0x3f, 0xff, 192)),
                Arguments.of(
                        "5a 10 8a 00 00 00 00 01 00 00",
                        new Cdb.ModeSense(
                                Cdb.ModeHeader.TEN, Cdb.BlockDescriptor.LONG, 2, 0x0a, 0, 256)),
                Arguments.of(
                        "5a 00 08 00 00 00 00 00 40 00",
                        new Cdb.ModeSense(
                                Cdb.ModeHeader.TEN, Cdb.BlockDescriptor.SHORT, 0, 8, 0, 64)),
                Arguments.of("1b 01 00 00 04 00", new Cdb.StartStopUnit(true, true, false)),
                Arguments.of("1b 00 00 00 01 00", new Cdb.StartStopUnit(false, false, true)),
                Arguments.of("25 00 00 00 00 00 00 00 00 00", new Cdb.ReadCapacity10()),
                Arguments.of(
                        "28 08 ff ff ff fe 1f ff fe 00", new Cdb.Read(0xffff_fffeL, 0xfffe, true)),
                Arguments.of("28 12 00 00 00 01 00 00 00 00", new Cdb.Read(1, 0, false)),
                Arguments.of("2a 18 80 00 00 00 00 00 08 00", new Cdb.Write(0x8000_0000L, 8, true)),
                Arguments.of(
                        "2f 06 00 00 00 02 00 01 00 00",
                        new Cdb.Verify(2, 256, Cdb.ByteCheck.ONE_BLOCK)),
                Arguments.of(
                        "2f 12 00 00 00 02 00 01 00 00",
                        new Cdb.Verify(2, 256, Cdb.ByteCheck.ALL_DATA)),
                Arguments.of(
                        "35 02 00 00 00 09 00 00 07 00", new Cdb.SynchronizeCache(9, 7, true)));
    }

    static Stream<Arguments> commandsFromRead10On() {
        return Stream.of(
                Arguments.of(
                        "41 18 00 00 00 01 00 00 02 00",
                        new Cdb.WriteSame(1, 2, true, true, false)),
                Arguments.of("42 01 00 00 00 00 00 01 18 00", new Cdb.Unmap(true, 280)),
                Arguments.of(
                        "88 08 ff fe fd fc fb fa f9 f8 ff fe fd fc 00 00",
                        new Cdb.Read(0xfffe_fdfc_fbfa_f9f8L, 0xfffe_fdfcL, true)),
                Arguments.of(
                        "8a 00 00 00 00 01 00 00 00 02 00 00 00 03 1f 00",
                        new Cdb.Write(0x1_0000_0002L, 3, false)),
                Arguments.of(
                        "8f 02 00 00 00 01 00 00 00 02 00 00 00 03 00 00",
                        new Cdb.Verify(0x1_0000_0002L, 3, Cdb.ByteCheck.ALL_DATA)),
                Arguments.of(
                        "91 00 00 00 00 01 00 00 00 02 00 00 00 03 00 00",
                        new Cdb.SynchronizeCache(0x1_0000_0002L, 3, false)),
                Arguments.of(
                        "93 09 00 00 00 01 00 00 00 02 00 01 00 00 00 00",
                        new Cdb.WriteSame(0x1_0000_0002L, 65536, true, false, true)),
                Arguments.of(
                        "9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00",
                        new Cdb.ReadCapacity16(32)),
                Arguments.of(
                        "a0 00 02 00 00 00 ff ff ff ff 00 00", new Cdb.ReportLuns(2, 0xffff_ffffL)),
                Arguments.of(
                        "a3 0c 83 9e 00 10 00 00 ff ff 00 00",
                        new Cdb.ReportSupportedOperationCodes(true, 3, 0x9e, 0x10, 65535)),
                Arguments.of(
                        "a3 0d 80 00 00 00 00 00 00 10 00 00",
                        new Cdb.ReportSupportedTaskManagementFunctions(true, 16)),
                Arguments.of(
                        "a8 00 00 00 00 07 80 00 00 01 00 00",
                        new Cdb.Read(7, 0x8000_0001L, false)),
                Arguments.of("aa 08 00 00 00 07 00 00 00 01 00 00", new Cdb.Write(7, 1, true)),
                Arguments.of(
                        "af 04 00 00 00 07 00 00 00 01 00 00",
                        new Cdb.Verify(7, 1, Cdb.ByteCheck.RESERVED)));
    }

    @ParameterizedTest
    @MethodSource({"commandsUpToReadCapacity", "commandsFromRead10On"})
    void decodes(String bytes, Object expected) {
        ByteBuf cdb = ServedUnit.cdb(bytes);
        OperationCode row = OperationCode.of(cdb.getLong(0));
        assertNotNull(row);
        assertEquals(ServedUnit.hex(bytes).length, row.usage().lengthBytes());
        assertEquals(CdbUsage.NO_OFFENCE, row.usage().offendingBit(cdb.getLong(0), cdb.getLong(8)));
        assertEquals(expected, row.decode(cdb.getLong(0), cdb.getLong(8)));
    }

    @ParameterizedTest
    @MethodSource({"commandsUpToReadCapacity", "commandsFromRead10On"})
    void ignoresWhatFollowsTheCdbInItsField(String bytes, Object expected) {
        ByteBuf cdb = ServedUnit.cdb(bytes);
        int length = ServedUnit.hex(bytes).length;
        for (int index = length; index < 16; index++) {
            cdb.setByte(index, 0xff);
        }
        OperationCode row = OperationCode.of(cdb.getLong(0));
        assertNotNull(row);
        assertEquals(CdbUsage.NO_OFFENCE, row.usage().offendingBit(cdb.getLong(0), cdb.getLong(8)));
        assertEquals(expected, row.decode(cdb.getLong(0), cdb.getLong(8)));
    }
}
