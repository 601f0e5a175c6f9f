package io.lunkeeper.target;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.UnservableException;
import java.io.Closeable;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;

/// `lunkeeper serve`: opens a server, says so, waits for the end, closes it.
final class ServeCommand {
    private final PrintStream out;
    private final PrintStream err;
    private final String file;

    /// @param file the configuration's name as the administrator gave it
    ServeCommand(PrintStream out, PrintStream err, String file) {
        this.out = out;
        this.err = err;
        this.file = file;
    }

    /// How a server is opened.
    interface Opening {
        Serving open(Configuration configuration) throws IOException;
    }

    /// A server that is open.
    ///
    /// @param addresses where it listens
    /// @param end flushes and releases everything; fails when acknowledged data may be lost
    record Serving(List<InetSocketAddress> addresses, Closeable end) {}

    /// Serves until `stop` is counted down.
    ///
    /// @return the exit code
    int run(Configuration configuration, Opening opening, CountDownLatch stop) {
        Serving serving;
        try {
            serving = opening.open(configuration);
        } catch (UnservableException e) {
            err.println("lunkeeper: " + e.problem().in(file));
            return CommandLine.FAILED;
        } catch (IOException e) {
            err.println("lunkeeper: " + file + ": cannot be served: " + e);
            return CommandLine.FAILED;
        }
        String portals =
                serving.addresses().stream()
                        .map(PortalAddress::text)
                        .collect(Collectors.joining(","));
        out.println("lunkeeper ready: " + portals);
        out.flush();
        AttachHints.of(configuration, serving.addresses()).forEach(err::println);
        try {
            stop.await();
        } catch (InterruptedException _) {
            // Whoever interrupts this thread wants the end as well.
            Thread.currentThread().interrupt();
        }
        return close(serving);
    }

    private int close(Serving serving) {
        try {
            serving.end().close();
            return CommandLine.FINE;
        } catch (IOException e) {
            err.println("lunkeeper: acknowledged data may be lost: " + e);
            return CommandLine.FAILED;
        }
    }
}
