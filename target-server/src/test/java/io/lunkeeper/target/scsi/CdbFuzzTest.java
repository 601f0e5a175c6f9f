package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.fuzz.Choices;
import io.lunkeeper.target.fuzz.Corpus;
import io.lunkeeper.target.scsi.ServedUnit.Reply;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Any bytes as CDBs and their data, of two initiators to a logical unit with a real image
/// (`tests/fuzz cdb`). Every command ends with a status, every CHECK CONDITION has sense data that
/// can be read and points into the CDB, and the image keeps its size.
public final class CdbFuzzTest {
    private static final long IMAGE_BYTES = 1 << 20;
    private static final int MAX_COMMANDS = 12;
    private static final int CHECK_CONDITION = 2;
    private static final Set<Integer> STATUSES =
            Set.of(0x00, CHECK_CONDITION, 0x04, 0x08, 0x18, 0x28, 0x30, 0x40);

    private static final int SECOND_INITIATOR = 1;
    private static final int LONG_CDB = 2;
    private static final int OTHER_LUN = 4;

    /// SPC-4: what these say leaves no trace in a logical unit, so that the next input finds it as
    /// the first one did. TEST UNIT READY, READ, INQUIRY, MODE SENSE, READ CAPACITY(10), VERIFY,
    /// LOG SENSE, REPORT LUNS, SYNCHRONIZE CACHE, READ(16).
    private static final Set<Integer> TRACELESS =
            Set.of(0x00, 0x08, 0x12, 0x1a, 0x25, 0x28, 0x2f, 0x4d, 0x5a, 0xa0, 0x35, 0x88, 0xa8);

    private static @Nullable Unit fresh;

    /// A unit of its own with two initiators.
    private record Unit(Path directory, ServedUnit served, Nexus first, Nexus second) {
        static Unit open() throws IOException {
            Path directory = Files.createTempDirectory("lunkeeper-fuzz");
            ServedUnit served = ServedUnit.open(directory, IMAGE_BYTES);
            return new Unit(
                    directory,
                    served,
                    served.attach("iqn.2026-11.a:1,i,0x000000000001"),
                    served.attach("iqn.2026-11.a:2,i,0x000000000002"));
        }

        void close() throws IOException {
            assertEquals(IMAGE_BYTES, Files.size(directory.resolve("image")));
            served.close();
            try (var files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(directory);
        }
    }

    /// What the fuzzer calls.
    public static void fuzzerTestOneInput(byte[] input) {
        try {
            Unit unit = fresh == null ? Unit.open() : fresh;
            fresh = null;
            if (run(unit, new Choices(input))) {
                fresh = unit;
            } else {
                unit.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// @return whether the unit is as it was
    private static boolean run(Unit unit, Choices choices) {
        boolean traceless = true;
        for (int count = 0; choices.more() && count < MAX_COMMANDS; count++) {
            int flags = choices.octet();
            Nexus nexus = (flags & SECOND_INITIATOR) != 0 ? unit.second : unit.first;
            long lun = (flags & OTHER_LUN) != 0 ? otherLun(choices) : ServedUnit.LUN_FIELD;
            int cdbBytes = (flags & LONG_CDB) != 0 ? 32 : 16;
            byte[] cdb = Arrays.copyOf(choices.bytes(cdbBytes), cdbBytes);
            traceless &= TRACELESS.contains(cdb[0] & 0xff);
            DeviceServer server = unit.served.server();
            ByteBuf wire = Unpooled.wrappedBuffer(cdb.clone());
            Outcome first = server.execute(nexus, lun, wire);
            assertEquals(1, wire.refCnt());
            check(cdb, ServedUnit.drive(server, lun, first, dataOut(first, choices)));
        }
        Nexus last = unit.served.server().attach("iqn.2026-11.a:3,i,0x000000000003", 1);
        check(new byte[6], unit.served.run(last, "00 00 00 00 00 00"));
        unit.served.server().detach(last);
        return traceless;
    }

    /// LUN 0, which is not there; the REPORT LUNS well known logical unit; any.
    private static long otherLun(Choices choices) {
        return switch (choices.of(3)) {
            case 0 -> 0;
            case 1 -> 0xc101_0000_0000_0000L;
            default -> (long) choices.number() << 32;
        };
    }

    /// What the initiator has ready: as much as a write asks for, and of parameters whatever the
    /// input has.
    private static byte[] dataOut(Outcome first, Choices choices) {
        return switch (first) {
            case Outcome.WriteMedium(Outcome.DataSink _, long length) -> {
                assertTrue(length <= IMAGE_BYTES, "more than the medium has");
                byte[] data = new byte[(int) length];
                Arrays.fill(data, (byte) choices.octet());
                yield data;
            }
            case Outcome.ReceiveParameters(int length, Outcome.ParameterStep _) ->
                    choices.bytes(Math.min(length, choices.word()));
            default -> new byte[0];
        };
    }

    private static void check(byte[] cdb, Reply reply) {
        assertTrue(STATUSES.contains(reply.status()), "status " + reply.status());
        byte[] sense = reply.sense();
        assertEquals(reply.status() == CHECK_CONDITION, sense.length > 0);
        assertTrue(reply.data().length <= IMAGE_BYTES);
        if (sense.length == 0) {
            return;
        }
        assertTrue(sense.length >= 8 && sense.length <= 252);
        assertEquals(sense.length - 8, sense[7] & 0xff, "ADDITIONAL SENSE LENGTH");
        switch (sense[0] & 0x7f) {
            case 0x70, 0x71 -> {
                assertTrue(sense.length >= 18);
                checkPointer(cdb, sense[2] & 0x0f, sense, 15);
            }
            case 0x72, 0x73 -> checkDescriptors(cdb, sense);
            default -> throw new AssertionError("response code " + sense[0]);
        }
    }

    /// SPC-4 4.5.2 Descriptor format sense data.
    private static void checkDescriptors(byte[] cdb, byte[] sense) {
        int at = 8;
        while (at < sense.length) {
            assertTrue(at + 2 <= sense.length);
            if (sense[at] == 2) {
                checkPointer(cdb, sense[1] & 0x0f, sense, at + 4);
            }
            at += 2 + (sense[at + 1] & 0xff);
        }
        assertEquals(sense.length, at, "descriptors");
    }

    /// SPC-4 4.5.2.4.2 Field pointer sense key specific data.
    private static void checkPointer(byte[] cdb, int key, byte[] sense, int at) {
        boolean valid = (sense[at] & 0x80) != 0;
        boolean inCdb = (sense[at] & 0x40) != 0;
        if (key == 5 && valid && inCdb) {
            int pointer = (sense[at + 1] & 0xff) << 8 | (sense[at + 2] & 0xff);
            assertTrue(pointer < cdb.length, "field pointer " + pointer);
        }
    }

    @Test
    void everyCommandEndsWithAStatus() {
        Corpus.replay("cdb", CdbFuzzTest::fuzzerTestOneInput);
    }
}
