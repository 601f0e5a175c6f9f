package io.lunkeeper.lun.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// A group of the kernel's fanotify: tells of every open of the files marked, and may refuse it.
///
/// Marks are on single files, so nobody waits for an answer but who opens one of these; such a wait
/// can be ended by SIGKILL, and when this process ends, however it does, the kernel lets all who
/// wait go on.
public final class Fanotify {
    private static final int FAN_CLOEXEC = 0x1;
    private static final int FAN_CLASS_CONTENT = 0x4;
    private static final int FAN_UNLIMITED_QUEUE = 0x10;
    private static final int FAN_UNLIMITED_MARKS = 0x20;
    private static final int FAN_MARK_ADD = 0x1;
    private static final int FAN_MARK_REMOVE = 0x2;
    private static final long FAN_OPEN = 0x20;
    private static final long FAN_OPEN_PERM = 0x10000;
    private static final int FAN_ALLOW = 1;
    private static final int FAN_DENY = 2;

    // O_RDONLY with O_NONBLOCK and O_CLOEXEC, for the descriptors that come with events.
    private static final int EVENT_FLAGS = 0x800 | 0x80000;

    private static final int AT_FDCWD = -100;
    private static final int BUFFER_BYTES = 4096;
    private static final int METADATA_BYTES = 24;
    private static final long PAUSE_NANOS = 1_000_000;

    private static final Logger LOG = LogManager.getLogger(Fanotify.class);

    private final int fd;

    private Fanotify(int fd) {
        this.fd = fd;
    }

    /// Who decides about an open.
    @FunctionalInterface
    public interface Decision {
        /// Called for each open, on the thread in [#serve], which must not open a marked file, and
        /// must not wait for anything: whoever opens the file waits for the answer.
        ///
        /// @param identity of the file, as in [FileStatus#identity]
        /// @param pid who opens it
        Answer about(Object identity, int pid);
    }

    /// What is decided about an open.
    ///
    /// @param allowed whether it may be; counts only for files marked to be refused
    /// @param report run when nobody waits any more
    public record Answer(boolean allowed, Runnable report) {}

    /// A new group, or null where the kernel or the lack of CAP_SYS_ADMIN forbids it.
    public static @Nullable Fanotify open() {
        if (!LinuxFile.SUPPORTED) {
            return null;
        }
        int flags = FAN_CLOEXEC | FAN_CLASS_CONTENT | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS;
        long fd = SystemCalls.fanotifyInit(flags, EVENT_FLAGS);
        return fd < 0 ? null : new Fanotify((int) fd);
    }

    /// Marks a file.
    ///
    /// @param refusing whether opens wait for the decision; otherwise they are only told of
    /// @throws IOException when this file cannot be marked
    public void mark(Path file, boolean refusing) throws IOException {
        change(FAN_MARK_ADD, file, refusing);
    }

    /// Takes a mark away.
    public void unmark(Path file, boolean refusing) throws IOException {
        change(FAN_MARK_REMOVE, file, refusing);
    }

    private void change(int flags, Path file, boolean refusing) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = arena.allocateFrom(file.toString());
            long mask = refusing ? FAN_OPEN_PERM : FAN_OPEN;
            long result = SystemCalls.fanotifyMark(fd, flags, mask, AT_FDCWD, path);
            if (result < 0) {
                int errno = (int) -result;
                throw new SystemCallException(
                        "fanotify_mark", file.toString(), errno, SystemCalls.describe(errno));
            }
        }
    }

    /// Answers events for ever. Should that end, the group is closed, so that nobody waits for an
    /// answer that does not come: the kernel then lets everybody in.
    public void serve(Decision decision) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(BUFFER_BYTES, Long.BYTES);
            MemorySegment response = arena.allocate(8, Long.BYTES);
            while (true) {
                long bytes = SystemCalls.read(fd, buffer.address(), BUFFER_BYTES);
                if (bytes < 0) {
                    // No descriptor is free for the file of the event, which the kernel answered.
                    LockSupport.parkNanos(PAUSE_NANOS);
                }
                for (long at = 0; at + METADATA_BYTES <= bytes; at += buffer.get(JAVA_INT, at)) {
                    answer(buffer.asSlice(at, METADATA_BYTES), response, decision);
                }
            }
        } finally {
            SystemCalls.close(fd);
        }
    }

    private void answer(MemorySegment event, MemorySegment response, Decision decision) {
        int file = event.get(JAVA_INT, 16);
        if (file < 0) {
            return;
        }
        int pid = event.get(JAVA_INT, 20);
        Object identity = LinuxFile.identity(file);
        Runnable report = () -> {};
        boolean allowed = true;
        if (identity != null) {
            Answer answer = decide(decision, identity, pid);
            allowed = answer.allowed();
            report = answer.report();
        }
        if ((event.get(JAVA_LONG, 8) & FAN_OPEN_PERM) != 0) {
            response.set(JAVA_INT, 0, file);
            response.set(JAVA_INT, 4, allowed ? FAN_ALLOW : FAN_DENY);
            SystemCalls.write(fd, response.address(), response.byteSize());
        }
        SystemCalls.close(file);
        try {
            report.run();
        } catch (RuntimeException e) {
            LOG.error("an open by process {} could not be reported", pid, e);
        }
    }

    /// Whoever opens the file waits, so there must be an answer even when the decision fails: then
    /// it is no, which costs no data.
    private static Answer decide(Decision decision, Object identity, int pid) {
        try {
            return decision.about(identity, pid);
        } catch (RuntimeException e) {
            return new Answer(false, () -> LOG.error("process {} was refused by a fault", pid, e));
        }
    }
}
