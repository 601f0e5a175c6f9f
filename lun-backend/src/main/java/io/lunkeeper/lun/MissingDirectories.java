package io.lunkeeper.lun;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;

/// The directories above a new image that are not there yet: made before it, and removed again when
/// it cannot be made.
final class MissingDirectories {
    private final Path image;
    private final Deque<Path> made = new ArrayDeque<>();

    MissingDirectories(Path image) {
        this.image = image.toAbsolutePath();
    }

    /// Makes them, outermost first, durably: an image whose directory is lost is lost.
    void create() throws IOException {
        Deque<Path> missing = new ArrayDeque<>();
        Path directory = image.getParent();
        while (directory != null && Files.notExists(directory)) {
            missing.push(directory);
            directory = directory.getParent();
        }
        for (Path each : missing) {
            Files.createDirectory(each);
            made.push(each);
            sync(each.resolveSibling(""));
        }
    }

    private static void sync(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /// Removes what [#create] made.
    void remove(Exception failure) {
        for (Path each : made) {
            try {
                Files.deleteIfExists(each);
            } catch (IOException e) {
                failure.addSuppressed(e);
            }
        }
    }
}
