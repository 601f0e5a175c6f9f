package io.lunkeeper.target.session;

import static io.lunkeeper.target.session.Initiator.ABORT_TASK;
import static io.lunkeeper.target.session.Initiator.ABORT_TASK_SET;
import static io.lunkeeper.target.session.Initiator.ACA;
import static io.lunkeeper.target.session.Initiator.CLEAR_ACA;
import static io.lunkeeper.target.session.Initiator.HEAD_OF_QUEUE;
import static io.lunkeeper.target.session.Initiator.LENGTH;
import static io.lunkeeper.target.session.Initiator.LOGICAL_UNIT_RESET;
import static io.lunkeeper.target.session.Initiator.ORDERED;
import static io.lunkeeper.target.session.Initiator.SIMPLE;
import static io.lunkeeper.target.session.Initiator.SYNCHRONIZE_CACHE;
import static io.lunkeeper.target.session.Initiator.TEST_UNIT_READY;
import static io.lunkeeper.target.session.Reply.GOOD;
import static io.lunkeeper.target.session.Reply.REJECTED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.CacheMode;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// ACA conditions as sessions see them (SAM-5 5.9 Auto contingent allegiance). What takes long is a
/// write that waits for its data.
class AllegianceTest {
    private static final int SEPARATE = 0x20;
    private static final int SHARED = 0;
    private static final int ABORT_OWN = 0x06;
    private static final Reply ACA_ACTIVE = new Reply(0x30, "");
    private static final Reply BUSY = new Reply(0x08, "");
    private static final Reply WRONG_FIELD = new Reply(2, "5/24/00");
    private static final Reply INVALID_MESSAGE = new Reply(2, "5/49/00");
    private static final String READY_NACA = "00 00 00 00 00 04";
    private static final String WRONG = "00 00 00 00 01 00";
    private static final String WRONG_NACA = "00 00 00 00 01 04";
    private static final String WRITE_NACA = "2a 00 00 00 00 08 00 00 08 04";

    @TempDir Path directory;

    @AutoClose("closeEmpty")
    private SessionRig rig;

    private Initiator initiator;
    private Initiator other;

    @BeforeEach
    void serve() throws Exception {
        serve(CacheMode.WRITE_BACK);
    }

    private void serve(CacheMode cacheMode) throws Exception {
        rig = new SessionRig(directory, cacheMode);
        initiator = rig.loginPatient();
        other = rig.loginPatient();
    }

    private static Reply run(Initiator by, int attribute, String cdb) throws Exception {
        return by.await(by.send(attribute, 0, cdb));
    }

    private static Reply clearAca(Initiator by) throws Exception {
        return by.await(by.manage(CLEAR_ACA, 0, 0));
    }

    private void expectNothing(Initiator by, int tag) {
        rig.turn();
        assertNull(by.reply(tag));
    }

    @Test
    void withoutNacaThereIsNoCondition() throws Exception {
        assertEquals(WRONG_FIELD, run(initiator, SIMPLE, WRONG));
        assertEquals(GOOD, run(initiator, SIMPLE, TEST_UNIT_READY));
        assertEquals(GOOD, run(initiator, SIMPLE, READY_NACA));
        assertEquals(INVALID_MESSAGE, run(initiator, ACA, TEST_UNIT_READY));
        assertEquals(GOOD, run(initiator, SIMPLE, TEST_UNIT_READY));
        assertEquals(GOOD, clearAca(initiator));
    }

    @Test
    void everythingOfTheNexusStandsStillUntilItIsCleared() throws Exception {
        int write = initiator.beginWrite();
        int foreign = other.beginWrite();
        int elsewhere = initiator.beginWrite(SIMPLE, 1);
        assertEquals(WRONG_FIELD, run(initiator, SIMPLE, WRONG_NACA));
        for (int attribute : new int[] {SIMPLE, ORDERED, HEAD_OF_QUEUE}) {
            assertEquals(ACA_ACTIVE, run(initiator, attribute, TEST_UNIT_READY));
            assertEquals(ACA_ACTIVE, run(initiator, attribute, READY_NACA));
        }
        assertEquals(ACA_ACTIVE, run(initiator, SIMPLE, "12 00 00 00 24 00"));
        initiator.giveData(write);
        expectNothing(initiator, write);
        initiator.giveData(elsewhere);
        assertEquals(GOOD, initiator.await(elsewhere), "another logical unit");
        other.giveData(foreign);
        assertEquals(GOOD, other.await(foreign), "another task set");
        assertEquals(GOOD, run(other, SIMPLE, TEST_UNIT_READY));
        assertEquals(GOOD, clearAca(other), "there is none in its task set");
        expectNothing(initiator, write);
        assertEquals(GOOD, clearAca(initiator));
        assertEquals(GOOD, initiator.await(write));
        assertEquals(GOOD, run(initiator, SIMPLE, TEST_UNIT_READY));
    }

