package io.lunkeeper.lun;

import io.lunkeeper.lun.extent.ExtentScanner;
import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ImageFile;
import io.lunkeeper.lun.image.ImageWatch;
import io.lunkeeper.lun.image.Sidecar;
import io.lunkeeper.lun.writeback.FirstFailure;
import io.lunkeeper.lun.writeback.FlushGate;
import io.lunkeeper.lun.writeback.WritebackBatcher;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/// One image file, owned by this process alone, as a span of bytes.
///
/// Two families of calls. The `try…` calls run on an event loop: they finish at once or say `false`
/// having done nothing, and never wait for a disk. All other calls may block and belong on the
/// threads behind [#ioThreads]. Both are safe from any number of threads.
///
/// Offsets and lengths are bytes; any alignment is legal, page-aligned is fast. The caller has
/// checked that ranges lie inside [#sizeBytes]; it is asserted here.
///
/// Concurrent calls on overlapping ranges leave each byte as one of them left it; who needs an
/// order makes it. After the first failed flush every call answers [LunFailedException].
public final class LunBackend implements AutoCloseable {
    /// The most that one [#copy] takes.
    public static final int MAX_COPY_BYTES = CopyPath.PIECE_BYTES;

    /// What [#compareAndWrite] answers when nothing differs.
    public static final long SAME = -1;

    /// How much of the extents is learnt before it is reported.
    private static final long REPORT_BYTES = 64L << 20;

    private final LunSpec spec;
    private final ImageFile image;
    private final FirstFailure failure;
    private final FlushGate gate;
    private final ChunkAllocation chunks;
    private final WritebackBatcher batcher;
    private final ExtentTree tree;
    private final ExtentScanner scanner;
    private final MapRefresh mapRefresh;
    private final LunHealth health;
    private final ReadPath reads;
    private final WaitingReads waitingReads;
    private final WritePath writes;
    private final ErasePath erasures;
    private final CopyPath copies;
    private final UnmapQueue unmaps;
    private final Sidecar sidecar;
    private final IoThreads ioThreads;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final SpaceWatch spaceWatch;
    private volatile Listener listener = new Listener() {};
    private volatile Seen seen;
    private @Nullable ImageWatch watch;

    /// Opens or creates the image, takes its locks and learns its extents.
    ///
    /// @throws LunOpenException when the image cannot be served as asked; nothing is left behind
    /// @throws IOException when a system call fails otherwise
    public static LunBackend open(LunSpec spec) throws IOException {
        return open(spec, () -> false);
    }

    /// The same; filling a new image may take hours, and ends when somebody wants it to.
    ///
    /// @param preparation says whether the image is wanted, and is told how far it is
    /// @throws java.io.InterruptedIOException when it was not
    public static LunBackend open(LunSpec spec, Preparation preparation) throws IOException {
        ImageFile image = ImageOpening.open(spec, preparation);
        try {
            // Dirty pages of whoever had the file before hide behind unwritten blocks and holes.
            image.syncData();
            LunBackend backend = new LunBackend(spec, image, image::syncData);
            backend.watch();
            return backend;
        } catch (IOException | RuntimeException e) {
            ImageOpening.close(image, e);
            throw e;
        }
    }

    LunBackend(LunSpec spec, ImageFile image, FlushGate.Synchronization synchronization)
            throws IOException {
        this.spec = spec;
        this.image = image;
        this.sidecar = new Sidecar(spec.image());
        this.tree = new ExtentTree(image.sizeBytes());
        this.scanner = new ExtentScanner(image, tree);
        this.mapRefresh = new MapRefresh(spec.image(), scanner);
        this.ioThreads = new IoThreads(spec.image(), spec.tuning().ioThreads());
        RangeLocks locks = new RangeLocks();
        LunTuning tuning = spec.tuning();
        this.chunks =
                new ChunkAllocation(
                        image, tree, scanner, locks, tuning.allocationChunkBytes(), ioThreads);
        this.failure = new FirstFailure("image " + spec.image(), () -> listener.failed());
        this.batcher =
                new WritebackBatcher(
                        image,
                        tree,
                        failure,
                        ioThreads,
                        LunClock.SHARED,
                        new WritebackBatcher.Limits(
                                tuning.dirtyExpire().toNanos(),
                                tuning.dirtyBackgroundBytes(),
                                tuning.dirtyBytes()),
                        chunks);
        this.gate = new FlushGate(failure, () -> batcher.synchronize(synchronization), ioThreads);
        this.health = new LunHealth(spec, failure);
        Exchanges exchanges = new Exchanges();
        ReadAhead ahead = new ReadAhead(image, tree, ioThreads);
        this.reads = new ReadPath(image, tree, scanner, health, ahead, locks, exchanges);
        this.waitingReads =
                spec.cacheMode().directIo()
                        ? new JoinedReads(ioThreads, reads)
                        : new BegunReads(ioThreads, reads);
        FolioRenewal renewal = new FolioRenewal(image, tree, locks, batcher::written);
        LargeFolios folios =
                new LargeFolios(image.sizeBytes(), ioThreads, renewal::renew, failure::fail);
        this.writes =
                new WritePath(
                        spec, image, tree, scanner, locks, health, chunks, batcher, folios,
                        exchanges);
        this.erasures = new ErasePath(image, tree, scanner, locks, health);
        this.copies =
                new CopyPath(
                        spec, image, tree, scanner, locks, health, chunks, batcher, writes,
                        erasures);
        this.unmaps = new UnmapQueue(ioThreads, erasures::unmap);
        this.spaceWatch =
                new SpaceWatch(
                        "image " + spec.image(),
                        lowSpaceBytes(),
                        System::nanoTime,
                        () -> listener.lowOnSpace());
        this.seen = new Seen(space(), System.nanoTime());
        chunks.room(seen.space().availableBytes(), 0);
    }

