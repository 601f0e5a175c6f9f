package io.lunkeeper.tests.rig;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/// Files with CHAP secrets for the configuration of a server.
public final class SecretFile {
    private SecretFile() {}

    /// A new file that nobody else may read.
    ///
    /// @return its absolute name
    public static String of(String secret) {
        try {
            Files.createDirectories(Checkout.scratch());
            Path file =
                    Files.createTempFile(
                            Checkout.scratch(),
                            "secret-",
                            "",
                            PosixFilePermissions.asFileAttribute(
                                    PosixFilePermissions.fromString("rw-------")));
            Files.writeString(file, secret + "\n");
            file.toFile().deleteOnExit();
            return file.toAbsolutePath().toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
