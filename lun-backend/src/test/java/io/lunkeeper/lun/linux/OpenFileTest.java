package io.lunkeeper.lun.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OpenFileTest {
    @TempDir private Path directory;
    private Path path;
    private final ByteBuf memory = Unpooled.directBuffer(1 << 20);

    enum Kind {
        LINUX,
        PORTABLE;

        OpenFile open(Path path, OpenFile.Access access) throws IOException {
            assumeTrue(this == PORTABLE || LinuxFile.SUPPORTED, "needs Linux");
            return this == LINUX
                    ? LinuxFile.open(path, access, false)
                    : PortableFile.open(path, access, false);
        }
    }

    @BeforeEach
    void createFile() throws IOException {
        path = directory.resolve("file");
        Files.write(path, new byte[0]);
    }

    @AfterEach
    void releaseMemory() {
        memory.release();
    }

    private OpenFile openLinux() throws IOException {
        return Kind.LINUX.open(path, OpenFile.Access.READ_WRITE);
    }

    /// A time of last access before that of the last change would be brought up to date by a read.
    @Test
    void readingLeavesTheTimeOfLastAccess() throws IOException {
        put(pattern(4096, 0));
        try (OpenFile file = openLinux()) {
            file.write(0, memory.memoryAddress(), 4096);
            FileTime longAgo = FileTime.fromMillis(1_000_000_000_000L);
            Files.setAttribute(path, "lastAccessTime", longAgo);
            file.read(0, memory.memoryAddress(), 4096);
            assertEquals(longAgo, Files.getAttribute(path, "lastAccessTime"));
        }
    }

    private void put(byte[] bytes) {
        memory.setBytes(0, bytes);
    }

    private byte[] got(int length) {
        byte[] bytes = new byte[length];
        memory.getBytes(0, bytes);
        return bytes;
    }

    private static byte[] pattern(int length, int start) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (start + i * 7 + 1 | 1);
        }
        return bytes;
    }

    @ParameterizedTest
    @EnumSource
    void readsWhatWasWritten(Kind kind) throws IOException {
        byte[] bytes = pattern(10_000, 3);
        try (OpenFile file = kind.open(path, OpenFile.Access.READ_WRITE)) {
            put(bytes);
            file.write(5, memory.memoryAddress(), bytes.length);
            memory.setZero(0, bytes.length);
            assertEquals(bytes.length, file.read(5, memory.memoryAddress(), bytes.length));
            assertArrayEquals(bytes, got(bytes.length));
            file.syncData();
            file.sync();
            assertEquals(10_005, file.status().sizeBytes());
        }
        assertEquals(10_005, Files.size(path));
    }

    @ParameterizedTest
    @EnumSource
    void readEndsWithTheFile(Kind kind) throws IOException {
        try (OpenFile file = kind.open(path, OpenFile.Access.READ_WRITE)) {
            file.resize(100);
            assertEquals(100, file.status().sizeBytes());
            assertEquals(40, file.read(60, memory.memoryAddress(), 4096));
            assertEquals(0, file.read(100, memory.memoryAddress(), 4096));
        }
    }

    @ParameterizedTest
    @EnumSource
    void createsOnlyWhatIsNotThere(Kind kind) throws IOException {
        assertThrows(IOException.class, () -> kind.open(path, OpenFile.Access.CREATE));
        Path fresh = directory.resolve("fresh");
        try (OpenFile file = kind.open(fresh, OpenFile.Access.CREATE)) {
            assertTrue(file.status().regular());
        }
        assertTrue(Files.exists(fresh));
        OpenFile.syncDirectory(directory);
    }

    @ParameterizedTest
    @EnumSource
    void hardLinksHaveOneIdentity(Kind kind) throws IOException {
        Path link = directory.resolve("link");
        Files.createLink(link, path);
        Path other = Files.write(directory.resolve("other"), new byte[0]);
        try (OpenFile a = kind.open(path, OpenFile.Access.READ_ONLY);
                OpenFile b = kind.open(link, OpenFile.Access.READ_ONLY);
                OpenFile c = kind.open(other, OpenFile.Access.READ_ONLY)) {
            assertEquals(a.status().identity(), b.status().identity());
            assertNotEquals(a.status().identity(), c.status().identity());
        }
    }

    @Test
    void errorsNameCallFileAndReason() throws IOException {
        assumeTrue(LinuxFile.SUPPORTED, "needs Linux");
        Path missing = directory.resolve("missing");
        SystemCallException e =
                assertThrows(
                        SystemCallException.class,
                        () -> LinuxFile.open(missing, OpenFile.Access.READ_ONLY, false));
        assertEquals(Errno.ENOENT, e.errno());
        assertEquals(missing + ": open: No such file or directory", e.getMessage());
        try (OpenFile file = Kind.LINUX.open(path, OpenFile.Access.READ_ONLY)) {
            assertThrows(SystemCallException.class, () -> file.write(0, memory.memoryAddress(), 1));
        }
    }

    @Test
    void readsFromThePageCacheWithoutWaiting() throws IOException {
        byte[] bytes = pattern(8192, 9);
        try (OpenFile file = openLinux()) {
            put(bytes);
            file.write(0, memory.memoryAddress(), bytes.length);
            memory.setZero(0, bytes.length);
            assertEquals(4096, file.readNow(4096, memory.memoryAddress(), 8192));
            assertArrayEquals(Arrays.copyOfRange(bytes, 4096, 8192), got(4096));
        }
    }

    @Test
    void zeroRangeAndPunchHoleZeroPartsOfBlocks() throws IOException {
        byte[] bytes = pattern(65536, 1);
        try (OpenFile file = openLinux()) {
            put(bytes);
            file.write(0, memory.memoryAddress(), bytes.length);
            assumeTrue(file.zeroRange(1000, 9001), "the file system has no ZERO_RANGE");
            assumeTrue(file.punchHole(20_001, 30_000), "the file system has no PUNCH_HOLE");
            Arrays.fill(bytes, 1000, 10_001, (byte) 0);
            Arrays.fill(bytes, 20_001, 50_001, (byte) 0);
            file.read(0, memory.memoryAddress(), bytes.length);
            assertArrayEquals(bytes, got(bytes.length));
            assertEquals(65536, file.status().sizeBytes());
        }
    }

    private record Extent(long offset, long length, boolean unwritten) {}

    @Test
    void tellsExtentsAndHoles() throws IOException {
        try (OpenFile file = openLinux()) {
            file.resize(1 << 20);
            put(pattern(65536, 1));
            file.write(0, memory.memoryAddress(), 65536);
            assumeTrue(file.allocate(262_144, 65536), "the file system has no fallocate");
            file.startWriteback(0, 65536);
            file.syncData();
            List<Extent> extents = new ArrayList<>();
            boolean told =
                    file.extents(
                            0,
                            1 << 20,
                            (offset, length, _, flags) ->
                                    extents.add(
                                            new Extent(
                                                    offset,
                                                    length,
                                                    (flags & ExtentSink.UNWRITTEN) != 0)));
            assumeTrue(told, "the file system does not map extents");
            assertEquals(
                    List.of(new Extent(0, 65536, false), new Extent(262_144, 65536, true)),
                    extents);
            assertEquals(65536, file.nextHole(0));
            assertEquals(0, file.nextData(0));
            assertEquals(1 << 20, file.nextData(524_288));
        }
    }

    @Test
    void mapsMoreExtentsThanFitInOneCall() throws IOException {
        try (OpenFile file = openLinux()) {
            file.resize(1200 * 8192L);
            put(pattern(4096, 1));
            for (int i = 0; i < 1200; i++) {
                file.write(i * 8192L, memory.memoryAddress(), 4096);
            }
            file.syncData();
            List<Long> offsets = new ArrayList<>();
            boolean told = file.extents(0, 1200 * 8192L, (offset, _, _, _) -> offsets.add(offset));
            assumeTrue(told, "the file system does not map extents");
            assertEquals(1200, offsets.size());
            assertEquals(1199 * 8192L, offsets.getLast());
        }
    }

    @Test
    void locksBelongToTheOpenFile() throws IOException {
        try (OpenFile a = openLinux()) {
            try (OpenFile b = openLinux()) {
                assertTrue(a.tryLock(100, 1, false));
                assertTrue(b.tryLock(100, 1, false));
                assertTrue(a.lockedElsewhere(100, 1));
                assertFalse(a.lockedElsewhere(101, 1));
                assertFalse(a.tryLock(100, 1, true));
            }
            assertFalse(a.lockedElsewhere(100, 1));
            assertTrue(a.tryLock(100, 1, true));
        }
    }

    @Test
    void opensPastThePageCache() throws IOException {
        assumeTrue(LinuxFile.SUPPORTED, "needs Linux");
        int index = (int) (-memory.memoryAddress() & 4095);
        try (OpenFile file = LinuxFile.open(path, OpenFile.Access.READ_WRITE, true)) {
            int alignment = file.status().directAlignment();
            assertTrue(alignment == 0 || Integer.bitCount(alignment) == 1, "" + alignment);
            assertTrue((flagsOf(path) & LinuxFile.O_DIRECT) != 0);
            memory.setBytes(index, pattern(8192, 5));
            file.write(4096, memory.memoryAddress() + index, 8192);
            memory.setZero(index, 8192);
            assertEquals(8192, file.read(4096, memory.memoryAddress() + index, 8192));
            byte[] bytes = new byte[8192];
            memory.getBytes(index, bytes);
            assertArrayEquals(pattern(8192, 5), bytes);
        }
    }

    /// The flags of this process's descriptor of a file, as the kernel has them.
    private static int flagsOf(Path file) throws IOException {
        try (DirectoryStream<Path> descriptors =
                Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors) {
                if (Files.isSymbolicLink(descriptor)
                        && Files.readSymbolicLink(descriptor).equals(file.toRealPath())) {
                    Path info = Path.of("/proc/self/fdinfo").resolve(descriptor.getFileName());
                    return Files.readAllLines(info).stream()
                            .filter(line -> line.startsWith("flags:"))
                            .mapToInt(line -> Integer.parseInt(line.substring(6).strip(), 8))
                            .findFirst()
                            .orElseThrow();
                }
            }
        }
        throw new AssertionError("no descriptor of " + file);
    }
}