    /// What is kept beside the image under a name, in a file of its own; nothing when nobody kept
    /// anything. May block.
    ///
    /// @param section letters: what belongs together and to one user of this call
    /// @throws IOException when nobody knows what was kept
    public SortedMap<String, String> keptBeside(String section) throws IOException {
        return sidecar.section(section);
    }

    /// Whether what was kept under a name is damaged, and nothing else for that. May block.
    ///
    /// @throws IOException when nobody knows what was kept under any name
    public boolean damagedBeside(String section) throws IOException {
        return sidecar.damaged(section);
    }

    /// Whether damage to what is kept would be noticed, name by name. May block.
    public boolean checkedBeside() throws IOException {
        return sidecar.checked();
    }

    /// Copies all that is kept, as it is, and says where to. Durable on return. May block.
    public Path setAsideBeside() throws IOException {
        return sidecar.setAside();
    }

    /// Keeps something beside the image instead of what was there under that name; no entries:
    /// nothing. On return it is durable. May block.
    public void keepBeside(String section, Map<String, String> content) throws IOException {
        sidecar.replace(section, content);
    }

    /// Where that is.
    public Path placeBeside() {
        return sidecar.path();
    }

    /// Who wants to know what happens to a LUN when nobody asks. Called from any thread; must not
    /// block.
    public interface Listener {
        /// The file system has less left than is to be reported. Told again while it stays so.
        default void lowOnSpace() {}

        /// The LUN has failed: data of writes that were acknowledged may be lost.
        default void failed() {}
    }

    /// Says who wants to know; at most one.
    public void listen(Listener wanting) {
        listener = wanting;
    }

    private void watch() throws IOException {
        Guard guard = spec.tuning().guard();
        watch =
                ImageWatch.start(
                        image, readOnly(), guard != Guard.OFF, guard == Guard.DENY, new Watched());
    }

    /// What the watch of the image finds.
    private final class Watched implements ImageWatch.Listener {
        @Override
        public void failed(IOException reason) {
            failure.fail(reason);
        }

        @Override
        public void opened() {
            // Whoever opened it may share its blocks with another file, or move them.
            mapRefresh.requestAll();
        }

        @Override
        public void tick() throws IOException {
            Space now = space();
            seen = new Seen(now, System.nanoTime());
            chunks.room(now.availableBytes(), unwrittenBytes());
            if (mayNeedSpace(now.usedBytes())) {
                spaceWatch.look(now.availableBytes());
            }
            mapRefresh.tick();
        }
    }

    /// Asks about some windows of the map again; may block.
    void refreshMap(int windows) {
        mapRefresh.refresh(windows);
    }

    /// What other programs did to the blocks of an image since it was opened, as far as it was
    /// noticed.
    ///
    /// @param movedBytes bytes that lie elsewhere now (defragmentation, balancing)
    /// @param sharedBytes bytes that other files use too now (reflink)
    /// @param foreignBytes bytes that were written behind our back
    public record MapChanges(long movedBytes, long sharedBytes, long foreignBytes) {}

    /// What other programs did to the blocks.
    public MapChanges mapChanges() {
        return mapRefresh.changes();
    }

    /// The capacity served, a multiple of the block size. It only grows, by [#grow].
    public long sizeBytes() {
        return tree.sizeBytes();
    }

