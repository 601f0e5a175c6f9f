package io.lunkeeper.lun;

import static io.lunkeeper.lun.LunFixture.filled;
import static io.lunkeeper.lun.LunFixture.read;
import static io.lunkeeper.lun.LunFixture.tryRead;
import static io.lunkeeper.lun.LunFixture.tryWrite;
import static io.lunkeeper.lun.LunFixture.write;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lunkeeper.lun.image.ImageFile;
import io.lunkeeper.lun.writeback.FlushGate;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LunBackendTest {
    private static final int SIZE = 8 << 20;

    /// Two windows of the extent tree.
    private static final int LARGE = 32 << 20;

    @TempDir private Path directory;

    private LunBackend open(CacheMode mode) throws IOException {
        return LunBackend.open(
                LunFixture.spec(directory.resolve("image"), SIZE, Allocation.SPARSE, mode));
    }

    private LunBackend openLarge(CacheMode mode) throws IOException {
        return LunBackend.open(
                LunFixture.spec(directory.resolve("large"), LARGE, Allocation.SPARSE, mode));
    }

    @Test
    void answersHolesFromTheMapAlone() throws IOException {
        try (LunBackend lun = openLarge(CacheMode.DIRECT)) {
            // Past the page cache, only the map can answer a read at once.
            assertFalse(tryRead(lun, 0, 4096), "nothing is known yet");
            assertArrayEquals(new byte[4096], read(lun, 0, 4096));
            assumeTrue(tryRead(lun, 0, 4096), "the file system does not map extents");
            assertTrue(tryRead(lun, 1000, 2 << 20));
            assertFalse(tryRead(lun, 17 << 20, 4096), "the next window is still unknown");
            write(lun, 8192, filled(100, 1));
            assertFalse(tryRead(lun, 8192, 512));
            assertTrue(tryRead(lun, 12_288, 512));
            LunFixture.unmap(lun, 8192, 4096);
            assertTrue(tryRead(lun, 8192, 4096));
        }
    }

    private static String provisioning(LunBackend lun, long offset, long length)
            throws IOException {
        StringBuilder runs = new StringBuilder();
        lun.provisioning(
                offset,
                length,
                (provisioning, at, bytes) -> {
                    runs.append("%d+%d=%s ".formatted(at, bytes, provisioning));
                    return true;
                });
        return runs.toString();
    }

    @Test
    void tellsHowARangeIsProvisionedAcrossWindows() throws IOException {
        try (LunBackend lun = openLarge(CacheMode.WRITE_BACK)) {
            String empty = provisioning(lun, 0, LARGE);
            assumeTrue(empty.contains("DEALLOCATED"), "the file system does not map extents");
            assertEquals("0+33554432=DEALLOCATED ", empty);
            write(lun, (16 << 20) - 4096, filled(8192, 1));
            lun.zero(0, 8192);
            // By now the chunks of what was written must have their space.
            lun.flush();
            assertEquals(
                    "0+8192=ANCHORED 8192+16506880=DEALLOCATED 16515072+258048=ANCHORED"
                            + " 16773120+8192=MAPPED 16781312+258048=ANCHORED"
                            + " 17039360+16515072=DEALLOCATED ",
                    provisioning(lun, 0, LARGE));
            assertEquals("16777216+512=MAPPED ", provisioning(lun, 16 << 20, 512));
        }
    }

    @Test
    void writesAtOnceOnlyWhereSpaceIsTakenAndPagesAreWhole() throws IOException {
        try (LunBackend lun = open(CacheMode.WRITE_BACK)) {
            byte[] page = filled(4096, 5);
            assertFalse(tryWrite(lun, 0, page), "unknown");
            write(lun, 0, filled(8192, 4));
            assertTrue(tryWrite(lun, 4096, page));
            int chunk = LunTuning.DEFAULT.allocationChunkBytes();
            assertTrue(tryWrite(lun, chunk - 4096, page), "the space of the chunk is there");
            assertFalse(tryWrite(lun, 512, page));
            assertFalse(tryWrite(lun, 0, filled(512, 5)));
            assertArrayEquals(filled(4096, 4), read(lun, 0, 4096));
            assertArrayEquals(page, read(lun, 4096, 4096));
            lun.zero(0, 4096);
            assertArrayEquals(new byte[4096], read(lun, 0, 4096));
            assertTrue(tryWrite(lun, 0, page), "unwritten, but the space is there");
            assertArrayEquals(page, read(lun, 0, 4096));
        }
        try (LunBackend lun = open(CacheMode.WRITE_THROUGH)) {
            write(lun, 0, filled(4096, 4));
            assertFalse(tryWrite(lun, 0, filled(4096, 4)), "must be flushed, which waits");
        }
    }

    @Test
    void overwritesMappedBlocksAtOnceAfterReopening() throws IOException {
        try (LunBackend lun = open(CacheMode.WRITE_BACK)) {
            write(lun, 0, filled(1 << 20, 4));
        }
        try (LunBackend lun = open(CacheMode.WRITE_BACK)) {
            assertTrue(tryRead(lun, 0, 4096), "warm");
            read(lun, 2 << 20, 4096);
            assumeTrue(tryWrite(lun, 4096, filled(4096, 5)), "no extents here");
            assertArrayEquals(filled(4096, 5), read(lun, 4096, 4096));
        }
    }

    @Test
    void takesBuffersWithoutOneAddress() throws IOException {
        for (CacheMode mode : CacheMode.values()) {
            try (LunBackend lun = open(mode)) {
                CompositeByteBuf source = Unpooled.compositeBuffer();
                source.addComponent(true, Unpooled.directBuffer().writeBytes(filled(5000, 1)));
                source.addComponent(true, Unpooled.wrappedBuffer(filled(100_000, 2)));
                ByteBuf destination = Unpooled.buffer(16);
                lun.write(300, source);
                lun.read(300, destination, 105_000);
                assertEquals(source, destination);
                assertEquals(0, source.readerIndex());
                source.release();
            }
        }
    }

    @Test
    void readOnlyLunRefusesWrites() throws IOException {
        Path image = directory.resolve("image");
        Files.write(image, filled(8192, 3));
        try (LunBackend lun = LunBackend.open(LunFixture.readOnly(image))) {
            assertTrue(lun.readOnly());
            assertArrayEquals(filled(8192, 3), read(lun, 0, 8192));
            assertFalse(tryWrite(lun, 0, filled(4096, 1)));
            assertThrows(IOException.class, () -> write(lun, 0, filled(4096, 1)));
            assertThrows(IOException.class, () -> lun.zero(0, 4096));
            assertThrows(IOException.class, () -> LunFixture.unmap(lun, 0, 4096));
            lun.flush();
        }
        assertArrayEquals(filled(8192, 3), Files.readAllBytes(image));
    }

    @Test
    void imageCutShortIsAnErrorAndNoZeros() throws IOException {
        Path path = directory.resolve("image");
        for (CacheMode mode : CacheMode.values()) {
            Files.write(path, filled(SIZE, 3));
            try (LunBackend lun = open(mode)) {
                try (var channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
                    channel.truncate(4096);
                }
                IOException e = assertThrows(IOException.class, () -> read(lun, 0, 8192));
                assertEquals(path + " ends at 4096: another program cut it short", e.getMessage());
            }
        }
    }

    @Test
    void tellsWhenAFlushIsDoneWithoutWaitingForIt() throws Exception {
        try (LunBackend lun = open(CacheMode.WRITE_BACK)) {
            write(lun, 0, filled(8192, 1));
            CompletableFuture<@Nullable IOException> answer = new CompletableFuture<>();
            lun.flush(answer::complete);
            lun.flushSoon();
            assertNull(answer.get(60, TimeUnit.SECONDS));
        }
    }

    @Test
    void failedFlushFailsTheLunForGood() throws Exception {
        Path path = directory.resolve("image");
        LunSpec spec = LunFixture.sparse(path, SIZE);
        LunBackend.open(spec).close();
        IOException failure = new IOException("medium error");
        FlushGate.Synchronization failing =
                () -> {
                    throw failure;
                };
        LunBackend lun = new LunBackend(spec, ImageFile.open(path, false, false), failing);
        write(lun, 0, filled(8192, 1));
        LunFailedException first = assertThrows(LunFailedException.class, lun::flush);
        assertSame(failure, first.getCause());
        assertThrows(LunFailedException.class, lun::flush);
        assertThrows(LunFailedException.class, () -> read(lun, 0, 512));
        assertThrows(LunFailedException.class, () -> write(lun, 0, filled(512, 1)));
        assertThrows(LunFailedException.class, () -> lun.zero(0, 512));
        assertThrows(LunFailedException.class, () -> LunFixture.unmap(lun, 0, 512));
        assertFalse(tryRead(lun, 0, 512));
        assertFalse(tryWrite(lun, 0, filled(4096, 1)));
        CompletableFuture<@Nullable IOException> answer = new CompletableFuture<>();
        lun.read(0, Unpooled.directBuffer(4096), 4096, answer::complete);
        assertInstanceOf(
                LunFailedException.class,
                answer.get(60, TimeUnit.SECONDS),
                "what the page cache has is no answer any more");
        assertThrows(LunFailedException.class, lun::close);
        LunBackend.open(spec).close();
    }

    @Test
    void runningOutOfSpaceIsToldAndEnds() throws IOException, InterruptedException {
        Path mount = Files.createDirectory(directory.resolve("mount"));
        assumeTrue(
                run("mount", "-t", "tmpfs", "-o", "size=1m", "none", mount.toString()),
                "may not mount here");
        try {
            fillAndEmpty(mount.resolve("image"));
            LunSpec reserve =
                    LunFixture.spec(
                            mount.resolve("big"), SIZE, Allocation.RESERVE, CacheMode.WRITE_BACK);
            assertThrows(LunOpenException.class, () -> LunBackend.open(reserve).close());
            LunSpec full =
                    LunFixture.spec(
                            mount.resolve("big"), SIZE, Allocation.FULL, CacheMode.WRITE_BACK);
            assertThrows(LunOpenException.class, () -> LunBackend.open(full).close());
            assertFalse(Files.exists(mount.resolve("big")));
        } finally {
            assertTrue(run("umount", mount.toString()));
        }
    }

    @Test
    void failedCreationLeavesNoFile() throws IOException, InterruptedException {
        Path mount = Files.createDirectory(directory.resolve("mount"));
        assumeTrue(run("mount", "-t", "ramfs", "none", mount.toString()), "may not mount here");
        try {
            Path image = mount.resolve("image");
            LunSpec direct = LunFixture.spec(image, SIZE, Allocation.SPARSE, CacheMode.DIRECT);
            LunOpenException e =
                    assertThrows(LunOpenException.class, () -> LunBackend.open(direct).close());
            assertEquals(
                    "image "
                            + image
                            + " is on a file system without direct input and output;"
                            + " use another cache mode",
                    e.getMessage());
            assertFalse(Files.exists(image));
            LunSpec reserve =
                    LunFixture.spec(image, SIZE, Allocation.RESERVE, CacheMode.WRITE_BACK);
            assertThrows(LunOpenException.class, () -> LunBackend.open(reserve).close());
            assertFalse(Files.exists(image));
        } finally {
            assertTrue(run("umount", mount.toString()));
        }
    }

    private static void fillAndEmpty(Path image) throws IOException {
        try (LunBackend lun = LunBackend.open(LunFixture.sparse(image, SIZE))) {
            write(lun, 0, filled(65536, 1));
            assertThrows(NoSpaceException.class, () -> write(lun, 65536, filled(2 << 20, 2)));
            assertArrayEquals(filled(65536, 1), read(lun, 0, 65536));
            // What a failed write did write must not hide behind a hole.
            assertArrayEquals(filled(4096, 2), read(lun, 65536, 4096));
            assertThrows(NoSpaceException.class, () -> write(lun, 4 << 20, filled(65536, 2)));
            read(lun, 4 << 20, 65536);
            LunFixture.unmap(lun, 65536, 2 << 20);
            assertArrayEquals(new byte[65536], read(lun, 65536, 65536));
            write(lun, 4 << 20, filled(65536, 3));
            assertArrayEquals(filled(65536, 3), read(lun, 4 << 20, 65536));
        }
    }

    private static boolean run(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).start().waitFor() == 0;
    }
}
