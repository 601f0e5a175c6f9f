package io.lunkeeper.tests.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What REPORT SUPPORTED OPERATION CODES says (SPC-4 6.35) against what the target does: whatever
/// is not listed is refused as unknown, and whatever is listed refuses the bits that it does not
/// list.
@ExtendWith(ShowServerLog.class)
class SupportedOperationCodesTest {
    private static final int INVALID_OPERATION_CODE = 0x052000;
    private static final int INVALID_FIELD_IN_CDB = 0x052400;
    private static final int VARIABLE_LENGTH = 0x7f;
    private static final int ALL_BUT_NACA = 0xfb;
    private static final int NOT_SUPPORTED = 1;
    private static final int SUPPORTED = 3;

    /// REPORTING OPTIONS: one command by its operation code, or by its service action too.
    private static final int BY_OPERATION_CODE = 1;

    private static final int BY_SERVICE_ACTION = 2;

    private static final int BLOCKS = 64;
    private static final int BYTES = BLOCKS * 512;

    private static ServerProcess server;
    private static RawInitiator initiator;
    private static List<Command> listed;

    /// A line of the list.
    private static final class Command {
        private final int opcode;
        private final int serviceAction;
        private final byte[] usage;

        /// @param serviceAction -1 without any
        Command(int opcode, int serviceAction, byte[] usage) {
            this.opcode = opcode;
            this.serviceAction = serviceAction;
            this.usage = usage;
        }

        /// Its CDB with nothing set but what makes it this command.
        byte[] bare() {
            byte[] cdb = new byte[usage.length];
            cdb[0] = (byte) opcode;
            if (opcode == VARIABLE_LENGTH) {
                cdb[7] = usage[7];
                cdb[8] = (byte) (serviceAction >> 8);
                cdb[9] = (byte) serviceAction;
            } else if (serviceAction >= 0) {
                cdb[1] = (byte) serviceAction;
            }
            return cdb;
        }

        /// Whether a bit says which command it is, or may be set in it.
        boolean allows(int index, int bit) {
            boolean names =
                    opcode == VARIABLE_LENGTH
                            ? index >= 7 && index <= 9
                            : serviceAction >= 0 && index == 1 && bit < 5;
            return names || (usage[index] >> bit & 1) == 1;
        }

        String name() {
            return "%02x/%d".formatted(opcode, serviceAction);
        }
    }

    @BeforeAll
    static void start() throws IOException {
        server = ServerProcess.start(Lun.sized(0, "16MiB").with("low-space", "0"));
        initiator = RawInitiator.connect(server.address());
        assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
        initiator.clearUnitAttentions(0);
        listed = list();
    }

    @AfterAll
    static void stop() throws IOException {
        initiator.close();
        server.close();
    }

    private static List<Command> list() throws IOException {
        byte[] all = initiator.read(0, Cdb.reportSupportedOperationCodes(65535), 65535).data();
        ByteBuffer descriptors = ByteBuffer.wrap(all);
        assertEquals(descriptors.getInt(), descriptors.remaining());
        List<Command> commands = new ArrayList<>();
        while (descriptors.hasRemaining()) {
            int opcode = descriptors.get() & 0xff;
            descriptors.get();
            int serviceAction = descriptors.getShort() & 0xffff;
            descriptors.get();
            boolean valid = (descriptors.get() & 1) != 0;
            int length = descriptors.getShort() & 0xffff;
            int option = valid ? BY_SERVICE_ACTION : BY_OPERATION_CODE;
            byte[] one = one(option, opcode, serviceAction);
            assertEquals(SUPPORTED, one[1] & 7, () -> "%02x".formatted(opcode));
            assertEquals(length, one.length - 4, () -> "%02x".formatted(opcode));
            byte[] usage = Arrays.copyOfRange(one, 4, one.length);
            assertEquals(opcode, usage[0] & 0xff);
            commands.add(new Command(opcode, valid ? serviceAction : -1, usage));
        }
        assertTrue(commands.size() > 50, () -> "only " + commands.size() + " commands");
        return commands;
    }

    private static byte[] one(int option, int opcode, int serviceAction) throws IOException {
        byte[] cdb = Cdb.reportSupportedOperationCodes(512);
        cdb[2] = (byte) option;
        cdb[3] = (byte) opcode;
        cdb[4] = (byte) (serviceAction >> 8);
        cdb[5] = (byte) serviceAction;
        ScsiResult result = initiator.read(0, cdb, 512);
        assertEquals(ScsiResult.GOOD, result.status(), result::toString);
        return result.data();
    }

    @Test
    void whatIsNotListedIsUnknown() throws IOException {
        Set<Integer> opcodes =
                listed.stream().map(command -> command.opcode).collect(Collectors.toSet());
        for (int opcode = 0; opcode < 256; opcode++) {
            if (opcodes.contains(opcode)) {
                continue;
            }
            String name = "%02x".formatted(opcode);
            byte[] cdb = new byte[16];
            cdb[0] = (byte) opcode;
            assertRefused(INVALID_OPERATION_CODE, initiator.read(0, cdb, 0), name);
            assertRefused(INVALID_OPERATION_CODE, initiator.read(0, cdb, 512), name + " reading");
            Arrays.fill(cdb, 1, cdb.length, (byte) ALL_BUT_NACA);
            ScsiResult written = initiator.write(0, cdb, new byte[512]);
            assertRefused(INVALID_OPERATION_CODE, written, name + " writing");
            assertEquals(NOT_SUPPORTED, one(BY_OPERATION_CODE, opcode, 0)[1] & 7, name);
        }
    }

