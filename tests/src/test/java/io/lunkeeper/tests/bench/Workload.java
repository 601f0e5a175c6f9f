package io.lunkeeper.tests.bench;

import java.util.Locale;

/// What the commands of a run do and where.
enum Workload {
    /// READ of 4 KiB at random places.
    READ(4 << 10, Order.RANDOM, 100),
    /// WRITE of 4 KiB at random places.
    WRITE(4 << 10, Order.RANDOM, 0),
    /// Seven READ to three WRITE of 4 KiB at random places.
    MIXED(4 << 10, Order.RANDOM, 70),
    /// WRITE of 4 KiB at random places with FUA.
    FUA(4 << 10, Order.RANDOM, 0),
    /// READ of 4 KiB, each place once, scattered.
    READ_ONCE(4 << 10, Order.SCATTERED, 100),
    /// WRITE of 4 KiB, each place once, scattered.
    TOUCH(4 << 10, Order.SCATTERED, 0),
    /// WRITE of 64 KiB one after the other, round and round.
    STREAM(64 << 10, Order.SEQUENTIAL, 0),
    /// READ of 64 KiB one after the other, round and round.
    SCAN(64 << 10, Order.SEQUENTIAL, 100),
    /// WRITE of 1 MiB one after the other, round and round.
    STREAM_LARGE(1 << 20, Order.SEQUENTIAL, 0),
    /// READ of 1 MiB one after the other, round and round.
    SCAN_LARGE(1 << 20, Order.SEQUENTIAL, 100),
    /// WRITE of 4 KiB at random places, and SYNCHRONIZE CACHE after each 32.
    FLUSHING(4 << 10, Order.RANDOM, 0),
    /// WRITE of 4 KiB at a random place and SYNCHRONIZE CACHE by turns; with depth 1.
    COMMIT(4 << 10, Order.RANDOM, 0),
    /// SYNCHRONIZE CACHE only.
    SYNC(4 << 10, Order.RANDOM, 0),
    /// NOP-Out, which moves nothing; the bytes are for the rate.
    PING(4 << 10, Order.SEQUENTIAL, 100);

    /// The commands between two flushes of [#FLUSHING], the flush included.
    private static final int FLUSH_PERIOD = 33;

    /// Which place comes next.
    enum Order {
        RANDOM,
        SEQUENTIAL,
        /// Each place once, far from the last.
        SCATTERED
    }

    private final int commandBytes;
    private final Order order;
    private final int readPercent;

    Workload(int commandBytes, Order order, int readPercent) {
        this.commandBytes = commandBytes;
        this.order = order;
        this.readPercent = readPercent;
    }

    /// The workload of a name as on the command line.
    ///
    /// @throws IllegalArgumentException for any other
    static Workload of(String name) {
        return valueOf(name.toUpperCase(Locale.ROOT).replace('-', '_'));
    }

    /// What each READ and WRITE moves.
    int commandBytes() {
        return commandBytes;
    }

    Order order() {
        return order;
    }

    /// Of 100 commands that move data, those that read.
    int readPercent() {
        return readPercent;
    }

    boolean writes() {
        return readPercent < 100 && this != SYNC;
    }

    boolean forceUnitAccess() {
        return this == FUA;
    }

    /// Whether the command of a number is SYNCHRONIZE CACHE.
    boolean flushes(long number) {
        return switch (this) {
            case SYNC -> true;
            case COMMIT -> number % 2 == 1;
            case FLUSHING -> number % FLUSH_PERIOD == FLUSH_PERIOD - 1;
            default -> false;
        };
    }
}
