package io.lunkeeper.tests.bench;

/// What a [LoadRun] does: without digests, on all places of one LUN, in one thread and without end
/// until told otherwise. Not to be changed once it runs.
final class LoadSpec {
    private final Workload workload;
    private final int depth;
    private final int sessions;
    private int threads = 1;
    private boolean digests;
    private int luns = 1;
    private int places = Integer.MAX_VALUE;
    private long commands = Long.MAX_VALUE;
    private long nanos = Long.MAX_VALUE;
    private double bytesPerNano = Double.POSITIVE_INFINITY;

    private LoadSpec(Workload workload, int depth, int sessions) {
        this.workload = workload;
        this.depth = depth;
        this.sessions = sessions;
    }

    /// @param depth commands in flight on each session
    static LoadSpec of(Workload workload, int depth, int sessions) {
        return new LoadSpec(workload, depth, sessions);
    }

    /// The sessions are divided among so many threads of the client, at most one for each.
    LoadSpec threads(int number) {
        threads = Math.min(number, sessions);
        return this;
    }

    /// CRC32C for headers and data.
    LoadSpec digests(boolean wanted) {
        digests = wanted;
        return this;
    }

    /// Spread over so many LUNs of the same size, one after the other from the first.
    LoadSpec luns(int number) {
        luns = number;
        return this;
    }

    /// Only so many places of each LUN, evenly spread over it.
    LoadSpec places(int number) {
        places = number;
        return this;
    }

    /// Ends after so many commands, of all sessions together.
    LoadSpec commands(long number) {
        commands = number;
        return this;
    }

    LoadSpec seconds(double time) {
        nanos = (long) (time * 1e9);
        return this;
    }

    /// What a session moves at most, where each has a thread of its own.
    LoadSpec rate(double mibPerSecond) {
        bytesPerNano = mibPerSecond * (1 << 20) / 1e9;
        return this;
    }

    Workload workload() {
        return workload;
    }

    int depth() {
        return depth;
    }

    int sessions() {
        return sessions;
    }

    int threads() {
        return threads;
    }

    boolean hasDigests() {
        return digests;
    }

    int luns() {
        return luns;
    }

    int places() {
        return places;
    }

    long commands() {
        return commands;
    }

    long nanos() {
        return nanos;
    }

    double bytesPerNano() {
        return bytesPerNano;
    }
}
