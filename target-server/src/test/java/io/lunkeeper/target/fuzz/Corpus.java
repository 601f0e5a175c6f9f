package io.lunkeeper.target.fuzz;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// The inputs that `tests/fuzz` has found worth keeping, one file each, in the folder of their
/// target. Unit tests run them again without any instrumentation.
public final class Corpus {
    private Corpus() {}

    /// Runs every input of a target in the order of their names. A failure names its file.
    public static void replay(String name, Consumer<byte[]> target) {
        List<Path> inputs = inputs(name);
        assertFalse(inputs.isEmpty(), "no corpus of " + name);
        for (Path input : inputs) {
            try {
                target.accept(Files.readAllBytes(input));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError(name + '/' + input.getFileName(), e);
            }
        }
    }

    private static List<Path> inputs(String name) {
        URL folder = Corpus.class.getResource(name);
        if (folder == null) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(Path.of(folder.toURI()))) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }
}
