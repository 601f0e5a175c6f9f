package io.lunkeeper.lun.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A file by its descriptor. A call that was interrupted by a signal is made again, except for the
/// ones that report lost data (fsync and fdatasync): their answer counts, whatever it is.
final class LinuxFile implements OpenFile {
    private static final String ARCHITECTURE = System.getProperty("os.arch", "");

    /// Whether this process runs on Linux, on a processor whose constants are known here.
    static final boolean SUPPORTED =
            System.getProperty("os.name", "").toLowerCase(Locale.ROOT).equals("linux")
                    && (ARCHITECTURE.equals("amd64") || ARCHITECTURE.equals("aarch64"));

    private static final boolean AARCH64 = ARCHITECTURE.equals("aarch64");

    private static final int O_RDONLY = 0;
    private static final int O_RDWR = 2;
    private static final int O_CREAT = 0x40;
    private static final int O_EXCL = 0x80;
    private static final int O_NONBLOCK = 0x800;
    private static final int O_NOATIME = 0x40000;
    private static final int O_CLOEXEC = 0x80000;
    private static final int O_DIRECTORY = AARCH64 ? 0x4000 : 0x10000;
    static final int O_DIRECT = AARCH64 ? 0x10000 : 0x4000;

    /// Readable and writable by the owner, readable by the group: an image holds others' secrets.
    private static final int CREATE_MODE = 0640;

    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_DIOALIGN = 0x2000;
    private static final int STATX_MASK = STATX_BASIC_STATS | STATX_DIOALIGN;
    private static final int AT_FDCWD = -100;
    private static final int F_SETFL = 4;
    private static final int F_SETOWN = 8;
    private static final int F_SETSIG = 10;
    private static final int F_SETLEASE = 1024;
    private static final int F_GETLEASE = 1025;

    /// Ignored unless somebody asks for it, and nobody does.
    private static final int SIGURG = 23;

    private static final int ST_RDONLY = 1;
    private static final int S_IFMT = 0xf000;
    private static final int S_IFREG = 0x8000;
    private static final int S_IFDIR = 0x4000;

    /// `st_blocks` counts units of 512 bytes whatever the file system's blocks are.
    private static final int STAT_BLOCK_BYTES = 512;

    private static final int RWF_NOWAIT = 8;
    private static final int FALLOC_FL_KEEP_SIZE = 1;
    private static final int FALLOC_FL_PUNCH_HOLE = 2;
    private static final int FALLOC_FL_ZERO_RANGE = 16;
    private static final int FALLOC_FL_UNSHARE_RANGE = 64;
    private static final int SYNC_FILE_RANGE_WAIT_BEFORE = 1;
    private static final int SYNC_FILE_RANGE_WRITE = 2;
    private static final int POSIX_FADV_RANDOM = 1;
    private static final int POSIX_FADV_WILLNEED = 3;
    private static final int POSIX_FADV_DONTNEED = 4;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;

    private static final int F_OFD_GETLK = 36;
    private static final int F_OFD_SETLK = 37;
    private static final short F_RDLCK = 0;
    private static final short F_WRLCK = 1;
    private static final short F_UNLCK = 2;

    private static final MemorySegment EMPTY_PATH = Arena.global().allocateFrom("");

    private final int fd;
    private final String name;

    private LinuxFile(int fd, String name) {
        this.fd = fd;
        this.name = name;
    }

    /// A file's identity: the device and the number of its inode.
    private record Inode(long device, long number) {}

    static LinuxFile open(Path path, Access access, boolean direct) throws IOException {
        int flags =
                switch (access) {
                    case READ_ONLY -> O_RDONLY;
                    case READ_WRITE -> O_RDWR;
                    case CREATE -> O_RDWR | O_CREAT | O_EXCL;
                };
        // Without O_NONBLOCK the open of a named pipe would wait for its other end for ever.
        LinuxFile file = open(path, flags | O_NONBLOCK | (direct ? O_DIRECT : 0));
        // Each read would look at the time of the last one. Refused to others than the owner.
        file.fcntl(F_SETFL, O_NOATIME | (direct ? O_DIRECT : 0));
        return file;
    }

