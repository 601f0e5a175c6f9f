package io.lunkeeper.tests.rig;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/// A LUN of the server under test, as its configuration file will describe it.
///
/// @param number the LUN
/// @param size as the configuration spells it, such as `64MiB`
/// @param blockSize 512 or 4096 bytes
/// @param extra more keys, each as `key: value`, separated by newlines
/// @param existing an image that is there already; null for a fresh one of `size`
public record Lun(
        int number,
        String size,
        int blockSize,
        boolean readOnly,
        String extra,
        @org.jspecify.annotations.Nullable Path existing) {

    /// A fresh sparse image with 512-byte blocks and write-back.
    public static Lun sized(int number, String size) {
        return new Lun(number, size, 512, false, "", null);
    }

    /// The same with blocks of this many bytes.
    public Lun withBlockSize(int bytes) {
        return new Lun(number, size, bytes, readOnly, extra, existing);
    }

    /// The same, read only.
    public Lun asReadOnly() {
        return new Lun(number, size, blockSize, true, extra, existing);
    }

    /// The same with one more key of the configuration.
    public Lun with(String key, String value) {
        String line = key + ": " + value + "\n";
        return new Lun(number, size, blockSize, readOnly, extra + line, existing);
    }

    /// The same over an image that is there already.
    public Lun over(Path image) {
        return new Lun(number, size, blockSize, readOnly, extra, image);
    }

    /// Makes the empty image that a read-only LUN cannot make itself.
    void createImage(Path image) throws IOException {
        long mebibytes = Long.parseLong(size.replace("MiB", ""));
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(mebibytes << 20);
        }
    }

    String yaml(Path image) {
        StringBuilder text = new StringBuilder();
        text.append("      - lun: ").append(number).append('\n');
        text.append("        image: \"").append(image).append("\"\n");
        if (existing == null) {
            text.append("        size: ").append(size).append('\n');
        }
        text.append("        block-size: ").append(blockSize).append('\n');
        text.append("        read-only: ").append(readOnly).append('\n');
        extra.lines().forEach(line -> text.append("        ").append(line).append('\n'));
        return text.toString();
    }
}
