package io.lunkeeper.target.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Images as they are found on disk.
final class ImagesTest {
    @TempDir Path directory;

    /// One target whose LUNs are the lines, from line 5 on.
    private Path write(String... luns) throws IOException {
        StringBuilder yaml = new StringBuilder("portals: [{listen: \"127.0.0.1:0\"}]\ntargets:\n");
        yaml.append("  - iqn: iqn.2026-11.io.x:a\n    luns:\n");
        for (int i = 0; i < luns.length; i++) {
            yaml.append("      - {lun: ").append(i).append(", ").append(luns[i]).append("}\n");
        }
        return Files.writeString(directory.resolve("x.yaml"), yaml);
    }

    private void assertFault(String message, String... luns) throws IOException {
        Path file = write(luns);
        int last = luns.length - 1;
        assertEquals(
                file + ":" + (5 + last) + ": targets[0].luns[" + last + "].image: " + message,
                ConfigurationRejection.of(file));
    }

    private Path image(String name, int bytes) throws IOException {
        return Files.write(directory.resolve(name), new byte[bytes]);
    }

    @Test
    void acceptsImagesThatFit() throws Exception {
        image("whole.img", 4096);
        image("sized.img", 8192);
        Path file =
                write(
                        "image: whole.img",
                        "image: sized.img, size: 8192",
                        "image: new.img, size: 4096");
        assertEquals(
                3,
                ConfigurationFile.read(file, EnumSet.noneOf(Feature.class))
                        .targets()
                        .getFirst()
                        .luns()
                        .size());
    }

    @Test
    void missingImageNeedsASize() throws Exception {
        Path image = directory.resolve("a.img");
        assertFault(image + " does not exist; add size: to create it", "image: a.img");
    }

    @Test
    void missingImageCannotBeReadOnly() throws Exception {
        Path image = directory.resolve("a.img");
        assertFault(
                image
                        + " does not exist, and a read-only LUN cannot create it; name an image"
                        + " that exists",
                "image: a.img, size: 1MiB, read-only: true");
    }

    @Test
    void readOnlyImageIsNotAllocated() throws Exception {
        image("a.img", 4096);
        Path file = write("image: a.img, read-only: true, allocate: full");
        assertEquals(
                file
                        + ":5: targets[0].luns[0].allocate: a read-only image is not allocated;"
                        + " remove allocate or read-only",
                ConfigurationRejection.of(file));
    }

    @Test
    void wrongSizesAreReportedInBytes() throws Exception {
        Path image = image("a.img", 1000);
        assertFault(
                image + " has 1000 bytes, not a positive multiple of block-size, 512",
                "image: a.img");
        assertFault(
                image
                        + " has 1000 bytes, not the 512 of size; remove size, or make them the"
                        + " same: an image only grows",
                "image: a.img, size: 512");
        assertFault(
                image
                        + " has 1000 bytes, not the 1048576 of size; remove size, or make them the"
                        + " same",
                "image: a.img, size: 1MiB, read-only: true");
    }

    @Test
    void imageMustBeAFile() throws Exception {
        Path sub = Files.createDirectory(directory.resolve("sub"));
        assertFault(sub + " is a directory; name an image file", "image: sub");
        assertFault("/dev/null is not a regular file; name an image file", "image: /dev/null");
    }

    @Test
    void directoryOfANewImageMustBeOne() throws Exception {
        Path file = image("file", 1);
        assertFault(
                directory.resolve("file/a.img")
                        + " cannot be created: "
                        + file
                        + " is not a directory",
                "image: file/a.img, size: 1MiB");
    }

    @Test
    void forbiddenImageIsReported() throws Exception {
        Path image = image("a.img", 4096);
        Files.setPosixFilePermissions(image, java.util.Set.of());
        assumeFalse(Files.isReadable(image), "runs as a user who may read everything");
        assertFault("this user may not read and write " + image, "image: a.img");
    }

    @Test
    void danglingLinkIsReported() throws Exception {
        Path link = directory.resolve("link.img");
        Files.createSymbolicLink(link, directory.resolve("nowhere.img"));
        assertFault(
                link + " is a link to a file that does not exist", "image: link.img, size: 1MiB");
    }

    @Test
    void noTwoLunsShareAnImageHoweverItIsSpelled() throws Exception {
        image("a.img", 4096);
        Files.createSymbolicLink(directory.resolve("link.img"), directory.resolve("a.img"));
        Files.createLink(directory.resolve("hard.img"), directory.resolve("a.img"));
        for (String name : new String[] {"a.img", "./sub/../a.img", "link.img", "hard.img"}) {
            assertFault("another LUN has this image, line 5", "image: a.img", "image: " + name);
        }
    }

    @Test
    void noTwoLunsShareAnImageThatIsYetToBe() throws Exception {
        Files.createDirectory(directory.resolve("real"));
        Files.createSymbolicLink(directory.resolve("link"), directory.resolve("real"));
        assertFault(
                "another LUN has this image, line 5",
                "image: real/a.img, size: 1MiB",
                "image: link/a.img, size: 1MiB");
    }
}