    @Test
    void aWriteAsksForItsDataWhenItGoesOn() throws Exception {
        int ordered = initiator.beginWrite(ORDERED, 0);
        int dormant = initiator.beginWrite();
        assertEquals(WRONG_FIELD, run(initiator, HEAD_OF_QUEUE, WRONG_NACA));
        assertEquals(GOOD, initiator.await(initiator.manage(ABORT_TASK, 0, ordered)));
        expectNothing(initiator, dormant);
        assertEquals(ACA_ACTIVE, run(initiator, ORDERED, TEST_UNIT_READY));
        assertEquals(GOOD, clearAca(initiator));
        rig.turn();
        initiator.finishWrite(dormant);
    }

    /// The flush has ended meanwhile: that of the other, which began later, has.
    @Test
    void whatEndsElsewhereIsToldWhenItGoesOn() throws Exception {
        int flush = initiator.send(SIMPLE, 0, SYNCHRONIZE_CACHE);
        int wrong = initiator.send(SIMPLE, 0, WRONG_NACA);
        assertEquals(WRONG_FIELD, initiator.await(wrong));
        assertEquals(GOOD, run(other, SIMPLE, SYNCHRONIZE_CACHE));
        expectNothing(initiator, flush);
        assertEquals(GOOD, clearAca(initiator));
        assertEquals(GOOD, initiator.await(flush));
    }

    private static byte[] letters() {
        byte[] letters = new byte[LENGTH];
        Arrays.fill(letters, (byte) 0x5a);
        return letters;
    }

    private static void fill(Initiator by, int lun, int lba) throws Exception {
        String cdb = "2a 00 00 00 %02x %02x 00 00 08 00".formatted(lba >> 8, lba & 0xff);
        int write = by.send(SIMPLE, lun, cdb, LENGTH, new byte[0], true);
        by.data(write, by.transferTag(write), 0, 0, letters(), true);
        assertEquals(GOOD, by.await(write));
    }

    /// Enough for whatever runs on to come to its end: these take the same threads.
    private void letOthersGoOn() throws Exception {
        for (int lba = 8192; lba < 28672; lba += 512) {
            fill(other, 0, lba);
        }
    }

    /// Every piece waits for the disk, as there is no cache. One has been sent when the condition
    /// begins, and the next is on its way.
    @Test
    void aReadSendsNothingMoreAndFetchesAgainWhenItGoesOn() throws Exception {
        rig.close();
        serve(CacheMode.DIRECT);
        fill(initiator, 0, 0);
        fill(initiator, 0, 16);
        int read = initiator.send(SIMPLE, 0, "28 00 00 00 00 00 00 00 40 00");
        rig.turnUntil(() -> initiator.dataIns(read) == 1);
        int wrong = initiator.send(SIMPLE, 0, WRONG_NACA);
        assertEquals(WRONG_FIELD, initiator.reply(wrong));
        rig.turnUntil(() -> rig.heldBytes() == 0);
        letOthersGoOn();
        assertEquals(1, initiator.dataIns(read));
        assertEquals(GOOD, clearAca(initiator));
        assertEquals(GOOD, initiator.await(read));
        assertEquals(4, initiator.dataIns(read));
        assertArrayEquals(letters(), Arrays.copyOf(initiator.dataIn(read), LENGTH));
    }

    /// An identification descriptor: the first designator of a unit is an NAA identifier.
    private static byte[] cscd(Initiator by, int lun) throws Exception {
        int inquiry = by.send(SIMPLE, lun, "12 01 83 00 ff 00");
        assertEquals(GOOD, by.await(inquiry));
        byte[] page = by.dataIn(inquiry);
        return ByteBuffer.allocate(32).put((byte) 0xe4).put(4, page, 4, 12).putInt(28, 512).array();
    }

    /// Copies the beginning of LUN 1 to that of LUN 0.
    private int beginCopy(int blocks) throws Exception {
        byte[] list =
                ByteBuffer.allocate(16 + 2 * 32 + 28)
                        .put(1, (byte) (3 << 3)) // no list identifier
                        .putShort(2, (short) (2 * 32))
                        .putInt(8, 28)
                        .put(16, cscd(initiator, 1))
                        .put(48, cscd(initiator, 0))
                        .put(80, (byte) 0x02)
                        .putShort(82, (short) 24)
                        .putShort(86, (short) 1)
                        .putShort(90, (short) blocks)
                        .array();
        String cdb = "83 00 00 00 00 00 00 00 00 00 00 00 00 %02x 00 00".formatted(list.length);
        int copy = initiator.send(SIMPLE, 0, cdb, list.length, new byte[0], true);
        initiator.data(copy, initiator.transferTag(copy), 0, 0, list, true);
        return copy;
    }

