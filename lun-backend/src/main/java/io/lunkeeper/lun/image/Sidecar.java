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
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A small file beside an image that holds what must outlive the process and has no place in the
/// image, in sections that know nothing of each other ([SidecarText]). It is replaced as a whole:
/// after a loss of power there is the old or the new one. Each section has a checksum, so that harm
/// to one says nothing of the others. Whoever owns the image owns this too. Calls may block; safe
/// from any thread.
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

    /// What a section holds; nothing when the section or the file does not exist.
    ///
    /// @param name letters
    /// @throws IOException when the file cannot be read or understood, or the section is damaged:
    ///   nobody knows then what is missing
    public synchronized SortedMap<String, String> section(String name) throws IOException {
        SidecarText.Section section = read().sections().get(name);
        if (section == null) {
            return new TreeMap<>();
        }
        if (section.damaged()) {
            throw notOurs(name + " is damaged", null);
        }
        return new TreeMap<>(section.entries());
    }

    /// Whether a section is known not to be as it was written.
    ///
    /// @param name letters
    /// @throws IOException when the file cannot be read or understood as a whole
    public synchronized boolean damaged(String name) throws IOException {
        SidecarText.Section section = read().sections().get(name);
        return section != null && section.damaged();
    }

    /// Whether its sections have checksums: what an earlier version wrote has none, and when a part
    /// of that makes no sense nobody knows what else was there.
    ///
    /// @throws IOException when the file cannot be read or understood as a whole
    public synchronized boolean checked() throws IOException {
        return read().checked();
    }

    /// Replaces what a section holds and leaves the others, damaged ones as they are; with nothing
    /// the section is deleted, and with the last section the file. On return that is durable.
    ///
    /// @param name letters
    /// @throws IOException when it was not replaced, or nobody knows whether it is durable
    public synchronized void replace(String name, Map<String, String> content) throws IOException {
        SidecarText text = read().with(name, new TreeMap<>(content));
        if (text.sections().isEmpty()) {
            Files.deleteIfExists(path);
            synchronizeDirectory();
        } else {
            renew(path, text.bytes());
        }
    }

    /// Copies the file, as it is, to one beside it whose name tells of its content, so that nothing
    /// is lost when a damaged section is replaced. On return that is durable.
    ///
    /// @return the copy
    /// @throws IOException when there is none, or nobody knows whether it is durable
    public synchronized Path setAside() throws IOException {
        byte[] content = readBytes().orElseThrow(() -> new NoSuchFileException(path.toString()));
        String name = "%s.damaged-%08x".formatted(path.getFileName(), SidecarText.crc(content));
        Path aside = path.resolveSibling(name);
        renew(aside, content);
        return aside;
    }

    private SidecarText read() throws IOException {
        Optional<byte[]> content = readBytes();
        try {
            return content.isEmpty() ? SidecarText.EMPTY : SidecarText.parse(content.get());
        } catch (IllegalArgumentException e) {
            throw notOurs(String.valueOf(e.getMessage()), e);
        }
    }

    private IOException notOurs(String why, @Nullable Exception cause) {
        return new IOException(
                path
                        + " cannot be understood ("
                        + why
                        + "); restore it, or delete it when what it kept may be forgotten",
                cause);
    }

    private Optional<byte[]> readBytes() throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            if (channel.size() > MAX_BYTES) {
                throw notOurs("it has " + channel.size() + " bytes", null);
            }
            ByteBuffer bytes = ByteBuffer.allocate((int) channel.size());
            while (bytes.hasRemaining() && channel.read(bytes) >= 0) {}
            return Optional.of(bytes.array());
        } catch (NoSuchFileException _) {
            return Optional.empty();
        }
    }

    /// Puts a file in the place of another, which may not exist.
    private void renew(Path file, byte[] content) throws IOException {
        Path fresh = path.resolveSibling(path.getFileName() + ".new");
        write(fresh, content);
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        synchronizeDirectory();
    }

    private void synchronizeDirectory() throws IOException {
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
