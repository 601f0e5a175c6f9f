package io.lunkeeper.target.scsi;

import static io.lunkeeper.target.scsi.CopyLists.HOLD;
import static io.lunkeeper.target.scsi.CopyLists.NO_IDENTIFIER;
import static io.lunkeeper.target.scsi.CopyLists.cscd;
import static io.lunkeeper.target.scsi.CopyLists.list;
import static io.lunkeeper.target.scsi.CopyLists.longList;
import static io.lunkeeper.target.scsi.CopyLists.segment;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.scsi.ServedUnit.Reply;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// EXTENDED COPY and RECEIVE COPY RESULTS.
class ThirdPartyCopyTest {
    private static final int MIB = 1 << 20;
    private static final int MIB_BLOCKS = MIB / 512;
    private static final String STATUS = "84 00 %02x 00000000000000 000000ff 0000";
    private static final String DETAILS = "84 04 %02x 00000000000000 000000ff 0000";
    private static final String LONG_STATUS = "84 05 %08x 00000000 000000ff 0000";
    private static final String STOP = "1b 00 00 00 00 00";
    private static final String PARAMETERS = "84 03 00 00000000000000 000000ff 0000";

    @TempDir Path directory;
    @AutoClose private ServedTarget target;

    @BeforeEach
    void serve() throws IOException {
        target = new ServedTarget(directory, "iqn.2026-11.io.lunkeeper:one");
    }

    private byte[] unit(int lun) {
        return cscd(target.identity(lun), lun == 2 ? 4096 : 512);
    }

    private Reply copy(Nexus from, byte[] list) {
        return target.run(from, 0, CopyLists.cdb(0, list.length), list);
    }

    private Reply copy(byte[] list) {
        return copy(target.nexus(), list);
    }

    /// One segment from LUN 1 to LUN 2.
    private byte[] threeMebibytes() {
        return list(
                1,
                HOLD,
                List.of(unit(1), unit(2)),
                List.of(segment(0, 0, 1, 3 * MIB_BLOCKS, 0, 0)));
    }

    /// A copy that has begun and waits for its first piece.
    private Outcome begin(byte[] list) {
        Outcome first = target.execute(target.nexus(), 0, CopyLists.cdb(0, list.length));
        Outcome.ReceiveParameters receive =
                assertInstanceOf(Outcome.ReceiveParameters.class, first);
        return receive.next().received(Unpooled.wrappedBuffer(list), list.length);
    }

    private static Outcome onePiece(Outcome before) {
        Outcome.Awaiting waiting = assertInstanceOf(Outcome.Awaiting.class, before);
        CompletableFuture<Outcome> next = new CompletableFuture<>();
        waiting.step().begin(next::complete);
        return next.join();
    }

    private Reply finish(Outcome outcome) {
        return ServedUnit.drive(target.server(), 0, outcome, new byte[0]);
    }

    private static long segmentOf(Reply reply) {
        return ByteBuffer.wrap(reply.sense()).getInt(8);
    }

    private String status(int identifier) {
        return HexFormat.of().formatHex(target.run(0, STATUS.formatted(identifier)).data());
    }

    // ---- what is copied

