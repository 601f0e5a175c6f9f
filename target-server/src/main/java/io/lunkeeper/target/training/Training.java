package io.lunkeeper.target.training;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;

/// What a server meets in its first seconds: logins, the questions of an operating system about its
/// new disk, small reads and writes at once, some large ones, flushes.
public final class Training {
    /// The size of LUN 0 that is needed.
    public static final int LUN_BYTES = 32 << 20;

    private static final int LARGE_BYTES = 1 << 20;
    private static final int BLOCK_SHIFT = 9;

    /// Every so many commands a flush.
    private static final int FLUSH_INTERVAL = 4096;

    private static final Command SYNCHRONIZE_CACHE = Command.of("35", 0);

    private static final List<Command> QUESTIONS =
            List.of(
                    Command.of("a000000000000000020000", 512), // REPORT LUNS
                    Command.of("12000000ff", 255), // INQUIRY
                    Command.of("12010000ff", 255), // … and its pages
                    Command.of("12018000ff", 255),
                    Command.of("12018300ff", 255),
                    Command.of("1201b000ff", 255),
                    Command.of("1201b100ff", 255),
                    Command.of("1201b200ff", 255),
                    Command.of("9e1000000000000000000000002000", 32), // READ CAPACITY (16)
                    Command.of("25", 8), // READ CAPACITY (10)
                    Command.of("1a003f00c0", 192), // MODE SENSE (6), all pages
                    Command.of("a30c00000000000010", 4096)); // REPORT SUPPORTED OPERATION CODES

    /// One session's commands.
    ///
    /// @param share of the time of all
    private record Load(int bytes, int depth, boolean digests, double share) {}

    private static final List<Load> LOADS =
            List.of(
                    new Load(4 << 10, 32, false, 0.55),
                    new Load(4 << 10, 1, false, 0.1),
                    new Load(64 << 10, 16, false, 0.1),
                    new Load(LARGE_BYTES, 4, false, 0.1),
                    new Load(4 << 10, 32, true, 0.1),
                    new Load(64 << 10, 8, true, 0.05));

    private final InetSocketAddress portal;
    private final String target;
    private final SplittableRandom random = new SplittableRandom(1);
    private long commands;

    private Training(InetSocketAddress portal, String target) {
        this.portal = portal;
        this.target = target;
    }

    /// Puts the load on LUN 0 of a target, whose content is lost.
    ///
    /// @param time about how long
    /// @return how many commands there were
    /// @throws IOException when one of them is not answered as it should be
    public static long run(InetSocketAddress portal, String target, Duration time)
            throws IOException {
        Training training = new Training(portal, target);
        for (Load load : LOADS) {
            training.run(load, (long) (time.toNanos() * load.share()));
        }
        return training.commands;
    }

    private void run(Load load, long nanos) throws IOException {
        try (Initiator initiator = Initiator.login(portal, target, load.digests())) {
            for (Command question : QUESTIONS) {
                initiator.run(question);
            }
            fill(initiator);
            long until = System.nanoTime() + nanos;
            commands += initiator.run(load.depth(), until, () -> command(load.bytes()));
            initiator.logout();
        }
    }

    /// From end to end, so that what follows meets blocks as those of a disk in use.
    private static void fill(Initiator initiator) throws IOException {
        for (int at = 0; at < LUN_BYTES; at += LARGE_BYTES) {
            initiator.run(Command.write(at >> BLOCK_SHIFT, LARGE_BYTES));
        }
        initiator.run(SYNCHRONIZE_CACHE);
    }

    private Command command(int bytes) {
        if (random.nextInt(FLUSH_INTERVAL) == 0) {
            return SYNCHRONIZE_CACHE;
        }
        int lba = random.nextInt(LUN_BYTES / bytes) * (bytes >> BLOCK_SHIFT);
        return random.nextBoolean() ? Command.read(lba, bytes) : Command.write(lba, bytes);
    }
}
