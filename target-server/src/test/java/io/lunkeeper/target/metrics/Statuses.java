package io.lunkeeper.target.metrics;

import io.lunkeeper.target.metrics.LunStatus.State;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// A server to tell of, made up.
final class Statuses {
    static final String VM1 = "iqn.2026-11.io.x:vm1";
    static final String VM2 = "iqn.2026-11.io.x:vm2";

    static final ServerStatus.Connections CONNECTIONS =
            new ServerStatus.Connections(
                    5,
                    3,
                    Map.of("connections", 40L, "logins-per-source", 2L),
                    0,
                    Map.of("malformed", 6L, "rejected", 4L),
                    8 << 20);

    private Statuses() {}

    static LunStatus.Figures figures(Duration age) {
        return new LunStatus.Figures(
                4L << 30,
                3L << 29,
                100L << 30,
                age,
                4096,
                1,
                2048,
                3 << 20,
                1,
                12,
                10,
                7,
                8192,
                1,
                512);
    }

    static LunStatus lun(int lun, State state, Optional<LunStatus.Figures> figures) {
        return new LunStatus(VM1, lun, "/images/" + lun + ".img", state, figures);
    }

    /// One LUN in each state, and sessions of both kinds.
    static ServerStatus everything() {
        Optional<LunStatus.Figures> figures = Optional.of(figures(Duration.ofMillis(1200)));
        Optional<LunStatus.Figures> old = Optional.of(figures(Duration.ofSeconds(75)));
        return new ServerStatus(
                "1.2.3",
                ServerStatus.Phase.SERVING,
                Duration.ofMinutes(26 * 60 + 3),
                List.of("127.0.0.1:3260", "[::1]:3260"),
                List.of(
                        new ServerStatus.Session("iqn.2026-11.io.y:a", VM1, "192.0.2.5:51234"),
                        new ServerStatus.Session("iqn.2026-11.io.y:b", "", "192.0.2.6:999")),
                17,
                CONNECTIONS,
                List.of(
                        new ServerStatus.NameServer("192.0.2.9:3205", 2, "", 6, 1),
                        new ServerStatus.NameServer(
                                "names.example:3205", 0, "Connection refused", 0, 9)),
                List.of(
                        new ServerStatus.Target(VM1, ServerStatus.AccessState.ACTIVE_NON_OPTIMIZED),
                        new ServerStatus.Target(VM2, ServerStatus.AccessState.STANDBY)),
                List.of(
                        lun(0, new State.Served(), figures),
                        lun(1, new State.Preparing(OptionalDouble.empty()), Optional.empty()),
                        lun(2, new State.Preparing(OptionalDouble.of(0.379)), Optional.empty()),
                        lun(3, new State.Growing(OptionalDouble.of(0.5)), figures),
                        lun(4, new State.Failed("the disk\nis gone"), old),
                        lun(5, new State.ReservationsLost(), Optional.empty()),
                        new LunStatus(
                                VM2,
                                0,
                                "/images/other.img",
                                new State.Growing(OptionalDouble.empty()),
                                Optional.empty())));
    }
}