    private byte[] blocksOf(int lba) throws Exception {
        String cdb = "28 00 00 00 %02x %02x 00 00 08 00".formatted(lba >> 8, lba & 0xff);
        int read = other.send(SIMPLE, 0, cdb);
        assertEquals(GOOD, other.await(read));
        return other.dataIn(read);
    }

    private void awaitFirstPiece() throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!Arrays.equals(letters(), blocksOf(0))) {
            assertTrue(System.nanoTime() < deadline, "nothing is copied");
        }
    }

    /// It copies a mebibyte at a time; the first is under way when the condition begins.
    @Test
    void aCopyTakesNoOtherPieceUntilItGoesOn() throws Exception {
        int last = 3 * 2048;
        fill(initiator, 1, 0);
        fill(initiator, 1, last);
        int copy = beginCopy(4 * 2048);
        int wrong = initiator.send(SIMPLE, 0, WRONG_NACA);
        assertEquals(WRONG_FIELD, initiator.reply(wrong));
        awaitFirstPiece();
        letOthersGoOn();
        assertNull(initiator.reply(copy));
        assertArrayEquals(new byte[LENGTH], blocksOf(last));
        assertEquals(GOOD, clearAca(initiator));
        assertEquals(GOOD, initiator.await(copy));
        assertArrayEquals(letters(), blocksOf(last));
    }

    /// The initiator may end it instead: it copies nothing more.
    @Test
    void aCopyThatStandsStillCanBeAborted() throws Exception {
        int last = 3 * 2048;
        fill(initiator, 1, 0);
        fill(initiator, 1, last);
        int copy = beginCopy(4 * 2048);
        int wrong = initiator.send(SIMPLE, 0, WRONG_NACA);
        assertEquals(WRONG_FIELD, initiator.reply(wrong));
        awaitFirstPiece();
        letOthersGoOn();
        assertEquals(GOOD, initiator.await(initiator.manage(ABORT_TASK, 0, copy)));
        assertEquals(GOOD, clearAca(initiator));
        letOthersGoOn();
        assertNull(initiator.reply(copy));
        assertArrayEquals(new byte[LENGTH], blocksOf(last));
    }

    @Test
    void oneCommandAtATimeMayLookToIt() throws Exception {
        assertEquals(WRONG_FIELD, run(initiator, SIMPLE, WRONG_NACA));
        int looking = initiator.beginWrite(ACA, 0);
        assertEquals(ACA_ACTIVE, run(initiator, ACA, TEST_UNIT_READY));
        initiator.finishWrite(looking);
        assertEquals(GOOD, run(initiator, ACA, TEST_UNIT_READY));
        assertEquals(GOOD, run(initiator, ACA, READY_NACA));
        assertEquals(ACA_ACTIVE, run(initiator, SIMPLE, TEST_UNIT_READY));
        int aborted = initiator.beginWrite(ACA, 0);
        assertEquals(GOOD, initiator.await(initiator.manage(ABORT_TASK, 0, aborted)));
        assertEquals(GOOD, run(initiator, ACA, TEST_UNIT_READY), "the one before was aborted");
        assertEquals(GOOD, clearAca(initiator));
        assertEquals(INVALID_MESSAGE, run(initiator, ACA, TEST_UNIT_READY));
    }

    @Test
    void oneThatFailsEndsTheConditionAndMayBeginAnother() throws Exception {
        int write = initiator.beginWrite();
        assertEquals(WRONG_FIELD, run(initiator, SIMPLE, WRONG_NACA));
        assertEquals(WRONG_FIELD, run(initiator, ACA, WRONG_NACA));
        assertEquals(ACA_ACTIVE, run(initiator, SIMPLE, TEST_UNIT_READY));
        initiator.giveData(write);
        expectNothing(initiator, write);
        assertEquals(WRONG_FIELD, run(initiator, ACA, WRONG));
        assertEquals(GOOD, initiator.await(write));
        assertEquals(GOOD, run(initiator, SIMPLE, TEST_UNIT_READY));
    }

    /// Data at the wrong place.
    private static void breakOff(Initiator by, int write) throws Exception {
        by.data(write, by.transferTag(write), 0, 512, new byte[512], true);
    }

    /// The second of two that fail tells of it when it is its turn, and is the next condition.
    @Test
    void ofTwoThatFailOneWaits() throws Exception {
        int write = initiator.send(SIMPLE, 0, WRITE_NACA, LENGTH, new byte[0], true);
        assertEquals(WRONG_FIELD, run(initiator, SIMPLE, WRONG_NACA));
        breakOff(initiator, write);
        expectNothing(initiator, write);
        assertEquals(GOOD, clearAca(initiator));
        assertEquals(2, initiator.await(write).status());
        assertEquals(ACA_ACTIVE, run(initiator, SIMPLE, TEST_UNIT_READY));
        assertEquals(GOOD, clearAca(initiator));
        assertEquals(GOOD, run(initiator, SIMPLE, TEST_UNIT_READY));
    }

    @Test
    void inOneTaskSetOthersStandStillToo() throws Exception {
        rig.control(SHARED, 0, 0, initiator, other);
        int foreign = other.beginWrite();
        assertEquals(WRONG_FIELD, run(initiator, SIMPLE, WRONG_NACA));
        assertEquals(BUSY, run(other, SIMPLE, TEST_UNIT_READY));
        assertEquals(BUSY, run(other, ORDERED, WRONG));
        assertEquals(ACA_ACTIVE, run(other, SIMPLE, READY_NACA));
        assertEquals(INVALID_MESSAGE, run(other, ACA, TEST_UNIT_READY));
        assertEquals(INVALID_MESSAGE, run(other, ACA, READY_NACA));
        assertEquals(GOOD, other.await(other.testUnit(1)), "another logical unit");
        other.giveData(foreign);
        expectNothing(other, foreign);
        assertEquals(REJECTED, clearAca(other));
        expectNothing(other, foreign);
        assertEquals(GOOD, run(initiator, ACA, TEST_UNIT_READY));
        assertEquals(GOOD, clearAca(initiator));
        assertEquals(GOOD, other.await(foreign));
        assertEquals(GOOD, run(other, SIMPLE, TEST_UNIT_READY));
    }

    /// Both fail before either has been told of the other.
    @Test
    void inOneTaskSetThereIsOneConditionAtATime() throws Exception {
        rig.control(SHARED, 0, 0, initiator, other);
        int write = other.send(SIMPLE, 0, WRITE_NACA, LENGTH, new byte[0], true);
        int wrong = initiator.send(SIMPLE, 0, WRONG_NACA);
        breakOff(other, write);
        assertEquals(WRONG_FIELD, initiator.await(wrong));
        expectNothing(other, write);
        assertEquals(GOOD, clearAca(initiator));
        assertEquals(2, other.await(write).status());
        assertEquals(BUSY, run(initiator, SIMPLE, TEST_UNIT_READY));
        assertEquals(ACA_ACTIVE, run(other, SIMPLE, TEST_UNIT_READY));
        assertEquals(GOOD, clearAca(other));
        assertEquals(GOOD, run(initiator, SIMPLE, TEST_UNIT_READY));
    }

    /// QERR=11b: what would stand still is aborted (SPC-4 7.5.8 Control mode page).
    @Test
    void theErrorMayEndTheOtherCommandsInstead() throws Exception {
        rig.control(SEPARATE, ABORT_OWN, 0, initiator, other);
        int write = initiator.beginWrite();
        assertEquals(WRONG_FIELD, run(initiator, SIMPLE, WRONG_NACA));
        initiator.giveData(write);
        assertEquals(ACA_ACTIVE, run(initiator, SIMPLE, TEST_UNIT_READY));
        assertEquals(GOOD, clearAca(initiator));
        expectNothing(initiator, write);
        assertEquals(GOOD, run(initiator, SIMPLE, TEST_UNIT_READY));
    }

    @Test
    void abortingTheTaskSetDoesNotClearIt() throws Exception {
        int write = initiator.beginWrite();
        assertEquals(WRONG_FIELD, run(initiator, SIMPLE, WRONG_NACA));
        assertEquals(GOOD, initiator.manageSilently(ABORT_TASK_SET, 0));
        assertEquals(ACA_ACTIVE, run(initiator, SIMPLE, TEST_UNIT_READY));
        assertEquals(GOOD, clearAca(initiator));
        expectNothing(initiator, write);
    }

    @ParameterizedTest
    @ValueSource(ints = {SEPARATE, SHARED})
    void aResetDoes(int taskSetType) throws Exception {
        rig.control(taskSetType, 0, 0, initiator, other);
        initiator.beginWrite();
        assertEquals(WRONG_FIELD, run(initiator, SIMPLE, WRONG_NACA));
        assertEquals(GOOD, other.await(other.manage(LOGICAL_UNIT_RESET, 0, 0)));
        for (Initiator each : new Initiator[] {initiator, other}) {
            assertEquals("6/29/03", run(each, SIMPLE, TEST_UNIT_READY).sense());
            assertEquals(GOOD, run(each, SIMPLE, TEST_UNIT_READY));
        }
        assertTrue(rig.device().allegiance().none());
    }

    @Test
    void soDoesTheLossOfTheNexus() throws Exception {
        rig.control(SHARED, 0, 0, initiator, other);
        int foreign = other.beginWrite();
        assertEquals(WRONG_FIELD, run(initiator, SIMPLE, WRONG_NACA));
        other.giveData(foreign);
        expectNothing(other, foreign);
        initiator.disconnect();
        assertEquals(GOOD, other.await(foreign));
        assertEquals(GOOD, run(other, SIMPLE, TEST_UNIT_READY));
    }

    private static Reply reserveOut(Initiator by, int attribute, int action, int key, int newKey)
            throws Exception {
        byte[] list = ByteBuffer.allocate(24).putLong(key).putLong(newKey).array();
        String cdb = "5f %02x 01 00 00 00 00 00 18 00".formatted(action);
        int tag = by.send(attribute, 0, cdb, list.length, new byte[0], true);
        Reply early = by.reply(tag);
        if (early == null) {
            by.data(tag, by.transferTag(tag), 0, 0, list, true);
        }
        return by.await(tag);
    }

    @ParameterizedTest
    @ValueSource(ints = {SEPARATE, SHARED})
    void andPreemptingTheNexusAndAbortingItsTasks(int taskSetType) throws Exception {
        rig.control(taskSetType, 0, 0, initiator, other);
        assertEquals(GOOD, reserveOut(initiator, SIMPLE, 0, 0, 1));
        assertEquals(GOOD, reserveOut(other, SIMPLE, 0, 0, 2));
        int write = initiator.beginWrite();
        assertEquals(WRONG_FIELD, run(initiator, SIMPLE, WRONG_NACA));
        assertEquals(GOOD, reserveOut(other, SIMPLE, 5, 2, 1));
        expectNothing(initiator, write);
        assertEquals("6/2a/05", run(initiator, SIMPLE, TEST_UNIT_READY).sense());
        assertEquals(GOOD, run(initiator, SIMPLE, TEST_UNIT_READY));
        assertTrue(rig.device().allegiance().none());
    }

    /// From the nexus itself it needs the ACA attribute, and ends only what it preempts.
    @Test
    void orPreemptingTheNexusFromItself() throws Exception {
        assertEquals(GOOD, reserveOut(initiator, SIMPLE, 0, 0, 1));
        assertEquals(GOOD, reserveOut(other, SIMPLE, 0, 0, 2));
        assertEquals(WRONG_FIELD, run(initiator, SIMPLE, WRONG_NACA));
        assertEquals(ACA_ACTIVE, reserveOut(initiator, SIMPLE, 5, 1, 2));
        assertEquals(GOOD, reserveOut(initiator, ACA, 5, 1, 2));
        assertEquals(ACA_ACTIVE, run(initiator, SIMPLE, TEST_UNIT_READY));
        assertEquals(GOOD, reserveOut(initiator, ACA, 5, 1, 1));
        assertEquals(GOOD, run(initiator, SIMPLE, TEST_UNIT_READY));
    }

    /// Where everybody holds the reservation and it is taken from all, everybody is relieved.
    @Test
    void orPreemptingAllRegistrants() throws Exception {
        assertEquals(GOOD, reserveOut(other, SIMPLE, 0, 0, 2));
        assertEquals(GOOD, reserve(other, 2, 7));
        assertEquals(WRONG_FIELD, run(initiator, SIMPLE, WRONG_NACA));
        assertEquals(GOOD, reserveOut(other, SIMPLE, 5, 2, 0));
        assertTrue(rig.device().allegiance().none());
        assertEquals(GOOD, run(initiator, SIMPLE, TEST_UNIT_READY));
    }

    private static Reply reserve(Initiator by, int key, int type) throws Exception {
        byte[] list = ByteBuffer.allocate(24).putLong(key).array();
        String cdb = "5f 01 %02x 00 00 00 00 00 18 00".formatted(type);
        int tag = by.send(SIMPLE, 0, cdb, list.length, new byte[0], true);
        by.data(tag, by.transferTag(tag), 0, 0, list, true);
        return by.await(tag);
    }
}
