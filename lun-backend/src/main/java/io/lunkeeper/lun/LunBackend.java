package io.lunkeeper.lun;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.concurrent.Executor;

/// One image file, owned by this process alone, as a span of bytes.
///
/// Two families of calls. The `try…` calls run on an event loop: they finish at once or say `false`
/// having done nothing, and never wait for a disk. All other calls may block and belong on the
/// threads behind [#ioThreads]. Both are safe from any number of threads.
///
/// Offsets and lengths are bytes; any alignment is legal, page-aligned is fast. The caller has
/// checked that ranges lie inside [#sizeBytes]; it is asserted here.
public final class LunBackend implements AutoCloseable {

    /// Opens or creates the image, takes its locks and learns its extents.
    ///
    /// @throws LunOpenException when the image cannot be served as asked; nothing is left behind
    /// @throws IOException when a system call fails otherwise
    public static LunBackend open(LunSpec spec) throws IOException {
        if (spec.readOnly()) {
            throw new LunOpenException("not built yet: " + spec.image());
        }
        return new LunBackend();
    }

    private LunBackend() {}

    /// The capacity served, a multiple of the block size.
    public long sizeBytes() {
        return 0;
    }

    /// Whether writes are refused.
    public boolean readOnly() {
        return false;
    }

    /// How writes travel to stable storage.
    public CacheMode cacheMode() {
        return CacheMode.WRITE_BACK;
    }

    /// Reads `lengthBytes` at `offsetBytes` to the writer index of `destination` when no disk is
    /// needed: holes and unwritten blocks are zeros, warm pages are copied.
    ///
    /// @return false when the read would block or this LUN has failed; `destination` is unchanged
    public boolean tryRead(long offsetBytes, ByteBuf destination, int lengthBytes) {
        return false;
    }

    /// Reads `lengthBytes` at `offsetBytes` to the writer index of `destination`, which advances.
    public void read(long offsetBytes, ByteBuf destination, int lengthBytes) throws IOException {
        if (sizeBytes() == 0) {
            throw new IOException();
        }
    }

    /// Writes all readable bytes of `source` at `offsetBytes` when that can neither block nor
    /// allocate: an aligned overwrite of mapped blocks. The indexes of `source` do not move.
    ///
    /// @return false when the write must go through [#write]; nothing was written
    public boolean tryWrite(long offsetBytes, ByteBuf source) {
        return false;
    }

    /// Writes all readable bytes of `source` at `offsetBytes`. The indexes of `source` do not move.
    /// On return the data survives the death of this process; call [#flush] for more.
    ///
    /// @throws NoSpaceException when the file system is full
    public void write(long offsetBytes, ByteBuf source) throws IOException {
        if (sizeBytes() == 0) {
            throw new IOException();
        }
    }

    /// Makes the range read as zeros and keeps or takes its space (ZERO_RANGE), so that later
    /// writes there cannot run out of it.
    ///
    /// @throws NoSpaceException when the file system is full
    public void zero(long offsetBytes, long lengthBytes) throws IOException {
        if (sizeBytes() == 0) {
            throw new IOException();
        }
    }

    /// Makes the range read as zeros and gives its whole blocks back to the file system
    /// (PUNCH_HOLE).
    public void unmap(long offsetBytes, long lengthBytes) throws IOException {
        if (sizeBytes() == 0) {
            throw new IOException();
        }
    }

    /// Returns when everything written before this call is on stable storage.
    ///
    /// @throws LunFailedException when the file system reported an error; the LUN has then failed
    public void flush() throws IOException {
        if (sizeBytes() == 0) {
            throw new IOException();
        }
    }

    /// The bounded threads of this LUN for calls that may block. Work is started in order of
    /// submission, as many at a time as there are threads.
    public Executor ioThreads() {
        return Runnable::run;
    }

    /// Flushes, releases the locks and closes the file. No call may be running or follow.
    ///
    /// @throws IOException when the final flush failed: acknowledged data may be lost
    @Override
    public void close() throws IOException {}
}
