package io.lunkeeper.lun;

import static io.lunkeeper.lun.LunFixture.filled;
import static io.lunkeeper.lun.LunFixture.read;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ErasureTest {
    private static final int SIZE = 1 << 20;

    @TempDir Path directory;

    private LunBackend open(Allocation allocation) throws IOException {
        return LunBackend.open(
                LunFixture.spec(
                        directory.resolve("image"), SIZE, allocation, CacheMode.WRITE_BACK));
    }

    private static void overwrite(LunBackend lun, long offset, byte[] bytes) throws IOException {
        ByteBuf source = LunFixture.buffer(bytes);
        try {
            lun.erasure().overwrite(offset, source);
        } finally {
            source.release();
        }
    }

    @Test
    void nobodyElseChangesTheImage() throws IOException {
        try (LunBackend lun = open(Allocation.SPARSE)) {
            LunFixture.write(lun, 0, filled(8192, 1));
            ByteBuf block = LunFixture.buffer(filled(4096, 1));
            lun.erasure().begin();
            assertFalse(LunFixture.tryWrite(lun, 0, filled(4096, 2)));
            assertThrows(
                    BeingErasedException.class, () -> LunFixture.write(lun, 0, filled(4096, 2)));
            assertThrows(BeingErasedException.class, () -> lun.zero(0, 4096));
            assertThrows(BeingErasedException.class, () -> LunFixture.unmap(lun, 0, 4096));
            assertThrows(BeingErasedException.class, () -> lun.or(0, block));
            assertThrows(BeingErasedException.class, () -> lun.compareAndWrite(0, block, block));
            assertArrayEquals(filled(8192, 1), read(lun, 0, 8192));
            overwrite(lun, 4096, filled(4096, 3));
            assertArrayEquals(filled(4096, 3), read(lun, 4096, 4096));
            lun.erasure().clear(0, SIZE);
            assertArrayEquals(new byte[SIZE], read(lun, 0, SIZE));
            lun.erasure().end();
            LunFixture.write(lun, 0, filled(4096, 4));
            assertTrue(LunFixture.tryWrite(lun, 0, filled(4096, 5)));
            lun.flush();
            assertArrayEquals(filled(4096, 5), read(lun, 0, 4096));
            block.release();
        }
    }

    /// And after a restart, where only the file can tell.
    @ParameterizedTest
    @EnumSource(Allocation.class)
    void spaceIsGivenBackOrKeptAsTheImageIsToHaveIt(Allocation allocation) throws IOException {
        try (LunBackend lun = open(allocation)) {
            LunFixture.write(lun, 0, filled(SIZE, 1));
            lun.flush();
            assertTrue(lun.space().usedBytes() >= SIZE);
            lun.erasure().clear(0, SIZE);
            lun.flush();
            boolean sparse = allocation == Allocation.SPARSE;
            assertEquals(sparse, lun.space().usedBytes() < SIZE);
            lun.provisioning(
                    0,
                    SIZE,
                    (state, _, length) -> {
                        assertEquals(
                                sparse ? Provisioning.DEALLOCATED : Provisioning.ANCHORED, state);
                        assertEquals(SIZE, length);
                        return true;
                    });
            assertArrayEquals(new byte[SIZE], LunFixture.readAnyWay(lun, 0, SIZE));
        }
        try (LunBackend lun = open(allocation)) {
            assertArrayEquals(new byte[SIZE], LunFixture.readAnyWay(lun, 0, SIZE));
        }
    }

    @Test
    void knowsWhetherItCanOverwrite() throws IOException {
        try (LunBackend lun = open(Allocation.SPARSE)) {
            assertTrue(lun.erasure().overwritesInPlace());
            assertFalse(lun.erasure().sharesBlocks(0, SIZE));
            assertTrue(lun.erasure().hasRoomForAll());
        }
    }

    @Test
    void findsBlocksThatAnotherFileShares() throws IOException {
        try (LoopMount mount = LoopMount.of("xfs", 400)) {
            Path image = mount.folder().resolve("image");
            Path copy = mount.folder().resolve("copy");
            LunSpec spec = LunFixture.spec(image, SIZE, Allocation.SPARSE, CacheMode.WRITE_BACK);
            try (LunBackend lun = LunBackend.open(spec)) {
                LunFixture.write(lun, SIZE / 2, filled(4096, 1));
                lun.flush();
                assertFalse(lun.erasure().sharesBlocks(0, SIZE));
                assertEquals(0, LoopMount.run("cp", "--reflink=always", image + "", copy + ""));
                assertFalse(lun.erasure().sharesBlocks(0, SIZE / 4));
                assertTrue(lun.erasure().sharesBlocks(0, SIZE));
            }
        }
    }

    @Test
    void knowsWhenTheFileSystemHasNoRoomForAll() throws IOException {
        try (LoopMount mount = LoopMount.of("ext4", 16)) {
            Path filler = mount.folder().resolve("filler");
            LunSpec spec =
                    LunFixture.spec(
                            mount.folder().resolve("image"),
                            SIZE,
                            Allocation.SPARSE,
                            CacheMode.WRITE_BACK);
            try (LunBackend lun = LunBackend.open(spec)) {
                assertTrue(lun.erasure().hasRoomForAll());
                long left = Files.getFileStore(mount.folder()).getUsableSpace() - SIZE / 2;
                assertEquals(0, LoopMount.run("fallocate", "-l", left + "", filler + ""));
                assertFalse(lun.erasure().hasRoomForAll());
                Files.delete(filler);
                assertTrue(lun.erasure().hasRoomForAll());
            }
        }
    }
}
