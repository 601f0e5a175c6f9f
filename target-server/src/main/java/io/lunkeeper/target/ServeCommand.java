package io.lunkeeper.target;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.ConfigurationException;
import io.lunkeeper.target.config.ConfigurationFile;
import io.lunkeeper.target.config.Feature;
import io.lunkeeper.target.config.Problem;
import io.lunkeeper.target.config.UnservableException;
import java.io.Closeable;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/// `lunkeeper serve`: opens a server, says so, carries out orders until the end, closes it.
final class ServeCommand {
    private final PrintStream out;
    private final PrintStream err;
    private final String file;
    private final Set<Feature> served;

    /// @param file the configuration's name as the administrator gave it
    /// @param served what the server can do
    ServeCommand(PrintStream out, PrintStream err, String file, Set<Feature> served) {
        this.out = out;
        this.err = err;
        this.file = file;
        this.served = served;
    }

    /// How a server is opened.
    interface Opening {
        Serving open(Configuration configuration) throws IOException;
    }

    /// A server that is open.
    ///
    /// @param addresses where it listens
    /// @param reloading takes over what may change in the file
    /// @param end flushes and releases everything; fails when acknowledged data may be lost
    record Serving(List<InetSocketAddress> addresses, Reloading reloading, Closeable end) {}

    /// Takes over a configuration that was read again.
    interface Reloading {
        /// Takes over what may change.
        ///
        /// @param unavailable told of everything in the file that cannot be had now
        /// @throws ConfigurationException when it changes what cannot change; nothing is done then
        void reload(Configuration configuration, Consumer<Problem> unavailable)
                throws ConfigurationException;
    }

    /// Serves until the end is ordered.
    ///
    /// @return the exit code
    int run(Configuration configuration, Opening opening, Orders orders) {
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
        while (orders.next() == Orders.Order.RELOAD) {
            reload(serving);
        }
        return close(serving);
    }

    private void reload(Serving serving) {
        AtomicInteger unavailable = new AtomicInteger();
        try {
            serving.reloading()
                    .reload(
                            ConfigurationFile.read(Path.of(file), served),
                            problem -> {
                                unavailable.incrementAndGet();
                                err.println("lunkeeper: " + problem.in(file));
                            });
            err.println(
                    "lunkeeper: "
                            + file
                            + (unavailable.get() == 0
                                    ? ": reloaded"
                                    : ": reloaded but for what is said above; SIGHUP tries that"
                                            + " again"));
        } catch (ConfigurationException e) {
            CommandLine.report(err, e);
            err.println("lunkeeper: " + file + ": not reloaded; all goes on as before");
        }
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