    @Test
    void copiesSegmentsBetweenUnits() throws IOException {
        byte[] first = target.fill(0, 0, 3 * MIB, 1);
        byte[] second = target.fill(2, 4 * MIB, 8192, 2);
        byte[] list =
                list(
                        7,
                        HOLD,
                        List.of(unit(0), unit(1), unit(2)),
                        List.of(
                                segment(0, 0, 1, 3 * MIB_BLOCKS, 0, 8),
                                segment(0, 1, 0, 0, 0, 0),
                                segment(0, 2, 1, 2, MIB / 1024, 16000)));
        assertTrue(copy(list).good());
        assertArrayEquals(first, target.read(1, 4096, 3 * MIB));
        assertArrayEquals(second, target.read(1, 16000 * 512, 8192));
        assertEquals("00000008" + "01" + "0003" + "00" + "00302000", status(7));
        assertEquals("00000000", hex(target.run(0, DETAILS.formatted(7)).data()));
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 9, 2047, 2048, 3000, -1, -9, -2048, -3000})
    void copiesWithinAUnitAsIfItHadBeenReadWholeFirst(int distanceBlocks) throws IOException {
        byte[] bytes = target.fill(0, 3 * MIB, 3 * MIB, 5);
        int lba = 3 * MIB_BLOCKS;
        byte[] list =
                list(
                        0,
                        NO_IDENTIFIER,
                        List.of(unit(0)),
                        List.of(segment(0, 0, 0, 3 * MIB_BLOCKS, lba, lba + distanceBlocks)));
        assertTrue(copy(list).good());
        assertArrayEquals(bytes, target.read(0, (lba + distanceBlocks) * 512, 3 * MIB));
    }

    /// DC says whose blocks are counted.
    @ParameterizedTest
    @CsvSource({"0, 0, 2, 16, 8192", "2, 0, 2, 2, 8192", "0, 2, 0, 2, 8192", "2, 2, 0, 16, 8192"})
    void countsBlocksOfEitherSide(int flags, int from, int to, int blocks, int bytes)
            throws IOException {
        byte[] data = target.fill(from, 0, bytes + 512, 3);
        byte[] list =
                list(
                        1,
                        HOLD,
                        List.of(unit(from), unit(to)),
                        List.of(segment(flags, 0, 1, blocks, 0, 0)));
        assertTrue(copy(list).good());
        assertArrayEquals(Arrays.copyOf(data, bytes), target.read(to, 0, bytes));
        assertArrayEquals(new byte[512], target.read(to, bytes, 512));
    }

    @Test
    void anIdentifierOfTheCopyManagerMeansTheUnitItself() throws IOException {
        byte[] bytes = target.fill(0, 0, 4096, 3);
        assertTrue(
                copy(list(1, HOLD, List.of(unit(1)), List.of(segment(0, 0xffff, 0, 8, 0, 0))))
                        .good());
        assertArrayEquals(bytes, target.read(1, 0, 4096));
    }

    /// What a WRITE there would be before its status.
    @Test
    void withoutAWriteCacheTheCopyIsFlushed() throws IOException {
        target.fill(0, 0, 4096, 3);
        byte[] toWriteBack =
                list(1, HOLD, List.of(unit(0), unit(1)), List.of(segment(0, 0, 1, 8, 0, 0)));
        byte[] toWriteThrough =
                list(1, HOLD, List.of(unit(0), unit(3)), List.of(segment(0, 0, 1, 8, 0, 0)));
        assertTrue(copy(toWriteBack).good());
        assertEquals(0, target.backend(1).statistics().flushRequests());
        assertTrue(copy(toWriteThrough).good());
        assertEquals(1, target.backend(3).statistics().flushRequests());
    }

    @Test
    void copiesWithAListIdentifierOfFourBytes() throws IOException {
        byte[] bytes = target.fill(0, 0, 8192, 3);
        byte[] list =
                longList(
                        0x12345678, List.of(unit(0), unit(1)), List.of(segment(0, 0, 1, 16, 0, 0)));
        assertTrue(target.run(target.nexus(), 0, CopyLists.cdb(1, list.length), list).good());
        assertArrayEquals(bytes, target.read(1, 0, 8192));
        assertEquals(
                "0000001c"
                        + "01"
                        + "01"
                        + "0001"
                        + "fffffffe"
                        + "000000"
                        + "00"
                        + "0000000000002000"
                        + "0001"
                        + "000000000000",
                hex(target.run(0, LONG_STATUS.formatted(0x12345678)).data()));
        assertEquals("c00002", target.run(0, LONG_STATUS.formatted(5)).pointer());
        for (int wrong : new int[] {0, 3, 15, 16}) {
            byte[] broken = list.clone();
            broken[wrong] ^= (byte) (wrong == 15 ? 2 : 1);
            Reply reply = target.run(target.nexus(), 0, CopyLists.cdb(1, broken.length), broken);
            assertEquals("5/26/00", reply.code());
            assertEquals("8000%02x".formatted(wrong == 3 ? 2 : wrong), reply.pointer());
        }
    }

    // ---- whom it is kept from

    /// CVE-2020-28374: a name that was guessed, or seen elsewhere, opens nothing.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void unitsOfOtherTargetsAreNotReached(boolean asSource) throws IOException {
        try (ServedTarget other = new ServedTarget(directory, "iqn.2026-11.io.lunkeeper:other")) {
            other.fill(0, 0, 4096, 3);
            target.fill(0, 0, 4096, 4);
            byte[] foreign = cscd(other.identity(0), 512);
            byte[] before = other.read(0, 0, 8192);
            List<byte[]> cscds = List.of(foreign, unit(1), unit(0));
            List<byte[]> segments =
                    List.of(
                            segment(0, 2, 1, 1, 0, 16),
                            asSource ? segment(0, 0, 1, 8, 0, 0) : segment(0, 2, 0, 8, 0, 0));
            Reply reply = copy(list(1, HOLD, cscds, segments));
            assertEquals("a/0d/02", reply.code());
            assertEquals(1, segmentOf(reply));
            assertArrayEquals(before, other.read(0, 0, 8192));
            assertArrayEquals(new byte[4096], target.read(1, 0, 4096));
            assertEquals("00000008" + "02" + "0002" + "00" + "00000200", status(1));
            byte[] details = target.run(0, DETAILS.formatted(1)).data();
            assertEquals(2, details[56]);
            assertArrayEquals(reply.sense(), Arrays.copyOfRange(details, 60, 78));
        }
    }

    /// A nexus that has gone addresses nothing, and its copy ends.
    @Test
    void unitsThatTheNexusCannotAddressAreNotReached() throws IOException {
        target.fill(0, 0, 4096, 3);
        Nexus gone = target.attach("gone,i,0x000000000001");
        target.server().detach(gone);
        byte[] list = list(1, HOLD, List.of(unit(0), unit(1)), List.of(segment(0, 0, 1, 8, 0, 0)));
        assertEquals("5/25/00", copy(gone, list).code());
        target.assertUntouched(1);
    }

    @ParameterizedTest
    @CsvSource({
        // reserved, type; a copy from 1 to 2 is kept out
        "1, 3, true",
        "1, 1, false",
        "2, 3, true",
        "2, 1, true",
        "1, 0, true",
        "2, 0, true",
    })
    void reservationsOfOthersKeepItOut(int reserved, int type, boolean keptOut) throws IOException {
        target.fill(1, 0, 4096, 3);
        Nexus other = target.attach("other,i,0x000000000001");
        reserve(other, reserved, type);
        byte[] list = list(1, HOLD, List.of(unit(1), unit(2)), List.of(segment(0, 0, 1, 8, 0, 0)));
        Reply reply = copy(list);
        assertEquals(!keptOut, reply.good());
        if (keptOut) {
            assertEquals("a/0d/01", reply.code());
            target.assertUntouched(2);
        }
        assertTrue(copy(other, list).good(), "who has reserved it may copy");
    }

    /// @param type of a persistent reservation; 0: by RESERVE
    private void reserve(Nexus nexus, int lun, int type) {
        if (type == 0) {
            assertTrue(target.run(nexus, lun, "16 00 00 00 00 00", new byte[0]).good());
            return;
        }
        byte[] register = ByteBuffer.allocate(24).putLong(8, 1).array();
        byte[] reserve = ByteBuffer.allocate(24).putLong(1).array();
        assertTrue(target.run(nexus, lun, "5f 00 00 00 00 00 00 00 18 00", register).good());
        String cdb = "5f 01 %02x 00 00 00 00 00 18 00".formatted(type);
        assertTrue(target.run(nexus, lun, cdb, reserve).good());
    }

    /// Each piece is judged anew.
    @ParameterizedTest
    @CsvSource({"1, 3", "2, 1", "2, 0"})
    void aReservationStopsACopyThatIsUnderWay(int reserved, int type) throws IOException {
        byte[] bytes = target.fill(1, 0, 3 * MIB, 3);
        byte[] list = threeMebibytes();
        Outcome afterOne = onePiece(begin(list));
        reserve(target.attach("other,i,0x000000000001"), reserved, type);
        Reply reply = finish(afterOne);
        assertEquals("a/0d/01", reply.code());
        assertEquals(0, segmentOf(reply));
        assertArrayEquals(Arrays.copyOf(bytes, MIB), target.read(2, 0, MIB));
        assertArrayEquals(new byte[MIB], target.read(2, MIB, MIB));
        assertEquals("00000008" + "02" + "0001" + "00" + "00100000", status(1));
    }

    @Test
    void aUnitThatIsStoppedOrWriteProtectedIsLeftAlone() throws IOException {
        target.fill(1, 0, 4096, 3);
        byte[] list = list(1, HOLD, List.of(unit(1), unit(2)), List.of(segment(0, 0, 1, 8, 0, 0)));
        byte[] protect = ServedUnit.hex("00000000" + "0a0a0010" + "08000000" + "ffff0000");
        for (int lun : new int[] {1, 2}) {
            assertTrue(target.run(lun, STOP).good());
            assertEquals("a/0d/01", copy(list).code());
            assertTrue(target.run(lun, "1b 00 00 00 01 00").good());
        }
        assertTrue(target.run(target.nexus(), 2, "15 10 00 00 10 00", protect).good());
        assertEquals("a/0d/01", copy(list).code());
        target.assertUntouched(2);
    }

    // ---- ends

    @Test
    void aCopyThatIsAbortedStopsBetweenPiecesAndFreesItsIdentifier() throws IOException {
        target.fill(1, 0, 3 * MIB, 3);
        byte[] list = threeMebibytes();
        Outcome afterOne = onePiece(begin(list));
        assertEquals("00000008" + "00" + "0001" + "00" + "00100000", status(1));
        assertEquals("c00002", target.run(0, DETAILS.formatted(1)).pointer());
        assertEquals("5/00/16", copy(list).code());
        afterOne.abandoned();
        assertEquals("00000008" + "02" + "0001" + "00" + "00100000", status(1));
        assertArrayEquals(new byte[MIB], target.read(2, MIB, MIB));
        assertTrue(copy(list).good());
    }

    /// A reset of a unit ends what comes to it from a task of another.
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aResetOfEitherUnitEndsTheCopy(int reset) throws IOException {
        target.fill(1, 0, 3 * MIB, 3);
        byte[] list = threeMebibytes();
        Outcome afterOne = onePiece(begin(list));
        target.server().resetUnit(LunField.of(reset));
        assertEquals("a/0d/01", finish(afterOne).code());
        assertArrayEquals(new byte[MIB], target.read(2, MIB, MIB));
    }

    /// Which of the two finds out first, the copy or who aborts its task, makes no difference.
    @Test
    void aCopyWhoseOwnUnitIsTakenOutIsToldSo() throws IOException {
        target.fill(1, 0, 3 * MIB, 3);
        byte[] list =
                list(
                        1,
                        HOLD,
                        List.of(unit(0), unit(2), unit(1)),
                        List.of(
                                segment(0, 2, 1, MIB_BLOCKS, 0, 0),
                                segment(0, 0, 1, MIB_BLOCKS, 0, 0)));
        Outcome afterOne = onePiece(begin(list));
        target.server().remove(0, () -> {});
        assertEquals("5/25/00", finish(afterOne).code());
    }

    @Test
    void whoAbortsWaitsForPiecesThatHaveBegun() {
        CopyPieces pieces = new CopyPieces();
        List<String> told = new ArrayList<>();
        CopyPieces.Piece first = pieces.begin();
        CopyPieces.Piece second = pieces.begin();
        pieces.whenEnded(() -> told.add("both"));
        second.close();
        CopyPieces.Piece third = pieces.begin();
        pieces.whenEnded(() -> told.add("first and third"));
        assertEquals(List.of(), told);
        first.close();
        assertEquals(List.of("both"), told);
        third.close();
        assertEquals(List.of("both", "first and third"), told);
        pieces.whenEnded(() -> told.add("none"));
        assertEquals(3, told.size());
    }

    @Test
    void thereAreOnlySoManyCopiesAtATime() throws IOException {
        target.fill(1, 0, 4096, 3);
        List<byte[]> cscds = List.of(unit(1), unit(2));
        List<byte[]> segments = List.of(segment(0, 0, 1, 8, 0, 0));
        List<Outcome> begun = new ArrayList<>();
        for (int i = 0; i < CopyLimits.MAX_CONCURRENT_COPIES; i++) {
            begun.add(begin(list(0, NO_IDENTIFIER, cscds, segments)));
        }
        assertEquals(8, copy(list(1, HOLD, cscds, segments)).status());
        assertTrue(copy(target.attach("other,i,0x0"), list(1, HOLD, cscds, segments)).good());
        assertTrue(finish(begun.getFirst()).good());
        assertTrue(copy(list(1, HOLD, cscds, segments)).good());
    }

    @Test
    void resultsBelongToTheNexusAndTheUnitAndGoWithThem() throws IOException {
        byte[] list = list(9, HOLD, List.of(unit(1), unit(2)), List.of(segment(0, 0, 1, 8, 0, 0)));
        assertTrue(copy(list).good());
        Nexus other = target.attach("other,i,0x0");
        String cdb = STATUS.formatted(9);
        assertEquals("5/24/00", target.run(other, 0, cdb, new byte[0]).code());
        assertEquals("5/24/00", target.run(1, cdb).code());
        assertTrue(target.run(0, cdb).good());
        target.server().resetUnit(LunField.of(0));
        assertEquals("6/29/03", target.run(0, "00 00").code());
        assertEquals("c00002", target.run(0, cdb).pointer());
        for (int i = 0; i < 200; i++) {
            list[0] = (byte) i;
            assertTrue(copy(list).good());
        }
        assertEquals("5/24/00", target.run(0, STATUS.formatted(0)).code(), "bounded");
        assertTrue(target.run(0, STATUS.formatted(199)).good());
    }

    // ---- lists that are wrong

    private Reply broken(int at, int value) {
        byte[] list = list(1, HOLD, List.of(unit(0), unit(1)), List.of(segment(0, 0, 1, 8, 0, 0)));
        list[at] = (byte) value;
        return copy(list);
    }

    @ParameterizedTest
    @CsvSource({
        // a byte, its value, the sense: the header
        "1, 0x08, 5/26/00",
        "1, 0x18, 5/26/00",
        "3, 0x41, 5/1a/00",
        "3, 0x3f, 5/26/00",
        "11, 0x1d, 5/1a/00",
        "8, 0xff, 5/1a/00",
        "15, 0x01, 5/1a/00",
        // CSCD descriptors
        "16, 0xe0, 5/26/07",
        "17, 0x20, a/0d/02",
        "17, 0x01, a/0d/03",
        "20, 0x02, a/0d/02",
        "21, 0x13, a/0d/02",
        "21, 0x08, a/0d/02",
        "23, 0x07, a/0d/02",
        "23, 0xff, a/0d/02",
        "24, 0x00, a/0d/02",
        "46, 0x10, a/26/0c",
        // the segment descriptor
        "80, 0x03, 5/26/09",
        "83, 0x17, 5/26/00",
        "85, 0x02, a/08/04",
        "87, 0x02, a/08/04",
        "92, 0x80, a/00/00",
        "100, 0x80, a/00/00",
        "98, 0x40, a/00/00",
    })
    void isRefusedForEveryFieldThatIsWrong(int at, String value, String code) throws IOException {
        assertEquals(code, broken(at, Integer.decode(value)).code());
        target.assertUntouched(1);
    }

    @Test
    void theFieldIsNamed() {
        assertEquals("800001", broken(1, 0x08).pointer());
        assertEquals("800000", broken(1, 0x18).pointer());
        assertTrue(broken(17, 0xc0).good(), "LU ID TYPE is ignored");
        assertEquals("800052", broken(83, 0).pointer());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 15, 16, 47, 48, 79, 80, 83, 107})
    void aListThatIsTooShortIsAnError(int length) throws IOException {
        byte[] list = list(1, HOLD, List.of(unit(0), unit(1)), List.of(segment(0, 0, 1, 8, 0, 0)));
        assertEquals("5/1a/00", copy(Arrays.copyOf(list, length)).code());
        assertTrue(copy(Arrays.copyOf(list, list.length + 8)).good());
        assertTrue(copy(new byte[0]).good());
        assertEquals("5/1a/00", target.run(0, CopyLists.cdb(0, -1)).code());
    }

    @Test
    void blocksThatDoNotFitAreAnError() {
        List<byte[]> cscds = List.of(unit(0), unit(2));
        Reply reply = copy(list(1, HOLD, cscds, List.of(segment(0, 0, 1, 9, 0, 0))));
        assertEquals("a/26/0a", reply.code());
    }

    @Test
    void theLimitsAreThoseReported() throws IOException {
        ByteBuffer told = ByteBuffer.wrap(target.run(0, PARAMETERS).data());
        assertEquals(
                "0000002a"
                        + "01000000"
                        + "0010"
                        + "0040"
                        + "00000900"
                        + "10000000"
                        + "0".repeat(28)
                        + "0020"
                        + "20"
                        + "000000"
                        + "000000"
                        + "02"
                        + "02e4",
                hex(told.array()));
        byte[] segment = segment(0, 0, 1, 8, 0, 0);
        List<byte[]> most = Collections.nCopies(told.getShort(8), unit(0));
        List<byte[]> mostSegments = Collections.nCopies(told.getShort(10), segment);
        List<byte[]> tooMany = Collections.nCopies(told.getShort(8) + 1, unit(0));
        List<byte[]> tooManySegments = Collections.nCopies(told.getShort(10) + 1, segment);
        assertTrue(copy(list(1, HOLD, most, mostSegments)).good());
        assertEquals("5/26/06", copy(list(1, HOLD, tooMany, List.of(segment))).code());
        assertEquals("5/26/08", copy(list(1, HOLD, List.of(unit(0)), tooManySegments)).code());
        assertEquals("5/1a/00", copy(list(1, HOLD, tooMany, tooManySegments)).code());
    }

    // ---- what is told

    @Test
    void tellsWhatItOffers() {
        byte[] page = target.run(0, "12 01 8f 10 00 00").data();
        assertEquals("008f", hex(page).substring(0, 4));
        assertEquals(page.length - 4, ByteBuffer.wrap(page).getShort(2));
        assertEquals(
                "0000"
                        + "0020"
                        + "0".repeat(12)
                        + "0040"
                        + "000002580000003c"
                        + "00000000000800000000000000020000"
                        + "0001"
                        + "0010"
                        + "0e"
                        + "8305000110111c"
                        + "84050003040507"
                        + "00"
                        + "0004"
                        + "001c"
                        + "00000000"
                        + "0010"
                        + "0040"
                        + "00000900"
                        + "0".repeat(32)
                        + "0008"
                        + "0004"
                        + "02"
                        + "02e4"
                        + "00"
                        + "000c"
                        + "0004"
                        + "0002"
                        + "ffff"
                        + "0106"
                        + "005c"
                        + "0".repeat(24)
                        + "00000001ffffffff00000258"
                        + "0".repeat(36)
                        + "0030"
                        + "0000002c00000000"
                        + "00000000100000000000000004000000"
                        + "00000000100000000000000004000000"
                        + "0".repeat(16)
                        + "0108"
                        + "0084"
                        + "00000080"
                        + "0080000103"
                        + "0".repeat(118)
                        + "ffff000102"
                        + "0".repeat(118)
                        + "8001"
                        + "0020"
                        + "00000020"
                        + "00000020"
                        + "10000000"
                        + "0".repeat(40),
                hex(page).substring(8));
        assertEquals(0x08, target.run(0, "12 00 00 00 60 00").data()[5] & 0x08);
    }

    @Test
    void descriptorSenseHasTheSegment() {
        Sense sense = CopySense.THIRD_PARTY_DEVICE_FAILURE.inSegment(0x0102);
        assertEquals(
                "720a0d010000000c" + "010a" + "0000" + "0000000000000102",
                hex(sense.bytes(SenseFormat.DESCRIPTOR)));
        assertEquals(
                "70000a00000000" + "0a" + "00000102" + "0d01" + "00000000",
                hex(sense.bytes(SenseFormat.FIXED)));
    }
}