    /// READ, VERIFY, WRITE, WRITE AND VERIFY, WRITE SAME and ORWRITE of 32 bytes, the CDB in an
    /// additional header segment and one that is cut short (SPC-4 4.2.3 The variable length CDB
    /// formats).
    @ParameterizedTest
    @ValueSource(ints = {0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e})
    void commandsOf32BytesAreUnknown(int serviceAction) throws IOException {
        byte[] before = initiator.read(0, Cdb.read10(0, 1), 512).data();
        byte[] ones = new byte[512];
        Arrays.fill(ones, (byte) 0xff);
        byte[] cdb = new byte[32];
        cdb[0] = VARIABLE_LENGTH;
        cdb[7] = 0x18;
        cdb[9] = (byte) serviceAction;
        cdb[31] = 1;
        for (byte[] each : new byte[][] {cdb, Arrays.copyOf(cdb, 16)}) {
            String name = "%02x of %d bytes".formatted(serviceAction, each.length);
            assertRefused(INVALID_OPERATION_CODE, initiator.read(0, each, 512), name);
            assertRefused(INVALID_OPERATION_CODE, initiator.write(0, each, ones), name);
        }
        int support = one(BY_SERVICE_ACTION, VARIABLE_LENGTH, serviceAction)[1] & 7;
        assertEquals(NOT_SUPPORTED, support);
        assertArrayEquals(before, initiator.read(0, Cdb.read10(0, 1), 512).data());
    }

    /// Whatever ADDITIONAL CDB LENGTH says, and however long the CDB is.
    @Test
    void soIsEveryOtherCdbOfVariableLength() throws IOException {
        for (int additional = 0; additional < 256; additional++) {
            for (int length : new int[] {16, 17, 8 + additional, 260}) {
                byte[] cdb = new byte[Math.max(16, Math.min(260, length))];
                cdb[0] = VARIABLE_LENGTH;
                cdb[7] = (byte) additional;
                String name = "%d bytes, additional %d".formatted(cdb.length, additional);
                assertRefused(INVALID_OPERATION_CODE, initiator.read(0, cdb, 0), name);
            }
        }
    }

    @Test
    void serviceActionsThatAreNotListedAreAWrongField() throws IOException {
        Set<Integer> opcodes =
                listed.stream()
                        .filter(command -> command.serviceAction >= 0)
                        .map(command -> command.opcode)
                        .filter(opcode -> opcode != VARIABLE_LENGTH)
                        .collect(Collectors.toSet());
        assertTrue(opcodes.contains(0x9e) && opcodes.contains(0xa3), opcodes::toString);
        for (int opcode : opcodes) {
            for (int action = 0; action < 32; action++) {
                int serviceAction = action;
                String name = "%02x/%02x".formatted(opcode, action);
                boolean known =
                        listed.stream()
                                .anyMatch(command ->
                                        command.opcode == opcode
                                                && command.serviceAction == serviceAction);
                byte[] cdb = new byte[16];
                cdb[0] = (byte) opcode;
                cdb[1] = (byte) action;
                if (!known) {
                    assertField(1, 4, initiator.read(0, cdb, 0), name);
                    int support = one(BY_SERVICE_ACTION, opcode, action)[1] & 7;
                    assertEquals(NOT_SUPPORTED, support, name);
                }
            }
        }
    }

    /// Each of these CDBs is refused for what it has set, so none of them does anything: the blocks
    /// stay as they were.
    @Test
    void whatIsListedRefusesEveryBitThatItDoesNotList() throws IOException {
        byte[] before = new byte[BYTES];
        Arrays.fill(before, (byte) 0x5a);
        assertEquals(0, initiator.write(0, Cdb.write10(0, BLOCKS), before).status());
        for (Command command : listed) {
            int refused = 0;
            for (int index = 1; index < command.usage.length; index++) {
                for (int bit = 0; bit < 8; bit++) {
                    if (!command.allows(index, bit)) {
                        byte[] cdb = command.bare();
                        cdb[index] |= (byte) (1 << bit);
                        assertField(index, bit, initiator.read(0, cdb, 0), hex(cdb));
                        refused++;
                    }
                }
            }
            assertTrue(refused >= 8, () -> command.name() + ": not even its control byte");
        }
        assertArrayEquals(before, initiator.read(0, Cdb.read10(0, BLOCKS), BYTES).data());
    }

    private static void assertRefused(int sense, ScsiResult result, String name) {
        assertEquals(ScsiResult.CHECK_CONDITION, result.status(), name);
        assertEquals(sense, result.senseCode(), () -> name + ": " + result);
    }

    /// SPC-4 4.5.2.4.2 Field pointer sense key specific data: the bit is the most significant one
    /// of the field, so not below the bit that is wrong.
    private static void assertField(int index, int bit, ScsiResult result, String name) {
        assertRefused(INVALID_FIELD_IN_CDB, result, name);
        byte[] sense = result.sense();
        assertEquals(0xc8, sense[15] & 0xf8, () -> name + ": " + result);
        assertTrue((sense[15] & 7) >= bit, () -> name + ": " + result);
        assertEquals(index, ByteBuffer.wrap(sense).getShort(16), () -> name + ": " + result);
    }

    private static String hex(byte[] cdb) {
        return HexFormat.ofDelimiter(" ").formatHex(cdb);
    }
}
