package io.lunkeeper.lun.image;

import io.lunkeeper.lun.linux.OpenFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/// A small file beside an image that holds what must outlive the process and has no place in the
/// image. It is replaced as a whole: after a loss of power there is the old or the new one. Whoever
/// owns the image owns this too. Calls may block and come one at a time.
public final class Sidecar {
    /// The largest that is read: nobody writes more.
    static final int MAX_BYTES = 1 << 20;

    private static final String SUFFIX = ".lunkeeper";

    private final Path path;

    /// The sidecar of an image, which need not exist.
    public Sidecar(Path image) {
        Path name = image.toAbsolutePath();
        this.path = name.resolveSibling(name.getFileName() + SUFFIX);
    }

    /// Where it is.
    public Path path() {
        return path;
    }

    /// What it holds; nothing when it does not exist.
    ///
    /// @throws IOException when it cannot be read, or is larger than anything that belongs there
    public Optional<byte[]> read() throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            if (channel.size() > MAX_BYTES) {
                throw new IOException(
                        path + " is no file of ours: it has " + channel.size() + " bytes");
            }
            ByteBuffer bytes = ByteBuffer.allocate((int) channel.size());
            while (bytes.hasRemaining() && channel.read(bytes) >= 0) {}
            return Optional.of(bytes.array());
        } catch (NoSuchFileException _) {
            return Optional.empty();
        }
    }

    /// Replaces what it holds; with no bytes it is deleted. On return that is durable.
    ///
    /// @throws IOException when it was not replaced, or nobody knows whether it is durable
    public void replace(byte[] content) throws IOException {
        if (content.length == 0) {
            Files.deleteIfExists(path);
        } else {
            Path fresh = path.resolveSibling(path.getFileName() + ".new");
            write(fresh, content);
            Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
        }
        Path directory = path.getParent();
        if (directory != null) {
            OpenFile.syncDirectory(directory);
        }
    }

    private static void write(Path file, byte[] content) throws IOException {
        try (FileChannel channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap(content);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
    }
}