    /// Makes the image larger while it is served, with space for the new part as the specification
    /// says. On return the new size is durable and served, and the new part reads as zeros. May
    /// take hours where the new part is filled; other calls go on meanwhile. Not on the I/O
    /// threads, and not twice at a time.
    ///
    /// @param sizeBytes a multiple of the block size, at least [#sizeBytes]
    /// @param preparation says whether it is wanted, and is told how far it is
    /// @throws LunOpenException when it cannot be had; the size is as before
    /// @throws LunFailedException when the LUN has failed, or the file system reports an error
    /// @throws java.io.InterruptedIOException when it was stopped; the size is as before
    public void grow(long sizeBytes, Preparation preparation) throws IOException {
        health.checkUsable();
        long before = sizeBytes();
        ImageOpening.grow(spec, image, sizeBytes, preparation);
        if (sizeBytes == before) {
            return;
        }
        flush();
        tree.grow(sizeBytes);
        if (spec.allocation() != Allocation.SPARSE) {
            tree.turn(BlockState.HOLE, BlockState.UNWRITTEN, before, sizeBytes - before);
        }
    }

    /// Whether writes are refused.
    public boolean readOnly() {
        return spec.readOnly();
    }

    /// How writes travel to stable storage.
    public CacheMode cacheMode() {
        return spec.cacheMode();
    }

    /// Reads `lengthBytes` at `offsetBytes` to the writer index of `destination` when no disk is
    /// needed: holes and unwritten blocks are zeros, warm pages are copied.
    ///
    /// @return false when the read would block or this LUN has failed; the indexes and readable
    ///   bytes of `destination` are unchanged
    public boolean tryRead(long offsetBytes, ByteBuf destination, int lengthBytes) {
        assert inside(offsetBytes, lengthBytes) : offsetBytes + "+" + lengthBytes;
        return reads.tryRead(offsetBytes, destination, lengthBytes);
    }

    /// Reads `lengthBytes` at `offsetBytes` to the writer index of `destination`, which advances.
    /// May block.
    public void read(long offsetBytes, ByteBuf destination, int lengthBytes) throws IOException {
        assert inside(offsetBytes, lengthBytes) : offsetBytes + "+" + lengthBytes;
        reads.read(offsetBytes, destination, lengthBytes);
    }

    /// The same on the I/O threads without waiting: `waiter` is told when it is done. Until then
    /// nobody else may touch `destination`. From any thread, an event loop's too.
    ///
    /// @throws RejectedExecutionException when this LUN is closed; `waiter` is not told
    public void read(long offsetBytes, ByteBuf destination, int lengthBytes, ReadWaiter waiter) {
        assert inside(offsetBytes, lengthBytes) : offsetBytes + "+" + lengthBytes;
        waitingReads.read(new ReadRequest(offsetBytes, destination, lengthBytes, waiter));
    }

    /// Who wants to know that a read is done.
    @FunctionalInterface
    public interface ReadWaiter {
        /// Called once, on an I/O thread, which it may keep for more reads.
        ///
        /// @param failure why there are no data, or null
        void read(@Nullable IOException failure);
    }

    /// Writes all readable bytes of `source` at `offsetBytes` when that can neither block nor
    /// allocate: a page-aligned write with [CacheMode#WRITE_BACK] to blocks that are mapped or have
    /// their space, or to holes where the file system only reserves it. The indexes of `source` do
    /// not move.
    ///
    /// @return false when the write must go through [#write]; nothing was written, or, after an
    ///   error that [#write] will report, a part of it
    public boolean tryWrite(long offsetBytes, ByteBuf source) {
        int lengthBytes = source.readableBytes();
        assert inside(offsetBytes, lengthBytes) : offsetBytes + "+" + lengthBytes;
        return writes.tryWrite(offsetBytes, source, lengthBytes);
    }

    /// Writes all readable bytes of `source` at `offsetBytes`. The indexes of `source` do not move.
    /// On return the data survives the death of this process, whatever the cache mode. For more,
    /// call [#flush]: once after the last piece of a command with FUA, and of any command with
    /// [CacheMode#WRITE_THROUGH].
    ///
    /// @throws NoSpaceException when the file system is full
    public void write(long offsetBytes, ByteBuf source) throws IOException {
        int lengthBytes = source.readableBytes();
        assert inside(offsetBytes, lengthBytes) : offsetBytes + "+" + lengthBytes;
        writes.write(offsetBytes, source, lengthBytes);
    }

