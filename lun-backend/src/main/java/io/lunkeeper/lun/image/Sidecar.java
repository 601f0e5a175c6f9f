package io.lunkeeper.lun.image;

import io.lunkeeper.lun.linux.OpenFile;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
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
import java.util.Properties;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A small file beside an image that holds what must outlive the process and has no place in the
/// image: Java properties, in sections that know nothing of each other; the keys of a section begin
/// with its name and a dot. It is replaced as a whole: after a loss of power there is the old or
/// the new one. Whoever owns the image owns this too. Calls may block; safe from any thread.
public final class Sidecar {
    /// The largest that is read: nobody writes more.
    static final int MAX_BYTES = 1 << 20;

    private static final String SUFFIX = ".lunkeeper";

    private static final String FORMAT_KEY = "format";
    private static final String FORMAT = "2";

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
    /// @throws IOException when the file cannot be read or understood: nobody knows then what is
    ///   missing
    public synchronized SortedMap<String, String> section(String name) throws IOException {
        String prefix = prefix(name);
        Properties all = read();
        SortedMap<String, String> section = new TreeMap<>();
        for (String key : all.stringPropertyNames()) {
            if (key.startsWith(prefix)) {
                section.put(key.substring(prefix.length()), all.getProperty(key));
            }
        }
        return section;
    }

    /// Replaces what a section holds and leaves the others; with nothing the section is deleted,
    /// and with the last section the file. On return that is durable.
    ///
    /// @param name letters
    /// @throws IOException when it was not replaced, or nobody knows whether it is durable
    public synchronized void replace(String name, Map<String, String> section) throws IOException {
        String prefix = prefix(name);
        Properties all = read();
        all.keySet().removeIf(key -> key.toString().startsWith(prefix));
        section.forEach((key, value) -> all.setProperty(prefix + key, value));
        if (all.isEmpty()) {
            Files.deleteIfExists(path);
        } else {
            Path fresh = path.resolveSibling(path.getFileName() + ".new");
            write(fresh, bytes(all));
            Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
        }
        Path directory = path.getParent();
        if (directory != null) {
            OpenFile.syncDirectory(directory);
        }
    }

    private static String prefix(String name) {
        assert !name.isEmpty() && name.chars().allMatch(Character::isLetter) : name;
        return name + ".";
    }

    /// All sections, without the format.
    private Properties read() throws IOException {
        Properties all = new Properties();
        Optional<byte[]> content = readBytes();
        if (content.isEmpty()) {
            return all;
        }
        try {
            all.load(new ByteArrayInputStream(content.get()));
        } catch (IllegalArgumentException e) {
            throw notOurs(String.valueOf(e.getMessage()), e);
        }
        Object format = all.remove(FORMAT_KEY);
        if (!FORMAT.equals(format)) {
            throw notOurs("its format is " + format + ", not " + FORMAT, null);
        }
        return all;
    }

    private IOException notOurs(String why, @Nullable Exception cause) {
        return new IOException(
                path
                        + " cannot be understood ("
                        + why
                        + "); restore it, or delete it when what it kept may be forgotten",
                cause);
    }

    private static byte[] bytes(Properties sections) throws IOException {
        Properties all = new Properties();
        all.putAll(sections);
        all.setProperty(FORMAT_KEY, FORMAT);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        all.store(bytes, "Belongs to the image beside it. Do not edit while that is served.");
        return bytes.toByteArray();
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
