package io.lunkeeper.target;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.Feature;
import java.io.IOException;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.apache.logging.log4j.LogManager;

/// The process: runs the command line, and turns SIGTERM and SIGINT into a clean end.
///
/// The JVM answers these signals by running its shutdown hooks and would then report 143 or 130.
/// The hook here tells the command to stop, waits until it has, and leaves with the command's own
/// exit code, so that a clean end is 0 and lost data is not.
public final class Main {
    /// What this version serves beyond portals, targets and LUNs. A file that asks for more is
    /// refused as a whole; this is the one place to change when a feature arrives.
    static final Set<Feature> SERVED = EnumSet.noneOf(Feature.class);

    private final CountDownLatch stop = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile int exitCode = CommandLine.FAILED;

    private Main() {}

    /// Runs one command and exits with its code: 0 fine, 1 failed, 2 usage or configuration error.
    public static void main(String[] args) {
        System.exit(new Main().run(args));
    }

    private int run(String[] args) {
        Runtime.getRuntime().addShutdownHook(new Thread(this::end, "end"));
        try {
            exitCode = new CommandLine(System.out, System.err, SERVED, Main::open, stop).run(args);
        } catch (RuntimeException | Error e) {
            // Threads of a half-started server would keep the process alive otherwise.
            System.err.println("lunkeeper: this is a fault of lunkeeper itself; please report it");
            e.printStackTrace();
        } finally {
            ended.countDown();
        }
        return exitCode;
    }

    private static ServeCommand.Serving open(Configuration configuration) throws IOException {
        TargetServer server = TargetServer.open(configuration);
        return new ServeCommand.Serving(server.addresses(), server::close);
    }

    private void end() {
        stop.countDown();
        boolean interrupted = false;
        while (ended.getCount() > 0) {
            try {
                ended.await();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        assert !interrupted : "nobody knows this thread";
        LogManager.shutdown();
        Runtime.getRuntime().halt(exitCode);
    }
}