    /// Makes the range read as zeros and keeps or takes its space (ZERO_RANGE), so that later
    /// writes there cannot run out of it.
    ///
    /// @throws NoSpaceException when the file system is full
    public void zero(long offsetBytes, long lengthBytes) throws IOException {
        assert inside(offsetBytes, lengthBytes) : offsetBytes + "+" + lengthBytes;
        erasures.zero(offsetBytes, lengthBytes);
    }

    /// Makes the range read as zeros and gives its whole blocks back to the file system
    /// (PUNCH_HOLE), without waiting: `waiter` is told when it is so. Ranges that touch and wait
    /// together are given back together. Where the file system cannot do that, this is [#zero].
    /// From any thread, an event loop's too.
    public void unmap(long offsetBytes, long lengthBytes, UnmapWaiter waiter) {
        assert inside(offsetBytes, lengthBytes) : offsetBytes + "+" + lengthBytes;
        unmaps.unmap(offsetBytes, lengthBytes, waiter);
    }

    /// Who wants to know that a range has been unmapped.
    @FunctionalInterface
    public interface UnmapWaiter {
        /// Called once, on an I/O thread; must not block.
        ///
        /// @param failure why the range may still hold data, or null
        void unmapped(@Nullable IOException failure);
    }

    /// Replaces a range if it holds what is expected. Nobody else writes to it meanwhile, and who
    /// reads it sees what was before or what is after. May block; what [#write] says of durability
    /// holds.
    ///
    /// @param expected as many bytes as `replacement`; the indexes of neither move
    /// @return [#SAME] when it was replaced, else how many bytes before the first that differs
    /// @throws NoSpaceException when the file system is full
    public long compareAndWrite(long offsetBytes, ByteBuf expected, ByteBuf replacement)
            throws IOException {
        assert inside(offsetBytes, expected.readableBytes()) : offsetBytes + "+" + expected;
        return writes.compareAndWrite(offsetBytes, expected, replacement);
    }

    /// Sets the bits of a range that are set in `source`. Nobody else writes to it meanwhile, and
    /// who reads it sees what was before or what is after. May block; what [#write] says of
    /// durability holds. The indexes of `source` do not move.
    ///
    /// @throws NoSpaceException when the file system is full
    public void or(long offsetBytes, ByteBuf source) throws IOException {
        assert inside(offsetBytes, source.readableBytes()) : offsetBytes + "+" + source;
        writes.or(offsetBytes, source);
    }

    /// Copies a range of another LUN, or of this one, even one that overlaps with its new place.
    /// What reads as zeros takes no space afterwards, unless this LUN has its space reserved. May
    /// block; what [#write] says of durability holds.
    ///
    /// @param lengthBytes at most [#MAX_COPY_BYTES]
    /// @throws CopySourceException when the source cannot be read, has failed or is closed
    /// @throws NoSpaceException when the file system is full
    public void copy(LunBackend source, long sourceOffsetBytes, long offsetBytes, int lengthBytes)
            throws IOException {
        assert inside(offsetBytes, lengthBytes) : offsetBytes + "+" + lengthBytes;
        assert source.inside(sourceOffsetBytes, lengthBytes) : sourceOffsetBytes;
        if (!source.ioThreads.enter()) {
            throw new CopySourceException(new IOException("the LUN is closed"));
        }
        try {
            copies.copy(source.copies, sourceOffsetBytes, offsetBytes, lengthBytes);
        } finally {
            source.ioThreads.leave();
        }
    }

    /// Tells whether ranges are as they were. Beginning a watch blocks.
    public RangeWatches watches() {
        return copies.watches();
    }

    /// The way to erase the whole image.
    public Erasure erasure() {
        return new Erasure(spec, image, tree, scanner, health, writes, erasures);
    }

    /// Begins to read a range from the disk, so that reads find it in memory. Says nothing about
    /// whether it will stay there. May block.
    public void readAhead(long offsetBytes, long lengthBytes) {
        assert inside(offsetBytes, lengthBytes) : offsetBytes + "+" + lengthBytes;
        image.readAhead(offsetBytes, lengthBytes);
    }

    /// Tells how a range is provisioned, as far as is known: a report, not a promise, since writes
    /// may be under way. Costs a lookup in the file system for each 4 MiB nobody asked about
    /// before.
    public void provisioning(long offsetBytes, long lengthBytes, Provisioning.Visitor visitor)
            throws IOException {
        assert inside(offsetBytes, lengthBytes) : offsetBytes + "+" + lengthBytes;
        health.checkUsable();
        long end = offsetBytes + lengthBytes;
        ProvisioningRuns runs = new ProvisioningRuns(offsetBytes, end, visitor);
        long at = offsetBytes;
        while (at < end && runs.wanted()) {
            long bytes = Math.min(end, (at / REPORT_BYTES + 1) * REPORT_BYTES) - at;
            scanner.learn(at, bytes);
            tree.visit(at, bytes, runs::extent);
            at += bytes;
        }
        runs.handOn();
    }

