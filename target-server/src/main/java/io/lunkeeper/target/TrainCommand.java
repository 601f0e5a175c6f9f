package io.lunkeeper.target;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.ConfigurationException;
import io.lunkeeper.target.config.ConfigurationFile;
import io.lunkeeper.target.config.Feature;
import io.lunkeeper.target.training.Training;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;

/// `lunkeeper train`: `serve` as it always is, of a small image of its own, until an initiator in
/// this process has put its load on it. What the JVM learns from that is the launcher's to keep.
final class TrainCommand {
    private static final String TARGET = "iqn.2026-11.io.lunkeeper:training";

    private static final String CONFIGURATION =
            """
            portals: [{ listen: "127.0.0.1:0" }]
            metrics: "127.0.0.1:0"
            targets:
              - iqn: %s
                luns: [{ lun: 0, image: training.img, size: %dMiB }]
            """
                    .formatted(TARGET, Training.LUN_BYTES >> 20);

    private final PrintStream out;
    private final PrintStream err;
    private final Set<Feature> served;
    private final Duration time;

    /// @param served what the server can do
    /// @param time how long the load goes on
    TrainCommand(PrintStream out, PrintStream err, Set<Feature> served, Duration time) {
        this.out = out;
        this.err = err;
        this.served = served;
        this.time = time;
    }

    /// Trains, or ends early when that is ordered, which is a failure.
    ///
    /// @return the exit code
    int run(ServeCommand.Opening opening, Orders orders) {
        try {
            Path directory = Files.createTempDirectory("lunkeeper-training-");
            try {
                return serve(directory.resolve("training.yaml"), opening, orders);
            } finally {
                delete(directory);
            }
        } catch (ConfigurationException e) {
            CommandLine.report(err, e);
        } catch (IOException e) {
            err.println("lunkeeper: the training failed: " + e.getMessage());
        }
        return CommandLine.FAILED;
    }

    private int serve(Path file, ServeCommand.Opening opening, Orders orders)
            throws IOException, ConfigurationException {
        Files.writeString(file, CONFIGURATION);
        Configuration configuration = ConfigurationFile.read(file, served);
        CompletableFuture<Long> load = new CompletableFuture<>();
        ServeCommand.Opening loaded =
                given -> {
                    ServeCommand.Serving serving = opening.open(given);
                    start(serving.addresses().getFirst(), load, orders);
                    return serving;
                };
        int code =
                new ServeCommand(err, err, file.toString(), served)
                        .run(configuration, loaded, orders);
        return code == CommandLine.FINE ? result(load) : code;
    }

    private void start(InetSocketAddress portal, CompletableFuture<Long> load, Orders orders) {
        Thread.ofPlatform()
                .name("training")
                .daemon()
                .start(() -> {
                    try {
                        load.complete(Training.run(portal, TARGET, time));
                    } catch (IOException | RuntimeException | Error e) {
                        load.completeExceptionally(e);
                    } finally {
                        orders.stop();
                    }
                });
    }

    /// Known once the server has ended: whoever is still logged in then has lost the connection.
    private int result(CompletableFuture<Long> load) throws IOException {
        try {
            out.println("lunkeeper trained: " + load.join() + " commands");
            return CommandLine.FINE;
        } catch (CompletionException e) {
            throw e.getCause() instanceof IOException known
                    ? known
                    : new IOException(String.valueOf(e.getCause()), e);
        }
    }

    private static void delete(Path directory) throws IOException {
        List<Path> files;
        try (Stream<Path> found = Files.walk(directory)) {
            files = found.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : files) {
            Files.delete(file);
        }
    }
}
