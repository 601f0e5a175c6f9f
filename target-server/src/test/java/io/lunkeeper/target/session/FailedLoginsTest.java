package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a wrong answer costs; time here is a number.
class FailedLoginsTest {
    private static final OptionalLong UNHEARD = OptionalLong.empty();

    /// System.nanoTime() may be anything, and wrap around.
    private static final long START = Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(3);

    private final FailedLogins logins = new FailedLogins();
    private final FailedLogins.Source here = from("192.0.2.1");

    private FailedLogins.Source from(String address) {
        try {
            return logins.from(InetAddress.getByName(address));
        } catch (UnknownHostException impossible) {
            throw new AssertionError(impossible);
        }
    }

    private static long at(long seconds) {
        return START + TimeUnit.SECONDS.toNanos(seconds);
    }

    private static OptionalLong told(long seconds) {
        return OptionalLong.of(at(seconds));
    }

    @Test
    void nobodyWaitsWhereNothingHasFailed() {
        assertEquals(told(0), here.answered(true, at(0)));
        assertEquals(told(0), here.answered(true, at(0)));
        assertEquals(told(0), here.answered(false, at(0)));
    }

    @Test
    void eachWrongAnswerCostsMoreUpToABound() {
        List<Long> waits = new ArrayList<>();
        long now = 0;
        for (int count = 0; count < 60; count++) {
            long next = here.answered(false, at(now)).orElseThrow() - START;
            long seconds = TimeUnit.NANOSECONDS.toSeconds(next);
            waits.add(seconds - now);
            now = seconds;
        }
        assertEquals(List.of(0L, 1L, 2L, 4L, 4L, 4L), waits.subList(0, 6));
        assertEquals(4, waits.getLast());
    }

    @Test
    void aRightAnswerWaitsForItsTurnTooAndThenAllIsForgotten() {
        here.answered(false, at(0));
        here.answered(false, at(1));
        assertEquals(told(3), here.answered(true, at(1)));
        assertEquals(told(1), here.answered(false, at(1)));
    }

    @Test
    void theTurnsOfASourceComeOneAfterTheOther() {
        List<OptionalLong> burst = new ArrayList<>();
        for (int count = 0; count < 1000; count++) {
            burst.add(here.answered(false, at(0)));
        }
        assertEquals(List.of(told(0), told(1), told(3), told(7)), burst.subList(0, 4));
        assertEquals(996, burst.stream().filter(UNHEARD::equals).count());
        assertEquals(UNHEARD, here.answered(true, at(0)), "nor is a right one heard then");
        assertEquals(told(11), here.answered(true, at(3)));
    }

    @Test
    void timeForgives() {
        here.answered(false, at(0));
        here.failed("", "wrong", at(0));
        assertEquals(told(300), here.answered(false, at(300)), "its turn has come");
        here.failed("", "wrong", at(300));
        assertEquals(told(302), here.answered(true, at(300)), "and yet it was the second");
        here.answered(false, at(400));
        here.answered(false, at(1001));
        assertEquals(told(1002), here.answered(false, at(1001)), "the second after 601 s");
    }

    @ParameterizedTest
    @CsvSource({
        "192.0.2.1, 192.0.2.1, true",
        "192.0.2.1, 192.0.2.2, false",
        "192.0.2.1, ::ffff:192.0.2.1, true",
        "2001:db8::1, 2001:db8::ffff:1, true",
        "2001:db8::1, 2001:db8:0:1::1, false",
        "0.0.0.5, ::5, false",
    })
    void sourcesAreAddressesOrNetworksOfIpv6(String one, String other, boolean same) {
        from(one).answered(false, at(0));
        assertEquals(told(same ? 1 : 0), from(other).answered(false, at(0)));
    }

    @Test
    void remembersABoundedNumberOfSources() {
        here.answered(false, at(0));
        for (int count = 0; count < FailedLogins.MAX_SOURCES - 1; count++) {
            from("10.0." + (count >> 8) + "." + (count & 0xff)).answered(false, at(0));
        }
        assertEquals(told(1), here.answered(false, at(0)), "remembered, and the latest now");
        from("10.1.0.0").answered(false, at(0));
        assertNotEquals(told(0), here.answered(false, at(0)));
        assertEquals(told(0), from("10.0.0.0").answered(true, at(0)), "forgotten");
        assertEquals(told(1), from("10.0.0.2").answered(true, at(0)));
    }

    @Test
    void countsThemAll() {
        here.failed("iqn.2026-11.a:b", "unknown user", at(0));
        from("192.0.2.2").failed("", "status 0x0207", at(0));
        for (int count = 0; count < 1000; count++) {
            here.failed("iqn.2026-11.a:b", "wrong secret", at(count));
        }
        assertEquals(1002, logins.total());
    }
}
