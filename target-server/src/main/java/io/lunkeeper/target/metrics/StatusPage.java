package io.lunkeeper.target.metrics;

import io.lunkeeper.target.metrics.LunStatus.Figures;
import io.lunkeeper.target.metrics.LunStatus.State;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/// The status as a page of plain text.
final class StatusPage {
    /// Figures that are younger are as good as new: they are taken every second.
    private static final Duration FRESH = Duration.ofSeconds(5);

    private static final List<String> UNITS = List.of("bytes", "KiB", "MiB", "GiB", "TiB", "PiB");

    private final StringBuilder text = new StringBuilder();

    private StatusPage() {}

    static String text(ServerStatus status) {
        StatusPage page = new StatusPage();
        page.server(status);
        page.targets(status.targets());
        status.luns().forEach(page::lun);
        page.sessions(status.sessions(), status.failedLogins());
        return page.text.toString();
    }

    private void server(ServerStatus status) {
        headline("lunkeeper " + status.version());
        line("state", status.phase().name().toLowerCase(Locale.ROOT));
        line("up for", duration(status.uptime()));
        line("portals", String.join(", ", status.portals()));
        connections(status.connections());
        status.nameServers().forEach(this::nameServer);
    }

    private void nameServer(ServerStatus.NameServer of) {
        String known = counted(of.targets(), "target") + " registered at " + of.address();
        line("iSNS", of.trouble().isEmpty() ? known : known + "; " + of.trouble());
    }

    private void connections(ServerStatus.Connections of) {
        String paused =
                of.acceptPauses() == 0
                        ? ""
                        : "; out of descriptors " + counted(of.acceptPauses(), "time");
        line(
                "connected",
                of.open()
                        + ", "
                        + of.loggingIn()
                        + " of them not logged in; "
                        + of.refusedInAll()
                        + " refused"
                        + paused);
    }

    private void targets(List<ServerStatus.Target> targets) {
        text.append('\n');
        headline(counted(targets.size(), "target"));
        for (ServerStatus.Target each : targets) {
            headline("  " + each.name() + ": " + each.accessState().word());
        }
    }

    private void lun(LunStatus lun) {
        text.append('\n');
        headline(lun.target() + ", LUN " + lun.lun());
        line("image", lun.image());
        line("state", state(lun.state()));
        lun.figures().ifPresent(this::figures);
    }

    private static String state(State state) {
        return switch (state) {
            case State.Preparing(OptionalDouble filled) -> "preparing" + filled(filled);
            case State.Served() -> "served";
            case State.Growing(OptionalDouble filled) -> "served, growing" + filled(filled);
            case State.ReservationsLost() ->
                    "locked: who has reserved it is lost (see the log); until an initiator sends"
                            + " REPLACE LOST RESERVATION nobody reads or writes";
            case State.Leaving() -> "taken out, not closed yet";
            case State.Failed(String reason) -> "failed: " + reason;
        };
    }

    /// Rounded down: all is filled when all is.
    private static String filled(OptionalDouble ratio) {
        return ratio.isEmpty() ? "" : ", " + (int) (100 * ratio.getAsDouble()) + " % filled";
    }

    private void figures(Figures of) {
        String age =
                of.spaceAge().compareTo(FRESH) < 0
                        ? ""
                        : ", " + duration(of.spaceAge()) + " ago: it was not looked at since";
        line("size", bytes(of.sizeBytes()));
        line("allocated", bytes(of.allocatedBytes()) + age);
        line("free", bytes(of.availableBytes()) + " in its file system" + age);
        line("unwritten", bytes(of.unwrittenBytes()));
        line("read", bytes(of.readBytes()) + " by " + counted(of.readCommands(), "command"));
        line("written", bytes(of.writtenBytes()) + " by " + counted(of.writeCommands(), "command"));
        line(
                "by others",
                bytes(of.movedBytes())
                        + " moved, "
                        + bytes(of.sharedBytes())
                        + " shared, "
                        + bytes(of.foreignBytes())
                        + " written; opened "
                        + counted(of.opensByOthers(), "time"));
        line(
                "flushes",
                counted(of.flushRequests(), "request")
                        + ", "
                        + counted(of.syncs(), "synchronization"));
    }

    private void sessions(List<ServerStatus.Session> sessions, long failedLogins) {
        text.append('\n');
        headline(
                counted(sessions.size(), "session") + ", " + counted(failedLogins, "failed login"));
        for (ServerStatus.Session each : sessions) {
            String target = each.target().isEmpty() ? "for discovery" : "on " + each.target();
            headline("  " + each.initiator() + " from " + each.peer() + " " + target);
        }
    }

    private void line(String what, String value) {
        headline("  %-10s %s".formatted(what, value));
    }

    /// A name of a file or an error may hold anything, and must not make lines of its own.
    private void headline(String line) {
        line.codePoints()
                .map(c -> Character.isISOControl(c) ? '?' : c)
                .forEach(text::appendCodePoint);
        text.append('\n');
    }

    private static String counted(long count, String noun) {
        return count + " " + noun + (count == 1 ? "" : "s");
    }

    private static String duration(Duration time) {
        if (time.toMinutes() == 0) {
            return time.toSeconds() + " s";
        }
        String days = time.toDays() == 0 ? "" : time.toDays() + " d ";
        String hours = time.toHours() == 0 ? "" : time.toHoursPart() + " h ";
        return days + hours + time.toMinutesPart() + " min";
    }

    private static String bytes(long bytes) {
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < UNITS.size() - 1) {
            value /= 1024;
            unit++;
        }
        return unit == 0
                ? bytes + " bytes"
                : String.format(Locale.ROOT, "%.1f %s", value, UNITS.get(unit));
    }
}
