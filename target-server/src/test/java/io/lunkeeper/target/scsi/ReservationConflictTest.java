package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// How every command fares with every type of persistent reservation, whoever sends it, against a
/// table that was written down from the standards.
class ReservationConflictTest {
    private static final int CONFLICT = 0x18;
    private static final int EXCLUSIVE_ACCESS = 3;
    private static final Pattern COLUMNS = Pattern.compile(" +");

    @TempDir Path directory;
    @AutoClose private ServedUnit unit;
    private Nexus holder;
    private Nexus registered;
    private Nexus stranger;

    @BeforeEach
    void serve() throws IOException {
        unit = ServedUnit.open(directory, 1 << 20);
        holder = unit.attach("a,i,0x000000000001");
        registered = unit.attach("b,i,0x000000000001");
        stranger = unit.attach("c,i,0x000000000001");
    }

    private void reserve(int type) {
        byte[] register = ByteBuffer.allocate(24).putLong(8, 1).array();
        byte[] reserve = ByteBuffer.allocate(24).putLong(1).array();
        String registering = "5f 00 00 00 00 00 00 00 18 00";
        assertTrue(unit.run(holder, registering, register).good());
        assertTrue(unit.run(registered, registering, register).good());
        assertTrue(
                unit.run(holder, "5f 01 %02x 00 00 00 00 00 18 00".formatted(type), reserve)
                        .good());
    }

    private boolean conflicts(Nexus from, String cdb) {
        Outcome first = unit.server().execute(from, ServedUnit.LUN_FIELD, ServedUnit.cdb(cdb));
        return first instanceof Outcome.Status(int status, _) && status == CONFLICT;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 5, 6, 7, 8})
    void conflictsAreAsInTheStandard(int type) throws IOException {
        reserve(type);
        boolean exclusive = type == 3 || type == 6 || type == 8;
        boolean forRegistrants = type >= 5;
        int any = exclusive ? 2 : 1;
        int unregistered = exclusive ? 5 : 4;
        for (String[] columns : lines()) {
            OperationCode row = OperationCode.valueOf(columns[0]);
            int serviceAction = Math.max(0, row.serviceAction());
            String cdb = "%02x %02x".formatted(row.operationCode(), serviceAction);
            String what = row + " with type " + type;
            assertFalse(conflicts(holder, cdb), what);
            String ofRegistered = columns[forRegistrants ? 3 : any];
            assertEquals(ofRegistered.equals("conflict"), conflicts(registered, cdb), what);
            String ofStranger = columns[forRegistrants ? unregistered : any];
            assertEquals(ofStranger.equals("conflict"), conflicts(stranger, cdb), what);
        }
    }

    /// SBC-3 4.18: the only command that is judged by a bit.
    @Test
    void aStoppedUnitMayBeStartedByAnybody() {
        reserve(EXCLUSIVE_ACCESS);
        assertFalse(conflicts(stranger, "1b 00 00 00 01 00"));
        assertTrue(conflicts(stranger, "1b 00 00 00 00 00"));
    }

    @Test
    void theTableHasEveryCommand() throws IOException {
        Set<String> told = new TreeSet<>();
        for (String[] columns : lines()) {
            told.add(columns[0]);
        }
        for (OperationCode row : OperationCode.values()) {
            boolean ownRules = row.name().matches("RE(SERVE|LEASE)_.*|PERSISTENT_RESERVE_OUT_.*");
            assertEquals(!ownRules, told.contains(row.name()), row.name());
        }
    }

    /// The rows of the table, a command and five columns each.
    private List<String[]> lines() throws IOException {
        try (var table = getClass().getResourceAsStream("reservation-conflicts.txt")) {
            assertNotNull(table, "src/test/resources");
            return new String(table.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> COLUMNS.split(line, -1))
                    .toList();
        }
    }
}
