package io.lunkeeper.lun;

import static io.lunkeeper.lun.LunFixture.filled;
import static io.lunkeeper.lun.LunFixture.read;
import static io.lunkeeper.lun.LunFixture.write;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.image.ImageFile;
import io.lunkeeper.lun.image.ImageFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What is made of an error of the kernel that copies, which does not say on which side it is.
class CopyFailureTest {
    private static final int SIZE = 4 << 20;
    private static final int LENGTH = 65536;

    private final SimulatedFile from = new SimulatedFile(SIZE, new Random(1));
    private final SimulatedFile to = new SimulatedFile(SIZE, new Random(2));

    private static LunBackend open(String name, SimulatedFile file, boolean sharesBlocks)
            throws IOException {
        if (sharesBlocks) {
            file.allocateAtOnce(); // and such a file system may share them, too
        }
        ImageFile image = ImageFiles.over(Path.of(name), file);
        return new LunBackend(LunFixture.sparse(Path.of(name), SIZE), image, image::syncData);
    }

    /// Then it is not known what the copy holds: as after a write that failed, nobody is served any
    /// more.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whereTheSourceCanBeReadTheOtherSideHasFailed(boolean sharesBlocks) throws IOException {
        LunBackend copy = open("b", to, sharesBlocks);
        try (LunBackend source = open("a", from, sharesBlocks)) {
            write(source, 0, filled(LENGTH, 1));
            to.failNextCopy();
            LunFailedException failed =
                    assertThrows(LunFailedException.class, () -> copy.copy(source, 0, 0, LENGTH));
            assertTrue((failed.getMessage() + "").contains("image b has failed"), failed + "");
            assertTrue((failed.getMessage() + "").contains("Input/output error"), failed + "");
            assertTrue(copy.statistics().failure().isPresent());
            assertThrows(LunFailedException.class, () -> copy.copy(source, 0, 0, LENGTH));
            assertThrows(LunFailedException.class, () -> read(copy, 0, 4096));
            assertThrows(LunFailedException.class, copy::flush);
            assertArrayEquals(filled(LENGTH, 1), read(source, 0, LENGTH));
            source.flush();
        }
        assertThrows(LunFailedException.class, copy::close);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whereItCannotNeitherHas(boolean sharesBlocks) throws IOException {
        try (LunBackend source = open("a", from, sharesBlocks);
                LunBackend copy = open("b", to, sharesBlocks)) {
            write(source, 0, filled(LENGTH, 1));
            from.unreadable(true);
            to.failNextCopy();
            assertThrows(CopySourceException.class, () -> copy.copy(source, 0, 0, LENGTH));
            from.unreadable(false);
            assertEquals(Optional.empty(), source.statistics().failure());
            assertEquals(Optional.empty(), copy.statistics().failure());
            write(copy, LENGTH, filled(4096, 2));
            copy.copy(source, 0, 0, LENGTH);
            copy.flush();
            assertArrayEquals(filled(LENGTH, 1), read(copy, 0, LENGTH));
            assertArrayEquals(filled(4096, 2), read(copy, LENGTH, 4096));
        }
    }
}