    /// Returns when everything written before this call is on stable storage. Not on the I/O
    /// threads, which it needs.
    ///
    /// @throws LunFailedException when the file system reported an error; the LUN has then failed
    public void flush() throws IOException {
        CompletableFuture<@Nullable IOException> answer = new CompletableFuture<>();
        gate.flush(answer::complete);
        IOException failure = answer.join();
        if (failure != null) {
            throw health.explain(failure);
        }
    }

    /// The same without waiting: `waiter` is told when it is so. One synchronization of the file
    /// answers all who asked before it began. From any thread, an event loop's too.
    public void flush(FlushWaiter waiter) {
        gate.flush(failure -> waiter.flushed(failure == null ? null : health.explain(failure)));
    }

    /// Begins a flush that nobody waits for. When it fails the LUN has failed.
    public void flushSoon() {
        gate.request();
    }

    /// Who wants to know that a flush has completed.
    @FunctionalInterface
    public interface FlushWaiter {
        /// Called once, on an I/O thread; must not block.
        ///
        /// @param failure why written data may be lost; null when it is on stable storage
        void flushed(@Nullable LunFailedException failure);
    }

    /// The bounded threads of this LUN for calls that may block. Work is started in order of
    /// submission, as many at a time as there are threads. After [#close] it throws
    /// [RejectedExecutionException]: the submitter must answer for the work itself.
    public Executor ioThreads() {
        return ioThreads;
    }

    /// The same threads for writes: while too much written data waits for the disk, writes wait
    /// here, and no thread with them.
    public Executor writeThreads() {
        return batcher.throttle();
    }

    /// How much space an image takes, and how much more there is for all files of its file system.
    public record Space(long usedBytes, long availableBytes) {}

    /// The space of now. Asks the file system.
    public Space space() throws IOException {
        return new Space(image.allocatedBytes(), image.freeBytes());
    }

    /// How little space is reported as too little by the specification; 0: nothing is reported.
    public long lowSpaceBytes() {
        return spec.tuning().lowSpaceBytes();
    }

    /// Reports less space than this instead, from the next look on; 0: nothing. From any thread.
    public void reportSpaceBelow(long bytes) {
        spaceWatch.lowBytes(bytes);
    }

    /// Below how much space that is reported now; 0: never.
    public long reportedSpaceBelow() {
        return spaceWatch.lowBytes();
    }

    /// Whether a write can still fail for lack of space.
    private boolean mayNeedSpace(long usedBytes) {
        return !spec.readOnly() && (usedBytes < sizeBytes() || !image.overwritesInPlace());
    }

    /// Bytes that were written and are not known to have reached the disk.
    public long unwrittenBytes() {
        return batcher.unwrittenBytes();
    }

    /// The space of the image as it was at a time of [System#nanoTime].
    private record Seen(Space space, long atNanos) {}

    /// How this LUN is. Asks neither the file system nor anybody who might wait for it, so it
    /// answers at once when the disk does not, and after [#close].
    public LunStatistics statistics() {
        Seen last = seen;
        IOException error = failure.error();
        return new LunStatistics(
                sizeBytes(),
                last.space(),
                Duration.ofNanos(System.nanoTime() - last.atNanos()),
                unwrittenBytes(),
                mapChanges(),
                watch == null ? 0 : watch.opensSeen(),
                gate.answered(),
                gate.synchronizations(),
                error == null ? Optional.empty() : Optional.of(reason(error)));
    }

    private static String reason(IOException error) {
        String message = error.getMessage();
        return message == null ? error.toString() : message;
    }

    /// Ends the I/O threads once their queue is done, flushes, releases the locks and closes the
    /// file. No other call may be running elsewhere or follow, except this one, which then does
    /// nothing. Not to be called on the I/O threads.
    ///
    /// @throws IOException when the final flush failed: acknowledged data may be lost
    @Override
    public void close() throws IOException {
        if (closed.getAndSet(true)) {
            return;
        }
        mapRefresh.end();
        if (watch != null) {
            watch.close();
        }
        batcher.end();
        ioThreads.close();
        try (image) {
            if (!spec.readOnly()) {
                flush();
            }
        }
    }

    private boolean inside(long offset, long length) {
        return offset >= 0 && length >= 0 && length <= sizeBytes() - offset;
    }
}
