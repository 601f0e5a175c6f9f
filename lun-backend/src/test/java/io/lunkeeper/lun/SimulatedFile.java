package io.lunkeeper.lun;

import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.linux.Errno;
import io.lunkeeper.lun.linux.ExtentSink;
import io.lunkeeper.lun.linux.FileStatus;
import io.lunkeeper.lun.linux.FileSystemStatus;
import io.lunkeeper.lun.linux.Lease;
import io.lunkeeper.lun.linux.OpenFile;
import io.lunkeeper.lun.linux.SystemCallException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// A file as a page cache and a disk would keep it, whose power can be cut: of each page the disk
/// then has what was last synchronized or any version written since. Extents are reported as ext4
/// reports them: dirty pages hide behind unwritten blocks.
// Native memory is how the interface passes data.
@SuppressWarnings("restricted")
final class SimulatedFile implements OpenFile {
    static final int PAGE = 4096;

    private static final class Page {
        byte[] stable = new byte[PAGE];
        final List<byte[]> since = new ArrayList<>();
        BlockState state = BlockState.HOLE;

        byte[] now() {
            return since.isEmpty() ? stable : since.getLast();
        }
    }

    private final Page[] pages;
    private final Random random;
    private boolean off;

    /// The next synchronization fails, and what it should have written is lost, as on Linux.
    private boolean syncFails;

    private final List<Range> readAhead = new ArrayList<>();
    private boolean writebackFails;

    /// The next copy to it fails.
    private boolean copyFails;

    private boolean unreadable;

    /// Writeback waits for it.
    private volatile CountDownLatch writeback = new CountDownLatch(0);

    /// Holes are reported where data is: a broken file system, for tests of the tests.
    private boolean lies;

    private static final long EXT4 = 0xEF53;

    private long fileSystem = EXT4;

    /// Bytes written to pages by halves when the power goes: a broken disk, likewise.
    private boolean tears;

    SimulatedFile(int sizeBytes, Random random) {
        pages = new Page[sizeBytes / PAGE];
        this.random = random;
        Arrays.setAll(pages, _ -> new Page());
    }

    synchronized void failNextSync() {
        syncFails = true;
    }

    synchronized void failNextWriteback() {
        writebackFails = true;
    }

    synchronized void failNextCopy() {
        copyFails = true;
    }

    /// Whether reading fails from now on.
    synchronized void unreadable(boolean now) {
        unreadable = now;
    }

    /// Nothing gets to the disk before the latch is open.
    void holdWriteback(CountDownLatch latch) {
        writeback = latch;
    }

    synchronized void lie() {
        lies = true;
    }

    /// Puts it on a file system that chooses blocks when it is written to, not later.
    void allocateAtOnce() {
        fileSystem = 0;
    }

    synchronized void tear() {
        tears = true;
    }

    /// Cuts the power: every call fails from now on.
    ///
    /// @return the file as it is when the power is back
    synchronized SimulatedFile powerLoss() {
        off = true;
        SimulatedFile after = new SimulatedFile(pages.length * PAGE, random);
        after.lies = lies;
        for (int i = 0; i < pages.length; i++) {
            Page page = pages[i];
            int version = random.nextInt(page.since.size() + 1);
            byte[] content = version == 0 ? page.stable : page.since.get(version - 1);
            if (tears && version > 0) {
                content = content.clone();
                System.arraycopy(page.stable, 0, content, 0, 256);
            }
            after.pages[i].stable = content;
            boolean zeros = Arrays.equals(content, new byte[PAGE]);
            after.pages[i].state = zeros && random.nextBoolean() ? page.state : BlockState.MAPPED;
            if (!zeros || page.state == BlockState.UNWRITTEN) {
                after.pages[i].state = zeros ? BlockState.UNWRITTEN : BlockState.MAPPED;
            }
        }
        return after;
    }

    private void checkPower() throws SystemCallException {
        if (off) {
            throw new SystemCallException("any", "simulated", Errno.EIO, "the power is off");
        }
    }

    @Override
    public synchronized FileStatus status() {
        return new FileStatus(this, true, false, (long) pages.length * PAGE, 0, PAGE);
    }

    @Override
    public synchronized int read(long offset, long address, int length) throws IOException {
        checkPower();
        if (unreadable) {
            throw new SystemCallException("pread", "simulated", Errno.EIO, "Input/output error");
        }
        MemorySegment memory = MemorySegment.ofAddress(address).reinterpret(length);
        for (int done = 0; done < length; ) {
            int at = (int) ((offset + done) % PAGE);
            int bytes = Math.min(length - done, PAGE - at);
            byte[] now = pages[(int) ((offset + done) / PAGE)].now();
            MemorySegment.copy(now, at, memory, ValueLayout.JAVA_BYTE, done, bytes);
            done += bytes;
        }
        return length;
    }

    @Override
    public synchronized int readNow(long offset, long address, int length) {
        try {
            return random.nextInt(4) == 0 ? -Errno.EAGAIN : read(offset, address, length);
        } catch (IOException _) {
            return -Errno.EIO;
        }
    }

