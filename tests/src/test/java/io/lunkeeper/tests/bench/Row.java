package io.lunkeeper.tests.bench;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/// One line of the report: what is measured against every contender.
///
/// @param depth commands in flight on each session
/// @param quick whether it is part of the quick run
record Row(
        Client client,
        Workload workload,
        int depth,
        int sessions,
        boolean digests,
        Disk disk,
        boolean quick) {

    /// Whose commands.
    enum Client {
        /// Ours: a few microseconds a command, so the target is what is measured.
        LEAN("lean"),
        /// libiscsi's own, which only reads.
        ISCSI_PERF("iscsi-perf"),
        /// QEMU's, by libiscsi; it steps through the image by a stride.
        QEMU_IMG("qemu-img");

        private final String program;

        Client(String program) {
            this.program = program;
        }

        String program() {
            return program;
        }
    }

    /// Which disk, how it is before, and what goes on meanwhile.
    enum Disk {
        /// All in the page cache, as it was copied or as earlier writes left it.
        WARM("warm"),
        /// All in the page cache, last written one megabyte after the other.
        STREAMED("last written sequentially"),
        /// Another disk, all in the page cache, brought there by reads through the target, as after
        /// its start.
        READ_IN("read in through the target"),
        /// That, nothing in the page cache.
        COLD("cold"),
        /// Never written.
        SPARSE("sparse, first touch"),
        /// A third, a small part of which is in the page cache.
        NEIGHBOUR("another LUN idle"),
        /// That, while a session at depth 32 reads the cold disk.
        BESIDE_COLD("another LUN read cold"),
        /// In the page cache, while 4 sessions of depth 32 read and write it.
        LOADED("while 4 sessions of depth 32 read and write");

        private final String words;

        Disk(String words) {
            this.words = words;
        }
    }

    private static Row lean(Workload workload, int depth, int sessions, boolean quick) {
        return new Row(Client.LEAN, workload, depth, sessions, false, Disk.WARM, quick);
    }

    private Row on(Disk other) {
        return new Row(client, workload, depth, sessions, digests, other, quick);
    }

    private Row withDigests() {
        return new Row(client, workload, depth, sessions, true, disk, quick);
    }

    /// One session for each event loop, since connections are spread evenly.
    private static Row pings() {
        int loops = Runtime.getRuntime().availableProcessors();
        return lean(Workload.PING, 1, loops, true).on(Disk.LOADED);
    }

    private static Row by(Client client, Workload workload) {
        return new Row(client, workload, 32, 1, false, Disk.WARM, true);
    }

    /// All rows, in the order of the report.
    static List<Row> all() {
        List<Row> rows = new ArrayList<>();
        rows.add(by(Client.ISCSI_PERF, Workload.READ));
        rows.add(by(Client.QEMU_IMG, Workload.READ));
        rows.add(by(Client.QEMU_IMG, Workload.WRITE));
        for (Workload each : List.of(Workload.READ, Workload.WRITE, Workload.MIXED)) {
            rows.add(lean(each, 32, 1, true));
            rows.add(lean(each, 1, 1, each != Workload.MIXED));
            rows.add(lean(each, 32, 4, each == Workload.READ));
            rows.add(lean(each, 4, 64, false));
        }
        rows.add(lean(Workload.WRITE, 32, 1, true).on(Disk.STREAMED));
        rows.add(lean(Workload.TOUCH, 32, 1, true).on(Disk.SPARSE));
        rows.add(lean(Workload.SCAN, 16, 1, true));
        rows.add(lean(Workload.SCAN_LARGE, 8, 1, true));
        rows.add(lean(Workload.STREAM, 16, 1, true));
        rows.add(lean(Workload.STREAM_LARGE, 8, 1, true));
        rows.add(lean(Workload.FLUSHING, 32, 1, true));
        rows.add(lean(Workload.WRITE, 32, 1, true).on(Disk.READ_IN));
        rows.add(lean(Workload.STREAM_LARGE, 8, 1, false).on(Disk.READ_IN));
        rows.add(lean(Workload.READ_ONCE, 32, 1, true).on(Disk.COLD));
        rows.add(lean(Workload.READ, 4, 1, true).on(Disk.NEIGHBOUR));
        rows.add(lean(Workload.READ, 4, 1, true).on(Disk.BESIDE_COLD));
        rows.add(pings());
        for (Workload each : List.of(Workload.READ, Workload.WRITE)) {
            rows.add(lean(each, 32, 1, each == Workload.READ).withDigests());
        }
        for (Workload each : List.of(Workload.SCAN_LARGE, Workload.STREAM_LARGE)) {
            rows.add(lean(each, 8, 1, false).withDigests());
        }
        return rows;
    }

    /// The row beside which this one is to be seen: the same without digests, or without what goes
    /// on meanwhile.
    Optional<Row> plain(Collection<Row> rows) {
        Disk before = disk == Disk.BESIDE_COLD ? Disk.NEIGHBOUR : disk;
        return rows.stream()
                .filter(row -> row.client == client && row.workload == workload)
                .filter(row -> row.depth == depth && row.sessions == sessions)
                .filter(row -> row.disk == before && !row.digests && !row.equals(this))
                .findFirst();
    }

    /// What it is, for people.
    String title() {
        StringBuilder title = new StringBuilder();
        int kib = workload == Workload.PING ? 0 : workload.commandBytes() >> 10;
        title.append(kib == 0 ? "" : kib < 1024 ? kib + " KiB " : (kib >> 10) + " MiB ");
        title.append(
                switch (workload) {
                    case READ, READ_ONCE -> "random read";
                    case WRITE, TOUCH -> "random write";
                    case MIXED -> "random 70/30";
                    case SCAN, SCAN_LARGE -> "sequential read";
                    case STREAM, STREAM_LARGE -> "sequential write";
                    case FLUSHING -> "random write, a flush every 32";
                    case FUA -> "random write with FUA";
                    case COMMIT -> "write and flush";
                    case SYNC -> "flush";
                    case PING -> "ping every millisecond";
                });
        title.append(sessions == 1 ? ", depth " : ", " + sessions + " sessions of depth ");
        title.append(depth);
        title.append(digests ? ", digests" : "");
        title.append(disk == Disk.WARM ? "" : ", " + disk.words);
        return title.append(" (").append(client.program()).append(')').toString();
    }
}
