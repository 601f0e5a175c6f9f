package io.lunkeeper.target.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class StatusPageTest {
    private static final String FIGURES =
            """
              size       4.0 GiB
              allocated  1.5 GiB
              free       100.0 GiB in its file system
              unwritten  4.0 KiB
              read       8.0 KiB by 7 commands
              written    512 bytes by 1 command
              by others  1 bytes moved, 2.0 KiB shared, 3.0 MiB written; opened 1 time
              flushes    12 requests, 10 synchronizations
            """;

    private static final String PAGE =
            """
            lunkeeper 1.2.3
              state      serving
              up for     1 d 2 h 3 min
              portals    127.0.0.1:3260, [::1]:3260
              connected  5, 3 of them not logged in; 42 refused
              iSNS       2 targets registered at 192.0.2.9:3205
              iSNS       0 targets registered at names.example:3205; Connection refused

            2 targets
              iqn.2026-11.io.x:vm1: active-non-optimized
              iqn.2026-11.io.x:vm2: standby

            iqn.2026-11.io.x:vm1, LUN 0
              image      /images/0.img
              state      served
            @
            iqn.2026-11.io.x:vm1, LUN 1
              image      /images/1.img
              state      preparing

            iqn.2026-11.io.x:vm1, LUN 2
              image      /images/2.img
              state      preparing, 37 % filled

            iqn.2026-11.io.x:vm1, LUN 3
              image      /images/3.img
              state      served, growing, 50 % filled
            @
            iqn.2026-11.io.x:vm1, LUN 4
              image      /images/4.img
              state      failed: the disk?is gone
              size       4.0 GiB
              allocated  1.5 GiB, 1 min ago: it was not looked at since
              free       100.0 GiB in its file system, 1 min ago: it was not looked at since
              unwritten  4.0 KiB
              read       8.0 KiB by 7 commands
              written    512 bytes by 1 command
              by others  1 bytes moved, 2.0 KiB shared, 3.0 MiB written; opened 1 time
              flushes    12 requests, 10 synchronizations

            iqn.2026-11.io.x:vm1, LUN 5
              image      /images/5.img
              state      locked: who has reserved it is lost (see the log); until an initiator sends \
            REPLACE LOST RESERVATION nobody reads or writes

            iqn.2026-11.io.x:vm2, LUN 0
              image      /images/other.img
              state      served, growing

            2 sessions, 17 failed logins
              iqn.2026-11.io.y:a from 192.0.2.5:51234 on iqn.2026-11.io.x:vm1
              iqn.2026-11.io.y:b from 192.0.2.6:999 for discovery
            """
                    .replace("@\n", FIGURES + "\n");

    @Test
    void tellsEverythingOfServerLunsAndSessions() {
        assertEquals(PAGE, StatusPage.text(Statuses.everything()));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 s",
        "59, 59 s",
        "60, 1 min",
        "3599, 59 min",
        "3600, 1 h 0 min",
        "86400, 1 d 0 h 0 min"
    })
    void tellsTimeInTheUnitsThatMatter(long seconds, String said) {
        ServerStatus status =
                new ServerStatus(
                        "1",
                        ServerStatus.Phase.STARTING,
                        Duration.ofSeconds(seconds),
                        List.of(),
                        List.of(),
                        0,
                        new ServerStatus.Connections(1, 0, Map.of(), 2, Map.of(), 0),
                        List.of(),
                        List.of(),
                        List.of());
        String page = StatusPage.text(status);
        assertTrue(page.contains("  state      starting\n  up for     " + said + "\n"), page);
        String connected =
                "  connected  1, 0 of them not logged in; 0 refused; out of descriptors 2";
        assertTrue(page.contains(connected + " times\n"), page);
        assertTrue(page.endsWith("\n0 sessions, 0 failed logins\n"), page);
    }
}
