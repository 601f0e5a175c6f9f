package io.lunkeeper.lun.image;

import io.lunkeeper.lun.linux.Errno;
import io.lunkeeper.lun.linux.FileStatus;
import io.lunkeeper.lun.linux.OpenFile;
import io.lunkeeper.lun.linux.SystemCallException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// An image file that this process owns: its bytes and its space. Ranges lie inside the file; calls
/// are safe from any number of threads, [#close] comes last.
///
/// Writes go down in pieces of at most 64 KiB that end on multiples of 64 KiB, and access is
/// declared random: otherwise the page cache holds the image in large folios, and on ext4 each
/// later small overwrite pays for the size of the folio it lands in, ten times over and more.
public final class ImageFile implements AutoCloseable {
    /// Bytes of one pwrite at most; see above.
    private static final int WRITE_BYTES = 64 * 1024;

    /// Bytes of one call that reads ahead: no device takes less at once.
    private static final int READ_AHEAD_BYTES = 128 * 1024;

    /// What direct input and output is aligned to where the kernel does not tell: enough for every
    /// disk in use.
    private static final int DEFAULT_ALIGNMENT = 4096;

    private static final ByteBuf ZEROS =
            Unpooled.unreleasableBuffer(
                    Unpooled.directBuffer(WRITE_BYTES + DEFAULT_ALIGNMENT)
                            .writeZero(WRITE_BYTES + DEFAULT_ALIGNMENT));
    private static final int ZEROS_INDEX = (int) (-ZEROS.memoryAddress() & (DEFAULT_ALIGNMENT - 1));

    private final Path path;
    private final OpenFile file;
    private final ImageOwnership ownership;
    private final @Nullable DirectTransfer direct;
    private final int locksTaken;

    /// The size that this process gave it; what differs was done by others. Guarded by this.
    private long expectedBytes;

    private ImageFile(
            Path path,
            OpenFile file,
            ImageOwnership ownership,
            @Nullable DirectTransfer direct,
            long sizeBytes) {
        this.path = path;
        this.file = file;
        this.ownership = ownership;
        this.direct = direct;
        this.expectedBytes = sizeBytes;
        this.locksTaken = Math.max(0, file.locksHeld());
    }

    /// Opens an existing image and takes its ownership; nothing in the file is changed.
    ///
    /// @param direct whether the page cache is bypassed
    /// @throws ImageRefusedException when it is not there, is no regular file, may not be opened or
    ///   is in use
    public static ImageFile open(Path path, boolean readOnly, boolean direct) throws IOException {
        OpenFile.Access access = readOnly ? OpenFile.Access.READ_ONLY : OpenFile.Access.READ_WRITE;
        return owned(path, access, direct);
    }

    /// Creates an empty image and takes its ownership; a failure leaves no file.
    ///
    /// @param direct whether the page cache is bypassed
    /// @throws ImageRefusedException when it cannot be created there, or exists
    public static ImageFile create(Path path, boolean direct) throws IOException {
        return owned(path, OpenFile.Access.CREATE, direct);
    }

    private static ImageFile owned(Path path, OpenFile.Access access, boolean direct)
            throws IOException {
        boolean creating = access == OpenFile.Access.CREATE;
        OpenFile file;
        try {
            file = OpenFile.open(path, access, direct);
        } catch (SystemCallException e) {
            if (creating && e.errno() == Errno.EINVAL) {
                // Linux creates the file first and refuses O_DIRECT then.
                deleteAfter(e, path);
            }
            throw new ImageRefusedException(refusal(path, e, direct), e);
        } catch (IOException e) {
            throw new ImageRefusedException("image " + path + " cannot be opened: " + e, e);
        }
        try {
            return owned(path, file, access == OpenFile.Access.READ_ONLY, direct);
        } catch (IOException | RuntimeException e) {
            if (creating) {
                deleteAfter(e, path);
            }
            throw e;
        }
    }

