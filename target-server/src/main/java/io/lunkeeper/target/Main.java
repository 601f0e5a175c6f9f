package io.lunkeeper.target;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.Feature;
import java.io.IOException;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.apache.logging.log4j.LogManager;

/// The process: runs the command line, and turns SIGTERM and SIGINT into a clean end, SIGHUP into a
/// reading of the configuration.
///
/// The JVM answers these signals by running its shutdown hooks and would then report 143 or 130.
/// The hook here tells the command to stop, waits until it has, and leaves with the command's own
/// exit code, so that a clean end is 0 and lost data is not.
public final class Main {
    /// What this version serves beyond portals, targets and LUNs. A file that asks for more is
    /// refused as a whole; this is the one place to change when a feature arrives.
    static final Set<Feature> SERVED = Set.copyOf(EnumSet.of(Feature.METRICS));

    private final Opening opening;
    private final Orders orders = new Orders();
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile int exitCode = CommandLine.FAILED;

    /// @param opening how `serve` opens a server
    Main(Opening opening) {
        this.opening = opening;
    }

    /// Runs one command and exits with its code: 0 fine, 1 failed, 2 usage or configuration error.
    public static void main(String[] args) {
        System.exit(new Main(Main::open).run(args));
    }

    /// Runs one command.
    ///
    /// @return the exit code
    int run(String[] args) {
        // The log must work until the server has ended, so its end is ours to choose.
        System.setProperty("log4j2.shutdownHookEnabled", "false");
        Runtime.getRuntime().addShutdownHook(new Thread(this::end, "end"));
        try {
            ServeCommand.Opening serve = configuration -> opening.open(configuration, orders);
            exitCode = new CommandLine(System.out, System.err, SERVED, serve, orders).run(args);
        } catch (RuntimeException | Error e) {
            // Threads of a half-started server would keep the process alive otherwise.
            System.err.println("lunkeeper: this is a fault of lunkeeper itself; please report it");
            e.printStackTrace();
        } finally {
            ended.countDown();
        }
        return exitCode;
    }

    /// How a server is opened that can be told what to do.
    interface Opening {
        ServeCommand.Serving open(Configuration configuration, Orders orders) throws IOException;
    }

    private static ServeCommand.Serving open(Configuration configuration, Orders orders)
            throws IOException {
        if (!HangUp.handle(orders::reload)) {
            System.err.println(
                    "lunkeeper: SIGHUP is ignored here, as by nohup: what changes in the file counts"
                            + " after a restart only");
        }
        TargetServer server = TargetServer.open(configuration, orders::stopping);
        return new ServeCommand.Serving(
                server.addresses(),
                server::reload,
                () -> {
                    try {
                        server.close();
                    } finally {
                        LogManager.shutdown();
                    }
                });
    }

    private void end() {
        orders.stop();
        try {
            ended.await();
        } catch (InterruptedException e) {
            throw new AssertionError("nobody knows this thread", e);
        }
        Runtime.getRuntime().halt(exitCode);
    }
}
