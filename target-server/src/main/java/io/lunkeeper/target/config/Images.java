package io.lunkeeper.target.config;

import io.lunkeeper.lun.LunSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// The image files of a configuration: where they are, whether what is there now can be served, and
/// that no two LUNs share one. Looks at attributes only; nothing is opened, locked or created.
final class Images {
    /// Lines by path, and by the file system's own identity, which links share.
    private final Map<Object, Integer> lines = new HashMap<>();

    /// Claims an image for one LUN.
    ///
    /// @param sized whether the file has a `size`, right or wrong
    /// @return nothing when it cannot be had; the reason is reported
    Optional<LunSpec> claim(Entry entry, LunSpec spec, boolean sized) {
        Path image = spec.image();
        try {
            Optional<String> fault =
                    Files.exists(image) ? existingFault(spec) : missingFault(spec, sized);
            if (fault.isPresent()) {
                return entry.wrong(fault.get());
            }
            Integer earlier = lines.putIfAbsent(image, entry.line());
            if (earlier == null) {
                earlier = lines.putIfAbsent(identity(image), entry.line());
            }
            return earlier == null
                    ? Optional.of(spec)
                    : entry.wrong("another LUN has this image, line " + earlier);
        } catch (IOException e) {
            return entry.wrong(image + " cannot be looked at: " + e);
        }
    }

    /// What stays the same whatever links lead to the file.
    private static Object identity(Path image) throws IOException {
        if (Files.exists(image)) {
            Object key = Files.readAttributes(image, BasicFileAttributes.class).fileKey();
            return key == null ? image.toRealPath().toString() : key;
        }
        Path ancestor = existingAncestor(image);
        return ancestor.toRealPath().resolve(ancestor.relativize(image)).toString();
    }

    private static Path existingAncestor(Path image) {
        Path ancestor = image;
        while (!Files.exists(ancestor) && ancestor.getParent() != null) {
            ancestor = ancestor.getParent();
        }
        return ancestor;
    }

    private static Optional<String> missingFault(LunSpec spec, boolean sized) {
        Path image = spec.image();
        if (Files.isSymbolicLink(image)) {
            return Optional.of(image + " is a link to a file that does not exist");
        }
        if (spec.readOnly()) {
            return Optional.of(
                    image
                            + " does not exist, and a read-only LUN cannot create it;"
                            + " name an image that exists");
        }
        if (!sized) {
            return Optional.of(image + " does not exist; add size: to create it");
        }
        Path ancestor = existingAncestor(image);
        if (!Files.isDirectory(ancestor)) {
            return Optional.of(image + " cannot be created: " + ancestor + " is not a directory");
        }
        return Files.isWritable(ancestor)
                ? Optional.empty()
                : Optional.of(image + " cannot be created: this user may not write in " + ancestor);
    }

    private static Optional<String> existingFault(LunSpec spec) throws IOException {
        Path image = spec.image();
        BasicFileAttributes attributes = Files.readAttributes(image, BasicFileAttributes.class);
        if (!attributes.isRegularFile()) {
            return Optional.of(
                    image
                            + (attributes.isDirectory()
                                    ? " is a directory"
                                    : " is not a regular file")
                            + "; name an image file");
        }
        if (!Files.isReadable(image) || (!spec.readOnly() && !Files.isWritable(image))) {
            return Optional.of(
                    "this user may not " + (spec.readOnly() ? "read " : "read and write ") + image);
        }
        long bytes = attributes.size();
        long wanted = spec.sizeBytes().orElse(bytes);
        if (bytes > wanted || (spec.readOnly() && bytes < wanted)) {
            return Optional.of(
                    image
                            + " has "
                            + bytes
                            + " bytes, not the "
                            + wanted
                            + " of size; remove size, or make them the same"
                            + (spec.readOnly() ? "" : ": an image only grows"));
        }
        if (spec.sizeBytes().isEmpty() && (bytes == 0 || bytes % spec.blockSizeBytes() != 0)) {
            return Optional.of(
                    image
                            + " has "
                            + bytes
                            + " bytes, not a positive multiple of block-size, "
                            + spec.blockSizeBytes());
        }
        return Optional.empty();
    }
}
