package io.lunkeeper.target;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.ConfigurationException;
import io.lunkeeper.target.config.ConfigurationFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class TrainCommandTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final Orders orders = new Orders();
    private final List<Path> directories = new ArrayList<>();

    private int train(ServeCommand.Opening opening) {
        return new TrainCommand(
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        Main.SERVED,
                        Duration.ofMillis(200))
                .run(
                        configuration -> {
                            directories.add(directory(configuration));
                            return opening.open(configuration);
                        },
                        orders);
    }

    private static Path directory(Configuration configuration) {
        return configuration.file().resolveSibling("");
    }

    private ServeCommand.Serving serve(Configuration configuration) throws IOException {
        TargetServer server = TargetServer.open(configuration, orders::stopping);
        return new ServeCommand.Serving(server.addresses(), (_, _) -> {}, server::close);
    }

    private static Configuration smaller(Configuration configuration) throws IOException {
        Path file = configuration.file();
        Files.writeString(file, Files.readString(file).replace("32MiB", "16MiB"));
        try {
            return ConfigurationFile.read(file, Main.SERVED);
        } catch (ConfigurationException e) {
            throw new AssertionError(e);
        }
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @AfterEach
    void nothingIsLeft() {
        assertEquals(1, directories.size());
        assertFalse(Files.exists(directories.getFirst()));
    }

    @Test
    void everyCommandIsAnsweredAsItShouldBe() {
        assertEquals(CommandLine.FINE, train(this::serve), this::err);
        String result = out.toString(StandardCharsets.UTF_8);
        assertTrue(result.matches("lunkeeper trained: [1-9]\\d+ commands\n"), result);
    }

    @Test
    void answerThatIsNotGoodFailsIt() {
        int code = train(configuration -> serve(smaller(configuration)));
        assertEquals(CommandLine.FAILED, code);
        assertTrue(err().contains("lunkeeper: the training failed: "), this::err);
        assertTrue(err().contains(" was answered with 21 "), this::err);
    }

    @Test
    void targetThatHangsUpFailsIt() {
        int code =
                train(_ -> {
                    ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                    Thread.ofPlatform()
                            .start(() -> {
                                try (silent) {
                                    silent.accept().close();
                                } catch (IOException e) {
                                    throw new AssertionError(e);
                                }
                            });
                    return new ServeCommand.Serving(
                            List.of((InetSocketAddress) silent.getLocalSocketAddress()),
                            (_, _) -> {},
                            () -> {});
                });
        assertEquals(CommandLine.FAILED, code);
        assertTrue(err().contains("lunkeeper: the training failed: "), this::err);
    }

    @Test
    void endsEarlyWhenThatIsOrdered() {
        orders.stop();
        assertEquals(CommandLine.FAILED, train(this::serve));
        assertTrue(err().contains("lunkeeper: the training failed: "), this::err);
    }
}