    @Override
    public synchronized void write(long offset, long address, int length) throws IOException {
        checkPower();
        byte[] bytes = new byte[length];
        MemorySegment memory = MemorySegment.ofAddress(address).reinterpret(length);
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, 0, bytes, 0, length);
        change(offset, bytes, length, null);
    }

    /// @param state of whole pages; null when they are written
    private void change(long offset, byte[] bytes, long length, @Nullable BlockState state) {
        for (long done = 0; done < length; ) {
            int at = (int) ((offset + done) % PAGE);
            int part = (int) Math.min(length - done, PAGE - at);
            Page page = pages[(int) ((offset + done) / PAGE)];
            byte[] next = page.now().clone();
            System.arraycopy(bytes, (int) (bytes.length == PAGE ? 0 : done), next, at, part);
            page.since.add(next);
            if (state == null) {
                // An unwritten block stays one on the disk until its page is written out.
                page.state =
                        page.state == BlockState.UNWRITTEN
                                ? BlockState.UNWRITTEN
                                : BlockState.MAPPED;
            } else if (part == PAGE) {
                page.state = state;
            }
            done += part;
        }
    }

    @Override
    public synchronized boolean allocate(long offset, long length) throws IOException {
        checkPower();
        for (int i = (int) (offset / PAGE); i < (offset + length + PAGE - 1) / PAGE; i++) {
            if (pages[i].state == BlockState.HOLE) {
                pages[i].state = BlockState.UNWRITTEN;
            }
        }
        return true;
    }

    @Override
    public synchronized long copyFrom(OpenFile source, long sourceOffset, long offset, long length)
            throws IOException {
        checkPower();
        if (copyFails) {
            copyFails = false;
            throw new SystemCallException(
                    "copy_file_range", "simulated", Errno.EIO, "Input/output error");
        }
        return 0;
    }

    @Override
    public boolean unshare(long offset, long length) {
        return false;
    }

    @Override
    public synchronized boolean zeroRange(long offset, long length) throws IOException {
        checkPower();
        change(offset, new byte[PAGE], length, BlockState.UNWRITTEN);
        return true;
    }

    @Override
    public synchronized boolean punchHole(long offset, long length) throws IOException {
        checkPower();
        change(offset, new byte[PAGE], length, BlockState.HOLE);
        return true;
    }

    @Override
    public void resize(long sizeBytes) {
        throw new UnsupportedOperationException();
    }

    /// What is written while it runs is not covered, as on Linux.
    @Override
    public void syncData() throws IOException {
        List<byte[]> covered = new ArrayList<>();
        synchronized (this) {
            checkPower();
            for (Page page : pages) {
                covered.add(page.now());
            }
        }
        LockSupport.parkNanos(20_000);
        synchronized (this) {
            checkPower();
            boolean fails = syncFails;
            syncFails = false;
            for (int i = 0; i < pages.length; i++) {
                settle(pages[i], covered.get(i), fails);
            }
            if (fails) {
                throw new SystemCallException(
                        "fdatasync", "simulated", Errno.EIO, "Input/output error");
            }
        }
    }

    /// Makes a version the stable one; those before it cannot come back.
    private static void settle(Page page, byte[] version, boolean lost) {
        int index = page.since.indexOf(version);
        if (index >= 0) {
            page.since.subList(0, index + 1).clear();
            page.stable = lost ? page.stable : version;
            if (page.state == BlockState.UNWRITTEN && !Arrays.equals(version, new byte[PAGE])) {
                page.state = BlockState.MAPPED;
            }
        }
    }

    @Override
    public void sync() throws IOException {
        syncData();
    }

    @Override
    public synchronized void startWriteback(long offset, long length) throws IOException {
        checkPower();
        long end = Math.min(pages.length, (offset + length) / PAGE);
        for (int i = (int) (offset / PAGE); i < end; i++) {
            if (random.nextBoolean()) {
                settle(pages[i], pages[i].now(), false);
            }
        }
    }

    @Override
    public void awaitWriteback(long offset, long length) throws IOException {
        try {
            writeback.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        synchronized (this) {
            checkPower();
            if (writebackFails) {
                writebackFails = false;
                throw new SystemCallException(
                        "sync_file_range", "simulated", Errno.EIO, "Input/output error");
            }
        }
    }

    @Override
    public synchronized void readAhead(long offset, long length) {
        readAhead.add(new Range(offset, length));
    }

    @Override
    public void dropClean(long offset, long length) {
        // Nothing here depends on what is cached.
    }

    /// What was asked to be read ahead, in order.
    synchronized List<Range> readAhead() {
        return List.copyOf(readAhead);
    }

    /// Bytes of the file.
    record Range(long offset, long length) {}

    @Override
    public void adviseRandom() {}

    @Override
    public boolean tryLock(long offset, long length, boolean exclusive) {
        return true;
    }

    @Override
    public boolean tellsLocks() {
        return true;
    }

    @Override
    public boolean lockedElsewhere(long offset, long length) {
        return false;
    }

    @Override
    public int locksHeld() {
        return -1;
    }

    @Override
    public boolean tryLease() {
        return false;
    }

    @Override
    public Lease lease() {
        throw new IllegalStateException();
    }

    @Override
    public void giveUpLease() {
        throw new IllegalStateException();
    }

    @Override
    public FileSystemStatus fileSystem() {
        return new FileSystemStatus(fileSystem, false, Long.MAX_VALUE);
    }

    @Override
    public Path selfPath() {
        throw new IllegalStateException();
    }

    @Override
    public synchronized boolean extents(long offset, long length, ExtentSink sink) {
        for (int i = (int) (offset / PAGE); i < (offset + length + PAGE - 1) / PAGE; i++) {
            boolean hidden = lies && i % 3 == 0;
            if (pages[i].state != BlockState.HOLE && !hidden) {
                int flags = pages[i].state == BlockState.UNWRITTEN ? ExtentSink.UNWRITTEN : 0;
                sink.extent((long) i * PAGE, PAGE, 1L << 30 | (long) i * PAGE, flags);
            }
        }
        return true;
    }

    @Override
    public long nextData(long offset) {
        return -1;
    }

    @Override
    public long nextHole(long offset) {
        return -1;
    }

    @Override
    public void close() {}
}