    private static void deleteAfter(Exception failure, Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    /// Takes the ownership of an open file, which is closed when that fails.
    static ImageFile owned(Path path, OpenFile file, boolean readOnly, boolean direct)
            throws IOException {
        ImageFile image = null;
        try {
            FileStatus status = file.status();
            if (!status.regular()) {
                String kind = status.directory() ? "a directory" : "not a regular file";
                throw new ImageRefusedException(
                        "image " + path + " is " + kind + "; name a regular file");
            }
            ImageOwnership ownership = ImageOwnership.take(file, status, path, readOnly);
            int alignment =
                    status.directAlignment() > 0 ? status.directAlignment() : DEFAULT_ALIGNMENT;
            image =
                    new ImageFile(
                            path,
                            file,
                            ownership,
                            direct ? new DirectTransfer(file, alignment) : null,
                            status.sizeBytes());
            file.adviseRandom();
            return image;
        } catch (IOException | RuntimeException e) {
            closeAfter(e, image != null ? image : file);
            throw e;
        }
    }

    private static void closeAfter(Exception failure, AutoCloseable opened) {
        try {
            opened.close();
        } catch (Exception e) {
            failure.addSuppressed(e);
        }
    }

    private static String refusal(Path path, SystemCallException failure, boolean direct) {
        String image = "image " + path;
        return switch (failure.errno()) {
            case Errno.ENOENT -> image + " does not exist";
            case Errno.EEXIST -> image + " exists already, or is a symbolic link to nothing";
            case Errno.EISDIR -> image + " is a directory; name a regular file";
            case Errno.ENOTDIR -> image + ": a part of this path is not a directory";
            case Errno.ENXIO, Errno.ENODEV -> image + " is not a regular file; name one";
            case Errno.EPERM -> notPermitted(path);
            case Errno.EACCES ->
                    image + " may not be opened by this user; change its owner or permissions";
            case Errno.EROFS ->
                    image + " is on a file system mounted read-only; make the LUN read-only";
            case Errno.ETXTBSY, Errno.EAGAIN ->
                    image + " is in use by " + LockHolders.describe(path) + "; stop that first";
            case Errno.ENOSPC, Errno.EDQUOT -> image + ": the file system is full; make room";
            case Errno.EINVAL ->
                    direct
                            ? image
                                    + " is on a file system without direct input and output;"
                                    + " use another cache mode"
                            : image + " cannot be opened: " + failure.getMessage();
            default -> image + " cannot be opened: " + failure.getMessage();
        };
    }

    /// A guard refuses with the same error as the attributes of a file.
    private static String notPermitted(Path path) {
        String holders = LockHolders.holders(path);
        return "image "
                + path
                + (holders.isEmpty()
                        ? " may not be opened; is it immutable (lsattr), or another program's guard?"
                        : " is in use by " + holders + ", which lets nobody in; stop that first");
    }

    /// Where the image is.
    public Path path() {
        return path;
    }

    /// The open file, for those in this room who look after it.
    OpenFile file() {
        return file;
    }

    /// How many locks the ownership took, 0 when that cannot be told.
    int locksTaken() {
        return locksTaken;
    }

    /// What another program did to the size of the file, in words that go on after its name; null
    /// when nothing.
    synchronized @Nullable String sizeTrouble() throws IOException {
        long sizeBytes = file.status().sizeBytes();
        long expected = expectedBytes;
        return sizeBytes == expected
                ? null
                : "has "
                        + sizeBytes
                        + " bytes and had "
                        + expected
                        + ": another program "
                        + (sizeBytes < expected ? "cut it" : "extended it");
    }

    /// The identity of what a name leads to now, or null when it leads nowhere.
    static @Nullable Object identityOf(Path path) {
        FileStatus status = OpenFile.statusOf(path);
        return status == null ? null : status.identity();
    }

    /// Whether an overwrite goes to where the data lies, rather than to new space as in file
    /// systems that copy on write.
    public boolean overwritesInPlace() {
        return file.fileSystem().overwritesInPlace();
    }

    /// Whether a write into a hole only reserves space, or is refused for lack of it, and the
    /// blocks are chosen when it goes to the disk.
    public boolean delaysAllocation() {
        return direct == null && file.fileSystem().delaysAllocation();
    }

    /// The size of the file in bytes.
    public long sizeBytes() throws IOException {
        return file.status().sizeBytes();
    }

    /// The space in bytes that an unprivileged user may still take of the file system.
    public long freeBytes() throws IOException {
        return file.fileSystem().availableBytes();
    }

    /// The space the file takes in bytes, at most.
    public long allocatedBytes() throws IOException {
        return file.status().allocatedBytes();
    }

    /// What offset and length of a write must be multiples of. A write that is not reads and writes
    /// again the bytes beside it, and the caller must keep other writers away from those.
    public int writeAlignment() {
        return direct == null ? 1 : direct.alignment();
    }

    /// Reads what is in the page cache, never waiting for a disk.
    ///
    /// @return whether all bytes were read; when not, those of `destination` are undefined
    public boolean readNow(long offset, ByteBuf destination, int index, int length) {
        return direct == null
                && destination.hasMemoryAddress()
                && file.readNow(offset, destination.memoryAddress() + index, length) == length;
    }

    /// Reads `length` bytes to `index` of `destination`.
    public void read(long offset, ByteBuf destination, int index, int length) throws IOException {
        int got;
        if (direct != null) {
            got = direct.read(offset, destination, index, length);
        } else if (destination.hasMemoryAddress()) {
            got = file.read(offset, destination.memoryAddress() + index, length);
        } else {
            got = readThroughBuffer(offset, destination, index, length);
        }
        if (got < length) {
            throw new IOException(
                    path + " ends at " + (offset + got) + ": another program cut it short");
        }
    }

    private int readThroughBuffer(long offset, ByteBuf destination, int index, int length)
            throws IOException {
        ByteBuf buffer = PooledByteBufAllocator.DEFAULT.directBuffer(length);
        try {
            int got = file.read(offset, buffer.memoryAddress(), length);
            destination.setBytes(index, buffer, 0, got);
            return got;
        } finally {
            buffer.release();
        }
    }

    /// Writes `length` bytes from `index` of `source`. After an error any part may be written.
    ///
    /// @throws ImageFullException when there is no room
    public void write(long offset, ByteBuf source, int index, int length) throws IOException {
        try {
            if (direct != null) {
                direct.write(offset, source, index, length);
            } else if (source.hasMemoryAddress()) {
                writePieces(offset, source.memoryAddress() + index, length);
            } else {
                writeThroughBuffer(offset, source, index, length);
            }
        } catch (SystemCallException e) {
            throw describe(e);
        }
    }

    private void writePieces(long offset, long address, int length) throws IOException {
        int done = 0;
        while (done < length) {
            long at = offset + done;
            int toBoundary = WRITE_BYTES - (int) (at & (WRITE_BYTES - 1));
            int bytes = Math.min(length - done, toBoundary);
            file.write(at, address + done, bytes);
            done += bytes;
        }
    }

    private void writeThroughBuffer(long offset, ByteBuf source, int index, int length)
            throws IOException {
        ByteBuf buffer = PooledByteBufAllocator.DEFAULT.directBuffer(length);
        try {
            buffer.setBytes(0, source, index, length);
            writePieces(offset, buffer.memoryAddress(), length);
        } finally {
            buffer.release();
        }
    }

    /// Copies bytes of another image, or of another part of this one that does not overlap, without
    /// taking them through this process. After an error any part may be written.
    ///
    /// @return the bytes copied, from the start; the rest must be read and written
    /// @throws ImageFullException when there is no room
    public long copyFrom(ImageFile source, long sourceOffset, long offset, long length)
            throws IOException {
        if (direct != null || source.direct != null) {
            return 0;
        }
        try {
            return file.copyFrom(source.file, sourceOffset, offset, length);
        } catch (SystemCallException e) {
            throw describe(e);
        }
    }

    /// Whether images may lie in the same blocks after one was copied from the other.
    public boolean copiesShareBlocks() {
        return file.fileSystem().copiesShareBlocks();
    }

    /// Writes zeros.
    ///
    /// @throws ImageFullException when there is no room
    public void writeZeros(long offset, long length) throws IOException {
        long done = 0;
        while (done < length) {
            long at = offset + done;
            int toBoundary = WRITE_BYTES - (int) (at & (WRITE_BYTES - 1));
            int bytes = (int) Math.min(length - done, toBoundary);
            write(at, ZEROS, ZEROS_INDEX, bytes);
            done += bytes;
        }
    }

    /// Takes space for a range, where it is a hole.
    ///
    /// @return false when the file system cannot do that
    /// @throws ImageFullException when there is no room
    public boolean allocate(long offset, long length) throws IOException {
        try {
            return file.allocate(offset, length);
        } catch (SystemCallException e) {
            throw describe(e);
        }
    }

    /// Gives a range blocks of its own where it shares them with other files.
    ///
    /// @return false when the file system cannot do that
    /// @throws ImageFullException when there is no room
    public boolean unshare(long offset, long length) throws IOException {
        try {
            return file.unshare(offset, length);
        } catch (SystemCallException e) {
            throw describe(e);
        }
    }

    /// Makes a range read as zeros; its space is kept or taken.
    ///
    /// @return false when the file system cannot do that; nothing has changed
    /// @throws ImageFullException when there is no room
    public boolean zeroRange(long offset, long length) throws IOException {
        try {
            return file.zeroRange(offset, length);
        } catch (SystemCallException e) {
            throw describe(e);
        }
    }

    /// Makes a range read as zeros and frees its whole blocks.
    ///
    /// @return false when the file system cannot do that; nothing has changed
    /// @throws ImageFullException when even freeing needs room
    public boolean punchHole(long offset, long length) throws IOException {
        try {
            return file.punchHole(offset, length);
        } catch (SystemCallException e) {
            throw describe(e);
        }
    }

    /// Sets the size; what is new reads as zeros.
    ///
    /// @throws ImageRefusedException when the file system does not allow files of that size
    public synchronized void resize(long sizeBytes) throws IOException {
        try {
            file.resize(sizeBytes);
            expectedBytes = sizeBytes;
        } catch (SystemCallException e) {
            if (e.errno() == Errno.EFBIG) {
                throw new ImageRefusedException(
                        "image "
                                + path
                                + ": its file system allows no file of "
                                + sizeBytes
                                + " bytes; choose a smaller size",
                        e);
            }
            throw describe(e);
        }
    }

    /// Starts writing the dirty pages of a range to the disk; it may reach beyond the end. May
    /// block while the device's queue is full.
    public void startWriteback(long offset, long length) throws IOException {
        file.startWriteback(offset, length);
    }

    /// Returns when no page of a range is on its way to the disk any more. Makes nothing durable,
    /// and an error that it throws is reported nowhere else.
    public void awaitWriteback(long offset, long length) throws IOException {
        file.awaitWriteback(offset, length);
    }

    /// Starts reading a range into the page cache; may block while the device's queue is full. With
    /// direct input and output nothing happens.
    public void readAhead(long offset, long length) {
        // The kernel cuts one call to what the device takes at once and forgets the rest.
        for (long done = 0; done < length && direct == null; done += READ_AHEAD_BYTES) {
            file.readAhead(offset + done, Math.min(length - done, READ_AHEAD_BYTES));
        }
    }

    /// Writes the dirty pages of a range to the disk and waits for it. Makes nothing durable, and
    /// an error that it throws is reported nowhere else.
    public void writeOut(long offset, long length) throws IOException {
        file.startWriteback(offset, length);
        file.awaitWriteback(offset, length);
    }

    /// Drops a range from the page cache but for what is dirty or in use.
    public void dropClean(long offset, long length) {
        file.dropClean(offset, length);
    }

    /// Returns when all data is on stable storage. An error is never retried.
    public void syncData() throws IOException {
        file.syncData();
    }

    /// Returns when all data, the file's metadata and its name in the directory are on stable
    /// storage.
    public void syncCreation() throws IOException {
        file.sync();
        Path directory = path.toAbsolutePath().getParent();
        if (directory != null) {
            OpenFile.syncDirectory(directory);
        }
    }

    /// Reports the extents that overlap a range, as the file system maps them now. Dirty pages may
    /// hide behind what is reported as [BlockState#HOLE] and [BlockState#UNWRITTEN].
    ///
    /// @return false when the file system cannot tell; what was visited is then worthless
    public boolean mapExtents(long offset, long length, ExtentVisitor visitor) {
        return FileExtents.map(file, offset, length, visitor);
    }

    /// Reports where a range holds data, for file systems that do not map their extents. Physical
    /// offsets stay unknown.
    ///
    /// @return false when the file system cannot tell; what was visited is then worthless
    public boolean seekExtents(long offset, long length, ExtentVisitor visitor) {
        return FileExtents.seek(file, offset, length, visitor);
    }

    private static IOException describe(SystemCallException failure) {
        return switch (failure.errno()) {
            case Errno.ENOSPC, Errno.EDQUOT ->
                    new ImageFullException(failure.getMessage() + "", failure);
            default -> failure;
        };
    }

    /// Closes the file and gives up its ownership.
    @Override
    public void close() throws IOException {
        try {
            file.close();
        } finally {
            ownership.release();
        }
    }
}
