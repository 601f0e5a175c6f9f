package io.lunkeeper.target.session;

import io.lunkeeper.target.fuzz.Corpus;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Sessions with a [FuzzedInitiator] (`tests/fuzz session`).
public final class SessionFuzzTest {
    private static @Nullable SessionRig rig;

    /// What the fuzzer calls.
    public static void fuzzerTestOneInput(byte[] input) {
        try {
            SessionRig target = rig;
            if (target == null) {
                target = new SessionRig(Files.createTempDirectory("lunkeeper-fuzz"));
                rig = target;
            }
            new FuzzedInitiator(target, input).run();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void everySessionEndsWithNothingLeftAndEveryAnswerInOrder(@TempDir Path directory)
            throws IOException {
        try (SessionRig own = new SessionRig(directory)) {
            rig = own;
            Corpus.replay("session", SessionFuzzTest::fuzzerTestOneInput);
        } finally {
            rig = null;
        }
    }
}
