package io.lunkeeper.lun.linux;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// One open regular file, addressed by raw memory addresses so that no buffer object stands between
/// the caller's native memory and the kernel.
///
/// Safe from any number of threads except for [#close], which must be the last call. No call reacts
/// to an interrupt: a file of ours never closes because some thread was interrupted. Errors are
/// [SystemCallException] unless said otherwise.
public interface OpenFile extends AutoCloseable {

    /// How a file is opened.
    enum Access {
        /// An existing file, for reading.
        READ_ONLY,
        /// An existing file, for reading and writing.
        READ_WRITE,
        /// A new file; an error when the name exists.
        CREATE
    }

    /// Opens a file with what this operating system offers.
    ///
    /// @param direct whether the page cache is bypassed (O_DIRECT)
    static OpenFile open(Path path, Access access, boolean direct) throws IOException {
        return LinuxFile.SUPPORTED
                ? LinuxFile.open(path, access, direct)
                : PortableFile.open(path, access, direct);
    }

    /// What a name leads to now, or null when that cannot be told.
    static @Nullable FileStatus statusOf(Path path) {
        return LinuxFile.SUPPORTED ? LinuxFile.statusOf(path) : null;
    }

    /// Makes the entries of a directory durable, so that a file just created survives power loss.
    static void syncDirectory(Path directory) throws IOException {
        if (LinuxFile.SUPPORTED) {
            LinuxFile.syncDirectory(directory);
        }
    }

    /// What the file is.
    FileStatus status() throws IOException;

    /// Reads `length` bytes at `offset` to `address`, going on after short reads.
    ///
    /// @return the bytes read: fewer than `length` only at the end of the file
    int read(long offset, long address, int length) throws IOException;

    /// Reads at `offset` to `address` what the page cache holds, never waiting for a disk.
    ///
    /// @return the bytes read, possibly fewer than `length`; negative when nothing can be read
    ///   without waiting, or on any error (which a blocking read will then report)
    int readNow(long offset, long address, int length);

    /// Writes `length` bytes from `address` at `offset`, going on after short writes.
    void write(long offset, long address, int length) throws IOException;

    /// Copies `length` bytes of another file, none of which is the range that they go to, without
    /// taking them through this process. The two may lie in the same blocks afterwards.
    ///
    /// @return the bytes copied: fewer than `length` where they cannot go this way, or where the
    ///   other file ends
    long copyFrom(OpenFile source, long sourceOffset, long offset, long length) throws IOException;

    /// Takes space for a range so that writing there cannot run out of it; the size of the file
    /// stays.
    ///
    /// @return false when the file system cannot do that
    boolean allocate(long offset, long length) throws IOException;

    /// Gives a range blocks of its own where it shares them with other files.
    ///
    /// @return false when the file system cannot do that
    boolean unshare(long offset, long length) throws IOException;

    /// Makes a range read as zeros and keeps or takes its space.
    ///
    /// @return false when the file system cannot do that; nothing has changed
    boolean zeroRange(long offset, long length) throws IOException;

    /// Makes a range read as zeros and frees its whole blocks.
    ///
    /// @return false when the file system cannot do that; nothing has changed
    boolean punchHole(long offset, long length) throws IOException;

    /// Sets the size of the file.
    void resize(long sizeBytes) throws IOException;

    /// Returns when all data, and the metadata needed to read it, is on stable storage. An error is
    /// never retried.
    void syncData() throws IOException;

    /// Returns when all data and metadata are on stable storage. An error is never retried.
    void sync() throws IOException;

    /// Starts writing the dirty pages of a range to the disk. May block while the device's queue is
    /// full, and alone makes nothing durable.
    void startWriteback(long offset, long length) throws IOException;

    /// Returns when no page of the range is on its way to the disk any more. Makes nothing durable,
    /// and an error that it throws is reported nowhere else.
    void awaitWriteback(long offset, long length) throws IOException;

    /// Starts reading a range into the page cache. May block while the device's queue is full.
    void readAhead(long offset, long length);

    /// Takes a range out of the page cache, but for what is dirty or on its way to the disk.
    void dropClean(long offset, long length);

    /// Tells the kernel that access is random: no readahead, and pages are cached one by one.
    void adviseRandom() throws IOException;

    /// Tries to lock a range of bytes for this open file, until it is closed.
    ///
    /// @return false when another open file holds a conflicting lock
    boolean tryLock(long offset, long length, boolean exclusive) throws IOException;

    /// Whether [#lockedElsewhere] can tell. When not, locks also belong to the process rather than
    /// to this open file.
    boolean tellsLocks();

    /// Whether another open file, of any process, holds a lock on any byte of the range.
    boolean lockedElsewhere(long offset, long length) throws IOException;

    /// How many locks this open file holds; negative where that cannot be told.
    int locksHeld();

    /// Tries to take the write lease: granted when nobody else has the file open. Who opens it then
    /// waits until [#giveUpLease]; no signal is ever sent.
    ///
    /// @return false when others have it open, or where there are no leases
    boolean tryLease();

    /// The state of a lease that was taken and not given up.
    Lease lease();

    /// Gives the lease up and lets go who waits.
    void giveUpLease();

    /// What the file lies on.
    FileSystemStatus fileSystem();

    /// A name by which this very file can be reached whatever became of the one it was opened by.
    Path selfPath();

    /// Reports the extents that overlap a range, in order; what lies between them is a hole.
    ///
    /// @return false when the file system cannot tell; what `sink` was given is then worthless
    boolean extents(long offset, long length, ExtentSink sink);

    /// The offset of the first data at or after `offset`, the size of the file when only a hole
    /// follows, or negative when the file system cannot tell.
    long nextData(long offset);

    /// The offset of the first hole at or after `offset`, at most the size of the file; negative
    /// when the file system cannot tell.
    long nextHole(long offset);

    @Override
    void close() throws IOException;
}
