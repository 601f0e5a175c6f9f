package io.lunkeeper.target.config;

import io.lunkeeper.target.config.Configuration.Secret;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;

/// A file with a CHAP secret in its first line. What it holds never reaches a message.
final class SecretFile {
    /// RFC 7143 9.2.1 CHAP Considerations wants 96 random bits at least.
    static final int MIN_BYTES = 12;

    /// RFC 7143 12.1.3 Challenge Handshake Authentication Protocol (CHAP) leaves the length open;
    /// no initiator takes more.
    static final int MAX_BYTES = 255;

    private static final Set<PosixFilePermission> OWNER =
            Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

    private SecretFile() {}

    static Optional<Secret> read(Entry entry, Path directory) {
        Optional<Path> file = entry.path(directory);
        if (file.isEmpty()) {
            return Optional.empty();
        }
        try {
            Optional<String> fault = fault(file.get());
            return fault.isPresent() ? entry.wrong(fault.get()) : firstLine(entry, file.get());
        } catch (IOException e) {
            return entry.wrong(file.get() + " cannot be read: " + e);
        }
    }

    private static Optional<String> fault(Path file) throws IOException {
        if (!Files.exists(file)) {
            return Optional.of(
                    "there is no file " + file + "; create it with the secret in its first line");
        }
        if (!Files.isRegularFile(file)) {
            return Optional.of(file + " is not a regular file");
        }
        PosixFileAttributeView posix =
                Files.getFileAttributeView(file, PosixFileAttributeView.class);
        if (posix != null && !OWNER.containsAll(posix.readAttributes().permissions())) {
            return Optional.of(
                    file + " must be for its owner to read and write only; chmod 600 " + file);
        }
        return Files.isReadable(file)
                ? Optional.empty()
                : Optional.of(
                        file + " cannot be read by this user; chown it, and chmod 600 " + file);
    }

    private static Optional<Secret> firstLine(Entry entry, Path file) throws IOException {
        byte[] head;
        try (InputStream in = Files.newInputStream(file)) {
            head = in.readNBytes(MAX_BYTES + 2);
        }
        int length = 0;
        while (length < head.length && head[length] != '\n') {
            length++;
        }
        if (length > 0 && head[length - 1] == '\r') {
            length--;
        }
        if (length < MIN_BYTES) {
            return entry.wrong(
                    "the first line of "
                            + file
                            + " is too short; secrets have at least "
                            + MIN_BYTES
                            + " bytes");
        }
        if (length > MAX_BYTES) {
            return entry.wrong(
                    "the first line of "
                            + file
                            + " is too long; secrets have at most "
                            + MAX_BYTES
                            + " bytes");
        }
        return Optional.of(new Secret(Arrays.copyOf(head, length)));
    }
}
