package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

/// How many lines there are. A minute is over when the test says so.
class PeerLogTest {
    private final Queue<Runnable> minutes = new ArrayDeque<>();
    private final List<String> told = new ArrayList<>();
    private final PeerLog log = new PeerLog("knocks", minutes::add, told::add);

    /// Lines that are logged of so many.
    private int logged(String address, boolean stranger, int lines) throws UnknownHostException {
        Origin origin = Origin.of(InetAddress.getByName(address));
        int logged = 0;
        for (int i = 0; i < lines; i++) {
            logged += log.hasRoom(origin, stranger) ? 1 : 0;
        }
        return logged;
    }

    private List<String> afterMinute() {
        minutes.remove().run();
        List<String> lines = List.copyOf(told);
        told.clear();
        return lines;
    }

    @Test
    void whatIsLeftOutIsToldWhenTheMinuteIsOver() throws Exception {
        assertEquals(PeerLog.STRANGER_LINES, logged("192.0.2.1", true, 5000));
        assertEquals(3, logged("192.0.2.2", true, 3));
        assertEquals(PeerLog.STRANGER_LINES, logged("2001:db8::1", true, 9000));
        assertEquals(0, logged("2001:db8::2", true, 1), "of one network");
        assertEquals(
                List.of(
                        "2001:db8:0:0:0:0:0:0/64: 8981 more lines about knocks in a minute, left"
                                + " out",
                        "192.0.2.1: 4980 more lines about knocks in a minute, left out"),
                afterMinute());
    }

    @Test
    void everyMinuteHasItsLines() throws Exception {
        for (int minute = 0; minute < 3; minute++) {
            assertEquals(PeerLog.STRANGER_LINES, logged("192.0.2.1", true, 100));
            assertEquals(1, afterMinute().size());
        }
        assertEquals(1, logged("192.0.2.1", true, 1));
        assertEquals(List.of(), afterMinute());
        assertEquals(0, minutes.size(), "nothing is waited for while nothing is logged");
    }

    @Test
    void strangersLeaveRoomForSessions() throws Exception {
        logged("192.0.2.1", true, 5000);
        assertEquals(
                PeerLog.LINES - PeerLog.STRANGER_LINES, logged("192.0.2.1", false, PeerLog.LINES));
        assertEquals(0, logged("192.0.2.1", false, 100));
    }

    @Test
    void anyNumberOfSourcesHasABoundedNumberOfLines() throws Exception {
        int sources = 10_000;
        int logged = 0;
        for (int i = 0; i < sources; i++) {
            logged += logged("10.0." + (i >> 8) + "." + (i & 0xff), true, 40);
        }
        assertEquals((PeerLog.MAX_SOURCES + 1) * PeerLog.STRANGER_LINES, logged);
        List<String> lines = afterMinute();
        assertEquals(PeerLog.SOURCES_TOLD + 1, lines.size(), lines::toString);
        assertEquals(
                40L * sources - logged,
                lines.stream()
                        .mapToLong(each -> Long.parseLong(each.replaceAll(".*: (\\d+) .*", "$1")))
                        .sum());
    }
}
