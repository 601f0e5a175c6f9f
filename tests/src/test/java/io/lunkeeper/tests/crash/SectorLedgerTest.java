package io.lunkeeper.tests.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The judge of [KillTest] must see what it is there to see.
class SectorLedgerTest {
    private final SectorLedger ledger = new SectorLedger(64, 77);

    /// Sectors 8 to 11 hold version 5; version 6 is in flight to sectors 8 and 9.
    @BeforeEach
    void writeTwice() {
        ledger.begin(8, 4, 5);
        ledger.acknowledge(8, 4);
        ledger.begin(8, 2, 6);
    }

    @Test
    void acceptsWhatWasAcknowledgedOrInFlight() {
        assertEquals("", ledger.reconcile(8, ledger.content(8, 1, 5)));
        assertEquals("", ledger.reconcile(9, ledger.content(9, 1, 6)));
        assertEquals("", ledger.reconcile(10, ledger.content(10, 2, 5)));
        assertEquals("", ledger.reconcile(0, new byte[SectorLedger.SECTOR_BYTES * 8]));
    }

    @Test
    void seesLostWrite() {
        assertNotEquals("", ledger.reconcile(10, new byte[SectorLedger.SECTOR_BYTES]));
        assertNotEquals("", ledger.reconcile(8, ledger.content(8, 1, 4)));
    }

    @Test
    void seesWriteThatWasTakenBackAfterItWasThere() {
        assertEquals("", ledger.reconcile(8, ledger.content(8, 1, 6)));
        assertNotEquals("", ledger.reconcile(8, ledger.content(8, 1, 5)));
    }

    @Test
    void seesMisplacedAndUninvitedWrites() {
        assertNotEquals("", ledger.reconcile(10, ledger.content(11, 1, 5)));
        assertNotEquals("", ledger.reconcile(20, ledger.content(20, 1, 6)));
    }

    @Test
    void seesTornSector() {
        byte[] torn = ledger.content(8, 1, 5);
        System.arraycopy(ledger.content(8, 1, 6), 256, torn, 256, 256);
        assertNotEquals("", ledger.reconcile(8, torn));
    }
}
