package io.lunkeeper.target.net;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.lunkeeper.target.net.Admission.Refusal;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AdmissionTest {
    private final Admission admission = new Admission(new Admission.Limits(6, 4, 3, 2));

    private Admission.Pass in(String address) throws UnknownHostException {
        return requireNonNull(admission.admit(InetAddress.getByName(address)));
    }

    private Admission.Pass loggedIn(String address) throws UnknownHostException {
        Admission.Pass pass = in(address);
        pass.loggedIn();
        return pass;
    }

    private void assertRefused(String address, Refusal why) throws UnknownHostException {
        long before = refused(why);
        assertNull(admission.admit(InetAddress.getByName(address)));
        assertEquals(before + 1, refused(why));
    }

    private long refused(Refusal why) {
        return admission.counts().refused().getOrDefault(why, 0L);
    }

    private void assertOpen(int connections, int logins) {
        assertEquals(connections, admission.counts().connections());
        assertEquals(logins, admission.counts().logins());
    }

    @Test
    void sourceHasSoManyLoginsAtATime() throws Exception {
        Admission.Pass one = in("192.0.2.1");
        in("192.0.2.1");
        assertRefused("192.0.2.1", Refusal.LOGINS_PER_SOURCE);
        in("192.0.2.2");
        assertRefused("192.0.2.3", Refusal.LOGINS);
        one.loggedIn();
        assertNotNull(in("192.0.2.1"));
        assertOpen(4, 3);
    }

    @Test
    void sourceHasSoManyConnections() throws Exception {
        for (int i = 0; i < 4; i++) {
            loggedIn("192.0.2.1");
        }
        assertRefused("192.0.2.1", Refusal.CONNECTIONS_PER_SOURCE);
        loggedIn("192.0.2.2");
        Admission.Pass last = loggedIn("192.0.2.2");
        assertRefused("192.0.2.2", Refusal.CONNECTIONS);
        assertRefused("192.0.2.3", Refusal.CONNECTIONS);
        assertOpen(6, 0);
        last.end();
        assertNotNull(in("192.0.2.3"));
    }

    @Test
    void whoHasGoneCountsNoMoreAndOnlyOnce() throws Exception {
        Admission.Pass one = in("192.0.2.1");
        Admission.Pass other = loggedIn("192.0.2.1");
        other.loggedIn();
        assertOpen(2, 1);
        one.end();
        one.end();
        one.loggedIn();
        other.end();
        other.end();
        assertOpen(0, 0);
        in("192.0.2.1");
        in("192.0.2.1");
        assertRefused("192.0.2.1", Refusal.LOGINS_PER_SOURCE);
    }

    @ParameterizedTest
    @CsvSource({
        "2001:db8::1, 2001:db8::ffff:0:0:1, false",
        "2001:db8::1, 2001:db8:0:1::1, true",
        "192.0.2.1, 192.0.2.2, true"
    })
    void sourceIsAnAddressOrWhatAllOfASiteShare(String one, String other, boolean others)
            throws Exception {
        in(one);
        in(one);
        if (others) {
            in(other);
        } else {
            assertRefused(other, Refusal.LOGINS_PER_SOURCE);
        }
    }

    @Test
    void faultyPdusAreCountedWhateverIsLogged() throws Exception {
        Admission.Pass one = in("192.0.2.1");
        for (int i = 0; i < 1000; i++) {
            one.malformedPdu();
            one.rejectedPdu();
            one.logs();
        }
        in("192.0.2.2").rejectedPdu();
        assertEquals(1000, admission.counts().malformedPdus());
        assertEquals(1001, admission.counts().rejectedPdus());
    }

    @Test
    void whoHasLoggedInIsLoggedWhateverStrangersDoFromThere() throws Exception {
        Admission.Pass session = loggedIn("192.0.2.1");
        Admission.Pass stranger = in("192.0.2.1");
        for (int i = 0; i < 1000; i++) {
            stranger.logs();
        }
        assertFalse(stranger.logs());
        assertTrue(session.logs());
    }

    @Test
    void otherLimitsCountForWhoComesThen() throws Exception {
        in("192.0.2.1");
        in("192.0.2.1");
        admission.limits(new Admission.Limits(1, 1, 1, 1));
        assertRefused("192.0.2.2", Refusal.CONNECTIONS);
        assertOpen(2, 2);
        admission.limits(new Admission.Limits(10, 10, 10, 10));
        in("192.0.2.1");
        assertOpen(3, 3);
    }

    /// A connection whose session is kept goes on counting when it is closed, until nothing is
    /// kept.
    @Test
    void whatIsKeptOfAConnectionCountsAsOne() throws Exception {
        Admission.Pass one = loggedIn("192.0.2.1");
        one.keep(() -> {});
        one.end();
        one.end();
        assertOpen(1, 0);
        one.leave();
        assertOpen(0, 0);
        one.leave();
        Admission.Pass other = loggedIn("192.0.2.1");
        other.keep(() -> {});
        other.leave();
        assertOpen(1, 0);
        other.end();
        assertOpen(0, 0);
    }

    /// First the oldest, of the source where its limit is the one that is reached.
    @Test
    void whatIsKeptGivesWayToWhoComes() throws Exception {
        List<String> ends = new ArrayList<>();
        for (String address : List.of("192.0.2.2", "192.0.2.1", "192.0.2.1")) {
            Admission.Pass pass = loggedIn(address);
            pass.keep(() -> ends.add(address));
            pass.end();
        }
        loggedIn("192.0.2.1");
        Admission.Pass last = loggedIn("192.0.2.1");
        assertOpen(5, 0);
        loggedIn("192.0.2.1");
        assertEquals(List.of("192.0.2.1"), ends);
        loggedIn("192.0.2.3");
        loggedIn("192.0.2.3");
        assertEquals(List.of("192.0.2.1", "192.0.2.2"), ends);
        assertOpen(6, 0);
        last.keep(() -> ends.add("not closed"));
        loggedIn("192.0.2.3");
        assertRefused("192.0.2.3", Refusal.CONNECTIONS);
        assertEquals(List.of("192.0.2.1", "192.0.2.2", "192.0.2.1"), ends);
    }

    /// It would be refused all the same.
    @Test
    void whatIsKeptDoesNotGiveWayForNothing() throws Exception {
        for (int i = 0; i < 2; i++) {
            Admission.Pass pass = loggedIn("192.0.2.1");
            pass.keep(() -> fail("gives way"));
            pass.end();
        }
        in("192.0.2.1");
        in("192.0.2.1");
        assertRefused("192.0.2.1", Refusal.CONNECTIONS_PER_SOURCE);
        assertOpen(4, 2);
    }
}
