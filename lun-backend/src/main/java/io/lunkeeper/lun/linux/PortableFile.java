package io.lunkeeper.lun.linux;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Set;

/// A file for systems other than Linux: correct, but it knows nothing of extents and holes, cannot
/// tell what is in memory, and its locks belong to the process. It serves development, not load: a
/// thread that is interrupted closes it.
// System calls and foreign memory are what this room is for.
@SuppressWarnings("restricted")
final class PortableFile implements OpenFile {
    private final FileChannel channel;
    private final Path path;

    private PortableFile(FileChannel channel, Path path) {
        this.channel = channel;
        this.path = path;
    }

    static PortableFile open(Path path, Access access, boolean direct) throws IOException {
        if (direct) {
            throw new IOException(path + ": direct input and output is offered on Linux only");
        }
        Set<OpenOption> options =
                switch (access) {
                    case READ_ONLY -> Set.of(StandardOpenOption.READ);
                    case READ_WRITE -> Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE);
                    case CREATE ->
                            Set.of(
                                    StandardOpenOption.READ,
                                    StandardOpenOption.WRITE,
                                    StandardOpenOption.CREATE_NEW);
                };
        return new PortableFile(FileChannel.open(path, options), path);
    }

    private static ByteBuffer memory(long address, int length) {
        return MemorySegment.ofAddress(address).reinterpret(length).asByteBuffer();
    }

    @Override
    public FileStatus status() throws IOException {
        BasicFileAttributes status = Files.readAttributes(path, BasicFileAttributes.class);
        Object key = status.fileKey();
        return new FileStatus(
                key != null ? key : path.toRealPath(),
                status.isRegularFile(),
                status.isDirectory(),
                channel.size(),
                0,
                0);
    }

    @Override
    public int read(long offset, long address, int length) throws IOException {
        ByteBuffer memory = memory(address, length);
        while (memory.hasRemaining()) {
            if (channel.read(memory, offset + memory.position()) < 0) {
                break;
            }
        }
        return memory.position();
    }

    @Override
    public int readNow(long offset, long address, int length) {
        return -1;
    }

    @Override
    public void write(long offset, long address, int length) throws IOException {
        ByteBuffer memory = memory(address, length);
        while (memory.hasRemaining()) {
            channel.write(memory, offset + memory.position());
        }
    }

    @Override
    public long copyFrom(OpenFile source, long sourceOffset, long offset, long length) {
        return 0;
    }

    @Override
    public boolean allocate(long offset, long length) {
        return false;
    }

    @Override
    public boolean unshare(long offset, long length) {
        return false;
    }

    @Override
    public boolean zeroRange(long offset, long length) {
        return false;
    }

    @Override
    public boolean punchHole(long offset, long length) {
        return false;
    }

    @Override
    public void resize(long sizeBytes) throws IOException {
        if (sizeBytes < channel.size()) {
            channel.truncate(sizeBytes);
        } else if (sizeBytes > channel.size()) {
            channel.write(ByteBuffer.allocate(1), sizeBytes - 1);
        }
    }

    @Override
    public void syncData() throws IOException {
        channel.force(false);
    }

    @Override
    public void sync() throws IOException {
        channel.force(true);
    }

    @Override
    public void startWriteback(long offset, long length) {
        // Only a hint, and there is no portable way to give it.
    }

    @Override
    public void awaitWriteback(long offset, long length) {
        // Nothing was begun.
    }

    @Override
    public void readAhead(long offset, long length) {
        // Only a hint, and there is no portable way to give it.
    }

    @Override
    public void dropClean(long offset, long length) {
        // Only a hint, and there is no portable way to give it.
    }

    @Override
    public void adviseRandom() {
        // Only a hint, and there is no portable way to give it.
    }

    @Override
    public boolean tryLock(long offset, long length, boolean exclusive) throws IOException {
        try {
            return channel.tryLock(offset, length, !exclusive) != null;
        } catch (OverlappingFileLockException _) {
            return false;
        }
    }

    @Override
    public boolean tellsLocks() {
        return false;
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
        throw new IllegalStateException("no lease was taken");
    }

    @Override
    public void giveUpLease() {
        throw new IllegalStateException("no lease was taken");
    }

    @Override
    public FileSystemStatus fileSystem() {
        return new FileSystemStatus(0, false, Long.MAX_VALUE);
    }

    @Override
    public Path selfPath() {
        return path;
    }

    @Override
    public boolean extents(long offset, long length, ExtentSink sink) {
        return false;
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
    public void close() throws IOException {
        channel.close();
    }
}