    private static LinuxFile open(Path path, int flags) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom(path.toString());
            long fd = retried(() -> SystemCalls.open(bytes, flags | O_CLOEXEC, CREATE_MODE));
            if (fd < 0) {
                throw failure("open", path.toString(), fd);
            }
            return new LinuxFile((int) fd, path.toString());
        }
    }

    static void syncDirectory(Path directory) throws IOException {
        try (LinuxFile opened = open(directory, O_RDONLY | O_DIRECTORY)) {
            opened.sync();
        }
    }

    private static long retried(LongSupplier call) {
        long result;
        do {
            result = call.getAsLong();
        } while (result == -Errno.EINTR);
        return result;
    }

    private static SystemCallException failure(String call, String file, long negatedErrno) {
        int errno = (int) -negatedErrno;
        return new SystemCallException(call, file, errno, SystemCalls.describe(errno));
    }

    private long checked(String call, long result) throws SystemCallException {
        if (result < 0) {
            throw failure(call, name, result);
        }
        return result;
    }

    /// `struct statx` has one layout on every processor, unlike `struct stat`.
    @Override
    public FileStatus status() throws IOException {
        MemorySegment status = SystemCalls.scratch();
        checked("statx", SystemCalls.statx(fd, EMPTY_PATH, AT_EMPTY_PATH, STATX_MASK, status));
        return status(status);
    }

    static @Nullable FileStatus statusOf(Path path) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = SystemCalls.scratch();
            MemorySegment bytes = arena.allocateFrom(path.toString());
            return SystemCalls.statx(AT_FDCWD, bytes, 0, STATX_MASK, status) < 0
                    ? null
                    : status(status);
        }
    }

    /// The identity of what a descriptor is open for, or null when it cannot be told.
    static @Nullable Object identity(int fd) {
        MemorySegment status = SystemCalls.scratch();
        return SystemCalls.statx(fd, EMPTY_PATH, AT_EMPTY_PATH, STATX_MASK, status) < 0
                ? null
                : status(status).identity();
    }

    private static FileStatus status(MemorySegment status) {
        boolean alignmentKnown = (status.get(JAVA_INT, 0) & STATX_DIOALIGN) != 0;
        int type = status.get(JAVA_SHORT, 28) & S_IFMT;
        long device = (long) status.get(JAVA_INT, 136) << 32 | status.get(JAVA_INT, 140);
        return new FileStatus(
                new Inode(device, status.get(JAVA_LONG, 32)),
                type == S_IFREG,
                type == S_IFDIR,
                status.get(JAVA_LONG, 40),
                status.get(JAVA_LONG, 48) * STAT_BLOCK_BYTES,
                alignmentKnown
                        ? Math.max(status.get(JAVA_INT, 152), status.get(JAVA_INT, 156))
                        : 0);
    }

    @Override
    public int read(long offset, long address, int length) throws IOException {
        int done = 0;
        while (done < length) {
            long result = SystemCalls.pread(fd, address + done, length - done, offset + done);
            if (result == -Errno.EINTR) {
                continue;
            }
            if (checked("pread", result) == 0) {
                return done;
            }
            done += (int) result;
        }
        return done;
    }

    @Override
    public int readNow(long offset, long address, int length) {
        return (int) SystemCalls.preadv2(fd, address, length, offset, RWF_NOWAIT);
    }

    @Override
    public void write(long offset, long address, int length) throws IOException {
        int done = 0;
        while (done < length) {
            long result = SystemCalls.pwrite(fd, address + done, length - done, offset + done);
            if (result == -Errno.EINTR) {
                continue;
            }
            if (checked("pwrite", result) == 0) {
                // A write of nothing would repeat for ever; the kernel reports no reason.
                throw failure("pwrite", name, -Errno.EIO);
            }
            done += (int) result;
        }
    }

    @Override
    public long copyFrom(OpenFile source, long sourceOffset, long offset, long length)
            throws IOException {
        if (!(source instanceof LinuxFile other)) {
            return 0;
        }
        long done = 0;
        while (done < length) {
            long result =
                    SystemCalls.copyFileRange(
                            other.fd, sourceOffset + done, fd, offset + done, length - done);
            if (result == -Errno.EINTR) {
                continue;
            }
            if (result == 0 || unableToCopy(result)) {
                break;
            }
            done += checked("copy_file_range", result);
        }
        return done;
    }

    private static boolean unableToCopy(long result) {
        return result == -Errno.EXDEV
                || result == -Errno.EINVAL
                || result == -Errno.EOPNOTSUPP
                || result == -Errno.ENOSYS;
    }

    @Override
    public boolean allocate(long offset, long length) throws IOException {
        return fallocate(FALLOC_FL_KEEP_SIZE, offset, length);
    }

    @Override
    public boolean unshare(long offset, long length) throws IOException {
        return fallocate(FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE, offset, length);
    }

    @Override
    public boolean zeroRange(long offset, long length) throws IOException {
        return fallocate(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, length);
    }

    @Override
    public boolean punchHole(long offset, long length) throws IOException {
        return fallocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
    }

    private boolean fallocate(int mode, long offset, long length) throws IOException {
        long result = retried(() -> SystemCalls.fallocate(fd, mode, offset, length));
        if (result == -Errno.EOPNOTSUPP) {
            return false;
        }
        checked("fallocate", result);
        return true;
    }

    @Override
    public void resize(long sizeBytes) throws IOException {
        checked("ftruncate", retried(() -> SystemCalls.ftruncate(fd, sizeBytes)));
    }

    @Override
    public void syncData() throws IOException {
        checked("fdatasync", SystemCalls.fdatasync(fd));
    }

    @Override
    public void sync() throws IOException {
        checked("fsync", SystemCalls.fsync(fd));
    }

    @Override
    public void startWriteback(long offset, long length) throws IOException {
        checked(
                "sync_file_range",
                SystemCalls.syncFileRange(fd, offset, length, SYNC_FILE_RANGE_WRITE));
    }

    @Override
    public void awaitWriteback(long offset, long length) throws IOException {
        checked(
                "sync_file_range",
                SystemCalls.syncFileRange(fd, offset, length, SYNC_FILE_RANGE_WAIT_BEFORE));
    }

    @Override
    public void readAhead(long offset, long length) {
        // A hint: what cannot be read ahead will be read, and the error met, when it is asked for.
        SystemCalls.posixFadvise(fd, offset, length, POSIX_FADV_WILLNEED);
    }

    @Override
    public void dropClean(long offset, long length) {
        // A hint: what stays cached is served from there.
        SystemCalls.posixFadvise(fd, offset, length, POSIX_FADV_DONTNEED);
    }

    @Override
    public void adviseRandom() throws IOException {
        checked("posix_fadvise", SystemCalls.posixFadvise(fd, 0, 0, POSIX_FADV_RANDOM));
    }

    @Override
    public boolean tryLock(long offset, long length, boolean exclusive) throws IOException {
        MemorySegment flock = flock(exclusive ? F_WRLCK : F_RDLCK, offset, length);
        long result = retried(() -> SystemCalls.fcntl(fd, F_OFD_SETLK, flock));
        if (result == -Errno.EAGAIN || result == -Errno.EACCES) {
            return false;
        }
        checked("fcntl(F_OFD_SETLK)", result);
        return true;
    }

    @Override
    public boolean tellsLocks() {
        return true;
    }

    @Override
    public boolean lockedElsewhere(long offset, long length) throws IOException {
        MemorySegment flock = flock(F_WRLCK, offset, length);
        checked("fcntl(F_OFD_GETLK)", SystemCalls.fcntl(fd, F_OFD_GETLK, flock));
        return flock.get(JAVA_SHORT, 0) != F_UNLCK;
    }

    /// Fills the thread's scratch memory with a `struct flock`; whence and pid are zero.
    private static MemorySegment flock(short type, long offset, long length) {
        MemorySegment flock = SystemCalls.scratch();
        flock.asSlice(0, 32).fill((byte) 0);
        flock.set(JAVA_SHORT, 0, type);
        flock.set(JAVA_LONG, 8, offset);
        flock.set(JAVA_LONG, 16, length);
        return flock;
    }

    /// A lease stands in the same list and is no lock.
    @Override
    public int locksHeld() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/fdinfo/" + fd))) {
            return (int)
                    lines.filter(line -> line.startsWith("lock:") && line.contains("OFDLCK"))
                            .count();
        } catch (IOException | UncheckedIOException _) {
            return -1;
        }
    }

    /// The kernel tells the holder of a lease by SIGIO, which ends a process that does not expect
    /// it. So, before there is a lease, the signal becomes one that is ignored, and after that it
    /// gets nobody to be sent to.
    @Override
    public boolean tryLease() {
        if (fcntl(F_SETSIG, SIGURG) < 0 || fcntl(F_SETLEASE, F_WRLCK) < 0) {
            return false;
        }
        fcntl(F_SETOWN, 0);
        return true;
    }

    @Override
    public Lease lease() {
        long target = fcntl(F_GETLEASE, 0);
        if (target == F_WRLCK) {
            return Lease.HELD;
        }
        return target == F_RDLCK ? Lease.READER_WAITS : Lease.WRITER_WAITS;
    }

    @Override
    public void giveUpLease() {
        fcntl(F_SETLEASE, F_UNLCK);
    }

    private long fcntl(int command, int argument) {
        return SystemCalls.fcntl(fd, command, MemorySegment.ofAddress(argument));
    }

    /// `struct statfs` of 64-bit processors.
    @Override
    public FileSystemStatus fileSystem() {
        MemorySegment status = SystemCalls.scratch();
        if (SystemCalls.fstatfs(fd, status) < 0) {
            return new FileSystemStatus(0, false, Long.MAX_VALUE);
        }
        return new FileSystemStatus(
                status.get(JAVA_LONG, 0),
                (status.get(JAVA_LONG, 80) & ST_RDONLY) != 0,
                status.get(JAVA_LONG, 32) * status.get(JAVA_LONG, 8));
    }

    @Override
    public Path selfPath() {
        return Path.of("/proc/self/fd/" + fd);
    }

    @Override
    public boolean extents(long offset, long length, ExtentSink sink) {
        return Fiemap.extents(fd, offset, length, sink);
    }

    @Override
    public long nextData(long offset) {
        long result = SystemCalls.lseek(fd, offset, SEEK_DATA);
        // No data at or after the offset: the rest of the file is a hole.
        return result == -Errno.ENXIO ? endOfFile(offset) : result;
    }

    private long endOfFile(long offset) {
        try {
            return Math.max(offset, status().sizeBytes());
        } catch (IOException _) {
            return -1;
        }
    }

    @Override
    public long nextHole(long offset) {
        return SystemCalls.lseek(fd, offset, SEEK_HOLE);
    }

    @Override
    public void close() throws IOException {
        checked("close", SystemCalls.close(fd));
    }
}
