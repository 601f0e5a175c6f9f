package io.lunkeeper.lun.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/// The system calls, one static method each, answering the result or the negated error number.
///
/// Memory is passed as raw addresses. Each thread owns one small piece of native memory for the
/// error number and for structures, so a call allocates nothing. `Linker.Option.critical` is not
/// used: a call that blocks would hold up every garbage collection.
// System calls and foreign memory are what this room is for.
@SuppressWarnings("restricted")
final class SystemCalls {
    /// Bytes of a thread's scratch memory: the largest structure passed is `struct statx`, 256.
    private static final int SCRATCH_BYTES = 256;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CAPTURED = Linker.Option.captureStateLayout();
    private static final long ERRNO_OFFSET =
            CAPTURED.byteOffset(MemoryLayout.PathElement.groupElement("errno"));

    private static final MethodHandle OPEN =
            variadic("open", 2, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
    private static final MethodHandle CLOSE = fixed("close", JAVA_INT, JAVA_INT);
    private static final MethodHandle STATX =
            fixed("statx", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS);
    private static final MethodHandle PREAD =
            fixed("pread", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle PWRITE =
            fixed("pwrite", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle PREADV2 =
            fixed("preadv2", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle FALLOCATE =
            fixed("fallocate", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle FTRUNCATE = fixed("ftruncate", JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle FSYNC = fixed("fsync", JAVA_INT, JAVA_INT);
    private static final MethodHandle FDATASYNC = fixed("fdatasync", JAVA_INT, JAVA_INT);
    private static final MethodHandle SYNC_FILE_RANGE =
            fixed("sync_file_range", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle POSIX_FADVISE =
            fixed("posix_fadvise", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle LSEEK =
            fixed("lseek", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle FCNTL =
            variadic("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
    private static final MethodHandle IOCTL =
            variadic("ioctl", 2, JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
    private static final MethodHandle FSTATFS = fixed("fstatfs", JAVA_INT, JAVA_INT, ADDRESS);
    private static final MethodHandle COPY_FILE_RANGE =
            fixed(
                    "copy_file_range",
                    JAVA_LONG,
                    JAVA_INT,
                    ADDRESS,
                    JAVA_INT,
                    ADDRESS,
                    JAVA_LONG,
                    JAVA_INT);
    private static final MethodHandle READ =
            fixed("read", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle WRITE =
            fixed("write", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle FANOTIFY_INIT =
            fixed("fanotify_init", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle FANOTIFY_MARK =
            fixed("fanotify_mark", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS);
    private static final MethodHandle STRERROR =
            LINKER.downcallHandle(
                    LINKER.defaultLookup().findOrThrow("strerror"),
                    FunctionDescriptor.of(ADDRESS, JAVA_INT));

    private static final ThreadLocal<Frame> FRAMES = ThreadLocal.withInitial(Frame::new);

    private SystemCalls() {}

    /// A thread's native memory for its calls.
    private static final class Frame {
        final MemorySegment captured;
        final MemorySegment scratch;

        Frame() {
            Arena arena = Arena.ofAuto();
            captured = arena.allocate(CAPTURED);
            scratch = arena.allocate(SCRATCH_BYTES, Long.BYTES);
        }

        long result(long returned) {
            return returned != -1 ? returned : -captured.get(JAVA_INT, ERRNO_OFFSET);
        }
    }

    private static MethodHandle fixed(
            String name, MemoryLayout result, MemoryLayout... parameters) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(name),
                FunctionDescriptor.of(result, parameters),
                Linker.Option.captureCallState("errno"));
    }

    private static MethodHandle variadic(
            String name, int firstVariadic, MemoryLayout result, MemoryLayout... parameters) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(name),
                FunctionDescriptor.of(result, parameters),
                Linker.Option.captureCallState("errno"),
                Linker.Option.firstVariadicArg(firstVariadic));
    }

    /// The calling thread's scratch memory, 256 bytes, for one structure during one call.
    static MemorySegment scratch() {
        return FRAMES.get().scratch;
    }

    static long open(MemorySegment path, int flags, int mode) {
        Frame frame = FRAMES.get();
        try {
            return frame.result((int) OPEN.invokeExact(frame.captured, path, flags, mode));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long close(int fd) {
        Frame frame = FRAMES.get();
        try {
            return frame.result((int) CLOSE.invokeExact(frame.captured, fd));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long statx(int fd, MemorySegment path, int flags, int mask, MemorySegment status) {
        Frame frame = FRAMES.get();
        try {
            return frame.result(
                    (int) STATX.invokeExact(frame.captured, fd, path, flags, mask, status));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long pread(int fd, long address, long length, long offset) {
        Frame frame = FRAMES.get();
        try {
            return frame.result(
                    (long) PREAD.invokeExact(frame.captured, fd, address, length, offset));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long pwrite(int fd, long address, long length, long offset) {
        Frame frame = FRAMES.get();
        try {
            return frame.result(
                    (long) PWRITE.invokeExact(frame.captured, fd, address, length, offset));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /// preadv2 of one piece of memory.
    static long preadv2(int fd, long address, long length, long offset, int flags) {
        Frame frame = FRAMES.get();
        MemorySegment iovec = frame.scratch;
        iovec.set(JAVA_LONG, 0, address);
        iovec.set(JAVA_LONG, 8, length);
        try {
            return frame.result(
                    (long) PREADV2.invokeExact(frame.captured, fd, iovec, 1, offset, flags));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long fallocate(int fd, int mode, long offset, long length) {
        Frame frame = FRAMES.get();
        try {
            return frame.result(
                    (int) FALLOCATE.invokeExact(frame.captured, fd, mode, offset, length));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long ftruncate(int fd, long length) {
        Frame frame = FRAMES.get();
        try {
            return frame.result((int) FTRUNCATE.invokeExact(frame.captured, fd, length));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long fsync(int fd) {
        Frame frame = FRAMES.get();
        try {
            return frame.result((int) FSYNC.invokeExact(frame.captured, fd));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long fdatasync(int fd) {
        Frame frame = FRAMES.get();
        try {
            return frame.result((int) FDATASYNC.invokeExact(frame.captured, fd));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long syncFileRange(int fd, long offset, long length, int flags) {
        Frame frame = FRAMES.get();
        try {
            return frame.result(
                    (int) SYNC_FILE_RANGE.invokeExact(frame.captured, fd, offset, length, flags));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /// posix_fadvise, which returns its error number rather than setting errno.
    static long posixFadvise(int fd, long offset, long length, int advice) {
        Frame frame = FRAMES.get();
        try {
            return -(int) POSIX_FADVISE.invokeExact(frame.captured, fd, offset, length, advice);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long lseek(int fd, long offset, int whence) {
        Frame frame = FRAMES.get();
        try {
            return frame.result((long) LSEEK.invokeExact(frame.captured, fd, offset, whence));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long fcntl(int fd, int command, MemorySegment argument) {
        Frame frame = FRAMES.get();
        try {
            return frame.result((int) FCNTL.invokeExact(frame.captured, fd, command, argument));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long ioctl(int fd, long request, MemorySegment argument) {
        Frame frame = FRAMES.get();
        try {
            return frame.result((int) IOCTL.invokeExact(frame.captured, fd, request, argument));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long fstatfs(int fd, MemorySegment status) {
        Frame frame = FRAMES.get();
        try {
            return frame.result((int) FSTATFS.invokeExact(frame.captured, fd, status));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long copyFileRange(int sourceFd, long sourceOffset, int fd, long offset, long length) {
        Frame frame = FRAMES.get();
        MemorySegment offsets = frame.scratch;
        offsets.set(JAVA_LONG, 0, sourceOffset);
        offsets.set(JAVA_LONG, 8, offset);
        MemorySegment target = offsets.asSlice(8);
        try {
            return frame.result(
                    (long)
                            COPY_FILE_RANGE.invokeExact(
                                    frame.captured, sourceFd, offsets, fd, target, length, 0));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long read(int fd, long address, long length) {
        Frame frame = FRAMES.get();
        try {
            return frame.result((long) READ.invokeExact(frame.captured, fd, address, length));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long write(int fd, long address, long length) {
        Frame frame = FRAMES.get();
        try {
            return frame.result((long) WRITE.invokeExact(frame.captured, fd, address, length));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long fanotifyInit(int flags, int eventFlags) {
        Frame frame = FRAMES.get();
        try {
            return frame.result((int) FANOTIFY_INIT.invokeExact(frame.captured, flags, eventFlags));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long fanotifyMark(int fd, int flags, long mask, int directory, MemorySegment path) {
        Frame frame = FRAMES.get();
        try {
            return frame.result(
                    (int)
                            FANOTIFY_MARK.invokeExact(
                                    frame.captured, fd, flags, mask, directory, path));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /// An error number in words.
    static String describe(int errno) {
        try {
            MemorySegment text = (MemorySegment) STRERROR.invokeExact(errno);
            return text.reinterpret(Long.MAX_VALUE).getString(0);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
